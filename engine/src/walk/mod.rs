//! L4: the packet's walk. The only place that orders the stages, and the only caller of `eval`.
//!
//! [`Walk::step`] takes a packet from one time boundary to the next: from the guest that sends it to the
//! link, from the link to the guest that gets it. What lies between (checks, groups, ACLs, tables,
//! gateways) takes no time. `sim` schedules the rest; `explain` chains the same steps on a clock that
//! stands still. A NAT gateway and a forwarding guest send by an interface of their own, so the ACLs and
//! routes of their subnet apply by construction.
//!
//! ```text
//! leave  (leave.rs)    source check > link-local service > SG out > route > ACL out > gateway or interface
//! arrive (arrive.rs)   ACL in > SG in > destination check > guest (deliver or forward), or NAT gateway
//! edge   (edge.rs)     internet gateway, egress-only gateway, Block Public Access, edge route table
//! nat    (nat.rs)      NAT gateway: translate, or translate back
//! track  (track.rs)    security groups with connection tracking
//! tgw    (transit_gateway.rs, tunnel.rs)  transit gateway: association, table, zone; tunnels of Connect attachments
//! pcx    (peering.rs)   VPC peering
//! mirror (mirror.rs)   copies of what an interface sends and receives, and their way
//! mcast  (multicast.rs) multicast domains
//! vgw    (vpn.rs)       virtual private gateways, VPN tunnels
//! outer  (vpn_outer.rs) what carries a tunnel's outer packets, and who gets them
//! router (router.rs, speaker.rs)  routers of on-premises sites; what routers and gateways say themselves
//! cvpn   (client_vpn.rs) Client VPN: clients, authorization, routes, translation
//! dxgw   (direct_connect.rs) Direct Connect gateways, virtual interfaces, AWS's public network behind them
//! vpce   (endpoint.rs)  gateway and interface endpoints, load balancers behind endpoint services
//! ```
//!
//! Invariants: a [`Recorder`] only receives, so watching cannot change the walk; with
//! [`DenyPolicy::CollectAll`] the first denial is the one that [`DenyPolicy::Stop`] gives.

mod arrive;
mod client_vpn;
mod direct_connect;
mod edge;
mod endpoint;
mod leave;
mod mirror;
mod multicast;
mod nat;
mod peering;
mod record;
mod related;
mod router;
mod speaker;
mod stateful;
mod track;
mod transit_gateway;
mod tunnel;
mod vpn;
mod vpn_outer;

pub use arrive::MASQUERADE_IDLE;
pub use client_vpn::CVPN_IDLE;
pub use edge::{EIGW_IDLE, IGW_MTU, PRIVATE_NAT64};
pub use endpoint::VPCE_MTU;
pub use mirror::{MIRROR_LENGTH_MIN, MIRROR_OVERHEAD};
pub use multicast::members;
pub use nat::{NAT_IDLE, NAT_MTU};
pub use record::{NoRecord, Recorder};
pub use transit_gateway::TGW_MTU;

use crate::base::Instant;
use crate::fabric::Fabric;
use crate::flow::FlowState;
use crate::verdict::{Decision, Hop, Notify, RowIx, Stage, Step, Vantage, Verdict};
use crate::wire::{Headers, Packet};

/// Segments that one step may chain before it must be a loop.
const SEGMENTS_MAX: usize = 32;

/// What happens at a denial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DenyPolicy {
    /// The packet is dropped: what AWS does.
    Stop,
    /// It is recorded, and the packet goes on where there is a way on: to find every blocker.
    CollectAll,
}

/// A walk over one network and its live state.
pub struct Walk<'a, R> {
    /// The network.
    pub fabric: &'a Fabric,
    /// Its state.
    pub flows: &'a mut FlowState,
    /// The time.
    pub now: Instant,
    /// What happens at a denial.
    pub policy: DenyPolicy,
    /// Who listens.
    pub recorder: &'a mut R,
}

/// What a segment ends with: another segment, or the step's verdict.
enum Next {
    On(Vantage),
    Done(Verdict),
}

