//! Takes a run's flow-log records: holds them against what the scenario expects, counts them, hands them on.

use super::report::CheckResult;
use crate::base::Cidr;
use crate::base::port::ProtocolMatch;
use crate::compile::{FlowLog, Network};
use crate::observe::flow_logs::Sink;
use crate::record::flow_log::{Action, Format, Record, Status, Text};
use crate::scenario::{Evidence, FlowLogAction, FlowLogExpectation, Scenario};

/// How many records that were not expected are shown beside one that was, and is not there.
const SHOWN_MAX: usize = 3;

/// What a run logs besides what the topology defines, and who takes the records.
pub struct Logging<'a> {
    /// Whether every interface is logged.
    pub everything: Everything,
    /// The format of that; AWS's default one if absent.
    pub format: Option<Format>,
    /// Takes the records.
    pub sink: &'a mut dyn Sink,
}

/// Whether every interface is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Everything {
    /// Only what the topology defines.
    Never,
    /// If the topology defines no flow log.
    IfNoneDefined,
    /// Besides what the topology defines.
    Always,
}

/// What a log held.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogTotals {
    /// The log.
    pub id: String,
    /// Records of accepted flows; for a transit gateway of all.
    pub accepted: Sums,
    /// Records of rejected flows.
    pub rejected: Sums,
    /// NODATA records.
    pub no_data: u64,
    /// SKIPDATA records.
    pub skip_data: u64,
}

/// Records and what they hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sums {
    /// Records.
    pub records: u64,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Takes records.
pub struct Witness<'a> {
    seen: Vec<Seen<'a>>,
    /// The log that expectations are about; the last one.
    own: usize,
    totals: Vec<LogTotals>,
    sink: Option<&'a mut dyn Sink>,
}

/// An expectation, and what was seen of it.
struct Seen<'a> {
    want: &'a FlowLogExpectation,
    found: bool,
    others: Vec<String>,
}

impl<'a> Witness<'a> {
    /// The logs of a run, and who takes their records.
    pub(super) fn new(scenario: &'a Scenario, network: &Network, logging: Option<Logging<'a>>) -> (Vec<FlowLog>, Self) {
        let mut logs = Vec::new();
        let mut sink = None;
        if let Some(logging) = logging {
            logs.extend(network.flow_logs.iter().cloned());
            let everything = match logging.everything {
                Everything::Never => false,
                Everything::IfNoneDefined => logs.is_empty(),
                Everything::Always => true,
            };
            if everything {
                let format = logging.format.unwrap_or_else(Format::default_vpc);
                logs.push(FlowLog { format, ..FlowLog::everything() });
            }
            sink = Some(logging.sink);
        }
        let own = logs.len();
        let totals = logs.iter().map(|log| LogTotals { id: log.id.clone(), ..LogTotals::default() }).collect();
        let expected = scenario.expect.iter().filter_map(|e| match &e.value {
            Evidence::FlowLog(want) => Some(Seen { want, found: false, others: Vec::new() }),
            Evidence::Counter(_) | Evidence::Captured(_) => None,
        });
        let seen: Vec<Seen<'a>> = expected.collect();
        if !seen.is_empty() {
            logs.push(FlowLog::everything());
        }
        (logs, Self { seen, own, totals, sink })
    }

    /// Whether the expectations were met, in the order of the file.
    pub(super) fn results(&self) -> impl Iterator<Item = CheckResult> {
        self.seen.iter().map(Seen::result)
    }

    /// What the logs held.
    pub(super) fn totals(&self) -> &[LogTotals] {
        &self.totals
    }
}

impl Sink for Witness<'_> {
    fn begin(&mut self, logs: &[FlowLog]) {
        if let Some(sink) = &mut self.sink {
            sink.begin(&logs[..self.own]);
        }
    }

    fn record(&mut self, log: usize, of: &FlowLog, record: &Record<'_>) {
        if log == self.own {
            for seen in &mut self.seen {
                seen.take(of, record);
            }
            return;
        }
        let totals = &mut self.totals[log];
        match record.status {
            Status::NoData => totals.no_data += 1,
            Status::SkipData => totals.skip_data += 1,
            Status::Ok => {
                let accepted = record.flow.action == Action::Accept;
                let sums = if accepted { &mut totals.accepted } else { &mut totals.rejected };
                sums.records += 1;
                sums.packets += record.packets;
                sums.bytes += record.bytes;
            }
        }
        if let Some(sink) = &mut self.sink {
            sink.record(log, of, record);
        }
    }

    fn passed(&mut self, until: u64) {
        if let Some(sink) = &mut self.sink {
            sink.passed(until);
        }
    }
}

impl Seen<'_> {
    fn take(&mut self, log: &FlowLog, record: &Record<'_>) {
        let of_interface = record.subject.interface.as_ref() == Some(&self.want.interface.value);
        if !of_interface || record.status != Status::Ok {
            return;
        }
        self.found |= self.fits(record);
        if !self.found && self.others.len() < SHOWN_MAX {
            let mut line = Vec::new();
            Text::new(log).line(record, &mut line);
            self.others.push(String::from_utf8_lossy(&line).into_owned());
        }
    }

    fn fits(&self, record: &Record<'_>) -> bool {
        let (want, f) = (self.want, &record.flow);
        let holds = |block: Option<Cidr>, address| block.is_none_or(|b| b.contains(address));
        let protocol =
            |p: ProtocolMatch| p == ProtocolMatch::All || p == ProtocolMatch::One(crate::base::Protocol(f.protocol));
        holds(want.src.map(|a| a.0), f.src)
            && holds(want.dst.map(|a| a.0), f.dst)
            && want.src_port.is_none_or(|p| p == f.src_port)
            && want.dst_port.is_none_or(|p| p == f.dst_port)
            && want.protocol.is_none_or(protocol)
            && (f.action == Action::Accept) == (want.action == FlowLogAction::Accept)
            && want.packets.is_none_or(|p| p == record.packets)
            && want.bytes.is_none_or(|b| b == record.bytes)
    }

    fn result(&self) -> CheckResult {
        let want = self.want;
        let action = if want.action == FlowLogAction::Accept { "ACCEPT" } else { "REJECT" };
        let mut expected = format!("flow log of {}: {action}", want.interface);
        for (word, value) in [("from", want.src.map(|a| a.0)), ("to", want.dst.map(|a| a.0))] {
            if let Some(block) = value {
                expected.push_str(&format!(" {word} {block}"));
            }
        }
        if let Some(port) = want.dst_port {
            expected.push_str(&format!(" port {port}"));
        }
        let found = (!self.found).then(|| match self.others.is_empty() {
            true => "no record of a packet there".to_owned(),
            false => self.others.join(" | "),
        });
        CheckResult { expected, found }
    }
}
