//! The numbers to reach that are neither a micro bench nor the chain, each beside the most or least it may be: bulk TCP,
//! new flows, what recording costs, what size costs. Processor time, medians of five.

use std::hint::black_box;
use vpcsim_benches::{cpu_nanos, estate, flat, hub, network, ruled};
use vpcsim_engine::base::ids::VpcIx;
use vpcsim_engine::base::{Instant, Protocol};
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::event::HostRef;
use vpcsim_engine::explain::{
    Outcome, Question, ask, ask_on, beaten_routes, codes, fix, hints, nearest_rule, resolve_origin, size, symptom, vary,
};
use vpcsim_engine::flow::FlowState;
use vpcsim_engine::host::Connect;
use vpcsim_engine::sim::Sim;
use vpcsim_engine::spec;
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

fn packet(network: &Network, from: &str, to: &str, src_port: u16) -> Packet {
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
        l4: L4::Udp(Udp { src_port, dst_port: 5001, length: 108 }),
    };
    Packet { headers, tag: 0, payload: Payload::Zeros(100) }
}

/// One packet's way between two interfaces.
fn cross<R: Recorder + Default>(network: &Network, flows: &mut FlowState, packet: &mut Packet, from: Vantage) {
    let (mut recorder, mut at) = (R::default(), from);
    loop {
        let (fabric, policy) = (&network.fabric, DenyPolicy::Stop);
        let mut walk = Walk { fabric, flows, now: Instant(1), policy, recorder: &mut recorder };
        match walk.step(black_box(packet), at) {
            Verdict::Transit { to, .. } => at = to,
            _ => break,
        }
    }
    black_box(&recorder);
}

fn vantage(network: &Network, packet: &Packet) -> Vantage {
    Vantage::Out(network.fabric.eni_with(VpcIx(0), packet.headers.src).expect("it is there"))
}

/// Nanoseconds of one crossing between two interfaces of an established flow.
fn crossing<R: Recorder + Default>(network: &Network, packet: &Packet) -> f64 {
    const N: u64 = 300_000;
    let (mut flows, from) = (FlowState::default(), vantage(network, packet));
    median(|| {
        let start = cpu_nanos();
        for _ in 0..N {
            cross::<R>(network, &mut flows, &mut packet.clone(), from);
        }
        (cpu_nanos() - start) as f64 / N as f64
    })
}

