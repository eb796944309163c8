//! Who has which address: what is written is checked, what is not is chosen.
//!
//! Chosen private addresses are the lowest free ones of the subnet from the fifth on, in the order of
//! names; chosen public ones come from the documentation blocks (RFC 5737), so that they can never be
//! taken for somebody's.

use super::context::Context;
use crate::base::Cidr;
use crate::base::ids::{SubnetIx, VpcIx};
use crate::diag::{Diagnostic, Span};
use crate::spec::Spanned;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

/// Blocks that chosen public addresses come from.
const PUBLIC_POOLS: [&str; 3] = ["198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15"];

/// Addresses in use.
#[derive(Default)]
pub(super) struct Addresses {
    /// By VPC and address: who has it, and where that is written.
    private: BTreeMap<(VpcIx, IpAddr), (String, Span)>,
    /// By public address.
    public: BTreeMap<Ipv4Addr, (String, Span)>,
    /// Where the search for the next free one of a subnet goes on.
    next: BTreeMap<(SubnetIx, bool), u64>,
    next_public: u64,
    /// Delegated prefixes: nothing is chosen from them.
    prefixes: BTreeSet<(VpcIx, Cidr)>,
}

impl Context {
    /// Takes a written private address. True if it can be used.
    pub(super) fn take(
        &mut self,
        taken: &mut Addresses,
        subnet: SubnetIx,
        address: Spanned<IpAddr>,
        owner: &str,
    ) -> bool {
        let s = &self.fabric.subnets[subnet];
        let vpc = s.vpc;
        let name = self.names.subnets[subnet].id.clone();
        let Some(block) = (if address.is_ipv4() { s.v4 } else { s.v6 }) else {
            let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
            let message = format!("`{address}` of {owner}: subnet `{name}` has no {family} block");
            self.problem(Diagnostic::error("address-outside-subnet", address.span, message));
            return false;
        };
        if !block.contains(address.value) {
            let message = format!("`{address}` of {owner} is outside subnet `{name}`");
            self.problem(
                Diagnostic::error("address-outside-subnet", address.span, message)
                    .help(format!("the subnet is {block}")),
            );
            return false;
        }
        if reserved(&block, address.value) {
            let message = format!("`{address}` of {owner} is one of the addresses that AWS reserves in {block}");
            let first = block.nth(4).map_or_else(String::new, |a| format!("the first one for you is {a}"));
            self.problem(Diagnostic::error("address-reserved", address.span, message).help(first));
            return false;
        }
        if let Some((other, span)) = taken.private.get(&(vpc, address.value)) {
            let diagnostic =
                Diagnostic::error("address-taken", address.span, format!("`{address}` of {owner} is taken by {other}"));
            let diagnostic = diagnostic.note(*span, "it is given here");
            self.problem(diagnostic);
            return false;
        }
        taken.private.insert((vpc, address.value), (owner.to_owned(), address.span));
        true
    }

    /// Takes a delegated prefix (ENI-6). True if it can be used.
    pub(super) fn take_prefix(
        &mut self,
        taken: &mut Addresses,
        subnet: SubnetIx,
        prefix: Spanned<Cidr>,
        owner: &str,
    ) -> bool {
        let s = &self.fabric.subnets[subnet];
        let (vpc, want) = (s.vpc, if prefix.is_v4() { 28 } else { 80 });
        if prefix.len() != want {
            let message =
                format!("a delegated prefix is an IPv4 /28 or an IPv6 /80, `{prefix}` of {owner} is /{}", prefix.len());
            self.problem(Diagnostic::error("prefix-size", prefix.span, message));
            return false;
        }
        let block = if prefix.is_v4() { s.v4 } else { s.v6 };
        if !block.is_some_and(|block| block.covers(&prefix)) {
            let message = format!("`{prefix}` of {owner} is outside subnet `{}`", self.names.subnets[subnet].id);
            self.problem(Diagnostic::error("address-outside-subnet", prefix.span, message));
            return false;
        }
        taken.prefixes.insert((vpc, prefix.value))
    }

    /// The lowest free address of a subnet.
    pub(super) fn choose(
        &mut self,
        taken: &mut Addresses,
        subnet: SubnetIx,
        v4: bool,
        owner: &str,
        span: Span,
    ) -> Option<IpAddr> {
        let s = &self.fabric.subnets[subnet];
        let (vpc, block) = (s.vpc, if v4 { s.v4 } else { s.v6 }?);
        let mut offset = taken.next.get(&(subnet, v4)).copied().unwrap_or(4);
        loop {
            let Some(address) = block.nth(offset).filter(|a| !(v4 && *a == block.last())) else {
                let message = format!("subnet `{}` has no free address for {owner}", self.names.subnets[subnet].id);
                self.problem(Diagnostic::error("subnet-full", span, message));
                return None;
            };
            offset += 1;
            let delegated = taken.prefixes.iter().any(|(v, prefix)| *v == vpc && prefix.contains(address));
            if !delegated && !taken.private.contains_key(&(vpc, address)) {
                taken.next.insert((subnet, v4), offset);
                taken.private.insert((vpc, address), (owner.to_owned(), span));
                return Some(address);
            }
        }
    }

    /// Takes a written public address. True if it can be used.
    pub(super) fn take_public(&mut self, taken: &mut Addresses, address: Spanned<Ipv4Addr>, owner: &str) -> bool {
        if let Some((other, span)) = taken.public.get(&address.value) {
            let diagnostic = Diagnostic::error(
                "address-taken",
                address.span,
                format!("public address `{address}` of {owner} is taken by {other}"),
            );
            let diagnostic = diagnostic.note(*span, "it is given here");
            self.problem(diagnostic);
            return false;
        }
        if address.is_private() {
            let message = format!("`{address}` of {owner} is a private address, and cannot be a public one");
            self.problem(Diagnostic::error("address-not-public", address.span, message));
        }
        taken.public.insert(address.value, (owner.to_owned(), address.span));
        true
    }

    /// The next free public address.
    pub(super) fn choose_public(&mut self, taken: &mut Addresses, owner: &str) -> Ipv4Addr {
        loop {
            let mut offset = taken.next_public;
            taken.next_public += 1;
            for pool in PUBLIC_POOLS {
                let pool: Cidr = pool.parse().expect("a block");
                let size = 1u64 << (32 - pool.len());
                // The first and the last address of a pool look like a network and a broadcast address.
                if offset < size - 2 {
                    if let Some(IpAddr::V4(address)) = pool.nth(offset + 1)
                        && !taken.public.contains_key(&address)
                    {
                        taken.public.insert(address, (owner.to_owned(), Span::NONE));
                        return address;
                    }
                    break;
                }
                offset -= size - 2;
            }
            assert!(taken.next_public < 1 << 20, "more than a million chosen public addresses");
        }
    }
}

/// SUB-3: the first four addresses and the last one, in both families.
fn reserved(block: &Cidr, address: IpAddr) -> bool {
    (0..4).any(|offset| block.nth(offset) == Some(address)) || address == block.last()
}
