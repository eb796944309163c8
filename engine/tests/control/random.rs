//! Random sets of routes, random networks: what must not depend on an order does not.
//!
//! `VPCSIM_CONTROL_NETWORKS` sets how many networks are tried.

use super::live::Live;
use super::net::{Net, cidr};
use std::collections::{BTreeMap, BTreeSet};
use vpcsim_engine::base::{Cidr, IndexVec, Stream};
use vpcsim_engine::control::{
    Accept, Attributes, Class, Communities, Converged, Export, Filter, Import, Kind, Origin, Peer, Plan, Preference,
    Route, Session, SessionIx, SessionKind, TableIx, Via, converge, converge_in_order, rank,
};

#[allow(clippy::disallowed_methods, reason = "a test may be asked to try more")]
fn networks() -> u64 {
    std::env::var("VPCSIM_CONTROL_NETWORKS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_400)
}

fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for last in (1..items.len()).rev() {
        items.swap(last, stream.below(last as u64 + 1) as usize);
    }
}

const CLASSES: [Class; 16] = [
    Class::Local,
    Class::Static,
    Class::PrefixList,
    Class::Vpc,
    Class::Association,
    Class::DirectConnect,
    Class::SiteLink,
    Class::DirectConnectGateway,
    Class::Connect,
    Class::PrivateVpn,
    Class::VpnStatic,
    Class::Vpn,
    Class::Peering,
    Class::Bgp,
    Class::Site,
    Class::Floating,
];

/// Routes that are alike in most things, so that every step has something to decide.
fn routes(stream: &mut Stream) -> Vec<Route> {
    let few = [CLASSES[stream.below(16) as usize], CLASSES[stream.below(16) as usize]];
    let n = 1 + stream.below(7) as u32;
    (0..n)
        .map(|n| {
            let kind = [SessionKind::Ebgp, SessionKind::Ibgp][stream.below(2) as usize];
            let bundle = (stream.below(3) == 0).then(|| stream.below(2) as u32);
            let id = stream.below(3) as u32;
            let peer = Peer { session: SessionIx(n), table: TableIx(n), kind, id, bundle };
            let via = if stream.below(6) == 0 { Via::Local(n) } else { Via::Peer(peer) };
            let path: Vec<u32> = (0..1 + stream.below(2)).map(|_| 1 + stream.below(2) as u32).collect();
            let attributes = Attributes {
                local_preference: 100 + 50 * stream.below(2) as u32,
                as_path: path.as_slice().into(),
                origin: [Origin::Igp, Origin::Incomplete][stream.below(2) as usize],
                med: stream.below(3) as u32,
                communities: Communities::new((stream.below(4) == 0).then_some(7)),
            };
            Route { to: cidr("10.0.0.0/8"), via, class: few[stream.below(2) as usize], attributes }
        })
        .collect()
}

#[test]
fn a_decision_does_not_depend_on_the_order_of_the_candidates() {
    for seed in 0..6_000 {
        let stream = &mut Stream::new(seed, "control", "routes");
        let mut all = routes(stream);
        let kind = [Kind::Router, Kind::Vgw, Kind::Tgw, Kind::Dxgw, Kind::Public][stream.below(5) as usize];
        let ecmp = stream.below(2) == 0;
        let first = rank(kind, ecmp, &all).unwrap();
        assert!((1..=all.len()).contains(&first.share), "{first:?}");
        let mut sorted = first.routes.clone();
        sorted.sort();
        let mut given = all.clone();
        given.sort();
        assert_eq!(sorted, given, "nothing is lost and nothing is there twice (seed {seed})");
        for _ in 0..4 {
            shuffle(&mut all, stream);
            assert_eq!(rank(kind, ecmp, &all).unwrap(), first, "{kind:?}, seed {seed}");
        }
        // Who follows is who wins without the first: sharing apart.
        if first.share == 1 && all.len() > 1 {
            let rest = rank(kind, ecmp, &first.routes[1..]).unwrap();
            assert_eq!(rest.best(), &first.routes[1], "seed {seed}");
        }
    }
}

