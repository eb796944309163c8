//! Flow logs as files: where each record goes, and what a run leaves when it is over.
//!
//! Files are written while the run goes on, under temporary names; they get their own when everything is complete, so that
//! nobody ever sees half of one. What cannot be written is kept as the first failure, and the rest of the records is passed over.
//!
//! ```text
//! DIR/<scenario>.log                              every interface, if the topology defines no log, or with --flow-logs-all
//! DIR/<scenario>/<bucket>/<prefix>/AWSLogs/...     a log that the topology sends to S3
//! DIR/<scenario>/<log group>/<stream>.json        one that it sends to CloudWatch Logs
//! ```

mod cloudwatch;
mod file;
#[cfg(feature = "parquet")]
mod parquet;
mod s3;
mod text;

use crate::Failure;
use crate::args::{FlowLogFiles, FlowLogLayout, RunArgs};
use cloudwatch::Streams;
pub(crate) use file::Pending;
use s3::{Place, Slots};
use std::path::{Path, PathBuf};
use vpcsim_engine::compile::{FlowLog, LogDestination, LogResource};
use vpcsim_engine::observe::flow_logs::Sink;
use vpcsim_engine::record::flow_log::{Format, Record};

/// What the command line says of flow logs.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    folder: PathBuf,
    /// Every interface, whatever the topology defines.
    pub(crate) all: bool,
    /// The format of that.
    pub(crate) format: Option<Format>,
    files: FlowLogFiles,
    layout: FlowLogLayout,
}

/// Writes one run's flow logs.
pub(crate) struct Writer {
    wanted: Wanted,
    name: String,
    logs: Vec<Output>,
    streams: Streams,
    failed: Option<Failure>,
}

/// Where a log's records go.
enum Output {
    /// One file.
    File(Box<file::Records>),
    /// Objects in folders by time.
    Slots(Slots),
    /// Streams: the folder of the log group.
    Streams(PathBuf),
    /// It could not be opened.
    Nowhere,
}

impl Wanted {
    /// What `run` was asked for, if anything.
    pub(crate) fn of(args: &RunArgs) -> Result<Option<Self>, Failure> {
        let Some(folder) = &args.flow_logs else { return Ok(None) };
        let format = match &args.flow_log_format {
            None => None,
            Some(text) => Some(Format::parse(text).map_err(|errors| {
                let lines: Vec<String> = errors.iter().map(|e| format!("{e}; {}", e.help())).collect();
                Failure::Usage(format!("--flow-log-format: {}", lines.join("\n")))
            })?),
        };
        if let Some(field) = format.iter().flat_map(Format::fields).find(|field| !field.in_vpc_logs()) {
            let message = format!("--flow-log-format: flow logs of interfaces have no field `{}`", field.name());
            return Err(Failure::Usage(message));
        }
        if args.flow_log_files == FlowLogFiles::Parquet && cfg!(not(feature = "parquet")) {
            return Err(Failure::Usage("this vpcsim was built without Parquet".to_owned()));
        }
        let (files, layout) = (args.flow_log_files, args.flow_log_layout);
        Ok(Some(Self { folder: folder.clone(), all: args.flow_logs_all, format, files, layout }))
    }
}

impl Writer {
    /// For the scenario of that name.
    pub(crate) fn new(wanted: &Wanted, name: &str) -> Self {
        let (wanted, name) = (wanted.clone(), name.to_owned());
        Self { wanted, name, logs: Vec::new(), streams: Streams::default(), failed: None }
    }

    /// The run is over: every file, complete, still under its temporary name.
    pub(crate) fn finish(self) -> Result<Vec<Pending>, Failure> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let mut done = self.streams.finish()?;
        for log in self.logs {
            match log {
                Output::File(file) => done.push(file.finish()?),
                Output::Slots(slots) => done.extend(slots.finish()?),
                Output::Streams(_) | Output::Nowhere => {}
            }
        }
        Ok(done)
    }

    fn open(&self, log: &FlowLog) -> Result<Output, Failure> {
        let own = self.wanted.folder.join(&self.name);
        match &log.destination {
            LogDestination::S3 { bucket, prefix, parquet, hive, hourly } => {
                let folder = own.join(bucket).join(prefix);
                let place = Place { folder, hive: *hive, hourly: *hourly, realm: Some(log.realm.clone()) };
                Ok(Output::Slots(Slots::new(
                    place,
                    log,
                    if *parquet { file::Kind::Parquet } else { file::Kind::Gzip },
                )?))
            }
            LogDestination::CloudWatch { log_group } => Ok(Output::Streams(own.join(safe(log_group)))),
            LogDestination::Nowhere => self.everything(log, &own),
        }
    }

    /// The log of every interface.
    fn everything(&self, log: &FlowLog, own: &Path) -> Result<Output, Failure> {
        let kind = match self.wanted.files {
            FlowLogFiles::Text => file::Kind::Text,
            FlowLogFiles::Gz => file::Kind::Gzip,
            FlowLogFiles::Parquet => file::Kind::Parquet,
            FlowLogFiles::Cloudwatch => return Ok(Output::Streams(own.to_owned())),
        };
        let hive = match self.wanted.layout {
            FlowLogLayout::Flat => {
                let path = self.wanted.folder.join(format!("{}{}", self.name, kind.ending()));
                return Ok(Output::File(Box::new(file::Records::create(path, kind, log)?)));
            }
            FlowLogLayout::S3 => false,
            FlowLogLayout::Hive => true,
        };
        let place = Place { folder: own.to_owned(), hive, hourly: false, realm: None };
        Ok(Output::Slots(Slots::new(place, log, kind)?))
    }

    fn write(&mut self, log: usize, of: &FlowLog, record: &Record<'_>) -> Result<(), Failure> {
        match &mut self.logs[log] {
            Output::File(file) => file.write(of, record),
            Output::Slots(slots) => slots.write(of, record),
            Output::Streams(folder) => self.streams.write(folder, of, record),
            Output::Nowhere => Ok(()),
        }
    }

    fn keep(&mut self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.failed.get_or_insert(failure);
        }
    }
}

