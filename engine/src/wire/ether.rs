//! Ethernet frames: what captures and mirrored packets put around an IP packet.
//!
//! Hardware addresses are made from numbers of resources and are locally administered (IEEE 802-2014 section 8.4). Not modelled:
//! ARP and neighbour discovery; the VPC answers both.

/// Bytes of an Ethernet header.
pub const HEADER: u32 = 14;

/// A hardware address.
pub type Mac = [u8; 6];

/// The router of every subnet.
pub const ROUTER: Mac = [0x02, 0xff, 0, 0, 0, 1];

/// What kind of thing has a hardware address: its second byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Owner {
    /// A network interface.
    Eni,
    /// The inside of a tunnel.
    Inner,
    /// The outside of a tunnel.
    Outer,
    /// A virtual interface.
    Vif,
    /// The clients' side of a NAT gateway.
    NatInside,
    /// The other side of a NAT gateway.
    NatOutside,
}

/// The hardware address of the `n`th of a kind.
#[must_use]
pub const fn mac(owner: Owner, n: u32) -> Mac {
    let n = n.to_be_bytes();
    [0x02, owner as u8, n[0], n[1], n[2], n[3]]
}

/// Appends an Ethernet header to `out`; `v4` says which family follows.
pub fn header_into(dst: Mac, src: Mac, v4: bool, out: &mut Vec<u8>) {
    let ether_type: u16 = if v4 { 0x0800 } else { 0x86dd };
    out.extend_from_slice(&dst);
    out.extend_from_slice(&src);
    out.extend_from_slice(&ether_type.to_be_bytes());
}
