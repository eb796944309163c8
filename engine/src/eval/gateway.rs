//! Internet gateways and the link-local range: what an address alone decides.

use crate::base::ids::{EniIx, IgwIx};
use crate::fabric::{Fabric, VpcRow};
use crate::verdict::{Decision, RowIx, Service};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address in AWS's link-local range leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkLocal {
    /// A service answers.
    Service(Service, RowIx),
    /// Nothing answers.
    Nothing(RowIx),
}

const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
const TIME: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 123);
const RESOLVER_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253);
/// Not re-read in AWS's pages (SVC-2 is `assumed` for these two).
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
const TIME_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x123);

/// The link-local service that `eni` reaches at `dst`; nothing if `dst` is an ordinary address (SVC-1).
#[inline]
#[must_use]
pub fn link_local(fabric: &Fabric, eni: EniIx, dst: IpAddr) -> Option<LinkLocal> {
    let vpc = &fabric.vpcs[fabric.enis[eni].vpc];
    let resolver = || {
        // SVC-6, assumed.
        if vpc.dns_support {
            LinkLocal::Service(Service::Resolver, vpc.row(VpcRow::Service))
        } else {
            LinkLocal::Nothing(vpc.row(VpcRow::DnsOff))
        }
    };
    let serve = |service| LinkLocal::Service(service, vpc.row(VpcRow::Service));
    match dst {
        IpAddr::V4(a) if vpc.resolver == Some(a) => Some(resolver()),
        IpAddr::V4(a) if a.octets()[..2] == [169, 254] => Some(match a {
            RESOLVER => resolver(),
            METADATA => serve(Service::Metadata),
            TIME => serve(Service::Time),
            _ => LinkLocal::Nothing(vpc.row(VpcRow::ServiceNone)),
        }),
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some(serve(Service::Dhcp)),
        IpAddr::V6(a) if a.segments()[..2] == [0xfd00, 0xec2] => Some(match a {
            RESOLVER_V6 => resolver(),
            METADATA_V6 => serve(Service::Metadata),
            TIME_V6 => serve(Service::Time),
            _ => LinkLocal::Nothing(vpc.row(VpcRow::ServiceNone)),
        }),
        _ => None,
    }
}

/// Whether a destination may leave through an internet gateway (IGW-6).
#[must_use]
pub fn igw_destination(fabric: &Fabric, igw: IgwIx, dst: IpAddr) -> Decision {
    let igw = &fabric.igws[igw];
    match dst {
        IpAddr::V4(a) if a.is_private() => Decision::deny(igw.private_destination),
        IpAddr::V4(a) if is_shared(a) => Decision::deny(igw.shared_destination),
        IpAddr::V6(a) if a.is_unique_local() || a.is_unicast_link_local() => Decision::deny(igw.private_destination),
        _ => Decision::allow(igw.translate),
    }
}

/// Whether a source may enter through an internet gateway (IGW-7).
#[must_use]
pub fn igw_source(fabric: &Fabric, igw: IgwIx, src: IpAddr) -> Decision {
    let igw = &fabric.igws[igw];
    match src {
        IpAddr::V4(a) if a.is_private() || is_shared(a) => Decision::deny(igw.private_source),
        IpAddr::V6(a) if a.is_unique_local() => Decision::deny(igw.private_source),
        _ => Decision::allow(igw.translate),
    }
}

/// Shared address space, RFC 6598.
const fn is_shared(a: Ipv4Addr) -> bool {
    let [first, second, ..] = a.octets();
    first == 100 && second & 0xc0 == 64
}
