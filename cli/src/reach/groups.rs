//! A matrix of groups: on which ports each reaches each.

use super::{cause, groups_text};
use crate::args::{Global, ReachArgs, TableOutput};
use crate::network::Loaded;
use crate::{Failure, Status, output, progress};
use serde_json::{Value, json};
use vpcsim_engine::analyse::reach::{
    AWS, Cell, Ends, Example, Flow, Group, GroupBy, Parties, Party, Reach, Service, Side, groups as groups_of, matrix,
    select, service,
};
use vpcsim_engine::base::{PortRange, Protocol};
use vpcsim_engine::compile::ANY_HOST;

/// Pairs of groups that one matrix has at most.
const CELLS_MAX: usize = 4_000_000;

/// A matrix with what its rows and columns are.
pub(super) struct Matrix<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) parties: &'a Parties<'a>,
    pub(super) from: Vec<Group>,
    pub(super) to: Vec<Group>,
    pub(super) cells: Vec<Cell>,
}

pub(super) fn groups(args: &ReachArgs, global: &Global, loaded: &Loaded, by: &str) -> Result<Status, Failure> {
    let by = group_by(by).map_err(Failure::Usage)?;
    let mut services: Vec<Service> =
        args.port.iter().map(|port| service(port)).collect::<Result<_, _>>().map_err(Failure::Usage)?;
    let from = ends(loaded, &args.from)?;
    let mut to_names = Vec::new();
    for text in &args.to {
        let (name, port) = super::pairs::split(text)?;
        to_names.push(name.to_owned());
        let port = port.map(PortRange::one).map(|ports| Service { protocol: Protocol::TCP, ports: Some(ports) });
        services.extend(port);
    }
    let to = ends(loaded, &to_names)?;
    if services.is_empty() {
        services = Service::ALL.to_vec();
    }
    services.sort_unstable();
    services.dedup();
    let blocks: Vec<_> = from.blocks.iter().chain(&to.blocks).copied().collect();
    let parties = Parties::of(&loaded.network, &blocks);
    let grouped = |ends, side| groups_of(&loaded.spec, &parties, ends, &by, side);
    let (from, to) = (grouped(&from, Side::Sends), grouped(&to, Side::Receives));
    if from.len().saturating_mul(to.len()) > CELLS_MAX {
        return Err(Failure::Usage(format!(
            "{} groups that send and {} that receive are more than {CELLS_MAX} pairs; group by something coarser, or choose \
             some with `--from` and `--to`",
            from.len(),
            to.len()
        )));
    }
    progress::of(parties.list.len());
    let cells = matrix(&parties, (&from, &to), &services, &progress::step);
    let all = Matrix { loaded, parties: &parties, from, to, cells };
    let text = match args.output {
        TableOutput::Text => groups_text::text(&all, global.verbose > 0),
        TableOutput::Json => all.json(global.verbose > 0),
        TableOutput::Csv => all.csv(),
    };
    output::print(text.as_bytes())?;
    Ok(Status::Done)
}

fn group_by(text: &str) -> Result<GroupBy, String> {
    const WORDS: [&str; 6] = ["sg", "subnet", "vpc", "class", "end", "tag:"];
    Ok(match text {
        "sg" => GroupBy::Sg,
        "subnet" => GroupBy::Subnet,
        "vpc" => GroupBy::Vpc,
        "class" => GroupBy::Class,
        "end" => GroupBy::End,
        other => match other.strip_prefix("tag:").filter(|key| !key.is_empty()) {
            Some(key) => GroupBy::Tag(key.to_owned()),
            None => {
                let near = vpcsim_engine::diag::nearest(other, WORDS);
                let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                return Err(format!(
                    "`{other}` is no way to group; write `sg`, `subnet`, `vpc`, `tag:KEY`, `class` or `end`{near}"
                ));
            }
        },
    })
}

/// The ends that are named; without a name everything, the internet too.
fn ends(loaded: &Loaded, named: &[String]) -> Result<Ends, Failure> {
    let all = ["all".to_owned(), ANY_HOST.0.to_owned()];
    let named = if named.is_empty() { &all[..] } else { named };
    let mut out = Ends::default();
    for name in named {
        let ends = match select(&loaded.spec, &loaded.network, name) {
            Ok(selection) => selection.ends,
            // A network without interfaces has an empty matrix.
            Err(_) if named == &all[..] => continue,
            Err(e) => return Err(Failure::Usage(e.to_string())),
        };
        out.enis.extend(ends.enis);
        out.hosts.extend(ends.hosts);
        out.internet |= ends.internet;
        out.aws |= ends.aws;
        out.blocks.extend(ends.blocks);
    }
    Ok(out)
}

/// `all`, `some`, `none`; `unknown` and `depends` if no pair passes for certain.
pub(super) fn verdict(flow: &Flow) -> &'static str {
    let yes = flow.pairs_that(Reach::Yes);
    match yes {
        0 if flow.pairs_that(Reach::Depends) > 0 => "depends",
        0 if flow.pairs_that(Reach::Unknown) > 0 => "unknown",
        0 => "none",
        n if n == flow.total() => "all",
        _ => "some",
    }
}

