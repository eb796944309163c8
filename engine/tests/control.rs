//! The control plane against AWS's pages: which route wins, what is told to whom, what is lost.
//!
//! Expected values come from `docs/behaviour/route-selection.md`, never from a run. A name that ends in `_case_N` is
//! one of the tricky cases that the design lists.

#[path = "control/direct_connect.rs"]
mod direct_connect;
#[path = "control/live.rs"]
mod live;
#[path = "control/net.rs"]
mod net;
#[path = "control/random.rs"]
mod random;

use net::{Net, cidr, cidrs};
use vpcsim_engine::control::{
    Accept, Attributes, Class, Communities, Distance, Export, Filter, Import, Kind, Origin, Peer, Preference, Refused,
    Route, Session, SessionIx, SessionKind, Step, TableIx, Via, Withheld, aws, community, converge, converge_in_order,
    export, rank,
};

/// A route that session `n` of a neighbour in system `path[0]` brought.
fn told(n: u32, class: Class, path: &[u32], med: u32) -> Route {
    let peer = Peer { session: SessionIx(n), table: TableIx(n), kind: SessionKind::Ebgp, id: 1000 - n, bundle: None };
    let attributes = Attributes { as_path: path.into(), med, ..Attributes::default() };
    Route { to: cidr("192.168.0.0/16"), via: Via::Peer(peer), class, attributes }
}

/// The session of the best, how many share, and why.
fn won(kind: Kind, ecmp: bool, routes: &[Route]) -> (Option<u32>, usize, Step) {
    let ranked = rank(kind, ecmp, routes).expect("there is a route");
    (ranked.best().session().map(|s| s.0), ranked.share, ranked.by)
}

/// BGP-1.
#[test]
fn a_virtual_private_gateway_asks_for_the_kind_first() {
    let own = Route::local(cidr("192.168.0.0/16"), 7, Class::VpnStatic);
    let dx = told(1, Class::DirectConnect, &[1, 1, 1, 1], 900);
    let vpn = told(2, Class::Vpn, &[1], 0);
    assert_eq!(won(Kind::Vgw, false, &[vpn.clone(), own.clone(), dx]), (Some(1), 1, Step::Class));
    assert_eq!(won(Kind::Vgw, false, &[vpn, own]), (None, 1, Step::Class));
}

/// BGP-1, BGP-3.
#[test]
fn then_for_the_path_and_for_the_med_of_one_neighbouring_system() {
    let vpn = |n, path: &[u32], med| told(n, Class::Vpn, path, med);
    assert_eq!(
        won(Kind::Vgw, false, &[vpn(1, &[65001, 65001], 0), vpn(2, &[65002], 9)]),
        (Some(2), 1, Step::PathLength)
    );
    assert_eq!(won(Kind::Vgw, false, &[vpn(1, &[65001], 200), vpn(2, &[65001], 100)]), (Some(2), 1, Step::Med));
    // Of two systems the MEDs say nothing: which one is used is not told.
    assert_eq!(won(Kind::Vgw, false, &[vpn(1, &[65001], 200), vpn(2, &[65002], 100)]).2, Step::Order);
}

/// RFC 4271, 9.1.2.2 c: the MED drops `a` although `b`, which drops it, does not win.
#[test]
fn a_med_drops_a_route_that_would_win_against_the_winner() {
    let mut a = told(1, Class::Bgp, &[65001], 20);
    let mut b = told(2, Class::Bgp, &[65001], 10);
    let mut c = told(3, Class::Bgp, &[65002], 30);
    for (route, id) in [(&mut a, 1), (&mut b, 3), (&mut c, 2)] {
        let Via::Peer(peer) = &mut route.via else { unreachable!() };
        peer.id = id;
    }
    let pair = |x: &Route, y: &Route| won(Kind::Router, false, &[x.clone(), y.clone()]).0;
    assert_eq!((pair(&a, &c), pair(&c, &b), pair(&b, &a)), (Some(1), Some(3), Some(2)), "no winner two by two");
    for order in [[&a, &b, &c], [&c, &b, &a], [&b, &c, &a], [&a, &c, &b], [&b, &a, &c], [&c, &a, &b]] {
        let ranked = rank(Kind::Router, false, &order.map(Route::clone)).unwrap();
        let sessions: Vec<u32> = ranked.routes.iter().map(|r| r.session().unwrap().0).collect();
        // Without `c` the next is `b`, whose MED is lower than that of `a`.
        assert_eq!(sessions, [3, 2, 1]);
    }
}

