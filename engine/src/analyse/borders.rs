//! Addresses that no block tells apart.
//!
//! Between two borders of blocks lies a **stretch**; stretches that are inside of the same blocks are of one **kind**. Blocks
//! nest, so the innermost block says it, with the service of AWS's that has the address. Two addresses of one kind match the
//! same rules, rows and routes.

use crate::base::Cidr;
use crate::base::ids::InetIx;
use crate::compile::Network;
use crate::fabric::{Address, Fib, Lpm, PeerMatch};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Blocks without hosts on the internet (RFC 6890), but for those that documentation uses, as examples do.
const SPECIAL_V4: [&str; 8] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
];
/// Global unicast addresses (RFC 4291).
const GLOBAL_V6: &str = "2000::/3";

/// First and last address.
pub type Stretch = (IpAddr, IpAddr);

/// The stretches of one family: where each begins, and its kind.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Family<A> {
    starts: Vec<A>,
    kinds: Vec<u32>,
}

impl<A: Address> Family<A> {
    fn of(
        blocks: BTreeSet<(A, u8)>,
        further: impl IntoIterator<Item = A>,
        service: impl Fn(A) -> Vec<Option<InetIx>>,
    ) -> Self {
        let ends = blocks.iter().flat_map(|(net, len)| [Some(*net), net.last(*len).next()]).flatten();
        let starts: BTreeSet<A> = ends.chain(further).chain([A::MIN]).collect();
        let innermost = Lpm::build((0_u32..).zip(blocks).map(|(n, (net, len))| (net, len, n)).collect());
        let mut ids: BTreeMap<(Option<u32>, Vec<Option<InetIx>>), u32> = BTreeMap::new();
        let mut kind = |start: &A| {
            let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            *ids.entry((innermost.get(*start), service(*start))).or_insert(next)
        };
        Self { kinds: starts.iter().map(&mut kind).collect(), starts: starts.into_iter().collect() }
    }

    fn kind(&self, address: A) -> usize {
        self.kinds[self.starts.partition_point(|start| *start <= address) - 1] as usize
    }

    /// Each stretch with its kind.
    fn stretches(&self) -> impl Iterator<Item = (A, A, u32)> + '_ {
        let ends = self.starts.iter().skip(1).map(|next| next.before()).chain([A::MAX]);
        self.starts.iter().zip(ends).zip(&self.kinds).map(|((first, last), kind)| (*first, last, *kind))
    }
}

/// What blocks tell apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Borders {
    v4: Family<u32>,
    v6: Family<u128>,
}

impl Borders {
    /// The borders of everything that these networks name.
    #[must_use]
    pub fn of(networks: &[&Network]) -> Self {
        Self::with(networks, &[])
    }

    /// The same with further blocks.
    #[must_use]
    pub fn with(networks: &[&Network], further: &[Cidr]) -> Self {
        let (mut v4, mut v6) = (BTreeSet::new(), BTreeSet::new());
        let mut add = |block: Cidr| {
            if let Some(net) = u32::of(block.network()) {
                v4.insert((net, block.len()));
            } else if let Some(net) = u128::of(block.network()) {
                v6.insert((net, block.len()));
            }
        };
        further.iter().for_each(|block| add(*block));
        networks.iter().for_each(|network| blocks(network, &mut add));
        // What is public and what is not is told apart, whoever names it.
        special().for_each(&mut add);
        add(global());
        let services = || networks.iter().map(|network| &network.fabric.aws_services);
        let edges = services().flat_map(Lpm::iter).flat_map(|(first, last, _)| [Some(first), last.checked_add(1)]);
        let service = |address| services().map(|table| table.get(address)).collect();
        Self { v4: Family::of(v4, edges.flatten(), service), v6: Family::of(v6, [], |_| Vec::new()) }
    }

    /// The stretches of public addresses outside of AWS, by kind, in the order of their first addresses: blocks that are
    /// special (RFC 6890) are left out.
    #[must_use]
    pub fn public_kinds(&self) -> Vec<Vec<Stretch>> {
        let special: Vec<Cidr> = special().collect();
        let v4 = self.v4.stretches().map(|(a, b, kind)| (IpAddr::V4(a.into()), IpAddr::V4(b.into()), kind));
        let v4 = v4.filter(|(first, ..)| !special.iter().any(|block| block.contains(*first)));
        let v6 = self.v6.stretches().map(|(a, b, kind)| (IpAddr::V6(a.into()), IpAddr::V6(b.into()), kind));
        let v6 = v6.filter(|(first, ..)| global().contains(*first));
        let mut out: Vec<Vec<Stretch>> = Vec::new();
        let mut at: BTreeMap<(bool, u32), usize> = BTreeMap::new();
        for (first, last, kind) in v4.chain(v6) {
            let place = *at.entry((first.is_ipv6(), kind)).or_insert(out.len());
            if place == out.len() {
                out.push(Vec::new());
            }
            out[place].push((first, last));
        }
        out
    }

