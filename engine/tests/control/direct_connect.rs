//! Direct Connect: prefixes and their limits, communities, public interfaces, gateways.

use super::*;

/// BGP-13.
#[test]
fn one_prefix_too_many_takes_the_interface_down_case_19() {
    let mut net = Net::default();
    let tgw = net.table(Kind::Tgw, 64513);
    let dxgw = net.table(Kind::Dxgw, 64512);
    let site = net.table(Kind::Router, 65001);
    for n in 0..100 {
        net.own(site, &format!("192.168.{n}.0/24"), Class::Local);
        net.own(site, &format!("2001:db8:{n:x}::/48"), Class::Local);
    }
    net.internal(dxgw, tgw, Class::DirectConnectGateway, Export::dxgw_to_gateway());
    net.internal(tgw, dxgw, Class::Association, Export::tgw_to_dxgw(cidrs(&["10.0.0.0/8"])));
    let limit = |s: vpcsim_engine::control::Session| s.limited(aws::DX_PREFIXES_MAX);
    let (to_site, to_aws) = net.bgp(dxgw, site, Class::DirectConnect, Class::Bgp, |s| s, limit);
    net.bgp(tgw, site, Class::Vpn, Class::Bgp, |s| s.exporting(Export::tgw_to_site()), |s| s);
    let done = converge(&net.plan).unwrap();
    assert!(done.down.is_empty(), "a hundred of each family are taken");
    assert_eq!(done.ribs[tgw].best(cidr("192.168.7.0/24")).unwrap().class, Class::DirectConnectGateway);
    assert_eq!(done.ribs[site].best(cidr("10.0.0.0/8")).unwrap().session(), Some(to_site));

    net.own(site, "192.168.100.0/24", Class::Local);
    let done = converge(&net.plan).unwrap();
    assert_eq!(
        done.down.iter().map(|d| (d.session, d.prefixes, d.limit, d.ipv6)).collect::<Vec<_>>(),
        [(to_aws, 101, 100, false)]
    );
    assert!(done.ribs[dxgw].iter().all(|(_, ranked)| ranked.best().class == Class::Association), "all are lost");
    assert_eq!(done.ribs[tgw].best(cidr("192.168.7.0/24")).unwrap().class, Class::Vpn, "the VPN takes over");
    assert!(done.ribs[site].best(cidr("10.0.0.0/8")).is_none(), "the session is down both ways");
}

/// BGP-14, BGP-15, BGP-23.
#[test]
fn allowed_prefixes_filter_or_stand_case_20() {
    let announced = |kind, allowed: &str| {
        let mut net = Net::default();
        let gateway = net.table(kind, 64513);
        let dxgw = net.table(Kind::Dxgw, 64512);
        let site = net.table(Kind::Router, 65001);
        let vgw = kind == Kind::Vgw;
        net.own(gateway, "10.0.0.0/16", if vgw { Class::Local } else { Class::Vpc });
        let allowed = cidrs(&[allowed]);
        let policy = if vgw { Export::vgw_to_dxgw(allowed) } else { Export::tgw_to_dxgw(allowed) };
        net.internal(gateway, dxgw, Class::Association, policy);
        net.bgp(dxgw, site, Class::DirectConnect, Class::Bgp, |s| s.exporting(Export::dxgw_to_site(false)), |s| s);
        let done = converge(&net.plan).unwrap();
        let told: Vec<String> = done.ribs[site]
            .iter()
            .map(|(to, ranked)| {
                assert_eq!(ranked.best().attributes.as_path.as_slice(), [64512]);
                to.to_string()
            })
            .collect();
        let why = export(&net.plan, SessionIx(0), cidr("10.0.0.0/16"), done.ribs[gateway].best(cidr("10.0.0.0/16")));
        (told, why.err())
    };
    let told = |text: &str| vec![text.to_owned()];
    assert_eq!(announced(Kind::Vgw, "10.0.0.0/24"), (Vec::new(), Some(Withheld::Filter)));
    assert_eq!(announced(Kind::Vgw, "10.0.0.0/8"), (told("10.0.0.0/16"), None));
    assert_eq!(announced(Kind::Vgw, "10.0.0.0/16"), (told("10.0.0.0/16"), None));
    assert_eq!(announced(Kind::Tgw, "10.0.0.0/24"), (told("10.0.0.0/24"), Some(Withheld::Class)));
    assert_eq!(announced(Kind::Tgw, "10.0.0.0/8").0, told("10.0.0.0/8"));
}

