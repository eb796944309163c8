//! Who listens to a walk.

use crate::verdict::{Hop, Step, Through};
use crate::wire::Packet;

/// Receives what is decided, and returns nothing: it cannot change the walk.
pub trait Recorder {
    /// Whether it wants decisions; if not, none is made up.
    const STEPS: bool;
    /// Whether it wants crossings of interfaces.
    const HOPS: bool;
    /// A decision.
    fn step(&mut self, step: Step);
    /// A crossing of an interface, with the packet there.
    fn hop(&mut self, hop: Hop, packet: &Packet);
    /// A way through a gateway with a flow log of its own; told to those who want crossings.
    fn through(&mut self, _: Through) {}
}

/// Nobody listens: compiles to nothing.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoRecord;

impl Recorder for NoRecord {
    const STEPS: bool = false;
    const HOPS: bool = false;
    fn step(&mut self, _: Step) {}
    fn hop(&mut self, _: Hop, _: &Packet) {}
}
