//! Speakers of BGP: routers and gateways as ends of a line, with an address of their own.
//!
//! What a speaker sends to the other end of its line goes over that line and no other, whatever the tables say. What it sends
//! to anybody else (a router's answer to a ping) goes by the router's table. Gateways of AWS's have only their peer to talk to, and
//! so has the speaker of a Connect peer's appliance.

use super::{Next, Pass, Recorder, Walk};
use crate::base::ids::SpeakerIx;
use crate::fabric::{Line, RouterRow};
use crate::verdict::{Entry, Side, Stage, Vantage, Verdict};
use crate::wire::Packet;

impl<R: Recorder> Walk<'_, R> {
    /// A speaker sends a packet.
    pub(super) fn speak(&mut self, packet: &mut Packet, speaker: SpeakerIx) -> Pass<Next> {
        let (own, peer) = (self.fabric.speakers[speaker], self.fabric.speakers[speaker.peer()]);
        if let Some(router) = own.router {
            let r = &self.fabric.routers[router];
            if !r.up {
                return Err(self.end(Stage::Router(router), packet, r.row(RouterRow::Down), None));
            }
            if packet.headers.dst != peer.address {
                return Ok(Next::On(Vantage::Router { router, from: Entry::Lan }));
            }
        }
        match (own.line, own.router, peer.router) {
            (Line::Tunnel(tunnel), ..) => self.enter_tunnel(packet, tunnel, own.side, None),
            (Line::Vif(vif), ..) => self.enter_vif(packet, vif, own.side, None),
            (Line::Routers(link), Some(from), Some(router)) => {
                let to = Vantage::Router { router, from: Entry::Router(from) };
                Ok(Next::Done(Verdict::Transit { to, link }))
            }
            (Line::Connect { connect, tunnel, .. }, ..) => self.speak_in_tunnel(packet, connect, tunnel, own.side),
            (Line::Routers(_), ..) => unreachable!("both ends of a link between routers are routers"),
        }
    }

    /// The speaker at this side of a line, if the packet comes from the other side and is for it. A router knows
    /// all its addresses itself.
    pub(super) fn own(&self, packet: &Packet, speakers: Option<[SpeakerIx; 2]>, side: Side) -> Option<SpeakerIx> {
        let speaker = speakers.filter(|_| side == Side::Aws)?[1];
        let at = |speaker: SpeakerIx| self.fabric.speakers[speaker].address;
        let for_it = packet.headers.dst == at(speaker) && packet.headers.src == at(speaker.peer());
        for_it.then_some(speaker)
    }
}
