//! AWS JSON to a [`Spec`].
//!
//! Reads what `aws ... --output json` prints: files of one folder, whatever they are called, or the
//! folders `aws_configs/[accounts/<id>/][<region>/]`. The top-level key says what a file is. One Spec
//! may hold several accounts and Regions; names in it are AWS's ids.
//!
//! Modelled: one file per resource in this folder. Understood but not modelled (load balancers, ...), or modelled in
//! topologies only (Client VPN): written under `not_modelled`, so that a packet that meets one is told so. Everything else is listed in the [`Report`].
//!
//! Invariants: all errors are found, none stops the next file or the next element; the order of the
//! files changes nothing in the Spec; every name that the Spec refers to is in it; no secret of a VPN
//! connection or of a BGP session leaves this module.

mod acl;
mod address;
mod bpa;
mod direct_connect;
mod dx_association;
mod endpoint;
mod eni;
mod flow_log;
mod gateway;
mod instance;
mod inventory;
mod mirror;
mod not_modelled;
mod peering;
mod place;
mod prefix_list;
mod read;
mod report;
mod route_table;
mod security_group;
mod site;
mod subnet;
mod tgw_attachment;
mod tgw_connect;
mod tgw_facts;
mod tgw_multicast;
mod tgw_table;
mod tgw_vpc;
mod transit_gateway;
mod virtual_interface;
mod vpc;
mod vpn;
mod vpn_gateway;
mod vpn_xml;

pub use report::{MissingReference, NotModelledResource, Report, Skipped};

use crate::diag::{Diagnostic, FileIx, Span, any_error};
use crate::spec::{GuestKnowledge, Name, NotModelled, Spanned, Spec};
use inventory::{Inventory, unique};
use read::Source;
use std::collections::{BTreeMap, BTreeSet};

/// A file of an export.
#[derive(Clone, Copy, Debug)]
pub struct JsonFile<'a> {
    /// Path relative to the export's folder, with `/`. Its folders may name account and Region.
    pub path: &'a str,
    /// What it holds.
    pub text: &'a [u8],
}

/// What an export says.
#[derive(Clone, PartialEq, Debug)]
pub struct Import {
    /// The network. Only for use if no diagnostic is an error.
    pub spec: Spec,
    /// What is wrong with the files. The file of a span is the position in the list handed over.
    pub diagnostics: Vec<Diagnostic>,
    /// What was understood and what was not.
    pub report: Report,
}

/// A group whose rules are not in the export.
const UNKNOWN_GROUP: &str = "security group of another account or a deleted one";

/// Reads an export of one or more AWS accounts.
#[must_use]
pub fn aws(files: &[JsonFile<'_>]) -> Import {
    let mut out = Out::default();
    let mut inventory = Inventory::default();
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|ix| (files[*ix].path, files[*ix].text));
    for ix in order {
        let Ok(number) = u16::try_from(ix) else {
            let message = format!("more than {} files; `{}` was not read", u16::MAX, files[ix].path);
            out.diagnostics.push(Diagnostic::error("too-many-files", Span::NONE, message));
            continue;
        };
        match Source::open(FileIx(number), files[ix].path, files[ix].text) {
            Ok(mut source) => {
                for document in source.documents(&mut out.diagnostics) {
                    inventory.take(&mut source, &document, &mut out);
                }
            }
            Err(unreadable) => out.diagnostics.push(unreadable),
        }
    }
    if inventory.keys.is_empty() && !any_error(&out.diagnostics) {
        out.diagnostics.push(no_aws_json(files.len()));
    }
    build(inventory, &mut out);
    out.finish()
}

fn no_aws_json(files: usize) -> Diagnostic {
    let message = match files {
        0 => "no JSON file here".to_owned(),
        n => format!("none of the {n} JSON files holds anything that `aws` prints"),
    };
    Diagnostic::error("no-aws-json", Span::NONE, message)
        .help("export with `aws ec2 describe-vpcs --output json > vpcs.json`, and so on for each kind")
}

