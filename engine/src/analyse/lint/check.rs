//! The checks: their codes, how bad a finding is, and why it matters. `docs/lint.md` has a line for each.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not what was meant, or a risk.
    Warning,
    /// It cannot work, or it is open to everybody.
    Error,
}

impl Severity {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One check.
#[derive(PartialEq, Eq, Debug)]
pub struct Check {
    /// Stable code, kebab-case.
    pub code: &'static str,
    /// How bad its findings are, unless one says otherwise.
    pub severity: Severity,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// Why that matters.
    pub why: &'static str,
}

/// The check of a code.
///
/// # Panics
/// If there is none: codes are written once here, and used by the checks.
#[must_use]
pub(super) fn check(code: &str) -> &'static Check {
    find(code).unwrap_or_else(|| panic!("there is no check {code}"))
}

/// The check of a code, if there is one.
#[must_use]
pub fn find(code: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.code == code)
}

macro_rules! checks {
    ($($severity:ident $code:literal: $title:literal, $why:literal;)*) => {
        /// Every check, in the order of codes.
        pub const CHECKS: &[Check] = &[$(
            Check { code: $code, severity: Severity::$severity, title: $title, why: $why },
        )*];
    };
}

checks! {
    Error "acl-reply-blocked": "an ACL lets requests pass and drops their replies",
        "ACLs keep no state: the reply needs a row of its own, for the client's ephemeral port, or every connection times out";
    Warning "acl-reply-narrow": "an ACL lets replies to only some ephemeral ports pass",
        "clients choose the port themselves, so connections time out now and then";
    Note "acl-row-duplicate": "an ACL row that says again what an earlier one says",
        "the first row that matches decides; the second never does";
    Warning "acl-row-shadowed": "an ACL row that never decides",
        "rows with lower numbers take every packet that it matches, so what it says does not happen";
    Warning "appliance-mode-off": "a VPC of appliances in several zones, attached without appliance mode",
        "request and reply may take different zones, and a stateful appliance drops what it has not seen begin";
    Warning "asymmetric-path": "request and reply pass different firewalls",
        "a stateful firewall that has not seen the first packet drops the others";
    Error "attachment-without-table": "an attachment that no transit gateway route table is associated with",
        "whatever comes by it is dropped";
    Error "blackhole-route": "a route whose target takes no traffic",
        "it still wins its prefix, and drops";
    Error "choice-decides": "connections that work or fail as AWS chooses",
        "AWS does not tell which zone, tunnel or target it takes, so they fail now and then";
    Note "direct-connect-single-device": "all virtual interfaces of a Direct Connect gateway end at one device",
        "AWS takes devices out of service for maintenance; then Direct Connect is gone, and a backup has to carry everything";
    Error "exposed-port": "the internet reaches a port that is for administration or for data",
        "such ports are scanned within minutes; one weak password is enough";
    Note "gap": "the input does not fit together",
        "something is missing in it, so answers about this place may be wrong";
    Warning "group-rule-empty": "a rule that names a group which no interface has",
        "it matches nobody";
    Note "group-rule-implied": "a rule of a group that another one of it covers",
        "it changes nothing, and misleads whoever wants to close the port";
    Warning "mtu-black-hole": "large packets vanish, and their sender is not told",
        "the handshake and small answers work; the connection hangs with the first packet that is too large";
    Note "nat-in-other-zone": "a subnet that sends by another zone's NAT gateway",
        "when that zone fails this one has no way out either, and every byte between zones is billed";
    Error "nat-in-private-subnet": "a public NAT gateway whose subnet has no route to an internet gateway",
        "it translates, and its own subnet's table does not let the packet out";
    Warning "no-public-address": "an interface with a route to an internet gateway and no public address",
        "the internet gateway drops what it sends";
    Warning "no-return-route": "requests arrive, and the reply finds no route",
        "a peering or a transit gateway needs a route on both sides; without it every connection times out";
    Warning "overlapping-networks": "connected networks with overlapping blocks",
        "an address that both have is reached in one of them only";
    Warning "quota": "more than AWS's default quota",
        "AWS refuses it, unless the account's quota was raised";
    Error "reply-blocked": "requests arrive, and the reply does not come back",
        "every connection times out";
    Note "reply-from-elsewhere": "the reply carries another address than the request was sent to",
        "the client does not know it and drops it";
    Warning "route-not-learnt": "a route that was meant to be learnt and is not",
        "what is announced or propagated does not arrive where packets look for it";
    Warning "route-unused": "a route that never decides",
        "longer prefixes cover all of it, so what it says does not happen";
    Error "routing-loop": "packets run in a circle",
        "they are dropped when their time to live is over";
    Warning "single-point-of-failure": "subnets that lose their way out with one device",
        "a zonal NAT gateway, an instance or a router fails alone";
    Warning "stale-reference": "a rule or a route that names what is not there",
        "it does nothing, until somebody makes something of that name";
    Warning "suppression-unused": "a suppression that suppresses nothing",
        "what it was for is gone, and it would hide the next one";
    Error "transitive-peering": "a route that sends to a peering what is not the peer's",
        "a peering carries packets between the blocks of its two VPCs and nothing else";
    Note "unused-gateway": "a gateway that no route leads to",
        "nothing uses it; a NAT gateway costs by the hour all the same";
    Note "unused-network-acl": "an ACL that no subnet has",
        "it filters nothing";
    Note "unused-prefix-list": "a prefix list that nothing names",
        "it does nothing";
    Note "unused-route-table": "a route table that no subnet and no gateway has",
        "it routes nothing";
    Note "unused-security-group": "a group that no interface has",
        "it filters nothing";
    Error "zone-without-attachment": "a zone whose subnets send to a transit gateway that is not in it",
        "a transit gateway takes packets only in zones where the attachment has a subnet";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_in_order_and_each_is_there_once() {
        assert!(CHECKS.windows(2).all(|pair| pair[0].code < pair[1].code));
    }
}