/// BGP-24.
#[test]
fn a_router_asks_step_by_step() {
    let base = told(5, Class::Bgp, &[65001, 65009], 50);
    let with = |change: &dyn Fn(&mut Route)| {
        let mut route = told(6, Class::Bgp, &[65001, 65009], 50);
        let Via::Peer(peer) = &mut route.via else { unreachable!() };
        peer.id = 2000;
        change(&mut route);
        route
    };
    let peer = |change: fn(&mut Peer)| {
        move |route: &mut Route| {
            let Via::Peer(peer) = &mut route.via else { unreachable!() };
            change(peer);
        }
    };
    let better = [
        (with(&|r| r.class = Class::Static), Step::Class),
        (with(&|r| r.attributes.local_preference = 101), Step::LocalPreference),
        (with(&|r| r.via = Via::Local(1)), Step::Own),
        (with(&|r| r.attributes.as_path = [65002].as_slice().into()), Step::PathLength),
        (with(&|r| r.attributes.med = 49), Step::Med),
        (with(&peer(|p| p.id = 3)), Step::NeighbourId),
    ];
    for (route, by) in &better {
        assert_eq!((route.session().map(|s| s.0), 1, *by), won(Kind::Router, false, &[base.clone(), route.clone()]));
    }
    let worse = [
        (with(&|r| r.class = Class::Floating), Step::Class),
        (with(&|r| r.attributes.origin = Origin::Incomplete), Step::Origin),
        (with(&peer(|p| (p.kind, p.id) = (SessionKind::Ibgp, 3))), Step::External),
        (with(&peer(|p| (p.id, p.session) = (995, SessionIx(9)))), Step::Order),
    ];
    for (route, by) in &worse {
        assert_eq!((Some(5), 1, *by), won(Kind::Router, false, &[route.clone(), base.clone()]));
    }
}

/// Two sites, each with a router, on one virtual private gateway.
fn cloud_hub(asns: [u32; 2]) -> (Net, [TableIx; 3]) {
    let mut net = Net::default();
    let vgw = net.table(Kind::Vgw, 64512);
    net.own(vgw, "10.0.0.0/16", Class::Local);
    let sites = asns.map(|asn| net.table(Kind::Router, asn));
    for (n, site) in sites.into_iter().enumerate() {
        net.own(site, &format!("192.168.{n}.0/24"), Class::Local);
        net.bgp(vgw, site, Class::Vpn, Class::Bgp, |s| s.exporting(Export::vgw_to_site()), |s| s);
    }
    (net, [vgw, sites[0], sites[1]])
}

/// BGP-17, BGP-18.
#[test]
fn cloud_hub_joins_sites_with_numbers_of_their_own() {
    let (net, [_, one, two]) = cloud_hub([65001, 65002]);
    let done = converge(&net.plan).unwrap();
    assert_eq!(net.path(&done, one, "192.168.1.0/24").unwrap(), [64512, 65002]);
    assert_eq!(net.path(&done, two, "192.168.0.0/24").unwrap(), [64512, 65001]);
    assert_eq!(net.path(&done, two, "10.0.0.0/16").unwrap(), [64512]);
    assert!(done.refused.is_empty());

    let (mut net, [vgw, one, two]) = cloud_hub([65001, 65001]);
    let done = converge(&net.plan).unwrap();
    assert_eq!(net.path(&done, two, "192.168.0.0/24"), None);
    assert_eq!(net.path(&done, two, "10.0.0.0/16").unwrap(), [64512], "the VPC is reached all the same");
    let refused =
        |at| done.refused[&(net.between(vgw, at), cidr(if at == one { "192.168.1.0/24" } else { "192.168.0.0/24" }))];
    assert_eq!([refused(one), refused(two)], [Refused::OwnAs; 2]);
    // A router may be told to take it.
    let session = net.between(vgw, two);
    net.plan.sessions[session].import.allow_own_as = 1;
    assert_eq!(net.path(&converge(&net.plan).unwrap(), two, "192.168.0.0/24").unwrap(), [64512, 65001]);
}

