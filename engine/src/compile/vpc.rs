//! VPCs, subnets, prefix lists.

use super::context::{Context, also, label};
use super::expand::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use crate::base::ids::VpcIx;
use crate::base::{Cidr, IndexVec};
use crate::diag::Diagnostic;
use crate::fabric::{Address, BpaMode, Lpm, PrefixList, Subnet, Vpc};
use crate::spec::{self, BpaExclusionMode, Spanned};
use crate::verdict::{Dir, Row, RowKind};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// VPC IPv4 blocks that AWS refuses (VPC-3).
const REFUSED: [&str; 4] = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"];
/// Ranges of which one VPC has at most one (VPC-10): RFC 1918, and AWS's.
const APART: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.19.0.0/16"];

/// Two things of one kind that claim the same.
type Taken = Vec<(Spanned<Cidr>, String)>;

impl Context {
    pub(super) fn vpcs(&mut self) {
        let vpcs = std::mem::take(&mut self.spec.vpcs);
        for (name, vpc) in &vpcs {
            let index = self.fabric.vpcs.next_index();
            let (blocks, resolver) = self.vpc_blocks(name, vpc);
            let owner = index.0;
            let both = [
                (RowKind::AddressNone, Dir::In),
                (RowKind::ServiceNone, Dir::In),
                (RowKind::Service, Dir::In),
                (RowKind::ServiceDnsOff, Dir::In),
                (RowKind::BlockPublicAccess, Dir::In),
                (RowKind::BlockPublicAccess, Dir::Out),
                (RowKind::Loop, Dir::In),
                (RowKind::McastNoDomain, Dir::In),
            ];
            let rows = self.row_block(owner, &both);
            let (realm, region) = self.realm_of(vpc.account.as_ref(), vpc.region.as_ref());
            let bpa = self.excluded(self.bpa_of(realm), &[name.as_str()]);
            self.fabric.vpcs.push(Vpc {
                blocks: blocks.into(),
                igw: None,
                eigw: None,
                addresses: FxHashMap::default(),
                public: FxHashMap::default(),
                prefixes_v4: Lpm::default(),
                prefixes_v6: Lpm::default(),
                subnets_v4: Lpm::default(),
                subnets_v6: Lpm::default(),
                resolver,
                dns_support: vpc.enable_dns_support.unwrap_or(true),
                bpa,
                rows,
                realm,
                region,
                peers: Box::default(),
            });
            self.names.vpcs.push(label(name, vpc.name_tag.as_ref()));
            self.ids.vpcs.insert(name.value.clone(), index);
        }
        self.spec.vpcs = vpcs;
        let v6 = self.fabric.vpcs.iter_enumerated().flat_map(|(index, vpc)| {
            vpc.blocks.iter().filter(|b| !b.is_v4()).filter_map(move |b| Some((u128::of(b.network())?, b.len(), index)))
        });
        self.fabric.public_v6 = Lpm::build(v6.collect());
    }

    fn bpa_of(&self, realm: u32) -> BpaMode {
        let (account, region) = &self.names.realms[realm as usize];
        // What says neither is the topology's own account and Region.
        let is = |value: &Option<Spanned<String>>, own: &str, want: &str| value.as_ref().map_or(own, |v| v) == want;
        let own_account = self.spec.account.as_ref().map_or(DEFAULT_ACCOUNT, |a| a);
        let own_region = self.spec.region.as_ref().map_or(DEFAULT_REGION, |r| r);
        let mut all = self.spec.block_public_access.iter();
        let found = all.find(|b| is(&b.account, own_account, account) && is(&b.region, own_region, region));
        match found.map(|b| b.mode) {
            Some(spec::BpaMode::BlockBidirectional) => BpaMode { ingress: true, egress: true },
            Some(spec::BpaMode::BlockIngress) => BpaMode { ingress: true, egress: false },
            Some(spec::BpaMode::Off) | None => BpaMode::OFF,
        }
    }

