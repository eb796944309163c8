//! Capture filters, in the words of tcpdump (pcap-filter(7)).
//!
//! Understood: `tcp`, `udp`, `icmp`, `icmp6`, `ip`, `ip6`, `proto N`; `host A`, `net A/N`, `port N`, `portrange N-M`, each
//! also with `src` or `dst` before it; `less N`, `greater N`; `tcp-syn`, `tcp-fin`, `tcp-rst` (the flag is set); and, of
//! our own, `dropped`. `and` (`&&`), `or` (`||`), `not` (`!`) and parentheses bind as in tcpdump: `and` and `or` equally,
//! from the left, `not` closest. A qualifier may stand before several values: `port 80 or 443`.
//!
//! Not understood, and said so: byte offsets (`tcp[13]`), `ether`, `vlan`, `gateway`, names instead of addresses.

use crate::base::{Cidr, PortRange, Protocol};
use crate::wire::{Headers, Packet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Deepest nesting of parentheses and `not`.
pub const DEPTH_MAX: usize = 64;

/// A filter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    text: String,
    expr: Expr,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Expr {
    All,
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    V4(bool),
    Protocol(Protocol),
    Net(Side, Cidr),
    Port(Side, PortRange),
    Least(u32),
    Most(u32),
    Flag(u8),
    Dropped,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Either,
    Src,
    Dst,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Host,
    Net,
    Port,
    Range,
}

impl Filter {
    /// True if the packet is to be captured.
    #[must_use]
    pub fn takes(&self, packet: &Packet, dropped: bool) -> bool {
        self.expr.takes(&packet.headers, packet.len(), dropped)
    }
}

impl Expr {
    fn takes(&self, h: &Headers, len: u32, dropped: bool) -> bool {
        match self {
            Self::All => true,
            Self::And(a, b) => a.takes(h, len, dropped) && b.takes(h, len, dropped),
            Self::Or(a, b) => a.takes(h, len, dropped) || b.takes(h, len, dropped),
            Self::Not(a) => !a.takes(h, len, dropped),
            Self::V4(v4) => h.is_v4() == *v4,
            Self::Protocol(protocol) => h.protocol == *protocol,
            Self::Net(side, net) => side.of(net.contains(h.src), net.contains(h.dst)),
            Self::Port(side, range) => {
                let (src, dst) = h.ports();
                // A port is one of TCP or UDP; what is no first fragment has none.
                (h.tcp().is_some() || h.protocol == Protocol::UDP && h.fragment.offset == 0)
                    && side.of(range.contains(src), range.contains(dst))
            }
            Self::Least(least) => len >= *least,
            Self::Most(most) => len <= *most,
            Self::Flag(flag) => h.tcp().is_some_and(|tcp| tcp.flags.0 & flag != 0),
            Self::Dropped => dropped,
        }
    }
}

impl Side {
    const fn of(self, src: bool, dst: bool) -> bool {
        match self {
            Self::Either => src || dst,
            Self::Src => src,
            Self::Dst => dst,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Filter {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let tokens = tokens(text);
        let mut parser = Parser { tokens: &tokens, at: 0, last: None, depth: 0 };
        let expr = if tokens.is_empty() { Expr::All } else { parser.either()? };
        match parser.tokens.get(parser.at) {
            None => Ok(Self { text: text.to_owned(), expr }),
            Some(token) => Err(format!("`{token}` does not belong here; join two conditions with `and` or `or`")),
        }
    }
}

/// Words, with parentheses, `!`, `&&` and `||` on their own.
fn tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some((at, len)) = symbol(rest) {
            if at > 0 {
                out.push(&rest[..at]);
            }
            out.push(&rest[at..at + len]);
            rest = &rest[at + len..];
        }
        if !rest.is_empty() {
            out.push(rest);
        }
    }
    out
}

/// The first symbol, and its length. One `&` or `!=` is part of what is not understood.
fn symbol(text: &str) -> Option<(usize, usize)> {
    let one = text.find(['(', ')', '!']).filter(|at| !text[*at..].starts_with("!=")).map(|at| (at, 1));
    let two = ["&&", "||"].into_iter().filter_map(|both| text.find(both)).min().map(|at| (at, 2));
    [one, two].into_iter().flatten().min()
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    at: usize,
    /// The qualifiers of the last value: `port 80 or 443` means `port 80 or port 443`.
    last: Option<(Side, What)>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).copied()
    }
    fn take(&mut self, words: &[&str]) -> bool {
        let found = self.peek().is_some_and(|token| words.contains(&token));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<Expr, String> {
        let mut out = self.one()?;
        loop {
            if self.take(&["and", "&&"]) {
                out = Expr::And(Box::new(out), Box::new(self.one()?));
            } else if self.take(&["or", "||"]) {
                out = Expr::Or(Box::new(out), Box::new(self.one()?));
            } else {
                return Ok(out);
            }
        }
    }

    fn one(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("conditions are nested more than {DEPTH_MAX} deep"));
        }
        let out = self.inner();
        self.depth -= 1;
        out
    }

    fn inner(&mut self) -> Result<Expr, String> {
        if self.take(&["not", "!"]) {
            return Ok(Expr::Not(Box::new(self.one()?)));
        }
        if self.take(&["("]) {
            let out = self.either()?;
            return if self.take(&[")"]) { Ok(out) } else { Err("a `)` is missing".to_owned()) };
        }
        let Some(word) = self.tokens.get(self.at).copied() else {
            return Err("the filter ends where a condition should stand".to_owned());
        };
        self.at += 1;
        let simple = match word {
            "ip" => Some(Expr::V4(true)),
            "ip6" => Some(Expr::V4(false)),
            "tcp" => Some(Expr::Protocol(Protocol::TCP)),
            "udp" => Some(Expr::Protocol(Protocol::UDP)),
            "icmp" => Some(Expr::Protocol(Protocol::ICMP)),
            "icmp6" => Some(Expr::Protocol(Protocol::ICMPV6)),
            "tcp-fin" => Some(Expr::Flag(1)),
            "tcp-syn" => Some(Expr::Flag(2)),
            "tcp-rst" => Some(Expr::Flag(4)),
            "dropped" => Some(Expr::Dropped),
            "proto" => Some(Expr::Protocol(Protocol(self.number("proto", "a protocol's number, as in `proto 47`")?))),
            "less" => Some(Expr::Most(self.number("less", "a length in bytes")?)),
            "greater" => Some(Expr::Least(self.number("greater", "a length in bytes")?)),
            _ => None,
        };
        if let Some(simple) = simple {
            // `tcp port 80` is `tcp and port 80`.
            let joins = matches!(simple, Expr::Protocol(_) | Expr::V4(_))
                && self.peek().is_some_and(|next| ["src", "dst", "host", "net", "port", "portrange"].contains(&next));
            return if joins { Ok(Expr::And(Box::new(simple), Box::new(self.one()?))) } else { Ok(simple) };
        }
        let (side, word) = match word {
            "src" => (Side::Src, self.next_word("src")?),
            "dst" => (Side::Dst, self.next_word("dst")?),
            _ => (Side::Either, word),
        };
        let what = match word {
            "host" => What::Host,
            "net" => What::Net,
            "port" => What::Port,
            "portrange" => What::Range,
            // An address or a number by itself goes on with what the last one was, or is a host.
            value => {
                let (last_side, what) = self.last.unwrap_or((Side::Either, What::Host));
                let side = if side == Side::Either { last_side } else { side };
                let what = match what {
                    What::Port | What::Range if value.parse::<IpAddr>().is_ok() => What::Host,
                    what => what,
                };
                return self.value(side, what, value);
            }
        };
        let value = self.next_word(word)?;
        self.value(side, what, value)
    }

    fn value(&mut self, side: Side, what: What, value: &str) -> Result<Expr, String> {
        self.last = Some((side, what));
        let port = |text: &str| {
            text.parse::<u16>().map_err(|_| format!("`{text}` is not understood here; a port is a number up to 65535"))
        };
        Ok(match what {
            What::Host => {
                let address: IpAddr = value.parse().map_err(|_| unknown(value))?;
                Expr::Net(side, Cidr::host(address))
            }
            What::Net => {
                Expr::Net(side, value.parse().map_err(|_| format!("`{value}` is not a block; as in `10.0.0.0/8`"))?)
            }
            What::Port => {
                let port = port(value)?;
                Expr::Port(side, PortRange { from: port, to: port })
            }
            What::Range => {
                let (from, to) =
                    value.split_once('-').ok_or_else(|| format!("`{value}` is not a range; as in `1024-65535`"))?;
                let (from, to) = (port(from)?, port(to)?);
                if from > to {
                    return Err(format!("the range `{value}` is empty"));
                }
                Expr::Port(side, PortRange { from, to })
            }
        })
    }

    fn next_word(&mut self, after: &str) -> Result<&'a str, String> {
        let word = self.tokens.get(self.at).copied().ok_or_else(|| format!("something is missing behind `{after}`"))?;
        self.at += 1;
        Ok(word)
    }
    fn number<T: FromStr>(&mut self, after: &str, what: &str) -> Result<T, String> {
        let word = self.next_word(after)?;
        word.parse().map_err(|_| format!("`{word}` is not {what}"))
    }
}

