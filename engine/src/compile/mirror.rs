//! Traffic mirroring: targets, and sessions put to their sources.
//!
//! What AWS refuses is a problem here. Network identifiers that nobody wrote are made from names, so that another session changes
//! none. Not modelled: which instance types can be sources.

use super::context::{Context, also, label};
use super::expand::DEFAULT_ACCOUNT;
use crate::base::ids::{EniIx, MirrorSessionIx};
use crate::base::rng::salt;
use crate::diag::Diagnostic;
use crate::fabric::{EniKind, MirrorSession, MirrorTarget};
use crate::spec::{Spanned, TrafficMirrorSession, TrafficMirrorTarget};
use crate::verdict::{Dir, Row, RowKind};
use crate::wire::vxlan::VNI_MAX;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of rules and of sessions (MIR-3, MIR-6).
pub(super) const NUMBERS: std::ops::RangeInclusive<u32> = 1..=32766;
/// Bytes of a frame that a session may ask for (MIR-13).
const PACKET_LENGTHS: std::ops::RangeInclusive<u32> = 1..=8500;
/// Sessions that an interface may be the source of (MIR-21).
const SESSIONS_PER_SOURCE: usize = 3;
/// Sources that a target of a smaller instance size may have (MIR-21).
const SOURCES_PER_TARGET: usize = 10;

/// What a target that is named turned out to be.
#[derive(Clone)]
struct Target<'a> {
    written: &'a TrafficMirrorTarget,
    is: MirrorTarget,
}

/// Sessions by source: number, session, and the source as it is written.
type BySource<'a> = BTreeMap<EniIx, Vec<(u32, MirrorSessionIx, &'a Spanned<String>)>>;

impl Context {
    pub(super) fn traffic_mirroring(&mut self) {
        self.mirror_filters();
        let targets = std::mem::take(&mut self.spec.traffic_mirror_targets);
        let sessions = std::mem::take(&mut self.spec.traffic_mirror_sessions);
        let mut found: BTreeMap<&str, Target<'_>> = BTreeMap::new();
        for (name, written) in &targets {
            if let Some(is) = self.mirror_target(name, written) {
                found.insert(&name.value, Target { written, is });
            }
        }
        let vnis = self.vnis(&sessions);
        let mut by_source = BySource::new();
        for (name, session) in &sessions {
            let target = self.session_target(&session.target, &targets, &found);
            let filter = self.mirror_filter_named(&session.filter);
            let source = self.eni_named(&session.network_interface);
            self.check_session(name, session);
            let (Some(target), Some(filter), Some(source)) = (target, filter, source) else { continue };
            self.check_ends(name, session, source, &target);
            if self.fabric.enis[source].v4.is_none() {
                continue;
            }
            let index = self.fabric.mirror_sessions.next_index();
            let skip = self.row(Row { kind: RowKind::MirrorSkip, dir: Dir::Out, owner: index.0 });
            self.fabric.mirror_sessions.push(MirrorSession {
                source,
                target: target.is,
                filter,
                number: u16::try_from(session.session_number.value).unwrap_or(u16::MAX),
                vni: vnis[name.value.as_str()],
                packet_length: session.packet_length.map(|length| length.value),
                skip,
            });
            self.names.mirror_sessions.push(label(name, session.name_tag.as_ref()));
            by_source.entry(source).or_default().push((
                session.session_number.value,
                index,
                &session.network_interface,
            ));
        }
        self.order_sessions(by_source);
        self.mirror_quotas(&sessions);
        self.spec.traffic_mirror_targets = targets;
        self.spec.traffic_mirror_sessions = sessions;
    }

    /// MIR-2: one of three kinds.
    fn mirror_target(&mut self, name: &Spanned<String>, target: &TrafficMirrorTarget) -> Option<MirrorTarget> {
        let kinds = [&target.network_interface, &target.network_load_balancer, &target.gateway_load_balancer_endpoint];
        if kinds.iter().filter(|kind| kind.is_some()).count() != 1 {
            let message = format!("target `{name}` is exactly one of three kinds");
            self.problem(
                Diagnostic::error("mirror-target", name.span, message)
                    .help("write `network_interface`, `network_load_balancer` or `gateway_load_balancer_endpoint`"),
            );
            return None;
        }
        if let Some(eni) = &target.network_interface {
            return self.eni_named(eni).map(MirrorTarget::Eni);
        }
        let (other, kind) = match (&target.network_load_balancer, &target.gateway_load_balancer_endpoint) {
            (Some(nlb), _) => (nlb, "Network Load Balancer"),
            (None, Some(endpoint)) => (endpoint, "Gateway Load Balancer endpoint"),
            (None, None) => return None,
        };
        let known = self.ids.not_modelled.get(other.value.as_str()).copied();
        let index = known.unwrap_or_else(|| self.not_modelled_row(other, None, kind.to_owned()));
        Some(MirrorTarget::NotModelled(self.fabric.not_modelled[index].row))
    }