/// A drop that ends a segment; `?` carries it out.
type Pass<T = ()> = Result<T, Verdict>;

impl<R: Recorder> Walk<'_, R> {
    /// Takes the packet from `at` to the next time boundary. Headers are rewritten on the way.
    pub fn step(&mut self, packet: &mut Packet, at: Vantage) -> Verdict {
        let mut at = at;
        for _ in 0..SEGMENTS_MAX {
            let next = match at {
                Vantage::Out(eni) => self.leave(packet, eni),
                Vantage::In { eni, from, entered } => self.arrive(packet, eni, from, entered),
                Vantage::Loopback(eni) => self.loopback(packet, eni),
                Vantage::FromService(eni) => {
                    self.mirror_answer(packet, eni);
                    self.loopback(packet, eni)
                }
                Vantage::Mirror { session, eni } => self.leave_copy(packet, session, eni),
                Vantage::RegionalNat(nat) => self.regional_nat(packet, nat),
                Vantage::Internet => self.enter(packet),
                Vantage::Tgw { via, eni, from } => self.tgw(packet, via, eni, from),
                Vantage::FromTgw { eni, from } => self.leave_as(packet, eni, from),
                Vantage::GatewayEndpoint(vpce) => self.leave_gateway_endpoint(packet, vpce),
                Vantage::Router { router, from } => self.router(packet, router, from),
                Vantage::Vgw { vgw, from } => self.vgw(packet, vgw, Some(from)),
                Vantage::Dxgw { dxgw, from } => self.dxgw(packet, dxgw, from),
                Vantage::TunnelEnd(tunnel, side) => Ok(self.tunnel_end(packet, tunnel, side)),
                Vantage::VifEnd(vif, side) => Ok(self.vif_end(packet, vif, side)),
                Vantage::Speaker(speaker) => self.speak(packet, speaker),
                Vantage::Client(client) => self.vpn_client(packet, client),
                Vantage::Cvpn(client) => self.cvpn(packet, client),
                Vantage::Public { region, from } => self.public(packet, region, from),
            };
            match next {
                Ok(Next::On(on)) => at = on,
                Ok(Next::Done(verdict)) | Err(verdict) => return verdict,
            }
        }
        unreachable!("{SEGMENTS_MAX} segments without a time boundary: {packet:?} at {at:?}")
    }

    /// Records a stage that let the packet pass and left it as it is.
    #[inline]
    fn pass(&mut self, stage: Stage, packet: &Packet, by: RowIx) {
        self.record(stage, Decision::allow(by), false, packet.headers, packet);
    }

    /// Records a stage; `before` are the headers it found.
    #[inline]
    fn record(&mut self, stage: Stage, decision: Decision, tracked: bool, before: Headers, packet: &Packet) {
        if R::STEPS {
            self.recorder.step(Step { stage, decision, tracked, before, after: packet.headers });
        }
    }

    /// Records a denial. Goes on after it only if the policy says so.
    #[inline]
    fn deny(&mut self, stage: Stage, packet: &Packet, by: RowIx) -> Pass {
        self.record(stage, Decision::deny(by), false, packet.headers, packet);
        match self.policy {
            DenyPolicy::Stop => Err(Verdict::Drop { by, notify: None }),
            DenyPolicy::CollectAll => Ok(()),
        }
    }

    /// Records a denial after which there is no way on.
    #[inline]
    fn end(&mut self, stage: Stage, packet: &Packet, by: RowIx, notify: Option<Notify>) -> Verdict {
        self.record(stage, Decision::deny(by), false, packet.headers, packet);
        // MIR-11.
        Verdict::Drop { by, notify: notify.filter(|_| !packet.payload.is_copy()) }
    }

    /// Records what a flow log sees at an interface.
    #[inline]
    fn hop(&mut self, packet: &Packet, hop: impl FnOnce() -> Hop) {
        if R::HOPS {
            self.recorder.hop(hop(), packet);
        }
    }
}
