//! Ports for administration and data that anybody on the internet reaches, asked of the walk.

use super::{Lint, Severity, count, named};
use crate::analyse::borders::Borders;
use crate::analyse::class::{classes, signatures};
use crate::analyse::probes;
use crate::base::Protocol;
use crate::base::ids::EniIx;
use crate::compile::ANY_HOST;
use crate::explain::{Origin, Outcome, Question};
use crate::verdict::{RowIx, RowKind};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Ports that nobody means to open to everybody, and what usually listens there.
const RISKY: [(u16, &str, Severity); 22] = [
    (22, "SSH", Severity::Warning),
    (23, "Telnet", Severity::Error),
    (135, "Windows RPC", Severity::Error),
    (445, "SMB", Severity::Error),
    (1433, "SQL Server", Severity::Error),
    (1521, "Oracle", Severity::Error),
    (2049, "NFS", Severity::Error),
    (2375, "Docker", Severity::Error),
    (2379, "etcd", Severity::Error),
    (3306, "MySQL", Severity::Error),
    (3389, "RDP", Severity::Error),
    (5432, "PostgreSQL", Severity::Error),
    (5439, "Redshift", Severity::Error),
    (5601, "Kibana", Severity::Error),
    (5985, "WinRM", Severity::Error),
    (6379, "Redis", Severity::Error),
    (9042, "Cassandra", Severity::Error),
    (9092, "Kafka", Severity::Error),
    (9200, "Elasticsearch", Severity::Error),
    (10250, "kubelet", Severity::Error),
    (11211, "memcached", Severity::Error),
    (27017, "MongoDB", Severity::Error),
];

impl Lint<'_> {
    pub(super) fn exposed_ports(&mut self) {
        let network = self.network;
        let fabric = &network.fabric;
        let borders = Borders::of(&[network]);
        let everybody: [IpAddr; 2] = ANY_HOST.1.map(|address| address.parse().expect("an address"));
        let mut asked: Vec<(Question, Vec<EniIx>, usize)> = Vec::new();
        for class in classes(&signatures(network, &borders)) {
            let eni = &fabric.enis[class[0]];
            let public = eni.v4.and_then(|private| fabric.vpcs[eni.vpc].public.get(&private)).map(|a| IpAddr::V4(*a));
            for to in [public, eni.v6.map(IpAddr::V6)].into_iter().flatten() {
                let address = everybody[usize::from(to.is_ipv6())];
                for (n, (port, ..)) in RISKY.iter().enumerate() {
                    let from = Origin::Internet { address };
                    let question = Question { from, to, protocol: Protocol::TCP, src_port: None, dst_port: *port };
                    asked.push((question, class.clone(), n));
                }
            }
        }
        let questions: Vec<Question> = asked.iter().map(|(question, ..)| *question).collect();
        // The rule that let it in, and whether something listens.
        let seen: Vec<Option<(Option<RowIx>, bool)>> = probes(network, &questions, |_, e| {
            let mut rules = e.request.steps.iter().filter(|step| step.decision.allow).map(|step| step.decision.by);
            let rule = rules.rfind(|row| fabric.rows[*row].kind == RowKind::SgRule);
            e.outcome.passes().then_some((rule, e.outcome == Outcome::Open))
        });
        let mut by_rule: BTreeMap<(Option<RowIx>, bool), BTreeMap<usize, Vec<EniIx>>> = BTreeMap::new();
        for ((_, class, n), seen) in asked.iter().zip(seen) {
            if let Some(key) = seen {
                by_rule.entry(key).or_default().entry(*n).or_default().extend(class);
            }
        }
        for ((rule, open), ports) in by_rule {
            self.exposed(rule, open, &ports);
        }
    }

    fn exposed(&mut self, rule: Option<RowIx>, open: bool, ports: &BTreeMap<usize, Vec<EniIx>>) {
        let (fabric, names) = (&self.network.fabric, &self.network.names);
        let Some(rule) = rule else { return };
        let mut enis: Vec<EniIx> = ports.values().flatten().copied().collect();
        enis.sort_unstable();
        enis.dedup();
        let who = named(enis.iter().map(|eni| names.eni_text(fabric, *eni)));
        let what = named(ports.keys().map(|n| format!("tcp/{} ({})", RISKY[*n].0, RISKY[*n].1)));
        let listens = if open { "" } else { "; nothing listens there now" };
        let message = format!("{} lets everybody on the internet reach {who} on {what}{listens}", self.row_text(rule));
        let fix = "name the addresses or the group that need it; for administration use a VPN or Session Manager";
        let worst = ports.keys().map(|n| RISKY[*n].2).max().unwrap_or(Severity::Note);
        let finding = self.found_row("exposed-port", rule, message, fix);
        finding.severity = if open { worst } else { Severity::Note };
        finding.notes.push((crate::diag::Span::NONE, format!("{} affected", count(enis.len(), "interface"))));
    }
}

#[cfg(test)]
mod tests {
    use super::RISKY;

    #[test]
    fn ports_are_ascending() {
        assert!(RISKY.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
