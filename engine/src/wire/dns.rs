//! DNS messages with one question and address records (RFC 1035 section 4, RFC 3596): what a resolver step needs.
//!
//! Not modelled: other record types, EDNS, compression in what is written, truncation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Type A.
pub const A: u16 = 1;
/// Type AAAA (RFC 3596).
pub const AAAA: u16 = 28;
/// Seconds that an answer may be kept: what the resolver says of instance names.
const TTL: u32 = 60;
/// The NAT64 prefix (RFC 6052).
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// A question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// Identifier of the message.
    pub id: u16,
    /// The name, lower case, without a final dot.
    pub name: String,
    /// Type of record.
    pub kind: u16,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Identifier of the message.
    pub id: u16,
    /// 0 no error, 3 no such name.
    pub code: u8,
    /// The addresses.
    pub addresses: Vec<IpAddr>,
}

/// A query message. Labels are cut to 63 bytes and the name to 253 (RFC 1035 section 2.3.4).
#[must_use]
pub fn query(question: &Question) -> Vec<u8> {
    let mut out = header(question.id, 0x0100, 1, 0);
    write_question(&mut out, question);
    out
}

/// The question of a query message.
#[must_use]
pub fn parse_query(bytes: &[u8]) -> Option<Question> {
    if bytes.len() < 12 || bytes[2] & 0x80 != 0 || word(bytes, 4)? != 1 {
        return None;
    }
    let (name, at) = read_name(bytes, 12)?;
    Some(Question { id: word(bytes, 0)?, name, kind: word(bytes, at)? })
}

/// The answer to a question from what the name stands for: nothing means that there is no such name.
/// With `dns64`, a name without an IPv6 address gets one made of its IPv4 address (RFC 6147, SVC-8).
#[must_use]
pub fn answer(question: &Question, addresses: &[IpAddr], dns64: bool) -> Vec<u8> {
    let mut found: Vec<IpAddr> = addresses
        .iter()
        .copied()
        .filter(|a| matches!((question.kind, a), (A, IpAddr::V4(_)) | (AAAA, IpAddr::V6(_))))
        .collect();
    if dns64 && question.kind == AAAA && found.is_empty() {
        found.extend(addresses.iter().filter_map(|a| match a {
            IpAddr::V4(a) => Some(IpAddr::V6(synthesise(*a))),
            IpAddr::V6(_) => None,
        }));
    }
    let code = if addresses.is_empty() { 3 } else { 0 };
    let count = u16::try_from(found.len()).unwrap_or(u16::MAX);
    let mut out = header(question.id, 0x8180 | code, 1, count);
    write_question(&mut out, question);
    for address in found.iter().take(count.into()) {
        // A pointer to the question's name (RFC 1035 section 4.1.4).
        out.extend_from_slice(&[0xc0, 12]);
        let (kind, data) = match address {
            IpAddr::V4(a) => (A, a.octets().to_vec()),
            IpAddr::V6(a) => (AAAA, a.octets().to_vec()),
        };
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&1u16.to_be_bytes());
        out.extend_from_slice(&TTL.to_be_bytes());
        out.extend_from_slice(&(data.len() as u16).to_be_bytes());
        out.extend_from_slice(&data);
    }
    out
}

/// The addresses in a response message.
#[must_use]
pub fn parse_answer(bytes: &[u8]) -> Option<Answer> {
    if bytes.len() < 12 || bytes[2] & 0x80 == 0 {
        return None;
    }
    let mut at = 12;
    for _ in 0..word(bytes, 4)? {
        at = read_name(bytes, at)?.1 + 4;
    }
    let mut addresses = Vec::new();
    for _ in 0..word(bytes, 6)? {
        at = read_name(bytes, at)?.1;
        let (kind, len) = (word(bytes, at)?, usize::from(word(bytes, at + 8)?));
        let data = bytes.get(at + 10..at + 10 + len)?;
        match (kind, len) {
            (A, 4) => addresses.push(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).into()),
            (AAAA, 16) => addresses.push(Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).into()),
            _ => {}
        }
        at += 10 + len;
    }
    Some(Answer { id: word(bytes, 0)?, code: bytes[3] & 15, addresses })
}

fn synthesise(a: Ipv4Addr) -> Ipv6Addr {
    let [a, b, c, d] = a.octets();
    let p = NAT64;
    Ipv6Addr::new(p[0], p[1], p[2], p[3], p[4], p[5], u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

fn header(id: u16, flags: u16, questions: u16, answers: u16) -> Vec<u8> {
    [id, flags, questions, answers, 0, 0].iter().flat_map(|w| w.to_be_bytes()).collect()
}

fn write_question(out: &mut Vec<u8>, question: &Question) {
    let name: String = question.name.chars().take(253).collect();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(63)];
        out.push(label.len() as u8);
        out.extend_from_slice(label);
    }
    out.push(0);
    out.extend_from_slice(&question.kind.to_be_bytes());
    out.extend_from_slice(&1u16.to_be_bytes());
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// The name at `at`, and where it ends. Pointers lead backwards only, so that there is no loop.
fn read_name(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let (mut labels, mut at, mut end) = (Vec::new(), at, None);
    loop {
        let len = usize::from(*bytes.get(at)?);
        match len {
            0 => break,
            1..=63 => {
                // A label with a dot in it would read as two; no host of ours asks for one.
                let label = std::str::from_utf8(bytes.get(at + 1..at + 1 + len)?).ok()?;
                if label.contains('.') {
                    return None;
                }
                labels.push(label.to_ascii_lowercase());
                at += 1 + len;
            }
            192.. => {
                let target = usize::from(word(bytes, at)? & 0x3fff);
                end = end.or(Some(at + 2));
                if target >= at {
                    return None;
                }
                at = target;
            }
            _ => return None,
        }
        if labels.len() > 127 {
            return None;
        }
    }
    let name = labels.join(".");
    // RFC 1035 section 2.3.4.
    (name.len() <= 253).then_some((name, end.unwrap_or(at + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_answers_come_back() {
        let q = Question { id: 7, name: "db-1.shop.internal".to_owned(), kind: A };
        assert_eq!(parse_query(&query(&q)), Some(q.clone()));
        let addresses: Vec<IpAddr> = vec!["10.0.2.20".parse().unwrap(), "2600:1f18::5".parse().unwrap()];
        let a = parse_answer(&answer(&q, &addresses, false)).unwrap();
        assert_eq!((a.code, a.addresses), (0, vec![addresses[0]]));
        assert_eq!(parse_answer(&answer(&q, &[], false)).unwrap().code, 3);
    }

    /// SVC-8: DNS64 makes an address only where there is no real one.
    #[test]
    fn dns64_leaves_real_addresses_alone() {
        let q = Question { id: 7, name: "example.com".to_owned(), kind: AAAA };
        let v4: IpAddr = "198.51.100.7".parse().unwrap();
        let made = parse_answer(&answer(&q, &[v4], true)).unwrap();
        assert_eq!(made.addresses, vec!["64:ff9b::c633:6407".parse::<IpAddr>().unwrap()]);
        let real: IpAddr = "2001:db8::7".parse().unwrap();
        assert_eq!(parse_answer(&answer(&q, &[v4, real], true)).unwrap().addresses, vec![real]);
        assert!(parse_answer(&answer(&q, &[v4], false)).unwrap().addresses.is_empty());
    }

    #[test]
    fn garbage_is_no_message() {
        for bytes in [&[][..], &[0; 11], &[0xff; 40], &[0, 1, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0xc0, 12]] {
            assert_eq!(parse_query(bytes), None);
            assert_eq!(parse_answer(bytes), None);
        }
    }
}
