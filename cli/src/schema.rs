//! `vpcsim schema`: the JSON Schema of a kind of file, for editors.

use crate::args::{FileKind, SchemaArgs};
use crate::{Failure, Status, output};

pub(crate) fn schema(args: &SchemaArgs) -> Result<Status, Failure> {
    let schema = match args.kind {
        FileKind::Topology => vpcsim_engine::spec::schema(),
        FileKind::Scenario => vpcsim_engine::scenario::schema(),
        FileKind::Prices => {
            output::print(vpcsim_engine::record::price::PRICES.as_bytes())?;
            return Ok(Status::Done);
        }
    };
    output::print(format!("{schema:#}\n").as_bytes())?;
    Ok(Status::Done)
}
