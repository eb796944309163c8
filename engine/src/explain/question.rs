//! From names and addresses to a question about packets.

use super::refused::QuestionError;
use crate::base::ids::{EniIx, GuestIx, InetIx, VpceIx};
use crate::base::{PortRange, Protocol};
use crate::compile::{ANY_HOST, Network};
use crate::fabric::{EPHEMERAL, EniKind, Fabric, VpceService};
use crate::names::{Found, Kind};
use std::net::IpAddr;

/// A question: what becomes of the first packet of a conversation, and of the reply?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// Who sends.
    pub from: Origin,
    /// Destination address as the sender writes it.
    pub to: IpAddr,
    /// Protocol. ICMP stands for an echo request.
    pub protocol: Protocol,
    /// Source port; chosen from the guest's ephemeral ports if absent.
    pub src_port: Option<u16>,
    /// Destination port of TCP and UDP.
    pub dst_port: u16,
}

/// Who sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A guest, by one of its interfaces and with one of its addresses.
    Eni {
        /// The interface.
        eni: EniIx,
        /// The source address.
        address: IpAddr,
    },
    /// A host on the internet.
    Internet {
        /// Its address.
        address: IpAddr,
    },
    /// A host at a site, or a client of a Client VPN endpoint.
    Site {
        /// The host.
        host: InetIx,
        /// The source address.
        address: IpAddr,
    },
}

impl Origin {
    /// The source address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        match self {
            Self::Eni { address, .. } | Self::Internet { address } | Self::Site { address, .. } => *address,
        }
    }
    /// Its ephemeral ports.
    #[must_use]
    pub fn ephemeral(&self, fabric: &Fabric) -> PortRange {
        match self {
            Self::Eni { eni, .. } => {
                fabric.enis[*eni].guest().map_or(EPHEMERAL, |guest| fabric.guests[guest].ephemeral)
            }
            Self::Internet { .. } | Self::Site { .. } => EPHEMERAL,
        }
    }
}

/// Who has an address.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Eni(EniIx),
    Site(InetIx),
    /// Nobody in the network.
    Other,
}

/// Addresses that a text stands for, with the interface where it is one of the network's.
#[derive(Clone, Debug)]
struct Ends {
    candidates: Vec<(Owner, IpAddr)>,
}

/// Who sends and to which address: two texts as a person types them. The family is the one both have,
/// IPv4 first; from the internet a name means the public address. A destination that names nothing here is asked of the
/// resolver of the sender's VPC.
///
/// # Errors
/// If a text names nothing, several things, or something that cannot send or receive.
pub fn resolve_origin(network: &Network, from: &str, to: &str) -> Result<(Origin, IpAddr), QuestionError> {
    let sources = ends(network, from)?;
    let targets = match resolve_target(network, to) {
        Err(unknown @ QuestionError::Unknown { .. }) => {
            lookup_by(network, &sources, to).map(|(_, found)| found).ok_or(unknown)?
        }
        found => found?,
    };
    for (owner, source) in &sources.candidates {
        for target in &targets {
            if source.is_ipv4() == target.is_ipv4() {
                let from = origin(network, *owner, *source)?;
                return Ok((from, meant(network, from, to, *target)));
            }
        }
    }
    let from_v4 = sources.candidates.iter().any(|(_, address)| address.is_ipv4());
    Err(QuestionError::NoCommonFamily { from: from.to_owned(), to: to.to_owned(), from_v4 })
}

/// Two ends as a person means them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    /// Who sends.
    pub from: Origin,
    /// The address that it writes to: from the internet a name means the public address, if there is one.
    pub to: IpAddr,
    /// If the resolver of the sender's VPC was asked for it: by which interface, and the addresses in its answer.
    pub lookup: Option<(EniIx, Vec<IpAddr>)>,
}

/// [`resolve_origin`] for one question of a person, who is told if it makes no sense.
///
/// # Errors
/// As [`resolve_origin`]; also if both ends are outside, or an address is that of no host.
pub fn resolve(network: &Network, from: &str, to: &str) -> Result<Ask, QuestionError> {
    let fabric = &network.fabric;
    let (origin, target) = resolve_origin(network, from, to)?;
    let no_host = |address: IpAddr| address.is_loopback() || address.is_unspecified();
    let broadcast = |address: IpAddr| address.is_multicast() || address == IpAddr::from([u8::MAX; 4]);
    match origin {
        _ if no_host(target) => return Err(QuestionError::NotAHost { address: target }),
        Origin::Internet { address } if no_host(address) || broadcast(address) => {
            return Err(QuestionError::NotAHost { address });
        }
        Origin::Internet { .. } => {}
        _ => {
            let unknown = matches!(resolve_target(network, to), Err(QuestionError::Unknown { .. }));
            let lookup = if unknown { lookup_by(network, &ends(network, from)?, to) } else { None };
            return Ok(Ask { from: origin, to: target, lookup });
        }
    }
    let stranger = ANY_HOST.1.iter().any(|any| any.parse() == Ok(target));
    if stranger || fabric.internet_host(target).is_some_and(|host| fabric.vantage_of(host).is_none()) {
        return Err(QuestionError::Outside { from: from.to_owned(), to: to.to_owned() });
    }
    Ok(Ask { from: origin, to: target, lookup: None })
}

