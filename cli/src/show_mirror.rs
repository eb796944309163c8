//! `vpcsim show` for traffic mirroring.

use crate::show::rows_of;
use serde_json::{Value, json};
use vpcsim_engine::base::ids::{EniIx, MirrorFilterIx, MirrorSessionIx};
use vpcsim_engine::compile::Network;
use vpcsim_engine::fabric::MirrorTarget;
use vpcsim_engine::verdict::{Dir, RowKind};

/// The sessions of an interface, in the order in which they are asked.
pub(crate) fn of(network: &Network, eni: EniIx) -> Vec<Value> {
    network.fabric.mirrors_of(eni).iter().map(|index| session(network, *index)).collect()
}

/// One session with its filter.
pub(crate) fn session(network: &Network, index: MirrorSessionIx) -> Value {
    let (fabric, names) = (&network.fabric, &network.names);
    let s = &fabric.mirror_sessions[index];
    let target = match s.target {
        MirrorTarget::Eni(eni) => names.eni_text(fabric, eni),
        MirrorTarget::NotModelled(row) => names.row_text(fabric, row),
    };
    json!({
        "traffic_mirror_session": names.mirror_sessions[index].to_string(), "number": s.number,
        "source": names.eni_text(fabric, s.source), "target": target, "virtual_network_id": s.vni,
        "packet_length": s.packet_length, "filter": filter(network, s.filter),
    })
}

/// The rules of a filter in order.
pub(crate) fn filter(network: &Network, index: MirrorFilterIx) -> Value {
    let rules = |dir| {
        rows_of(network, move |kind, d, owner| {
            matches!(kind, RowKind::MirrorAccept | RowKind::MirrorReject) && d == dir && owner == index.0
        })
    };
    json!({
        "traffic_mirror_filter": network.names.mirror_filters[index].to_string(), "ingress": rules(Dir::In),
        "egress": rules(Dir::Out), "amazon_dns": network.fabric.mirror_filters[index].dns.is_some(),
    })
}