/// A router's decision another way: the best of each neighbouring system, then the best of these without MED.
#[test]
fn a_router_decides_as_one_that_groups_by_neighbouring_system() {
    let class = |r: &Route| match r.class {
        Class::Local => 0,
        Class::Static => 1,
        Class::Floating => 3,
        _ => 2,
    };
    let key = |r: &Route, with_med: bool| {
        let a = &r.attributes;
        let (ibgp, id) = match r.via {
            Via::Local(_) => (false, 0),
            Via::Peer(peer) => (peer.kind == SessionKind::Ibgp, peer.id),
        };
        let own = matches!(r.via, Via::Local(_));
        let med = if with_med { a.med } else { 0 };
        let front = (class(r), u32::MAX - a.local_preference, !own, a.as_path.len(), a.origin);
        (front, med, ibgp, id, r.via.source())
    };
    for seed in 0..6_000 {
        let all = routes(&mut Stream::new(seed, "control", "grouped"));
        let mut groups: BTreeMap<Option<u32>, &Route> = BTreeMap::new();
        for route in &all {
            let best = groups.entry(route.attributes.as_path.first()).or_insert(route);
            *best = if key(route, true) < key(best, true) { route } else { best };
        }
        let best = groups.into_values().min_by_key(|r| key(r, false)).unwrap();
        assert_eq!(rank(Kind::Router, false, &all).unwrap().best(), best, "seed {seed}");
    }
}

/// Routers that go by the length of the path: parallel sessions, prepending and MEDs, systems of one router.
fn by_length(stream: &mut Stream) -> Net {
    let mut net = Net::default();
    let n = 2 + stream.below(6);
    let routers: Vec<TableIx> = (0..n).map(|n| net.table(Kind::Router, 65001 + n as u32)).collect();
    for (n, router) in routers.iter().enumerate() {
        net.plan.tables[*router].ecmp = stream.below(2) == 0;
        if n == 0 || stream.below(3) > 0 {
            net.own(*router, &format!("10.{n}.0.0/16"), Class::Local);
        }
        if stream.below(4) == 0 {
            net.own(*router, "10.99.0.0/16", Class::Local);
        }
    }
    // Who originates a default does so to everybody: by two sessions he tells the same.
    let originate: Vec<Vec<Cidr>> =
        routers.iter().map(|_| (stream.below(6) == 0).then(|| cidr("0.0.0.0/0")).into_iter().collect()).collect();
    let links = n + stream.below(n + 3);
    for _ in 0..links {
        let (a, b) = (stream.below(n) as usize, stream.below(n) as usize);
        if a != b {
            let mut policy = |at: usize| Export {
                prepend: stream.below(3) as u8,
                med: (stream.below(2) == 0).then(|| stream.below(3) as u32),
                originate: originate[at].clone(),
                ..Export::default()
            };
            let (there, back) = (policy(a), policy(b));
            let (a, b) = (routers[a], routers[b]);
            net.bgp(a, b, Class::Bgp, Class::Bgp, |s| s.exporting(there), |s| s.exporting(back));
        }
    }
    net
}

/// Customers, peers and providers: each prefers its customers' routes, and tells peers and providers only these.
fn by_contract(stream: &mut Stream) -> Net {
    const CUSTOMER: Class = Class::Site;
    const PEER: Class = Class::Peering;
    const PROVIDER: Class = Class::Bgp;
    let mut net = Net::default();
    let n = 3 + stream.below(6) as u32;
    for n in 0..n {
        let router = net.table(Kind::Router, 65001 + n);
        net.own(router, &format!("10.{n}.0.0/16"), Class::Local);
    }
    let preference = |value| Import { preference: Preference::Set(value), ..Import::default() };
    for a in 0..n {
        for b in a + 1..n {
            let few = Export::only(&[Class::Local, CUSTOMER]);
            let (up, down) = (TableIx(a), TableIx(b));
            match stream.below(4) {
                // `up` is the provider.
                0 | 1 => net.bgp(
                    up,
                    down,
                    CUSTOMER,
                    PROVIDER,
                    |s| s.importing(preference(100)),
                    |s| s.exporting(few).importing(preference(300)),
                ),
                2 => {
                    let peer = |s: Session| s.exporting(few.clone()).importing(preference(200));
                    net.bgp(up, down, PEER, PEER, peer, peer)
                }
                _ => continue,
            };
        }
    }
    net
}

