//! Tests of messages.

use super::*;

fn nets(list: &[&str]) -> Vec<IpNet> {
    list.iter().map(|net| net.parse().unwrap()).collect()
}
fn attributes() -> Attributes {
    Attributes {
        origin: Origin::Igp,
        as_path: AsPath::sequence(&[65_000, 4_200_000_001]),
        next_hop: Some(Ipv4Addr::new(169, 254, 10, 2)),
        next_hop_v6: None,
        med: Some(100),
        local_pref: Some(200),
        communities: vec![7224 << 16 | 7300, NO_EXPORT],
    }
}
fn v6() -> Attributes {
    Attributes { next_hop: None, next_hop_v6: Some("fd00::2".parse().unwrap()), ..attributes() }
}
fn open() -> Open {
    Open {
        asn: 4_200_000_001,
        hold_time: 30,
        router_id: Ipv4Addr::new(169, 254, 10, 2),
        families: vec![Family::Ipv4, Family::Ipv6],
        four_octet_as: true,
    }
}
/// One message of every kind and shape.
fn messages() -> Vec<Message> {
    let set = AsPath(vec![Segment::Sequence(vec![1, 2]), Segment::Set(vec![3, 4_200_000_000])]);
    let both = Attributes { next_hop: attributes().next_hop, as_path: set, origin: Origin::Incomplete, ..v6() };
    let bare =
        Attributes { med: None, local_pref: None, communities: vec![], as_path: AsPath::default(), ..attributes() };
    let update = |withdrawn: &[&str], announced: &[&str], attributes| {
        Message::Update(Update { withdrawn: nets(withdrawn), announced: nets(announced), attributes })
    };
    vec![
        Message::Open(open()),
        Message::Open(Open { asn: 64_512, families: vec![Family::Ipv4], four_octet_as: false, hold_time: 0, ..open() }),
        update(&["10.9.0.0/16"], &["10.0.0.0/16", "10.1.128.0/17", "0.0.0.0/0", "10.2.3.4/32"], Some(attributes())),
        update(&[], &["10.0.0.0/16"], Some(bare)),
        update(&[], &["fd00:1::/64", "::/0", "2001:db8::1/128"], Some(v6())),
        update(&["10.9.0.0/16", "fd00:9::/48"], &["10.0.0.0/16", "fd00:1::/64"], Some(both)),
        update(&["10.9.0.0/16", "10.8.0.0/13"], &[], None),
        update(&["fd00:9::/48"], &[], None),
        update(&[], &[], None),
        Message::Keepalive,
        Message::Notification(Notification::cease(Notification::SHUTDOWN)),
        Message::Notification(Notification { code: 2, subcode: 7, data: vec![65, 4, 0, 0, 0, 1] }),
    ]
}
/// Everything that is in the bytes, and how it ends.
fn decode(bytes: &[u8]) -> (Vec<Message>, Option<BgpError>) {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.push(bytes);
    loop {
        match decoder.poll() {
            Ok(Some(message)) => out.push(message),
            Ok(None) => return (out, None),
            Err(error) => {
                assert_eq!(decoder.poll(), Err(error.clone()), "an error stays");
                return (out, Some(error));
            }
        }
    }
}
/// An UPDATE with these attributes and one IPv4 prefix behind them.
fn with_attributes(attributes: &[u8]) -> Option<BgpError> {
    let len = 23 + attributes.len() + 3;
    let head = [&[0xff; 16][..], &(len as u16).to_be_bytes(), &[2, 0, 0], &(attributes.len() as u16).to_be_bytes()];
    decode(&[&head.concat()[..], attributes, &[16, 10, 0]].concat()).1
}

#[test]
fn messages_come_back_however_the_stream_is_cut() {
    let messages = messages();
    let bytes: Vec<u8> = messages.iter().flat_map(Message::encode).collect();
    assert_eq!(decode(&bytes), (messages.clone(), None));
    for size in [1, 7, 19, 20, 100] {
        let (mut decoder, mut got) = (Decoder::default(), Vec::new());
        for part in bytes.chunks(size) {
            decoder.push(part);
            while let Some(message) = decoder.poll().unwrap() {
                got.push(message);
            }
        }
        assert_eq!(got, messages);
    }
}

