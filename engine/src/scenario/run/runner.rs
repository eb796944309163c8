//! The loop: steps begin, packets move, hosts report, steps end.

use super::Options;
use super::operation::{Kind, Operation};
use super::report::{Line, Report};
use super::watch::Watch;
use super::witness::{Logging, Witness};
use crate::base::rng::Stream;
use crate::base::{Instant, Nanos};
use crate::compile::{Network, compile_failed};
use crate::diag::Severity;
use crate::event::{HostRef, Told};
use crate::explain::{Origin, resolve_origin};
use crate::observe::capture::Capture;
use crate::observe::cost::Cost;
use crate::observe::flow_logs::FlowLogs;
use crate::observe::ledger::Ledger;
use crate::observe::metrics::Metrics;
use crate::scenario::{Fault, Outcome, Scenario, Step, When};
use crate::sim::{EPOCHS_MAX, Sim};
use crate::spec::Spec;
use crate::wire::Packet;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What is watched: the laws, conversations, captures, flow logs, metrics, what is billed.
type Watchers<'a> = (Ledger, (Watch, (Capture, (FlowLogs<Witness<'a>>, (Option<Metrics>, Option<Cost>)))));
/// Time after the last step in which what is under way may arrive.
const SETTLE: Nanos = Nanos::from_secs(1);

