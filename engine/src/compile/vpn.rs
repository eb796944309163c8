//! Customer gateways, virtual private gateways, VPN connections and their tunnels.

use super::context::{Context, label};
use crate::base::rng::salt;
use crate::base::{Bandwidth, Cidr, Nanos, Ratio};
use crate::diag::{Diagnostic, Span};
use crate::fabric::{Fib, TgwAttachKind, TunnelLife, Vgw, VpnEnd, VpnTunnel};
use crate::names::Label;
use crate::spec::{self, DpdAction, Encryption, Integrity, LinkSpec, Spanned, StartupAction};
use crate::verdict::{Dir, LinkIx, Row, RowKind};
use crate::wire::esp::{self, AesKey, ReplayWindow, Suite, inner_mtu};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Implied rows of a virtual private gateway, in the order of `VgwRow`.
const VGW_ROWS: [(RowKind, Dir); 3] =
    [(RowKind::VgwEnter, Dir::In), (RowKind::VgwUnknown, Dir::In), (RowKind::VgwNoVpc, Dir::In)];
/// Implied rows of a tunnel, in the order of `TunnelRow`.
const TUNNEL_ROWS: [(RowKind, Dir); 5] = [
    (RowKind::TunnelPass, Dir::In),
    (RowKind::TunnelMtu, Dir::In),
    (RowKind::TunnelDown, Dir::In),
    (RowKind::TunnelUnknown, Dir::In),
    (RowKind::TunnelBad, Dir::In),
];
/// Blocks inside which no tunnel may be (VPN-3).
const RESERVED: [&str; 7] = [
    "169.254.0.0/30",
    "169.254.1.0/30",
    "169.254.2.0/30",
    "169.254.3.0/30",
    "169.254.4.0/30",
    "169.254.5.0/30",
    "169.254.169.252/30",
];
/// MTU of the path between the two ends of a tunnel, in bytes (VPN-4).
const OUTER_MTU: u32 = 1500;
/// What one tunnel carries (VPN-13).
const TUNNEL_BANDWIDTH: Bandwidth = Bandwidth(1_250_000_000);
/// Packets of a replay window that nobody wrote (VPN-7).
const REPLAY_WINDOW: u32 = 1024;
/// The number of a gateway or router that names none.
pub(super) const CUSTOMER_ASN: u32 = 65000;
/// The same for Amazon's side.
pub(super) const AMAZON_ASN: u32 = 64512;

impl Context {
    pub(super) fn vpn_gateways(&mut self) {
        let gateways = std::mem::take(&mut self.spec.vpn_gateways);
        let mut by_vpc: BTreeMap<crate::base::ids::VpcIx, Span> = BTreeMap::new();
        for (name, gateway) in &gateways {
            let vpc = gateway.vpc.as_ref().and_then(|vpc| self.vpc_named(vpc));
            self.check_asn(gateway.asn.as_ref());
            if let Some(vpc) = vpc
                && let Some(other) = by_vpc.insert(vpc, name.span)
            {
                // VPN-1.
                let message = format!("`{name}` is a second virtual private gateway of its VPC");
                self.problem(Diagnostic::error("second-vpn-gateway", name.span, message).note(other, "the other one"));
            }
            let index = self.fabric.vgws.next_index();
            let rows = self.row_block(index.0, &VGW_ROWS);
            let fib = self.empty_fib(RowKind::VgwRouteNone, index.0);
            self.fabric.vgws.push(Vgw { vpc, edge: None, fib, complete: true, rows });
            self.names.vgws.push(label(name, gateway.name_tag.as_ref()));
            self.ids.vgws.insert(name.value.clone(), index);
        }
        self.spec.vpn_gateways = gateways;
    }

    /// A forwarding table without routes.
    pub(super) fn empty_fib(&mut self, none: RowKind, owner: u32) -> Fib {
        let none = self.row(Row::plain(none, owner));
        Fib { routes: crate::base::IndexVec::new(), v4: super::vpc::lpm(&[]), v6: super::vpc::lpm(&[]), none }
    }

    /// VPN-2: 1 to 4294967294.
    pub(super) fn check_asn(&mut self, asn: Option<&Spanned<u32>>) {
        if let Some(asn) = asn
            && !(1..=4_294_967_294).contains(&asn.value)
        {
            let message = format!("{} is no autonomous system number", asn.value);
            self.problem(Diagnostic::error("asn-range", asn.span, message).help("AWS takes 1 to 4294967294"));
        }
    }

