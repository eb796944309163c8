//! Copies of mirrored packets in time: production first.
//!
//! A copy is a packet that the network makes. It uses what production leaves of its source's bandwidth, and if that is nothing it is
//! the copy that is dropped (MIR-18). It belongs to no conversation: its tag is 0. Not modelled: bandwidth that the copies of received
//! packets would take from receiving.

use super::{Event, Sim};
use crate::base::ids::{EniIx, MirrorSessionIx};
use crate::event::{Fact, Observer};
use crate::flow::MirrorCopy;
use crate::verdict::{LinkIx, Vantage};
use crate::wire::Packet;

impl<O: Observer> Sim<O> {
    /// Sends what walks have copied, oldest first.
    pub(super) fn send_copies(&mut self) {
        while let Some(MirrorCopy { session, eni, dir, len, packet }) = self.flows.copies.pop_front() {
            self.totals.made += 1;
            self.skipped = false;
            if O::WATCHES {
                self.observer.on(self.now, &Fact::Made { packet: &packet });
            }
            self.walk(packet, Vantage::Mirror { session, eni });
            if O::WATCHES {
                let skipped = self.skipped;
                self.observer.on(self.now, &Fact::Mirrored { session, eni, dir, len, skipped });
            }
        }
    }

    /// A copy crosses its first link.
    pub(super) fn send_copy(
        &mut self,
        packet: Packet,
        session: MirrorSessionIx,
        eni: EniIx,
        to: Vantage,
        class: LinkIx,
    ) {
        let fabric = &self.network.fabric;
        let skip = fabric.mirror_sessions[session].skip;
        match self.links.cross_copy(fabric, &packet, (eni, skip), class, self.now) {
            Ok(at) => self.queue.push(at, Event::Arrive { packet, at: to }),
            Err(by) => {
                self.skipped = by == skip;
                self.drop(&packet, by, None);
            }
        }
    }
}
