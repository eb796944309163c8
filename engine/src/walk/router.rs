//! Routers of on-premises sites: longest prefix, time to live, a firewall that wants both directions by one way.
//!
//! A router lowers the segment size of what passes its tunnels, as AWS's sample configurations have it (VPN-6), and tells
//! the sender what is too big. Not modelled: its own address translation and its own line to the internet, which is said
//! at that hop; filters; the MTU of the network behind it.

use super::arrive::inside_of;
use super::{Next, Pass, Recorder, Walk, related};
use crate::base::ids::RouterIx;
use crate::fabric::{NextHop, PathOwner, RouterRow};
use crate::flow::Inside;
use crate::verdict::{Entry, Notify, NotifyKind, Side, Stage, Vantage, Verdict};
use crate::wire::{Packet, TcpFlags, clamp_mss};
use std::net::IpAddr;

impl<R: Recorder> Walk<'_, R> {
    /// A router has a packet.
    pub(super) fn router(&mut self, packet: &mut Packet, router: RouterIx, from: Entry) -> Pass<Next> {
        let (r, stage) = (&self.fabric.routers[router], Stage::Router(router));
        let tell = self.teller(packet, router);
        if !r.up {
            return Err(self.end(stage, packet, r.row(RouterRow::Down), None));
        }
        if let Some(speaker) = r.speaker(packet.headers.dst) {
            self.pass(stage, packet, r.row(RouterRow::Own));
            return Ok(Next::Done(Verdict::Speaker { speaker }));
        }
        if packet.headers.ttl <= 1 {
            let notify = tell.map(|(from, at)| Notify { kind: NotifyKind::TimeExceeded, from, at });
            return Err(self.end(stage, packet, r.row(RouterRow::Ttl), notify));
        }
        packet.headers.ttl -= 1;
        let hop = self.hop_of(packet, stage, &r.fib, PathOwner::Router(router), None)?;
        if r.stateful && !self.has_site_state(packet, router, from, hop) {
            return Err(self.end(stage, packet, r.row(RouterRow::Firewall), None));
        }
        if let (Entry::Tunnel(tunnel), _) | (_, NextHop::Tunnel(tunnel)) = (from, hop)
            && packet.headers.tcp().is_some_and(|tcp| tcp.flags.has(TcpFlags::SYN))
        {
            // VPN-6, VPN-32.
            let headers = if packet.headers.is_v4() { 40 } else { 60 };
            clamp_mss(packet, (self.fabric.tunnels[tunnel].mtu - headers) as u16);
        }
        match hop {
            NextHop::Lan => match r.hosts.get(&packet.headers.dst) {
                Some(host) => Ok(Next::Done(Verdict::Site { host: *host })),
                None => Err(self.end(stage, packet, r.row(RouterRow::NoHost), None)),
            },
            NextHop::Tunnel(tunnel) => self.enter_tunnel(packet, tunnel, Side::Customer, tell),
            NextHop::Vif(vif) => self.enter_vif(packet, vif, Side::Customer, tell),
            NextHop::Router(to, link) => {
                let to = Vantage::Router { router: to, from: Entry::Router(router) };
                Ok(Next::Done(Verdict::Transit { to, link }))
            }
            NextHop::Internet => Err(self.end(stage, packet, r.row(RouterRow::Internet), None)),
            hop => unreachable!("a router has no way to {hop:?}"),
        }
    }

    /// The address by which a router tells a sender something, and where that enters the network.
    fn teller(&self, packet: &Packet, router: RouterIx) -> Option<(IpAddr, Vantage)> {
        let mut own = self.fabric.routers[router].addresses.iter().map(|(address, _)| *address);
        let from = own.find(|a| a.is_ipv4() == packet.headers.is_v4())?;
        Some((from, Vantage::Router { router, from: Entry::Lan }))
    }

    /// Whether a router's firewall lets the packet pass: its connection began by the same tunnel or interface.
    fn has_site_state(&mut self, packet: &Packet, router: RouterIx, from: Entry, hop: NextHop) -> bool {
        // The way outside, whichever direction the packet has.
        let way = match (from, hop) {
            (Entry::Lan, NextHop::Tunnel(tunnel)) => Entry::Tunnel(tunnel),
            (Entry::Lan, NextHop::Vif(vif)) => Entry::Vif(vif),
            (Entry::Lan, NextHop::Router(to, _)) => Entry::Router(to),
            (from, _) => from,
        };
        let known = self.flows.site_firewalls.entry(router).or_default();
        if packet.headers.is_icmp_error() {
            let Some(quoted) = related::quoted(packet) else { return false };
            let about = Packet { headers: quoted, ..packet.clone() };
            return inside_of(&about).is_some_and(|flow| known.get(&flow) == Some(&way));
        }
        let Some(flow) = inside_of(packet) else { return true };
        if let Some(began) = known.get(&flow) {
            return *began == way;
        }
        let begins = match packet.headers.tcp() {
            Some(tcp) => tcp.flags.is_first_syn(),
            None => !packet.headers.is_echo_reply(),
        };
        if begins {
            known.insert(flow, way);
            known.extend(Inside::answering(&packet.headers).map(|answer| (answer, way)));
        }
        begins
    }
}
