//! NAT gateways: zonal ones behind an interface, regional ones without.
//!
//! Not modelled: bandwidth and packets-per-second limits, the delay until a regional gateway covers a new
//! zone (it is present in every zone), its addresses per zone (all of them serve all zones).

use super::arrive::set_source;
use super::edge::{IGW_MTU, PRIVATE_NAT64};
use super::{Next, Pass, Recorder, Walk, related};
use crate::base::ids::{EniIx, NatIx};
use crate::base::{Nanos, Protocol};
use crate::eval;
use crate::fabric::{NatRow, VpcRow};
use crate::flow::{Inside, Outside, Translator};
use crate::verdict::{Decision, NatThrough, Notify, NotifyKind, RowIx, RowKind, Stage, Through, Vantage, Verdict};
use crate::wire::{Headers, Icmp, L4, Packet, TcpFlags, clamp_mss, quote};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A flow that was idle this long is forgotten (NAT-7).
pub const NAT_IDLE: Nanos = Nanos::from_secs(350);
/// MTU of a NAT gateway in bytes (MTU-4).
pub const NAT_MTU: u32 = 8500;
/// Largest segment a NAT gateway lets a SYN announce: its MTU less IP and TCP headers (MTU-6, assumed).
const NAT_MSS: [u16; 2] = [8460, 8440];

