//! VPC Block Public Access (`describe-vpc-block-public-access-options`, `-exclusions`), one per account and Region.

use super::Out;
use super::inventory::Resource;
use super::place::{account, is_region};
use super::read::{Item, Text};
use crate::diag::{Diagnostic, Span};
use crate::spec::{BlockPublicAccess, BpaExclusion, BpaExclusionMode, BpaMode, Spanned};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Options {
    aws_account_id: Text,
    aws_region: Text,
    internet_gateway_block_mode: Text,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Exclusion {
    exclusion_id: Text,
    internet_gateway_exclusion_mode: Text,
    resource_arn: Text,
    state: Text,
}

impl Resource for Exclusion {
    const KIND: &'static str = "Block Public Access exclusion";
    const ID: &'static str = "ExclusionId";
    fn id(&self) -> &str {
        self.exclusion_id.text()
    }
}

type Where = (Option<String>, Option<String>);

/// Writes the options and their exclusions. Accounts whose mode is `off` without exclusions are left out.
pub(super) fn build(options: Vec<Item<Options>>, exclusions: Vec<Item<Exclusion>>, out: &mut Out) {
    let mut found: BTreeMap<Where, (Span, BlockPublicAccess)> = BTreeMap::new();
    for Item { value, span, place } in options {
        let mode = match value.internet_gateway_block_mode.text() {
            "off" | "" => BpaMode::Off,
            "block-bidirectional" => BpaMode::BlockBidirectional,
            "block-ingress" => BpaMode::BlockIngress,
            other => {
                let message = format!("InternetGatewayBlockMode `{other}` is not known");
                out.diagnostics.push(Diagnostic::error("bad-block-mode", span, message));
                continue;
            }
        };
        let account = account(value.aws_account_id.text()).or_else(|| place.account.clone());
        let region = value.aws_region.0.clone().or_else(|| place.region.clone());
        let at = |text: &Option<String>| text.clone().map(|t| Spanned::new(t, span));
        let built = BlockPublicAccess { region: at(&region), account: at(&account), mode, exclusions: Vec::new() };
        found.entry((account, region)).or_insert((span, built));
    }
    for Item { value, span, place } in exclusions {
        let id = value.id().to_owned();
        if value.state.text().starts_with("delete") || value.state.text().starts_with("disable") {
            out.skip(&id, format!("state {}", value.state.text()));
            continue;
        }
        let mode = match value.internet_gateway_exclusion_mode.text() {
            "allow-bidirectional" => BpaExclusionMode::AllowBidirectional,
            "allow-egress" => BpaExclusionMode::AllowEgress,
            other => {
                let message = format!("`{id}`: InternetGatewayExclusionMode `{other}` is not known");
                out.diagnostics.push(Diagnostic::error("bad-block-mode", span, message));
                continue;
            }
        };
        let arn = value.resource_arn.text();
        let resource = arn.rsplit('/').next().unwrap_or_default();
        if !out.spec.vpcs.contains_key(resource) && !out.spec.subnets.contains_key(resource) {
            out.missing(&id, resource, "exclusion left out");
            continue;
        }
        let parts: Vec<&str> = arn.split(':').collect();
        let region = parts.get(3).filter(|r| is_region(r)).map(|r| (*r).to_owned()).or_else(|| place.region.clone());
        let account = parts.get(4).and_then(|a| account(a)).or_else(|| place.account.clone());
        match found.get_mut(&(account, region)) {
            Some((_, options)) => {
                let exclusion = BpaExclusion { resource: Spanned::new(resource.to_owned(), span), mode };
                options.exclusions.push(Spanned::new(exclusion, span));
            }
            None => out.missing(&id, "VpcBlockPublicAccessOptions", "exclusion left out"),
        }
    }
    let kept = found.into_values().filter(|(_, o)| o.mode != BpaMode::Off || !o.exclusions.is_empty());
    out.spec.block_public_access = kept.map(|(span, options)| Spanned::new(options, span)).collect();
}

/// Leaves out account and Region where they are the topology's own.
pub(super) fn finish(out: &mut Out) {
    for options in &mut out.spec.block_public_access {
        if options.region == out.spec.region {
            options.value.region = None;
        }
        if options.account == out.spec.account {
            options.value.account = None;
        }
    }
}