    /// VPC-1, VPC-4, VPC-5: sizes of a VPC's blocks, and that they lie apart.
    fn vpc_blocks(&mut self, name: &Spanned<String>, vpc: &spec::Vpc) -> (Vec<Cidr>, Option<Ipv4Addr>) {
        let mut taken: Taken = Vec::new();
        for block in vpc.cidr.iter().chain(&vpc.secondary_cidrs) {
            if !block.is_v4() {
                self.problem(
                    Diagnostic::error("wrong-family", block.span, format!("`{block}` is not an IPv4 block"))
                        .help("write IPv6 blocks under `ipv6_cidrs`"),
                );
                continue;
            }
            if !(16..=28).contains(&block.len()) {
                let message = format!("a VPC's IPv4 block is /16 to /28, `{block}` is /{}", block.len());
                self.problem(Diagnostic::error("cidr-size", block.span, message).help(size_help(block, 16, 28)));
            }
            for refused in REFUSED {
                let refused: Cidr = refused.parse().expect("a block");
                if refused.overlaps(block) {
                    self.problem(Diagnostic::error(
                        "cidr-refused",
                        block.span,
                        format!("AWS refuses VPC blocks in {refused}"),
                    ));
                }
            }
            self.claim(&mut taken, *block, &format!("vpc `{name}`"));
        }
        for block in &vpc.secondary_cidrs {
            let Some(first) = vpc.cidr.filter(|first| !may_be_added(block, first)) else { continue };
            let message = format!("AWS does not add `{block}` to a VPC whose first block is `{first}`");
            let diagnostic = Diagnostic::error("cidr-association", block.span, message);
            self.problem(also(diagnostic, first.span, "the first block"));
        }
        if vpc.cidr.is_none() {
            self.problem(
                Diagnostic::error("missing-field", name.span, format!("vpc `{name}` has no `cidr`"))
                    .help("add `cidr: 10.0.0.0/16`"),
            );
        }
        for block in &vpc.ipv6_cidrs {
            if block.is_v4() {
                self.problem(
                    Diagnostic::error("wrong-family", block.span, format!("`{block}` is not an IPv6 block"))
                        .help("write IPv4 blocks under `cidr` and `secondary_cidrs`"),
                );
                continue;
            }
            if !(44..=60).contains(&block.len()) || !block.len().is_multiple_of(4) {
                self.problem(Diagnostic::error(
                    "cidr-size",
                    block.span,
                    format!("a VPC's IPv6 block is /44 to /60 in steps of 4, `{block}` is /{}", block.len()),
                ));
            }
            self.claim(&mut taken, *block, &format!("vpc `{name}`"));
        }
        // SVC-1: the resolver is at the primary block's base plus two.
        let resolver = vpc.cidr.and_then(|block| match block.nth(2) {
            Some(IpAddr::V4(a)) => Some(a),
            _ => None,
        });
        (taken.into_iter().map(|(block, _)| block.value).collect(), resolver)
    }

    /// Notes that `owner` has the block; complains if somebody has it already.
    fn claim(&mut self, taken: &mut Taken, block: Spanned<Cidr>, owner: &str) {
        if let Some((other, by)) = taken.iter().find(|(other, _)| other.overlaps(&block)) {
            let diagnostic = Diagnostic::error(
                "cidr-overlap",
                block.span,
                format!("`{block}` of {owner} overlaps `{other}` of {by}"),
            );
            let diagnostic = also(diagnostic, other.span, "the other block");
            self.problem(diagnostic);
        }
        taken.push((block, owner.to_owned()));
    }