/// Three virtual interfaces: at home with paths of 3 and 2 systems, in another Region with a path of 1.
fn three_interfaces(site_link: bool, communities: [u32; 3]) -> (Option<u32>, usize) {
    let mut net = Net::default();
    let dxgw = net.table(Kind::Dxgw, 64512);
    for (n, (prepend, tag)) in [2, 1, 0].into_iter().zip(communities).enumerate() {
        let site = net.table(Kind::Router, 65001 + n as u32);
        net.own(site, "192.168.0.0/16", Class::Local);
        let communities = if tag == 0 { Communities::none() } else { Communities::new([tag]) };
        let policy = Export { prepend, communities, ..Export::default() };
        let import = Import::direct_connect(n == 2, site_link);
        let vif = |s: vpcsim_engine::control::Session| s.exporting(policy).importing(import);
        let to_site = Export::dxgw_to_site(site_link);
        net.bgp(dxgw, site, Class::of_vif(site_link), Class::Bgp, |s| s.exporting(to_site), vif);
    }
    let done = converge(&net.plan).unwrap();
    let ranked = done.ribs[dxgw].get(cidr("192.168.0.0/16")).unwrap();
    let Via::Peer(peer) = ranked.best().via else { unreachable!() };
    (Some(peer.table.0 - 1), ranked.share)
}

/// BGP-8, BGP-9, BGP-11, BGP-12.
#[test]
fn preference_then_path_then_shared_case_21() {
    assert_eq!(three_interfaces(false, [0, 0, 0]), (Some(1), 1), "home, the shorter of two");
    assert_eq!(three_interfaces(false, [0, 0, Communities::PREFER_HIGH]), (Some(2), 1));
    assert_eq!(three_interfaces(true, [0, 0, 0]), (Some(2), 1), "SiteLink: the shortest path");
    // A medium tag is what home has without one.
    assert_eq!(three_interfaces(false, [0, 0, Communities::PREFER_MEDIUM]), (Some(2), 1));
    assert_eq!(three_interfaces(false, [Communities::PREFER_HIGH, 0, 0]), (Some(0), 1));
    let vif = |n| told(n, Class::DirectConnect, &[65000 + n], 10 * n);
    assert_eq!(rank(Kind::Dxgw, false, &[vif(1), vif(2), vif(3)]).unwrap().share, 3);
}

/// BGP-26: the MED, of one neighbouring system only.
#[test]
fn a_direct_connect_gateway_asks_for_the_med_before_it_shares() {
    let vif = |n, path: &[u32], med| told(n, Class::DirectConnect, path, med);
    assert_eq!(won(Kind::Dxgw, false, &[vif(1, &[65001], 20), vif(2, &[65001], 10)]), (Some(2), 1, Step::Med));
    assert_eq!(won(Kind::Dxgw, false, &[vif(1, &[65001], 20), vif(2, &[65002], 10)]).1, 2);
    assert_eq!(won(Kind::Dxgw, false, &[vif(1, &[65001, 65001], 0), vif(2, &[65001], 10)]).2, Step::PathLength);
}

/// Two customers' routers with a public virtual interface each, and AWS's public network in two Regions; the first router's
/// session is changed by `first`, both are heard `near` as of the first Region.
fn public(first: impl Fn(&mut Session), prefixes: &[&str]) -> (Net, [TableIx; 4]) {
    let mut net = Net::default();
    let (home, away) = (net.table(Kind::Public, aws::PUBLIC_ASN), net.table(Kind::Public, aws::PUBLIC_ASN));
    let (one, two) = (net.table(Kind::Router, 65001), net.table(Kind::Router, 65002));
    net.own(home, "203.0.113.7/32", Class::Local);
    net.own(away, "203.0.113.8/32", Class::Local);
    for (n, site, places) in
        [(0, one, [Distance::Region, Distance::Continent]), (1, two, [Distance::World, Distance::Region])]
    {
        for prefix in prefixes {
            net.own(site, prefix, Class::Local);
        }
        for (region, distance) in [home, away].into_iter().zip(places) {
            let tells = Export::public_to_site(distance);
            let hears = |mut s: Session| {
                s.import = Import::public(distance, None);
                s.limit = Some(aws::PUBLIC_PREFIXES_MAX);
                if n == 0 {
                    first(&mut s);
                }
                s
            };
            net.bgp(region, site, Class::DirectConnect, Class::Bgp, |s| s.exporting(tells), hears);
        }
    }
    (net, [home, away, one, two])
}

