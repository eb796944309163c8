//! The `CustomerGatewayConfiguration` of a VPN connection: XML for the administrator of the other end.
//!
//! It holds the tunnels' pre-shared keys. Only the elements of `take` are looked at; the text is dropped as
//! soon as it was read, and no message repeats any of it.

use crate::spec::{Encryption, Integrity};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::net::IpAddr;

/// What was read of a configuration.
#[derive(Default, PartialEq)]
pub(super) struct Configuration {
    pub(super) tunnels: Vec<Tunnel>,
    /// It is no well-formed XML; what was read before the fault is in `tunnels`.
    pub(super) broken: bool,
}

/// What a configuration says of one tunnel.
#[derive(Clone, Default, PartialEq, Debug)]
pub(super) struct Tunnel {
    pub(super) amazon_outside: Option<IpAddr>,
    pub(super) customer_outside: Option<IpAddr>,
    pub(super) amazon_inside: Option<IpAddr>,
    pub(super) inside_len: Option<u8>,
    pub(super) amazon_asn: Option<u32>,
    pub(super) customer_asn: Option<u32>,
    pub(super) encryption: Option<Encryption>,
    pub(super) integrity: Option<Integrity>,
    /// Its encryption or integrity has a name that is not known here.
    pub(super) unknown_suite: bool,
}

impl<'de> Deserialize<'de> for Configuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Option<Cow<'de, str>> = Option::deserialize(deserializer)?;
        Ok(text.map_or_else(Self::default, |text| read(&text)))
    }
}

/// Reads a configuration. Any text will do.
pub(super) fn read(text: &str) -> Configuration {
    let mut found = Configuration::default();
    let mut reader = Reader::from_str(text);
    let mut path: Vec<Vec<u8>> = Vec::new();
    let mut tunnel = Tunnel::default();
    // The text of the innermost element; nothing if it holds more than text.
    let mut value: Option<String> = None;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                path.push(element.name().as_ref().to_vec());
                if is_tunnel(&path) {
                    tunnel = Tunnel::default();
                }
                value = is_wanted(&path).then(String::new);
            }
            Ok(Event::Text(text)) => {
                if let Some(value) = &mut value {
                    value.push_str(&String::from_utf8_lossy(&text));
                }
            }
            Ok(Event::GeneralRef(_) | Event::CData(_) | Event::Empty(_)) => value = None,
            Ok(Event::End(_)) => {
                if let Some(value) = value.take() {
                    take(&mut tunnel, &path, value.trim());
                }
                if is_tunnel(&path) {
                    found.tunnels.push(std::mem::take(&mut tunnel));
                }
                path.pop();
            }
            Ok(Event::Eof) => {
                found.broken |= !path.is_empty();
                return found;
            }
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Err(_) => {
                found.broken = true;
                return found;
            }
        }
    }
}

fn is_tunnel(path: &[Vec<u8>]) -> bool {
    matches!(path, [root, tunnel] if root == b"vpn_connection" && tunnel == b"ipsec_tunnel")
}

/// True below an element that is looked at; never for what is about keys.
fn is_wanted(path: &[Vec<u8>]) -> bool {
    path.len() > 3 && is_tunnel(&path[..2]) && path[2] != b"ike"
}

fn take(tunnel: &mut Tunnel, path: &[Vec<u8>], value: &str) {
    let below: Vec<&[u8]> = path.iter().skip(2).map(Vec::as_slice).collect();
    match below.as_slice() {
        [b"vpn_gateway", b"tunnel_outside_address", b"ip_address"] => tunnel.amazon_outside = value.parse().ok(),
        [b"customer_gateway", b"tunnel_outside_address", b"ip_address"] => tunnel.customer_outside = value.parse().ok(),
        [b"vpn_gateway", b"tunnel_inside_address", b"ip_address"] => tunnel.amazon_inside = value.parse().ok(),
        [b"vpn_gateway", b"tunnel_inside_address", b"network_cidr"] => tunnel.inside_len = value.parse().ok(),
        [b"vpn_gateway", b"bgp", b"asn"] => tunnel.amazon_asn = value.parse().ok(),
        [b"customer_gateway", b"bgp", b"asn"] => tunnel.customer_asn = value.parse().ok(),
        [b"ipsec", b"encryption_protocol"] => {
            tunnel.encryption = encryption(value);
            tunnel.unknown_suite |= tunnel.encryption.is_none();
        }
        [b"ipsec", b"authentication_protocol"] => {
            tunnel.integrity = integrity(value);
            tunnel.unknown_suite |= tunnel.integrity.is_none();
        }
        _ => {}
    }
}

