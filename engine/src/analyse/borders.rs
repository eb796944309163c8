//! Addresses that no block tells apart.
//!
//! Between two borders of blocks lies a **stretch**; stretches that are inside of the same blocks are of one **kind**. Blocks
//! nest, so the innermost block says it, with the service of AWS's that has the address. Two addresses of one kind match the
//! same rules, rows and routes.

use crate::base::Cidr;
use crate::base::ids::InetIx;
use crate::compile::{ANY_HOST, Network};
use crate::control::policy::NOT_PUBLIC;
use crate::fabric::{Address, Fib, Lpm, PeerMatch};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

/// Global unicast addresses (RFC 4291).
const GLOBAL_V6: &str = "2000::/3";
/// Addresses of a stretch that are looked at for one that is nobody's here.
const ADDRESSES_MAX: u32 = 65_536;
/// Ranges of addresses that a text names.
const SHOWN_MAX: usize = 3;

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

    /// The parts of the internet, by kind, in the order of their first addresses, IPv4 first: without addresses that are not
    /// public, and parts of which every address is somebody's in one of these networks.
    #[must_use]
    pub fn internet(&self, networks: &[&Network]) -> Vec<Part> {
        let special: Vec<Cidr> = special().collect();
        let v4 = self.v4.stretches().map(|(a, b, kind)| (IpAddr::V4(a.into()), IpAddr::V4(b.into()), kind));
        let v4 = v4.filter(|(first, ..)| !special.iter().any(|block| block.contains(*first)));
        let v6 = self.v6.stretches().map(|(a, b, kind)| (IpAddr::V6(a.into()), IpAddr::V6(b.into()), kind));
        let v6 = v6.filter(|(first, ..)| global().contains(*first));
        let mut kinds: Vec<Vec<Stretch>> = Vec::new();
        let mut at: BTreeMap<(bool, u32), usize> = BTreeMap::new();
        for (first, last, kind) in v4.chain(v6) {
            let place = *at.entry((first.is_ipv6(), kind)).or_insert(kinds.len());
            if place == kinds.len() {
                kinds.push(Vec::new());
            }
            kinds[place].push((first, last));
        }
        let part = |(n, stretches): (usize, &Vec<Stretch>)| {
            let family = |other: &[Stretch]| other[0].0.is_ipv4() == stretches[0].0.is_ipv4();
            let others = kinds.iter().enumerate().filter(|(m, other)| *m != n && family(other));
            let others: Vec<Stretch> = others.flat_map(|(_, other)| other).copied().collect();
            // The shorter list says it.
            let but = (others.len() < stretches.len()).then_some(others);
            Some(Part { address: speaker(networks, stretches)?, stretches: stretches.clone(), but })
        };
        kinds.iter().enumerate().filter_map(part).collect()
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

/// Addresses on the internet that nothing tells apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Where they are, ascending.
    pub stretches: Vec<Stretch>,
    /// The one that speaks for them: `internet` itself if it is among them.
    pub address: IpAddr,
    /// The rest of the internet of this family, if that is fewer ranges.
    but: Option<Vec<Stretch>>,
}

impl fmt::Display for Part {
    /// Its first ranges, or what it lacks; as blocks where they are some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = match &self.but {
            Some(none) if none.is_empty() => {
                return f.write_str(if self.address.is_ipv4() { "all of IPv4" } else { "all of IPv6" });
            }
            Some(others) => {
                f.write_str("all but ")?;
                others
            }
            None => &self.stretches,
        };
        let shown: Vec<String> = ranges.iter().take(SHOWN_MAX).map(|stretch| range_text(*stretch)).collect();
        f.write_str(&shown.join(", "))?;
        match ranges.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more ranges"),
        }
    }
}

fn range_text((first, last): Stretch) -> String {
    let bits = if first.is_ipv4() { 32 } else { 128 };
    let blocks = (0..=bits).filter_map(|len| Cidr::new(first, len));
    match blocks.into_iter().find(|block| (block.network(), block.last()) == (first, last)) {
        Some(_) if first == last => first.to_string(),
        Some(block) => block.to_string(),
        None => format!("{first}-{last}"),
    }
}

/// The address that speaks for a part of the internet: the one that takes everything, or the first one that is nobody's.
fn speaker(networks: &[&Network], stretches: &[Stretch]) -> Option<IpAddr> {
    let any: IpAddr = ANY_HOST.1[usize::from(stretches.first()?.0.is_ipv6())].parse().expect("an address");
    if stretches.iter().any(|(first, last)| *first <= any && any <= *last) {
        return Some(any);
    }
    // A described host speaks for itself; what is in a VPC's block is not on the internet.
    let nobody = |a: &IpAddr| {
        networks.iter().map(|network| &network.fabric).all(|fabric| {
            let inside = fabric.vpcs.iter().any(|vpc| vpc.contains(*a));
            !inside && !fabric.is_ours(*a) && !fabric.internet_by_address.contains_key(a)
        })
    };
    stretches.iter().find_map(|stretch| addresses(*stretch).find(nobody))
}

/// The first addresses of a stretch.
fn addresses((first, last): Stretch) -> impl Iterator<Item = IpAddr> {
    let nth = move |n: u32| match first {
        IpAddr::V4(a) => u32::from(a).checked_add(n).map(|a| IpAddr::V4(a.into())),
        IpAddr::V6(a) => u128::from(a).checked_add(n.into()).map(|a| IpAddr::V6(a.into())),
    };
    (0..ADDRESSES_MAX).map_while(nth).take_while(move |address| *address <= last)
}

fn special() -> impl Iterator<Item = Cidr> {
    NOT_PUBLIC.iter().map(|block| block.parse().expect("a block"))
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