/// RFC 4271 section 4, byte by byte.
#[test]
fn the_bytes_are_those_of_the_rfc() {
    let header = |len: u8, kind: u8| [&[0xff; 16][..], &[0, len, kind]].concat();
    assert_eq!(Message::Keepalive.encode(), header(19, 4));
    let notification = Message::Notification(Notification::hold_timer_expired());
    assert_eq!(notification.encode(), [&header(21, 3)[..], &[4, 0]].concat());
    // RFC 6793 section 9: 23456 where 4200000001 (0xfa56ea01) does not fit.
    let expected = [
        &header(49, 1)[..],
        &[4, 0x5b, 0xa0, 0, 30, 169, 254, 10, 2, 20, 2, 18],
        &[1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 65, 4, 0xfa, 0x56, 0xea, 0x01],
    ];
    assert_eq!(Message::Open(open()).encode(), expected.concat());
    let a = Attributes { med: None, local_pref: None, communities: vec![], ..attributes() };
    let update = Update { withdrawn: nets(&["10.9.0.0/16"]), announced: nets(&["10.1.128.0/17"]), attributes: Some(a) };
    let expected = [
        &header(54, 2)[..],
        &[0, 3, 16, 10, 9, 0, 24],
        &[0x40, 1, 1, 0, 0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xe8, 0xfa, 0x56, 0xea, 0x01],
        &[0x40, 3, 4, 169, 254, 10, 2, 17, 10, 1, 128],
    ];
    assert_eq!(Message::Update(update).encode(), expected.concat());
}

#[test]
fn many_prefixes_are_split() {
    let v4 = (0..3_000_u32).map(|n| format!("10.{}.{}.0/24", n / 256, n % 256).parse().unwrap());
    let v6 = (0..1_000_u32).map(|n| format!("fd00:{n:x}::/64").parse().unwrap());
    let all: Vec<IpNet> = v4.chain(v6).collect();
    let attributes = Attributes { next_hop: attributes().next_hop, ..self::v6() };
    let update = Update { withdrawn: all.clone(), announced: all.clone(), attributes: Some(attributes) };
    let parts = update.split();
    let mut got = Update::default();
    for part in &parts {
        let message = Message::Update(part.clone());
        let bytes = message.encode();
        assert!(bytes.len() <= LEN_MAX);
        assert_eq!(decode(&bytes), (vec![message], None));
        got.withdrawn.extend(part.withdrawn.clone());
        got.announced.extend(part.announced.clone());
    }
    assert_eq!((&got.withdrawn, &got.announced), (&all, &all));
    // 12,000 and 9,000 bytes of prefixes each way.
    assert_eq!(parts.len(), 12);
    let small = Update { withdrawn: all[..5].to_vec(), ..Update::default() };
    assert_eq!(small.split(), [small]);
}

#[test]
fn a_message_of_exactly_the_limit_is_not_split() {
    // 23 bytes and 1018 prefixes of four, one of one.
    let mut withdrawn: Vec<IpNet> =
        (0..1_018_u32).map(|n| format!("10.{}.{}.0/24", n / 256, n % 256).parse().unwrap()).collect();
    withdrawn.extend(nets(&["0.0.0.0/0"]));
    let mut update = Update { withdrawn, ..Update::default() };
    assert_eq!(Message::Update(update.clone()).encode().len(), LEN_MAX);
    assert_eq!(update.split().len(), 1);
    update.withdrawn.extend(nets(&["0.0.0.0/0"]));
    assert_eq!(update.split().len(), 2);
}

