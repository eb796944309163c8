//! Flow logs: every packet that a log covers is counted in its flow's record; a window's records are handed out when it is over.
//!
//! One record is one flow (by the packet's own addresses, FLW-13) at one interface in one direction with one action in one window. A window
//! is 60 seconds for interfaces of instances and for attachments of transit gateways, else what the log says (FLW-5, FLW-31).
//! Windows count from the start of the run. An interface without traffic in a window has one NODATA record (FLW-14); one with more flows
//! than [`FLOWS_MAX`] has a SKIPDATA record, and the flows beyond are not counted.
//!
//! Memory goes with the flows of the open windows, not with the number of records. Only what a log covers is counted; without
//! a log nothing is.
//!
//! Not logged, as in AWS: what `walk` makes no hop of (FLW-3), and multicast at transit gateways (FLW-34).
//!
//! Invariants: records come by window, then log, then subject, then in the order in which flows began; in a debug build the
//! records of each window are checked against a count of what crossed (`tally`).

mod key;
mod lines;
mod table;
mod tally;

use super::EPOCH_SECONDS;
use crate::base::Instant;
use crate::compile::{FLOW_LOG_INTERVALS, FlowLog, LogResource, Network};
use crate::event::{Fact, Observer};
use crate::record::flow_log::{Record, Status, SubjectIx, Subjects};
use crate::spec::TrafficType;
pub use lines::Lines;
use table::Table;

/// Flows of one interface in one window that are counted; AWS has a limit of its own and does not say which (FLW-14).
pub const FLOWS_MAX: u32 = 1 << 20;

/// Takes records.
pub trait Sink {
    /// These logs are kept; records name them by their position.
    fn begin(&mut self, _: &[FlowLog]) {}
    /// A record of a log.
    fn record(&mut self, log: usize, of: &FlowLog, record: &Record<'_>);
    /// Every record from here on ends at this Unix second or later.
    fn passed(&mut self, _: u64) {}
}

/// Nobody takes them.
impl Sink for () {
    fn record(&mut self, _: usize, _: &FlowLog, _: &Record<'_>) {}
}

/// Logs, and what is counted for them.
pub struct FlowLogs<S> {
    logs: Vec<FlowLog>,
    subjects: Subjects,
    /// Which tables count a subject: bit 0 is the one of 60 seconds, bit 1 the one of 600.
    covers: Vec<u8>,
    /// The subjects of each log by table, ascending.
    covered: Vec<[Vec<SubjectIx>; 2]>,
    tables: [Table; 2],
    /// Who takes the records.
    pub sink: S,
}

impl<S: Sink> FlowLogs<S> {
    /// These logs of a network. Without a log nothing is counted.
    #[must_use]
    pub fn new(network: &Network, logs: Vec<FlowLog>, sink: S) -> Self {
        Self::with_limit(network, logs, sink, FLOWS_MAX)
    }

    /// The same with another limit of flows for each interface and window.
    #[must_use]
    pub fn with_limit(network: &Network, logs: Vec<FlowLog>, mut sink: S, limit: u32) -> Self {
        let subjects = if logs.is_empty() { Subjects::default() } else { Subjects::of(network) };
        let mut covers = vec![0; subjects.len()];
        let mut covered = Vec::new();
        for log in &logs {
            let mut by_table: [Vec<SubjectIx>; 2] = Default::default();
            for at in subjects_of(network, &subjects, log) {
                // FLW-5.
                let short = log.interval == FLOW_LOG_INTERVALS[0] || subjects.subject(at).nitro;
                let table = usize::from(!short);
                covers[at.0 as usize] |= 1 << table;
                by_table[table].push(at);
            }
            covered.push(by_table);
        }
        sink.begin(&logs);
        let tables = FLOW_LOG_INTERVALS.map(|seconds| Table::new(seconds.into(), subjects.len(), limit));
        Self { logs, subjects, covers, covered, tables, sink }
    }