/// Nanoseconds of the first packet of a flow through 50 rules, and of a later one.
fn new_flow() -> (f64, f64) {
    const N: u16 = 10_000;
    const ROUNDS: u16 = 20;
    let network = ruled(50);
    let one = packet(&network, "c", "s", 9);
    let established = crossing::<NoRecord>(&network, &one);
    let mut packets: Vec<Packet> = (0..N).map(|port| packet(&network, "c", "s", port)).collect();
    let from = vantage(&network, &one);
    let new = median(|| {
        let start = cpu_nanos();
        for _ in 0..ROUNDS {
            let mut flows = FlowState::default();
            for packet in &mut packets {
                cross::<NoRecord>(&network, &mut flows, packet, from);
            }
            black_box(&flows);
            packets.iter_mut().for_each(|packet| packet.headers.ttl = 64);
        }
        (cpu_nanos() - start) as f64 / f64::from(N) / f64::from(ROUNDS)
    });
    (new, established)
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

/// Microseconds to compile a topology, per interface.
fn build(text: &str) -> f64 {
    let spec = spec::read(FileIx(0), text.as_bytes()).0.expect("it is right");
    median(|| {
        let (start, mut enis) = (cpu_nanos(), 0);
        // The clock moves by milliseconds.
        while enis < 50_000 {
            enis += compile(&spec).0.expect("it is right").fabric.enis.len();
        }
        (cpu_nanos() - start) as f64 / 1000.0 / enis as f64
    })
}

/// Microseconds of one question: the verdict, and everything that an answer tells but for the fix.
fn why(network: &Network, from: &str, to: &str, port: u16) -> (f64, f64) {
    let (from, to) = resolve_origin(network, from, to).expect("both are there");
    let question = Question { from, to, protocol: Protocol::TCP, src_port: None, dst_port: port };
    assert_ne!(ask(network, &question).outcome, Outcome::Unknown);
    let each = |times: u32, what: &dyn Fn()| {
        median(|| {
            let start = cpu_nanos();
            (0..times).for_each(|_| what());
            (cpu_nanos() - start) as f64 / 1000.0 / f64::from(times)
        })
    };
    let whole = || {
        let e = ask(network, black_box(&question));
        let size = size(network, &question, &e);
        black_box((
            ask_on(network, &question, &e),
            vary(network, &question, &e),
            symptom(network, &e, size.as_ref(), false),
        ));
        black_box((hints(network, &e), beaten_routes(network, &e), codes(network, &e)));
        black_box(e.blockers.first().and_then(|blocker| nearest_rule(network, &blocker.step)));
    };
    (each(50_000, &|| _ = black_box(ask(network, black_box(&question)))), each(5_000, &whole))
}

/// Milliseconds of the search for the change that helps.
fn fixing(text: &str, from: &str, to: &str, port: u16) -> f64 {
    let (spec, _) = spec::read(FileIx(0), text.as_bytes());
    let (spec, network) = (spec.expect("it is right"), network(text));
    let (from, to) = resolve_origin(&network, from, to).expect("both are there");
    let question = Question { from, to, protocol: Protocol::TCP, src_port: None, dst_port: port };
    median(|| {
        let start = cpu_nanos();
        assert!(matches!(fix::fix(&spec, &network, &question), fix::Remedy::Change(_)));
        (cpu_nanos() - start) as f64 / 1e6
    })
}

fn line(what: &str, value: String, must: &str) {
    println!("{what:<70} {value:>16}   must: {must}");
}

fn main() {
    line(
        "TCP bulk, 1 Gbps, 1 ms, MTU 1500: simulated s per CPU-second",
        format!("{:.1}", bulk()),
        "6, ten times ns-3's 0.60",
    );
    let (new, established) = new_flow();
    let ratio = new / established;
    line("new flow through 50 rules, against an established hop", format!("{new:.0} ns, {ratio:.2}x"), "3x");
    let small = network(&flat(10));
    let p = packet(&small, "i000001", "i000009", 5000);
    let (plain, recorded) = (crossing::<NoRecord>(&small, &p), crossing::<All>(&small, &p));
    line("a crossing among 10 interfaces", format!("{plain:.0} ns"), "-");
    let ratio = recorded / plain;
    line("the same with every decision recorded", format!("{recorded:.0} ns, {ratio:.2}x"), "2x");
    let large = network(&flat(100_000));
    let p = packet(&large, "i000001", "i099000", 5000);
    let far = crossing::<NoRecord>(&large, &p);
    let ratio = far / plain;
    line("the same among 100,000 interfaces", format!("{far:.0} ns, {ratio:.2}x"), "1.5x");
    drop(large);
    line("build, 10,000 interfaces in one VPC, per interface", format!("{:.1} us", build(&flat(10_000))), "10 us");
    line(
        "build, hub and spoke of 500 VPCs, 2,000 interfaces, per interface",
        format!("{:.1} us", build(&hub(500))),
        "10 us",
    );
    let (flat, hub, estate) = (network(&flat(1_000)), network(&hub(500)), estate(5, 1_000));
    let companies = network(&estate);
    for (what, network, from, to, port) in [
        ("why, 1,000 interfaces in one VPC", &flat, "i000001", "i000900", 443),
        ("why, through a hub of 500 VPCs", &hub, "i3a", "i400b", 443),
        ("why, blocked, 1,000 interfaces in 5 VPCs", &companies, "i3-0", "i4-2", 5432),
    ] {
        let (verdict, whole) = why(network, from, to, port);
        line(what, format!("{verdict:.1} us"), "1 ms");
        line("  with all that the answer tells", format!("{whole:.0} us"), "1 ms");
    }
    let fixing = fixing(&estate, "i3-0", "i4-2", 5432);
    line("  the change that helps, searched and proved", format!("{fixing:.0} ms"), "-");
}
