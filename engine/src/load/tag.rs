//! Tags of a generator's packets.
//!
//! The highest bit says that a packet is of a generator, the next nine say of which, the rest is the flow's slot; all
//! ones is no flow: nobody remembers the packet.

/// Generators in one run.
pub const GENERATORS_MAX: u32 = 1 << 9;

const LOAD: u32 = 1 << 31;
const SLOT_BITS: u32 = 22;
/// The slot of a packet that belongs to no flow.
pub(super) const NO_SLOT: u32 = (1 << SLOT_BITS) - 1;

/// A tag, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag(u32);

impl Tag {
    /// The tag of a packet.
    #[must_use]
    pub const fn of(tag: u32) -> Self {
        Self(tag)
    }
    /// The tag of a flow.
    #[must_use]
    pub(super) const fn flow(generator: u16, slot: u32) -> u32 {
        LOAD | (generator as u32) << SLOT_BITS | slot
    }
    /// The tag that stands for all packets of a generator.
    #[must_use]
    pub const fn all(generator: u16) -> u32 {
        Self::flow(generator, NO_SLOT)
    }
    /// True if a generator sent the packet, or it answers one of those.
    #[must_use]
    pub const fn is_load(self) -> bool {
        self.0 & LOAD != 0
    }
    /// The flow's slot.
    pub(super) const fn slot(self) -> Option<u32> {
        let slot = self.0 & NO_SLOT;
        if slot == NO_SLOT { None } else { Some(slot) }
    }
    /// What observers know the conversation by: one number for all of a generator's flows.
    #[must_use]
    pub const fn conversation(self) -> u32 {
        if self.is_load() { self.0 | NO_SLOT } else { self.0 }
    }
}