    /// A new configuration: things may be called otherwise. Interfaces stay the same.
    pub fn configure(&mut self, network: &Network) {
        if !self.logs.is_empty() {
            self.subjects = Subjects::of(network);
        }
    }

    /// The logs.
    #[must_use]
    pub fn logs(&self) -> &[FlowLog] {
        &self.logs
    }

    /// The run is over: hands out what is left.
    pub fn finish(&mut self, until: Instant) {
        if self.logs.is_empty() {
            return;
        }
        for n in 0..self.tables.len() {
            let last = seconds(until) / self.tables[n].seconds;
            while self.tables[n].window <= last {
                self.close(n);
            }
        }
        self.sink.passed(u64::MAX);
    }

    /// Closes windows that are over at `second`.
    fn advance(&mut self, second: u64) {
        let mut moved = false;
        for n in 0..self.tables.len() {
            while self.tables[n].window < second / self.tables[n].seconds {
                self.close(n);
                moved = true;
            }
        }
        if moved {
            let used = (0..self.tables.len()).filter(|n| self.covered.iter().any(|of| !of[*n].is_empty()));
            let open = used.map(|n| self.tables[n].window * self.tables[n].seconds).min().unwrap_or(0);
            self.sink.passed(EPOCH_SECONDS + open);
        }
    }