/// BGP-27: the path, `NO_EXPORT`, the tags; and nothing of one customer to the other.
#[test]
fn what_aws_announces_on_public_interfaces() {
    let (net, [home, away, one, two]) = public(|_| {}, &["198.51.100.0/24"]);
    let done = converge(&net.plan).unwrap();
    let told = |site: TableIx, to: &str| {
        let best = done.ribs[site].best(cidr(to)).unwrap().attributes.clone();
        (best.as_path.as_slice().to_vec(), best.communities)
    };
    let path = vec![7224; 3];
    let tags = |tag: &[u32]| Communities::new(tag.iter().copied().chain([Communities::NO_EXPORT]));
    assert_eq!(told(one, "203.0.113.7/32"), (path.clone(), tags(&[Communities::SAME_REGION])));
    assert_eq!(told(one, "203.0.113.8/32"), (path.clone(), tags(&[Communities::SAME_CONTINENT])));
    assert_eq!(told(two, "203.0.113.7/32"), (path.clone(), tags(&[])));
    assert_eq!(told(two, "203.0.113.8/32"), (path, tags(&[Communities::SAME_REGION])));
    // Each holds its own prefix by itself, and not by the other one.
    for site in [one, two] {
        assert_eq!(done.ribs[site].get(cidr("198.51.100.0/24")).unwrap().routes.len(), 1);
    }
    // BGP-29: paths of one length, so each Region takes the location that is its own.
    for (region, site) in [(home, 65001), (away, 65002)] {
        let ranked = done.ribs[region].get(cidr("198.51.100.0/24")).unwrap();
        assert_eq!((ranked.best().attributes.as_path.first(), ranked.share), (Some(site), 1));
    }
}

/// BGP-28, BGP-32: private prefixes are not taken, scopes are kept to, other communities are removed.
#[test]
fn what_aws_takes_on_public_interfaces() {
    let heard = |communities: &[u32], prefix: &str| {
        let (net, [home, away, ..]) =
            public(|s| s.export.communities = Communities::new(communities.iter().copied()), &[prefix]);
        let done = converge(&net.plan).unwrap();
        [home, away].map(|region| {
            let routes = done.ribs[region].get(cidr(prefix)).map(|r| r.routes.clone()).unwrap_or_default();
            routes.into_iter().find(|r| r.attributes.as_path.first() == Some(65001)).map(|r| r.attributes.communities)
        })
    };
    let none = || Some(Communities::none());
    assert_eq!(heard(&[], "198.51.100.0/24"), [none(), none()]);
    assert_eq!(heard(&[community(65001, 7), Communities::PREFER_HIGH], "198.51.100.0/24"), [none(), none()]);
    let scope = |tag| Some(Communities::new([tag]));
    assert_eq!(heard(&[Communities::SCOPE_REGION], "198.51.100.0/24"), [scope(Communities::SCOPE_REGION), None]);
    let continent = scope(Communities::SCOPE_CONTINENT);
    assert_eq!(heard(&[Communities::SCOPE_CONTINENT], "198.51.100.0/24"), [continent.clone(), continent]);
    assert_eq!(heard(&[Communities::SCOPE_REGION, Communities::SCOPE_GLOBAL], "198.51.100.0/24")[1], None);
    for private in
        ["10.1.0.0/16", "172.16.0.0/12", "192.168.1.0/24", "100.64.0.0/16", "169.254.0.0/24", "0.0.0.0/0", "fd00::/48"]
    {
        assert_eq!(heard(&[], private), [None, None], "{private}");
    }
    assert_eq!(heard(&[], "2001:db8::/48"), [none(), none()]);
}

