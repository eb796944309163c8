//! Client VPN: what a client sends into its tunnel, who may go where, by which target network, as whom; and the way back.
//!
//! The endpoint gives a packet the address of its interface in the client's target network (CVPN-1) and keeps the source port
//! while it is free (CVPN-2). From there it is a packet of that interface like any other: groups, ACL and route table of the
//! subnet decide where it goes on to, a peering, a transit gateway, a site, the internet (CVPN-10, CVPN-13).
//!
//! Not modelled, and said at the hop: what a split tunnel leaves to the client's own line, IPv6, the answers of link-local
//! services to clients (CVPN-7, CVPN-16). Not modelled at all: OpenVPN's wrapping and what it takes of the packet size (no page
//! has a number, CVPN-15), sessions and how they are authenticated, the client's own network, limits of bandwidth, several
//! interfaces in one target network, what it takes off the time to live (nothing is, CVPN-17).
//!
//! Invariants: nothing comes to a client but replies, errors about what it sent, and what other clients send it.

use super::arrive::set_source;
use super::nat::{error_from_inside, inside};
use super::{Next, Pass, Recorder, Walk, related};
use crate::base::ids::{CvpnClientIx, CvpnIx, EniIx};
use crate::base::{Nanos, Protocol};
use crate::eval::{self, LinkLocal};
use crate::fabric::{Cvpn, CvpnClient, CvpnRow, CvpnTarget};
use crate::flow::{Choice, Pick, PickOption, Translator};
use crate::verdict::{Decision, LinkIx, Stage, Vantage, Verdict};
use crate::wire::{Packet, TcpFlags};
use std::net::{IpAddr, Ipv4Addr};

/// How long an endpoint remembers a flow. No page says; 350 s like a NAT gateway (CVPN-14, assumed).
pub const CVPN_IDLE: Nanos = Nanos::from_secs(350);

