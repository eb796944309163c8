//! The parts: a filter's decision, a walk, the event queue, compiling, a question.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use vpcsim_benches::{chain, flat, network, ruled};
use vpcsim_engine::base::{Instant, Protocol};
use vpcsim_engine::compile::{FlowLog, Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::eval::{self, Key};
use vpcsim_engine::event::{Fact, Observer};
use vpcsim_engine::explain::{Question, ask, resolve_origin};
use vpcsim_engine::flow::FlowState;
use vpcsim_engine::observe::flow_logs::{FlowLogs, Sink};
use vpcsim_engine::record::flow_log::{Record, Text};
use vpcsim_engine::sim::queue::Queue;
use vpcsim_engine::spec;
use vpcsim_engine::verdict::{Dir, Hop, TrafficPath, Vantage, Verdict};
use vpcsim_engine::walk::{DenyPolicy, NoRecord, Walk};
use vpcsim_engine::wire::{Fragment, Headers, L4, Packet, Payload, Udp};

fn datagram(port: u16) -> Packet {
    let headers = Headers {
        src: "10.0.0.10".parse().expect("an address"),
        dst: "10.0.1.10".parse().expect("an address"),
        protocol: Protocol::UDP,
        ttl: 64,
        traffic_class: 0,
        fragment: Fragment::default(),
        l4: L4::Udp(Udp { src_port: port, dst_port: 5001, length: 108 }),
    };
    Packet { headers, tag: 0, payload: Payload::Zeros(100) }
}

/// From one guest to the other: two steps.
fn cross(network: &Network, flows: &mut FlowState, packet: &mut Packet) -> Verdict {
    let fabric = &network.fabric;
    let mut at =
        Vantage::Out(fabric.eni_with(vpcsim_engine::base::ids::VpcIx(0), packet.headers.src).expect("it is there"));
    loop {
        let mut walk = Walk { fabric, flows, now: Instant(1), policy: DenyPolicy::Stop, recorder: &mut NoRecord };
        match walk.step(packet, at) {
            Verdict::Transit { to, .. } => at = to,
            end => return end,
        }
    }
}

fn walks(c: &mut Criterion) {
    for rules in [2, 50] {
        let network = ruled(rules);
        let mut flows = FlowState::default();
        cross(&network, &mut flows, &mut datagram(9));
        c.bench_function(&format!("walk: established, {rules} rules"), |b| {
            b.iter(|| cross(&network, &mut flows, black_box(&mut datagram(9))))
        });
        let mut port = 0u16;
        c.bench_function(&format!("walk: new flow, {rules} rules"), |b| {
            b.iter_batched_ref(
                FlowState::default,
                |flows| {
                    port = port.wrapping_add(1);
                    cross(&network, flows, &mut datagram(port))
                },
                BatchSize::NumIterations(10_000),
            )
        });
    }
}

/// One decision of a filter.
fn decisions(c: &mut Criterion) {
    for rules in [2, 50] {
        let network = ruled(rules);
        let fabric = &network.fabric;
        let packet = datagram(9);
        let eni = fabric.eni_with(vpcsim_engine::base::ids::VpcIx(0), packet.headers.dst).expect("it is there");
        let acl = fabric.subnets[fabric.enis[eni].subnet].acl;
        let key = Key::new(&packet.headers, Dir::In, packet.headers.ports());
        c.bench_function(&format!("eval: security group, {rules} rules"), |b| {
            b.iter(|| eval::sg(fabric, eni, Dir::In, black_box(&key), None))
        });
        c.bench_function(&format!("eval: network ACL beside {rules} rules"), |b| {
            b.iter(|| eval::acl(fabric, acl, Dir::In, black_box(&key)))
        });
    }
}

fn queue(c: &mut Criterion) {
    for pending in [1_000u64, 100_000] {
        let mut queue = Queue::new();
        let mut x = 1u64;
        let mut next = move || {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            50_000 + (x >> 44)
        };
        for n in 0..pending {
            queue.push(Instant(next()), n);
        }
        c.bench_function(&format!("queue: pop and push, {pending} pending"), |b| {
            b.iter(|| {
                let (at, event) = queue.pop().expect("never empty");
                queue.push(Instant(at.0 + next()), event);
            })
        });
    }
}

fn compiling(c: &mut Criterion) {
    let mut group = c.benchmark_group("compile");
    group.sample_size(10);
    for enis in [1_000usize, 10_000] {
        let text = flat(enis);
        let spec = spec::read(FileIx(0), text.as_bytes()).0.expect("it was read");
        group.throughput(Throughput::Elements(enis as u64));
        group.bench_function(format!("{enis} interfaces"), |b| b.iter(|| compile(black_box(&spec))));
    }
    group.finish();
}

fn questions(c: &mut Criterion) {
    let network = network(&flat(1_000));
    let (from, to) = resolve_origin(&network, "i000001", "i000900").expect("they are there");
    let question = Question { from, to, protocol: Protocol::TCP, src_port: None, dst_port: 443 };
    c.bench_function("why: 1,000 interfaces", |b| b.iter(|| ask(&network, black_box(&question))));
    let chained = vpcsim_benches::network(&chain(10));
    let (from, to) = resolve_origin(&chained, "i0", "i11").expect("they are there");
    let question = Question { from, to, protocol: Protocol::UDP, src_port: None, dst_port: 5001 };
    c.bench_function("why: through 10 middleboxes", |b| b.iter(|| ask(&chained, black_box(&question))));
}

/// Takes records as lines, and keeps none.
#[derive(Default)]
struct Rendered(Vec<u8>, u64);

impl Sink for Rendered {
    fn record(&mut self, _: usize, of: &FlowLog, record: &Record<'_>) {
        self.0.clear();
        Text::new(of).line(record, &mut self.0);
        self.1 += self.0.len() as u64;
    }
}

/// A window of 10,000 flows of three packets each: counted, and rendered in the default format when the window is over.
fn flow_logs(c: &mut Criterion) {
    const FLOWS: u32 = 10_000;
    let network = ruled(2);
    let eni = network.fabric.eni_with(vpcsim_engine::base::ids::VpcIx(0), "10.0.0.10".parse().expect("an address"));
    let packets: Vec<Packet> = (0..FLOWS).map(|n| datagram(n as u16)).collect();
    let hops: Vec<Hop> = packets
        .iter()
        .map(|packet| Hop {
            eni: eni.expect("it is there"),
            dir: Dir::Out,
            accepted: true,
            by: vpcsim_engine::verdict::RowIx(0),
            headers: packet.headers,
            len: packet.len(),
            next: None,
            path: TrafficPath::Vpc,
            own: true,
            blocked: false,
        })
        .collect();
    let mut group = c.benchmark_group("flow_logs");
    group.throughput(Throughput::Elements(FLOWS.into()));
    group.bench_function("count_and_render", |b| {
        let mut logs = FlowLogs::new(&network, vec![FlowLog::everything()], Rendered::default());
        let mut second = 0;
        b.iter(|| {
            for _ in 0..3 {
                for (hop, packet) in hops.iter().zip(&packets) {
                    let fact = Fact::Crossed { hop, packet, dropped_by: None, logged: true };
                    logs.on(Instant(second * 1_000_000_000), &fact);
                }
            }
            // The next window's first packet closes this one.
            second += 60;
        });
        black_box(logs.sink.1);
    });
    group.finish();
}

criterion_group!(benches, decisions, walks, flow_logs, queue, compiling, questions);
criterion_main!(benches);
