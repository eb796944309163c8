//! `vpcsim run --cost`: bills, and bills beside each other.

use crate::args::RunArgs;
use crate::{Failure, input};
use std::collections::BTreeMap;
use std::fmt::Write;
use vpcsim_engine::observe::cost::ITEMS;
use vpcsim_engine::record::price::{Charge, MONTH_HOURS, PRICES, Prices, Unit};
use vpcsim_engine::scenario::run::Usage;

/// The table to count with, if anything is to be counted.
pub(crate) fn prices(args: &RunArgs) -> Result<Option<Prices>, Failure> {
    if !args.cost {
        return Ok(None);
    }
    let Some(path) = &args.prices else {
        return Prices::read(PRICES, &ITEMS).map(Some).map_err(Failure::Usage);
    };
    let source = input::read(path)?;
    let text = String::from_utf8(source.bytes).map_err(|_| Failure::Usage(format!("{} is no text", source.name)))?;
    let help = "`vpcsim schema prices` prints the table that is built in";
    Prices::read(&text, &ITEMS)
        .map(Some)
        .map_err(|e| Failure::Usage(format!("{} is no table of prices: {e}\n{help}", source.name)))
}

fn bill(prices: &Prices, usage: &Usage) -> Vec<Charge> {
    prices.bill(&usage.bytes, &usage.hourly, usage.seconds)
}

/// The bill of each run, and, of several, their sums beside each other.
pub(crate) fn text(prices: &Prices, runs: &[(&str, &Usage)]) -> String {
    let mut out = String::new();
    for (name, usage) in runs {
        let charges = bill(prices, usage);
        let title = if runs.len() > 1 { format!("cost of {name}") } else { "cost".to_owned() };
        let _ = writeln!(
            out,
            "\n{title}, list prices of {} in {}: {} s, and a month of {MONTH_HOURS} h that goes on like it",
            prices.region, prices.currency, usage.seconds
        );
        let _ = writeln!(
            out,
            "  {:<24} {:<16} {:<28} {:>12} {:>12} {:>14}",
            "item", "payer", "of", "this run", "run", "month"
        );
        for c in &charges {
            let unit = if c.unit == Unit::Gb { "GB" } else { "h" };
            let quantity = format!("{} {unit}", short(c.quantity));
            let _ = writeln!(
                out,
                "  {:<24} {:<16} {:<28} {quantity:>12} {:>12} {:>14}",
                c.used.item,
                c.used.payer,
                c.used.resource,
                money(c.usd),
                money(c.month_usd)
            );
        }
        let (run, month) = sums(&charges);
        let _ =
            writeln!(out, "  {:<24} {:<16} {:<28} {:>12} {:>12} {:>14}", "sum", "", "", "", money(run), money(month));
    }
    if runs.len() > 1 {
        let _ = write!(out, "{}", comparison(prices, runs));
    }
    out
}

/// A month of each run by item, beside each other.
fn comparison(prices: &Prices, runs: &[(&str, &Usage)]) -> String {
    let mut out = format!("\na month of each, by item, in {}\n  {:<24}", prices.currency, "");
    let bills: Vec<Vec<Charge>> = runs.iter().map(|(_, usage)| bill(prices, usage)).collect();
    for (name, _) in runs {
        let _ = write!(out, " {name:>28}");
    }
    out.push('\n');
    for price in &prices.prices {
        let of =
            |bill: &[Charge]| bill.iter().filter(|c| c.used.item == price.item).fold(0.0, |sum, c| sum + c.month_usd);
        if bills.iter().all(|bill| bill.iter().all(|c| c.used.item != price.item)) {
            continue;
        }
        let _ = write!(out, "  {:<24}", price.item);
        for bill in &bills {
            let _ = write!(out, " {:>28}", money(of(bill)));
        }
        out.push('\n');
    }
    let _ = write!(out, "  {:<24}", "sum");
    for bill in &bills {
        let _ = write!(out, " {:>28}", money(sums(bill).1));
    }
    out.push('\n');
    out
}

fn sums(charges: &[Charge]) -> (f64, f64) {
    // From a positive zero: no sum is `-0`.
    charges.iter().fold((0.0, 0.0), |(run, month), c| (run + c.usd, month + c.month_usd))
}

/// Three digits that matter, as people write quantities.
fn short(quantity: f64) -> String {
    match quantity {
        0.0 => "0".to_owned(),
        q if q.fract() == 0.0 => format!("{q:.0}"),
        q if q >= 100.0 => format!("{q:.0}"),
        q if q >= 0.001 => format!("{q:.3}"),
        q => format!("{q:.2e}"),
    }
}

/// Cents, and of less than a cent four digits behind the point.
fn money(usd: f64) -> String {
    if usd == 0.0 || usd >= 0.01 { format!("{usd:.2}") } else { format!("{usd:.4}") }
}

/// The same for programs, with the source of each price.
pub(crate) fn json(prices: &Prices, usage: &Usage) -> serde_json::Value {
    let charges = bill(prices, usage);
    let (run, month) = sums(&charges);
    let mut by_payer: BTreeMap<&str, f64> = BTreeMap::new();
    for c in &charges {
        *by_payer.entry(&c.used.payer).or_default() += c.month_usd;
    }
    let lines: Vec<_> = charges
        .iter()
        .map(|c| {
            let price = prices.get(c.used.item);
            serde_json::json!({
                "item": c.used.item, "payer": c.used.payer, "resource": c.used.resource,
                "unit": if c.unit == Unit::Gb { "GB" } else { "hour" }, "quantity": c.quantity, "usd": c.usd,
                "month_quantity": c.month_quantity, "month_usd": c.month_usd,
                "year": price.map(|p| p.year), "source": price.map(|p| p.source.as_str()),
            })
        })
        .collect();
    serde_json::json!({
        "currency": prices.currency, "region": prices.region, "seconds": usage.seconds,
        "charges": lines, "usd": run, "month_usd": month, "month_usd_by_payer": by_payer,
    })
}