impl<R: Recorder> Walk<'_, R> {
    /// A client sends: into its tunnel, or by its own line.
    pub(super) fn vpn_client(&mut self, packet: &Packet, client: CvpnClientIx) -> Pass<Next> {
        let cvpn = self.fabric.cvpn_clients[client].cvpn;
        let (v, stage, dst) = (&self.fabric.cvpns[cvpn], Stage::CvpnClient(cvpn), packet.headers.dst);
        // CVPN-7.
        if dst.is_ipv6() {
            return Err(self.end(stage, packet, v.row(CvpnRow::Ipv6), None));
        }
        if !v.available {
            return Err(self.end(stage, packet, v.row(CvpnRow::State), None));
        }
        // CVPN-6.
        if v.pushed.as_ref().is_some_and(|pushed| !pushed.iter().any(|block| block.contains(dst))) {
            return Err(self.end(stage, packet, v.row(CvpnRow::Outside), None));
        }
        self.pass(stage, packet, v.row(CvpnRow::Enter));
        Ok(Next::Done(Verdict::Transit { to: Vantage::Cvpn(client), link: LinkIx::INTERNET }))
    }

    /// The endpoint has a client's packet: may the client go there, and by which route?
    pub(super) fn cvpn(&mut self, packet: &mut Packet, client: CvpnClientIx) -> Pass<Next> {
        let fabric = self.fabric;
        let c = &fabric.cvpn_clients[client];
        let (v, stage) = (&fabric.cvpns[c.cvpn], Stage::Cvpn(c.cvpn));
        let IpAddr::V4(dst) = packet.headers.dst else {
            return Err(self.end(stage, packet, v.row(CvpnRow::Ipv6), None));
        };
        let decision = eval::authorization(v, c, dst);
        if decision.allow {
            self.pass(Stage::CvpnRule(c.cvpn), packet, decision.by);
        } else {
            self.deny(Stage::CvpnRule(c.cvpn), packet, decision.by)?;
        }
        let Some(target) = self.target_of(c, v) else {
            return Err(self.end(stage, packet, v.row(CvpnRow::State), None));
        };
        let Some(route) = target.lookup(dst.into()) else {
            return Err(self.end(Stage::CvpnRoute(c.cvpn), packet, v.row(CvpnRow::NoRoute), None));
        };
        self.pass(Stage::CvpnRoute(c.cvpn), packet, route.row);
        // CVPN-12: clients reach each other by their own addresses.
        if route.local {
            return match v.clients.get(&dst) {
                Some(other) => Ok(Next::Done(Verdict::Site { host: fabric.cvpn_clients[*other].host })),
                None => Err(self.end(stage, packet, v.row(CvpnRow::NoClient), None)),
            };
        }
        // CVPN-16.
        if let Some(LinkLocal::Service(..)) = eval::link_local(fabric, target.eni, dst.into()) {
            return Err(self.end(stage, packet, v.row(CvpnRow::Service), None));
        }
        self.cvpn_out(packet, c.cvpn, target.eni)?;
        Ok(Next::On(Vantage::Out(target.eni)))
    }

    /// The target network that a client is connected by: AWS's choice if the topology does not say, one for all that the
    /// client sends (CVPN-4).
    fn target_of<'f>(&mut self, client: &CvpnClient, cvpn: &'f Cvpn) -> Option<&'f CvpnTarget> {
        if let Some(at) = client.target {
            return cvpn.targets.get(at as usize).filter(|target| target.up);
        }
        let usable = || cvpn.targets.iter().filter(|target| target.up);
        usable().next()?;
        let nobody = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let choice = Choice::TargetNetwork(client.cvpn);
        let pick = Pick::directed(choice, Protocol(0), (client.address.into(), 0), nobody);
        let options = usable().map(|target| PickOption { salt: target.salt, label: target.eni.0 });
        let at = self.flows.picks.pick(pick, options);
        usable().nth(at)
    }

    /// From a client into a target network, with the address of the endpoint's interface there.
    fn cvpn_out(&mut self, packet: &mut Packet, cvpn: CvpnIx, eni: EniIx) -> Pass {
        let (v, stage) = (&self.fabric.cvpns[cvpn], Stage::Cvpn(cvpn));
        let own = self.fabric.enis[eni].v4.map(IpAddr::V4);
        let (before, now) = (packet.headers, self.now);
        let ports = self.flows.fragments.ports(&before);
        let table = self.flows.cvpns.entry(eni).or_insert_with(|| Translator::keeping_ports(CVPN_IDLE));
        if before.is_icmp_error() {
            let Some(outside) = error_from_inside(packet, table, now) else {
                return Err(self.end(stage, packet, v.row(CvpnRow::Unsolicited), None));
            };
            packet.headers.src = outside.own;
        } else {
            let flow = inside(&before, ports);
            let outside = match table.outgoing(&flow, now) {
                Some(translation) => {
                    translation.last = now;
                    translation.closed |= before.tcp().is_some_and(|tcp| tcp.flags.has(TcpFlags::RST));
                    translation.outside
                }
                // RFC 5508 section 3.1: a query begins a flow, the answer to one does not.
                None if before.is_echo_reply() => {
                    return Err(self.end(stage, packet, v.row(CvpnRow::Unsolicited), None));
                }
                // CVPN-14: what was forgotten begins anew.
                None => match table.bind(flow, before.protocol, before.dst, own, now) {
                    Ok(outside) => outside,
                    // CVPN-18.
                    Err(_) => return Err(self.end(stage, packet, v.row(CvpnRow::Ports), None)),
                },
            };
            set_source(packet, outside.own, outside.own_port);
        }
        self.record(stage, Decision::allow(v.row(CvpnRow::Translate)), false, before, packet);
        Ok(())
    }

    /// A packet has passed the filters of the endpoint's interface: back to the client that it answers (CVPN-11).
    pub(super) fn cvpn_back(&mut self, packet: &mut Packet, cvpn: CvpnIx, eni: EniIx) -> Pass<Next> {
        let (v, stage) = (&self.fabric.cvpns[cvpn], Stage::Cvpn(cvpn));
        let (before, now) = (packet.headers, self.now);
        let ports = self.flows.fragments.ports(&before);
        let flow = self.flows.cvpns.get_mut(&eni).and_then(|table| related::piece_back(packet, table, ports, now));
        let Some(inside) = flow else {
            return Err(self.end(stage, packet, v.row(CvpnRow::Unsolicited), None));
        };
        let client = match inside.src {
            IpAddr::V4(address) => v.clients.get(&address),
            IpAddr::V6(_) => None,
        };
        let Some(client) = client else {
            return Err(self.end(stage, packet, v.row(CvpnRow::NoClient), None));
        };
        self.record(stage, Decision::allow(v.row(CvpnRow::Translate)), false, before, packet);
        Ok(Next::Done(Verdict::Site { host: self.fabric.cvpn_clients[*client].host }))
    }
}