    /// Hands out the records of a table's window, and opens the next one.
    fn close(&mut self, n: usize) {
        let table = &mut self.tables[n];
        table.sort();
        let (from, to) = (table.window * table.seconds, (table.window + 1) * table.seconds);
        let span = (EPOCH_SECONDS + from, EPOCH_SECONDS + to - 1);
        for (at, log) in self.logs.iter().enumerate() {
            for subject in &self.covered[at][n] {
                let what = self.subjects.subject(*subject);
                let mut any = false;
                for flow in table.of(*subject) {
                    any = true;
                    // FLW-24: `any` counts what is not wanted, too.
                    if wants(log.traffic, flow.is_accepted()) {
                        self.sink.record(at, log, &flow.record(&self.subjects, *subject));
                    }
                }
                let skipped = table.has_skipped(*subject);
                if skipped || !any {
                    let status = if skipped { Status::SkipData } else { Status::NoData };
                    self.sink.record(at, log, &Record::empty(&self.subjects, what, status, span));
                }
            }
        }
        table.next_window();
    }
}

impl<S: Sink> Observer for FlowLogs<S> {
    const WATCHES: bool = true;
    fn on(&mut self, now: Instant, fact: &Fact<'_>) {
        match fact {
            Fact::Crossed { hop, logged: true, .. } => {
                let subject = SubjectIx::of_eni(hop.eni);
                let covers = self.covers.get(subject.0 as usize).copied().unwrap_or(0);
                if covers == 0 {
                    return;
                }
                let second = seconds(now);
                self.advance(second);
                for (n, table) in self.tables.iter_mut().enumerate() {
                    if covers >> n & 1 == 1 {
                        table.cross(second, hop);
                    }
                }
            }
            Fact::Through { through } if !self.logs.is_empty() => {
                let second = seconds(now);
                self.advance(second);
                for (n, table) in self.tables.iter_mut().enumerate() {
                    let covers = &self.covers;
                    table.through(second, &self.subjects, through, |s| covers[s.0 as usize] >> n & 1 == 1);
                }
            }
            _ => {}
        }
    }
}

const fn seconds(at: Instant) -> u64 {
    at.0 / 1_000_000_000
}

const fn wants(traffic: TrafficType, accepted: bool) -> bool {
    match traffic {
        TrafficType::All => true,
        TrafficType::Accept => accepted,
        TrafficType::Reject => !accepted,
    }
}

/// What a log is about, ascending.
fn subjects_of(network: &Network, subjects: &Subjects, log: &FlowLog) -> Vec<SubjectIx> {
    let fabric = &network.fabric;
    let enis = |keep: &dyn Fn(&crate::fabric::Eni) -> bool| {
        let kept = fabric.enis.iter_enumerated().filter(|(_, e)| keep(e));
        kept.map(|(eni, _)| SubjectIx::of_eni(eni)).collect()
    };
    match &log.resource {
        LogResource::Everything => subjects.enis().collect(),
        LogResource::Vpc(vpc) => enis(&|e| e.vpc == *vpc),
        LogResource::Subnet(subnet) => enis(&|e| e.subnet == *subnet),
        LogResource::Eni(eni) => vec![SubjectIx::of_eni(*eni)],
        LogResource::RegionalNat(nat) => vec![subjects.of_nat(*nat)],
        LogResource::Tgw(tgw) => {
            let own = fabric.tgw_attaches.iter_enumerated().filter(|(_, a)| a.tgw == *tgw);
            // FLW-35: what goes through a Connect attachment is logged at the one that carries it.
            let own = own.filter(|(_, a)| !matches!(a.kind, crate::fabric::TgwAttachKind::Connect { .. }));
            own.map(|(attach, _)| subjects.of_attachment(attach)).collect()
        }
        LogResource::Attachment(attaches) => attaches.iter().map(|attach| subjects.of_attachment(*attach)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Protocol;
    use crate::base::ids::EniIx;
    use crate::diag::FileIx;
    use crate::verdict::{Dir, Hop, RowIx, TrafficPath};
    use crate::wire::{Fragment, Headers, L4, Packet, Payload, Udp};

    struct Count(u64);
    impl Sink for Count {
        fn record(&mut self, _: usize, _: &FlowLog, _: &Record<'_>) {
            self.0 += 1;
        }
    }

    /// Memory goes with the flows of a window, not with the records of a run.
    #[test]
    fn a_long_run_needs_no_more_memory_than_a_short_one() {
        const FLOWS: u16 = 2_000;
        let yaml = "vpcs: {v: {cidr: 10.0.0.0/16}}\nsubnets: {s: {vpc: v, az: a, cidr: 10.0.0.0/24}}\ninstances: {i: {subnet: s}}\n";
        let spec = crate::spec::read(FileIx(0), yaml.as_bytes()).0.expect("a topology");
        let network = crate::compile::compile(&spec).0.expect("it compiles");
        let mut logs = FlowLogs::new(&network, vec![FlowLog::everything()], Count(0));
        let mut held = logs.tables[0].capacity();
        for window in 0..200 {
            for n in 0..FLOWS {
                let l4 = L4::Udp(Udp { src_port: n, dst_port: 53, length: 8 });
                let headers = Headers {
                    src: "10.0.0.4".parse().expect("an address"),
                    // Other flows in each window.
                    dst: std::net::Ipv4Addr::from(0x0a00_0100 + window).into(),
                    protocol: Protocol::UDP,
                    ttl: 64,
                    traffic_class: 0,
                    fragment: Fragment::default(),
                    l4,
                };
                let (dir, path, next) = (Dir::Out, TrafficPath::Vpc, None);
                let hop = Hop {
                    eni: EniIx(0),
                    dir,
                    accepted: true,
                    by: RowIx(0),
                    headers,
                    len: 28,
                    next,
                    path,
                    own: true,
                    blocked: false,
                };
                let packet = Packet { headers, tag: 0, payload: Payload::EMPTY };
                let fact = Fact::Crossed { hop: &hop, packet: &packet, dropped_by: None, logged: true };
                logs.on(Instant(u64::from(window) * 60_000_000_000), &fact);
            }
            if window == 1 {
                held = logs.tables[0].capacity();
            }
        }
        logs.finish(Instant(199 * 60_000_000_000));
        assert_eq!(logs.sink.0, 200 * u64::from(FLOWS));
        assert_eq!(logs.tables[0].capacity(), held);
    }
}
