//! Random topologies, valid by construction, with every address written.

use super::topology_between::Between;
use super::topology_vpc::VpcParts;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::net::Ipv4Addr;
use vpcsim_engine::base::{Cidr, Protocol};
use vpcsim_engine::spec::{
    BlockPublicAccess, BpaExclusion, BpaExclusionMode, BpaMode, GuestKnowledge, InternetHost, Listener, PrefixList,
    Spanned, Spec,
};

/// A seeded die.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }
    /// 0 to `n - 1`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.0.next_u64() % n as u64) as usize
    }
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }
    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
    pub fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

pub fn cidr(text: &str) -> Cidr {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}
pub fn listener(protocol: Protocol, port: u16) -> Spanned<Listener> {
    Listener { protocol, port }.into()
}

/// Addresses that the internet has in these topologies. The last two of each family are described nowhere.
pub const HOSTS_V4: [&str; 4] = ["192.0.2.80", "192.0.2.81", "192.0.2.99", "8.8.8.8"];
pub const HOSTS_V6: [&str; 3] = ["2001:db8:ffff::80", "2001:db8:ffff::81", "2001:4860:4860::8888"];

/// The topology of a seed: VPCs that only the internet connects.
pub fn random(seed: u64) -> Spec {
    let dice = &mut Dice::new(seed);
    let mut spec = start(seed);
    let mut eips = elastic_ips();
    for n in 0..dice.between(1, 3) {
        VpcParts::new(n).build(&mut spec, dice, &mut eips);
    }
    block_public_access(&mut spec, dice);
    if dice.chance(10) {
        spec.guests = Some(GuestKnowledge::Unknown);
    }
    spec
}

/// The same with peerings, transit gateways and endpoints.
pub fn random_wide(seed: u64) -> Spec {
    let dice = &mut Dice::new(seed ^ 0x7710_0e85);
    let mut spec = start(seed);
    let mut eips = elastic_ips();
    let count = dice.pick(&[1, 2, 2, 3, 3, 4]);
    let parts = (0..count).map(|n| VpcParts::new(n).build(&mut spec, dice, &mut eips)).collect();
    if dice.chance(50) {
        block_public_access(&mut spec, dice);
    }
    if dice.chance(12) {
        spec.guests = Some(GuestKnowledge::Unknown);
    }
    Between::new(&mut spec, dice, parts).build();
    spec
}

fn start(seed: u64) -> Spec {
    let mut spec = Spec { description: Some(format!("random topology, seed {seed}")), ..Spec::default() };
    internet(&mut spec);
    for (n, entries) in
        [&["10.0.0.0/15", "192.0.2.80/32"][..], &["10.0.1.0/24", "2600:1f18:0:1::/64", "8.8.0.0/16"]].iter().enumerate()
    {
        let entries = entries.iter().map(|e| cidr(e).into()).collect();
        spec.prefix_lists.insert(format!("pl-{n}").as_str().into(), PrefixList { entries, ..PrefixList::default() });
    }
    spec
}

fn elastic_ips() -> impl Iterator<Item = Ipv4Addr> {
    let block = |a, b, c| (1..=254).map(move |n| Ipv4Addr::new(a, b, c, n));
    block(198, 51, 100).chain(block(203, 0, 113))
}

fn internet(spec: &mut Spec) {
    let host = |addresses: [&str; 2], listen: Vec<Spanned<Listener>>, answers_ping| InternetHost {
        addresses: addresses.iter().map(|a| Spanned::from(a.parse::<std::net::IpAddr>().unwrap())).collect(),
        listen,
        answers_ping: Some(answers_ping),
        ..InternetHost::default()
    };
    let listen = vec![listener(Protocol::TCP, 443), listener(Protocol::TCP, 22), listener(Protocol::UDP, 53)];
    spec.internet_hosts.insert("web".into(), host([HOSTS_V4[0], HOSTS_V6[0]], listen, true));
    let listen = vec![listener(Protocol::TCP, 80), listener(Protocol::UDP, 443)];
    spec.internet_hosts.insert("quiet".into(), host([HOSTS_V4[1], HOSTS_V6[1]], listen, false));
}

fn block_public_access(spec: &mut Spec, dice: &mut Dice) {
    if !dice.chance(20) {
        return;
    }
    let mode = dice.pick(&[BpaMode::BlockBidirectional, BpaMode::BlockIngress, BpaMode::BlockIngress, BpaMode::Off]);
    let names: Vec<String> = spec.vpcs.keys().chain(spec.subnets.keys()).map(|n| n.value.clone()).collect();
    let mut exclusions: Vec<Spanned<BpaExclusion>> = Vec::new();
    for name in names {
        if dice.chance(25) {
            let mode = dice.pick(&[BpaExclusionMode::AllowBidirectional, BpaExclusionMode::AllowEgress]);
            exclusions.push(BpaExclusion { resource: name.as_str().into(), mode }.into());
        }
    }
    spec.block_public_access.push(BlockPublicAccess { region: None, account: None, mode, exclusions }.into());
}