    fn session_target<'a>(
        &mut self,
        name: &Spanned<String>,
        written: &crate::spec::Named<TrafficMirrorTarget>,
        found: &BTreeMap<&str, Target<'a>>,
    ) -> Option<Target<'a>> {
        if let Some(target) = found.get(name.value.as_str()) {
            return Some(target.clone());
        }
        // One that is there and wrong has been reported.
        if !written.contains_key(name.value.as_str()) {
            let known: Vec<&str> = written.keys().map(|k| k.value.as_str()).collect();
            self.unknown(name, "traffic mirror target", &known);
        }
        None
    }

    fn check_session(&mut self, name: &Spanned<String>, session: &TrafficMirrorSession) {
        if !NUMBERS.contains(&session.session_number.value) {
            let message = format!("session numbers go from 1 to 32766, not {}", session.session_number);
            self.problem(Diagnostic::error("session-number", session.session_number.span, message));
        }
        if let Some(length) = session.packet_length
            && !PACKET_LENGTHS.contains(&length.value)
        {
            let message = format!("`packet_length` of `{name}` is 1 to 8500 bytes, not {length}");
            self.problem(
                Diagnostic::error("packet-length", length.span, message).help("leave it out to copy whole packets"),
            );
        }
    }

    /// What AWS asks of source and target.
    fn check_ends(
        &mut self,
        name: &Spanned<String>,
        session: &TrafficMirrorSession,
        source: EniIx,
        target: &Target<'_>,
    ) {
        let e = &self.fabric.enis[source];
        let (vpc, kind, has_v4, interface) = (e.vpc, e.kind, e.v4.is_some(), &session.network_interface);
        // MIR-1. An interface that is not modelled may be a database's, which can be a source.
        if !matches!(kind, EniKind::Guest(_) | EniKind::Detached | EniKind::NotModelled(_)) {
            let message = format!("`{interface}` cannot be a source: it is no interface of type `interface`");
            self.problem(Diagnostic::error("mirror-source", interface.span, message));
        }
        // MIR-22.
        if !has_v4 {
            let message = format!("`{interface}` has no IPv4 address: AWS does not mirror in IPv6-only subnets");
            self.problem(Diagnostic::error("mirror-ipv6-only", interface.span, message));
        }
        let owner = self.owner_of(source);
        let account = session.account.as_ref().map_or(owner.as_str(), |account| account.value.as_str());
        // MIR-25.
        if account != owner {
            let span = session.account.as_ref().map_or(name.span, |account| account.span);
            let message = format!("`{interface}` belongs to account {owner}, which alone can mirror it, not {account}");
            self.problem(Diagnostic::error("mirror-account", span, message));
        }
        let MirrorTarget::Eni(to) = target.is else { return };
        if to == source {
            let message = format!("`{interface}` is source and target of `{name}`");
            self.problem(Diagnostic::error("mirror-source", session.target.span, message));
        }
        if self.fabric.enis[to].v4.is_none() {
            let span = target.written.network_interface.as_ref().map_or(session.target.span, |eni| eni.span);
            let message = format!("target `{}` has no IPv4 address", session.target);
            self.problem(Diagnostic::error("mirror-ipv6-only", span, message));
        }
        // MIR-24.
        let to_vpc = self.fabric.enis[to].vpc;
        if self.fabric.vpcs[to_vpc].region != self.fabric.vpcs[vpc].region {
            let message = format!("target `{}` is in another Region than `{interface}`", session.target);
            self.problem(
                Diagnostic::error("mirror-region", session.target.span, message)
                    .help("a target is in the source's VPC, or in one of the same Region"),
            );
        }
    }

    /// The account that an interface belongs to.
    fn owner_of(&self, eni: EniIx) -> String {
        let realm = self.fabric.vpcs[self.fabric.enis[eni].vpc].realm;
        let own = self.names.eni_accounts[eni].clone();
        own.or_else(|| self.names.realms.get(realm as usize).map(|(account, _)| account.clone()))
            .unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned())
    }

    /// Sessions by number, and what AWS refuses of several.
    fn order_sessions(&mut self, by_source: BySource<'_>) {
        let targets: BTreeSet<EniIx> = self
            .fabric
            .mirror_sessions
            .iter()
            .filter_map(|s| match s.target {
                MirrorTarget::Eni(eni) => Some(eni),
                MirrorTarget::NotModelled(_) => None,
            })
            .collect();
        for (source, mut sessions) in by_source {
            sessions.sort_unstable_by_key(|(number, session, _)| (*number, *session));
            let (_, _, name) = sessions[0];
            for pair in sessions.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
                let [one, other] = [pair[0].1, pair[1].1].map(|s| self.names.mirror_sessions[s].clone());
                let message = format!("`{one}` and `{other}` have session number {} of `{name}` both", pair[0].0);
                self.problem(also(
                    Diagnostic::error("duplicate-session-number", other.span, message),
                    one.span,
                    "the other one",
                ));
            }
            if sessions.len() > SESSIONS_PER_SOURCE {
                let message =
                    format!("`{name}` is the source of {} sessions, AWS takes {SESSIONS_PER_SOURCE}", sessions.len());
                self.problem(Diagnostic::error("quota", name.span, message).help("AWS does not raise this one"));
            }
            // MIR-1.
            if targets.contains(&source) {
                let message = format!("`{name}` is a target, so it cannot be a source");
                self.problem(Diagnostic::error("mirror-source", name.span, message));
            }
            self.fabric.enis[source].mirrored = true;
            self.fabric.mirrors.insert(source, sessions.iter().map(|(_, session, _)| *session).collect());
        }
    }

    /// Network identifiers by session: the written ones, and for the others one of the name's (MIR-9).
    fn vnis(&mut self, sessions: &crate::spec::Named<TrafficMirrorSession>) -> BTreeMap<String, u32> {
        let mut taken: BTreeMap<(String, u32), &Spanned<String>> = BTreeMap::new();
        let mut out = BTreeMap::new();
        for (name, session) in sessions {
            let Some(vni) = session.virtual_network_id else { continue };
            if vni.value > VNI_MAX {
                let message = format!("a VXLAN network identifier has 24 bits, {vni} is too large");
                self.problem(
                    Diagnostic::error("virtual-network-id", vni.span, message).help(format!("0 to {VNI_MAX}")),
                );
            }
            let key = (self.account_of(session), vni.value);
            if let Some(other) = taken.get(&key) {
                let message = format!("`{other}` has virtual network id {vni} already");
                self.problem(also(
                    Diagnostic::error("virtual-network-id", vni.span, message),
                    other.span,
                    "the other session",
                ));
            }
            taken.entry(key).or_insert(name);
            out.insert(name.value.clone(), vni.value & VNI_MAX);
        }
        for (name, session) in sessions.iter().filter(|(_, session)| session.virtual_network_id.is_none()) {
            let (start, account) = (salt(name) as u32 & VNI_MAX, self.account_of(session));
            let key = |n: u32| (account.clone(), (start + n) & VNI_MAX);
            let free = (0..=VNI_MAX).map(key).find(|key| !taken.contains_key(key)).unwrap_or_else(|| key(0));
            out.insert(name.value.clone(), free.1);
            taken.insert(free, name);
        }
        out
    }

    /// The account that a session belongs to: in doubt its source's.
    fn account_of(&self, session: &TrafficMirrorSession) -> String {
        let source = || self.ids.enis.get(session.network_interface.value.as_str()).map(|eni| self.owner_of(*eni));
        session.account.as_ref().map(|account| account.value.clone()).or_else(source).unwrap_or_default()
    }

    /// MIR-21: a quota that depends on the target's size.
    fn mirror_quotas(&mut self, sessions: &crate::spec::Named<TrafficMirrorSession>) {
        if self.lenient {
            return;
        }
        let mut sources: BTreeMap<&str, (BTreeSet<&str>, &Spanned<String>)> = BTreeMap::new();
        for session in sessions.values() {
            let entry = sources.entry(&session.target.value).or_insert_with(|| (BTreeSet::new(), &session.target));
            entry.0.insert(&session.network_interface.value);
        }
        for (target, (sources, at)) in sources {
            let count = sources.len();
            let is_eni = self.fabric.mirror_sessions.iter_enumerated().any(|(index, s)| {
                let name = &self.names.mirror_sessions[index].id;
                matches!(s.target, MirrorTarget::Eni(_)) && sessions[name.as_str()].target.value == target
            });
            if is_eni && count > SOURCES_PER_TARGET {
                let message = format!(
                    "target `{target}` has {count} sources: {SOURCES_PER_TARGET} for smaller instance sizes, 100 for the largest"
                );
                self.warn(Diagnostic::warning("quota", at.span, message));
            }
        }
    }
}