/// TGW-11.
#[test]
fn static_vpn_before_direct_connect_before_vpn_case_13() {
    let mut net = Net::default();
    let tgw = net.table(Kind::Tgw, 64513);
    let dxgw = net.table(Kind::Dxgw, 64512);
    let site = net.table(Kind::Router, 65001);
    net.own(site, "172.16.0.0/12", Class::Local);
    net.internal(dxgw, tgw, Class::DirectConnectGateway, Export::dxgw_to_gateway());
    let (_, vif) = net.bgp(dxgw, site, Class::DirectConnect, Class::Bgp, |s| s, |s| s);
    net.bgp(tgw, site, Class::Vpn, Class::Bgp, |s| s.exporting(Export::tgw_to_site()), |s| s);
    let to = cidr("172.16.0.0/12");
    net.own(tgw, "172.16.0.0/12", Class::Static);
    let done = converge(&net.plan).unwrap();
    let order: Vec<Class> = done.ribs[tgw].get(to).unwrap().routes.iter().map(|r| r.class).collect();
    assert_eq!(order, [Class::Static, Class::DirectConnectGateway, Class::Vpn]);

    net.plan.tables[tgw].locals.clear();
    assert_eq!(converge(&net.plan).unwrap().ribs[tgw].best(to).unwrap().class, Class::DirectConnectGateway);
    net.plan.sessions[vif].up = false;
    assert_eq!(converge(&net.plan).unwrap().ribs[tgw].best(to).unwrap().class, Class::Vpn);
}

/// BGP-5.
#[test]
fn static_vpns_never_share_case_14() {
    let own = |id| Route::local(cidr("192.168.0.0/16"), id, Class::Static);
    assert_eq!(rank(Kind::Tgw, true, &[own(1), own(2)]).unwrap().share, 1);

    let vpn = |n, path: &[u32]| told(n, Class::Vpn, path, 0);
    let two = [vpn(1, &[65001]), vpn(2, &[65001])];
    assert_eq!(rank(Kind::Tgw, true, &two).unwrap().share, 2);
    assert_eq!(rank(Kind::Tgw, false, &two).unwrap().share, 1, "the option is off");
    assert_eq!(rank(Kind::Tgw, true, &[vpn(1, &[65001]), vpn(2, &[65002])]).unwrap().share, 1, "another system");
    let mut tagged = two.clone();
    tagged[1].attributes.communities = Communities::new([community(65001, 1)]);
    assert_eq!(rank(Kind::Tgw, true, &tagged).unwrap().share, 1, "other communities");
}

/// BGP-6, BGP-22, BGP-7, BGP-4.
#[test]
fn connect_peers_and_direct_connect_gateways_share_by_path() {
    let by = |n, bundle| {
        let mut route = told(n, Class::Connect, &[65001], 0);
        let Via::Peer(peer) = &mut route.via else { unreachable!() };
        peer.bundle = Some(bundle);
        route
    };
    // Two peers with two sessions each.
    let ranked = rank(Kind::Tgw, false, &[by(1, 1), by(2, 1), by(3, 2), by(4, 2)]).unwrap();
    let peers: Vec<u32> = ranked.sharing().iter().map(|r| r.session().unwrap().0).collect();
    assert_eq!(peers, [1, 3]);
    let dxgw = |n, path: &[u32]| told(n, Class::DirectConnectGateway, path, 0);
    assert_eq!(rank(Kind::Tgw, false, &[dxgw(1, &[65001]), dxgw(2, &[65001])]).unwrap().share, 2);
    assert_eq!(rank(Kind::Tgw, false, &[dxgw(1, &[65001]), dxgw(2, &[65002])]).unwrap().share, 1);
    let classes = [Class::Peering, Class::Vpn, Class::PrivateVpn, Class::Connect];
    for pair in classes.windows(2) {
        let routes = [told(1, pair[0], &[1], 0), told(2, pair[1], &[1, 2, 3], 9)];
        assert_eq!(won(Kind::Tgw, true, &routes), (Some(2), 1, Step::Class));
    }
    let vpn = |n, path: &[u32], med| told(n, Class::Vpn, path, med);
    assert_eq!(won(Kind::Tgw, true, &[vpn(1, &[1, 2], 0), vpn(2, &[1], 5)]), (Some(2), 1, Step::PathLength));
    assert_eq!(won(Kind::Tgw, true, &[vpn(1, &[1], 6), vpn(2, &[1], 5)]), (Some(2), 1, Step::Med));
}

