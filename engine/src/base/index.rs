//! Dense handles. Names die when a topology is compiled; from then on a resource is a `u32`
//! into the vector of its kind, and the type of the handle says which vector.

use std::marker::PhantomData;

/// A dense handle into an [`IndexVec`].
pub trait Index: Copy + Eq + Ord {
    /// Makes the handle for position `position`.
    ///
    /// # Panics
    /// If `position` does not fit in 32 bits: no network that fits in memory has that many of one kind.
    fn from_usize(position: usize) -> Self;
    /// The position this handle stands for.
    fn to_usize(self) -> usize;
}

/// Declares handle types: `index_type!{ /// docs  pub EniIx; ... }`.
#[macro_export]
macro_rules! index_type {
    ($($(#[$doc:meta])* pub $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);
        impl $crate::base::index::Index for $name {
            fn from_usize(position: usize) -> Self {
                Self(u32::try_from(position).expect("more than 2^32 resources of one kind"))
            }
            fn to_usize(self) -> usize { self.0 as usize }
        }
    )*};
}

/// A vector that can only be indexed by its own kind of handle.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexVec<I, T> {
    items: Vec<T>,
    kind: PhantomData<fn(I)>,
}

impl<I: Index, T> IndexVec<I, T> {
    /// An empty vector.
    #[must_use]
    pub const fn new() -> Self {
        Self { items: Vec::new(), kind: PhantomData }
    }
    /// Appends `item` and returns its handle.
    pub fn push(&mut self, item: T) -> I {
        self.items.push(item);
        I::from_usize(self.items.len() - 1)
    }
    /// The handle the next [`push`](Self::push) will return.
    #[must_use]
    pub fn next_index(&self) -> I {
        I::from_usize(self.items.len())
    }
    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }
    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
    /// The item, if the handle belongs to this vector.
    #[must_use]
    pub fn get(&self, index: I) -> Option<&T> {
        self.items.get(index.to_usize())
    }
    /// Items in the order of their handles.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }
    /// Items in the order of their handles, to change them.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }
    /// Handles with their items, in order.
    pub fn iter_enumerated(&self) -> impl ExactSizeIterator<Item = (I, &T)> + '_ {
        self.items.iter().enumerate().map(|(position, item)| (I::from_usize(position), item))
    }
    /// Every handle, in order.
    pub fn indices(&self) -> impl ExactSizeIterator<Item = I> + use<I, T> {
        (0..self.items.len()).map(I::from_usize)
    }
    /// Gives back the memory that was kept for more items.
    pub fn shrink_to_fit(&mut self) {
        self.items.shrink_to_fit();
    }
    /// The items as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }
}

impl<I: Index, T> Default for IndexVec<I, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Index, T> std::ops::Index<I> for IndexVec<I, T> {
    type Output = T;
    fn index(&self, index: I) -> &T {
        &self.items[index.to_usize()]
    }
}

impl<I: Index, T> std::ops::IndexMut<I> for IndexVec<I, T> {
    fn index_mut(&mut self, index: I) -> &mut T {
        &mut self.items[index.to_usize()]
    }
}

impl<I: Index, T> Extend<T> for IndexVec<I, T> {
    fn extend<A: IntoIterator<Item = T>>(&mut self, items: A) {
        items.into_iter().for_each(|item| _ = self.push(item));
    }
}
impl<I: Index, T> FromIterator<T> for IndexVec<I, T> {
    fn from_iter<It: IntoIterator<Item = T>>(items: It) -> Self {
        Self { items: items.into_iter().collect(), kind: PhantomData }
    }
}

impl<I, T: std::fmt::Debug> std::fmt::Debug for IndexVec<I, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.items.fmt(f)
    }
}
