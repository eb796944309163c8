//! Tunnels, routing sessions and tagged frames as captures, and what Wireshark's `tshark` reads in them.
//! Without `tshark` on the path the captures are still written.

use pcap_file::DataLink;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use vpcsim_engine::base::Protocol;
use vpcsim_engine::wire::bfd::{Bfd, State};
use vpcsim_engine::wire::bgp::{self, AsPath, Attributes, Family, Message, Notification, Open, Origin, Update};
use vpcsim_engine::wire::esp::ike::{Exchange, Ike, USUAL, ike_message};
use vpcsim_engine::wire::esp::{MATERIAL, Sa, Suite, esp_sa_line, keepalive, seal};
use vpcsim_engine::wire::vlan::{self, Vid};
use vpcsim_engine::wire::{Fragment, Headers, L4, Packet, Payload, Tcp, TcpFlags, emit};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}
fn ends() -> (IpAddr, IpAddr) {
    (address("192.0.2.1"), address("198.51.100.7"))
}
/// A TCP packet with data; DF set, as hosts send.
fn tcp(src: &str, dst: &str, ports: (u16, u16), seq: u32, data: &[u8]) -> Packet {
    let (src, dst) = (address(src), address(dst));
    let flags = TcpFlags(TcpFlags::ACK.0 | TcpFlags::PSH.0);
    let tcp = Tcp { src_port: ports.0, dst_port: ports.1, seq, ack: 1, window: 1_024, flags, options_len: 0 };
    let headers = Headers {
        src,
        dst,
        protocol: Protocol::TCP,
        ttl: 64,
        traffic_class: 0,
        fragment: Fragment { dont: true, ..Fragment::default() },
        l4: L4::Tcp(tcp),
    };
    Packet { headers, tag: 0, payload: Payload::from(data) }
}

/// Writes a capture, a packet each millisecond.
#[allow(clippy::disallowed_methods)] // a test may write files
fn capture(name: &str, link: DataLink, frames: &[Vec<u8>]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let header = PcapHeader { datalink: link, ..PcapHeader::default() };
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    for (i, frame) in frames.iter().enumerate() {
        let packet = PcapPacket::new(Duration::from_millis(i as u64), frame.len() as u32, frame).unwrap();
        writer.write_packet(&packet).unwrap();
    }
    std::fs::write(&path, writer.into_inner()).unwrap();
    path
}
fn bytes(packets: &[Packet]) -> Vec<Vec<u8>> {
    packets.iter().map(emit).collect()
}

/// For each packet the values of `fields`, and the assertion that nothing is malformed; nothing without `tshark`.
fn tshark(path: &Path, options: &[String], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(path).args(["-T", "fields", "-E", "separator=|", "-e", "_ws.malformed"]);
    command.args(["-e", "_ws.expert.severity"]);
    for field in fields {
        command.args(["-e", field]);
    }
    for option in options {
        command.args(["-o", option]);
    }
    let Ok(output) = command.output() else {
        println!("skipped: no tshark");
        return None;
    };
    let (text, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{errors}");
    let rows: Vec<Vec<String>> = text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect();
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row[0], "", "packet {} of {} is malformed", i + 1, path.display());
        // 0x00800000 is an error, 0x00600000 a warning.
        assert!(!row[1].contains("8388608"), "packet {} of {}: {row:?}", i + 1, path.display());
    }
    Some(rows.into_iter().map(|row| row[2..].to_vec()).collect())
}

