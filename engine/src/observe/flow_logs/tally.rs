//! The check that records hold what crossed: packets and bytes of each subject and action, counted beside the flows.
//!
//! Nothing is sampled (FLW-22). In a release build it is empty and costs nothing.

/// Packets and bytes of each subject in the open window: accepted ones and others.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    #[cfg(debug_assertions)]
    counted: Vec<[(u64, u64); 2]>,
}

impl Tally {
    /// For so many subjects.
    pub(super) fn new(subjects: usize) -> Self {
        let _ = subjects;
        Self {
            #[cfg(debug_assertions)]
            counted: vec![[(0, 0); 2]; subjects],
        }
    }

    /// A packet was counted.
    #[inline]
    pub(super) fn add(&mut self, subject: u32, accepted: bool, len: u32) {
        let _ = (subject, accepted, len);
        #[cfg(debug_assertions)]
        {
            let (packets, bytes) = &mut self.counted[subject as usize][usize::from(!accepted)];
            *packets += 1;
            *bytes += u64::from(len);
        }
    }

    /// The window is over: `sum` says what the records of a subject hold.
    ///
    /// # Panics
    /// If they hold anything else than what was counted: that is a bug here.
    pub(super) fn check(&self, subjects: &[u32], sum: impl Fn(u32, bool) -> (u64, u64)) {
        let _ = (subjects, &sum);
        #[cfg(debug_assertions)]
        for (n, [accepted, rejected]) in self.counted.iter().enumerate().filter(|(n, _)| subjects[*n] > 0) {
            let held = (sum(n as u32, true), sum(n as u32, false));
            assert_eq!(held, (*accepted, *rejected), "flow logs lost packets of subject {n}");
        }
    }

    /// A new window.
    pub(super) fn clear(&mut self) {
        #[cfg(debug_assertions)]
        self.counted.fill([(0, 0); 2]);
    }
}