    pub(super) fn customer_gateways(&mut self) {
        let gateways = std::mem::take(&mut self.spec.customer_gateways);
        for (name, gateway) in &gateways {
            self.check_asn(gateway.asn.as_ref());
            let Some(router) = &gateway.router else { continue };
            let Some(index) = self.router_named(router) else { continue };
            let written = self.spec.routers[router.value.as_str()].clone();
            let asn = |asn: &Option<Spanned<u32>>| asn.map_or(CUSTOMER_ASN, |asn| asn.value);
            if gateway.asn.is_some() && asn(&gateway.asn) != asn(&written.asn) {
                let message =
                    format!("`{name}` has ASN {}, its router `{router}` {}", asn(&gateway.asn), asn(&written.asn));
                self.problem(
                    Diagnostic::error("asn-differs", gateway.asn.map_or(name.span, |asn| asn.span), message)
                        .help("a BGP session comes up only with the number that the other side expects"),
                );
            }
            if let (Some(ip), Some(own)) = (gateway.ip_address, written.public_ip)
                && ip.value != own.value
            {
                let message = format!("`{name}` has address {ip}, its router `{router}` {own}");
                self.problem(Diagnostic::error("address-differs", ip.span, message));
            }
            self.ids.cgw_routers.insert(name.value.clone(), index);
        }
        self.spec.customer_gateways = gateways;
    }

    pub(super) fn vpn_connections(&mut self) {
        let connections = std::mem::take(&mut self.spec.vpn_connections);
        let mut inside_taken: BTreeMap<(Option<&str>, Cidr), Span> = BTreeMap::new();
        for connection in connections.values() {
            // VPN-3: unique on one gateway.
            let gateway = connection.vpn_gateway.as_ref().or(connection.transit_gateway.as_ref());
            for block in connection.tunnels.iter().filter_map(|tunnel| tunnel.inside_cidr) {
                self.check_inside(&block);
                let key = (gateway.map(|g| g.value.as_str()), block.value);
                if let Some(other) = inside_taken.insert(key, block.span) {
                    let message = format!("{block} is inside another tunnel already");
                    self.problem(Diagnostic::error("inside-cidr", block.span, message).note(other, "the other tunnel"));
                }
            }
        }
        let written: BTreeSet<Cidr> = inside_taken.keys().map(|(_, block)| *block).collect();
        let mut free = free_inside(&written);
        let mut outside = 0;
        for (name, connection) in &connections {
            self.vpn_connection(name, connection, &mut free, &mut outside);
        }
        self.spec.vpn_connections = connections;
    }

    /// VPN-3: a /30 of 169.254.0.0/16 that AWS does not reserve.
    fn check_inside(&mut self, block: &Spanned<Cidr>) {
        let link_local: Cidr = "169.254.0.0/16".parse().expect("a block");
        let bad = if block.len() != 30 || !link_local.covers(&block.value) {
            Some("is not a /30 of 169.254.0.0/16")
        } else if RESERVED.iter().any(|r| r.parse() == Ok(block.value)) {
            Some("is one that AWS reserves")
        } else {
            None
        };
        if let Some(why) = bad {
            let message = format!("{block} {why}");
            let help = "write one such as 169.254.10.0/30; reserved are 169.254.0.0/30 to 169.254.5.0/30 and 169.254.169.252/30";
            self.problem(Diagnostic::error("inside-cidr", block.span, message).help(help));
        }
    }

