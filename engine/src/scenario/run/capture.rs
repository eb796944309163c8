//! What a scenario captures: from words to places.

use super::runner::Runner;
use crate::compile::Network;
use crate::diag::Diagnostic;
use crate::event::Point;
use crate::fabric::{EniKind, TgwAttachKind};
use crate::names::{Found, Kind};
use crate::observe::capture::{Capture, Counter, NatSide, Place, Rule};
use crate::scenario::{CaptureSide, CapturedExpectation, Captures, Evidence, Scenario};
use crate::spec::Spanned;

/// The places that a name and a side stand for.
///
/// # Errors
/// If nothing is captured there, or it has no such side.
fn places(
    network: &Network,
    name: &Spanned<String>,
    side: Option<Spanned<CaptureSide>>,
) -> Result<Vec<Place>, Diagnostic> {
    let fabric = &network.fabric;
    let word = side.map(|side| side.value);
    let found = match network.names.find(name) {
        // A NAT gateway and its interface go by one name.
        Found::One(Kind::Eni(eni)) => match fabric.enis[eni].kind {
            EniKind::Nat(nat) => Found::One(Kind::Nat(nat)),
            _ => Found::One(Kind::Eni(eni)),
        },
        found => found,
    };
    let (places, sides): (Vec<Place>, &str) = match found {
        Found::One(Kind::Eni(eni)) => (vec![Place::Eni(eni)], ""),
        Found::One(Kind::Guest(guest)) => (fabric.guests[guest].enis.iter().copied().map(Place::Eni).collect(), ""),
        Found::One(Kind::Vif(vif)) => (vec![Place::Point(Point::Vif(vif))], ""),
        Found::One(Kind::Tunnel(tunnel)) => {
            let both = [(CaptureSide::Inner, Point::Inner(tunnel)), (CaptureSide::Outer, Point::Outer(tunnel))];
            let wanted = both.into_iter().filter(|(side, _)| word.is_none_or(|word| word == *side));
            (wanted.map(|(_, point)| Place::Point(point)).collect(), "`inner` and `outer`")
        }
        Found::One(Kind::Nat(nat)) => {
            let both = [(CaptureSide::Inside, NatSide::Inside), (CaptureSide::Outside, NatSide::Outside)];
            let wanted = both.into_iter().filter(|(side, _)| word.is_some_and(|word| word == *side));
            let sides: Vec<Place> = wanted.map(|(_, side)| Place::Nat(nat, side)).collect();
            let all = fabric.nats[nat].eni.filter(|_| word.is_none()).map(Place::Eni);
            (sides.into_iter().chain(all).collect(), "`inside` and `outside`")
        }
        Found::One(Kind::TgwAttach(attach)) => match &fabric.tgw_attaches[attach].kind {
            TgwAttachKind::Vpc { ports, .. } => (ports.iter().map(|port| Place::Eni(port.eni)).collect(), ""),
            _ => (Vec::new(), ""),
        },
        Found::None(near) => {
            let diagnostic =
                Diagnostic::error("unknown-reference", name.span, format!("there is no `{name}` in this network"));
            return Err(match near {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic,
            });
        }
        _ => (Vec::new(), ""),
    };
    match side {
        Some(side) if sides.is_empty() || places.is_empty() => {
            let has = if sides.is_empty() { "no sides".to_owned() } else { format!("the sides {sides}") };
            Err(Diagnostic::error("bad-value", side.span, format!("`{name}` has {has}")))
        }
        _ if places.is_empty() => {
            let text = format!("no packet is captured at `{name}`");
            let help = "name a network interface, an instance, a NAT gateway, a transit gateway's VPC attachment, a VPN tunnel or a virtual interface";
            Err(Diagnostic::error("bad-value", name.span, text).help(help))
        }
        _ => Ok(places),
    }
}

/// The observer that a scenario wants.
pub(super) fn capture(network: &Network, scenario: &Scenario, everywhere: Option<Rule>) -> (Capture, Vec<Diagnostic>) {
    let (mut out, mut found) = (Capture::new(network), Vec::new());
    match &scenario.captures {
        Captures::All => out.everywhere(Rule::default()),
        Captures::Places(all) => {
            for at in all {
                let filter = at.filter.as_ref().map(|filter| filter.value.clone());
                let rule = Rule { filter, snap_length: at.snap_length.map(|snap| snap.value) };
                match places(network, &at.at, at.side) {
                    Ok(places) => places.into_iter().for_each(|place| out.at(place, rule.clone())),
                    Err(diagnostic) => found.push(diagnostic),
                }
            }
        }
    }
    // What the command line asks for holds for everything.
    if let Some(rule) = everywhere {
        out.everywhere(rule);
    }
    for evidence in &scenario.expect {
        if let Evidence::Captured(want) = &evidence.value {
            match counter(network, want) {
                Ok(counter) => out.counters.push(counter),
                Err(diagnostic) => found.push(diagnostic),
            }
        }
    }
    (out, found)
}

fn counter(network: &Network, want: &CapturedExpectation) -> Result<Counter, Diagnostic> {
    let filter = want.filter.as_ref().map(|filter| filter.value.clone());
    Ok(Counter { places: places(network, &want.at, want.side)?, filter, count: 0 })
}

impl Runner<'_> {
    /// How many packets each `captured` expectation found, in the order of the file.
    pub(super) fn captured_counts(&self) -> Vec<u64> {
        self.sim.observer.1.1.0.counters.iter().map(|counter| counter.count).collect()
    }
}
