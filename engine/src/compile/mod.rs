//! L4: from what was written to a network that packets can walk.
//!
//! Resolve names, fill in AWS's defaults (`expand`), lay out implied rows, validate, flatten. Every
//! problem is collected. A hand-written topology with an error is refused; an imported account is a real
//! one, so what AWS would have refused there is a gap in the export: the problem becomes a warning and
//! the thing that could not be resolved is left out.
//!
//! Everything is made in the order of names: the order of files and of entries in them never shows.

mod address;
mod client_vpn;
mod client_vpn_client;
mod connect;
mod context;
mod converge;
mod converge_policy;
mod converge_private;
mod converge_sessions;
mod direct_connect;
mod direct_connect_line;
mod direct_connect_public;
mod direct_connect_views;
mod dns;
mod endpoint;
mod eni;
mod expand;
mod filter;
mod flow_log;
mod flow_log_destination;
mod gateway;
mod latency;
mod live;
mod mirror;
mod mirror_filter;
mod multicast;
mod peering;
mod quota;
mod route;
mod router;
mod speakers;
mod tgw_route_table;
mod transit_gateway;
mod vpc;
mod vpn;
mod vpn_inside;
mod vpn_tunnel;
mod vpn_variant;

pub use expand::{DEFAULT_ACCOUNT, DEFAULT_REGION, expand};
pub use flow_log::{FLOW_LOG_INTERVALS, FlowLog, LogDestination, LogResource, tag_field};
pub use gateway::ANY_HOST;
pub use live::Live;
pub use speakers::{Bgp, Control};

use crate::diag::{Diagnostic, any_error};
use crate::fabric::{Fabric, Line};
use crate::names::Names;
use crate::spec::Spec;
use context::Context;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A compiled network and how to say it. Copies share what they hold.
#[derive(Clone, Debug)]
pub struct Network {
    /// What packets walk through.
    pub fabric: Arc<Fabric>,
    /// What things are called.
    pub names: Arc<Names>,
    /// The topology with AWS's defaults filled in, less interfaces and instances: they are most of it, and all that
    /// counts of them is in `fabric` and `names`.
    pub spec: Arc<Spec>,
    /// What is logged, in the order of names.
    pub flow_logs: Arc<[FlowLog]>,
    /// Who tells whom which routes, if anybody does.
    pub control: Option<Arc<Control>>,
    /// What it was compiled of, if it has a control plane.
    source: Option<Arc<live::Source>>,
}

impl Network {
    /// A stable name for the random streams of a guest: what the user calls it, so that another guest more
    /// or less changes nothing.
    #[must_use]
    pub fn stream_name_of_guest(&self, guest: crate::base::ids::GuestIx) -> String {
        self.names.guests[guest].id.clone()
    }
    /// The same for what joins two speakers of BGP, which is also what people call their session.
    #[must_use]
    pub fn line_name(&self, line: Line) -> String {
        match line {
            Line::Tunnel(tunnel) => self.names.tunnels[tunnel].id.clone(),
            Line::Vif(vif) => self.names.vifs[vif].id.clone(),
            Line::Routers(link) => self.names.links[link].clone(),
            Line::Connect { connect, tunnel, session } => {
                format!("{}/{} session {}", self.names.tgw_attaches[connect].id, tunnel + 1, session + 1)
            }
        }
    }
    /// The same for a link.
    #[must_use]
    pub fn stream_name_of_link(&self, link: crate::verdict::LinkIx) -> String {
        self.names.links[link].clone()
    }
    /// The same for an interface.
    #[must_use]
    pub fn stream_name_of_eni(&self, eni: crate::base::ids::EniIx) -> String {
        self.names.enis[eni].id.clone()
    }
}

/// Compiles a topology. The network is absent if a diagnostic is an error.
#[must_use]
pub fn compile(spec: &Spec) -> (Option<Network>, Vec<Diagnostic>) {
    compile_epoch(spec, 0)
}

/// What is wrong with a topology of which some resources could not be read: `written` are the names of all
/// of them, so that a reference to one that is left out is not reported as a second mistake.
#[must_use]
pub fn check(spec: &Spec, written: &BTreeSet<String>) -> Vec<Diagnostic> {
    compile_all(spec, 0, written, &BTreeSet::new(), None).1
}

/// Compiles the configuration that follows `epoch - 1` others in one run.
#[must_use]
pub fn compile_epoch(spec: &Spec, epoch: u16) -> (Option<Network>, Vec<Diagnostic>) {
    compile_all(spec, epoch, &BTreeSet::new(), &BTreeSet::new(), None)
}

/// The same while some zones have failed: transit gateways use none of their interfaces there.
#[must_use]
pub fn compile_failed(spec: &Spec, epoch: u16, failed_zones: &BTreeSet<String>) -> (Option<Network>, Vec<Diagnostic>) {
    compile_all(spec, epoch, &BTreeSet::new(), failed_zones, None)
}

fn compile_all(
    spec: &Spec,
    epoch: u16,
    written: &BTreeSet<String>,
    failed_zones: &BTreeSet<String>,
    live: Option<Live>,
) -> (Option<Network>, Vec<Diagnostic>) {
    let mut cx = Context::new(spec, epoch);
    cx.live = live;
    cx.written.clone_from(written);
    cx.failed_zones.clone_from(failed_zones);
    let full = expand(spec, &mut cx.diagnostics);
    cx.spec = full;
    cx.vpcs();
    cx.subnets();
    cx.prefix_lists();
    cx.not_modelled();
    cx.interfaces();
    cx.internet_gateways();
    cx.nat_gateways();
    cx.internet();
    cx.peerings();
    cx.transit_gateways();
    cx.routers();
    cx.vpn_gateways();
    cx.customer_gateways();
    cx.vpn_connections();
    cx.direct_connect_gateways();
    cx.virtual_interfaces();
    cx.private_connections();
    cx.tgw_route_tables();
    cx.multicast_domains();
    cx.endpoints();
    cx.client_vpn_endpoints();
    cx.traffic_mirroring();
    cx.acls();
    cx.security_groups();
    cx.route_tables();
    cx.region_links();
    let flow_logs = cx.flow_logs();
    cx.quotas();
    let Context { spec: mut full, mut names, mut fabric, mut diagnostics, control, .. } = cx;
    diagnostics.sort_by(|a, b| (a.span, a.severity, a.code, &a.message).cmp(&(b.span, b.severity, b.code, &b.message)));
    diagnostics.dedup();
    let network = (!any_error(&diagnostics)).then(|| {
        let control = control.map(Arc::new);
        let source = control.as_ref().map(|_| live::Source { spec: spec.clone(), failed_zones: failed_zones.clone() });
        full.network_interfaces.clear();
        full.instances.clear();
        fabric.shrink_to_fit();
        names.shrink_to_fit();
        let (fabric, names, spec) = (Arc::new(fabric), Arc::new(names), Arc::new(full));
        Network { fabric, names, spec, flow_logs: flow_logs.into(), control, source: source.map(Arc::new) }
    });
    (network, diagnostics)
}
