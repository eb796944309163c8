//! Transit gateways and their attachments.

use super::context::{Context, label};
use super::vpn::AMAZON_ASN;
use crate::base::ids::{EniIx, SubnetIx, TgwAttachIx, TgwIx, VpcIx};
use crate::base::rng::salt;
use crate::diag::Diagnostic;
use crate::fabric::{EniKind, Tgw, TgwAttach, TgwAttachKind, TgwPort, Tunnel};
use crate::names::Label;
use crate::spec::{self, AttachmentState, Spanned};
use crate::verdict::{Dir, RowKind};
use std::collections::BTreeMap;

/// Implied rows of an attachment, in the order of `TgwRow`.
const ROWS: [(RowKind, Dir); 8] = [
    (RowKind::TgwPass, Dir::In),
    (RowKind::TgwNoAz, Dir::In),
    (RowKind::TgwNoAssociation, Dir::In),
    (RowKind::TgwUnknown, Dir::In),
    (RowKind::MtuTgw, Dir::In),
    (RowKind::TtlTgw, Dir::In),
    (RowKind::TgwTunnel, Dir::In),
    (RowKind::TgwState, Dir::In),
];
/// Tunnels of a Connect attachment (TGW-23).
const TUNNELS_MAX: usize = 4;

impl Context {
    pub(super) fn transit_gateways(&mut self) {
        let gateways = std::mem::take(&mut self.spec.transit_gateways);
        for (name, gateway) in &gateways {
            let (_, region) = self.realm_of(gateway.account.as_ref(), gateway.region.as_ref());
            if let Some(asn) = gateway.asn
                && !(64512..=65534).contains(&asn)
                && !(4_200_000_000..=4_294_967_294).contains(&asn)
            {
                // TGW-1.
                let message = format!("{asn} is not a private ASN for a transit gateway");
                self.problem(
                    Diagnostic::error("asn-range", name.span, message)
                        .help("AWS takes 64512 to 65534 and 4200000000 to 4294967294"),
                );
            }
            let sg_referencing = gateway.security_group_referencing.unwrap_or(false);
            let index = self.fabric.tgws.push(Tgw { region, sg_referencing });
            self.names.tgws.push(label(name, gateway.name_tag.as_ref()));
            self.ids.tgws.insert(name.value.clone(), index);
        }
        self.spec.transit_gateways = gateways;
        self.vpc_attachments();
        self.peering_attachments();
        self.connects();
    }

    pub(super) fn add_attachment(
        &mut self,
        tgw: TgwIx,
        kind: TgwAttachKind,
        state: Option<AttachmentState>,
        label: Label,
    ) -> TgwAttachIx {
        let index = self.fabric.tgw_attaches.next_index();
        let rows = self.row_block(index.0, &ROWS);
        // TGW-2.
        let available = matches!(
            state.unwrap_or(AttachmentState::Available),
            AttachmentState::Available | AttachmentState::Modifying | AttachmentState::RollingBack
        );
        self.ids.tgw_attaches.entry(label.id.clone()).or_default().push(index);
        self.names.tgw_attaches.push(label);
        self.fabric.tgw_attaches.push(TgwAttach { tgw, kind, available, rtb: None, rows })
    }

    fn vpc_attachments(&mut self) {
        let attachments = std::mem::take(&mut self.spec.transit_gateway_vpc_attachments);
        let mut pairs: BTreeMap<(TgwIx, VpcIx), &Spanned<String>> = BTreeMap::new();
        for (name, attachment) in &attachments {
            let (tgw, vpc) = (self.tgw_named(&attachment.transit_gateway), self.vpc_named(&attachment.vpc));
            let (Some(tgw), Some(vpc)) = (tgw, vpc) else { continue };
            if self.fabric.tgws[tgw].region != self.fabric.vpcs[vpc].region {
                let message =
                    format!("vpc `{}` is in another Region than `{}`", attachment.vpc, attachment.transit_gateway);
                self.problem(
                    Diagnostic::error("other-region", attachment.vpc.span, message)
                        .help("a VPC attaches to transit gateways of its own Region; peer the transit gateways"),
                );
            }
            // TGW-27.
            if let Some(other) = pairs.insert((tgw, vpc), name) {
                let message =
                    format!("`{}` has an attachment to `{}` already", attachment.vpc, attachment.transit_gateway);
                self.problem(
                    Diagnostic::error("second-attachment", name.span, message).note(other.span, "the other one"),
                );
            }
            let ports = self.ports(name, attachment, vpc);
            let kind = TgwAttachKind::Vpc {
                vpc,
                ports: ports.clone().into(),
                appliance_mode: attachment.appliance_mode.unwrap_or(false),
                sg_referencing: attachment.security_group_referencing.unwrap_or(true),
            };
            let index = self.add_attachment(tgw, kind, attachment.state, label(name, attachment.name_tag.as_ref()));
            self.ids.tgw_by_vpc.entry((tgw, vpc)).or_insert(index);
            for port in ports {
                let eni = &mut self.fabric.enis[port.eni];
                eni.kind = EniKind::Tgw(index);
                // It forwards, so there is no check.
                eni.source_dest_check = false;
            }
        }
        self.spec.transit_gateway_vpc_attachments = attachments;
    }

