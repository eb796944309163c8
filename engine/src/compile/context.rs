//! What the stages of a compilation share: the growing network, and how to complain.

use super::expand::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use crate::base::ids::{
    AclIx, CvpnIx, DxgwIx, EigwIx, EniIx, GuestIx, IgwIx, MirrorFilterIx, NatIx, NmIx, PcxIx, PlIx, RouterIx, RtbIx,
    SgIx, SubnetIx, SvcIx, TgwAttachIx, TgwIx, TunnelIx, VgwIx, VifIx, VpcIx, VpceIx,
};
use crate::base::{IndexVec, Nanos, Ratio};
use crate::diag::{Diagnostic, Severity, Span, nearest};
use crate::fabric::{Fabric, Link, Lpm, Profile};
use crate::names::{Label, Names, RowText};
use crate::spec::{GuestKnowledge, LinkSpec, Spanned, Spec};
use crate::verdict::{Dir, LinkIx, Row, RowIx, RowKind};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes that may wait at a link whose bandwidth is limited, if the topology does not say.
const QUEUE_BYTES: u64 = 1 << 20;

pub(super) struct Context {
    pub(super) spec: Spec,
    pub(super) fabric: Fabric,
    pub(super) names: Names,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// An imported account: what cannot be resolved is a gap in the export.
    pub(super) lenient: bool,
    pub(super) ids: Ids,
    /// Names of resources that could not be read: a reference to one is no mistake of its own.
    pub(super) written: BTreeSet<String>,
    /// What each virtual private gateway propagates into route tables.
    pub(super) learnt_by_vgws: IndexVec<VgwIx, Vec<crate::base::Cidr>>,
    /// What the speakers of a run know, in the place of what they know at rest.
    pub(super) live: Option<super::Live>,
    /// Who tells whom which routes.
    pub(super) control: Option<super::Control>,
    /// Zones that have failed.
    pub(super) failed_zones: BTreeSet<String>,
    /// What tells zones apart, by the number subnets carry: the zone's id if it is known, else its name.
    pub(super) zone_keys: Vec<String>,
}

/// Handles by name.
#[derive(Default)]
pub(super) struct Ids {
    pub(super) vpcs: BTreeMap<String, VpcIx>,
    pub(super) subnets: BTreeMap<String, SubnetIx>,
    pub(super) rtbs: BTreeMap<String, RtbIx>,
    pub(super) acls: BTreeMap<String, AclIx>,
    pub(super) sgs: BTreeMap<String, SgIx>,
    pub(super) prefix_lists: BTreeMap<String, PlIx>,
    pub(super) igws: BTreeMap<String, IgwIx>,
    pub(super) eigws: BTreeMap<String, EigwIx>,
    pub(super) nats: BTreeMap<String, NatIx>,
    pub(super) enis: BTreeMap<String, EniIx>,
    pub(super) guests: BTreeMap<String, GuestIx>,
    pub(super) not_modelled: BTreeMap<String, NmIx>,
    pub(super) pcxs: BTreeMap<String, PcxIx>,
    pub(super) tgws: BTreeMap<String, TgwIx>,
    /// A peering of transit gateways is two attachments with one name.
    pub(super) tgw_attaches: BTreeMap<String, Vec<TgwAttachIx>>,
    pub(super) tgw_by_vpc: BTreeMap<(TgwIx, VpcIx), TgwAttachIx>,
    pub(super) vgws: BTreeMap<String, VgwIx>,
    pub(super) tunnels: BTreeMap<String, TunnelIx>,
    /// Tunnels of a VPN connection.
    pub(super) vpn_tunnels: BTreeMap<String, Vec<TunnelIx>>,
    /// The router that a customer gateway stands for.
    pub(super) cgw_routers: BTreeMap<String, RouterIx>,
    pub(super) dxgws: BTreeMap<String, DxgwIx>,
    pub(super) vifs: BTreeMap<String, VifIx>,
    pub(super) routers: BTreeMap<String, RouterIx>,
    pub(super) cvpns: BTreeMap<String, CvpnIx>,
    pub(super) mirror_filters: BTreeMap<String, MirrorFilterIx>,
    pub(super) vpces: BTreeMap<String, VpceIx>,
    pub(super) services: BTreeMap<String, SvcIx>,
    /// The VPC that a group belongs to.
    pub(super) sg_vpc: IndexVec<SgIx, VpcIx>,
}