#[test]
fn paths() {
    let mut path = AsPath::sequence(&[2, 3]);
    path.prepend(1);
    assert_eq!(path, AsPath::sequence(&[1, 2, 3]));
    assert_eq!((path.len(), path.first(), path.contains(3), path.contains(4)), (3, Some(1), true, false));
    let mut set = AsPath(vec![Segment::Set(vec![5, 6])]);
    assert_eq!((set.len(), set.first(), set.contains(6)), (1, None, true));
    set.prepend(4);
    assert_eq!((set.len(), set.first()), (2, Some(4)));
    let mut long = AsPath::sequence(&[7; 300]);
    assert_eq!((long.0.len(), long.len()), (2, 300));
    long.prepend(8);
    assert_eq!((long.0.len(), long.len(), long.first()), (3, 301, Some(8)));
    assert!(AsPath::sequence(&[]).is_empty());
}

/// RFC 4271 section 6: what each mistake is called.
#[test]
fn mistakes_have_the_codes_of_the_rfc() {
    let change = |message: &Message, at: usize, to: u8| {
        let mut bytes = message.encode();
        bytes[at] = to;
        let notification = decode(&bytes).1.map(|error| error.notification());
        notification.map(|n| (n.code, n.subcode, n.data))
    };
    let (keepalive, open) = (Message::Keepalive, Message::Open(open()));
    let wide = Message::Open(Open { asn: 65_000, ..self::open() });
    let cases = [
        (change(&keepalive, 0, 0), (1, 1, vec![])),
        (change(&keepalive, 17, 20), (1, 2, vec![0, 20])),
        (change(&keepalive, 17, 18), (1, 2, vec![0, 18])),
        (change(&open, 16, 0x20), (1, 2, vec![0x20, 49])),
        (change(&keepalive, 18, 9), (1, 3, vec![9])),
        (change(&open, 19, 3), (2, 1, vec![0, 4])),
        (change(&wide, 20, 0), (2, 2, vec![])),
        (change(&open, 23, 2), (2, 6, vec![])),
        (change(&open, 28, 19), (2, 0, vec![])),
        (change(&open, 29, 1), (2, 4, vec![])),
        (change(&open, 32, 5), (2, 0, vec![])),
    ];
    for (got, expected) in cases {
        assert_eq!(got, Some(expected));
    }
    let nobody = Message::Open(Open { router_id: Ipv4Addr::UNSPECIFIED, ..self::open() });
    assert_eq!(decode(&nobody.encode()).1, Some(BgpError::RouterId));
    let own = Message::Open(Open { hold_time: 1, ..self::open() });
    assert_eq!(decode(&own.encode()).1, Some(BgpError::HoldTime(1)));
}

#[test]
fn mistakes_in_updates_have_the_codes_of_the_rfc() {
    let (origin, path, hop) = ([0x40, 1, 1, 0], [0x40, 2, 0], [0x40, 3, 4, 10, 0, 0, 1]);
    let with = |more: &[u8]| with_attributes(&[&origin[..], &path, &hop, more].concat());
    assert_eq!(with(&[]), None);
    assert_eq!(with(&[0xc0, 99, 2, 1, 1]), None, "optional and unknown");
    let cases = [
        (with(&[0x40, 5]), (3, 1, vec![])),
        (with(&[0x40, 5, 9, 0]), (3, 1, vec![])),
        (with(&origin), (3, 1, vec![])),
        (with(&[0x40, 99, 1, 7]), (3, 2, vec![0x40, 99, 1, 7])),
        (with_attributes(&[&path[..], &hop].concat()), (3, 3, vec![1])),
        (with_attributes(&[&origin[..], &hop].concat()), (3, 3, vec![2])),
        (with_attributes(&[&origin[..], &path].concat()), (3, 3, vec![3])),
        (with(&[0x40, 4, 4, 0, 0, 0, 1]), (3, 4, vec![0x40, 4, 4, 0, 0, 0, 1])),
        (with(&[0x80, 4, 2, 0, 0]), (3, 5, vec![0x80, 4, 2, 0, 0])),
        (with_attributes(&[0x40, 1, 1, 3]), (3, 6, vec![0x40, 1, 1, 3])),
        (with_attributes(&[0x40, 3, 4, 224, 0, 0, 1]), (3, 8, vec![0x40, 3, 4, 224, 0, 0, 1])),
        (with(&[0xc0, 8, 3, 0, 0, 0]), (3, 9, vec![0xc0, 8, 3, 0, 0, 0])),
        (with(&[0x80, 14, 2, 0, 2]), (3, 9, vec![0x80, 14, 2, 0, 2])),
        (with_attributes(&[0x40, 2, 2, 9, 0]), (3, 11, vec![])),
    ];
    for (got, expected) in cases {
        assert_eq!(got.map(|e| e.notification()).map(|n| (n.code, n.subcode, n.data)), Some(expected));
    }
    let update = Message::Update(Update { withdrawn: nets(&["10.9.0.0/16"]), ..Update::default() });
    for (at, to, expected) in [(21, 33, BgpError::Network), (20, 9, BgpError::AttributeList)] {
        let mut bytes = update.encode();
        bytes[at] = to;
        assert_eq!(decode(&bytes).1, Some(expected));
    }
}

