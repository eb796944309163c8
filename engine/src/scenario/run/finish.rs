//! The run is over: expectations, evidence, counters.

use super::check::{self, Happened};
use super::operation::Kind;
use super::report::{CheckResult, Report, StepReport, Usage};
use super::runner::Runner;
use super::watch::Drop;
use crate::base::Nanos;
use crate::base::ids::{TgwAttachIx, TgwIx, TgwRtbIx};
use crate::fabric::Fabric;
use crate::scenario::Evidence;
use crate::verdict::{Dir, RowIx, RowKind};
use std::collections::BTreeMap;

impl Runner<'_> {
    pub(super) fn checks(&self, n: usize, expect: &crate::scenario::Expect) -> Vec<CheckResult> {
        let o = &self.operations[n];
        let drop = self.deciding_drop(n);
        let watch = &self.sim.observer.1.0;
        let way = watch
            .ways
            .get(&o.tag)
            .into_iter()
            .flatten()
            .map(|eni| self.network().names.enis[*eni].id.clone())
            .collect();
        let happened = Happened {
            outcome: o.outcome,
            elapsed: o.elapsed,
            lasted: o.ended.map_or(Nanos::ZERO, |ended| ended.since(o.started)),
            drop: drop.map(|drop| (drop, &self.networks[usize::from(drop.epoch)])),
            on: drop.map(|drop| o.leg_of(&drop.headers)),
            way,
            hops: o.hops.clone(),
            addresses: o.addresses.clone(),
            bytes: o.bytes,
            flows: match o.kind {
                Kind::Load { number, tally } => Some(self.sim.load_tally(number).unwrap_or(tally)),
                _ => None,
            },
        };
        check::step(expect, &happened)
    }

    /// The first drop of a step's packets.
    pub(super) fn deciding_drop(&self, n: usize) -> Option<Drop> {
        let o = &self.operations[n];
        let drops = self.sim.observer.1.0.drops.get(&o.tag)?;
        drops.iter().find(|drop| drop.at >= o.started && o.ended.is_none_or(|ended| drop.at <= ended)).copied()
    }

    pub(super) fn finish(mut self) -> Report {
        let totals = self.sim.totals();
        self.sim.observer.0.check(&totals);
        let steps = (0..self.operations.len()).map(|n| self.step_report(n)).collect();
        let ended = self.sim.now();
        self.sim.observer.1.1.1.0.finish(ended);
        let witness = &self.sim.observer.1.1.1.0.sink;
        let (flow_logs, mut seen) = (witness.totals().to_vec(), witness.results());
        let counters = self.counters(&totals);
        let mut captured = self.captured_counts().into_iter();
        let evidence = self.scenario.expect.iter().map(|e| match &e.value {
            Evidence::FlowLog(_) => seen.next().expect("one of each"),
            Evidence::Counter(want) => check::counter(want, &counters),
            Evidence::Captured(want) => check::captured(want, captured.next().unwrap_or(0)),
        });
        let evidence: Vec<CheckResult> = evidence.collect();
        let (metrics, cost) = &mut self.sim.observer.1.1.1.1;
        let metrics = metrics.as_mut().map_or_else(Vec::new, |metrics| metrics.finish(ended));
        let seconds = ended.0 as f64 / 1e9;
        let usage = cost.as_ref().map(|cost| Usage { bytes: cost.bytes(), hourly: cost.hourly(), seconds });
        let captured = std::mem::take(&mut self.sim.observer.1.1.0.packets);
        self.lines.sort_by_key(|line| line.at);
        let mut evidence = evidence;
        let mut convergences = Vec::new();
        for (n, convergence) in self.convergences() {
            if let Some(want) = &self.scenario.steps[n].leads_to {
                evidence.extend(convergence.checks(want));
            }
            convergences.push(convergence);
        }
        Report {
            lines: self.lines,
            steps,
            convergences,
            evidence,
            ended,
            seed: self.seed,
            networks: self.networks,
            captured,
            esp_sa: self.sim.esp_sa().to_vec(),
            flow_logs,
            metrics,
            usage,
            totals,
            counters,
        }
    }

    pub(super) fn step_report(&self, n: usize) -> StepReport {
        let (o, step) = (&self.operations[n], &self.scenario.steps[n]);
        StepReport {
            title: super::prepare_title(step),
            started: o.started,
            ended: o.ended.unwrap_or(o.started),
            outcome: o.outcome,
            elapsed: o.elapsed,
            blocked_by: self.deciding_drop(n),
            checks: step.expect.as_ref().map_or_else(Vec::new, |expect| self.checks(n, expect)),
        }
    }

    /// Counters by AWS's names where there are any. `IdleTimeoutCount` counts packets that met a forgotten connection;
    /// AWS counts connections that go idle, so one that expires unnoticed is missing here.
    pub(super) fn counters(&self, totals: &crate::sim::Totals) -> Vec<(String, u64)> {
        let mut out: BTreeMap<String, u64> = BTreeMap::new();
        out.insert("packets_originated".to_owned(), totals.originated);
        out.insert("packets_delivered".to_owned(), totals.delivered);
        out.insert("packets_dropped".to_owned(), totals.dropped);
        self.mirror_counters(&mut out);
        for ((epoch, by), count) in &self.sim.observer.1.0.by_row {
            let network = &self.networks[usize::from(*epoch)];
            let (names, fabric) = (&network.names, &network.fabric);
            let id = names.row_resource_id(fabric, *by);
            let metric = match fabric.rows[*by].kind {
                RowKind::NatPorts => "ErrorPortAllocation",
                RowKind::NatIdle => "IdleTimeoutCount",
                RowKind::ServiceRate => "linklocal_allowance_exceeded",
                RowKind::LinkQueue => "bw_out_allowance_exceeded",
                _ => "dropped",
            };
            *out.entry(format!("{id}.{metric}")).or_default() += count;
            // A transit gateway's flow log has a field for each way of losing a packet (TGW-26).
            if let Some((tgw, field)) = lost(fabric, *by) {
                *out.entry(format!("{}.{field}", names.tgws[tgw].id)).or_default() += count;
            }
        }
        out.into_iter().collect()
    }

    /// What traffic mirroring has copied, by instance with CloudWatch's names (MIR-23), and in all.
    fn mirror_counters(&self, out: &mut BTreeMap<String, u64>) {
        let (network, mut all) = (self.network(), [0, 0]);
        for ((eni, dir, skipped), (packets, bytes)) in &self.sim.observer.1.0.mirrored {
            all[usize::from(*skipped)] += packets;
            let guest = network.fabric.enis[*eni].guest().map(|guest| network.names.guests[guest].id.as_str());
            let id = guest.unwrap_or(&network.names.enis[*eni].id);
            let skip = if *skipped { "Skip" } else { "" };
            let dir = if *dir == Dir::In { "In" } else { "Out" };
            *out.entry(format!("{id}.Network{skip}Mirror{dir}")).or_default() += bytes;
            *out.entry(format!("{id}.NetworkPackets{skip}Mirror{dir}")).or_default() += packets;
        }
        out.insert("mirrored".to_owned(), all[0]);
        out.insert("mirror_skipped".to_owned(), all[1]);
    }
}

/// The transit gateway that lost a packet, and the field of its flow log that counts it.
fn lost(fabric: &Fabric, by: RowIx) -> Option<(TgwIx, &'static str)> {
    let row = fabric.rows[by];
    let attach = || fabric.tgw_attaches[TgwAttachIx(row.owner)].tgw;
    let table = || fabric.tgw_rtbs[TgwRtbIx(row.owner)].tgw;
    Some(match row.kind {
        RowKind::TgwRouteNone => (table(), "packets-lost-no-route"),
        RowKind::TgwNoAssociation => (attach(), "packets-lost-no-route"),
        RowKind::TgwRouteBlackhole => (table(), "packets-lost-blackhole"),
        RowKind::MtuTgw => (attach(), "packets-lost-mtu-exceeded"),
        RowKind::TtlTgw => (attach(), "packets-lost-ttl-expired"),
        _ => return None,
    })
}
