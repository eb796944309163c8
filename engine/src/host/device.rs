//! smoltcp's view of the network: one packet in, any number out, bytes on both sides.
//!
//! The only place where a host's packets are bytes. Checksums are neither made nor verified here: inside
//! the simulator a packet has none, and [`wire::emit`](crate::wire::emit) makes them where bytes are wanted.

use super::path::PathMtu;
use crate::base::{Instant, Stream};
use crate::wire::{self, Packet};
use smoltcp::iface::{Config, Interface};
use smoltcp::phy::{self, ChecksumCapabilities, DeviceCapabilities, Medium};
use smoltcp::time::Instant as Micros;
use smoltcp::wire::{HardwareAddress, IpCidr};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Virtual time as smoltcp counts it: whole microseconds, rounded down, always.
pub(super) fn micros(now: Instant) -> Micros {
    Micros::from_micros((now.0 / 1_000) as i64)
}
/// smoltcp's time as ours.
pub(super) const fn instant(at: Micros) -> Instant {
    Instant(at.total_micros() as u64 * 1_000)
}

/// What one poll takes and gives.
#[derive(Debug)]
pub(super) struct Device {
    mtu: usize,
    received: Option<Vec<u8>>,
    sent: Vec<Vec<u8>>,
}

impl Device {
    pub(super) fn new(mtu: u32, received: Option<&Packet>) -> Self {
        Self { mtu: mtu as usize, received: received.map(wire::emit_without_checksum), sent: Vec::new() }
    }
    /// What was sent since the last call.
    pub(super) fn take_sent(&mut self, tag: u32) -> Vec<Packet> {
        let parse = |bytes: Vec<u8>| wire::parse(&bytes, tag).expect("smoltcp sends what we can hold");
        self.sent.drain(..).map(parse).collect()
    }
}

pub(super) struct Received(Vec<u8>);
pub(super) struct Sent<'a>(&'a mut Vec<Vec<u8>>);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}
impl phy::TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut bytes = vec![0; len];
        let result = f(&mut bytes);
        self.0.push(bytes);
        result
    }
}
impl phy::Device for Device {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sent<'a>;
    fn receive(&mut self, _: Micros) -> Option<(Received, Sent<'_>)> {
        let bytes = self.received.take()?;
        Some((Received(bytes), Sent(&mut self.sent)))
    }
    fn transmit(&mut self, _: Micros) -> Option<Sent<'_>> {
        Some(Sent(&mut self.sent))
    }
    fn capabilities(&self) -> DeviceCapabilities {
        let mut caps = DeviceCapabilities::default();
        caps.medium = Medium::Ip;
        caps.max_transmission_unit = self.mtu;
        caps.checksum = ChecksumCapabilities::ignored();
        caps
    }
}

/// smoltcp's interfaces, one for each local address and MTU: smoltcp reads the MTU when an interface is made
/// and never again, and takes the segment size from the interface that polls the socket.
pub(super) struct Interfaces {
    seed: u64,
    name: String,
    mtu: u32,
    made: BTreeMap<(IpAddr, u32), Interface>,
}

impl Interfaces {
    pub(super) fn new(seed: u64, name: &str, mtu: u32) -> Self {
        Self { seed, name: name.to_owned(), mtu, made: BTreeMap::new() }
    }
    /// The interface to speak from `local` to `remote` with, and its MTU.
    pub(super) fn to(&mut self, local: IpAddr, remote: IpAddr, paths: &PathMtu, now: Instant) -> (&mut Interface, u32) {
        let mtu = paths.get(remote, now).unwrap_or(self.mtu).min(self.mtu);
        let interface = self.made.entry((local, mtu)).or_insert_with(|| {
            let mut config = Config::new(HardwareAddress::Ip);
            // smoltcp draws initial sequence numbers from this.
            config.random_seed = Stream::new(self.seed, "isn", &format!("{} {local} {mtu}", self.name)).next_u64();
            let mut interface = Interface::new(config, &mut Device::new(mtu, None), micros(now));
            let cidr = IpCidr::new(local.into(), if local.is_ipv4() { 32 } else { 128 });
            interface.update_ip_addrs(|addresses| addresses.push(cidr).expect("the first address fits"));
            interface
        });
        (interface, mtu)
    }
}
