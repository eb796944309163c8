//! The numbers to reach that are neither a micro bench nor the chain: bulk TCP, what recording costs, what size
//! costs, memory. Processor time; medians of five.

use std::hint::black_box;
use vpcsim_benches::{cpu_nanos, flat, hub, network};
use vpcsim_engine::base::ids::VpcIx;
use vpcsim_engine::base::{Instant, Protocol};
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::event::HostRef;
use vpcsim_engine::explain::{Outcome, Question, ask, resolve_origin};
use vpcsim_engine::flow::FlowState;
use vpcsim_engine::host::Connect;
use vpcsim_engine::sim::Sim;
use vpcsim_engine::verdict::{Hop, Step, Vantage, Verdict};
use vpcsim_engine::walk::{DenyPolicy, NoRecord, Recorder, Walk};
use vpcsim_engine::wire::{Fragment, Headers, L4, Packet, Payload, Udp};

/// Records everything, as an explanation does.
#[derive(Default)]
struct All(Vec<Step>, Vec<Hop>);

impl Recorder for All {
    const STEPS: bool = true;
    const HOPS: bool = true;
    fn step(&mut self, step: Step) {
        self.0.push(step);
    }
    fn hop(&mut self, hop: Hop, _: &Packet) {
        self.1.push(hop);
    }
}

fn median(mut run: impl FnMut() -> f64) -> f64 {
    let mut all: Vec<f64> = (0..5).map(|_| run()).collect();
    all.sort_by(f64::total_cmp);
    all[2]
}

fn packet(network: &Network, from: &str, to: &str) -> Packet {
    let address = |name: &str| {
        let eni = network.names.enis.iter_enumerated().find(|(_, label)| label.id == name).expect("it is there").0;
        network.fabric.enis[eni].primary.expect("it has an address")
    };
    let headers = Headers {
        src: address(from),
        dst: address(to),
        protocol: Protocol::UDP,
        ttl: 64,
        traffic_class: 0,
        fragment: Fragment::default(),
        l4: L4::Udp(Udp { src_port: 5000, dst_port: 5001, length: 108 }),
    };
    Packet { headers, tag: 0, payload: Payload::Zeros(100) }
}

/// Nanoseconds of one crossing between two interfaces of an established flow.
fn crossing<R: Recorder + Default>(network: &Network, packet: &Packet) -> f64 {
    const N: u64 = 300_000;
    let fabric = &network.fabric;
    let mut flows = FlowState::default();
    let from = Vantage::Out(fabric.eni_with(VpcIx(0), packet.headers.src).expect("it is there"));
    median(|| {
        let start = cpu_nanos();
        for _ in 0..N {
            let mut recorder = R::default();
            let (mut p, mut at) = (packet.clone(), from);
            loop {
                let mut walk = Walk {
                    fabric,
                    flows: &mut flows,
                    now: Instant(1),
                    policy: DenyPolicy::Stop,
                    recorder: &mut recorder,
                };
                match walk.step(black_box(&mut p), at) {
                    Verdict::Transit { to, .. } => at = to,
                    _ => break,
                }
            }
            black_box(&recorder);
        }
        (cpu_nanos() - start) as f64 / N as f64
    })
}

/// Simulated seconds per CPU-second of one TCP transfer at 1 Gbps, 1 ms, MTU 1500.
fn bulk() -> f64 {
    let text = "vpcs: {v: {cidr: 10.0.0.0/16}}\nsubnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}, t: {vpc: v, az: b, cidr: 10.0.2.0/24}}\n\
        security_groups: {g: {vpc: v, inbound: [{from: 10.0.0.0/8}]}}\ninstances:\n\
        \x20 a: {subnet: s, address: 10.0.1.10, security_groups: [g], bandwidth: 1Gbps, mtu: 1500}\n\
        \x20 b: {subnet: t, address: 10.0.2.10, security_groups: [g], bandwidth: 1Gbps, mtu: 1500, listen: [80]}\n";
    let network = network(text);
    median(|| {
        let mut sim = Sim::new(network.clone(), 1, ());
        let a =
            HostRef::Guest(network.names.guests.iter_enumerated().find(|(_, l)| l.id == "a").expect("it is there").0);
        let ask = Connect {
            src: "10.0.1.10".parse().expect("an address"),
            dst: "10.0.2.10".parse().expect("an address"),
            dst_port: 80,
            src_port: None,
            tag: 1,
            send: 250_000_000,
            receive: 0,
        };
        let start = cpu_nanos();
        sim.with_host(a, |host, now| host.connect(now, ask));
        sim.run_until(Instant(1_900_000_000));
        1.9e9 / (cpu_nanos() - start) as f64
    })
}

/// Resident memory of this process in bytes (Linux).
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) * 4096.0
}

/// A hub and spoke of 500 VPCs: microseconds per interface to compile, and per question across it.
fn hub_and_spoke() -> (f64, f64) {
    let spec = vpcsim_engine::spec::read(FileIx(0), hub(500).as_bytes()).0.expect("it is right");
    let mut enis = 0;
    let build = median(|| {
        let start = cpu_nanos();
        let network = compile(&spec).0.expect("it is right");
        enis = network.fabric.enis.len();
        (cpu_nanos() - start) as f64 / 1000.0 / enis as f64
    });
    let network = compile(&spec).0.expect("it is right");
    let (from, to) = resolve_origin(&network, "i3a", "i400b").expect("both are there");
    let question = Question { from, to, protocol: Protocol::TCP, src_port: None, dst_port: 443 };
    assert_eq!(ask(&network, &question).outcome, Outcome::Open);
    let per_question = median(|| {
        const N: u64 = 2_000;
        let start = cpu_nanos();
        for _ in 0..N {
            black_box(ask(&network, black_box(&question)));
        }
        (cpu_nanos() - start) as f64 / 1000.0 / N as f64
    });
    (build, per_question)
}

fn main() {
    let (build, question) = hub_and_spoke();
    println!(
        "hub and spoke of 500 VPCs, 2,000 interfaces: {build:.1} us an interface to compile, {question:.2} us a question"
    );
    println!("bulk TCP, 1 Gbps, 1 ms, MTU 1500: {:.1} simulated seconds per CPU-second", bulk());
    let small = network(&flat(10));
    let p = packet(&small, "i000001", "i000009");
    let (plain, recorded) = (crossing::<NoRecord>(&small, &p), crossing::<All>(&small, &p));
    println!("a crossing: {plain:.0} ns; with every decision recorded {recorded:.0} ns ({:.2}x)", recorded / plain);
    let (before, text) = (resident(), flat(100_000));
    let large = network(&text);
    let p = packet(&large, "i000001", "i099000");
    let far = crossing::<NoRecord>(&large, &p);
    println!("a crossing among 100,000 interfaces: {far:.0} ns ({:.2}x of that among 10)", far / plain);
    let fabric = large.fabric.clone();
    let whole = resident();
    drop(large);
    println!(
        "memory of the whole network, names and topology included: {:.0} bytes an interface",
        (whole - before) / 100_000.0
    );
    drop(black_box(fabric));
}
