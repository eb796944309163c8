//! L2: how to say it. Handles become names, rows become text, only when something is rendered.

mod find;
mod row;

pub use find::{Found, Kind};
pub use row::RowText;

use crate::base::IndexVec;
use crate::base::ids::{
    AclIx, CvpnIx, DxgwIx, EigwIx, EniIx, GuestIx, IgwIx, InetIx, LagIx, McastIx, MirrorFilterIx, MirrorSessionIx,
    NatIx, NmIx, PcxIx, PlIx, PublicIx, RouterIx, RtbIx, SgIx, SubnetIx, SvcIx, TgwAttachIx, TgwIx, TgwRtbIx, TunnelIx,
    VgwIx, VifIx, VpcIx, VpceIx,
};
use crate::diag::Span;
use crate::verdict::{LinkIx, RowIx};
use std::fmt;

/// What a resource is called.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Label {
    /// The name in the topology: an AWS id, or what the user chose.
    pub id: String,
    /// The `Name` tag, if it says something else.
    pub tag: Option<String>,
    /// Where it is written.
    pub span: Span,
}

impl fmt::Display for Label {
    /// The tag where there is one, with the id behind it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tag {
            Some(tag) => write!(f, "{tag} ({})", self.id),
            None => f.write_str(&self.id),
        }
    }
}

impl Label {
    /// The tag where there is one, else the id.
    #[must_use]
    pub fn short(&self) -> &str {
        self.tag.as_deref().unwrap_or(&self.id)
    }
}

/// Names of everything in a network.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Interfaces.
    pub enis: IndexVec<EniIx, Label>,
    /// Subnets.
    pub subnets: IndexVec<SubnetIx, Label>,
    /// VPCs.
    pub vpcs: IndexVec<VpcIx, Label>,
    /// Route tables.
    pub rtbs: IndexVec<RtbIx, Label>,
    /// Network ACLs.
    pub acls: IndexVec<AclIx, Label>,
    /// Security groups.
    pub sgs: IndexVec<SgIx, Label>,
    /// Prefix lists.
    pub prefix_lists: IndexVec<PlIx, Label>,
    /// Internet gateways.
    pub igws: IndexVec<IgwIx, Label>,
    /// Egress-only internet gateways.
    pub eigws: IndexVec<EigwIx, Label>,
    /// NAT gateways.
    pub nats: IndexVec<NatIx, Label>,
    /// VPC peering connections.
    pub pcxs: IndexVec<PcxIx, Label>,
    /// Transit gateways.
    pub tgws: IndexVec<TgwIx, Label>,
    /// Attachments to transit gateways.
    pub tgw_attaches: IndexVec<TgwAttachIx, Label>,
    /// Route tables of transit gateways.
    pub tgw_rtbs: IndexVec<TgwRtbIx, Label>,
    /// Multicast domains.
    pub mcasts: IndexVec<McastIx, Label>,
    /// VPC endpoints.
    pub vpces: IndexVec<VpceIx, Label>,
    /// Endpoint services.
    pub services: IndexVec<SvcIx, Label>,
    /// Virtual private gateways.
    pub vgws: IndexVec<VgwIx, Label>,
    /// Tunnels of VPN connections: `vpn/1`.
    pub tunnels: IndexVec<TunnelIx, Label>,
    /// Direct Connect gateways.
    pub dxgws: IndexVec<DxgwIx, Label>,
    /// AWS's public network, by Region.
    pub publics: IndexVec<PublicIx, Label>,
    /// Link aggregation groups.
    pub lags: IndexVec<LagIx, Label>,
    /// Virtual interfaces.
    pub vifs: IndexVec<VifIx, Label>,
    /// Routers of sites.
    pub routers: IndexVec<RouterIx, Label>,
    /// Client VPN endpoints.
    pub cvpns: IndexVec<CvpnIx, Label>,
    /// Traffic mirror filters.
    pub mirror_filters: IndexVec<MirrorFilterIx, Label>,
    /// Traffic mirror sessions.
    pub mirror_sessions: IndexVec<MirrorSessionIx, Label>,
    /// Instances.
    pub guests: IndexVec<GuestIx, Label>,
    /// Hosts on the internet, at sites, and clients of Client VPN endpoints.
    pub internet_hosts: IndexVec<InetIx, Label>,
    /// Resources that are not modelled, with their kind in AWS's words.
    pub not_modelled: IndexVec<NmIx, (Label, String)>,
    /// Zones, by the number subnets carry.
    pub zones: Vec<String>,
    /// Account and Region of a VPC, by the number it carries.
    pub realms: Vec<(String, String)>,
    /// Regions, by the number VPCs carry.
    pub regions: Vec<String>,
    /// Links.
    pub links: IndexVec<LinkIx, String>,
    /// Owner account of an interface, where it is not the VPC's: a participant's in a shared subnet (SHARE-3).
    pub eni_accounts: IndexVec<EniIx, Option<String>>,
    /// Written rows.
    pub rows: RowTexts,
}

impl Names {
    /// Gives back the memory that was kept while the network grew.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.enis.shrink_to_fit();
        self.guests.shrink_to_fit();
        self.eni_accounts.shrink_to_fit();
        self.rows.rows.shrink_to_fit();
    }
}

/// What written rows say. Implied rows, of which every interface has some, take no place here.
#[derive(Clone, Debug, Default)]
pub struct RowTexts {
    /// Ascending.
    rows: Vec<(RowIx, Box<RowText>)>,
}

impl RowTexts {
    /// The text of a row; none if it is implied.
    #[must_use]
    pub fn get(&self, row: RowIx) -> Option<&RowText> {
        self.rows.binary_search_by_key(&row, |(row, _)| *row).ok().map(|at| &*self.rows[at].1)
    }
    pub(crate) fn get_mut(&mut self, row: RowIx) -> Option<&mut RowText> {
        self.rows.binary_search_by_key(&row, |(row, _)| *row).ok().map(|at| &mut *self.rows[at].1)
    }
    /// Adds the text of a row that comes after all others.
    pub(crate) fn push(&mut self, row: RowIx, text: RowText) {
        debug_assert!(self.rows.last().is_none_or(|(last, _)| *last < row));
        self.rows.push((row, Box::new(text)));
    }
}
