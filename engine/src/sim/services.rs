//! Link-local services: the resolver, instance metadata and time, on the instance's own host.
//!
//! The resolver knows the private names of instances (`ip-10-0-1-10.ec2.internal`), their names in the
//! topology, and the names of described internet hosts; DNS64 where the subnet asks for it (SVC-8). Instance
//! metadata is a TCP listener on port 80, time a UDP listener on port 123: what they say is not modelled.

use super::{Event, Sim};
use crate::base::ids::{EniIx, VpcIx};
use crate::base::{PortRange, Protocol};
use crate::compile::Network;
use crate::event::{Fact, HostRef, Observer};
use crate::host::HostConfig;
use crate::verdict::{LinkIx, Service};
use crate::wire::{Headers, L4, Packet, Payload, Udp, dhcp, dns};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where services answer, besides the VPC's base plus two.
pub const SERVICE_ADDRESSES: [IpAddr; 6] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 253)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 123)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x123)),
];
/// The router somewhere on the internet that reports a narrow path (RFC 5737, RFC 3849).
pub(super) const FAR_ROUTER: (IpAddr, IpAddr) =
    (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 254)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xfe)));

pub(super) fn config(network: &Network, vpc: VpcIx, seed: u64) -> HostConfig {
    let mut addresses = SERVICE_ADDRESSES.to_vec();
    addresses.extend(network.fabric.vpcs[vpc].resolver.map(IpAddr::V4));
    HostConfig {
        name: format!("services of {}", network.names.vpcs[vpc].id),
        seed,
        addresses,
        os: crate::fabric::GuestOs::Linux,
        listeners: vec![(Protocol::TCP, 53), (Protocol::TCP, 80), (Protocol::UDP, 123)],
        listens_everywhere: false,
        refuses: false,
        answers_ping: false,
        mtu: 9001,
        ephemeral: PortRange { from: 32768, to: 60999 },
        streams: false,
    }
}

impl<O: Observer> Sim<O> {
    /// A packet is at a service.
    pub(super) fn serve(&mut self, packet: Packet, eni: EniIx, service: Service) {
        let vpc = self.network.fabric.enis[eni].vpc;
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Delivered { eni, packet: &packet });
        }
        self.askers.insert((packet.headers.src, packet.headers.ports().0), eni);
        let is_request =
            packet.headers.protocol == Protocol::UDP && packet.headers.dst == IpAddr::V4(Ipv4Addr::BROADCAST);
        if is_request {
            self.totals.delivered += 1;
            if let Some(answer) = self.lease(&packet, eni) {
                self.answer_at_once(vpc, answer);
            }
            return;
        }
        let port = packet.headers.ports().1;
        let is_query = packet.headers.protocol == Protocol::UDP && port == 53 && service == Service::Resolver;
        if is_query {
            self.totals.delivered += 1;
            if let Some(answer) = self.resolve(&packet, eni) {
                self.answer_at_once(vpc, answer);
            }
            return;
        }
        if service.serves(packet.headers.protocol, port) {
            self.host_takes(HostRef::Services(vpc), packet);
        } else {
            self.totals.delivered += 1;
        }
    }

    /// A service's packet goes straight to the interface that asked: nothing filters it (SVC-4).
    pub(super) fn service_answers(&mut self, packet: Packet) {
        let asker = self.askers.get(&(packet.headers.dst, packet.headers.ports().1)).copied();
        let Some(eni) = asker else {
            let by = self.network.fabric.no_mapping;
            return self.drop(&packet, by, None);
        };
        let delay = self.network.fabric.link(LinkIx::HOST).latency;
        self.queue.push(self.now + delay, Event::Arrive { packet, at: crate::verdict::Vantage::FromService(eni) });
    }

    fn answer_at_once(&mut self, vpc: VpcIx, answer: Packet) {
        self.totals.originated += 1;
        if O::WATCHES {
            self.observer.on(self.now, &Fact::Originated { host: HostRef::Services(vpc), packet: &answer });
        }
        self.service_answers(answer);
    }

    /// The host answers DHCP in the name of the subnet's router.
    fn lease(&self, request: &Packet, eni: EniIx) -> Option<Packet> {
        let e = &self.network.fabric.enis[eni];
        let (subnet, h) = (&self.network.fabric.subnets[e.subnet], &request.headers);
        let (address, block) = (e.v4?, subnet.v4?);
        let Some(IpAddr::V4(router)) = subnet.router(true) else { return None };
        let (src_port, dst_port) = h.ports();
        if dst_port != 67 {
            return None;
        }
        let guest = &self.network.fabric.guests[e.guest()?];
        let resolver = self.network.fabric.vpcs[e.vpc].resolver.unwrap_or(router);
        let mtu = u16::try_from(guest.mtu).unwrap_or(u16::MAX);
        let lease = dhcp::Lease { address, prefix_len: block.len(), router, resolver, mtu };
        let answer = dhcp::ack(&request.payload.to_vec(), &lease);
        let length = u16::try_from(answer.len() + 8).ok()?;
        let l4 = L4::Udp(Udp { src_port: 67, dst_port: src_port, length });
        let headers = Headers { src: router.into(), dst: address.into(), ttl: 64, l4, ..*h };
        Some(Packet { headers, tag: request.tag, payload: Payload::from(answer.as_slice()) })
    }

    fn resolve(&self, query: &Packet, eni: EniIx) -> Option<Packet> {
        let bytes = query.payload.to_vec();
        let question = dns::parse_query(&bytes)?;
        let subnet = &self.network.fabric.subnets[self.network.fabric.enis[eni].subnet];
        let addresses = self.network.resolve(self.network.fabric.enis[eni].vpc, &question.name);
        let answer = dns::answer(&question, &addresses, subnet.dns64);
        let h = &query.headers;
        let (src_port, dst_port) = h.ports();
        let length = u16::try_from(answer.len() + 8).ok()?;
        let l4 = L4::Udp(Udp { src_port: dst_port, dst_port: src_port, length });
        let headers = Headers { src: h.dst, dst: h.src, ttl: 64, l4, ..*h };
        Some(Packet { headers, tag: query.tag, payload: Payload::from(answer.as_slice()) })
    }
}