/// RFC 2545: a link-local next hop behind the global one; RFC 4760: IPv4 in `MP_REACH_NLRI`, and families nobody asked for;
/// RFC 4271 section 6.3: multicast is passed over.
#[test]
fn what_others_write_is_read() {
    let message = |attributes: &[u8]| {
        let all = [&[0x40, 1, 1, 0, 0x40, 2, 0][..], attributes].concat();
        let len = (23 + all.len()) as u16;
        let head = [&[0xff; 16][..], &len.to_be_bytes(), &[2, 0, 0], &(all.len() as u16).to_be_bytes()].concat();
        let (messages, error) = decode(&[head, all].concat());
        assert_eq!(error, None);
        let [Message::Update(update)] = messages.as_slice() else { panic!("{messages:?}") };
        (update.announced.clone(), update.attributes.as_ref().map(|a| (a.next_hop, a.next_hop_v6)))
    };
    let mut v6 = vec![0x80, 14, 39, 0, 2, 1, 32];
    v6.extend("fd00::1".parse::<Ipv6Addr>().unwrap().octets());
    v6.extend("fe80::1".parse::<Ipv6Addr>().unwrap().octets());
    v6.extend([0, 8, 0xfd]);
    assert_eq!(message(&v6), (nets(&["fd00::/8"]), Some((None, Some("fd00::1".parse().unwrap())))));
    let v4 = [0x80, 14, 11, 0, 1, 1, 4, 10, 0, 0, 1, 0, 8, 10];
    assert_eq!(message(&v4), (nets(&["10.0.0.0/8"]), Some((Some(Ipv4Addr::new(10, 0, 0, 1)), None))));
    let multicast = [0x80, 14, 15, 0, 1, 1, 4, 10, 0, 0, 1, 0, 8, 10, 8, 230, 3, 224];
    assert_eq!(message(&multicast).0, nets(&["10.0.0.0/8", "224.0.0.0/3"]));
    let vpn = [0x80, 14, 7, 0, 1, 128, 0, 0, 8, 10];
    assert_eq!(message(&vpn), (vec![], None));
}

#[test]
fn damage_panics_nowhere() {
    for message in messages() {
        let bytes = message.encode();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // What is still a message can be written, and is then read as the same; a family nobody knows is forgotten.
            for read in decode(&damaged).0 {
                if matches!(&read, Message::Open(open) if open.families.is_empty()) {
                    continue;
                }
                assert_eq!(decode(&read.encode()), (vec![read], None));
            }
        }
        for (at, to) in (16..bytes.len()).flat_map(|at| [0, 1, 0x7f, 0xff].map(|to| (at, to))) {
            let mut damaged = bytes.clone();
            damaged[at] = to;
            let _ = decode(&damaged);
            for len in 19..bytes.len() {
                let mut cut = damaged[..len].to_vec();
                cut[16..18].copy_from_slice(&(len as u16).to_be_bytes());
                let _ = decode(&cut);
            }
        }
    }
}