fn unknown(word: &str) -> String {
    let known = [
        "tcp",
        "udp",
        "icmp",
        "icmp6",
        "ip",
        "ip6",
        "proto",
        "host",
        "net",
        "port",
        "portrange",
        "src",
        "dst",
        "less",
        "greater",
        "tcp-syn",
        "tcp-fin",
        "tcp-rst",
        "dropped",
        "and",
        "or",
        "not",
    ];
    let near = crate::diag::nearest(word, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    if word.contains('[') {
        return format!("`{word}`: byte offsets are not understood; there are `tcp-syn`, `tcp-fin` and `tcp-rst`");
    }
    format!("`{word}` is neither an address nor a word of a capture filter{near}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Fragment, L4, Payload, Tcp, TcpFlags, Udp};

    fn packet(src: &str, dst: &str, l4: L4, bytes: u32) -> Packet {
        let protocol = match l4 {
            L4::Tcp(_) => Protocol::TCP,
            L4::Udp(_) => Protocol::UDP,
            _ => Protocol(47),
        };
        let headers = Headers {
            src: src.parse().unwrap(),
            dst: dst.parse().unwrap(),
            protocol,
            ttl: 64,
            traffic_class: 0,
            fragment: Fragment::default(),
            l4,
        };
        Packet { headers, tag: 0, payload: Payload::Zeros(bytes) }
    }

    fn syn() -> Packet {
        let tcp =
            Tcp { src_port: 40_000, dst_port: 443, seq: 0, ack: 0, window: 0, flags: TcpFlags::SYN, options_len: 0 };
        packet("10.0.1.10", "10.0.2.20", L4::Tcp(tcp), 0)
    }

    /// What tcpdump's manual says of each.
    #[test]
    fn filters_mean_what_tcpdump_means() {
        let dns = packet("10.0.1.10", "192.0.2.53", L4::Udp(Udp { src_port: 5353, dst_port: 53, length: 40 }), 32);
        let gre = packet("10.0.1.10", "10.0.2.20", L4::None, 1400);
        for (text, want) in [
            ("", [true, true, true]),
            ("tcp", [true, false, false]),
            ("tcp port 443", [true, false, false]),
            ("port 53 or 443", [true, true, false]),
            ("src port 443", [false, false, false]),
            ("dst port 443", [true, false, false]),
            ("portrange 50-60", [false, true, false]),
            ("host 10.0.2.20", [true, false, true]),
            ("src host 10.0.2.20", [false, false, false]),
            ("net 10.0.2.0/24", [true, false, true]),
            ("dst net 192.0.2.0/24", [false, true, false]),
            ("10.0.2.20", [true, false, true]),
            ("host 192.0.2.53 or 10.0.2.20", [true, true, true]),
            ("not udp", [true, false, true]),
            ("! ( udp or proto 47 )", [true, false, false]),
            ("!(udp||proto 47)", [true, false, false]),
            ("proto 47", [false, false, true]),
            ("ip6", [false, false, false]),
            ("greater 1000", [false, false, true]),
            ("less 100", [true, true, false]),
            ("tcp-syn and host 10.0.1.10", [true, false, false]),
            // Equal precedence, from the left: (udp or tcp) and port 53.
            ("udp or tcp and port 53", [false, true, false]),
            ("udp or (tcp and port 53)", [false, true, false]),
            ("dropped", [false, false, false]),
        ] {
            let filter: Filter = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            let got = [&syn(), &dns, &gre].map(|p| filter.takes(p, false));
            assert_eq!(got, want, "{text}");
        }
        assert!("dropped".parse::<Filter>().unwrap().takes(&syn(), true));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (text, want) in [
            ("tcp prot 443", "`prot` does not belong here"),
            ("tcp and", "the filter ends where a condition should stand"),
            ("(tcp", "a `)` is missing"),
            ("port", "something is missing behind `port`"),
            ("port http", "`http` is not understood here"),
            ("host web-1", "`web-1` is neither an address nor a word of a capture filter"),
            ("tpc", "`tpc` is neither an address nor a word of a capture filter; did you mean `tcp`?"),
            ("tcp[13] & 2 != 0", "`tcp[13]`: byte offsets are not understood"),
            ("net 10/8", "`10/8` is not a block"),
            ("portrange 9-1", "the range `9-1` is empty"),
        ] {
            let got = text.parse::<Filter>().expect_err(text);
            assert!(got.starts_with(want), "{text}: {got}");
        }
        let deep = "not ".repeat(10_000) + "tcp";
        assert!(deep.parse::<Filter>().is_err());
    }
}
