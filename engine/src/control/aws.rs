//! The policies that AWS's gateways have: every one of these is a fact of `docs/behaviour/route-selection.md`.
//!
//! | from | to | tells |
//! |---|---|---|
//! | virtual private gateway | VPN tunnel, virtual interface | everything: the VPC, and each site's prefixes to the others |
//! | virtual private gateway | Direct Connect gateway | the VPC's blocks that the allowed prefixes cover |
//! | transit gateway's table | VPN tunnel, Connect peer | everything in the table |
//! | transit gateway's table | Direct Connect gateway | the allowed prefixes, word for word |
//! | Direct Connect gateway | virtual interface | what its associations told; with SiteLink also other such interfaces |
//! | Direct Connect gateway | associated gateway | what its virtual interfaces told |
//! | public network | public virtual interface | AWS's public prefixes, never another customer's |
//!
//! Not modelled: how many routes AWS tells at most.

use super::policy::{Accept, DX_MEDIUM, DX_REMOTE, Distance, Export, Filter, Import, Preference};
use super::route::{Class, Classes, Communities};
use crate::base::Cidr;

/// Prefixes of one family that a private or transit virtual interface takes from a customer (BGP-13).
pub const DX_PREFIXES_MAX: u32 = 100;

/// Prefixes of one family that a public virtual interface takes from a customer (BGP-30).
pub const PUBLIC_PREFIXES_MAX: u32 = 1_000;
/// AWS's system on public virtual interfaces (BGP-27).
pub const PUBLIC_ASN: u32 = 7224;
/// Systems in the path of what AWS tells there, at least (BGP-27).
pub const PUBLIC_PATH_MIN: u8 = 3;

/// MED that AWS sends by the tunnel of a VPN connection that it wants to be used (BGP-19; the numbers are assumed).
pub const TUNNEL_MED: u32 = 100;
/// MED that it sends by the other one.
pub const TUNNEL_MED_OTHER: u32 = 200;

impl Export {
    /// The same, as AWS tells it by one of two tunnels. While it updates one, it prefers the other (BGP-19).
    #[must_use]
    pub fn by_tunnel(self, preferred: bool) -> Self {
        Self { med: Some(if preferred { TUNNEL_MED } else { TUNNEL_MED_OTHER }), ..self }
    }

    /// Tells only these kinds of routes.
    #[must_use]
    pub fn only(classes: &[Class]) -> Self {
        Self { classes: Classes::of(classes), ..Self::default() }
    }

    /// A virtual private gateway to a VPN tunnel or a virtual interface of its own. Each site learns the others'
    /// prefixes (BGP-17); what a Direct Connect gateway told goes no further (BGP-16).
    #[must_use]
    pub fn vgw_to_site() -> Self {
        Self::only(&[Class::Local, Class::DirectConnect, Class::VpnStatic, Class::Vpn, Class::Floating])
    }

    /// A virtual private gateway to its Direct Connect gateway: the VPC's blocks that equal an allowed prefix or
    /// lie in one (BGP-14). Not its VPNs' routes (BGP-16).
    #[must_use]
    pub fn vgw_to_dxgw(allowed: Vec<Cidr>) -> Self {
        Self { filter: Filter::Covered(allowed), ..Self::only(&[Class::Local]) }
    }

    /// A transit gateway to a VPN tunnel or a Connect peer: the table that the attachment is associated with (BGP-20).
    #[must_use]
    pub fn tgw_to_site() -> Self {
        Self::default()
    }

    /// A transit gateway to its Direct Connect gateway: the allowed prefixes, whatever it holds (BGP-15).
    #[must_use]
    pub fn tgw_to_dxgw(allowed: Vec<Cidr>) -> Self {
        Self { originate: allowed, ..Self::only(&[]) }
    }

    /// A Direct Connect gateway to a virtual interface: its associations (BGP-16), and with SiteLink the other
    /// virtual interfaces that have it (BGP-12).
    #[must_use]
    pub fn dxgw_to_site(site_link: bool) -> Self {
        if site_link { Self::only(&[Class::Association, Class::SiteLink]) } else { Self::only(&[Class::Association]) }
    }

    /// A Direct Connect gateway to an associated gateway: what virtual interfaces told, not other associations (BGP-16).
    #[must_use]
    pub fn dxgw_to_gateway() -> Self {
        Self::only(&[Class::DirectConnect, Class::SiteLink])
    }

    /// AWS's public network to a public virtual interface whose location is that far from the prefixes' Region: AWS's own
    /// prefixes, tagged, not to be passed on (BGP-27); not what other customers told (DX-90).
    #[must_use]
    pub fn public_to_site(distance: Distance) -> Self {
        let tag = match distance {
            Distance::Region => Some(Communities::SAME_REGION),
            Distance::Continent => Some(Communities::SAME_CONTINENT),
            Distance::World => None,
        };
        let communities = Communities::new(tag.into_iter().chain([Communities::NO_EXPORT]));
        Self { communities, prepend: PUBLIC_PATH_MIN - 1, ..Self::only(&[Class::Local]) }
    }
}

impl Import {
    /// AWS's end of a private or transit virtual interface. `remote` if the location belongs to another Region than
    /// the VPC (BGP-9), which does not matter with SiteLink (BGP-12).
    #[must_use]
    pub fn direct_connect(remote: bool, site_link: bool) -> Self {
        let preference = Preference::DirectConnect { remote: remote && !site_link };
        Self { preference, ..Self::default() }
    }

    /// AWS's end of a public virtual interface, as a Region hears it that is that far from the location (BGP-28). Between
    /// equals the location of the own Region is better (BGP-29). `registered` are the prefixes that the customer has
    /// named to AWS, if it is known (DX-91).
    #[must_use]
    pub fn public(distance: Distance, registered: Option<&[Cidr]>) -> Self {
        let entry = |block: &Cidr| Accept { block: *block, le: if block.is_v4() { 32 } else { 128 } };
        let accept = registered.map(|list| list.iter().map(entry).collect());
        let preference = Preference::Set(if distance == Distance::Region { DX_MEDIUM } else { DX_REMOTE });
        Self { accept, preference, public: Some(distance), ..Self::default() }
    }

    /// A transit gateway's end of a Connect peer's session inside one system (BGP-21).
    #[must_use]
    pub fn connect_ibgp() -> Self {
        Self { foreign_only: true, ..Self::default() }
    }
}

impl Class {
    /// The class, at a Direct Connect gateway, of what a virtual interface tells.
    #[must_use]
    pub const fn of_vif(site_link: bool) -> Self {
        if site_link { Self::SiteLink } else { Self::DirectConnect }
    }
}
