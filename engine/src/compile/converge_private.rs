//! Which private VPN tunnels Direct Connect carries at rest (VPN-37). Their outer packets follow what tables know by other means
//! than these tunnels, so the plan is run once without them, and those whose ends then reach each other are up.

use super::context::Context;
use super::converge::{Build, next_hop};
use crate::base::ids::TunnelIx;
use crate::control::{Class, Converged, SessionIx, TableIx, converge};
use crate::diag::Diagnostic;
use crate::fabric::{Line, NextHop, VifEnd};
use std::collections::BTreeSet;
use std::net::IpAddr;

impl Context {
    /// Takes down the sessions in private tunnels that nothing carries.
    pub(super) fn carry_private(&mut self, build: &mut Build) {
        let tunnels = self.fabric.tunnels.iter_enumerated();
        let private: Vec<TunnelIx> =
            tunnels.filter(|(_, t)| t.transport.is_some() && t.router.is_some()).map(|(tunnel, _)| tunnel).collect();
        if private.is_empty() || self.live.is_some() {
            return;
        }
        let mut without = build.plan.clone();
        for session in private.iter().flat_map(|tunnel| self.sessions_in(build, *tunnel)) {
            without.sessions[session].up = false;
        }
        let Ok(converged) = converge(&without) else { return };
        for tunnel in private {
            if !self.reaches(build, &converged, tunnel) {
                self.fabric.tunnels[tunnel].up = [false; 2];
                self.say_why_not(build, &converged, tunnel);
                for session in self.sessions_in(build, tunnel) {
                    build.plan.sessions[session].up = false;
                }
            }
        }
    }

    /// Warns of what keeps a tunnel down whatever the lines do.
    fn say_why_not(&mut self, build: &Build, converged: &Converged, tunnel: TunnelIx) {
        let t = &self.fabric.tunnels[tunnel];
        let (Some(transport), Some(router)) = (t.transport, t.router) else { return };
        let [aws, customer] = t.outside.map(IpAddr::V4);
        let (id, span) = (self.names.tunnels[tunnel].id.clone(), self.names.tunnels[tunnel].span);
        let region = self.fabric.tgws[self.fabric.tgw_attaches[transport.attach].tgw].region;
        let way = hop(build, converged, build.dxgw_for(transport.dxgw, Some(region)), aws);
        let own = &build.plan.tables[build.routers[router]].locals;
        let (message, help) = if way != Some(NextHop::Attach(transport.attach)) {
            let association = &self.names.tgw_attaches[transport.attach].id;
            let message = format!("no allowed prefix of `{association}` holds {aws}: `{id}` is down");
            (message, "add the transit gateway's block to `allowed_prefixes`")
        } else if !own.iter().any(|route| route.class == Class::Local && route.to.contains(customer)) {
            let message = format!("router `{}` announces no block with {customer}", self.names.routers[router].id);
            (format!("{message}: `{id}` is down"), "add its own address to `originates` or `networks`")
        } else {
            return;
        };
        self.warn(Diagnostic::warning("vpn-not-carried", span, message).help(help));
    }

    /// The directions of the session in a tunnel.
    fn sessions_in(&self, build: &Build, tunnel: TunnelIx) -> BTreeSet<SessionIx> {
        let number = build.bgp.iter().position(|bgp| bgp.line == Line::Tunnel(tunnel)).map(|n| n as u32);
        let sessions = build.plan.sessions.iter_enumerated();
        sessions.filter(|(_, s)| number.is_some() && s.bgp == number).map(|(session, _)| session).collect()
    }

    /// Whether the outer addresses of a private tunnel reach each other: as `walk/vpn_outer.rs` decides it packet by packet.
    fn reaches(&self, build: &Build, converged: &Converged, tunnel: TunnelIx) -> bool {
        let t = &self.fabric.tunnels[tunnel];
        let (Some(transport), Some(router)) = (t.transport, t.router) else { return false };
        let [aws, customer] = t.outside.map(IpAddr::V4);
        let region = self.fabric.tgws[self.fabric.tgw_attaches[transport.attach].tgw].region;
        let (at_router, at_dxgw) = (build.routers[router], build.dxgw_for(transport.dxgw, Some(region)));
        let hop = |table: TableIx, to: IpAddr| hop(build, converged, table, to);
        let vif = |hop: Option<NextHop>| match hop {
            Some(NextHop::Vif(vif)) => Some(&self.fabric.vifs[vif]),
            _ => None,
        };
        let fits =
            |vif: &crate::fabric::Vif| vif.up && vif.end == VifEnd::Dxgw(transport.dxgw) && vif.router == Some(router);
        self.fabric.routers[router].up
            && vif(hop(at_router, aws)).is_some_and(fits)
            && hop(at_dxgw, aws) == Some(NextHop::Attach(transport.attach))
            && vif(hop(at_dxgw, customer)).is_some_and(fits)
    }
}

/// Where a table sends what is for an address.
fn hop(build: &Build, converged: &Converged, table: TableIx, to: IpAddr) -> Option<NextHop> {
    let covering = converged.ribs[table].iter().filter(|(block, _)| block.contains(to));
    let longest = covering.max_by_key(|(block, _)| block.len())?;
    next_hop(build, table, longest.1.best())
}