/// Puts the lists together. The order matters: what is referred to comes first.
fn build(mut found: Inventory, out: &mut Out) {
    let vpcs = unique(found.vpcs, out);
    vpc::build(vpcs, found.attributes, out);
    prefix_list::build(found.prefix_lists, out);
    let (groups, rules) = (unique(found.groups, out), unique(found.rules, out));
    let tables = unique(found.route_tables, out);
    let named = security_group::peerings(&groups).chain(route_table::peerings(&tables)).collect();
    peering::build(found.peerings, &named, out);
    security_group::build(groups, rules, out);
    let subnets = unique(found.subnets, out);
    subnet::build(subnets, out);
    let acls = unique(found.acls, out);
    acl::build(acls, out);
    not_modelled::build(std::mem::take(&mut found.foreign), out);
    security_group::resolve_peers(out);
    let (igws, eigws) = (unique(found.igws, out), unique(found.eigws, out));
    gateway::build(igws, eigws, out);
    let enis = unique(found.enis, out);
    let unlisted = if found.keys.contains("Reservations") { BTreeSet::new() } else { instance::unlisted(&enis) };
    let instances = unique(found.instances, out);
    instance::build(instances, out);
    let copies = unique(found.instance_enis, out);
    eni::build(enis, copies, out);
    instance::finish(&unlisted, out);
    let addresses = unique(found.addresses, out);
    address::apply(addresses, out);
    let nats = unique(found.nats, out);
    gateway::build_nat(nats, out);
    let managed = eni::Managed::of(out);
    let endpoints = unique(found.endpoints, out);
    endpoint::build(endpoints, &managed, out);
    let listed = ["TransitGatewayAttachments", "TransitGatewayVpcAttachments"].iter().any(|k| found.keys.contains(*k));
    let sites = (found.sites, site::Known { keys: &found.keys, propagated: route_table::propagated(&tables) });
    transit_gateway::build(found.transit, sites, listed, &managed, out);
    mirror::build(found.mirroring, out);
    route_table::build(tables, out);
    endpoint::finish(out);
    let logs = unique(found.flow_logs, out);
    flow_log::build(logs, out);
    let exclusions = unique(found.bpa_exclusions, out);
    bpa::build(found.bpa_options, exclusions, out);
    vpc::finish(out);
    bpa::finish(out);
    out.absent(&found.keys);
}

/// What is being written.
#[derive(Default)]
struct Out {
    spec: Spec,
    diagnostics: Vec<Diagnostic>,
    report: Report,
    gone: BTreeSet<String>,
    /// Attachments of transit gateways that go by another name here: by AWS's id.
    attachments: BTreeMap<String, String>,
    /// What was left out because its VPC or subnet is missing: by the call that would list it and its id.
    orphans: BTreeMap<(&'static str, String), Vec<String>>,
}

impl Out {
    fn skip(&mut self, id: &str, why: String) {
        self.report.skipped.push(Skipped { id: id.to_owned(), why });
    }

    /// Leaves out what AWS still lists but has deleted, or is about to.
    fn deleted(&mut self, id: &str, state: &str) {
        self.gone.insert(id.to_owned());
        self.skip(id, format!("state {state}"));
    }

    fn is_gone(&self, id: &str) -> bool {
        self.gone.contains(id)
    }

    fn missing(&mut self, from: &str, to: &str, effect: &str) {
        let (from, to, effect) = (from.to_owned(), to.to_owned(), effect.to_owned());
        self.report.missing_references.push(MissingReference { from, to, effect });
    }

    /// Writes a resource that is not modelled, unless it is there already.
    fn not_modelled(&mut self, id: &str, kind: &str, vpc: Option<&str>, name_tag: Option<String>) {
        if !self.spec.not_modelled.contains_key(id) {
            let vpc = vpc.filter(|vpc| self.spec.vpcs.contains_key(*vpc)).map(Spanned::from);
            self.spec.not_modelled.insert(Name::from(id), NotModelled { kind: kind.to_owned(), vpc, name_tag });
        }
    }