/// A virtual private gateway and a site, joined by `n` tunnels.
fn tunnels(n: u32) -> (Net, TableIx, TableIx, Vec<(SessionIx, SessionIx)>) {
    let mut net = Net::default();
    let vgw = net.table(Kind::Vgw, 64512);
    net.own(vgw, "10.0.0.0/16", Class::Local);
    let site = net.table(Kind::Router, 65001);
    net.own(site, "192.168.0.0/16", Class::Local);
    net.plan.tables[site].ecmp = true;
    let pairs =
        (0..n).map(|_| net.bgp(vgw, site, Class::Vpn, Class::Bgp, |s| s.exporting(Export::vgw_to_site()), |s| s));
    let pairs = pairs.collect();
    (net, vgw, site, pairs)
}

/// BGP-2.
#[test]
fn a_virtual_private_gateway_sends_by_one_tunnel_case_17() {
    let (net, vgw, site, _) = tunnels(4);
    let done = converge(&net.plan).unwrap();
    let here = done.ribs[vgw].get(cidr("192.168.0.0/16")).unwrap();
    assert_eq!((here.routes.len(), here.share), (4, 1));
    assert_eq!(done.ribs[site].get(cidr("10.0.0.0/16")).unwrap().share, 4, "the site may send by any");
}

/// BGP-19.
#[test]
fn a_tunnel_update_moves_whom_the_med_decides_for_case_18() {
    let (mut net, _, site, pairs) = tunnels(2);
    for (n, (down, _)) in pairs.iter().enumerate() {
        let export = Export::vgw_to_site().by_tunnel(n == 1);
        net.plan.sessions[*down].export = export;
    }
    let vpc = cidr("10.0.0.0/16");
    let done = converge(&net.plan).unwrap();
    let ranked = done.ribs[site].get(vpc).unwrap();
    assert_eq!((ranked.best().session(), ranked.share, ranked.by), (Some(pairs[1].0), 1, Step::Med));
    assert_eq!(ranked.best().attributes.med, aws::TUNNEL_MED);

    // A router with a preference of its own stays on the tunnel that is being updated.
    net.plan.sessions[pairs[0].0].import.preference = Preference::Set(200);
    let done = converge(&net.plan).unwrap();
    let ranked = done.ribs[site].get(vpc).unwrap();
    assert_eq!((ranked.best().session(), ranked.by), (Some(pairs[0].0), Step::LocalPreference));
}

/// BGP-20: what a VPN is told is the table it is associated with, not the one it propagates into.
#[test]
fn a_site_hears_the_table_of_its_association() {
    let mut net = Net::default();
    let [associated, propagated] = [(); 2].map(|()| net.table(Kind::Tgw, 64513));
    net.own(associated, "10.0.0.0/16", Class::Vpc);
    net.own(propagated, "10.1.0.0/16", Class::Vpc);
    let site = net.table(Kind::Router, 65001);
    net.own(site, "192.168.0.0/16", Class::Local);
    net.one_way(associated, site, Class::Bgp, Export::tgw_to_site());
    net.one_way(site, propagated, Class::Vpn, Export::default());
    let done = converge(&net.plan).unwrap();
    assert!(done.ribs[site].best(cidr("10.0.0.0/16")).is_some() && done.ribs[site].best(cidr("10.1.0.0/16")).is_none());
    assert!(done.ribs[propagated].best(cidr("192.168.0.0/16")).is_some());
    assert!(done.ribs[associated].best(cidr("192.168.0.0/16")).is_none());
}

