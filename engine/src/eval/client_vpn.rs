//! Authorization rules of a Client VPN endpoint.

use crate::fabric::{Cvpn, CvpnClient, CvpnRow};
use crate::verdict::Decision;
use std::net::Ipv4Addr;

/// Whether a client may go to `dst`: the rules of the longest block decide, whoever they are for; a client in none of
/// their groups may not, even if a shorter block's rule names one of its groups (CVPN-3).
#[must_use]
pub fn authorization(cvpn: &Cvpn, client: &CvpnClient, dst: Ipv4Addr) -> Decision {
    let Some((first, count)) = cvpn.rules_by_block.get(dst.into()) else {
        return Decision::deny(cvpn.row(CvpnRow::NoRule));
    };
    let rules = &cvpn.rules[first as usize..(first + count) as usize];
    let admits = rules.iter().find(|rule| rule.group.is_none_or(|group| client.groups.contains(&group)));
    match admits {
        Some(rule) => Decision::allow(rule.row),
        None => Decision::deny(rules[0].row),
    }
}
