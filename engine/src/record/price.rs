//! Prices, and the bill of a run.
//!
//! The table is data ([`PRICES`]): item, unit, price or tiers, who pays, year and source. A bill has two sums: what the run
//! itself costs, by its bytes and by whole hours (COST-10), and what a month costs that goes on like it:
//! 730 hours, with the run's bytes for each second of them.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The prices that are built in.
pub const PRICES: &str = include_str!("prices.json");
/// Hours of a month.
pub const MONTH_HOURS: u64 = 730;
/// Bytes of a GB, as the bill counts them (COST-1).
pub const GB: f64 = (1u64 << 30) as f64;

/// A table of prices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// `USD`, or another.
    pub currency: String,
    /// Whose prices they are.
    pub region: String,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
    /// The table.
    pub prices: Vec<Price>,
}

/// One line of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// What costs.
    pub item: String,
    /// `GB` or `hour`.
    pub per: Unit,
    /// Price of a unit.
    pub usd: Option<f64>,
    /// Prices by quantity in a month, instead.
    pub tiers: Option<Vec<Tier>>,
    /// Another item whose price holds, and whose tiers are shared.
    #[serde(rename = "as")]
    pub same_as: Option<String>,
    /// Who pays, in words.
    pub payer: String,
    /// Year of the source.
    pub year: u32,
    /// Where the price is from.
    pub source: String,
}

/// A unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub enum Unit {
    /// 2^30 bytes (COST-1).
    #[serde(rename = "GB")]
    Gb,
    /// An hour.
    #[serde(rename = "hour")]
    Hour,
}

/// The price of the units up to a quantity.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Quantity; without, all that is beyond the last.
    pub up_to_gb: Option<f64>,
    /// Price of a unit.
    pub usd: f64,
}

/// What was used: bytes, or resources that cost by the hour.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Used {
    /// What costs, as in the table.
    pub item: &'static str,
    /// Account that pays.
    pub payer: String,
    /// What it is used by.
    pub resource: String,
}

/// A line of a bill.
#[derive(Clone, PartialEq, Debug)]
pub struct Charge {
    /// What is used.
    pub used: Used,
    /// Its unit.
    pub unit: Unit,
    /// Units in the run: GB, or whole hours.
    pub quantity: f64,
    /// Cost of the run.
    pub usd: f64,
    /// Units in a month that goes on like it.
    pub month_quantity: f64,
    /// Cost of such a month.
    pub month_usd: f64,
}

impl Prices {
    /// Reads a table.
    ///
    /// # Errors
    /// If it is no table, or lacks one of `items`, or one has no price.
    pub fn read(text: &str, items: &[&str]) -> Result<Self, String> {
        let prices: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        for item in items {
            let Some(price) = prices.get(item) else { return Err(format!("there is no price of `{item}`")) };
            if prices
                .base(price)
                .is_none_or(|price| price.usd.is_none() && price.tiers.as_ref().is_none_or(Vec::is_empty))
            {
                return Err(format!("`{item}` has neither `usd` nor `tiers`"));
            }
        }
        Ok(prices)
    }

    /// The line of an item.
    #[must_use]
    pub fn get(&self, item: &str) -> Option<&Price> {
        self.prices.iter().find(|price| price.item == item)
    }

    /// The line whose price holds.
    fn base<'a>(&'a self, price: &'a Price) -> Option<&'a Price> {
        price.same_as.as_ref().map_or(Some(price), |other| self.get(other))
    }

    /// Cost of this quantity, `before` having been used of the same price this month.
    fn cost(&self, price: &Price, before: f64, quantity: f64) -> f64 {
        let Some(base) = self.base(price) else { return 0.0 };
        let Some(tiers) = &base.tiers else { return quantity * base.usd.unwrap_or(0.0) };
        let (mut from, mut out) = (0.0, 0.0);
        for tier in tiers {
            let to = tier.up_to_gb.unwrap_or(f64::INFINITY);
            let here = (before + quantity).min(to) - before.max(from);
            out += here.max(0.0) * tier.usd;
            from = to;
        }
        out
    }

