//! Flows that are open, by slot.

use super::tag::NO_SLOT;

/// Flows that may be open at one time.
pub const FLOWS_MAX: u32 = NO_SLOT;

/// Values by slot; freed slots are used again, the last one first.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// The slot that [`insert`](Self::insert) would use; none if all are in use.
    pub(super) fn next(&self) -> Option<u32> {
        match self.free.last() {
            Some(slot) => Some(*slot),
            None => u32::try_from(self.slots.len()).ok().filter(|slot| *slot < FLOWS_MAX),
        }
    }
    /// Puts a value into the slot that [`next`](Self::next) gave.
    pub(super) fn insert(&mut self, value: T) {
        match self.free.pop() {
            Some(slot) => self.slots[slot as usize] = Some(value),
            None => self.slots.push(Some(value)),
        }
    }
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }
    /// # Panics
    /// If there is nothing.
    pub(super) fn remove(&mut self, slot: u32) -> T {
        self.free.push(slot);
        self.slots[slot as usize].take().expect("a flow that is open")
    }
}
