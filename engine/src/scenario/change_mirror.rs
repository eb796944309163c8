//! Changes of traffic mirroring: rules of filters, settings of sessions. What a session is of, its source, never changes.

use crate::diag::Diagnostic;
use crate::spec::decode::{decode_struct, one_or_many};
use crate::spec::{Spanned, Spec, TrafficMirrorNetworkService, TrafficMirrorRule};
use schemars::JsonSchema;

use super::apply::{find, set};
use super::change::list_or_one;

/// A change of a traffic mirror filter. Removals come first.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MirrorFilterChange {
    /// The filter.
    pub traffic_mirror_filter: Spanned<String>,
    /// Rules to add for what the source receives.
    #[schemars(default, schema_with = "list_or_one::<TrafficMirrorRule>")]
    pub add_ingress: Vec<Spanned<TrafficMirrorRule>>,
    /// Rules to add for what the source sends.
    #[schemars(default, schema_with = "list_or_one::<TrafficMirrorRule>")]
    pub add_egress: Vec<Spanned<TrafficMirrorRule>>,
    /// Numbers of the ingress rules to remove.
    #[schemars(default)]
    pub remove_ingress: Vec<Spanned<u32>>,
    /// Numbers of the egress rules to remove.
    #[schemars(default)]
    pub remove_egress: Vec<Spanned<u32>>,
    /// What to set.
    #[schemars(default)]
    pub set: Option<MirrorFilterSettings>,
}

/// What can be set of a traffic mirror filter.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MirrorFilterSettings {
    /// Services of AWS's whose traffic is mirrored.
    pub network_services: Option<Vec<Spanned<TrafficMirrorNetworkService>>>,
}

/// A change of a traffic mirror session.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MirrorSessionChange {
    /// The session.
    pub traffic_mirror_session: Spanned<String>,
    /// What to set.
    pub set: MirrorSessionSettings,
}

/// What can be set of a traffic mirror session.
#[derive(Clone, PartialEq, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MirrorSessionSettings {
    /// Who gets the copies.
    pub target: Option<Spanned<String>>,
    /// Which packets.
    pub filter: Option<Spanned<String>>,
    /// Place among the sessions of the interface.
    pub session_number: Option<Spanned<u32>>,
    /// Bytes of a frame to copy.
    pub packet_length: Option<Spanned<u32>>,
    /// VXLAN network identifier.
    pub virtual_network_id: Option<Spanned<u32>>,
}

decode_struct!(MirrorFilterChange, "a change of a traffic mirror filter", {
    traffic_mirror_filter, add_ingress: one_or_many, add_egress: one_or_many, remove_ingress, remove_egress, set,
});
decode_struct!(MirrorFilterSettings, "a traffic mirror filter's settings", { network_services });
decode_struct!(MirrorSessionChange, "a change of a traffic mirror session", { traffic_mirror_session, set });
decode_struct!(MirrorSessionSettings, "a traffic mirror session's settings", {
    target, filter, session_number, packet_length, virtual_network_id,
});

pub(super) fn change_filter(spec: &mut Spec, change: &MirrorFilterChange) -> Result<(), Diagnostic> {
    let name = &change.traffic_mirror_filter;
    let filter = find(&mut spec.traffic_mirror_filters, name, "traffic mirror filter")?;
    let mut changed = filter.clone();
    for (rules, remove, add, direction) in [
        (&mut changed.ingress, &change.remove_ingress, &change.add_ingress, "ingress"),
        (&mut changed.egress, &change.remove_egress, &change.add_egress, "egress"),
    ] {
        for number in remove {
            let Some(at) = rules.iter().position(|rule| rule.rule.value == number.value) else {
                let message = format!("`{name}` has no {direction} rule {number}");
                let have: Vec<String> = rules.iter().map(|rule| rule.rule.to_string()).collect();
                let help = if have.is_empty() { "it has none".into() } else { format!("it has {}", have.join(", ")) };
                return Err(Diagnostic::error("no-such-rule", number.span, message).help(help));
            };
            rules.remove(at);
        }
        for rule in add {
            if let Some(old) = rules.iter().find(|old| old.rule == rule.rule) {
                let message = format!("`{name}` has an {direction} rule {} already", rule.rule);
                return Err(Diagnostic::error("rule-exists", rule.rule.span, message)
                    .note(old.span, "this one")
                    .help("use a free number, or remove the rule in the same change"));
            }
            rules.push(rule.clone());
        }
    }
    if let Some(services) = change.set.as_ref().and_then(|set| set.network_services.as_ref()) {
        changed.network_services.clone_from(services);
    }
    *filter = changed;
    Ok(())
}

pub(super) fn change_session(spec: &mut Spec, change: &MirrorSessionChange) -> Result<(), Diagnostic> {
    let name = &change.traffic_mirror_session;
    let (session, to) = (find(&mut spec.traffic_mirror_sessions, name, "traffic mirror session")?, &change.set);
    for (field, value) in [(&mut session.target, &to.target), (&mut session.filter, &to.filter)] {
        if let Some(value) = value {
            field.clone_from(value);
        }
    }
    session.session_number = to.session_number.unwrap_or(session.session_number);
    set(&mut session.packet_length, &to.packet_length);
    set(&mut session.virtual_network_id, &to.virtual_network_id);
    Ok(())
}
