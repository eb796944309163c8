//! VPC endpoints: gateway endpoints, interface endpoints, and the load balancer behind an endpoint service.
//!
//! A gateway endpoint is a route target: AWS's service takes the packet with its private source address (VPCE-3). An
//! interface endpoint is an interface like others as far as ACLs and groups go (VPCE-5); behind it is a service
//! of AWS's, or a node of a provider's load balancer, which makes a connection of its own to a target (VPCE-12).
//! Connections start at the consumer only (VPCE-11). Not modelled: what a policy answers (it drops no packet, VPCE-9),
//! health checks, proxy protocol, bandwidth.

use super::arrive::{inside_of, outside_of, set_destination, set_source};
use super::{Next, Pass, Recorder, Walk};
use crate::base::Protocol;
use crate::base::ids::{EniIx, InetIx, SvcIx, VpceIx};
use crate::fabric::{EniKind, EniRow, Vpce, VpceRow, VpceService};
use crate::flow::{Choice, Inside, Outside, Pick, PickOption};
use crate::verdict::{Decision, Dir, Notify, NotifyKind, Stage, Vantage, Verdict};
use crate::wire::{Packet, TcpFlags, clamp_mss};
use std::net::IpAddr;

/// MTU of an endpoint in bytes (VPCE-10).
pub const VPCE_MTU: u32 = 8500;
/// Largest segment it lets a SYN announce (VPCE-10, assumed).
const VPCE_MSS: [u16; 2] = [8460, 8440];