    /// Makes sure that a prefix list that `from` names has a name in the topology.
    fn lacking_prefix_list(&mut self, from: &str, id: &str) {
        if !self.spec.prefix_lists.contains_key(id) {
            self.missing(from, id, "kept; the blocks of that prefix list are unknown");
            self.not_modelled(id, "prefix list that the export lacks", None, None);
        }
    }

    /// `owner` if it is an account other than that of the VPC: a participant's resource in a shared VPC (SHARE-1).
    fn guest_account(&self, vpc: &str, owner: &str) -> Option<String> {
        let host = self.spec.vpcs.get(vpc)?.account.as_ref()?;
        place::account(owner).filter(|owner| *owner != host.value)
    }

    fn differs(&mut self, id: &str, kind: &str, at: Span, kept: Span) {
        let message = format!("{kind} `{id}` is here again, with other contents; the first one was taken");
        let help = "export all files at one time";
        let found = Diagnostic::warning("duplicate-id", at, message).note(kept, "the first one");
        self.diagnostics.push(found.help(help));
    }

    /// True if the VPC is in the export; else the child is left out, and this says so.
    fn has_vpc(&mut self, kind: &str, id: &str, vpc: &str) -> bool {
        let there = self.spec.vpcs.contains_key(vpc);
        self.child(there, "describe-vpcs", kind, id, vpc)
    }

    /// True if the subnet is in the export; else the child is left out, and this says so.
    fn has_subnet(&mut self, kind: &str, id: &str, subnet: &str) -> bool {
        let there = self.spec.subnets.contains_key(subnet);
        self.child(there, "describe-subnets", kind, id, subnet)
    }

    fn child(&mut self, there: bool, call: &'static str, kind: &str, id: &str, parent: &str) -> bool {
        if !there {
            self.missing(id, parent, &format!("{kind} left out"));
            self.orphans.entry((call, parent.to_owned())).or_default().push(format!("{kind} `{id}`"));
        }
        there
    }

    /// Warns of whole kinds that were not exported although AWS always has them.
    fn absent(&mut self, keys: &BTreeSet<String>) {
        for (key, call, effect) in [
            ("RouteTables", "describe-route-tables", "every subnet is taken to have `local` routes only"),
            (
                "NetworkAcls",
                "describe-network-acls",
                "every subnet is taken to have AWS's default ACL, which allows all",
            ),
            ("SecurityGroups", "describe-security-groups", "the rules of all groups are unknown"),
        ] {
            if !keys.contains(key) && !self.spec.vpcs.is_empty() {
                let message = format!("no file holds `{key}`: {effect}");
                let found = Diagnostic::warning("absent-kind", Span::NONE, message);
                self.diagnostics.push(found.help(format!("add the output of `aws ec2 {call}`")));
            }
        }
    }

    fn finish(mut self) -> Import {
        for ((call, parent), children) in std::mem::take(&mut self.orphans) {
            let first = children.first().cloned().unwrap_or_default();
            let rest = match children.len() {
                0 | 1 => first,
                n => format!("{first} and {} more", n - 1),
            };
            let message = format!("`{parent}` is not in the export, so {rest} had to be left out");
            let found = Diagnostic::warning("not-in-export", Span::NONE, message);
            self.diagnostics.push(found.help(format!("add the output of `aws ec2 {call}`")));
        }
        self.names_are_unique();
        self.spec.guests = Some(GuestKnowledge::Unknown);
        let spec = &self.spec;
        self.report.understood =
            kinds(spec).into_iter().map(|(kind, ids)| (kind, ids.len())).filter(|k| k.1 > 0).collect();
        self.report.not_modelled = spec
            .not_modelled
            .iter()
            .map(|(id, n)| NotModelledResource { kind: n.kind.clone(), id: id.value.clone() })
            .collect();
        self.report.sort();
        Import { spec: self.spec, diagnostics: self.diagnostics, report: self.report }
    }

