//! The BGP of Connect peers: an appliance at the end of each tunnel tells the transit gateway its prefixes by two sessions, and is
//! told the table that the attachment is associated with (BGP-20, BGP-50).
//!
//! Who opens a session is the customer's end, here as everywhere (BGP-52).
//! It is spoken if everything that it needs is described: the appliance (an instance of the attached VPC has the outer address),
//! the addresses inside the tunnel, and what it announces. Of any other peer the written routes stand as they are.
//! Two tunnels of one appliance are two speakers with a table each.
//! Not modelled: limits of routes, graceful restart, what an appliance learns elsewhere and passes on.

use super::context::Context;
use super::converge::{Build, Way};
use super::tgw_route_table::TgwDraft;
use crate::base::Cidr;
use crate::base::ids::TgwAttachIx;
use crate::control::{
    Class, Converged, Export, Import, Kind, Plan, Rib, Session, SessionIx, SessionKind, Table, Via, export, import,
};
use crate::diag::Diagnostic;
use crate::fabric::{Line, TgwAttachKind, Tunnel, TunnelBgp};
use crate::spec::{ConnectPeer, Spanned};
use std::net::{IpAddr, Ipv4Addr};

/// Bits of a block inside a tunnel (TGW-23).
const INSIDE_LEN: u8 = 29;
/// BGP sessions in a tunnel (BGP-50).
const SESSIONS: [u8; 2] = [0, 1];

impl Context {
    /// The ends of a tunnel's sessions, if they are spoken.
    pub(super) fn connect_bgp(
        &mut self,
        connect: TgwAttachIx,
        tunnel: u8,
        transport: TgwAttachIx,
        peer: &Spanned<ConnectPeer>,
    ) -> Option<TunnelBgp> {
        let TgwAttachKind::Vpc { vpc, .. } = self.fabric.tgw_attaches[transport].kind else { return None };
        let eni = self.fabric.eni_with(vpc, peer.peer_address.value)?;
        let guest = self.fabric.enis[eni].guest()?;
        // The appliance has the first host of the block, the transit gateway the next two.
        let inside =
            peer.inside_cidrs.iter().find_map(|block| inside(block.value)).filter(|_| !peer.advertises.is_empty())?;
        let speakers = SESSIONS.map(|session| {
            let line = Line::Connect { connect, tunnel, session };
            self.speakers(line, [inside[0], inside[1 + usize::from(session)]], [None, None])
        });
        Some(TunnelBgp { guest, eni, speakers, heard: true })
    }

    /// The tunnels whose BGP is spoken, in order.
    pub(super) fn spoken_peers(&self) -> impl Iterator<Item = (TgwAttachIx, u8, &Tunnel, &TunnelBgp)> {
        self.fabric.tgw_attaches.iter_enumerated().flat_map(|(connect, a)| {
            let tunnels = match &a.kind {
                TgwAttachKind::Connect { tunnels, .. } => &tunnels[..],
                _ => &[],
            };
            (0..=u8::MAX).zip(tunnels).filter_map(move |(n, t)| Some((connect, n, t, t.bgp.as_ref()?)))
        })
    }

    /// Their tables and sessions.
    pub(super) fn connect_sessions(&mut self, build: &mut Build, drafts: &[TgwDraft]) {
        let mut peers: Vec<(TgwAttachIx, u8, Tunnel, TunnelBgp)> =
            self.spoken_peers().map(|(connect, n, t, bgp)| (connect, n, t.clone(), bgp.clone())).collect();
        // Of several paths that are equally good the first session's is used: as the written routes of other peers are laid out.
        peers.sort_by_key(|(connect, n, tunnel, _)| (*connect, tunnel.asn, *n));
        for (connect, n, tunnel, spoken) in peers {
            let id = (self.fabric.routers.len() + build.peers.len()) as u32;
            let peer = build.plan.tables.push(Table::new(Kind::Router, tunnel.asn, id));
            build.peers.insert((connect, n), peer);
            for block in &tunnel.advertises {
                build.own(peer, *block, Class::Local, crate::fabric::NextHop::Lan);
            }
            let (up, rtb, own) = {
                let a = &self.fabric.tgw_attaches[connect];
                (a.available, a.rtb, self.asn_of_tgw(connect))
            };
            let hears = if own == tunnel.asn { Import::connect_ibgp() } else { Import::default() };
            if own == tunnel.asn {
                let attach = &self.names.tgw_attaches[connect];
                let message = format!(
                    "`{}/{}` is of the transit gateway's own system: what it announces is not taken",
                    attach.id,
                    n + 1
                );
                let span = attach.span;
                self.warn(Diagnostic::warning("connect-ibgp", span, message).help(
                    "add `peer_asn: ...`, a system of the appliance's own: over iBGP only others' prefixes count",
                ));
            }
            for speakers in spoken.speakers {
                let bgp = self.bgp(build, speakers, [tunnel.asn, own], [&[], &[]]);
                build.bgp[bgp as usize].up = [up; 2];
                let of = |from, to, kind: SessionKind, class| Session {
                    up,
                    bundle: Some(peer.0),
                    ..Session::new(from, to, kind, class).of_bgp(bgp)
                };
                if let Some(rtb) = rtb {
                    let table = build.tgw_rtbs[&rtb];
                    let down = of(table, peer, build.kind(table, peer), Class::Bgp);
                    build.tell(down.exporting(Export::tgw_to_site()), Way::Connect(connect, n));
                }
                for draft in drafts.iter().filter(|d| d.propagates(connect)) {
                    let table = build.tgw_rtbs[&draft.index];
                    let session = of(peer, table, build.kind(peer, table), Class::Connect);
                    build.tell(session.importing(hears.clone()), Way::Connect(connect, n));
                }
            }
        }
    }

    /// Which appliances know what the transit gateway tells them; one that is told nothing misses nothing.
    pub(super) fn heard_by_peers(&mut self, build: &Build, converged: &Converged) {
        for ((connect, n), peer) in &build.peers {
            let told =
                |rib: &Rib| rib.iter().any(|(_, ranked)| ranked.routes.iter().any(|r| matches!(r.via, Via::Peer(_))));
            let mut sessions = build.plan.sessions.iter_enumerated().filter(|(_, s)| s.to == *peer);
            let heard = told(&converged.ribs[*peer])
                || !sessions.any(|(session, s)| tells(&build.plan, session, &converged.ribs[s.from]));
            if let TgwAttachKind::Connect { tunnels, .. } = &mut self.fabric.tgw_attaches[*connect].kind
                && let Some(bgp) = &mut tunnels[usize::from(*n)].bgp
            {
                bgp.heard = heard;
            }
        }
    }
}

/// Whether the learner of a session would take anything that the teller holds.
fn tells(plan: &Plan, session: SessionIx, rib: &Rib) -> bool {
    let taken = |(to, ranked): (Cidr, &crate::control::Ranked)| {
        let said = export(plan, session, to, Some(ranked.best())).ok()?;
        import(plan, session, to, said).ok()
    };
    rib.iter().any(|route| taken(route).is_some())
}

/// The first three hosts of a block inside a tunnel, if it is a /29 of IPv4.
fn inside(block: Cidr) -> Option<[IpAddr; 3]> {
    let IpAddr::V4(network) = block.network() else { return None };
    if block.len() != INSIDE_LEN {
        return None;
    }
    Some([1, 2, 3].map(|n| Ipv4Addr::from(u32::from(network) + n).into()))
}
