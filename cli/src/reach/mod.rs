//! `vpcsim reach`: who reaches whom. Pair by pair, by groups, or as a file asserts.

mod assertions;
mod cause;
mod groups;
mod groups_text;
mod pairs;
mod probes;
mod table;

use crate::args::{Global, ReachArgs};
use crate::{Failure, Status, network};

pub(crate) fn reach(args: &ReachArgs, global: &Global) -> Result<Status, Failure> {
    let loaded = network::load(&args.topology, global)?;
    match (&args.assert, &args.group_by) {
        (Some(file), _) => assertions::assertions(args, &loaded, file),
        (None, Some(by)) => groups::groups(args, global, &loaded, by),
        (None, None) => pairs::pairs(args, &loaded),
    }
}