    /// Those stretches one by one.
    #[must_use]
    pub fn public_stretches(&self) -> Vec<Stretch> {
        self.public_kinds().into_iter().flatten().collect()
    }

    /// The kind of an address: two of the same family with the same kind match the same rules, rows and routes.
    #[must_use]
    pub fn kind(&self, address: IpAddr) -> usize {
        match address {
            IpAddr::V4(a) => self.v4.kind(a.into()),
            IpAddr::V6(a) => self.v6.kind(a.into()),
        }
    }

    /// An address of each stretch between two addresses of one family, the first one among them.
    pub fn between(&self, first: IpAddr, last: IpAddr) -> Vec<IpAddr> {
        fn of<A: Address>(starts: &[A], first: A, last: A) -> impl Iterator<Item = A> + '_ {
            let inside = starts.iter().copied().filter(move |start| first < *start && *start <= last);
            std::iter::once(first).chain(inside)
        }
        match (first, last) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                of(&self.v4.starts, a.into(), b.into()).map(|a: u32| IpAddr::V4(a.into())).collect()
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                of(&self.v6.starts, a.into(), b.into()).map(|a: u128| IpAddr::V6(a.into())).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn special() -> impl Iterator<Item = Cidr> {
    SPECIAL_V4.iter().map(|block| block.parse().expect("a block"))
}

fn global() -> Cidr {
    GLOBAL_V6.parse().expect("a block")
}

/// Every block that something in the network names.
fn blocks(network: &Network, out: &mut impl FnMut(Cidr)) {
    let fabric = &network.fabric;
    let v4 = |net: u32, mask: u32| Cidr::new(IpAddr::V4(net.into()), mask.leading_ones() as u8);
    let v6 = |net: u128, mask: u128| Cidr::new(IpAddr::V6(net.into()), mask.leading_ones() as u8);
    fabric.vpcs.iter().flat_map(|vpc| vpc.blocks.iter()).for_each(|block| out(*block));
    fabric.subnets.iter().flat_map(|subnet| [subnet.v4, subnet.v6]).flatten().for_each(&mut *out);
    fabric.rtbs.iter().flat_map(|table| table.routes.iter()).for_each(|route| out(route.to));
    fabric.tgw_rtbs.iter().flat_map(|table| table.routes.iter()).for_each(|route| out(route.to));
    for acl in fabric.acls.iter() {
        for table in [&acl.inbound, &acl.outbound] {
            table.v4.iter().filter_map(|row| v4(row.net, row.mask)).for_each(&mut *out);
            table.v6.iter().filter_map(|row| v6(row.net, row.mask)).for_each(&mut *out);
        }
    }
    for table in fabric.sg_sets.iter().flat_map(|set| [&set.inbound, &set.outbound]) {
        for row in table.v4.iter() {
            if let PeerMatch::Block { net, mask } = row.peer {
                v4(net, mask).into_iter().for_each(&mut *out);
            }
        }
        for row in table.v6.iter() {
            if let PeerMatch::Block { net, mask } = row.peer {
                v6(net, mask).into_iter().for_each(&mut *out);
            }
        }
    }
    network.spec.prefix_lists.values().flat_map(|list| &list.entries).for_each(|block| out(block.value));
    let fibs = fabric.routers.iter().map(|r| &r.fib).chain(fabric.vgws.iter().map(|v| &v.fib));
    let fibs = fibs.chain(fabric.publics.iter().map(|p| &p.fib));
    let views = fabric.dxgws.iter().flat_map(|d| d.views.iter().map(|(_, fib)| fib).chain([&d.fib]));
    fibs.chain(views).flat_map(|fib: &Fib| fib.routes.iter()).for_each(|route| out(route.to));
    for cvpn in fabric.cvpns.iter() {
        out(cvpn.client_cidr);
        cvpn.pushed.iter().flatten().for_each(|block| out(*block));
        cvpn.rules.iter().for_each(|rule| out(rule.to));
        cvpn.targets.iter().flat_map(|target| target.routes.iter()).for_each(|route| out(route.to));
    }
}
