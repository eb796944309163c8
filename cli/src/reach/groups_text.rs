//! The matrix for people: a grid if it fits, then a line for each thing that passes, with the rule that lets it.

use super::cause;
use super::groups::{Matrix, told, verdict};
use crate::render;
use std::fmt::Write;
use vpcsim_engine::analyse::reach::{Cell, Flow, Party, Reach, Service};
use vpcsim_engine::base::PortRange;

/// Widest grid, in characters.
const GRID_WIDTH: usize = 120;
/// Things that one place of the grid names.
const NAMED_MAX: usize = 4;
/// All ports of TCP and UDP, and echo requests.
const EVERYTHING: &str = "all";

pub(super) fn text(matrix: &Matrix<'_>, verbose: bool) -> String {
    let mut out = grid(matrix).unwrap_or_default();
    let mut lines: Vec<[String; 5]> = Vec::new();
    for cell in &matrix.cells {
        let whole = everything(cell);
        for flow in cell.flows.iter().take(if whole { 1 } else { usize::MAX }) {
            let verdict = verdict(flow);
            if verdict == "none" && !verbose {
                continue;
            }
            let on = if whole { EVERYTHING.to_owned() } else { flow.service.to_string() };
            lines.extend(line(matrix, cell, flow, verdict, on));
        }
    }
    let widths: Vec<usize> =
        (0..4).map(|n| lines.iter().map(|line| line[n].chars().count()).max().unwrap_or(0)).collect();
    for line in &lines {
        let cells: Vec<String> = line[..4].iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(out, "{}", format!("{}  {}", cells.join("  "), line[4]).trim_end());
    }
    if !lines.is_empty() {
        out.push('\n');
    }
    let none = matrix.cells.iter().filter(|cell| cell.flows.iter().all(|flow| verdict(flow) == "none")).count();
    let _ = writeln!(
        out,
        "groups: {} send, {} receive; nothing passes in {none} of {} pairs",
        matrix.from.len(),
        matrix.to.len(),
        matrix.cells.len()
    );
    render::clean(&out)
}

/// True if the same is to be said of echo requests and of all ports of TCP and UDP.
fn everything(cell: &Cell) -> bool {
    let causes =
        |flow: &Flow| flow.first.iter().map(|first| (first.answer.reach, first.answer.cause)).collect::<Vec<_>>();
    let all = cell.flows.iter().all(|flow| flow.service.ports.is_none_or(|ports| ports == PortRange::ALL));
    all && cell.flows.len() == Service::ALL.len()
        && cell.flows.windows(2).all(|two| {
            (two[0].pairs, &two[0].others, causes(&two[0])) == (two[1].pairs, &two[1].others, causes(&two[1]))
        })
}

/// The lines about ports of a cell: sender, receiver, ports, how many pairs, why. A second one if some pairs do not pass.
fn line(matrix: &Matrix<'_>, cell: &Cell, flow: &Flow, verdict: &str, on: String) -> Vec<[String; 5]> {
    let (from, to) = (&matrix.from[cell.from].name, &matrix.to[cell.to].name);
    let (yes, total) = (flow.pairs_that(Reach::Yes), flow.total());
    let parts = matrix.parts(cell, flow);
    let count = match verdict {
        "some" if !matrix.is_internet(cell) => format!("some {yes}/{total}"),
        other => other.to_owned(),
    };
    let mut why = told(flow).map_or_else(String::new, |first| cause::text(matrix.loaded, first.answer.cause));
    if let Some([passing, others]) = &parts {
        // The shorter list says it.
        let ranges = |list: &[&Party]| list.iter().map(|part| part.ranges()).sum::<usize>();
        let (lead, named) = if ranges(passing) <= ranges(others) { ("only", passing) } else { ("all but", others) };
        let more = named.len().saturating_sub(NAMED_MAX);
        let shown: Vec<String> = named[..named.len() - more].iter().map(|part| matrix.parties.text(part)).collect();
        let shown = shown.join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        why = format!("{lead} {shown}{more}: {why}");
    }
    let mut out = vec![[from.clone(), format!("-> {to}"), on, count, why]];
    let fails = [Reach::No, Reach::Unknown, Reach::Depends].into_iter().find_map(|reach| flow.first_that(reach));
    if let Some(first) = fails.filter(|_| verdict == "some" && parts.is_none()) {
        let text =
            format!("not {}: {}", cause::pair(matrix.parties, first), cause::text(matrix.loaded, first.answer.cause));
        out.push([String::new(), String::new(), String::new(), String::new(), text]);
    }
    out
}

/// Who reaches whom on what, if it fits. `*` is for some pairs only, `?` for what is unknown or depends.
fn grid(matrix: &Matrix<'_>) -> Option<String> {
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(matrix.to.iter().map(|group| format!("-> {}", group.name)));
    for (n, group) in matrix.from.iter().enumerate() {
        let mut row = vec![group.name.clone()];
        for m in 0..matrix.to.len() {
            let cell = matrix.cells.binary_search_by_key(&(n, m), |cell| (cell.from, cell.to)).ok();
            row.push(cell.map_or_else(|| ".".to_owned(), |at| short(&matrix.cells[at])));
        }
        rows.push(row);
    }
    let columns = rows[0].len();
    let widths: Vec<usize> =
        (0..columns).map(|n| rows.iter().map(|row| row[n].chars().count()).max().unwrap_or(0)).collect();
    if rows.len() < 3 || columns < 3 || widths.iter().map(|width| width + 2).sum::<usize>() > GRID_WIDTH {
        return None;
    }
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(out, "{}", cells.join("  ").trim_end());
    }
    out.push('\n');
    Some(out)
}

fn short(cell: &Cell) -> String {
    let mark = |flow: &Flow| match verdict(flow) {
        "all" => Some(""),
        "some" => Some("*"),
        "none" => None,
        _ => Some("?"),
    };
    if everything(cell) && verdict(&cell.flows[0]) != "none" {
        return format!("{EVERYTHING}{}", mark(&cell.flows[0]).unwrap_or_default());
    }
    let passing: Vec<String> =
        cell.flows.iter().filter_map(|flow| Some(format!("{}{}", flow.service, mark(flow)?))).collect();
    match passing.len() {
        0 => "-".to_owned(),
        n if n > NAMED_MAX => format!("{}, +{}", passing[..NAMED_MAX - 1].join(", "), n + 1 - NAMED_MAX),
        _ => passing.join(", "),
    }
}
