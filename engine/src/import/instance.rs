//! Instances (`describe-instances`: `Reservations`, then `Instances`).
//!
//! AWS does not know what guests do, so nothing is said about listeners or forwarding. Terminated ones
//! are left out. An instance that only an interface names is written as running if no file lists
//! instances at all. Not modelled: placement, EC2-Classic.

use super::Out;
use super::eni::{self, Attachment, Eni};
use super::inventory::Resource;
use super::read::{Item, List, Maybe, Tags, Text};
use crate::diag::Diagnostic;
use crate::spec::{GuestOs, InstanceState, Name};
use serde::Deserialize;
use std::collections::BTreeSet;

/// What AWS calls a reservation: instances launched together.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Reservation<'a> {
    #[serde(borrow)]
    pub(super) instances: List<&'a serde_json::value::RawValue>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Instance {
    instance_id: Text,
    state: State,
    instance_type: Text,
    platform: Text,
    platform_details: Text,
    pub(super) network_interfaces: List<Eni>,
    tags: Tags,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct State {
    name: Maybe<String>,
}

impl Resource for Instance {
    const KIND: &'static str = "instance";
    const ID: &'static str = "InstanceId";
    fn id(&self) -> &str {
        self.instance_id.text()
    }
}

impl Instance {
    /// Takes the copies of its interfaces out, each told which instance it is attached to.
    pub(super) fn take_interfaces(&mut self) -> Vec<Eni> {
        let id = &self.instance_id;
        let mut enis = std::mem::take(&mut self.network_interfaces.0);
        for eni in &mut enis {
            eni.attachment.get_or_insert_with(Attachment::default).instance_id = id.clone();
        }
        enis
    }
}

/// Writes the instances.
pub(super) fn build(instances: Vec<Item<Instance>>, out: &mut Out) {
    for Item { value: instance, span, .. } in instances {
        let id = instance.id().to_owned();
        let state = match instance.state.name.text() {
            "running" | "" => None,
            "pending" => Some(InstanceState::Pending),
            "stopping" => Some(InstanceState::Stopping),
            "stopped" => Some(InstanceState::Stopped),
            gone @ ("terminated" | "shutting-down") => {
                out.deleted(&id, gone);
                continue;
            }
            other => {
                let message = format!("instance `{id}` is in the unknown state `{other}`; taken as stopped");
                out.diagnostics.push(Diagnostic::warning("unknown-state", span, message));
                Some(InstanceState::Stopped)
            }
        };
        let windows = [&instance.platform, &instance.platform_details]
            .iter()
            .any(|p| p.text().to_ascii_lowercase().starts_with("windows"));
        let built = crate::spec::Instance {
            primary: None,
            state,
            instance_type: instance.instance_type.0.clone(),
            os: windows.then_some(GuestOs::Windows),
            name_tag: instance.tags.name(&id),
            tags: instance.tags.others(),
            ..Default::default()
        };
        out.spec.instances.insert(Name::new(id, span), built);
    }
}

/// The instances that interfaces name although no file lists instances.
pub(super) fn unlisted(enis: &[Item<Eni>]) -> BTreeSet<String> {
    let own = enis.iter().filter(|i| eni::serves_unlisted_instance(&i.value));
    own.filter_map(|i| i.value.attachment.as_ref()?.instance_id.0.clone()).collect()
}

/// Makes interfaces and instances fit: every interface's instance exists, every instance has an interface.
pub(super) fn finish(unlisted: &BTreeSet<String>, out: &mut Out) {
    let mut with_interface = BTreeSet::new();
    let mut dangling = Vec::new();
    for (id, eni) in &mut out.spec.network_interfaces {
        let Some(instance) = eni.instance.clone() else { continue };
        if !out.spec.instances.contains_key(instance.as_str()) {
            if !unlisted.contains(&instance.value) {
                (eni.instance, eni.device_index) = (None, None);
                dangling.push((id.value.clone(), instance.value, "taken as attached to nothing"));
                continue;
            }
            out.spec
                .instances
                .insert(Name::new(instance.value.clone(), instance.span), crate::spec::Instance::default());
            dangling.push((id.value.clone(), instance.value.clone(), "taken as a running Linux instance"));
        }
        with_interface.insert(instance.value);
    }
    for (eni, instance, effect) in dangling {
        out.missing(&eni, &instance, effect);
    }
    let bare: Vec<String> =
        out.spec.instances.keys().filter(|i| !with_interface.contains(&i.value)).map(|i| i.value.clone()).collect();
    for id in bare {
        out.spec.instances.remove(id.as_str());
        out.skip(&id, "an instance without an interface in the export".into());
    }
}
