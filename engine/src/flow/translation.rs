//! Source address and port translation: NAT gateways, masquerading guests, Client VPN endpoints.
//!
//! Which port AWS picks is not published (NAT-9), so the choice is ours and deterministic: a start drawn
//! from the flow itself, then the next free one. An address serves at most
//! [`CONNECTIONS_PER_DESTINATION`] flows to one destination (NAT-4).

use crate::base::{Instant, Nanos, Protocol};
use crate::wire::Headers;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// Simultaneous connections of one address to one destination address, port and protocol.
pub const CONNECTIONS_PER_DESTINATION: u32 = 55_000;
/// First port a NAT gateway uses.
pub const FIRST_PORT: u16 = 1024;
/// How long a closed connection keeps its port (NAT-11, assumed).
pub const CLOSED_LINGER: Nanos = Nanos::from_secs(60);

/// A flow as the inside sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Inside {
    /// Protocol, of the inside.
    pub protocol: Protocol,
    /// Inside address.
    pub src: IpAddr,
    /// Inside port, or ICMP identifier.
    pub src_port: u16,
    /// Destination address, as the inside wrote it.
    pub dst: IpAddr,
    /// Destination port; 0 for ICMP.
    pub dst_port: u16,
}

impl Inside {
    /// The flow of a packet that goes out; nothing for an ICMP error.
    #[must_use]
    pub fn of(h: &Headers) -> Option<Self> {
        if h.is_icmp_error() {
            return None;
        }
        let (src_port, dst_port) = match h.icmp() {
            Some(icmp) => ((icmp.rest >> 16) as u16, 0),
            None => h.ports(),
        };
        Some(Self { protocol: h.protocol, src: h.src, src_port, dst: h.dst, dst_port })
    }
    /// The flow that an answer to the packet belongs to; nothing for an ICMP error.
    #[must_use]
    pub fn answering(h: &Headers) -> Option<Self> {
        let flow = Self::of(h)?;
        let (src_port, dst_port) = if h.icmp().is_some() { (flow.src_port, 0) } else { (flow.dst_port, flow.src_port) };
        Some(Self { protocol: flow.protocol, src: flow.dst, src_port, dst: flow.src, dst_port })
    }
}

/// The same flow as the outside sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Outside {
    /// Protocol, of the outside.
    pub protocol: Protocol,
    /// The translator's own address.
    pub own: IpAddr,
    /// The port it chose, or ICMP identifier.
    pub own_port: u16,
    /// The other side's address.
    pub remote: IpAddr,
    /// The other side's port; 0 for ICMP.
    pub remote_port: u16,
}

/// A live translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Translation {
    /// How the outside sees the flow.
    pub outside: Outside,
    /// Time of the last packet.
    pub last: Instant,
    /// True once either side has reset it or both have closed it.
    pub closed: bool,
}

/// Why there is no translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TranslationError {
    /// Every port of every address is in use for this destination.
    NoPort,
}

/// The translations of one device.
#[derive(Clone, Debug)]
pub struct Translator {
    idle: Nanos,
    keeps_ports: bool,
    out: FxHashMap<Inside, Translation>,
    back: FxHashMap<Outside, Inside>,
    /// Flows by own address and destination.
    used: FxHashMap<(IpAddr, Protocol, IpAddr, u16), u32>,
    sweep_at: usize,
}

impl Translator {
    /// A device that forgets flows which were idle for longer than `idle`.
    #[must_use]
    pub fn new(idle: Nanos) -> Self {
        Self {
            idle,
            keeps_ports: false,
            out: FxHashMap::default(),
            back: FxHashMap::default(),
            used: FxHashMap::default(),
            sweep_at: 0,
        }
    }

    /// The same, with the inside's own port while no other flow to the same destination has it (CVPN-2).
    #[must_use]
    pub fn keeping_ports(idle: Nanos) -> Self {
        Self { keeps_ports: true, ..Self::new(idle) }
    }

    /// The live translation of an inside flow.
    pub fn outgoing(&mut self, inside: &Inside, now: Instant) -> Option<&mut Translation> {
        let idle = self.idle;
        self.out.get_mut(inside).filter(|t| t.is_live(now, idle))
    }

    /// The inside flow that an outside packet belongs to, with its live translation.
    pub fn incoming(&mut self, outside: &Outside, now: Instant) -> Option<(Inside, &mut Translation)> {
        let inside = *self.back.get(outside)?;
        let idle = self.idle;
        self.out.get_mut(&inside).filter(|t| t.outside == *outside && t.is_live(now, idle)).map(|t| (inside, t))
    }

    /// True if there is or was a translation for the outside packet's flow that has expired.
    #[must_use]
    pub fn knew(&self, outside: &Outside) -> bool {
        self.back.contains_key(outside)
    }

    /// Binds a new flow to the first of `own` addresses with a free port. `remote` is the destination
    /// as the outside will see it: another address than the inside's in NAT64.
    ///
    /// # Errors
    /// If every address is full for this destination.
    pub fn bind(
        &mut self,
        inside: Inside,
        protocol: Protocol,
        remote: IpAddr,
        own: impl IntoIterator<Item = IpAddr>,
        now: Instant,
    ) -> Result<Outside, TranslationError> {
        if self.out.len() >= self.sweep_at.max(1024) {
            self.sweep(now);
        }
        self.unbind(&inside);
        let own: Vec<IpAddr> = own.into_iter().collect();
        let outside = match self.pick(&inside, protocol, remote, &own) {
            Some(outside) => outside,
            None => {
                self.sweep(now);
                self.pick(&inside, protocol, remote, &own).ok_or(TranslationError::NoPort)?
            }
        };
        self.out.insert(inside, Translation { outside, last: now, closed: false });
        self.back.insert(outside, inside);
        *self.used.entry(destination(&outside)).or_default() += 1;
        Ok(outside)
    }

