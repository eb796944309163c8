//! A DHCP answer (RFC 2131, RFC 2132): what an instance's host tells it about its interface.
//!
//! Not modelled: leases that end, other messages than the one answer, DHCPv6, options sets of a VPC.

use std::net::Ipv4Addr;

/// What the answer says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The interface's primary address.
    pub address: Ipv4Addr,
    /// Prefix length of its subnet.
    pub prefix_len: u8,
    /// The subnet's router, which is also the server.
    pub router: Ipv4Addr,
    /// The resolver.
    pub resolver: Ipv4Addr,
    /// MTU of the interface.
    pub mtu: u16,
}

/// Seconds that a lease lasts.
const LEASE_SECONDS: u32 = 3600;
/// RFC 2131 section 3: the four bytes before the options.
const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// DHCPACK to a request. Transaction and hardware address are the request's, zeros if it is none.
#[must_use]
pub fn ack(request: &[u8], lease: &Lease) -> Vec<u8> {
    let mut out = vec![0; 236];
    // RFC 2131 section 2: BOOTREPLY, Ethernet, six bytes of hardware address.
    out[..4].copy_from_slice(&[2, 1, 6, 0]);
    if let Some(transaction) = request.get(4..8) {
        out[4..8].copy_from_slice(transaction);
    }
    if let Some(hardware) = request.get(28..44) {
        out[28..44].copy_from_slice(hardware);
    }
    out[16..20].copy_from_slice(&lease.address.octets());
    out[20..24].copy_from_slice(&lease.router.octets());
    out.extend_from_slice(&COOKIE);
    let mask = u32::MAX.checked_shl(32 - u32::from(lease.prefix_len)).unwrap_or(0);
    let mut option = |code: u8, data: &[u8]| {
        out.extend_from_slice(&[code, data.len() as u8]);
        out.extend_from_slice(data);
    };
    // RFC 2132: message type ACK, server, lease time, mask, router, resolver, interface MTU.
    option(53, &[5]);
    option(54, &lease.router.octets());
    option(51, &LEASE_SECONDS.to_be_bytes());
    option(1, &mask.to_be_bytes());
    option(3, &lease.router.octets());
    option(6, &lease.resolver.octets());
    option(26, &lease.mtu.to_be_bytes());
    out.push(255);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_carries_the_transaction_and_the_lease() {
        let mut request = vec![0; 240];
        request[4..8].copy_from_slice(&[1, 2, 3, 4]);
        let a = |last| Ipv4Addr::new(10, 0, 1, last);
        let lease = Lease { address: a(10), prefix_len: 24, router: a(1), resolver: a(2), mtu: 9001 };
        let bytes = ack(&request, &lease);
        assert_eq!((bytes[0], &bytes[4..8], &bytes[16..20]), (2, &[1, 2, 3, 4][..], &[10, 0, 1, 10][..]));
        assert!(bytes[236..].starts_with(&[99, 130, 83, 99, 53, 1, 5]));
        assert!(bytes.windows(6).any(|w| w == [1, 4, 255, 255, 255, 0]) && bytes.last() == Some(&255));
        // A request that is too short is answered without its transaction.
        assert_eq!(ack(&[], &lease)[4..8], [0; 4]);
    }
}
