//! The blocks inside VPN tunnels: what AWS takes, and what is chosen where nobody wrote one.
//!
//! A tunnel with IPv6 inside may have an IPv4 block as well, as AWS's have; nothing uses it.

use super::context::Context;
use crate::base::Cidr;
use crate::diag::{Diagnostic, Span};
use crate::spec::{Named, Spanned, VpnConnection, VpnTunnel};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Blocks inside which no tunnel may be (VPN-3).
const RESERVED: [&str; 7] = [
    "169.254.0.0/30",
    "169.254.1.0/30",
    "169.254.2.0/30",
    "169.254.3.0/30",
    "169.254.4.0/30",
    "169.254.5.0/30",
    "169.254.169.252/30",
];
/// Where IPv6 blocks that nobody wrote begin.
const FIRST_V6: u128 = 0xfd00_a9fe_0000_0000_0000_0000_0000_0000;

/// Blocks that are still free.
pub(super) struct Inside {
    written: BTreeSet<Cidr>,
    next: [u32; 2],
}

impl Context {
    /// Checks the written blocks (VPN-3, VPN-30), which are unique on one gateway.
    pub(super) fn inside_blocks(&mut self, connections: &Named<VpnConnection>) -> Inside {
        let mut taken: BTreeMap<(Option<&str>, Cidr), Span> = BTreeMap::new();
        for connection in connections.values() {
            let gateway = connection.vpn_gateway.as_ref().or(connection.transit_gateway.as_ref());
            let blocks = connection.tunnels.iter().flat_map(|t| {
                [t.inside_cidr.map(|block| (block, true)), t.inside_ipv6_cidr.map(|block| (block, false))]
            });
            for (block, v4) in blocks.flatten() {
                self.check_inside(&block, v4);
                let key = (gateway.map(|g| g.value.as_str()), block.value);
                if let Some(other) = taken.insert(key, block.span) {
                    let message = format!("{block} is inside another tunnel already");
                    self.problem(Diagnostic::error("inside-cidr", block.span, message).note(other, "the other tunnel"));
                }
            }
        }
        Inside { written: taken.into_keys().map(|(_, block)| block).collect(), next: [0; 2] }
    }

    /// VPN-3: a /30 of 169.254.0.0/16 that AWS does not reserve. VPN-30: a /126 of fd00::/8.
    fn check_inside(&mut self, block: &Spanned<Cidr>, v4: bool) {
        let (range, len) = if v4 { ("169.254.0.0/16", 30) } else { ("fd00::/8", 126) };
        let whole: Cidr = range.parse().expect("a block");
        let bad = if block.len() != len || !whole.covers(&block.value) {
            format!("is not a /{len} of {range}")
        } else if RESERVED.iter().any(|r| r.parse() == Ok(block.value)) {
            "is one that AWS reserves".to_owned()
        } else {
            return;
        };
        let help = if v4 {
            "write one such as 169.254.10.0/30; reserved are 169.254.0.0/30 to 169.254.5.0/30 and 169.254.169.252/30"
        } else {
            "write one such as fd00:10::/126"
        };
        self.problem(Diagnostic::error("inside-cidr", block.span, format!("{block} {bad}")).help(help));
    }
}

impl Inside {
    /// The block of a tunnel: the written one of its family, else the next that is free.
    pub(super) fn of(&mut self, tunnel: &VpnTunnel, v4: bool) -> Option<Cidr> {
        let (written, len) = if v4 { (tunnel.inside_cidr, 30) } else { (tunnel.inside_ipv6_cidr, 126) };
        let written = written.map(|block| block.value).filter(|block| block.is_v4() == v4 && block.len() == len);
        written.or_else(|| self.free(v4))
    }

    /// From 169.254.6.0 or from fd00:a9fe:: on what AWS does not reserve and nobody wrote, in order.
    fn free(&mut self, v4: bool) -> Option<Cidr> {
        loop {
            let n = &mut self.next[usize::from(v4)];
            let block = if v4 {
                let address = 0xa9fe_0600 + 4 * *n;
                if address > 0xa9fe_fffc {
                    return None;
                }
                Cidr::new(Ipv4Addr::from(address).into(), 30)
            } else {
                Cidr::new(Ipv6Addr::from(FIRST_V6 + 4 * u128::from(*n)).into(), 126)
            };
            *n += 1;
            let block = block.expect("a network address");
            if !self.written.contains(&block) && !RESERVED.iter().any(|reserved| reserved.parse() == Ok(block)) {
                return Some(block);
            }
        }
    }
}