/// The address that a sender means by a destination's name, of which `target` is an address: from the internet the public one,
/// if there is one.
#[must_use]
pub fn meant(network: &Network, from: Origin, to: &str, target: IpAddr) -> IpAddr {
    let vpcs = network.fabric.vpcs.iter();
    match (from, target) {
        (Origin::Internet { .. }, IpAddr::V4(private)) if to.parse::<IpAddr>().is_err() => {
            let mut public =
                vpcs.filter(|vpc| vpc.eni_with(target).is_some()).filter_map(|vpc| vpc.public.get(&private));
            public.next().map_or(target, |public| IpAddr::V4(*public))
        }
        _ => target,
    }
}

/// What the resolver of the sender's VPC answers. Nothing if it knows no such name.
fn lookup_by(network: &Network, sources: &Ends, name: &str) -> Option<(EniIx, Vec<IpAddr>)> {
    let eni = sources.candidates.iter().find_map(|(owner, _)| match owner {
        Owner::Eni(eni) => Some(*eni),
        _ => None,
    })?;
    Some((eni, network.resolve(network.fabric.enis[eni].vpc, name))).filter(|(_, found)| !found.is_empty())
}

/// Who sends, for each address that a text stands for, IPv4 first.
///
/// # Errors
/// If the text names nothing, several things, or something that cannot send.
pub fn resolve_sources(network: &Network, from: &str) -> Result<Vec<Origin>, QuestionError> {
    ends(network, from)?.candidates.into_iter().map(|(owner, address)| origin(network, owner, address)).collect()
}

/// The addresses of a destination, IPv4 first.
///
/// # Errors
/// If the text names nothing, several things, or something that cannot receive.
pub fn resolve_target(network: &Network, to: &str) -> Result<Vec<IpAddr>, QuestionError> {
    // An address is an address, even if interfaces of several VPCs have it: the route decides whose is meant.
    if let Ok(address) = to.parse::<IpAddr>() {
        return Ok(vec![address]);
    }
    Ok(ends(network, to)?.candidates.into_iter().map(|(_, address)| address).collect())
}

fn origin(network: &Network, owner: Owner, address: IpAddr) -> Result<Origin, QuestionError> {
    let fabric = &network.fabric;
    match owner {
        Owner::Eni(eni) => return Ok(Origin::Eni { eni, address }),
        Owner::Site(host) => return Ok(Origin::Site { host, address }),
        Owner::Other => {}
    }
    // A public address of one of the guests means that guest.
    if let IpAddr::V4(public) = address
        && let Some(crate::fabric::PublicBinding { owner: crate::fabric::PublicOwner::Eni { eni, private }, .. }) =
            fabric.public_v4.get(&public)
    {
        return Ok(Origin::Eni { eni: *eni, address: (*private).into() });
    }
    if fabric.vpcs.iter().any(|vpc| vpc.contains(address)) {
        return Err(QuestionError::NobodyHas { address });
    }
    Ok(Origin::Internet { address })
}

