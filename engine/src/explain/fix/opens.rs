//! What else a change opens: who reaches whom on the same port after it and did not before.

use super::carried_eni;
use crate::base::ids::EniIx;
use crate::compile::{ANY_HOST, Network};
use crate::explain::{Origin, Question, ask};
use crate::fabric::EniKind;
use std::net::IpAddr;

/// Interfaces up to which every pair is asked; of a larger network only pairs with an end of the question.
pub const OPENS_ENIS_MAX: usize = 80;

/// Pairs that reach each other after a change and did not before, on the question's protocol and port.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Opens {
    /// Sender (none: the internet) and receiver, as interfaces of the network before, ascending. The question's own is not here.
    pub pairs: Vec<(Option<EniIx>, EniIx)>,
    /// True if every pair of interfaces was asked.
    pub complete: bool,
}

/// Asks every pair of guests' interfaces, and the internet for each, before and after.
pub(super) fn opens(before: &Network, after: &Network, question: &Question) -> Opens {
    let fabric = &before.fabric;
    let guests = fabric.enis.iter_enumerated().filter(|(_, e)| matches!(e.kind, EniKind::Guest(_)));
    let enis: Vec<EniIx> = guests.map(|(eni, _)| eni).collect();
    let complete = enis.len() <= OPENS_ENIS_MAX;
    let asker = match question.from {
        Origin::Eni { eni, .. } => Some(eni),
        _ => None,
    };
    let asked = owner(before, question.to);
    let mut pairs = Vec::new();
    for from in std::iter::once(None).chain(enis.iter().copied().map(Some)) {
        for to in &enis {
            let own = (from, Some(*to)) == (asker, asked);
            let ours = from == asker || Some(*to) == asked;
            if from == Some(*to) || own || !(complete || ours) {
                continue;
            }
            if !reaches(before, question, from, *to) && reaches_after(before, after, question, from, *to) {
                pairs.push((from, *to));
            }
        }
    }
    Opens { pairs, complete }
}

/// The same two ends in the network after the change, where other interfaces may have come before them.
fn reaches_after(before: &Network, after: &Network, question: &Question, from: Option<EniIx>, to: EniIx) -> bool {
    let Some(to) = carried_eni(to, before, after) else { return false };
    match from.map(|eni| carried_eni(eni, before, after)) {
        None => reaches(after, question, None, to),
        Some(Some(from)) => reaches(after, question, Some(from), to),
        Some(None) => false,
    }
}

/// The interface that has an address, private or public.
fn owner(network: &Network, address: IpAddr) -> Option<EniIx> {
    let private = network.fabric.vpcs.iter().find_map(|vpc| vpc.eni_with(address));
    private.or_else(|| match address {
        IpAddr::V4(public) => match network.fabric.public_v4.get(&public)?.owner {
            crate::fabric::PublicOwner::Eni { eni, .. } => Some(eni),
            crate::fabric::PublicOwner::RegionalNat(_) => None,
        },
        IpAddr::V6(_) => None,
    })
}

/// True if packets pass both ways, on the question's protocol and port. From the internet by the public address.
fn reaches(network: &Network, question: &Question, from: Option<EniIx>, to: EniIx) -> bool {
    let fabric = &network.fabric;
    let v4 = question.to.is_ipv4();
    let own = |eni: EniIx| -> Option<IpAddr> {
        let e = &fabric.enis[eni];
        if v4 { e.v4.map(IpAddr::V4) } else { e.v6.map(IpAddr::V6) }
    };
    let (origin, target) = match from {
        Some(eni) => (own(eni).map(|address| Origin::Eni { eni, address }), own(to)),
        None => {
            let any = ANY_HOST.1[usize::from(!v4)].parse().ok();
            let public = own(to).and_then(|address| match address {
                IpAddr::V4(private) => fabric.vpcs[fabric.enis[to].vpc].public.get(&private).copied().map(IpAddr::V4),
                v6 @ IpAddr::V6(_) => Some(v6),
            });
            (any.map(|address| Origin::Internet { address }), public)
        }
    };
    let (Some(from), Some(to)) = (origin, target) else { return false };
    super::passes(network, &ask(network, &Question { from, to, src_port: None, ..*question }))
}
