//! From what a person types to a resource.

use super::{Label, Names};
use crate::base::IndexVec;
use crate::base::ids::{
    AclIx, CvpnIx, DxgwIx, EigwIx, EniIx, GuestIx, IgwIx, InetIx, LagIx, McastIx, MirrorFilterIx, MirrorSessionIx,
    NatIx, NmIx, PcxIx, PlIx, RouterIx, RtbIx, SgIx, SubnetIx, SvcIx, TgwAttachIx, TgwIx, TgwRtbIx, TunnelIx, VgwIx,
    VifIx, VpcIx, VpceIx,
};
use crate::base::index::Index;

/// A resource by kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// An instance.
    Guest(GuestIx),
    /// A network interface.
    Eni(EniIx),
    /// A subnet.
    Subnet(SubnetIx),
    /// A VPC.
    Vpc(VpcIx),
    /// A route table.
    Rtb(RtbIx),
    /// A network ACL.
    Acl(AclIx),
    /// A security group.
    Sg(SgIx),
    /// A prefix list.
    PrefixList(PlIx),
    /// An internet gateway.
    Igw(IgwIx),
    /// An egress-only internet gateway.
    Eigw(EigwIx),
    /// A NAT gateway.
    Nat(NatIx),
    /// A host on the internet or at a site, or a client of a Client VPN endpoint.
    Internet(InetIx),
    /// A VPC peering connection.
    Pcx(PcxIx),
    /// A transit gateway.
    Tgw(TgwIx),
    /// An attachment to a transit gateway.
    TgwAttach(TgwAttachIx),
    /// A route table of a transit gateway.
    TgwRtb(TgwRtbIx),
    /// A multicast domain.
    Mcast(McastIx),
    /// A VPC endpoint.
    Vpce(VpceIx),
    /// An endpoint service.
    Service(SvcIx),
    /// A virtual private gateway.
    Vgw(VgwIx),
    /// A tunnel of a VPN connection.
    Tunnel(TunnelIx),
    /// A Direct Connect gateway.
    Dxgw(DxgwIx),
    /// A link aggregation group.
    Lag(LagIx),
    /// A virtual interface.
    Vif(VifIx),
    /// A router of a site.
    Router(RouterIx),
    /// A Client VPN endpoint.
    Cvpn(CvpnIx),
    /// A traffic mirror filter.
    MirrorFilter(MirrorFilterIx),
    /// A traffic mirror session.
    MirrorSession(MirrorSessionIx),
    /// Something that is not modelled.
    NotModelled(NmIx),
}

/// What a name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// One resource, or an instance and its interface of the same name (the instance comes first).
    One(Kind),
    /// Several resources share the `Name` tag.
    Several(Vec<String>),
    /// None; these are the names most like it.
    None(Option<String>),
}

impl Names {
    /// The resource that `text` names: by id first, then by `Name` tag.
    #[must_use]
    pub fn find(&self, text: &str) -> Found {
        let by_id = self.matching(|label| label.id == text);
        if let Some((kind, _)) = by_id.first() {
            return Found::One(*kind);
        }
        let by_tag = self.matching(|label| label.tag.as_deref() == Some(text));
        match by_tag.as_slice() {
            [] => {
                let all = self.matching(|_| true);
                let known = all.iter().flat_map(|(_, label)| [Some(label.id.as_str()), label.tag.as_deref()]).flatten();
                Found::None(crate::diag::nearest(text, known).map(str::to_owned))
            }
            [(kind, _)] => Found::One(*kind),
            [(Kind::Guest(guest), _), rest @ ..] if rest.iter().all(|(kind, _)| matches!(kind, Kind::Eni(_))) => {
                Found::One(Kind::Guest(*guest))
            }
            several => Found::Several(several.iter().map(|(_, label)| label.id.clone()).collect()),
        }
    }

    fn matching(&self, test: impl Fn(&Label) -> bool) -> Vec<(Kind, &Label)> {
        fn scan<'a, I: Index>(
            out: &mut Vec<(Kind, &'a Label)>,
            labels: &'a IndexVec<I, Label>,
            kind: fn(I) -> Kind,
            test: &impl Fn(&Label) -> bool,
        ) {
            out.extend(
                labels.iter_enumerated().filter(|(_, label)| test(label)).map(|(index, label)| (kind(index), label)),
            );
        }
        let mut out = Vec::new();
        scan(&mut out, &self.guests, Kind::Guest, &test);
        scan(&mut out, &self.enis, Kind::Eni, &test);
        scan(&mut out, &self.subnets, Kind::Subnet, &test);
        scan(&mut out, &self.vpcs, Kind::Vpc, &test);
        scan(&mut out, &self.rtbs, Kind::Rtb, &test);
        scan(&mut out, &self.acls, Kind::Acl, &test);
        scan(&mut out, &self.sgs, Kind::Sg, &test);
        scan(&mut out, &self.prefix_lists, Kind::PrefixList, &test);
        scan(&mut out, &self.igws, Kind::Igw, &test);
        scan(&mut out, &self.eigws, Kind::Eigw, &test);
        scan(&mut out, &self.nats, Kind::Nat, &test);
        scan(&mut out, &self.pcxs, Kind::Pcx, &test);
        scan(&mut out, &self.tgws, Kind::Tgw, &test);
        scan(&mut out, &self.tgw_attaches, Kind::TgwAttach, &test);
        scan(&mut out, &self.tgw_rtbs, Kind::TgwRtb, &test);
        scan(&mut out, &self.mcasts, Kind::Mcast, &test);
        scan(&mut out, &self.vpces, Kind::Vpce, &test);
        scan(&mut out, &self.services, Kind::Service, &test);
        scan(&mut out, &self.vgws, Kind::Vgw, &test);
        scan(&mut out, &self.tunnels, Kind::Tunnel, &test);
        scan(&mut out, &self.dxgws, Kind::Dxgw, &test);
        scan(&mut out, &self.lags, Kind::Lag, &test);
        scan(&mut out, &self.vifs, Kind::Vif, &test);
        scan(&mut out, &self.routers, Kind::Router, &test);
        scan(&mut out, &self.cvpns, Kind::Cvpn, &test);
        scan(&mut out, &self.mirror_filters, Kind::MirrorFilter, &test);
        scan(&mut out, &self.mirror_sessions, Kind::MirrorSession, &test);
        scan(&mut out, &self.internet_hosts, Kind::Internet, &test);
        out.extend(
            self.not_modelled
                .iter_enumerated()
                .filter(|(_, (label, _))| test(label))
                .map(|(nm, (label, _))| (Kind::NotModelled(nm), label)),
        );
        out
    }
}
