//! A change that makes a name mean another address: what helps if a name of another VPC resolves to a public one.

use super::{Edit, Fix, Opens, apply, passes};
use crate::base::ids::VpcIx;
use crate::compile::Network;
use crate::explain::{Origin, Question, ask, resolve};
use crate::fabric::{PublicBinding, PublicOwner};
use crate::spec::Spec;
use std::net::IpAddr;

/// DNS resolution over the peering with the VPC whose public address `question` asks for, if with it the name's address is
/// reached. `from` and `name` are what was typed.
#[must_use]
pub fn fix_name(spec: &Spec, network: &Network, question: &Question, from: &str, name: &str) -> Option<Fix> {
    let fabric = &network.fabric;
    let (Origin::Eni { eni, .. }, IpAddr::V4(public)) = (question.from, question.to) else { return None };
    let PublicBinding { owner: PublicOwner::Eni { eni: far, .. }, .. } = fabric.public_v4.get(&public)? else {
        return None;
    };
    let (here, there): (VpcIx, VpcIx) = (fabric.enis[eni].vpc, fabric.enis[*far].vpc);
    let peerings = fabric.pcxs.iter_enumerated().filter(|(_, pcx)| pcx.active && pcx.other(here) == Some(Some(there)));
    peerings.into_iter().find_map(|(pcx, peering)| {
        let accepter = peering.sides[1] == Some(there);
        let edits = vec![Edit::PeeringDns { peering: network.names.pcxs[pcx].id.clone(), accepter }];
        let (after, spec) = apply(spec, &edits)?;
        let meant = resolve(&after, from, name).ok()?;
        let e = ask(&after, &Question { from: meant.from, to: meant.to, ..*question });
        let works = meant.to != question.to && passes(&after, &e);
        // What a name means lets no other packet pass.
        let opens = Opens { pairs: Vec::new(), complete: true };
        works.then_some(Fix { edits, outcome: e.outcome, opens, network: after, spec })
    })
}