    /// SUB-4: IPv4-only, dual-stack or IPv6-only, by the blocks it has.
    pub(super) fn subnets(&mut self) {
        let subnets = std::mem::take(&mut self.spec.subnets);
        let mut taken: IndexVec<VpcIx, Taken> = self.fabric.vpcs.iter().map(|_| Vec::new()).collect();
        let ids = self.zone_ids(&subnets);
        let mut by_vpc: IndexVec<VpcIx, Vec<(Cidr, crate::base::ids::SubnetIx)>> =
            self.fabric.vpcs.iter().map(|_| Vec::new()).collect();
        for (name, subnet) in &subnets {
            let Some(vpc) = self.vpc_named(&subnet.vpc) else { continue };
            let owner = format!("subnet `{name}`");
            let mut blocks = [subnet.cidr, subnet.ipv6_cidr];
            for (family, slot) in blocks.iter_mut().enumerate() {
                let Some(block) = *slot else { continue };
                if !self.subnet_block(&owner, vpc, block, family == 0) {
                    *slot = None;
                    continue;
                }
                self.claim(&mut taken[vpc], block, &owner);
            }
            if subnet.cidr.is_none() && subnet.ipv6_cidr.is_none() {
                self.problem(Diagnostic::error(
                    "missing-field",
                    name.span,
                    format!("{owner} has neither `cidr` nor `ipv6_cidr`"),
                ));
            }
            let index = self.fabric.subnets.next_index();
            let reserved = self.row(Row::plain(RowKind::AddressReserved, index.0));
            let zone = self.zone(vpc, subnet, &ids);
            let region = self.fabric.vpcs[vpc].region;
            let bpa = self.subnet_bpa(vpc, name, &subnet.vpc);
            by_vpc[vpc].extend(blocks.iter().flatten().map(|block| (block.value, index)));
            self.fabric.subnets.push(Subnet {
                vpc,
                v4: blocks[0].map(|b| b.value),
                v6: blocks[1].map(|b| b.value),
                zone,
                region,
                mcast: None,
                acl: crate::base::ids::AclIx(0),
                rtb: crate::base::ids::RtbIx(0),
                bpa,
                dns64: subnet.dns64.unwrap_or(false),
                reserved,
            });
            self.names.subnets.push(label(name, subnet.name_tag.as_ref()));
            self.ids.subnets.insert(name.value.clone(), index);
        }
        for (vpc, blocks) in by_vpc.iter_enumerated() {
            self.fabric.vpcs[vpc].subnets_v4 = lpm(blocks);
            self.fabric.vpcs[vpc].subnets_v6 = lpm(blocks);
        }
        self.spec.subnets = subnets;
    }

    /// SUB-1, SUB-2. False if the block cannot be used at all.
    fn subnet_block(&mut self, owner: &str, vpc: VpcIx, block: Spanned<Cidr>, v4: bool) -> bool {
        if block.is_v4() != v4 {
            let (is, field) = if v4 { ("an IPv6", "ipv6_cidr") } else { ("an IPv4", "cidr") };
            self.problem(
                Diagnostic::error("wrong-family", block.span, format!("`{block}` is {is} block"))
                    .help(format!("write it as `{field}`")),
            );
            return false;
        }
        let (low, high) = if v4 { (16, 28) } else { (44, 64) };
        if !(low..=high).contains(&block.len()) || (!v4 && !block.len().is_multiple_of(4)) {
            let steps = if v4 { "" } else { " in steps of 4" };
            let message =
                format!("a subnet's block is /{low} to /{high}{steps}, `{block}` of {owner} is /{}", block.len());
            self.problem(Diagnostic::error("cidr-size", block.span, message).help(size_help(&block, low, high)));
        }
        let blocks = &self.fabric.vpcs[vpc].blocks;
        if !blocks.iter().any(|b| b.covers(&block)) {
            let own: Vec<String> = blocks.iter().filter(|b| b.is_v4() == v4).map(ToString::to_string).collect();
            let has = if own.is_empty() {
                format!("the VPC has no {} block", if v4 { "IPv4" } else { "IPv6" })
            } else {
                format!("the VPC has {}", own.join(", "))
            };
            let span = self.names.vpcs[vpc].span;
            let diagnostic =
                Diagnostic::error("cidr-outside-vpc", block.span, format!("`{block}` of {owner} is outside its VPC"))
                    .help(has);
            self.problem(also(diagnostic, span, "the VPC"));
        }
        true
    }

    /// The number of a subnet's zone. A zone's letter means another place in another account, so its id counts where it
    /// is known (SHARE-2): from this subnet, or from another one of the same account.
    fn zone(&mut self, vpc: VpcIx, subnet: &spec::Subnet, ids: &BTreeMap<(String, String), String>) -> u32 {
        let (account, region) = &self.names.realms[self.fabric.vpcs[vpc].realm as usize];
        let name = full_zone(region, &subnet.az);
        let by_name = || ids.get(&(account.clone(), name.clone()));
        let key = subnet.az_id.as_ref().or_else(by_name).unwrap_or(&name).clone();
        let at = super::context::position(&mut self.zone_keys, &key);
        if at as usize == self.names.zones.len() {
            self.names.zones.push(name);
        }
        at
    }