    fn pick(&self, inside: &Inside, protocol: Protocol, remote: IpAddr, own: &[IpAddr]) -> Option<Outside> {
        let ports = u32::from(u16::MAX - FIRST_PORT) + 1;
        let mut hasher = FxHasher::default();
        inside.hash(&mut hasher);
        let start = ((hasher.finish() >> 32) % u64::from(ports)) as u32;
        for own in own {
            let mut outside = Outside { protocol, own: *own, own_port: 0, remote, remote_port: inside.dst_port };
            if self.used.get(&destination(&outside)).is_some_and(|used| *used >= CONNECTIONS_PER_DESTINATION) {
                continue;
            }
            // A protocol without ports is told apart by its addresses alone.
            if !protocol.has_ports() && !protocol.is_icmp() {
                if !self.back.contains_key(&outside) {
                    return Some(outside);
                }
                continue;
            }
            if self.keeps_ports {
                outside.own_port = inside.src_port;
                if !self.back.contains_key(&outside) {
                    return Some(outside);
                }
            }
            for offset in 0..ports {
                outside.own_port = FIRST_PORT + ((start + offset) % ports) as u16;
                if !self.back.contains_key(&outside) {
                    return Some(outside);
                }
            }
        }
        None
    }

    /// Forgets a flow.
    pub fn unbind(&mut self, inside: &Inside) {
        if let Some(translation) = self.out.remove(inside) {
            self.back.remove(&translation.outside);
            let key = destination(&translation.outside);
            if let Some(used) = self.used.get_mut(&key) {
                *used -= 1;
                if *used == 0 {
                    self.used.remove(&key);
                }
            }
        }
    }

    /// Forgets every flow that has expired.
    fn sweep(&mut self, now: Instant) {
        let idle = self.idle;
        let (back, used) = (&mut self.back, &mut self.used);
        self.out.retain(|_, translation| {
            let live = translation.is_live(now, idle);
            if !live {
                back.remove(&translation.outside);
                if let Some(count) = used.get_mut(&destination(&translation.outside)) {
                    *count -= 1;
                }
            }
            live
        });
        self.used.retain(|_, count| *count > 0);
        self.sweep_at = self.out.len() * 2;
    }

    /// Live and expired flows that nothing has swept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }
    /// True if no flow is bound.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }
}

impl Translation {
    fn is_live(&self, now: Instant, idle: Nanos) -> bool {
        now.since(self.last) < if self.closed { CLOSED_LINGER } else { idle }
    }
}

const fn destination(outside: &Outside) -> (IpAddr, Protocol, IpAddr, u16) {
    (outside.own, outside.protocol, outside.remote, outside.remote_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(port: u16, dst_port: u16) -> Inside {
        Inside {
            protocol: Protocol::TCP,
            src: "10.0.0.1".parse().unwrap(),
            src_port: port,
            dst: "192.0.2.1".parse().unwrap(),
            dst_port,
        }
    }

    /// NAT-4: the 55,001st connection to one destination fails, one to another port does not; a second address doubles it.
    #[test]
    fn an_address_is_full_per_destination() {
        let mut nat = Translator::new(Nanos::from_secs(350));
        let own: IpAddr = "10.0.9.5".parse().unwrap();
        let bind = |nat: &mut Translator, n: u32, dst_port, own: &[IpAddr]| {
            let mut inside = flow((n % 60_000) as u16, dst_port);
            inside.src = std::net::Ipv4Addr::from(0x0a00_0000 + n / 60_000).into();
            nat.bind(inside, Protocol::TCP, inside.dst, own.iter().copied(), Instant(0))
        };
        for n in 0..CONNECTIONS_PER_DESTINATION {
            bind(&mut nat, n, 443, &[own]).unwrap();
        }
        assert_eq!(bind(&mut nat, 55_000, 443, &[own]), Err(TranslationError::NoPort));
        assert!(bind(&mut nat, 55_001, 444, &[own]).is_ok());
        let second: IpAddr = "10.0.9.6".parse().unwrap();
        assert_eq!(bind(&mut nat, 55_002, 443, &[own, second]).unwrap().own, second);
    }

    /// CVPN-2: a port is kept, privileged ones too, until another flow to the same destination has it.
    #[test]
    fn ports_are_kept_while_they_are_free() {
        let mut nat = Translator::keeping_ports(Nanos::from_secs(350));
        let own: IpAddr = "10.0.9.5".parse().unwrap();
        let mut second = flow(123, 443);
        second.src = "10.0.0.2".parse().unwrap();
        let mut bind = |flow: Inside| nat.bind(flow, flow.protocol, flow.dst, [own], Instant(0)).unwrap().own_port;
        assert_eq!((bind(flow(123, 443)), bind(flow(123, 444))), (123, 123));
        assert_ne!(bind(second), 123);
    }

    /// NAT-7: 349 s idle is alive, 350 s is not; the port is free again.
    #[test]
    fn idle_flows_expire() {
        let mut nat = Translator::new(Nanos::from_secs(350));
        let own: IpAddr = "10.0.9.5".parse().unwrap();
        let outside = nat.bind(flow(1, 443), Protocol::TCP, flow(1, 443).dst, [own], Instant(0)).unwrap();
        let at = |s: u64| Instant(s * 1_000_000_000);
        assert!(nat.outgoing(&flow(1, 443), at(349)).is_some());
        assert!(nat.outgoing(&flow(1, 443), at(350)).is_none());
        assert!(nat.incoming(&outside, at(350)).is_none());
        assert!(nat.knew(&outside));
    }
}