/// AWS's gateways, and sites of one or two routers that tell only what is their own.
fn by_gateways(stream: &mut Stream) -> Net {
    let mut net = Net::default();
    let dxgw = net.table(Kind::Dxgw, 64512);
    let site_link = stream.below(2) == 0;
    let tgws = stream.below(2) == 0;
    let gateways: Vec<TableIx> = (0..1 + stream.below(3) as u32)
        .map(|n| {
            let gateway = net.table(if tgws { Kind::Tgw } else { Kind::Vgw }, 64513 + n);
            net.plan.tables[gateway].ecmp = stream.below(2) == 0;
            let block = format!("10.{n}.0.0/16");
            net.own(gateway, &block, if tgws { Class::Vpc } else { Class::Local });
            let allowed = vec![cidr(if stream.below(3) == 0 { "10.0.0.0/24" } else { &block })];
            let policy = if tgws { Export::tgw_to_dxgw(allowed) } else { Export::vgw_to_dxgw(allowed) };
            net.internal(gateway, dxgw, Class::Association, policy);
            net.internal(dxgw, gateway, Class::DirectConnectGateway, Export::dxgw_to_gateway());
            if stream.below(4) == 0 {
                net.own(gateway, "192.168.0.0/24", if tgws { Class::Static } else { Class::VpnStatic });
            }
            gateway
        })
        .collect();
    for n in 0..1 + stream.below(4) as u32 {
        let asn = 65001 + if stream.below(4) == 0 { 0 } else { n };
        let lans = vec![format!("192.168.{n}.0/24"), "192.168.100.0/24".to_owned()];
        let routers: Vec<TableIx> = (0..1 + stream.below(2)).map(|_| net.table(Kind::Router, asn)).collect();
        for lan in &lans {
            net.own(routers[stream.below(routers.len() as u64) as usize], lan, Class::Local);
        }
        if let [one, two] = routers[..] {
            net.bgp(one, two, Class::Site, Class::Site, |s| s, |s| s);
        }
        for router in routers {
            for gateway in gateways.iter().copied().chain([dxgw]) {
                for _ in 0..stream.below(3) {
                    let tag = [None, Some(Communities::PREFER_HIGH), Some(Communities::PREFER_LOW)];
                    let tell = Export {
                        filter: Filter::Exact(lans.iter().map(|lan| cidr(lan)).collect()),
                        prepend: stream.below(3) as u8,
                        communities: Communities::new(tag[stream.below(3) as usize]),
                        ..Export::default()
                    };
                    let (class, hear, told) = if gateway == dxgw {
                        let hear = Import::direct_connect(stream.below(2) == 0, site_link);
                        (Class::of_vif(site_link), hear, Export::dxgw_to_site(site_link))
                    } else {
                        let told = if tgws { Export::tgw_to_site() } else { Export::vgw_to_site() };
                        (Class::Vpn, Import::default(), told)
                    };
                    let limit = 1 + stream.below(20) as u32;
                    // A site does not take its own prefixes from AWS: a router that lost sight of them would tell one
                    // gateway what it heard from another, and gateways that go by the kind of route first may then
                    // chase each other for ever.
                    let others = (0..4).filter(|other| *other != n).map(|other| format!("192.168.{other}.0/24"));
                    let blocks = others.chain(["10.0.0.0/8".to_owned()]);
                    let accept = blocks.map(|block| Accept { block: cidr(&block), le: 24 }).collect();
                    let take = Import { accept: Some(accept), ..Import::default() };
                    let back = |s: Session| s.exporting(tell).importing(hear).limited(limit);
                    net.bgp(gateway, router, class, Class::Bgp, |s| s.exporting(told).importing(take), back);
                }
            }
        }
    }
    net
}

fn network(seed: u64) -> Net {
    let stream = &mut Stream::new(seed, "control", "network");
    match seed % 3 {
        0 => by_length(stream),
        1 => by_contract(stream),
        _ => by_gateways(stream),
    }
}

fn at_rest(seed: u64, plan: &Plan) -> Converged {
    converge(plan).unwrap_or_else(|e| panic!("seed {seed}: {e:?}\n{plan:#?}"))
}

#[test]
fn every_order_of_deliveries_ends_where_all_at_once_do() {
    let (mut told, mut refused, mut shared, mut down, mut most) = (0, 0, 0, 0, 0);
    for seed in 0..networks() {
        let plan = network(seed).plan;
        let all_at_once = at_rest(seed, &plan);
        for order in 0..2 {
            let mut stream = Stream::new(seed, "order", &order.to_string());
            let pick = |waiting: &[SessionIx]| stream.below(waiting.len() as u64) as usize;
            let one_by_one = converge_in_order(&plan, pick).unwrap_or_else(|e| panic!("seed {seed}: {e:?}"));
            let one_by_one = Converged { rounds: all_at_once.rounds, ..one_by_one };
            assert_eq!(one_by_one, all_at_once, "seed {seed}, order {order}");
        }
        // The last first: who waits longest goes on waiting.
        let last = converge_in_order(&plan, |waiting| waiting.len() - 1).expect("it rests");
        assert_eq!(last.ribs, all_at_once.ribs, "seed {seed}");
        told += all_at_once.ribs.iter().map(|rib| rib.len()).sum::<usize>();
        shared += all_at_once.ribs.iter().flat_map(|rib| rib.iter()).filter(|(_, ranked)| ranked.share > 1).count();
        refused += all_at_once.refused.len();
        down += all_at_once.down.len();
        most = most.max(all_at_once.rounds);
    }
    println!("{told} prefixes held, {shared} shared, {refused} refused, {down} sessions down, {most} rounds at most");
    assert!(told > 0 && shared > 0 && refused > 0 && down > 0, "the networks exercise what they should");
}