/// BGP-29, BGP-31: the path, then the location's Region; sharing wants the same path and the same communities.
#[test]
fn which_public_interface_a_region_takes() {
    let route = |n, path: &[u32], preference, tags: &[u32]| {
        let mut route = told(n, Class::DirectConnect, path, 0);
        route.attributes.local_preference = preference;
        route.attributes.communities = Communities::new(tags.iter().copied());
        route
    };
    let won = |a: Route, b: Route| won(Kind::Public, false, &[a, b]);
    assert_eq!(won(route(1, &[1, 1], 200, &[]), route(2, &[2], 150, &[])), (Some(2), 1, Step::PathLength));
    assert_eq!(won(route(1, &[1], 150, &[]), route(2, &[1], 200, &[])), (Some(2), 1, Step::LocalPreference));
    assert_eq!(won(route(1, &[1], 200, &[]), route(2, &[1], 200, &[])), (Some(1), 2, Step::Order));
    assert_eq!(won(route(1, &[1], 200, &[]), route(2, &[2], 200, &[])).1, 1, "another path");
    assert_eq!(won(route(1, &[1], 200, &[]), route(2, &[1], 200, &[Communities::SCOPE_REGION])).1, 1);
    let paths = |asn: u32| {
        let (mut net, [home, _, one, _]) = public(|s| s.export.prepend = 3, &["198.51.100.0/24"]);
        net.plan.tables[one].asn = asn;
        let done = converge(&net.plan).unwrap();
        let ranked = done.ribs[home].get(cidr("198.51.100.0/24")).unwrap();
        let own = ranked.routes.iter().find(|r| r.attributes.as_path.first() == Some(asn)).unwrap();
        own.attributes.as_path.len()
    };
    assert_eq!((paths(65001), paths(64496)), (1, 4), "a private number, and one that is not");
}

/// BGP-30.
#[test]
fn a_public_interface_with_1001_prefixes_goes_down() {
    let many = |n: u32| {
        let all: Vec<String> = (0..n).map(|n| format!("198.{}.{}.0/24", 20 + n / 200, n % 200)).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let (net, _) = public(|_| {}, &all);
        converge(&net.plan).unwrap().down.len()
    };
    assert_eq!((many(1_000), many(1_001)), (0, 4), "two sessions with two Regions each");
}

/// BGP-10.
#[test]
fn an_explicit_low_is_below_another_region() {
    let low = Communities::PREFER_LOW;
    assert_eq!(three_interfaces(false, [low, low, 0]), (Some(2), 1));
    assert_eq!(three_interfaces(false, [low, low, low]), (Some(2), 1), "then the path decides");
}

/// BGP-12, BGP-16.
#[test]
fn a_direct_connect_gateway_joins_only_interfaces_with_associations() {
    for site_link in [false, true] {
        let mut net = Net::default();
        let dxgw = net.table(Kind::Dxgw, 64512);
        let vgws = [64513, 64514].map(|asn| net.table(Kind::Vgw, asn));
        let sites = [65001, 65002, 65003].map(|asn| net.table(Kind::Router, asn));
        for (n, vgw) in vgws.into_iter().enumerate() {
            let block = format!("10.{n}.0.0/16");
            net.own(vgw, &block, Class::Local);
            net.internal(vgw, dxgw, Class::Association, Export::vgw_to_dxgw(cidrs(&["10.0.0.0/8"])));
            net.internal(dxgw, vgw, Class::DirectConnectGateway, Export::dxgw_to_gateway());
        }
        for (n, site) in sites.into_iter().enumerate() {
            net.own(site, &format!("192.168.{n}.0/24"), Class::Local);
        }
        // Two sites by virtual interfaces, the third by a VPN of the first VPC.
        for site in &sites[..2] {
            let to_site = Export::dxgw_to_site(site_link);
            net.bgp(dxgw, *site, Class::of_vif(site_link), Class::Bgp, |s| s.exporting(to_site), |s| s);
        }
        net.bgp(vgws[0], sites[2], Class::Vpn, Class::Bgp, |s| s.exporting(Export::vgw_to_site()), |s| s);
        let done = converge(&net.plan).unwrap();
        let has = |table: TableIx, to: &str| done.ribs[table].best(cidr(to)).is_some();
        assert!(has(sites[0], "10.0.0.0/16") && has(vgws[1], "192.168.0.0/24"));
        assert!(!has(vgws[0], "10.1.0.0/16"), "not between associations");
        assert_eq!(has(sites[0], "192.168.1.0/24"), site_link, "between interfaces with SiteLink only");
        assert!(!has(sites[0], "192.168.2.0/24") && !has(sites[2], "192.168.0.0/24"), "not to the VPN");
        assert!(has(vgws[0], "192.168.2.0/24") && has(sites[2], "10.0.0.0/16"));
    }
}