    /// The bill for what was used in a run of this many seconds: bytes by use, and resources that cost by the hour. Lines
    /// come in the table's order, then by payer and resource.
    #[must_use]
    pub fn bill(&self, bytes: &BTreeMap<Used, u64>, hourly: &BTreeMap<Used, u64>, seconds: f64) -> Vec<Charge> {
        let hours = (seconds / 3600.0).ceil().max(1.0);
        let months = MONTH_HOURS as f64 * 3600.0 / seconds.max(1.0);
        let mut out = Vec::new();
        // What a payer has used of a price with tiers, in the run and in the month.
        let mut before: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
        for price in &self.prices {
            let used = bytes.iter().chain(hourly).filter(|(used, _)| used.item == price.item);
            for (used, count) in used {
                let (quantity, month) = match price.per {
                    Unit::Gb => (*count as f64 / GB, *count as f64 / GB * months),
                    Unit::Hour => (*count as f64 * hours, (*count * MONTH_HOURS) as f64),
                };
                let base = self.base(price).map_or_else(String::new, |base| base.item.clone());
                let so_far = before.entry((used.payer.clone(), base)).or_default();
                out.push(Charge {
                    used: used.clone(),
                    unit: price.per,
                    quantity,
                    usd: self.cost(price, so_far.0, quantity),
                    month_quantity: month,
                    month_usd: self.cost(price, so_far.1, month),
                });
                *so_far = (so_far.0 + quantity, so_far.1 + month);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(item: &'static str) -> Used {
        Used { item, payer: "1".to_owned(), resource: "r".to_owned() }
    }

    #[test]
    fn the_table_is_complete_and_says_where_it_is_from() {
        let prices = Prices::read(PRICES, &["nat_gateway", "vpn_out"]).expect("the table");
        assert!(
            prices.prices.iter().all(|p| p.source.starts_with("https://") && p.year >= 2024 && !p.payer.is_empty())
        );
    }

    /// COST-1, COST-8: internet egress as AWS's page counts it: 100 GB free, 10 TB at 0.09, the next 40 TB at 0.085.
    #[test]
    fn tiers_are_shared_and_counted_in_order() {
        let prices = Prices::read(PRICES, &["nat_gateway", "vpn_out"]).expect("the table");
        let second = |bytes: u64| BTreeMap::from([(used("internet_out"), bytes)]);
        let month_in_seconds = MONTH_HOURS as f64 * 3600.0;
        let cost = |gb: u64| prices.bill(&second(gb << 30), &BTreeMap::new(), month_in_seconds)[0].month_usd;
        assert_eq!(cost(100), 0.0);
        assert!((cost(200) - 9.0).abs() < 1e-9);
        assert!((cost(10_240 + 1_000) - (10_140.0 * 0.09 + 1_000.0 * 0.085)).abs() < 1e-6);
        // A VPN's traffic goes on where the internet's has stopped.
        let both = BTreeMap::from([(used("internet_out"), 100 << 30), (used("vpn_out"), 10 << 30)]);
        let bill = prices.bill(&both, &BTreeMap::new(), month_in_seconds);
        assert!((bill[0].month_usd, (bill[1].month_usd - 0.9).abs() < 1e-9) == (0.0, true), "{bill:?}");
    }

    /// COST-10.
    #[test]
    fn a_part_of_an_hour_is_an_hour() {
        let prices = Prices::read(PRICES, &["nat_gateway", "vpn_out"]).expect("the table");
        let nat = BTreeMap::from([(used("nat_gateway"), 2)]);
        let bill = prices.bill(&BTreeMap::new(), &nat, 61.0);
        assert!((bill[0].usd - 0.09).abs() < 1e-9 && (bill[0].month_usd - 65.7).abs() < 1e-9, "{bill:?}");
        let bill = prices.bill(&BTreeMap::new(), &nat, 3601.0);
        assert!((bill[0].usd - 0.18).abs() < 1e-9);
    }

    #[test]
    fn a_table_that_is_none_is_refused() {
        for (text, want) in [
            ("{", "EOF"),
            (r#"{"currency": "USD", "region": "x", "prices": []}"#, "there is no price of"),
            (
                r#"{"currency": "USD", "region": "x", "prices": [{"item": "zone_out", "per": "day", "usd": 1, "payer": "x", "year": 2024, "source": "x"}]}"#,
                "unknown variant `day`",
            ),
        ] {
            let error = Prices::read(text, &["zone_out"]).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
    }
}