/// The same plan with its tables in another order; `place[old]` is the new position.
fn moved_tables(plan: &Plan, place: &[u32]) -> Plan {
    let at = |table: TableIx| TableIx(place[table.0 as usize]);
    let mut tables: Vec<_> = plan.tables.iter().zip(place).map(|(table, place)| (*place, table.clone())).collect();
    tables.sort_by_key(|(place, _)| *place);
    let sessions = plan.sessions.iter().map(|s| Session { from: at(s.from), to: at(s.to), ..s.clone() });
    Plan { tables: tables.into_iter().map(|(_, table)| table).collect(), sessions: sessions.collect() }
}

/// What a prefix's candidates are, without the handles: neighbour, class, attributes, best first.
fn said(plan: &Plan, done: &Converged, at: TableIx) -> BTreeMap<Cidr, Vec<(Option<u32>, Class, Attributes)>> {
    let one = |route: &Route| {
        let neighbour = match route.via {
            Via::Local(_) => None,
            Via::Peer(peer) => Some(plan.tables[peer.table].id),
        };
        (neighbour, route.class, route.attributes.clone())
    };
    done.ribs[at].iter().map(|(to, ranked)| (to, ranked.routes.iter().map(one).collect())).collect()
}

#[test]
fn rest_does_not_depend_on_the_order_of_tables_and_sessions() {
    for seed in 0..networks() / 4 {
        let plan = network(seed).plan;
        let done = at_rest(seed, &plan);
        let stream = &mut Stream::new(seed, "moved", "");
        let mut place: Vec<u32> = plan.tables.indices().map(|t| t.0).collect();
        shuffle(&mut place, stream);
        let moved = moved_tables(&plan, &place);
        let after = at_rest(seed, &moved);
        for table in plan.tables.indices() {
            let there = TableIx(place[table.0 as usize]);
            assert_eq!(said(&plan, &done, table), said(&moved, &after, there), "seed {seed}, tables");
        }
        if seed % 3 == 2 {
            // A gateway of AWS that has to choose goes by the order of sessions (BGP-3).
            continue;
        }
        let mut sessions: Vec<Session> = plan.sessions.iter().cloned().collect();
        shuffle(&mut sessions, stream);
        let mixed = Plan { tables: plan.tables.clone(), sessions: sessions.into_iter().collect::<IndexVec<_, _>>() };
        let after = at_rest(seed, &mixed);
        for table in plan.tables.indices() {
            assert_eq!(said(&plan, &done, table), said(&mixed, &after, table), "seed {seed}, sessions");
        }
    }
}

/// A path has no loop, and every route but a table's own is what its teller uses and may tell.
#[test]
fn at_rest_everybody_holds_what_the_others_tell() {
    for seed in 0..networks() / 4 {
        let plan = network(seed).plan;
        let done = at_rest(seed, &plan);
        let dead: BTreeSet<Option<u32>> = done.down.iter().map(|d| plan.sessions[d.session].bgp).collect();
        for (session, s) in plan.sessions.iter_enumerated() {
            let alive = !dead.contains(&s.bgp) || s.bgp.is_none();
            let (from, to) = (&done.ribs[s.from], &done.ribs[s.to]);
            let prefixes: BTreeSet<Cidr> =
                from.iter().chain(to.iter()).map(|(p, _)| p).chain(s.export.originate.iter().copied()).collect();
            for prefix in prefixes {
                let told = vpcsim_engine::control::export(&plan, session, prefix, from.best(prefix)).ok();
                let told = told.filter(|_| alive);
                let taken = told.and_then(|t| vpcsim_engine::control::import(&plan, session, prefix, t).ok());
                let held = to.get(prefix).and_then(|r| r.routes.iter().find(|r| r.session() == Some(session)));
                assert_eq!(held, taken.as_ref(), "seed {seed}, {session:?}, {prefix}");
            }
        }
    }
}

/// Messages under way, sessions that go down and come up again: the tables are those of a plan that was so always.
#[test]
fn speakers_end_where_the_plan_does_whatever_happened_before() {
    for seed in 0..networks() {
        let mut plan = network(seed).plan;
        for session in plan.sessions.indices() {
            // A limit takes a session down at rest; here speakers would have to do it.
            plan.sessions[session].limit = None;
        }
        let stream = &mut Stream::new(seed, "live", "");
        let mut live = Live::new(&plan);
        for _ in 0..3 {
            live.run(stream, 60);
            if !plan.sessions.is_empty() {
                let session = SessionIx(stream.below(plan.sessions.len() as u64) as u32);
                let up = live.plan().sessions[session].up;
                live.set_up(session, !up);
            }
        }
        live.finish(stream);
        let done = at_rest(seed, live.plan());
        assert_eq!(live.ribs(), &done.ribs, "seed {seed}");
    }
}