/// BGP-21.
#[test]
fn a_connect_peer_of_the_own_system_passes_on_what_others_originate() {
    let mut net = Net::default();
    let tgw = net.table(Kind::Tgw, 64513);
    let appliance = net.table(Kind::Router, 64513);
    let site = net.table(Kind::Router, 65001);
    net.own(appliance, "192.168.0.0/24", Class::Local);
    net.own(site, "192.168.1.0/24", Class::Local);
    let heard = |s: vpcsim_engine::control::Session| s.importing(Import::connect_ibgp());
    net.bgp(tgw, appliance, Class::Connect, Class::Bgp, |s| s, heard);
    net.bgp(appliance, site, Class::Bgp, Class::Bgp, |s| s, |s| s);
    let done = converge(&net.plan).unwrap();
    assert_eq!(net.path(&done, tgw, "192.168.1.0/24").unwrap(), [65001]);
    assert_eq!(net.path(&done, tgw, "192.168.0.0/24"), None);
    assert_eq!(done.refused.values().copied().collect::<Vec<_>>(), [Refused::NotForeign]);
}

#[test]
fn inside_a_system_nobody_passes_on_what_he_heard_inside() {
    let mut net = Net::default();
    let routers = [(); 3].map(|()| net.table(Kind::Router, 65001));
    let outside = net.table(Kind::Router, 65002);
    net.own(outside, "10.0.0.0/8", Class::Local);
    net.bgp(routers[0], outside, Class::Bgp, Class::Bgp, |s| s, |s| s);
    for pair in routers.windows(2) {
        net.bgp(pair[0], pair[1], Class::Site, Class::Site, |s| s, |s| s);
    }
    let done = converge(&net.plan).unwrap();
    assert_eq!(net.path(&done, routers[1], "10.0.0.0/8").unwrap(), [65002], "nothing is added inside");
    assert_eq!(net.path(&done, routers[2], "10.0.0.0/8"), None);
    let (session, to) = (net.between(routers[1], routers[2]), cidr("10.0.0.0/8"));
    assert_eq!(export(&net.plan, session, to, done.ribs[routers[1]].best(to)), Err(Withheld::Inside));

    // With a session between each two it works.
    net.bgp(routers[0], routers[2], Class::Site, Class::Site, |s| s, |s| s);
    assert_eq!(net.path(&converge(&net.plan).unwrap(), routers[2], "10.0.0.0/8").unwrap(), [65002]);
}

