//! Objects as flow logs have them in S3 (FLW-40): folders by account, Region and day, a file for each five minutes.
//!
//! A record belongs to the file of the five minutes in which it ends. A file is closed when no record can end in its five
//! minutes any more, or when it is full; then the next one has another hash.

use super::file::{Kind, Pending, Records};
use super::safe;
use crate::Failure;
use std::collections::BTreeMap;
use std::path::PathBuf;
use vpcsim_engine::compile::FlowLog;
use vpcsim_engine::record::flow_log::Record;

/// Seconds of one file (FLW-40).
const SLOT: u64 = 300;
/// Largest file in bytes; the next record begins another one (FLW-40).
const FILE_MAX: u64 = 75 << 20;

/// Where a log's objects are.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Bucket and prefix.
    pub(super) folder: PathBuf,
    /// Hive's names of folders.
    pub(super) hive: bool,
    /// A folder for each hour.
    pub(super) hourly: bool,
    /// Account and Region; those of each record's interface if absent.
    pub(super) realm: Option<(String, String)>,
}

/// The open files of a log.
pub(super) struct Slots {
    place: Place,
    kind: Kind,
    /// By slot, account and Region.
    open: BTreeMap<(u64, String, String), (u32, Box<Records>)>,
    done: Vec<Pending>,
}

impl Slots {
    pub(super) fn new(place: Place, _: &FlowLog, kind: Kind) -> Result<Self, Failure> {
        Ok(Self { place, kind, open: BTreeMap::new(), done: Vec::new() })
    }

    pub(super) fn write(&mut self, log: &FlowLog, record: &Record<'_>) -> Result<(), Failure> {
        let slot = record.end / SLOT * SLOT;
        // Records come by window: the file of the last one is nearly always that of the next.
        let (account, region) = match &self.place.realm {
            Some((account, region)) => (account.as_str(), region.as_str()),
            None => (record.subject.account.as_str(), record.subject.region.as_str()),
        };
        let of = |key: &(u64, String, String)| key.0 == slot && key.1 == account && key.2 == region;
        if let Some((_, (_, file))) = self.open.iter_mut().find(|(key, _)| of(key)) {
            file.write(log, record)?;
            if file.written() < FILE_MAX {
                return Ok(());
            }
            let key = (slot, account.to_owned(), region.to_owned());
            let (part, full) = self.open.remove(&key).expect("just written");
            self.done.push(full.finish()?);
            let path = self.place.path(log, &key, part + 1, self.kind);
            self.open.insert(key, (part + 1, Box::new(Records::create(path, self.kind, log)?)));
            return Ok(());
        }
        let key = (slot, account.to_owned(), region.to_owned());
        let path = self.place.path(log, &key, 0, self.kind);
        let mut file = Box::new(Records::create(path, self.kind, log)?);
        file.write(log, record)?;
        self.open.insert(key, (0, file));
        Ok(())
    }

    /// No record ends before `until` any more.
    pub(super) fn passed(&mut self, until: u64) -> Result<(), Failure> {
        while let Some(first) = self.open.first_entry().filter(|first| first.key().0.saturating_add(SLOT) <= until) {
            let (_, file) = first.remove();
            self.done.push(file.finish()?);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<Pending>, Failure> {
        for (_, (_, file)) in self.open {
            self.done.push(file.finish()?);
        }
        Ok(self.done)
    }
}

impl Place {
    fn path(&self, log: &FlowLog, (slot, account, region): &(u64, String, String), part: u32, kind: Kind) -> PathBuf {
        let (year, month, day) = date(slot / 86_400);
        let (hour, minute) = (slot / 3600 % 24, slot / 60 % 60);
        let mut folder = match self.hive {
            true => format!(
                "AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}/year={year}/month={month:02}/day={day:02}"
            ),
            false => format!("AWSLogs/{account}/vpcflowlogs/{region}/{year}/{month:02}/{day:02}"),
        };
        if self.hourly {
            folder += &if self.hive { format!("/hour={hour:02}") } else { format!("/{hour:02}") };
        }
        // The parts of a name are told apart by `_`.
        let id = log.id.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "-");
        let start = format!("{account}_vpcflowlogs_{region}_{id}_{year}{month:02}{day:02}T{hour:02}{minute:02}Z");
        let hash = fnv(format!("{start} {part}").as_bytes());
        self.folder.join(safe(&folder)).join(format!("{start}_{hash:08x}{}", kind.ending()))
    }
}

/// Year, month and day of a day since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
const fn date(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    (yoe + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

/// FNV-1a, 32 bits: AWS's hash is not to be guessed, ours is the same in every run.
fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV's own test vectors (RFC draft "The FNV Non-Cryptographic Hash Algorithm"); dates by `date -u -d @...`.
    #[test]
    fn dates_and_hashes() {
        assert_eq!(fnv(b""), 0x811c_9dc5);
        assert_eq!(fnv(b"foobar"), 0xbf9c_f968);
        assert_eq!(date(1_700_000_000 / 86_400), (2023, 11, 14));
        assert_eq!(date(951_782_400 / 86_400), (2000, 2, 29));
        assert_eq!(date(0), (1970, 1, 1));
    }
}