    fn vpn_connection(
        &mut self,
        name: &Spanned<String>,
        connection: &spec::VpnConnection,
        free: &mut impl Iterator<Item = Cidr>,
        outside: &mut u32,
    ) {
        let end = match (&connection.vpn_gateway, &connection.transit_gateway) {
            (Some(vgw), None) => self.vgw_named(vgw).map(VpnEnd::Vgw),
            (None, Some(tgw)) => self.tgw_named(tgw).map(|tgw| {
                let kind = TgwAttachKind::Vpn(Box::default());
                let label = label(name, connection.name_tag.as_ref());
                VpnEnd::Tgw(self.add_attachment(tgw, kind, connection.state, label))
            }),
            _ => {
                let message = format!("`{name}` needs a `vpn_gateway` or a `transit_gateway`, one of them");
                self.problem(Diagnostic::error("missing-field", name.span, message));
                None
            }
        };
        let Some(cgw) = self.spec.customer_gateways.get(connection.customer_gateway.value.as_str()).cloned() else {
            let known: Vec<String> = self.spec.customer_gateways.keys().map(|n| n.value.clone()).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            self.unknown(&connection.customer_gateway, "customer gateway", &known);
            return;
        };
        let Some(end) = end else { return };
        if connection.tunnels.len() > 2 {
            let message = format!("`{name}` has {} tunnels, a VPN connection has two", connection.tunnels.len());
            self.problem(Diagnostic::error("tunnels", name.span, message));
        }
        let router = self.ids.cgw_routers.get(connection.customer_gateway.value.as_str()).copied();
        let written = router.map(|router| self.spec.routers[self.names.routers[router].id.as_str()].clone());
        let public = cgw.ip_address.or(written.as_ref().and_then(|r| r.public_ip));
        let natt = written.is_some_and(|r| r.behind_nat == Some(true));
        for n in 0..2usize {
            let tunnel = connection.tunnels.get(n).map(|t| t.value.clone()).unwrap_or_default();
            let written =
                tunnel.inside_cidr.map(|block| block.value).filter(|block| block.is_v4() && block.len() == 30);
            let Some(inside) = written.or_else(|| free.next()) else {
                let message = format!("no block is left for the inside of `{name}`");
                self.problem(
                    Diagnostic::error("inside-cidr", name.span, message)
                        .help("write `inside_cidr`: tunnels of different gateways may have the same one"),
                );
                return;
            };
            // AWS's outer addresses come from the benchmark block (RFC 2544) if nobody wrote them.
            *outside += 1;
            let aws = tunnel.outside_address.map_or(Ipv4Addr::from(0xc613_0000 + *outside), |a| a.value);
            let customer = public.map_or(Ipv4Addr::from(0xc612_fe00), |a| a.value);
            let suite = suite(tunnel.encryption, tunnel.integrity);
            let id = format!("{name}/{}", n + 1);
            let index = self.fabric.tunnels.next_index();
            let replay_window = self.replay_window(tunnel.replay_window);
            let rows = self.row_block(index.0, &TUNNEL_ROWS);
            let enabled = tunnel.up.unwrap_or(true) && usable(connection.state);
            // What the ends have noticed in a run; else everything is as it is written.
            let seen = self.live.as_ref().map_or([true; 2], |live| live.tunnels[index]);
            let link = self.tunnel_link(&id, tunnel.loss);
            let life = self.tunnel_life(&tunnel);
            let side = |n: u64| inside.nth(n).expect("a /30 has four addresses");
            self.fabric.tunnels.push(VpnTunnel {
                end,
                router,
                outside: [aws, customer],
                inside: [side(1), side(2)],
                suite,
                natt,
                mtu: inner_mtu(suite, natt, OUTER_MTU),
                replay_window,
                up: [enabled && seen[0], enabled && seen[1]],
                enabled,
                link,
                speakers: None,
                life,
                salt: salt(&id),
                rows,
            });
            self.names.tunnels.push(Label { id: id.clone(), tag: None, span: name.span });
            self.ids.tunnels.insert(id, index);
            self.ids.vpn_tunnels.entry(name.value.clone()).or_default().push(index);
        }
        if let VpnEnd::Tgw(attach) = end {
            let tunnels = self.ids.vpn_tunnels[name.value.as_str()].clone();
            self.fabric.tgw_attaches[attach].kind = TgwAttachKind::Vpn(tunnels.into());
        }
    }