/// The answer that is told of: that of the verdict.
pub(super) fn told(flow: &Flow) -> Option<&Example> {
    [Reach::Yes, Reach::Depends, Reach::Unknown, Reach::No].into_iter().find_map(|reach| flow.first_that(reach))
}

impl Matrix<'_> {
    /// True if this group is the internet, of which parts are counted and not hosts.
    pub(super) fn is_internet(&self, cell: &Cell) -> bool {
        [&self.from[cell.from].name, &self.to[cell.to].name].into_iter().any(|name| name == ANY_HOST.0 || name == AWS)
    }

    /// The parts of the internet of which some pair passes, and those of which none does, if there are both.
    pub(super) fn parts(&self, cell: &Cell, flow: &Flow) -> Option<[Vec<&Party>; 2]> {
        let (mut passing, mut others) = (Vec::new(), Vec::new());
        for (parts, group) in flow.others.iter().zip([&self.from[cell.from], &self.to[cell.to]]) {
            for (part, passes) in parts.iter().filter(|_| group.name == ANY_HOST.0 || group.name == AWS) {
                let list = if *passes { &mut passing } else { &mut others };
                list.push(&self.parties.list[*part]);
            }
        }
        (!passing.is_empty() && !others.is_empty()).then_some([passing, others])
    }

    fn csv(&self) -> String {
        let head = ["from", "to", "on", "verdict", "pairs", "yes", "no", "unknown", "depends", "decided_by"];
        let rows = self.cells.iter().flat_map(|cell| cell.flows.iter().map(move |flow| (cell, flow)));
        let row = |(cell, flow): (&Cell, &Flow)| {
            let n = |reach| flow.pairs_that(reach).to_string();
            vec![
                self.from[cell.from].name.clone(),
                self.to[cell.to].name.clone(),
                flow.service.to_string(),
                verdict(flow).to_owned(),
                flow.total().to_string(),
                n(Reach::Yes),
                n(Reach::No),
                n(Reach::Unknown),
                n(Reach::Depends),
                told(flow).map_or_else(String::new, |first| cause::text(self.loaded, first.answer.cause)),
            ]
        };
        crate::render::report::csv(std::iter::once(head.map(str::to_owned).to_vec()).chain(rows.map(row)))
    }

    /// Cell by cell, for there may be many. Those of which nothing is to be said are counted.
    fn json(&self, verbose: bool) -> String {
        let group = |group: &Group| {
            let network = &self.loaded.network;
            let enis = group.parts.iter().flat_map(|(_, enis)| enis);
            let enis: Vec<String> = enis.map(|eni| network.names.enis[*eni].id.clone()).collect();
            let others = group.parts.iter().filter(|(_, enis)| enis.is_empty());
            let others: Vec<String> = others.map(|(n, _)| self.parties.text(&self.parties.list[*n])).collect();
            json!({ "name": group.name, "network_interfaces": enis, "others": others }).to_string()
        };
        let list = |groups: &[Group]| groups.iter().map(group).collect::<Vec<_>>().join(",\n    ");
        let told = |flow: &&Flow| verbose || verdict(flow) != "none";
        let mut cells: Vec<String> = Vec::new();
        for cell in &self.cells {
            let flows: Vec<Value> = cell.flows.iter().filter(told).map(|flow| self.flow_json(cell, flow)).collect();
            if !flows.is_empty() {
                let (from, to) = (&self.from[cell.from].name, &self.to[cell.to].name);
                cells.push(json!({ "from": from, "to": to, "flows": flows }).to_string());
            }
        }
        format!(
            "{{\n  \"format_version\": 1,\n  \"from\": [\n    {}\n  ],\n  \"to\": [\n    {}\n  ],\n  \
             \"pairs_of_groups\": {},\n  \"cells\": [\n    {}\n  ]\n}}\n",
            list(&self.from),
            list(&self.to),
            self.cells.len(),
            cells.join(",\n    ")
        )
    }

    fn flow_json(&self, cell: &Cell, flow: &Flow) -> Value {
        let n = |reach| flow.pairs_that(reach);
        let first = |first: &Example| {
            json!({
                "reach": cause::word(first.answer.reach), "result": first.answer.outcome.word(),
                "pair": cause::pair(self.parties, first), "decided_by": cause::json(self.loaded, first.answer.cause),
            })
        };
        json!({
            "on": flow.service.to_string(), "protocol": flow.service.protocol.to_string(),
            "ports": flow.service.ports.map(|ports| json!([ports.from, ports.to])), "verdict": verdict(flow),
            "pairs": flow.total(), "yes": n(Reach::Yes), "no": n(Reach::No), "unknown": n(Reach::Unknown),
            "depends": n(Reach::Depends), "parts_of_the_internet": self.parts(cell, flow).map(|[passing, _]| {
                passing.iter().map(|part| self.parties.text(part)).collect::<Vec<_>>()
            }),
            "first": flow.first.iter().map(first).collect::<Vec<_>>(),
        })
    }
}
