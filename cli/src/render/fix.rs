//! The change that helps, as text, as a patch and as JSON; `fix_commands` has it for AWS's CLI and for Terraform.

use super::fix_commands::{aws_cli, terraform};
use crate::args::FixForm;
use crate::network::Loaded;
use serde_json::{Value, json};
use std::fmt::Write;
use vpcsim_engine::base::Protocol;
use vpcsim_engine::explain::Outcome;
use vpcsim_engine::explain::fix::{Fix, Remedy};

/// Pairs that are named before they are only counted.
const PAIRS_SHOWN: usize = 3;

/// The last lines of an answer: what helps, and the proof; or why nothing does.
pub(crate) fn text(loaded: &Loaded, remedy: &Remedy, protocol: Protocol, form: FixForm) -> String {
    let mut out = String::new();
    let fix = match remedy {
        Remedy::Change(fix) => fix,
        Remedy::None(no) => {
            let _ = writeln!(out, "\nfix: none. {}", no.text());
            return super::clean(&out);
        }
    };
    let names = &loaded.network.names;
    let proof = format!("verified by replay: {}", proof(fix, protocol));
    match fix.edits.as_slice() {
        [one] => _ = writeln!(out, "\nfix: {}    {proof}", one.text(names)),
        several => {
            for (n, edit) in several.iter().enumerate() {
                let lead = if n == 0 { "\nfix: " } else { "     " };
                let _ = writeln!(out, "{lead}{}. {}", n + 1, edit.text(names));
            }
            let _ = writeln!(out, "     {proof}");
        }
    }
    let pairs = opened(loaded, fix);
    if let Some(more) = opened_text(&pairs) {
        let _ = writeln!(out, "     opens too: {more}");
    }
    if !fix.opens.complete {
        out.push_str("     what else it opens was asked only of pairs with one of the two ends\n");
    }
    match form {
        FixForm::Text | FixForm::Off => {}
        FixForm::Patch => {
            out.push('\n');
            fix.edits.iter().for_each(|edit| _ = writeln!(out, "{}", edit.patch()));
        }
        FixForm::AwsCli => {
            out.push('\n');
            fix.edits.iter().for_each(|edit| _ = writeln!(out, "{}", aws_cli(&fix.spec, edit)));
        }
        FixForm::Terraform => {
            out.push('\n');
            for (n, edit) in fix.edits.iter().enumerate() {
                let _ = writeln!(out, "{}", terraform(&fix.spec, edit, n + 1));
            }
        }
    }
    super::clean(&out)
}

/// What the asker sees after it.
fn proof(fix: &Fix, protocol: Protocol) -> &'static str {
    match fix.outcome {
        Outcome::Open if protocol == Protocol::TCP => "connected",
        Outcome::Open => "packets pass both ways",
        Outcome::Reply => "the echo reply comes",
        Outcome::Closed => "packets pass both ways; nothing listens there",
        Outcome::Unknown | Outcome::NoReply => "the way is open; whether that host answers is not described",
    }
}

/// Who else talks to whom after it, the interface's name each.
fn opened(loaded: &Loaded, fix: &Fix) -> Vec<(String, String)> {
    let names = &loaded.network.names;
    let name = |eni: Option<_>| eni.map_or_else(|| "internet".to_owned(), |eni| names.enis[eni].short().to_owned());
    fix.opens.pairs.iter().map(|(from, to)| (name(*from), name(Some(*to)))).collect()
}

fn opened_text(pairs: &[(String, String)]) -> Option<String> {
    let shown: Vec<String> = pairs.iter().take(PAIRS_SHOWN).map(|(from, to)| format!("{from} -> {to}")).collect();
    let more = pairs.len().saturating_sub(PAIRS_SHOWN);
    match more {
        _ if shown.is_empty() => None,
        0 => Some(shown.join(", ")),
        n => Some(format!("{}, and {n} more", shown.join(", "))),
    }
}

/// The same for programs.
pub(crate) fn json(loaded: &Loaded, remedy: &Remedy) -> Value {
    let fix = match remedy {
        Remedy::Change(fix) => fix,
        Remedy::None(no) => return json!({ "found": false, "reason": no.word(), "text": no.text() }),
    };
    let names = &loaded.network.names;
    let edits: Vec<Value> = fix
        .edits
        .iter()
        .enumerate()
        .map(|(n, edit)| {
            json!({
                "text": edit.text(names), "change": edit.change(), "patch": edit.patch(),
                "aws_cli": aws_cli(&fix.spec, edit), "terraform": terraform(&fix.spec, edit, n + 1),
            })
        })
        .collect();
    let opens: Vec<Value> = opened(loaded, fix).iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
    json!({
        "found": true, "edits": edits, "verified": fix.outcome.word(),
        "opens": opens, "opens_complete": fix.opens.complete,
    })
}
