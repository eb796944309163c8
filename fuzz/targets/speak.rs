//! Bytes that claim to come from a peer: of a BGP session, of BFD, of IKE. No bytes make a speaker panic, and whatever a peer
//! says well, is said again in the same words.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, Ipv4Addr};
use vpcsim_engine::base::{Instant, Nanos, Stream};
use vpcsim_engine::speak::bfd::{BfdConfig, BfdSession};
use vpcsim_engine::speak::{BgpConfig, BgpEvent, BgpSession, message};
use vpcsim_engine::wire::bfd::Bfd;
use vpcsim_engine::wire::bgp::{Decoder, Message, Open};
use vpcsim_engine::wire::esp::ike::parse_ike;
use vpcsim_engine::wire::parse;

fuzz_target!(|data: &[u8]| {
    messages(data);
    session(data);
    if let Ok(packet) = parse(data, 0) {
        let _ = parse_ike(&packet);
    }
    if let Ok(heard) = Bfd::decode(data) {
        assert_eq!(Bfd::decode(&heard.encode()), Ok(heard));
        let (local, remote) = (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 1)), IpAddr::V4(Ipv4Addr::new(169, 254, 0, 2)));
        let interval = Nanos::from_millis(300);
        let config = BfdConfig { local, remote, discriminator: 1, src_port: 49_152, interval, multiplier: 3 };
        let mut bfd = BfdSession::new(config, Stream::new(0, "fuzz", "bfd"));
        bfd.start(Instant::START);
        bfd.handle_packet(Instant::START, &heard.packet(remote, local, 49_153, 0));
        bfd.handle_timeout(Instant::START + Nanos::from_secs(1));
        while bfd.poll_transmit().is_some() {}
    }
});

/// What can be read can be written, and reads the same.
fn messages(data: &[u8]) {
    let mut decoder = Decoder::default();
    decoder.push(data);
    while let Ok(Some(read)) = decoder.poll() {
        let mut again = Decoder::default();
        if let Message::Update(update) = &read {
            let _ = message::changes(update);
            if update.split().len() > 1 {
                continue;
            }
        }
        again.push(&read.encode());
        assert_eq!(again.poll(), Ok(Some(read)));
    }
}

/// A session that has said its OPEN hears the bytes, in one piece and in many.
fn session(data: &[u8]) {
    let router_id = Ipv4Addr::new(192, 0, 2, 1);
    let config = BgpConfig { asn: 65_001, peer_asn: 65_002, router_id, hold: Nanos::from_secs(30), active: false };
    let mut bgp = BgpSession::new(config, Stream::new(0, "fuzz", "bgp"));
    let mut now = Instant::START;
    bgp.start(now);
    bgp.connected(now);
    let open = Open { asn: 65_002, hold_time: 30, router_id, families: Vec::new(), four_octet_as: true };
    bgp.received(now, &Message::Open(open).encode());
    bgp.received(now, &Message::Keepalive.encode());
    for part in data.chunks(7) {
        bgp.received(now, part);
        now = now + Nanos::from_millis(100);
        bgp.handle_timeout(now);
    }
    let mut up = false;
    while let Some(event) = bgp.poll_event() {
        match event {
            BgpEvent::Established => assert!(!std::mem::replace(&mut up, true), "up twice"),
            BgpEvent::Down(_) => assert!(std::mem::replace(&mut up, false), "down before up"),
            BgpEvent::Update(_) => assert!(up, "nothing is told before the session is up"),
        }
    }
    while bgp.poll_ask().is_some() {}
}
