//! Routers of on-premises sites and the hosts behind them.

use super::context::{Context, label};
use crate::base::Nanos;
use crate::base::ids::RouterIx;
use crate::diag::Diagnostic;
use crate::fabric::{InternetHost, Router, RouterLine};
use crate::spec::{self, Spanned};
use crate::verdict::{Dir, RowKind};
use rustc_hash::FxHashMap;

/// Implied rows of a router, in the order of `RouterRow`.
const ROWS: [(RowKind, Dir); 7] = [
    (RowKind::RouterTtl, Dir::In),
    (RowKind::RouterFirewall, Dir::In),
    (RowKind::RouterNoHost, Dir::In),
    (RowKind::RouterOwn, Dir::In),
    (RowKind::RouterUnanswered, Dir::In),
    (RowKind::RouterInternet, Dir::In),
    (RowKind::RouterDown, Dir::In),
];

impl Context {
    pub(super) fn routers(&mut self) {
        let routers = std::mem::take(&mut self.spec.routers);
        for (name, router) in &routers {
            self.check_asn(router.asn.as_ref());
            for community in router.neighbors.iter().flat_map(|n| &n.communities) {
                if super::converge_policy::community(&community.value).is_none() {
                    let message = format!("`{community}` is no community");
                    self.problem(
                        Diagnostic::error("community", community.span, message)
                            .help("write one such as `7224:7300`, `no-export` or `no-advertise`"),
                    );
                }
            }
            let index = self.fabric.routers.next_index();
            let rows = self.row_block(index.0, &ROWS);
            let fib = self.empty_fib(RowKind::RouterRouteNone, index.0);
            let stateful = router.stateful_firewall.unwrap_or(false);
            let (addresses, hosts, up) = (Box::default(), FxHashMap::default(), !router.failed);
            let line = self.router_line(name, router);
            let compiled = Router { fib, addresses, up, hosts, stateful, line, rows };
            self.fabric.routers.push(compiled);
            self.names.routers.push(label(name, None));
            self.ids.routers.insert(name.value.clone(), index);
        }
        self.spec.routers = routers;
        self.site_hosts();
    }

    /// Its way to the internet, and the NAT device there.
    fn router_line(&mut self, name: &Spanned<String>, router: &spec::Router) -> RouterLine {
        if let Some(timeout) = router.nat_timeout
            && router.behind_nat != Some(true)
        {
            let message = format!("`{name}` is behind no NAT device that could forget anything");
            self.problem(Diagnostic::error("nat-timeout", timeout.span, message).help("add `behind_nat: true`"));
        }
        let link = router.internet.map(|line| self.named_link(format!("{name} internet"), line, Nanos(0)));
        RouterLine {
            link,
            nat_timeout: router.nat_timeout.map(|timeout| timeout.value).filter(|_| router.behind_nat == Some(true)),
            keepalive: router.natt_keepalive.unwrap_or(true),
            asks: router.dead_peer_detection.unwrap_or(true),
        }
    }

    fn site_hosts(&mut self) {
        let hosts = std::mem::take(&mut self.spec.site_hosts);
        for (name, host) in &hosts {
            let Some(router) = self.router_named(&host.router) else { continue };
            let networks = self.spec.routers[host.router.value.as_str()].networks.clone();
            for address in &host.addresses {
                if !networks.iter().any(|block| block.contains(address.value)) {
                    let message = format!("`{address}` of `{name}` is in no network of router `{}`", host.router);
                    self.problem(
                        Diagnostic::error("address-outside-network", address.span, message)
                            .help("add the block to the router's `networks`"),
                    );
                }
            }
            let mut listeners: Vec<_> = host.listen.iter().map(|l| (l.protocol, l.port)).collect();
            listeners.sort_unstable();
            let compiled = InternetHost {
                router: Some(router),
                addresses: host.addresses.iter().map(|a| a.value).collect(),
                listeners: listeners.into(),
                answers_ping: host.answers_ping.unwrap_or(true),
                ..self.internet_host_rows()
            };
            let index = self.internet_host(label(name, None), compiled);
            for address in &host.addresses {
                if self.fabric.routers[router].hosts.insert(address.value, index).is_some() {
                    let message = format!("`{address}` of `{name}` is another host's behind the same router");
                    self.problem(Diagnostic::error("address-taken", address.span, message));
                }
            }
        }
        self.spec.site_hosts = hosts;
    }

    /// The router of a name, or a diagnostic.
    pub(super) fn router_named(&mut self, name: &Spanned<String>) -> Option<RouterIx> {
        if let Some(index) = self.ids.routers.get(name.value.as_str()) {
            return Some(*index);
        }
        let known: Vec<String> = self.ids.routers.keys().cloned().collect();
        self.unknown(name, "router", &known.iter().map(String::as_str).collect::<Vec<_>>());
        None
    }
}