    /// TGW-4: one subnet per zone, of the attached VPC, with IPv4.
    fn ports(
        &mut self,
        name: &Spanned<String>,
        attachment: &spec::TransitGatewayVpcAttachment,
        vpc: VpcIx,
    ) -> Vec<TgwPort> {
        let listed: Vec<EniIx> = attachment
            .network_interfaces
            .iter()
            .filter_map(|eni| self.ids.enis.get(eni.value.as_str()).copied())
            .collect();
        if attachment.subnets.is_empty() {
            self.problem(
                Diagnostic::error("missing-field", name.span, format!("`{name}` has no subnet"))
                    .help("an attachment has one subnet in each zone whose hosts are to use the transit gateway"),
            );
        }
        let mut ports: Vec<TgwPort> = Vec::new();
        for written in &attachment.subnets {
            let Some(subnet) = self.subnet_named(written) else { continue };
            if !self.usable_subnet(written, subnet, vpc, &attachment.vpc) {
                continue;
            }
            let zone = self.fabric.subnets[subnet].zone;
            if ports.iter().any(|port| port.zone == zone) {
                let message = format!("`{name}` has two subnets in zone {}", self.names.zones[zone as usize]);
                self.problem(
                    Diagnostic::error("second-subnet-in-zone", written.span, message)
                        .help("an attachment has at most one subnet per zone; any subnet of the zone can use it"),
                );
                continue;
            }
            let Some(eni) = listed.iter().copied().find(|eni| self.fabric.enis[*eni].subnet == subnet) else {
                continue;
            };
            let zone_name = &self.names.zones[zone as usize];
            let up = !self.failed_zones.contains(zone_name);
            ports.push(TgwPort { zone, eni, salt: salt(&self.names.enis[eni].id), up });
        }
        ports
    }

    fn usable_subnet(&mut self, written: &Spanned<String>, subnet: SubnetIx, vpc: VpcIx, vpc_name: &str) -> bool {
        let s = &self.fabric.subnets[subnet];
        if s.vpc != vpc {
            let message = format!("subnet `{written}` is not in `{vpc_name}`");
            self.problem(Diagnostic::error("other-vpc", written.span, message));
            return false;
        }
        if s.v4.is_none() {
            let message = format!("subnet `{written}` has no IPv4 block, and cannot be attached");
            self.problem(Diagnostic::error("ipv6-only-subnet", written.span, message));
            return false;
        }
        true
    }

    /// TGW-6: a peering is one attachment of each of two transit gateways.
    fn peering_attachments(&mut self) {
        let peerings = std::mem::take(&mut self.spec.transit_gateway_peering_attachments);
        for (name, peering) in &peerings {
            let sides = [&peering.requester, &peering.accepter];
            let tgws = sides.map(|side| side.as_ref().and_then(|side| self.tgw_named(side)));
            for (side, field) in sides.into_iter().zip(["requester", "accepter"]) {
                if side.is_none() && !self.lenient {
                    let message = format!("peering of transit gateways `{name}` has no `{field}`");
                    self.problem(
                        Diagnostic::error("missing-field", name.span, message)
                            .help(format!("add `{field}: ...`, a transit gateway")),
                    );
                }
            }
            if let [Some(a), Some(b)] = tgws
                && a == b
            {
                let message = format!("`{name}` peers a transit gateway with itself");
                self.problem(Diagnostic::error("peering-with-itself", name.span, message));
                continue;
            }
            let made = tgws.map(|tgw| {
                let tag = peering.name_tag.as_ref();
                tgw.map(|tgw| self.add_attachment(tgw, TgwAttachKind::Peering(None), peering.state, label(name, tag)))
            });
            if let [Some(a), Some(b)] = made {
                self.fabric.tgw_attaches[a].kind = TgwAttachKind::Peering(Some(b));
                self.fabric.tgw_attaches[b].kind = TgwAttachKind::Peering(Some(a));
            }
        }
        self.spec.transit_gateway_peering_attachments = peerings;
    }