impl<R: Recorder> Walk<'_, R> {
    /// A table of the endpoint's VPC sends the packet to a gateway endpoint.
    pub(super) fn gateway_endpoint(&mut self, packet: &mut Packet, vpce: VpceIx) -> Pass<Next> {
        let (v, stage) = (&self.fabric.vpces[vpce], Stage::Vpce(vpce));
        // VPCE-8: not from the far side of a peering, a transit gateway, a VPN.
        if !self.fabric.vpcs[v.vpc].contains(packet.headers.src) {
            return Err(self.end(stage, packet, v.row(VpceRow::FromOutside), None));
        }
        // VPCE-3.
        if packet.headers.protocol != Protocol::TCP && !packet.headers.is_echo_request() {
            return Err(self.end(stage, packet, v.row(VpceRow::Protocol), None));
        }
        let host = self.service_of(packet, v, stage)?;
        self.clamp(packet, v, stage)?;
        self.pass(stage, packet, v.row(VpceRow::Pass));
        Ok(Next::Done(Verdict::Endpoint { host, back: Vantage::GatewayEndpoint(vpce) }))
    }

    /// A service's answer comes back into the VPC by a gateway endpoint.
    pub(super) fn leave_gateway_endpoint(&mut self, packet: &mut Packet, vpce: VpceIx) -> Pass<Next> {
        let (v, stage) = (&self.fabric.vpces[vpce], Stage::Vpce(vpce));
        self.clamp(packet, v, stage)?;
        self.pass(stage, packet, v.row(VpceRow::Pass));
        match self.owner(packet, v.vpc) {
            Ok(eni) => Ok(Next::On(Vantage::In { eni, from: None, entered: true })),
            Err(by) => Err(self.end(Stage::Address, packet, by, None)),
        }
    }

    /// The packet has passed the filters of an interface endpoint's interface.
    pub(super) fn interface_endpoint(&mut self, packet: &mut Packet, vpce: VpceIx, eni: EniIx) -> Pass<Next> {
        let (v, stage) = (&self.fabric.vpces[vpce], Stage::Vpce(vpce));
        if !v.available || v.down.contains(&eni) {
            return Err(self.end(stage, packet, v.row(VpceRow::State), None));
        }
        self.clamp(packet, v, stage)?;
        match v.service {
            VpceService::Provider(service) => self.forward_to_target(packet, vpce, service, eni),
            _ => {
                let host = self.service_of(packet, v, stage)?;
                self.pass(stage, packet, v.row(VpceRow::Pass));
                Ok(Next::Done(Verdict::Endpoint { host, back: Vantage::Out(eni) }))
            }
        }
    }

    /// The service of AWS's behind an endpoint, if it answers this (VPCE-4, VPCE-7).
    fn service_of(&mut self, packet: &Packet, v: &Vpce, stage: Stage) -> Pass<InetIx> {
        let VpceService::Aws(host) = v.service else {
            return Err(self.end(stage, packet, v.row(VpceRow::Unknown), None));
        };
        let h = &self.fabric.internet_hosts[host];
        let answers = match packet.headers.is_echo_request() {
            true => h.answers_ping,
            false => h.listens(packet.headers.protocol, self.flows.fragments.ports(&packet.headers).1),
        };
        if answers { Ok(host) } else { Err(self.end(stage, packet, v.row(VpceRow::Silent), None)) }
    }

    /// VPCE-10: too big is dropped silently, and a SYN is told how much fits.
    fn clamp(&mut self, packet: &mut Packet, v: &Vpce, stage: Stage) -> Pass {
        if packet.len() > VPCE_MTU {
            return Err(self.end(stage, packet, v.row(VpceRow::Mtu), None));
        }
        if packet.headers.tcp().is_some_and(|tcp| tcp.flags.has(TcpFlags::SYN)) {
            clamp_mss(packet, VPCE_MSS[usize::from(!packet.headers.is_v4())]);
        }
        Ok(())
    }

    /// From an endpoint to a provider: a node of its load balancer in the same zone takes the connection to a target.
    fn forward_to_target(&mut self, packet: &mut Packet, vpce: VpceIx, service: SvcIx, eni: EniIx) -> Pass<Next> {
        let (v, s, stage) = (&self.fabric.vpces[vpce], &self.fabric.services[service], Stage::Vpce(vpce));
        let zone = self.fabric.subnets[self.fabric.enis[eni].subnet].zone;
        // VPCE-13.
        let Some((_, node)) = s.nodes.iter().find(|(of, _)| *of == zone).copied() else {
            return Err(self.end(stage, packet, v.row(VpceRow::NoAz), None));
        };
        let Some(inside) = inside_of(packet).filter(|inside| inside.protocol.has_ports()) else {
            return Err(self.end(stage, packet, v.row(VpceRow::Silent), None));
        };
        let before = packet.headers;
        let known = self.flows.services.outgoing(eni, &inside, self.now).map(|forwarded| {
            forwarded.last = self.now;
            forwarded.outside
        });
        let outside = match known {
            Some(outside) => outside,
            // VPCE-14: a load balancer answers what belongs to no connection with a reset.
            None if before.tcp().is_some_and(|tcp| !tcp.flags.is_first_syn()) => {
                let notify = Notify { kind: NotifyKind::Reset, from: before.dst, at: Vantage::Out(eni) };
                let reset = before.tcp().is_some_and(|tcp| tcp.flags.has(TcpFlags::RST));
                return Err(self.end(stage, packet, v.row(VpceRow::Silent), (!reset).then_some(notify)));
            }
            None => self.new_target(packet, (vpce, eni), service, node, inside)?,
        };
        self.pass(stage, packet, v.row(VpceRow::Pass));
        set_source(packet, outside.own, outside.own_port);
        set_destination(packet, outside.remote, outside.remote_port);
        self.record(Stage::VpceService(service), Decision::allow(s.target), false, before, packet);
        Ok(Next::On(Vantage::Out(node)))
    }

    /// A new connection of a consumer: listener, groups of the load balancer, target.
    fn new_target(
        &mut self,
        packet: &Packet,
        (vpce, eni): (VpceIx, EniIx),
        service: SvcIx,
        node: EniIx,
        inside: Inside,
    ) -> Pass<Outside> {
        let s = &self.fabric.services[service];
        let wanted = (inside.protocol, inside.dst_port);
        let Some(listener) = s.listeners.iter().find(|l| (l.protocol, l.port) == wanted) else {
            let by = self.fabric.vpces[vpce].row(VpceRow::Silent);
            return Err(self.end(Stage::Vpce(vpce), packet, by, None));
        };
        // VPCE-15: the load balancer's groups see the consumer's own address.
        if !self.fabric.sg_sets[self.fabric.enis[node].sg_set].groups.is_empty() {
            let ports = self.flows.fragments.ports(&packet.headers);
            self.security_group(packet, node, Dir::In, ports, None)?;
        }
        let fabric = self.fabric;
        let zone = |eni: EniIx| fabric.subnets[fabric.enis[eni].subnet].zone;
        let own = fabric.enis[node].primary.filter(|own| own.is_ipv4() == inside.src.is_ipv4());
        // VPCE-16.
        let usable = |target: &&(EniIx, u64)| {
            let runs = fabric.enis[target.0].guest().is_some_and(|guest| fabric.guests[guest].running);
            runs && (s.cross_zone || zone(target.0) == zone(node))
        };
        let targets = listener.targets.iter().filter(usable);
        let no_target = self.fabric.services[service].no_target;
        let (Some(own), true) = (own, targets.clone().next().is_some()) else {
            return Err(self.end(Stage::VpceService(service), packet, no_target, None));
        };
        let flow = (inside.src, inside.src_port);
        let pick = Pick::directed(Choice::Target(service), inside.protocol, flow, (inside.dst, inside.dst_port));
        let options = targets.clone().map(|(eni, salt)| PickOption { salt: *salt, label: eni.0 });
        let n = self.flows.picks.pick(pick, options);
        let target = targets.clone().nth(n).expect("picked among them").0;
        let Some(address) = self.address_of(target, matches!(own, IpAddr::V4(_))) else {
            return Err(self.end(Stage::VpceService(service), packet, no_target, None));
        };
        Ok(self.flows.services.bind(eni, inside, (node, own), (address, listener.target_port), self.now))
    }

    /// A target's packet is at a node: back to the consumer by the endpoint it came from.
    pub(super) fn back_to_consumer(&mut self, packet: &mut Packet, service: SvcIx, node: EniIx) -> Pass<Next> {
        let before = packet.headers;
        let found = self.flows.services.incoming(node, &outside_of(packet), self.now);
        let Some((eni, inside)) = found else {
            let by = self.fabric.enis[node].row(EniRow::Silent);
            return Err(self.end(Stage::VpceService(service), packet, by, None));
        };
        if let EniKind::Vpce(vpce) = self.fabric.enis[eni].kind {
            self.clamp(packet, &self.fabric.vpces[vpce], Stage::Vpce(vpce))?;
        }
        set_source(packet, inside.dst, inside.dst_port);
        set_destination(packet, inside.src, inside.src_port);
        let by = self.fabric.services[service].target;
        self.record(Stage::VpceService(service), Decision::allow(by), false, before, packet);
        if let EniKind::Vpce(vpce) = self.fabric.enis[eni].kind {
            self.clamp(packet, &self.fabric.vpces[vpce], Stage::Vpce(vpce))?;
        }
        Ok(Next::On(Vantage::Out(eni)))
    }
}