    /// VPN-14: what is written, within what AWS takes, or AWS's defaults.
    fn tunnel_life(&mut self, tunnel: &spec::VpnTunnel) -> TunnelLife {
        let secs = Nanos::from_secs;
        let phase1 = self.within("phase 1 lifetime", tunnel.phase1_lifetime, secs(28_800), [secs(900), secs(28_800)]);
        let phase2 = self.within("phase 2 lifetime", tunnel.phase2_lifetime, secs(3_600), [secs(900), secs(3_600)]);
        if let Some(written) = tunnel.phase2_lifetime
            && phase2 >= phase1
        {
            let message = format!("the phase 2 lifetime of {phase2} is not below the phase 1 lifetime of {phase1}");
            self.problem(Diagnostic::error("tunnel-option", written.span, message));
        }
        let half = Nanos(phase2.0 / 2);
        let rekey_margin = self.within("rekey margin", tunnel.rekey_margin, secs(270).min(half), [secs(60), half]);
        let dpd = [secs(30), Nanos(u64::MAX)];
        let dpd_timeout = self.within("DPD timeout", tunnel.dpd_timeout, secs(40), dpd);
        if let Some(fuzz) = tunnel.rekey_fuzz.filter(|fuzz| fuzz.value > 100) {
            let message = format!("a rekey fuzz of {fuzz} %");
            self.problem(Diagnostic::error("tunnel-option", fuzz.span, message).help("AWS takes 0 to 100"));
        }
        TunnelLife {
            aws_starts: tunnel.startup_action == Some(StartupAction::Start),
            dpd_timeout,
            dpd_action: tunnel.dpd_action.unwrap_or(DpdAction::Clear),
            phase1,
            phase2,
            rekey_margin,
            rekey_fuzz: tunnel.rekey_fuzz.map_or(100, |fuzz| fuzz.value.min(100)),
        }
    }

    fn within(
        &mut self,
        what: &str,
        written: Option<Spanned<Nanos>>,
        default: Nanos,
        [least, most]: [Nanos; 2],
    ) -> Nanos {
        let Some(written) = written else { return default };
        if written.value < least || written.value > most {
            let message = format!("a {what} of {}", written.value);
            let help = if most == Nanos(u64::MAX) {
                format!("AWS takes {least} and more")
            } else {
                format!("AWS takes {least} to {most}")
            };
            self.problem(Diagnostic::error("tunnel-option", written.span, message).help(help));
        }
        written.value.clamp(least, most)
    }

    /// VPN-7: 64 to 2048 packets.
    fn replay_window(&mut self, written: Option<Spanned<u32>>) -> u32 {
        let Some(window) = written else { return REPLAY_WINDOW };
        if !ReplayWindow::SIZES.contains(&window.value) {
            let message = format!("a replay window of {window} packets");
            self.problem(Diagnostic::error("replay-window", window.span, message).help("AWS takes 64 to 2048"));
        }
        window.value
    }

    /// The path between a tunnel's outer addresses: the internet, with what one tunnel carries at most (VPN-13).
    fn tunnel_link(&mut self, id: &str, loss: Option<Ratio>) -> LinkIx {
        let internet = *self.fabric.link(LinkIx::INTERNET);
        let bandwidth = internet.bandwidth.map_or(TUNNEL_BANDWIDTH, |b| b.min(TUNNEL_BANDWIDTH));
        let spec = LinkSpec {
            latency: Some(internet.latency),
            bandwidth: Some(bandwidth),
            queue_bytes: Some(internet.queue_bytes),
            loss: loss.or(Some(internet.loss)),
        };
        self.named_link(format!("{id} outer"), spec, internet.latency)
    }
}

fn usable(state: Option<spec::AttachmentState>) -> bool {
    use spec::AttachmentState as S;
    matches!(state.unwrap_or(S::Available), S::Available | S::Modifying | S::RollingBack)
}

/// The blocks from 169.254.6.0 on that AWS does not reserve and nobody wrote, in order.
fn free_inside(written: &BTreeSet<Cidr>) -> impl Iterator<Item = Cidr> + '_ {
    let all = (0xa9fe_0600..=0xa9fe_fffcu32)
        .step_by(4)
        .map(|address| Cidr::new(Ipv4Addr::from(address).into(), 30).expect("a network address"));
    all.filter(|block| !written.contains(block) && !RESERVED.iter().any(|reserved| reserved.parse() == Ok(*block)))
}

fn suite(encryption: Option<Encryption>, integrity: Option<Integrity>) -> Suite {
    let hash = match integrity.unwrap_or(Integrity::Sha2256) {
        Integrity::Sha1 => esp::Integrity::Sha1,
        Integrity::Sha2256 => esp::Integrity::Sha256,
        Integrity::Sha2384 => esp::Integrity::Sha384,
        Integrity::Sha2512 => esp::Integrity::Sha512,
    };
    match encryption.unwrap_or(Encryption::Aes256Gcm16) {
        Encryption::Aes128Gcm16 => Suite::Gcm(AesKey::Bits128),
        Encryption::Aes256Gcm16 => Suite::Gcm(AesKey::Bits256),
        Encryption::Aes128 => Suite::Cbc(AesKey::Bits128, hash),
        Encryption::Aes256 => Suite::Cbc(AesKey::Bits256, hash),
    }
}