impl Sink for Writer {
    fn begin(&mut self, logs: &[FlowLog]) {
        for log in logs {
            let opened = self.open(log);
            let (output, result) = match opened {
                Ok(output) => (output, Ok(())),
                Err(failure) => (Output::Nowhere, Err(failure)),
            };
            self.logs.push(output);
            self.keep(result);
        }
    }

    fn record(&mut self, log: usize, of: &FlowLog, record: &Record<'_>) {
        if self.failed.is_none() {
            let result = self.write(log, of, record);
            self.keep(result);
        }
    }

    fn passed(&mut self, until: u64) {
        if self.failed.is_some() {
            return;
        }
        for n in 0..self.logs.len() {
            if let Output::Slots(slots) = &mut self.logs[n] {
                let result = slots.passed(until);
                self.keep(result);
            }
        }
    }
}

/// The name of what a log's line is about, for a stream.
fn subject_name<'a>(log: &FlowLog, record: &Record<'a>) -> &'a str {
    let s = record.subject;
    let own = if log.resource.is_transit_gateway() { &s.attachment } else { &s.interface };
    let gateway = if matches!(log.resource, LogResource::RegionalNat(_)) { &s.resource } else { own };
    gateway.as_deref().unwrap_or("-")
}

/// A path inside a folder: no part leads out of it, or is none on some system.
fn safe(name: &str) -> PathBuf {
    let parts = name.split('/').filter(|part| !part.is_empty() && *part != "." && *part != "..");
    parts.map(|part| part.replace(['\\', ':'], "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use vpcsim_engine::diag::FileIx;
    use vpcsim_engine::record::flow_log::{Action, Flow, Status, SubjectIx, Subjects};
    use vpcsim_engine::verdict::{Dir, TrafficPath};

    /// How many records are written in a minute of one processor, by form:
    /// `cargo test --release -p vpcsim --bin vpcsim rate -- --ignored --nocapture`.
    #[test]
    #[ignore = "it measures what the README says of files, and cannot fail: run it with --release -- --ignored"]
    fn rate() {
        const RECORDS: u32 = 2_000_000;
        let yaml = "vpcs: {v: {cidr: 10.0.0.0/16}}\nsubnets: {s: {vpc: v, az: a, cidr: 10.0.0.0/20}}\ninstances: {i-0123456789abcdef0: {subnet: s}}\n";
        let spec = vpcsim_engine::spec::read(FileIx(0), yaml.as_bytes()).0.expect("a topology");
        let network = vpcsim_engine::compile::compile(&spec).0.expect("it compiles");
        let subjects = Subjects::of(&network);
        let log = FlowLog::everything();
        let folder = std::env::temp_dir().join(format!("vpcsim-rate-{}", std::process::id()));
        for (name, kind) in [("text", file::Kind::Text), ("gz", file::Kind::Gzip), ("parquet", file::Kind::Parquet)] {
            let began = Instant::now();
            let mut file = file::Records::create(folder.join(name), kind, &log).expect("a file");
            let mut random = 1u64;
            for n in 0..RECORDS {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let far = std::net::Ipv4Addr::from((random >> 32) as u32).into();
                let near = "10.0.0.4".parse().expect("an address");
                let flow = Flow {
                    src: far,
                    dst: near,
                    pkt_src: far,
                    pkt_dst: near,
                    src_port: (random >> 16) as u16,
                    dst_port: 443,
                    protocol: 6,
                    dir: Dir::In,
                    action: if random >> 60 == 0 { Action::Reject } else { Action::Accept },
                    tcp_flags: 3,
                    path: TrafficPath::None,
                };
                let at = 1_700_000_000 + u64::from(n / 10_000);
                let subject = subjects.subject(SubjectIx(0));
                let record = Record {
                    flow,
                    packets: random >> 55,
                    bytes: random >> 48,
                    ..Record::empty(&subjects, subject, Status::Ok, (at, at + 7))
                };
                file.write(&log, &record).expect("it is written");
            }
            let written = file.written();
            drop(file.finish().expect("complete"));
            let minute = f64::from(RECORDS) / began.elapsed().as_secs_f64() * 60.0;
            println!("{name}: {:.0} million records a minute, {} bytes", minute / 1e6, written);
        }
        let _ = std::fs::remove_dir_all(folder);
    }
}