impl Context {
    pub(super) fn new(spec: &Spec, epoch: u16) -> Self {
        let mut cx = Self {
            spec: Spec::default(),
            fabric: empty_fabric(epoch),
            names: Names::default(),
            diagnostics: Vec::new(),
            lenient: spec.guests == Some(GuestKnowledge::Unknown),
            ids: Ids::default(),
            written: BTreeSet::new(),
            learnt_by_vgws: IndexVec::new(),
            live: None,
            control: None,
            failed_zones: BTreeSet::new(),
            zone_keys: Vec::new(),
        };
        cx.profile_and_links(spec);
        cx
    }

    fn profile_and_links(&mut self, spec: &Spec) {
        let p = spec.profile.unwrap_or_default();
        let d = Profile::default();
        self.fabric.profile = Profile {
            icmp_errors_pass_tracked: p.icmp_errors_pass_tracked.unwrap_or(d.icmp_errors_pass_tracked),
            tracking_picks_up_mid_stream: p.tracking_picks_up_mid_stream.unwrap_or(d.tracking_picks_up_mid_stream),
            tracked_tcp_idle: p.tracked_tcp_idle.unwrap_or(d.tracked_tcp_idle),
            tracked_udp_stream_idle: p.tracked_udp_stream_idle.unwrap_or(d.tracked_udp_stream_idle),
            tracked_udp_idle: p.tracked_udp_idle.unwrap_or(d.tracked_udp_idle),
            tgw_icmp: p.transit_gateway_icmp.unwrap_or(d.tgw_icmp),
            inter_region_peering_mtu: p.inter_region_peering_mtu.unwrap_or(d.inter_region_peering_mtu),
            mirror_denied_outbound: p.mirror_denied_outbound.unwrap_or(d.mirror_denied_outbound),
        };
        let links = spec.links.unwrap_or_default();
        // aws-hybrid 9.1: half of the measured round trips.
        let host =
            Link { latency: Nanos::from_micros(20), bandwidth: None, queue_bytes: QUEUE_BYTES, loss: Ratio::ZERO };
        for (name, link) in [
            ("same zone", link(links.same_az, Nanos::from_micros(125))),
            ("cross zone", link(links.cross_az, Nanos::from_micros(500))),
            ("internet", link(links.internet, Nanos::from_millis(10))),
            ("instance host", host),
            ("transit gateway", link(links.transit_gateway, Nanos::from_micros(150))),
            ("site network", link(links.site, Nanos::from_micros(250))),
        ] {
            self.add_link(name.to_owned(), link);
        }
    }

    fn add_link(&mut self, name: String, link: Link) -> LinkIx {
        let index = self.fabric.links.push(link);
        let first = self.row(Row::plain(RowKind::LinkLoss, index.0));
        self.row(Row::plain(RowKind::LinkQueue, index.0));
        self.row(Row::plain(RowKind::LinkDown, index.0));
        self.row(Row::plain(RowKind::LinkMtu, index.0));
        self.fabric.link_rows.push(first);
        self.names.links.push(name);
        index
    }

    /// A link that the topology describes at its resource.
    pub(super) fn named_link(&mut self, name: String, spec: LinkSpec, latency: Nanos) -> LinkIx {
        self.add_link(name, link(Some(spec), latency))
    }

    /// A link between each two Regions in use (REG-1).
    pub(super) fn region_links(&mut self) {
        let written = self.spec.links.and_then(|links| links.inter_region);
        for a in 0..self.names.regions.len() {
            for b in a + 1..self.names.regions.len() {
                let (from, to) = (self.names.regions[a].clone(), self.names.regions[b].clone());
                let made = link(written, super::latency::between(&from, &to));
                let index = self.add_link(format!("{from} to {to}"), made);
                self.fabric.region_links.insert((a as u32, b as u32), index);
            }
        }
    }

    /// The numbers of an account and Region together, and of the Region.
    pub(super) fn realm_of(
        &mut self,
        account: Option<&Spanned<String>>,
        region: Option<&Spanned<String>>,
    ) -> (u32, u32) {
        let or = |own: Option<&Spanned<String>>, all: &Option<Spanned<String>>, default: &str| {
            own.or(all.as_ref()).map_or_else(|| default.to_owned(), |s| s.value.clone())
        };
        let realm = (or(account, &self.spec.account, DEFAULT_ACCOUNT), or(region, &self.spec.region, DEFAULT_REGION));
        let region = position(&mut self.names.regions, &realm.1);
        (position(&mut self.names.realms, &realm), region)
    }

    /// A new implied row.
    pub(super) fn row(&mut self, row: Row) -> RowIx {
        self.fabric.rows.push(row)
    }