    /// TGW-23: tunnels over a VPC attachment.
    fn connects(&mut self) {
        let connects = std::mem::take(&mut self.spec.transit_gateway_connects);
        for (name, connect) in &connects {
            let Some(transport) = self.attachment_named(&connect.transport, None) else { continue };
            if !matches!(self.fabric.tgw_attaches[transport].kind, TgwAttachKind::Vpc { .. }) {
                let message = format!("`{}` cannot carry a Connect attachment", connect.transport);
                self.problem(
                    Diagnostic::error("connect-transport", connect.transport.span, message)
                        .help("name the attachment of a VPC"),
                );
                continue;
            }
            if connect.peers.len() > TUNNELS_MAX {
                let message = format!("`{name}` has {} peers, AWS allows {TUNNELS_MAX}", connect.peers.len());
                self.problem(Diagnostic::error("connect-peers", name.span, message));
            }
            let tgw = self.fabric.tgw_attaches[transport].tgw;
            for peer in &connect.peers {
                self.check_tunnel(tgw, peer);
            }
            let own = self.spec.transit_gateways[self.names.tgws[tgw].id.as_str()].asn.unwrap_or(AMAZON_ASN);
            let index = self.fabric.tgw_attaches.next_index();
            let bgp: Vec<_> = (0..=u8::MAX)
                .zip(&connect.peers)
                .map(|(n, peer)| self.connect_bgp(index, n, transport, peer))
                .collect();
            let tunnels = connect.peers.iter().zip(bgp).map(|(peer, bgp)| Tunnel {
                bgp,
                asn: peer.peer_asn.unwrap_or(own),
                near: peer.transit_gateway_address.value,
                far: peer.peer_address.value,
                advertises: peer.advertises.iter().map(|block| block.value).collect(),
                salt: salt(&format!("{} {}", peer.transit_gateway_address, peer.peer_address)),
            });
            let kind = TgwAttachKind::Connect { transport, tunnels: tunnels.collect() };
            self.add_attachment(tgw, kind, connect.state, label(name, connect.name_tag.as_ref()));
        }
        self.spec.transit_gateway_connects = connects;
    }

    fn check_tunnel(&mut self, tgw: TgwIx, peer: &Spanned<spec::ConnectPeer>) {
        let name = self.names.tgws[tgw].id.clone();
        let blocks: Vec<_> = self
            .spec
            .transit_gateways
            .get(name.as_str())
            .map(|t| t.cidrs.iter().map(|c| c.value).collect())
            .unwrap_or_default();
        let near = peer.transit_gateway_address;
        if !blocks.iter().any(|block| block.contains(near.value)) {
            let message = format!("`{near}` is in no block of transit gateway `{name}`");
            self.problem(
                Diagnostic::error("connect-address", near.span, message)
                    .help("a tunnel's outer address comes from `cidrs` of the transit gateway"),
            );
        }
        if near.is_ipv4() != peer.peer_address.is_ipv4() {
            let message = format!("`{near}` and `{}` are of different families", peer.peer_address);
            self.problem(Diagnostic::error("connect-address", peer.peer_address.span, message));
        }
        for inside in &peer.inside_cidrs {
            let want = if inside.is_v4() { ("169.254.0.0/16", 29) } else { ("fd00::/8", 125) };
            let range: crate::base::Cidr = want.0.parse().expect("a block");
            if inside.len() != want.1 || !range.covers(inside) {
                let message = format!("`{inside}` is not a /{} of {}", want.1, want.0);
                self.problem(Diagnostic::error("connect-inside", inside.span, message));
            }
        }
    }

    /// The attachment of a name; of a peering, the side of `tgw`.
    pub(super) fn attachment_named(&mut self, name: &Spanned<String>, tgw: Option<TgwIx>) -> Option<TgwAttachIx> {
        let Some(found) = self.ids.tgw_attaches.get(name.value.as_str()) else {
            let known: Vec<String> = self.ids.tgw_attaches.keys().cloned().collect();
            self.unknown(name, "transit gateway attachment", &known.iter().map(String::as_str).collect::<Vec<_>>());
            return None;
        };
        let side = found.iter().copied().find(|a| tgw.is_none_or(|tgw| self.fabric.tgw_attaches[*a].tgw == tgw));
        if side.is_none() {
            let message = format!("attachment `{name}` is another transit gateway's");
            self.problem(Diagnostic::error("other-transit-gateway", name.span, message));
        }
        side
    }
}