#[test]
fn policies_of_a_customers_router() {
    let mut net = Net::default();
    let one = net.table(Kind::Router, 65001);
    let two = net.table(Kind::Router, 65002);
    let three = net.table(Kind::Router, 65003);
    for block in ["10.0.0.0/16", "10.1.0.0/16", "192.168.0.0/24"] {
        net.own(one, block, Class::Local);
    }
    let policy = Export {
        filter: Filter::Exact(cidrs(&["10.0.0.0/16", "192.168.0.0/24"])),
        originate: vec![cidr("0.0.0.0/0")],
        prepend: 2,
        med: Some(70),
        communities: Communities::new([Communities::NO_EXPORT]),
        ..Export::default()
    };
    let accept = Import {
        accept: Some(vec![
            Accept { block: cidr("10.0.0.0/8"), le: 16 },
            Accept { block: cidr("192.168.0.0/16"), le: 16 },
            Accept { block: cidr("0.0.0.0/0"), le: 0 },
        ]),
        preference: Preference::Set(300),
        ..Import::default()
    };
    net.bgp(one, two, Class::Bgp, Class::Bgp, |s| s.exporting(policy).importing(accept), |s| s);
    net.bgp(two, three, Class::Bgp, Class::Bgp, |s| s, |s| s);
    let done = converge(&net.plan).unwrap();
    let held: Vec<String> = done.ribs[two].iter().map(|(to, _)| to.to_string()).collect();
    assert_eq!(held, ["0.0.0.0/0", "10.0.0.0/16"]);
    let got = &done.ribs[two].best(cidr("10.0.0.0/16")).unwrap().attributes;
    assert_eq!((got.as_path.as_slice(), got.med, got.local_preference), ([65001; 3].as_slice(), 70, 300));
    assert!(done.ribs[three].is_empty(), "NO_EXPORT");
    assert_eq!(done.refused[&(SessionIx(0), cidr("192.168.0.0/24"))], Refused::NotAccepted);

    // Without the tag it goes on, and the MED stays behind.
    net.plan.sessions[SessionIx(0)].export.communities = Communities::none();
    let done = converge(&net.plan).unwrap();
    let got = &done.ribs[three].best(cidr("10.0.0.0/16")).unwrap().attributes;
    assert_eq!(
        (got.as_path.as_slice(), got.med, got.local_preference),
        ([65002, 65001, 65001, 65001].as_slice(), 0, 100)
    );
}

/// Three routers around an origin, each of which would rather go by the next than straight (Griffin's "bad gadget").
#[test]
fn policies_that_contradict_each_other_are_named() {
    let mut net = Net::default();
    let origin = net.table(Kind::Router, 65000);
    net.own(origin, "10.0.0.0/8", Class::Local);
    net.own(origin, "10.9.0.0/16", Class::Local);
    let ring = [65001, 65002, 65003].map(|asn| net.table(Kind::Router, asn));
    for n in 0..3 {
        // 10.9.0.0/16 comes to rest: only the first router hears of it.
        let filter = if n == 0 { Filter::All } else { Filter::Exact(cidrs(&["10.0.0.0/8"])) };
        net.one_way(origin, ring[n], Class::Bgp, Export { filter, ..Export::default() });
        let session = net.one_way(ring[(n + 1) % 3], ring[n], Class::Site, Export::only(&[Class::Bgp]));
        net.plan.sessions[session].import.preference = Preference::Set(200);
    }
    let failed = converge(&net.plan).unwrap_err();
    assert_eq!(failed.prefixes, cidrs(&["10.0.0.0/8"]));
    assert_eq!(converge_in_order(&net.plan, |waiting| waiting.len() / 2).unwrap_err().prefixes, failed.prefixes);
}

/// BGP-23: a customer's router that passes on what a VPN told comes back over Direct Connect, and is refused; else the
/// transit gateway would take it before the VPN, take it back from the VPN's site, and begin again.
#[test]
fn a_gateway_refuses_its_own_system_from_a_direct_connect_gateway() {
    let mut net = Net::default();
    let tgw = net.table(Kind::Tgw, 64513);
    let dxgw = net.table(Kind::Dxgw, 64512);
    let [far, near] = [65001, 65002].map(|asn| net.table(Kind::Router, asn));
    net.own(far, "192.168.0.0/16", Class::Local);
    let from_dx = net.internal(dxgw, tgw, Class::DirectConnectGateway, Export::dxgw_to_gateway());
    for site in [far, near] {
        net.bgp(tgw, site, Class::Vpn, Class::Bgp, |s| s.exporting(Export::tgw_to_site()), |s| s);
    }
    net.bgp(dxgw, near, Class::DirectConnect, Class::Bgp, |s| s.exporting(Export::dxgw_to_site(false)), |s| s);
    let done = converge(&net.plan).unwrap();
    assert_eq!(net.path(&done, dxgw, "192.168.0.0/16").unwrap(), [65002, 64513, 65001]);
    assert_eq!(net.path(&done, tgw, "192.168.0.0/16").unwrap(), [65001]);
    assert_eq!(done.refused[&(from_dx, cidr("192.168.0.0/16"))], Refused::OwnAs);
}