    /// Zone ids by account and zone name, and, where only other accounts know one, by name alone.
    fn zone_ids(&self, subnets: &spec::Named<spec::Subnet>) -> BTreeMap<(String, String), String> {
        let mut ids = BTreeMap::new();
        for subnet in subnets.values() {
            let Some(vpc) = self.ids.vpcs.get(subnet.vpc.value.as_str()) else { continue };
            let (account, region) = &self.names.realms[self.fabric.vpcs[*vpc].realm as usize];
            if let Some(id) = &subnet.az_id {
                ids.insert((account.clone(), full_zone(region, &subnet.az)), id.clone());
            }
        }
        ids
    }

    /// BPA-3: an exclusion of the VPC or the subnet.
    fn subnet_bpa(&self, vpc: VpcIx, name: &str, vpc_name: &str) -> BpaMode {
        self.excluded(self.fabric.vpcs[vpc].bpa, &[name, vpc_name])
    }

    fn excluded(&self, mode: BpaMode, names: &[&str]) -> BpaMode {
        let exclusions = self.spec.block_public_access.iter().flat_map(|b| &b.exclusions);
        exclusions.filter(|e| names.contains(&e.resource.as_str())).fold(mode, |mode, exclusion| match exclusion.mode {
            BpaExclusionMode::AllowBidirectional => BpaMode::OFF,
            BpaExclusionMode::AllowEgress => BpaMode { egress: false, ..mode },
        })
    }

    pub(super) fn prefix_lists(&mut self) {
        let lists = std::mem::take(&mut self.spec.prefix_lists);
        for (name, list) in &lists {
            let entries: Vec<(Cidr, ())> = list.entries.iter().map(|e| (e.value, ())).collect();
            if let Some(max) = list.max_entries
                && entries.len() > max as usize
            {
                let message = format!("prefix list `{name}` has {} entries, but `max_entries` is {max}", entries.len());
                self.problem(Diagnostic::error("prefix-list-full", name.span, message));
            }
            let index = self.fabric.prefix_lists.push(PrefixList { v4: lpm(&entries), v6: lpm(&entries) });
            self.names.prefix_lists.push(label(name, list.name_tag.as_ref()));
            self.ids.prefix_lists.insert(name.value.clone(), index);
        }
        self.spec.prefix_lists = lists;
    }
}

/// A look-up table of the blocks of one family.
pub(super) fn lpm<A: Address, V: Copy + Eq>(blocks: &[(Cidr, V)]) -> Lpm<A, V> {
    Lpm::build(
        blocks.iter().filter_map(|(block, value)| Some((A::of(block.network())?, block.len(), *value))).collect(),
    )
}

/// `us-east-1a` of `a`.
fn full_zone(region: &str, az: &str) -> String {
    if az.len() == 1 { format!("{region}{az}") } else { az.to_owned() }
}

fn size_help(block: &Cidr, low: u8, high: u8) -> String {
    let len = block.len().clamp(low, high);
    format!(
        "the nearest that AWS takes is `{}/{len}`",
        Cidr::new(block.network(), len).map_or(block.network(), |c| c.network())
    )
}

/// VPC-10: whether a VPC with this first block can have that block too.
fn may_be_added(block: &Cidr, first: &Cidr) -> bool {
    let parse = |text: &str| text.parse::<Cidr>().expect("a block");
    let range = |block: &Cidr| APART.iter().position(|range| parse(range).overlaps(block));
    match (range(block), range(first)) {
        (Some(a), b) if Some(a) != b => false,
        (Some(0), _) => *block != parse("10.0.0.0/16") || !parse("10.0.0.0/15").overlaps(first),
        (Some(1), _) => *block != parse("172.31.0.0/16"),
        _ => true,
    }
}
