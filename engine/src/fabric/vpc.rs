//! Compiled VPCs, subnets and prefix lists.

use super::Lpm;
use crate::base::Cidr;
use crate::base::ids::{AclIx, EigwIx, EniIx, IgwIx, RtbIx, SubnetIx};
use crate::verdict::RowIx;
use rustc_hash::FxHashMap;
use std::net::{IpAddr, Ipv4Addr};

/// A VPC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vpc {
    /// IPv4 and IPv6 blocks.
    pub blocks: Box<[Cidr]>,
    /// Attached internet gateway.
    pub igw: Option<IgwIx>,
    /// Attached egress-only internet gateway.
    pub eigw: Option<EigwIx>,
    /// Single addresses and who has them.
    pub addresses: FxHashMap<IpAddr, EniIx>,
    /// Public IPv4 addresses by private address (ENI-7).
    pub public: FxHashMap<Ipv4Addr, Ipv4Addr>,
    /// Delegated IPv4 prefixes.
    pub prefixes_v4: Lpm<u32, EniIx>,
    /// Delegated IPv6 prefixes.
    pub prefixes_v6: Lpm<u128, EniIx>,
    /// Subnets by IPv4 address.
    pub subnets_v4: Lpm<u32, SubnetIx>,
    /// Subnets by IPv6 address.
    pub subnets_v6: Lpm<u128, SubnetIx>,
    /// Where the resolver answers besides the link-local addresses: primary IPv4 block + 2.
    pub resolver: Option<Ipv4Addr>,
    /// Whether the resolver answers.
    pub dns_support: bool,
    /// Block Public Access of its account and Region, less the VPC's exclusion.
    pub bpa: BpaMode,
    /// First of its implied rows; [`VpcRow`] counts from here.
    pub rows: RowIx,
    /// Region and account, as a number: equal for VPCs that share both.
    pub realm: u32,
    /// Region, as a number.
    pub region: u32,
    /// VPCs of the same Region with an active peering, ascending: their groups may be named in outbound rules (PCX-11).
    pub peers: Box<[super::VpcIx]>,
}

/// Block Public Access as it applies to one VPC or subnet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BpaMode {
    /// Traffic started from the internet is blocked.
    pub ingress: bool,
    /// Traffic started from inside is blocked.
    pub egress: bool,
}

impl BpaMode {
    /// Nothing is blocked.
    pub const OFF: Self = Self { ingress: false, egress: false };
}

/// Implied rows of a VPC, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum VpcRow {
    /// Nobody has the address.
    AddressNone,
    /// No link-local service there.
    ServiceNone,
    /// A link-local service answers.
    Service,
    /// The resolver is off.
    DnsOff,
    /// Block Public Access, inbound.
    BpaIn,
    /// Block Public Access, outbound.
    BpaOut,
    /// The path loops.
    Loop,
    /// In no multicast domain.
    McastNoDomain,
}

impl VpcRow {
    /// Number of implied rows per VPC.
    pub const COUNT: u32 = 8;
}

impl Vpc {
    /// One of its implied rows.
    #[inline]
    #[must_use]
    pub const fn row(&self, row: VpcRow) -> RowIx {
        RowIx(self.rows.0 + row as u32)
    }
    /// The interface that has `address`, delegated prefixes included.
    #[inline]
    #[must_use]
    pub fn eni_with(&self, address: IpAddr) -> Option<EniIx> {
        self.addresses.get(&address).copied().or_else(|| match address {
            IpAddr::V4(a) => self.prefixes_v4.get(a.into()),
            IpAddr::V6(a) => self.prefixes_v6.get(a.into()),
        })
    }
    /// The subnet whose block holds `address`.
    #[inline]
    #[must_use]
    pub fn subnet_with(&self, address: IpAddr) -> Option<SubnetIx> {
        match address {
            IpAddr::V4(a) => self.subnets_v4.get(a.into()),
            IpAddr::V6(a) => self.subnets_v6.get(a.into()),
        }
    }
    /// True if `address` is in one of its blocks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.blocks.iter().any(|block| block.contains(address))
    }
}

/// A subnet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subnet {
    /// Its VPC.
    pub vpc: super::VpcIx,
    /// IPv4 block.
    pub v4: Option<Cidr>,
    /// IPv6 block.
    pub v6: Option<Cidr>,
    /// Its zone, as a number: equal for subnets of one zone.
    pub zone: u32,
    /// Its Region, as a number.
    pub region: u32,
    /// Its multicast domain.
    pub mcast: Option<super::McastIx>,
    /// Its ACL.
    pub acl: AclIx,
    /// Its route table.
    pub rtb: RtbIx,
    /// Block Public Access after exclusions.
    pub bpa: BpaMode,
    /// Whether the resolver synthesises AAAA records.
    pub dns64: bool,
    /// The row "reserved address".
    pub reserved: RowIx,
}

impl Subnet {
    /// True if `address` is in one of its blocks.
    #[inline]
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let block = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        block.as_ref().is_some_and(|block| block.contains(address))
    }
    /// The address its router answers from: first address of the block plus one.
    #[must_use]
    pub fn router(&self, v4: bool) -> Option<IpAddr> {
        if v4 { &self.v4 } else { &self.v6 }.as_ref().and_then(|block| block.nth(1))
    }
}

/// A prefix list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrefixList {
    /// Which IPv4 addresses it holds.
    pub v4: Lpm<u32, ()>,
    /// Which IPv6 addresses it holds.
    pub v6: Lpm<u128, ()>,
}

impl PrefixList {
    /// True if one of its entries holds `address`.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(a) => self.v4.get(a.into()).is_some(),
            IpAddr::V6(a) => self.v6.get(a.into()).is_some(),
        }
    }
}
