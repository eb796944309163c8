//! `vpcsim export`: drawings.

use crate::args::{Export, Global};
use crate::{Failure, Status, network, output};
use vpcsim_engine::analyse::graph;

pub(crate) fn export(args: &Export, global: &Global) -> Result<Status, Failure> {
    let Export::Dot(args) = args;
    let loaded = network::load(&args.topology, global)?;
    output::print(graph::dot(&loaded.network).as_bytes())?;
    Ok(Status::Done)
}