fn ends(network: &Network, text: &str) -> Result<Ends, QuestionError> {
    let (fabric, names) = (&network.fabric, &network.names);
    if let Ok(address) = text.parse::<IpAddr>() {
        let enis = fabric.vpcs.iter().filter_map(|vpc| vpc.eni_with(address)).map(Owner::Eni);
        let hosts = fabric.routers.iter().filter_map(|router| router.hosts.get(&address).copied()).map(Owner::Site);
        let clients = fabric.cvpn_clients.iter().filter(|client| IpAddr::V4(client.address) == address);
        let clients = clients.map(|client| Owner::Site(client.host));
        let owners: Vec<Owner> = enis.chain(hosts).chain(clients).collect();
        return match owners.as_slice() {
            [] => Ok(Ends { candidates: vec![(Owner::Other, address)] }),
            [owner] => Ok(Ends { candidates: vec![(*owner, address)] }),
            several => {
                let id = |owner: &Owner| match owner {
                    Owner::Eni(eni) => names.enis[*eni].id.clone(),
                    Owner::Site(host) => names.internet_hosts[*host].id.clone(),
                    Owner::Other => unreachable!("several have it"),
                };
                let ids = several.iter().map(id).collect();
                Err(QuestionError::Ambiguous { name: text.to_owned(), ids })
            }
        };
    }
    if text == ANY_HOST.0 {
        return Ok(Ends {
            candidates: ANY_HOST.1.iter().map(|a| (Owner::Other, a.parse().expect("an address"))).collect(),
        });
    }
    let kind = match names.find(text) {
        Found::One(kind) => kind,
        Found::Several(ids) => return Err(QuestionError::Ambiguous { name: text.to_owned(), ids }),
        Found::None(near) => return Err(QuestionError::Unknown { name: text.to_owned(), near }),
    };
    let not_an_end = |kind| Err(QuestionError::NotAnEnd { name: text.to_owned(), kind });
    match kind {
        Kind::Guest(guest) => Ok(Ends { candidates: guest_addresses(network, guest) }),
        Kind::Eni(eni) => Ok(Ends { candidates: eni_addresses(network, eni) }),
        Kind::Nat(nat) => match fabric.nats[nat].eni {
            Some(eni) => Ok(Ends { candidates: eni_addresses(network, eni) }),
            None => not_an_end("a regional NAT gateway"),
        },
        Kind::Internet(host) => {
            let h = &fabric.internet_hosts[host];
            let owner = if fabric.vantage_of(host).is_some() { Owner::Site(host) } else { Owner::Other };
            Ok(Ends { candidates: h.addresses.iter().map(|a| (owner, *a)).collect() })
        }
        Kind::Subnet(_) => not_an_end("a subnet"),
        Kind::Vpc(_) => not_an_end("a VPC"),
        Kind::Rtb(_) => not_an_end("a route table"),
        Kind::Acl(_) => not_an_end("a network ACL"),
        Kind::Sg(_) => not_an_end("a security group"),
        Kind::PrefixList(_) => not_an_end("a prefix list"),
        Kind::Igw(_) => not_an_end("an internet gateway"),
        Kind::Eigw(_) => not_an_end("an egress-only internet gateway"),
        Kind::Pcx(_) => not_an_end("a VPC peering connection"),
        Kind::Tgw(_) => not_an_end("a transit gateway"),
        Kind::TgwAttach(_) => not_an_end("a transit gateway attachment"),
        Kind::TgwRtb(_) => not_an_end("a transit gateway route table"),
        Kind::Mcast(_) => not_an_end("a multicast domain"),
        Kind::Service(_) => not_an_end("an endpoint service, which is reached by a consumer's endpoint"),
        Kind::Vgw(_) => not_an_end("a virtual private gateway"),
        Kind::Tunnel(_) => not_an_end("a VPN tunnel"),
        Kind::Dxgw(_) => not_an_end("a Direct Connect gateway"),
        Kind::Lag(_) => not_an_end("a link aggregation group"),
        Kind::Vif(_) => not_an_end("a virtual interface"),
        Kind::Cvpn(_) => not_an_end("a Client VPN endpoint; name one of its clients"),
        Kind::MirrorFilter(_) => not_an_end("a traffic mirror filter"),
        Kind::MirrorSession(_) => not_an_end("a traffic mirror session; name its source"),
        Kind::Router(_) => not_an_end("a router of a site"),
        Kind::Vpce(vpce) => Ok(Ends { candidates: endpoint_addresses(network, vpce) }),
        Kind::NotModelled(nm) => {
            // An interface of a service has addresses even if what is behind it is not modelled.
            let found = fabric.enis.iter_enumerated().find(|(_, eni)| eni.kind == EniKind::NotModelled(nm));
            match found {
                Some((eni, _)) => Ok(Ends { candidates: eni_addresses(network, eni) }),
                None => not_an_end("a resource that is not modelled"),
            }
        }
    }
}

fn eni_addresses(network: &Network, eni: EniIx) -> Vec<(Owner, IpAddr)> {
    let e = &network.fabric.enis[eni];
    e.v4.map(IpAddr::V4).into_iter().chain(e.v6.map(IpAddr::V6)).map(|address| (Owner::Eni(eni), address)).collect()
}

/// The addresses of an interface endpoint's interfaces; the first address of a gateway endpoint's service.
fn endpoint_addresses(network: &Network, vpce: VpceIx) -> Vec<(Owner, IpAddr)> {
    let fabric = &network.fabric;
    let own = fabric.enis.iter_enumerated().filter(|(_, eni)| eni.kind == EniKind::Vpce(vpce));
    let own: Vec<_> = own.flat_map(|(eni, _)| eni_addresses(network, eni)).collect();
    match fabric.vpces[vpce].service {
        VpceService::Aws(host) if own.is_empty() => {
            fabric.internet_hosts[host].addresses.iter().map(|address| (Owner::Other, *address)).collect()
        }
        _ => own,
    }
}

fn guest_addresses(network: &Network, guest: GuestIx) -> Vec<(Owner, IpAddr)> {
    let mut all: Vec<_> =
        network.fabric.guests[guest].enis.iter().flat_map(|eni| eni_addresses(network, *eni)).collect();
    all.sort_by_key(|(_, address)| address.is_ipv6());
    all
}
