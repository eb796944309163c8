//! States of tunnels and sessions over time.

use super::Subject;
use crate::base::Instant;
use crate::fabric::{Fabric, Line};
use crate::record::metric::Metric;
use crate::verdict::Side;
use std::collections::BTreeMap;

/// One state.
#[derive(Clone, Debug)]
struct State {
    metric: Metric,
    up: bool,
    since: Instant,
    /// Nanoseconds up in each period, by its number.
    periods: BTreeMap<u64, u64>,
    /// It follows a session of BGP; else the tunnel itself.
    session: bool,
}

/// The states of tunnels and of virtual interfaces' sessions.
#[derive(Debug, Default)]
pub(super) struct States {
    states: BTreeMap<Subject, State>,
}

impl States {
    /// As a run begins: at rest.
    pub(super) fn new(fabric: &Fabric) -> Self {
        let mut states = BTreeMap::new();
        let speaks = |line: Line| fabric.speakers.iter().any(|s| s.line == line && s.side == Side::Aws);
        let state =
            |metric, up, session| State { metric, up, since: Instant::START, periods: BTreeMap::new(), session };
        for (tunnel, t) in fabric.tunnels.iter_enumerated() {
            let session = t.speakers.is_some() && speaks(Line::Tunnel(tunnel));
            states.insert(Subject::Tunnel(tunnel), state(Metric::TunnelState, t.up == [true, true], session));
        }
        for (vif, v) in fabric.vifs.iter_enumerated().filter(|(_, v)| v.speakers.is_some()) {
            states.insert(Subject::Vif(vif), state(Metric::VifBgpStatus, v.up, true));
        }
        Self { states }
    }

    /// An end of a line at AWS has said that its session or its tunnel is up, or is not.
    pub(super) fn told(&mut self, now: Instant, line: Line, session: bool, up: bool) {
        let subject = match line {
            Line::Tunnel(tunnel) => Subject::Tunnel(tunnel),
            Line::Vif(vif) => Subject::Vif(vif),
            Line::Routers(_) | Line::Connect { .. } => return,
        };
        let Some(state) = self.states.get_mut(&subject) else { return };
        // A session that is down says more than a tunnel that is up (MET-3).
        if session == state.session || !up {
            state.until(now);
            state.up = up;
        }
    }

    /// Every state's share of each period, by the period's first second.
    pub(super) fn finish(&mut self, until: Instant) -> Vec<(u64, Subject, Metric, f64)> {
        let mut out = Vec::new();
        for (subject, state) in &mut self.states {
            state.until(until);
            let period = state.metric.period() * 1_000_000_000;
            for n in 0..=until.0.saturating_sub(1) / period {
                let length = period.min(until.0 - n * period).max(1);
                let up = state.periods.get(&n).copied().unwrap_or(0);
                out.push((n * state.metric.period(), *subject, state.metric, up as f64 / length as f64));
            }
        }
        out
    }
}

impl State {
    /// Adds the time since the last change.
    fn until(&mut self, now: Instant) {
        let period = self.metric.period() * 1_000_000_000;
        while self.since < now {
            let n = self.since.0 / period;
            let end = now.0.min((n + 1) * period);
            if self.up {
                *self.periods.entry(n).or_default() += end - self.since.0;
            }
            self.since = Instant(end);
        }
    }
}