    /// AWS's ids say the kind, so a clash means that somebody edited the files.
    fn names_are_unique(&mut self) {
        let mut seen: BTreeMap<&str, (&str, Span)> = BTreeMap::new();
        let mut clashes = Vec::new();
        for (kind, names) in kinds(&self.spec) {
            for name in names {
                match seen.get(name.value.as_str()) {
                    Some((first, span)) => {
                        let message = format!("`{name}` is the id of a {first} and of a {kind}");
                        let found = Diagnostic::error("duplicate-id", name.span, message);
                        clashes.push((name.value.clone(), found.note(*span, format!("the {first}"))));
                    }
                    None => {
                        seen.insert(&name.value, (kind, name.span));
                    }
                }
            }
        }
        for (name, found) in clashes {
            self.spec.not_modelled.remove(name.as_str());
            self.diagnostics.push(found);
        }
        let modelled: BTreeSet<String> =
            kinds(&self.spec).into_iter().flat_map(|(_, names)| names.into_iter().map(|n| n.value.clone())).collect();
        self.spec.not_modelled.retain(|name, _| !modelled.contains(&name.value));
    }
}

/// Every modelled kind with its names.
fn kinds(spec: &Spec) -> Vec<(&'static str, Vec<&Name>)> {
    vec![
        ("VPC", spec.vpcs.keys().collect()),
        ("subnet", spec.subnets.keys().collect()),
        ("route table", spec.route_tables.keys().collect()),
        ("network ACL", spec.network_acls.keys().collect()),
        ("security group", spec.security_groups.keys().collect()),
        ("prefix list", spec.prefix_lists.keys().collect()),
        ("internet gateway", spec.internet_gateways.keys().collect()),
        ("egress-only internet gateway", spec.egress_only_internet_gateways.keys().collect()),
        ("NAT gateway", spec.nat_gateways.keys().collect()),
        ("VPC peering connection", spec.vpc_peering_connections.keys().collect()),
        ("transit gateway", spec.transit_gateways.keys().collect()),
        ("transit gateway VPC attachment", spec.transit_gateway_vpc_attachments.keys().collect()),
        ("transit gateway peering attachment", spec.transit_gateway_peering_attachments.keys().collect()),
        ("transit gateway Connect attachment", spec.transit_gateway_connects.keys().collect()),
        ("transit gateway route table", spec.transit_gateway_route_tables.keys().collect()),
        ("transit gateway multicast domain", spec.transit_gateway_multicast_domains.keys().collect()),
        ("VPC endpoint", spec.vpc_endpoints.keys().collect()),
        ("customer gateway", spec.customer_gateways.keys().collect()),
        ("virtual private gateway", spec.vpn_gateways.keys().collect()),
        ("VPN connection", spec.vpn_connections.keys().collect()),
        ("Direct Connect connection", spec.direct_connect_connections.keys().collect()),
        ("Direct Connect link aggregation group", spec.direct_connect_lags.keys().collect()),
        ("virtual interface", spec.virtual_interfaces.keys().collect()),
        ("Direct Connect gateway", spec.direct_connect_gateways.keys().collect()),
        ("Direct Connect gateway association", spec.direct_connect_gateway_associations.keys().collect()),
        ("traffic mirror target", spec.traffic_mirror_targets.keys().collect()),
        ("traffic mirror filter", spec.traffic_mirror_filters.keys().collect()),
        ("traffic mirror session", spec.traffic_mirror_sessions.keys().collect()),
        ("network interface", spec.network_interfaces.keys().collect()),
        ("instance", spec.instances.keys().collect()),
        ("flow log", spec.flow_logs.keys().collect()),
    ]
}