impl<R: Recorder> Walk<'_, R> {
    /// A packet is at a zonal NAT gateway's interface. It goes on from there, so the ACL of its subnet is asked twice (NAT-15).
    pub(super) fn nat(&mut self, packet: &mut Packet, nat: NatIx, eni: EniIx) -> Pass<Next> {
        if self.fabric.nats[nat].owns(packet.headers.dst) {
            self.nat_back(packet, nat)?;
        } else {
            self.nat_out(packet, nat, Some(Vantage::Out(eni)), NAT_MTU)?;
        }
        Ok(Next::On(Vantage::Out(eni)))
    }

    /// A packet is at a regional NAT gateway, from inside: it leaves with an elastic IP address (NAT-12).
    pub(super) fn regional_nat(&mut self, packet: &mut Packet, nat: NatIx) -> Pass<Next> {
        let (before, len) = (packet.headers, packet.len());
        let next = self.regional_nat_out(packet, nat);
        self.through_nat(packet, nat, (before, len), before.src != packet.headers.src, &next);
        next
    }

    /// A packet from the internet is for a regional NAT gateway's address.
    pub(super) fn regional_nat_back(&mut self, packet: &mut Packet, nat: NatIx) -> Pass<Next> {
        let (before, len) = (packet.headers, packet.len());
        let next = self.regional_nat_in(packet, nat);
        self.through_nat(packet, nat, (before, len), before.dst != packet.headers.dst, &next);
        next
    }

    /// Tells what a regional NAT gateway's flow log sees (FLW-19).
    fn through_nat(
        &mut self,
        packet: &Packet,
        nat: NatIx,
        (headers, len): (Headers, u32),
        translated: bool,
        next: &Pass<Next>,
    ) {
        if R::HOPS {
            let bpa = |by: RowIx| self.fabric.rows[by].kind == RowKind::BlockPublicAccess;
            let blocked = matches!(next, Err(Verdict::Drop { by, .. }) if bpa(*by));
            let after = (translated && !blocked).then(|| (packet.headers, packet.len()));
            self.recorder.through(Through::Nat(NatThrough { nat, headers, len, after, blocked }));
        }
    }

    fn regional_nat_out(&mut self, packet: &mut Packet, nat: NatIx) -> Pass<Next> {
        let vpc = self.fabric.nats[nat].vpc;
        // What comes from another VPC is translated too; but neither a message nor a reply finds its way back there.
        let client = self.fabric.eni_with(vpc, packet.headers.src);
        let at = client.map(|eni| Vantage::In { eni, from: None, entered: true });
        self.nat_out(packet, nat, at, IGW_MTU)?;
        // NAT-12: its own route table leads to the internet gateway, which AWS's rules apply to (IGW-6, BPA-1).
        let v = &self.fabric.vpcs[vpc];
        if v.bpa.egress {
            self.deny(Stage::Bpa, packet, v.row(VpcRow::BpaOut))?;
        }
        // IGW-1: without one there is no way out.
        let Some(igw) = v.igw else {
            let by = self.fabric.nats[nat].row(NatRow::NoGateway);
            return Err(self.end(Stage::Nat(nat), packet, by, None));
        };
        let destination = eval::igw_destination(self.fabric, igw, packet.headers.dst);
        if !destination.allow {
            return Err(self.end(Stage::Igw, packet, destination.by, None));
        }
        self.beyond_gateway(packet, vpc)
    }

    fn regional_nat_in(&mut self, packet: &mut Packet, nat: NatIx) -> Pass<Next> {
        // BPA-2: ingress-only mode lets a NAT gateway's traffic in, the bidirectional one does not.
        let v = &self.fabric.vpcs[self.fabric.nats[nat].vpc];
        if v.igw.is_none() {
            return Err(self.end(Stage::Igw, packet, self.fabric.no_mapping, None));
        }
        if v.bpa.ingress && v.bpa.egress {
            self.deny(Stage::Bpa, packet, v.row(VpcRow::BpaIn))?;
        }
        self.nat_back(packet, nat)?;
        // NAT-12: its table has the VPC's own blocks, and for all else the internet gateway.
        if !v.contains(packet.headers.dst)
            && let Some(igw) = v.igw
        {
            let destination = eval::igw_destination(self.fabric, igw, packet.headers.dst);
            if !destination.allow {
                return Err(self.end(Stage::Igw, packet, destination.by, None));
            }
        }
        match self.owner(packet, self.fabric.nats[nat].vpc) {
            Ok(eni) => Ok(Next::On(Vantage::In { eni, from: None, entered: true })),
            Err(by) => Err(self.end(Stage::Address, packet, by, None)),
        }
    }

    /// Inside to outside. `at` is where messages to the sender enter the network, if they can get to it.
    fn nat_out(&mut self, packet: &mut Packet, nat: NatIx, at: Option<Vantage>, mtu: u32) -> Pass {
        let n = &self.fabric.nats[nat];
        let before = packet.headers;
        let stage = Stage::Nat(nat);
        let remote = match before.dst {
            IpAddr::V4(_) => Some(before.dst),
            IpAddr::V6(dst) => embedded_v4(dst),
        };
        let (Some(remote), true) =
            (remote, matches!(before.protocol, Protocol::TCP | Protocol::UDP) || before.protocol.is_icmp())
        else {
            // NAT-1.
            return Err(self.end(stage, packet, n.row(NatRow::Protocol), None));
        };
        // NAT-8: fragments of UDP pass, those of TCP and ICMP do not.
        if before.fragment.is_fragment() && before.protocol != Protocol::UDP {
            return Err(self.end(stage, packet, n.row(NatRow::Fragment), None));
        }
        let from = n.addresses.first().map(|a| IpAddr::V4(a.own)).zip(at);
        if packet.len() > mtu && before.fragment.dont {
            let notify = from.map(|(from, at)| Notify { kind: NotifyKind::TooBig { mtu }, from, at });
            return Err(self.end(stage, packet, n.row(NatRow::Mtu), notify));
        }
        if before.ttl <= 1 {
            let notify = from.map(|(from, at)| Notify { kind: NotifyKind::TimeExceeded, from, at });
            return Err(self.end(stage, packet, n.row(NatRow::Ttl), notify));
        }
        let now = self.now;
        let ports = self.flows.fragments.ports(&before);
        let table = self.flows.nats.entry(nat).or_insert_with(|| Translator::new(NAT_IDLE));
        if before.is_icmp_error() {
            let Some(outside) = error_from_inside(packet, table, now) else {
                return Err(self.end(stage, packet, n.row(NatRow::Protocol), None));
            };
            packet.headers.src = outside.own;
        } else {
            let inside = inside(&before, ports);
            let outside = match table.outgoing(&inside, now) {
                Some(translation) => {
                    translation.last = now;
                    translation.closed |= before.tcp().is_some_and(|tcp| tcp.flags.has(TcpFlags::RST));
                    translation.outside
                }
                // NAT-7: the next packet of a forgotten connection gets a RST.
                None if before.tcp().is_some_and(|tcp| !tcp.flags.is_first_syn()) => {
                    let reset = before.tcp().is_some_and(|tcp| tcp.flags.has(TcpFlags::RST));
                    let at = at.filter(|_| !reset);
                    let notify = at.map(|at| Notify { kind: NotifyKind::Reset, from: before.dst, at });
                    return Err(self.end(stage, packet, n.row(NatRow::Idle), notify));
                }
                // RFC 5508 section 3.1: a query begins a flow, the answer to one does not.
                None if before.is_echo_reply() => {
                    return Err(self.end(stage, packet, n.row(NatRow::Unsolicited), None));
                }
                None => {
                    let own = n.addresses.iter().map(|a| IpAddr::V4(a.own));
                    match table.bind(inside, to_v4(before.protocol), remote, own, now) {
                        Ok(outside) => outside,
                        Err(_) => return Err(self.end(stage, packet, n.row(NatRow::Ports), None)),
                    }
                }
            };
            set_source(packet, outside.own, outside.own_port);
        }
        // NAT-16, assumed.
        packet.headers.ttl -= 1;
        if before.dst.is_ipv6() {
            six_to_four(packet, remote);
        }
        if before.tcp().is_some_and(|tcp| tcp.flags.has(TcpFlags::SYN)) {
            clamp_mss(packet, NAT_MSS[usize::from(before.dst.is_ipv6())]);
        }
        self.record(stage, Decision::allow(n.row(NatRow::Translate)), false, before, packet);
        Ok(())
    }

    /// Outside to inside: only what belongs to a live flow (NAT-3, NAT-6, NAT-17).
    fn nat_back(&mut self, packet: &mut Packet, nat: NatIx) -> Pass {
        let n = &self.fabric.nats[nat];
        let (before, stage, now) = (packet.headers, Stage::Nat(nat), self.now);
        if before.ttl <= 1 {
            return Err(self.end(stage, packet, n.row(NatRow::Ttl), None));
        }
        let ports = self.flows.fragments.ports(&before);
        let flow = self.flows.nats.get_mut(&nat).and_then(|table| related::piece_back(packet, table, ports, now));
        let Some(inside) = flow else {
            return Err(self.end(stage, packet, n.row(NatRow::Unsolicited), None));
        };
        packet.headers.ttl -= 1;
        if let (IpAddr::V6(dst), IpAddr::V4(src)) = (inside.src, packet.headers.src) {
            four_to_six(packet, dst, src);
        }
        if before.tcp().is_some_and(|tcp| tcp.flags.has(TcpFlags::SYN)) {
            clamp_mss(packet, NAT_MSS[usize::from(inside.src.is_ipv6())]);
        }
        self.record(stage, Decision::allow(n.row(NatRow::Translate)), false, before, packet);
        Ok(())
    }
}