pub(super) struct Runner<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) sim: Sim<Watchers<'a>>,
    /// The topology with every change so far.
    pub(super) spec: Spec,
    pub(super) faults: Vec<Fault>,
    pub(super) networks: Vec<Network>,
    pub(super) operations: Vec<Operation>,
    /// Steps that have begun.
    pub(super) begun: usize,
    pub(super) alarms: BTreeMap<(Instant, u64), usize>,
    pub(super) alarm_seq: u64,
    pub(super) connections: BTreeMap<String, usize>,
    pub(super) lines: Vec<Line>,
    /// What ends of lines have told, and in which words.
    pub(super) told: Vec<(Instant, Told, String)>,
    /// When routes moved.
    pub(super) moved: Vec<Instant>,
    pub(super) seed: u64,
    pub(super) until: Option<Instant>,
    pub(super) random: Stream,
    pub(super) pcaps: BTreeMap<String, Arc<[(Nanos, Packet)]>>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        spec: &Spec,
        network: Network,
        options: Options,
        logging: Option<Logging<'a>>,
    ) -> Self {
        let seed = options.seed.unwrap_or(scenario.seed);
        let (capture, _) = super::capture::capture(&network, scenario, options.capture);
        let (logs, witness) = Witness::new(scenario, &network, logging);
        let flow_logs = FlowLogs::new(&network, logs, witness);
        let metrics = options.metrics.then(|| Metrics::new(&network));
        let cost = options.cost.then(|| Cost::new(&network));
        let observer = (Ledger::default(), (Watch::default(), (capture, (flow_logs, (metrics, cost)))));
        Self {
            scenario,
            sim: Sim::new(network.clone(), seed, observer),
            spec: spec.clone(),
            faults: Vec::new(),
            networks: vec![network],
            operations: Vec::new(),
            begun: 0,
            alarms: BTreeMap::new(),
            alarm_seq: 0,
            connections: BTreeMap::new(),
            lines: Vec::new(),
            told: Vec::new(),
            moved: Vec::new(),
            seed,
            until: options.until.or(scenario.until.map(|u| Instant::START + u.value)),
            random: Stream::new(seed, "scenario", "traffic"),
            pcaps: options.pcaps,
        }
    }

    pub(super) fn run(mut self) -> Report {
        while let Some(at) = self.next() {
            if self.until.is_some_and(|until| at > until) {
                break;
            }
            if self.is_full() {
                self.say(format!("the run ends here: {EPOCHS_MAX} changes and moves of routes"));
                break;
            }
            match self.sim.next_time() {
                Some(event) if event <= at => {
                    self.sim.step();
                    self.hear();
                }
                _ => {
                    self.sim.run_until(at);
                    self.hear();
                    self.ring(at);
                    self.begin(at);
                }
            }
        }
        let end = if self.is_full() { self.sim.now() } else { self.until.unwrap_or(self.sim.now() + SETTLE) };
        while self.sim.next_time().is_some_and(|at| at <= end) {
            self.sim.step();
            self.hear();
        }
        self.sim.run_until(end);
        for n in 0..self.operations.len() {
            if self.operations[n].ended.is_none() {
                self.end(n, None, "still under way when the run ended");
            }
        }
        self.finish()
    }

    /// No further configuration can be kept.
    pub(super) fn is_full(&self) -> bool {
        self.networks.len() > usize::from(EPOCHS_MAX)
    }

    /// When something is to be done next: a packet, an alarm, a step.
    pub(super) fn next(&self) -> Option<Instant> {
        let waits = self.operations.iter().any(|o| o.ended.is_none());
        let step = self.next_step();
        if !waits && step.is_none() {
            return None;
        }
        let alarm = self.alarms.keys().next().map(|(at, _)| *at);
        [self.sim.next_time(), alarm, step].into_iter().flatten().min()
    }

    /// When the next step begins, if that is known.
    pub(super) fn next_step(&self) -> Option<Instant> {
        let step = self.scenario.steps.get(self.begun)?;
        match step.when {
            When::At(at) => Some((Instant::START + at.value).max(self.sim.now())),
            When::After(pause) => match self.begun.checked_sub(1) {
                None => Some(Instant::START + pause.value),
                Some(previous) => {
                    self.operations[previous].ended.map(|ended| (ended + pause.value).max(self.sim.now()))
                }
            },
        }
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.lines.push(Line { at: self.sim.now(), text: text.into() });
    }

    pub(super) fn network(&self) -> &Network {
        self.networks.last().expect("there is always one")
    }

    pub(super) fn alarm(&mut self, operation: usize, at: Instant) {
        self.alarms.insert((at, self.alarm_seq), operation);
        self.alarm_seq += 1;
    }

    pub(super) fn begin(&mut self, now: Instant) {
        while !self.is_full() && self.next_step().is_some_and(|at| at <= now) {
            let step: &'a Step = &self.scenario.steps[self.begun].value;
            self.begun += 1;
            let n = self.operations.len();
            self.operations.push(Operation {
                tag: n as u32 + 1,
                started: now,
                kind: Kind::Wait,
                outcome: None,
                elapsed: None,
                ended: None,
                told: Vec::new(),
                heard: 0,
                port: 0,
                bytes: 0,
                addresses: Vec::new(),
                hops: Vec::new(),
            });
            let title = super::prepare_title(step);
            self.say(title);
            self.act(n, &step.action);
            self.hear();
        }
    }

    /// The host and address that send, and the address they send to.
    pub(super) fn ends(&self, from: &str, to: &str) -> (HostRef, IpAddr, IpAddr) {
        let network = self.network();
        let (origin, target) = resolve_origin(network, from, to).expect("checked before the run");
        let host = match origin {
            Origin::Eni { eni, .. } => {
                HostRef::Guest(network.fabric.enis[eni].guest().expect("an end of a step is a guest's"))
            }
            Origin::Site { host, .. } => HostRef::Internet(host),
            Origin::Internet { address } => {
                HostRef::Internet(network.fabric.internet_host(address).expect("checked before the run"))
            }
        };
        (host, origin.address(), target)
    }

    /// Alarms up to `now`.
    pub(super) fn ring(&mut self, now: Instant) {
        while let Some(((at, seq), n)) = self.alarms.first_key_value().map(|(k, n)| (*k, *n)) {
            if at > now {
                return;
            }
            self.alarms.remove(&(at, seq));
            if self.operations[n].ended.is_none() {
                self.wake(n);
            }
            self.hear();
        }
    }

    /// A step is over.
    pub(super) fn end(&mut self, n: usize, outcome: Option<Outcome>, text: &str) {
        self.tell_drops();
        let o = &mut self.operations[n];
        if o.ended.is_some() {
            return;
        }
        o.outcome = outcome;
        o.ended = Some(self.sim.now());
        if !text.is_empty() {
            let name = super::prepare_name(&self.scenario.steps[n].value);
            self.say(format!("  {name}: {text}"));
        }
        if let Some(expect) = &self.scenario.steps[n].expect {
            for check in self.checks(n, expect) {
                self.say(check.text());
            }
        }
    }

    /// Puts the topology with its changes and faults in force.
    pub(super) fn reconfigure(&mut self) {
        let mut spec = self.spec.clone();
        for fault in &self.faults {
            super::fault::break_it(&mut spec, fault, &self.networks[0]);
        }
        let epoch = self.sim.network().fabric.epoch.checked_add(1).expect("the run has ended by then");
        let failed = super::fault::failed_zones(&self.faults, &self.networks[0]);
        let (network, diagnostics) = compile_failed(&spec, epoch, &failed);
        let errors: Vec<_> = diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
        let network = network.unwrap_or_else(|| panic!("tried before the run: {errors:?}"));
        self.sim.observer.1.1.1.0.configure(&network);
        if let Some(metrics) = &mut self.sim.observer.1.1.1.1.0 {
            metrics.configure(&network);
        }
        self.sim.configure(network);
        self.follow();
    }
}