    /// A new written row.
    pub(super) fn written_row(&mut self, row: Row, text: RowText) -> RowIx {
        let row = self.fabric.rows.push(row);
        self.names.rows.push(row, text);
        row
    }

    /// A block of implied rows with one owner; gives the first.
    pub(super) fn row_block(&mut self, owner: u32, kinds: &[(RowKind, Dir)]) -> RowIx {
        let first = self.fabric.rows.next_index();
        for (kind, dir) in kinds {
            self.row(Row { kind: *kind, dir: *dir, owner });
        }
        first
    }

    /// Something that AWS would refuse. In an imported account it is a gap in the export.
    pub(super) fn problem(&mut self, mut diagnostic: Diagnostic) {
        if self.lenient {
            diagnostic.severity = Severity::Warning;
        }
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn warn(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// A name that stands for nothing of its kind. Says what it is instead, or what is most like it.
    pub(super) fn unknown(&mut self, name: &Spanned<String>, kind: &str, known: &[&str]) {
        let other = self.kind_of(name);
        if other.is_none() && self.written.contains(&name.value) {
            return;
        }
        let message = format!("there is no {kind} `{name}`");
        let diagnostic = Diagnostic::error("unknown-reference", name.span, message);
        let diagnostic = match (other, nearest(name, known.iter().copied())) {
            (Some(other), _) => diagnostic.help(format!("`{name}` is a {other}")),
            (None, Some(near)) => diagnostic.help(format!("did you mean `{near}`?")),
            (None, None) if known.is_empty() => diagnostic.help(format!("this topology has no {kind}")),
            (None, None) if known.len() <= 8 => diagnostic.help(format!("known: {}", known.join(", "))),
            (None, None) => diagnostic,
        };
        self.problem(diagnostic);
    }

    fn kind_of(&self, name: &str) -> Option<&'static str> {
        let s = &self.spec;
        Some(match () {
            () if s.vpcs.contains_key(name) => "VPC",
            () if s.subnets.contains_key(name) => "subnet",
            () if s.route_tables.contains_key(name) => "route table",
            () if s.network_acls.contains_key(name) => "network ACL",
            () if s.security_groups.contains_key(name) => "security group",
            () if s.prefix_lists.contains_key(name) => "prefix list",
            () if s.internet_gateways.contains_key(name) => "internet gateway",
            () if s.egress_only_internet_gateways.contains_key(name) => "egress-only internet gateway",
            () if s.nat_gateways.contains_key(name) => "NAT gateway",
            () if s.vpc_peering_connections.contains_key(name) => "VPC peering connection",
            () if s.transit_gateways.contains_key(name) => "transit gateway",
            () if s.transit_gateway_vpc_attachments.contains_key(name)
                || s.transit_gateway_peering_attachments.contains_key(name)
                || s.transit_gateway_connects.contains_key(name) =>
            {
                "transit gateway attachment"
            }
            () if s.transit_gateway_route_tables.contains_key(name) => "transit gateway route table",
            () if s.transit_gateway_multicast_domains.contains_key(name) => "multicast domain",
            () if s.vpc_endpoints.contains_key(name) => "VPC endpoint",
            () if s.vpc_endpoint_services.contains_key(name) => "endpoint service",
            () if s.customer_gateways.contains_key(name) => "customer gateway",
            () if s.vpn_gateways.contains_key(name) => "virtual private gateway",
            () if s.vpn_connections.contains_key(name) => "VPN connection",
            () if s.direct_connect_connections.contains_key(name) => "Direct Connect connection",
            () if s.direct_connect_lags.contains_key(name) => "link aggregation group",
            () if s.virtual_interfaces.contains_key(name) => "virtual interface",
            () if s.direct_connect_gateways.contains_key(name) => "Direct Connect gateway",
            () if s.direct_connect_gateway_associations.contains_key(name) => "association of a Direct Connect gateway",
            () if s.routers.contains_key(name) => "router",
            () if s.site_hosts.contains_key(name) => "host at a site",
            () if s.client_vpn_endpoints.contains_key(name) => "Client VPN endpoint",
            () if s.client_vpn_clients.contains_key(name) => "client of a Client VPN endpoint",
            () if s.flow_logs.contains_key(name) => "flow log",
            () if s.traffic_mirror_targets.contains_key(name) => "traffic mirror target",
            () if s.traffic_mirror_filters.contains_key(name) => "traffic mirror filter",
            () if s.traffic_mirror_sessions.contains_key(name) => "traffic mirror session",
            () if s.instances.contains_key(name) => "instance",
            () if s.network_interfaces.contains_key(name) => "network interface",
            () => return None,
        })
    }
}

macro_rules! lookup {
    ($($fn:ident, $map:ident, $ix:ty, $kind:literal;)*) => {
        impl Context {$(
            /// The handle of a name, or a diagnostic.
            pub(super) fn $fn(&mut self, name: &Spanned<String>) -> Option<$ix> {
                if let Some(index) = self.ids.$map.get(name.value.as_str()) {
                    return Some(*index);
                }
                let known: Vec<String> = self.ids.$map.keys().cloned().collect();
                self.unknown(name, $kind, &known.iter().map(String::as_str).collect::<Vec<_>>());
                None
            }
        )*}
    };
}
lookup! {
    vpc_named, vpcs, VpcIx, "VPC";
    subnet_named, subnets, SubnetIx, "subnet";
    sg_named, sgs, SgIx, "security group";
    guest_named, guests, GuestIx, "instance";
    tgw_named, tgws, TgwIx, "transit gateway";
    cvpn_named, cvpns, CvpnIx, "Client VPN endpoint";
    vgw_named, vgws, VgwIx, "virtual private gateway";
    eni_named, enis, EniIx, "network interface";
    mirror_filter_named, mirror_filters, MirrorFilterIx, "traffic mirror filter";
}

/// Makes the label of a resource.
pub(super) fn label(name: &Spanned<String>, tag: Option<&String>) -> Label {
    Label { id: name.value.clone(), tag: tag.filter(|tag| **tag != name.value).cloned(), span: name.span }
}

fn link(spec: Option<LinkSpec>, latency: Nanos) -> Link {
    let spec = spec.unwrap_or_default();
    Link {
        latency: spec.latency.unwrap_or(latency),
        bandwidth: spec.bandwidth,
        queue_bytes: spec.queue_bytes.unwrap_or(QUEUE_BYTES),
        loss: spec.loss.unwrap_or(Ratio::ZERO),
    }
}

/// The position of a value in a list, where it is put if it is new.
pub(super) fn position<T: PartialEq + Clone>(all: &mut Vec<T>, value: &T) -> u32 {
    let at = all.iter().position(|other| other == value).unwrap_or_else(|| {
        all.push(value.clone());
        all.len() - 1
    });
    at as u32
}

fn empty_fabric(epoch: u16) -> Fabric {
    let none = RowIx(0);
    Fabric {
        vgws: IndexVec::new(),
        tunnels: IndexVec::new(),
        dxgws: IndexVec::new(),
        publics: IndexVec::new(),
        lags: IndexVec::new(),
        vifs: IndexVec::new(),
        routers: IndexVec::new(),
        speakers: IndexVec::new(),
        epoch,
        rows: IndexVec::new(),
        enis: IndexVec::new(),
        subnets: IndexVec::new(),
        vpcs: IndexVec::new(),
        rtbs: IndexVec::new(),
        acls: IndexVec::new(),
        sg_sets: IndexVec::new(),
        prefix_lists: IndexVec::new(),
        igws: IndexVec::new(),
        eigws: IndexVec::new(),
        nats: IndexVec::new(),
        pcxs: IndexVec::new(),
        tgws: IndexVec::new(),
        tgw_attaches: IndexVec::new(),
        tgw_rtbs: IndexVec::new(),
        mcasts: IndexVec::new(),
        vpces: IndexVec::new(),
        services: IndexVec::new(),
        cvpns: IndexVec::new(),
        cvpn_clients: IndexVec::new(),
        mirror_filters: IndexVec::new(),
        mirror_sessions: IndexVec::new(),
        mirrors: FxHashMap::default(),
        sg_vpcs: IndexVec::new(),
        guests: IndexVec::new(),
        internet_hosts: IndexVec::new(),
        not_modelled: IndexVec::new(),
        public_v4: FxHashMap::default(),
        public_v6: Lpm::default(),
        internet_by_address: FxHashMap::default(),
        aws_services: Lpm::default(),
        internet_unknown: none,
        no_mapping: none,
        links: IndexVec::new(),
        link_rows: IndexVec::new(),
        region_links: FxHashMap::default(),
        profile: Profile::default(),
    }
}

/// Says where something else is, in a note.
pub(super) fn also(diagnostic: Diagnostic, span: Span, what: impl Into<String>) -> Diagnostic {
    diagnostic.note(span, what)
}