#[test]
fn esp_is_decrypted() {
    let (src, dst) = ends();
    let (mut packets, mut options, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    options.extend(["esp.enable_encryption_decode:TRUE", "esp.enable_authentication_check:TRUE"].map(str::to_owned));
    let mut port = 40_000;
    for (i, suite) in Suite::ALL.into_iter().enumerate() {
        for natt in [false, true] {
            let spi = 0x1001 + 2 * i as u32 + u32::from(natt);
            let sa = Sa::new(spi, suite, &[0x5a; MATERIAL]);
            options.push(format!("uat:esp_sa:{}", esp_sa_line(&sa, src, dst)));
            for (from, to) in [("10.0.0.1", "10.1.0.1"), ("fd00::1", "fd00::2")] {
                port += 1;
                let inner = tcp(from, to, (port, 9_999), 1, &vec![b'x'; usize::from(port % 64)]);
                packets.push(seal(&sa, port.into(), &inner, src, dst, natt));
                expected.push(vec!["1".to_owned(), format!("{spi:#010x}"), port.to_string(), port.to_string()]);
            }
        }
    }
    let path = capture("hybrid-esp.pcap", DataLink::RAW, &bytes(&packets));
    let fields = ["esp.icv_good", "esp.spi", "esp.sequence", "tcp.srcport"];
    let Some(rows) = tshark(&path, &options, &fields) else { return };
    assert_eq!(rows, expected);
}

#[test]
fn esp_of_another_key_is_not() {
    let (src, dst) = ends();
    for suite in [Suite::ALL[0], Suite::ALL[3]] {
        let (sa, other) = (Sa::new(7_001, suite, &[1; MATERIAL]), Sa::new(7_001, suite, &[2; MATERIAL]));
        let inner = tcp("10.0.0.1", "10.1.0.1", (40_000, 9_999), 1, b"x");
        let path = capture("hybrid-esp-other.pcap", DataLink::RAW, &bytes(&[seal(&sa, 1, &inner, src, dst, false)]));
        let options = [
            "esp.enable_encryption_decode:TRUE".to_owned(),
            "esp.enable_authentication_check:TRUE".to_owned(),
            format!("uat:esp_sa:{}", esp_sa_line(&other, src, dst)),
        ];
        let Some(rows) = tshark(&path, &options, &["esp.icv_good", "esp.icv_bad"]) else { return };
        assert_eq!(rows, [["0", "1"]]);
    }
}

#[test]
fn ike_and_keepalives_are_what_they_are() {
    let (src, dst) = ends();
    let exchanges = [Exchange::SaInit, Exchange::Auth, Exchange::Rekey, Exchange::DeadPeer, Exchange::Delete];
    let (mut packets, mut expected) = (Vec::new(), Vec::new());
    for suite in [USUAL, Suite::ALL[1]] {
        for natt in [false, true] {
            for (id, exchange) in exchanges.into_iter().enumerate() {
                for response in [false, true] {
                    let message = Ike {
                        initiator_spi: 0x0102_0304_0506_0708,
                        responder_spi: if id == 0 && !response { 0 } else { 9 },
                        exchange,
                        from_initiator: !response,
                        response,
                        message_id: id as u32,
                    };
                    packets.push(ike_message(&message, suite, src, dst, natt, 0));
                    let number = [34, 35, 36, 37, 37][id];
                    let flags = if response { "0x20" } else { "0x08" };
                    // The first exchange is in the clear: proposal, transforms, key exchange, nonce.
                    let payloads = match (id, suite) {
                        (0, Suite::Cbc(..)) => "33,2,3,3,3,3,34,40",
                        (0, Suite::Gcm(_)) => "33,2,3,3,3,34,40",
                        _ => "46",
                    };
                    let row = [&number.to_string(), flags, &format!("{id:#010x}"), "0102030405060708", payloads];
                    expected.push(row.map(str::to_owned).to_vec());
                }
            }
        }
    }
    let path = capture("hybrid-ike.pcap", DataLink::RAW, &bytes(&packets));
    let fields = ["isakmp.exchangetype", "isakmp.flags", "isakmp.messageid", "isakmp.ispi", "isakmp.typepayload"];
    if let Some(rows) = tshark(&path, &[], &fields) {
        assert_eq!(rows, expected);
    }
    let path = capture("hybrid-keepalive.pcap", DataLink::RAW, &bytes(&[keepalive(src, dst, 0)]));
    if let Some(rows) = tshark(&path, &[], &["udp.dstport", "udpencap.nat_keepalive"]) {
        assert_eq!(rows, [["4500", "1"]]);
    }
}

#[test]
fn bgp_says_what_was_sent() {
    let attributes = Attributes {
        origin: Origin::Igp,
        as_path: AsPath::sequence(&[65_000, 4_200_000_001]),
        next_hop: Some(Ipv4Addr::new(169, 254, 10, 2)),
        next_hop_v6: None,
        med: Some(100),
        local_pref: Some(200),
        communities: vec![7224 << 16 | 7300, bgp::NO_EXPORT],
    };
    let v6 = Attributes { next_hop: None, next_hop_v6: Some("fd00::2".parse().unwrap()), ..attributes.clone() };
    let nets = |list: &[&str]| list.iter().map(|net| net.parse().unwrap()).collect::<Vec<_>>();
    let open = Open {
        asn: 4_200_000_001,
        hold_time: 30,
        router_id: Ipv4Addr::new(169, 254, 10, 2),
        families: vec![Family::Ipv4, Family::Ipv6],
        four_octet_as: true,
    };
    let update = |withdrawn: &[&str], announced: &[&str], attributes| {
        Message::Update(Update { withdrawn: nets(withdrawn), announced: nets(announced), attributes })
    };
    let messages = [
        Message::Open(open),
        Message::Keepalive,
        update(&["10.9.0.0/16"], &["10.0.0.0/16", "10.1.128.0/17"], Some(attributes)),
        update(&["fd00:9::/48"], &["fd00:1::/64"], Some(v6)),
        Message::Notification(Notification::cease(Notification::SHUTDOWN)),
    ];
    let (mut seq, mut packets) = (1_000, Vec::new());
    for message in messages {
        let bytes = message.encode();
        packets.push(tcp("169.254.10.2", "169.254.10.1", (40_000, bgp::PORT), seq, &bytes));
        seq += bytes.len() as u32;
    }
    let path = capture("hybrid-bgp.pcap", DataLink::RAW, &bytes(&packets));
    let fields = [
        "bgp.type",
        "bgp.open.myas",
        "bgp.cap.4as",
        "bgp.open.holdtime",
        "bgp.withdrawn_prefix",
        "bgp.nlri_prefix",
        "bgp.prefix_length",
        "bgp.update.path_attribute.as_path_segment.as4",
        "bgp.update.path_attribute.next_hop",
        "bgp.update.path_attribute.multi_exit_disc",
        "bgp.update.path_attribute.local_pref",
        "bgp.update.path_attribute.community_as",
        "bgp.mp_reach_nlri_ipv6_prefix",
        "bgp.mp_unreach_nlri_ipv6_prefix",
        "bgp.notify.major_error",
        "bgp.notify.minor_error_cease",
    ];
    let Some(rows) = tshark(&path, &[], &fields) else { return };
    let rows: Vec<String> = rows.iter().map(|row| row.join("|")).collect();
    let expected = [
        "1|23456|4200000001|30||||||||||||",
        "4|||||||||||||||",
        "2||||10.9.0.0|10.0.0.0,10.1.128.0|16,16,17|65000,4200000001|169.254.10.2|100|200|7224||||",
        "2||||||48,64|65000,4200000001||100|200|7224|fd00:1::|fd00:9::||",
        "3||||||||||||||6|2",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn bfd_has_its_fields() {
    let bfd = Bfd {
        diagnostic: 0,
        state: State::Up,
        poll: false,
        last: false,
        independent: false,
        demand: false,
        multiplier: 3,
        mine: 0x11,
        yours: 0x22,
        desired_min_tx: 300_000,
        required_min_rx: 250_000,
        required_min_echo_rx: 0,
    };
    let down = Bfd { diagnostic: 1, state: State::Down, yours: 0, poll: true, ..bfd };
    let packets = [
        bfd.packet(address("169.254.10.2"), address("169.254.10.1"), 49_152, 0),
        down.packet(address("fd00::2"), address("fd00::1"), 49_153, 0),
    ];
    let path = capture("hybrid-bfd.pcap", DataLink::RAW, &bytes(&packets));
    let fields = [
        "bfd.version",
        "bfd.diag",
        "bfd.sta",
        "bfd.flags.p",
        "bfd.detect_time_multiplier",
        "bfd.my_discriminator",
        "bfd.your_discriminator",
        "bfd.desired_min_tx_interval",
        "bfd.required_min_rx_interval",
    ];
    let Some(rows) = tshark(&path, &[], &fields) else { return };
    let rows: Vec<String> = rows.iter().map(|row| row.join("|")).collect();
    let expected =
        ["1|0x00|0x03|0|3|0x00000011|0x00000022|300000|250000", "1|0x01|0x01|1|3|0x00000011|0x00000000|300000|250000"];
    assert_eq!(rows, expected);
}

#[test]
fn a_tagged_frame_has_its_network() {
    let ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    let frame = [&ethernet[..], &emit(&tcp("10.0.0.1", "10.1.0.1", (40_000, 9_999), 1, b"x"))].concat();
    let frames = [1, 101, 4_094].map(|number| vlan::tag(&frame, Vid::new(number).unwrap()).unwrap());
    let path = capture("hybrid-vlan.pcap", DataLink::ETHERNET, &frames);
    let Some(rows) = tshark(&path, &[], &["vlan.id", "vlan.priority", "tcp.dstport"]) else { return };
    assert_eq!(rows, ["1", "101", "4094"].map(|id| [id, "0", "9999"]));
}
