//! What `reach` asks about, and how people write it.

use crate::base::{PortRange, Protocol};

/// What is asked about: a protocol and, if it has ports, a range of destination ports. ICMP stands for echo requests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Service {
    /// Protocol; ICMP stands for ICMPv6 too.
    pub protocol: Protocol,
    /// Destination ports of TCP and UDP.
    pub ports: Option<PortRange>,
}

impl Service {
    /// All that is asked about if nothing is said: TCP and UDP on all ports, echo requests.
    pub const ALL: [Self; 3] = [
        Self { protocol: Protocol::TCP, ports: Some(PortRange::ALL) },
        Self { protocol: Protocol::UDP, ports: Some(PortRange::ALL) },
        Self { protocol: Protocol::ICMP, ports: None },
    ];

    /// True if it is a single port, or none.
    #[must_use]
    pub const fn is_one(&self) -> bool {
        match self.ports {
            Some(ports) => ports.from == ports.to,
            None => true,
        }
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.ports {
            Some(ports) => write!(f, "{}/{ports}", self.protocol),
            None => write!(f, "{}", self.protocol),
        }
    }
}

/// Reads `443`, `tcp/443`, `udp/8000-8100`, `icmp`.
///
/// # Errors
/// If it is none of these.
pub fn service(text: &str) -> Result<Service, String> {
    let form = || format!("`{text}` is not a port; write `443`, `tcp/443`, `udp/8000-8100` or `icmp`");
    let (protocol, ports) = match text.split_once('/') {
        Some((protocol, ports)) => (protocol.parse::<Protocol>().map_err(|_| form())?, Some(ports)),
        None if text.starts_with(|c: char| c.is_ascii_digit()) => (Protocol::TCP, Some(text)),
        None => (text.parse().map_err(|_| form())?, None),
    };
    match (protocol, ports) {
        (Protocol::ICMP | Protocol::ICMPV6, None) => Ok(Service { protocol: Protocol::ICMP, ports: None }),
        (Protocol::TCP | Protocol::UDP, None) => Ok(Service { protocol, ports: Some(PortRange::ALL) }),
        (Protocol::TCP | Protocol::UDP, Some(ports)) => {
            let port = |text: &str| text.trim().parse::<u16>().map_err(|_| form());
            let (from, to) = match ports.split_once('-') {
                Some((from, to)) => (port(from)?, port(to)?),
                None => (port(ports)?, port(ports)?),
            };
            if from > to {
                return Err(format!("`{text}`: the first port is above the last one"));
            }
            Ok(Service { protocol, ports: Some(PortRange { from, to }) })
        }
        _ => Err(format!("{}; other protocols have no ports to ask about", form())),
    }
}
