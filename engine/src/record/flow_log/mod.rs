//! Flow-log records: fields and formats, what a record says, how it is written and read.
//!
//! [`Record`] is one record with handles instead of copies, [`Record::value`] says what each field holds (the only place that
//! does), [`Text`] writes lines, [`read`] reads them. Counting is `observe::flow_logs`' business, files are the caller's.

pub mod field;
mod flow;
pub mod read;
mod record;
mod subject;
mod text;

pub use field::{Field, FieldScope, FieldType, Format, FormatError, UnknownField};
pub use flow::{Action, Flow};
pub use record::{Losses, Record, Sides, Status, Value};
pub use subject::{Subject, SubjectIx, Subjects, interface_type};
pub use text::{Text, number, value};

use crate::base::ids::EniIx;
use crate::compile::{FlowLog, Network};
use crate::verdict::Hop;

/// The lines that packets' crossings make in the default format, at the start of time; equal ones once.
#[must_use]
pub fn lines_of_hops<'h>(network: &Network, hops: impl IntoIterator<Item = &'h Hop>) -> Vec<String> {
    let (log, subjects) = (FlowLog::everything(), Subjects::of(network));
    let mut lines: Vec<String> = Vec::new();
    for hop in hops {
        let subject = subjects.subject(SubjectIx::of_eni(hop.eni));
        let record = Record {
            flow: Flow::of_hop(subject, hop),
            packets: 1,
            bytes: hop.len.into(),
            ..Record::empty(&subjects, subject, Status::Ok, (0, 0))
        };
        let mut line = Vec::new();
        Text::new(&log).line(&record, &mut line);
        let line = String::from_utf8(line).expect("a line is text");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Account and id of an interface. In a shared subnet the account is the participant's (SHARE-3).
#[must_use]
pub fn identity(network: &Network, eni: EniIx) -> (String, String) {
    let id = network.names.enis[eni].id.clone();
    if let Some(account) = &network.names.eni_accounts[eni] {
        return (account.clone(), id);
    }
    let vpc = network.fabric.enis[eni].vpc;
    let (account, _) = &network.names.realms[network.fabric.vpcs[vpc].realm as usize];
    (account.clone(), id)
}