/// The flow of a packet or a piece of one that goes out; `ports` are those of the whole.
pub(super) fn inside(headers: &Headers, ports: (u16, u16)) -> Inside {
    let (src_port, dst_port) = match headers.icmp() {
        Some(icmp) => ((icmp.rest >> 16) as u16, 0),
        None => ports,
    };
    Inside { protocol: headers.protocol, src: headers.src, src_port, dst: headers.dst, dst_port }
}

/// An ICMP error that an inside host sends about a packet of a translated flow: the quoted packet was for the inside address.
pub(super) fn error_from_inside(
    packet: &mut Packet,
    table: &mut Translator,
    now: crate::base::Instant,
) -> Option<Outside> {
    let mut quoted = related::quoted(packet)?;
    let (remote_port, inside_port) = quoted.ports();
    let flow = Inside {
        protocol: quoted.protocol,
        src: quoted.dst,
        src_port: inside_port,
        dst: quoted.src,
        dst_port: remote_port,
    };
    let outside = table.outgoing(&flow, now)?.outside;
    quoted.dst = outside.own;
    quoted.set_dst_port(outside.own_port);
    quote::requote(packet, &quoted);
    Some(outside)
}

/// The IPv4 address inside a NAT64 destination (RFC 6052 section 2.2).
fn embedded_v4(dst: Ipv6Addr) -> Option<IpAddr> {
    let s = dst.segments();
    (s[..6] == PRIVATE_NAT64).then(|| {
        let [a, b] = s[6].to_be_bytes();
        let [c, d] = s[7].to_be_bytes();
        Ipv4Addr::new(a, b, c, d).into()
    })
}

const fn to_v4(protocol: Protocol) -> Protocol {
    match protocol {
        Protocol::ICMPV6 => Protocol::ICMP,
        other => other,
    }
}

/// RFC 7915 section 5: IPv6 to IPv4. The source was translated already.
fn six_to_four(packet: &mut Packet, remote: IpAddr) {
    let h = &mut packet.headers;
    h.dst = remote;
    h.protocol = to_v4(h.protocol);
    // Section 5.1: small packets may be fragmented further on.
    h.fragment.dont = h.len() + packet.payload.len() > 1260;
    h.fragment.id &= 0xffff;
    if let L4::Icmp(icmp) = &mut h.l4 {
        icmp.kind = match icmp.kind {
            Icmp::V6_ECHO => Icmp::ECHO,
            Icmp::V6_ECHO_REPLY => Icmp::ECHO_REPLY,
            other => other,
        };
    }
}

/// RFC 7915 section 4: IPv4 to IPv6.
fn four_to_six(packet: &mut Packet, dst: Ipv6Addr, src: Ipv4Addr) {
    let h = &mut packet.headers;
    let low = src.octets();
    let p = PRIVATE_NAT64;
    let tail = [u16::from_be_bytes([low[0], low[1]]), u16::from_be_bytes([low[2], low[3]])];
    h.src = Ipv6Addr::new(p[0], p[1], p[2], p[3], p[4], p[5], tail[0], tail[1]).into();
    h.dst = dst.into();
    h.fragment.dont = true;
    if h.protocol == Protocol::ICMP {
        h.protocol = Protocol::ICMPV6;
    }
    if let L4::Icmp(icmp) = &mut h.l4 {
        icmp.kind = match icmp.kind {
            Icmp::ECHO => Icmp::V6_ECHO,
            Icmp::ECHO_REPLY => Icmp::V6_ECHO_REPLY,
            Icmp::UNREACHABLE => Icmp::V6_UNREACHABLE,
            Icmp::TIME_EXCEEDED => Icmp::V6_TIME_EXCEEDED,
            other => other,
        };
    }
}