/// The encryption that AWS calls so, in the configuration or in the options of a tunnel.
pub(super) fn encryption(name: &str) -> Option<Encryption> {
    Some(match name.to_ascii_lowercase().as_str() {
        "aes-128-cbc" | "aes128" => Encryption::Aes128,
        "aes-256-cbc" | "aes256" => Encryption::Aes256,
        "aes-128-gcm-16" | "aes128-gcm-16" => Encryption::Aes128Gcm16,
        "aes-256-gcm-16" | "aes256-gcm-16" => Encryption::Aes256Gcm16,
        _ => return None,
    })
}

/// The integrity that AWS calls so, in the configuration or in the options of a tunnel.
pub(super) fn integrity(name: &str) -> Option<Integrity> {
    Some(match name.to_ascii_lowercase().as_str() {
        "hmac-sha1-96" | "sha1" => Integrity::Sha1,
        "hmac-sha2-256-128" | "hmac-sha-256-128" | "hmac-sha2-256" | "sha2-256" => Integrity::Sha2256,
        "hmac-sha2-384-192" | "hmac-sha-384-192" | "hmac-sha2-384" | "sha2-384" => Integrity::Sha2384,
        "hmac-sha2-512-256" | "hmac-sha-512-256" | "hmac-sha2-512" | "sha2-512" => Integrity::Sha2512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_values_count() {
        let one = |inside: &str| {
            let text = format!("<vpn_connection><ipsec_tunnel>{inside}</ipsec_tunnel></vpn_connection>");
            let found = read(&text);
            assert!(!found.broken && found.tunnels.len() == 1, "{text}");
            found.tunnels[0].clone()
        };
        let outside = |address: &str| {
            one(&format!(
                "<vpn_gateway><tunnel_outside_address><ip_address>{address}</ip_address></tunnel_outside_address></vpn_gateway>"
            ))
            .amazon_outside
        };
        assert_eq!(outside(" 1.2.3.4\n"), "1.2.3.4".parse().ok());
        assert_eq!(outside("1.2.3<!-- 5.6.7.8 -->.4"), "1.2.3.4".parse().ok());
        for bad in ["", "1.2.3.1&#48;", "<![CDATA[1.2.3.4]]>", "1.2.3.4<x/>5", "1.2.3.4<x>5</x>"] {
            assert_eq!(outside(bad), None, "{bad}");
        }
        assert_eq!(
            one("<!-- <ipsec><encryption_protocol>aes-128-cbc</encryption_protocol></ipsec> -->"),
            Tunnel::default()
        );
        let suite = one("<ipsec><encryption_protocol>AES-256-GCM-16</encryption_protocol>\
            <authentication_protocol>rot13</authentication_protocol></ipsec>");
        assert_eq!((suite.encryption, suite.integrity), (Some(Encryption::Aes256Gcm16), None));
        assert!(suite.unknown_suite);
    }

    #[test]
    fn text_that_ends_early_is_broken() {
        for text in ["<vpn_connection>", "<vpn_connection><ipsec_tunnel></vpn_connection>", "<a", "</a>", "<!--"] {
            let found = read(text);
            assert!(found.broken && found.tunnels.is_empty(), "{text}");
        }
        for text in ["", "   ", "not XML"] {
            assert!(!read(text).broken, "{text}");
        }
    }
}
