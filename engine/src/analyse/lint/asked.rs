//! Which conversations are asked about: from one interface of each class, each host of a site and the internet, to what
//! another one listens on. Where it is not known what listens, the first port of each rule of the groups stands for it:
//! somebody wrote the rule.

use super::Lint;
use crate::analyse::borders::Borders;
use crate::analyse::class::{classes, signatures};
use crate::analyse::ports::Sources;
use crate::base::ids::EniIx;
use crate::base::{PortRange, Protocol};
use crate::compile::ANY_HOST;
use crate::explain::{Origin, Question};
use crate::fabric::{ANY_PROTOCOL, EPHEMERAL, EniKind, SgRow, VpceService};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// The port that stands for a rule which opens all of them, and for services of AWS's.
const HTTPS: u16 = 443;
/// Conversations that are asked about before their answers are looked at.
const TOGETHER: usize = 50_000;

/// Who begins conversations.
struct Sender {
    name: Arc<str>,
    origins: Vec<Origin>,
    eni: Option<EniIx>,
    ephemeral: PortRange,
}

/// A conversation that is asked about, from every source port that stands for others.
pub(super) struct Asked {
    /// The sender's name.
    pub(super) from: Arc<str>,
    /// The receiver's.
    pub(super) to: Arc<str>,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    /// The sending interface, if it is one.
    pub(super) sender: Option<EniIx>,
    pub(super) questions: Vec<Question>,
    /// The sender's ephemeral ports.
    pub(super) ephemeral: PortRange,
}

impl Asked {
    /// `web-1 -> db-1 tcp/5432`.
    pub(super) fn text(&self) -> String {
        format!("{} -> {} {}/{}", self.from, self.to, self.protocol, self.port)
    }
}

impl Lint<'_> {
    /// Gives every conversation worth asking about to `of`, many at a time: those to one receiver are together.
    pub(super) fn asked(&self, of: &mut impl FnMut(Vec<Asked>)) {
        let network = self.network;
        let (fabric, names) = (&network.fabric, &network.names);
        let classes = classes(&signatures(network, &Borders::of(&[network])));
        let mut senders: Vec<Sender> = Vec::new();
        for class in &classes {
            let eni = class[0];
            let Some(guest) = fabric.enis[eni].guest().filter(|guest| fabric.guests[*guest].running) else { continue };
            let origins = addresses(self, eni).into_iter().map(|address| Origin::Eni { eni, address }).collect();
            let ephemeral = fabric.guests[guest].ephemeral;
            senders.push(Sender { name: names.eni_text(fabric, eni).into(), origins, eni: Some(eni), ephemeral });
        }
        for (host, label) in names.internet_hosts.iter_enumerated() {
            if fabric.vantage_of(host).is_some() {
                let h = &fabric.internet_hosts[host];
                let origins = h.addresses.iter().map(|address| Origin::Site { host, address: *address }).collect();
                senders.push(Sender { name: label.short().into(), origins, eni: None, ephemeral: EPHEMERAL });
            }
        }
        let everybody = ANY_HOST.1.map(|a| Origin::Internet { address: a.parse().expect("an address") });
        let internet = Sender { name: ANY_HOST.0.into(), origins: everybody.to_vec(), eni: None, ephemeral: EPHEMERAL };
        let sources = Sources::of(&[network]);
        let mut out = Vec::new();
        for class in &classes {
            let listeners = self.listeners(class[0]);
            let texts = [class.first(), class.get(1)].map(|eni| eni.map(|eni| Arc::from(names.eni_text(fabric, *eni))));
            for sender in senders.iter().chain([&internet]) {
                // One of the same class asks another one of it.
                let n = usize::from(sender.eni == Some(class[0]));
                let (Some(to), Some(text)) = (class.get(n).copied(), &texts[n]) else { continue };
                let public = &*sender.name == ANY_HOST.0;
                let own = if public { public_addresses(self, to) } else { addresses(self, to) };
                ask_all((&mut out, &sources), sender, text, &own, &listeners);
            }
            if out.len() >= TOGETHER {
                of(std::mem::take(&mut out));
            }
        }
        for (host, label) in names.internet_hosts.iter_enumerated() {
            // Those that the topology describes; one that is built in stands for the rest of the internet.
            if !label.span.is_some() && label.id != ANY_HOST.0 {
                continue;
            }
            let h = &fabric.internet_hosts[host];
            let mut listeners = h.listeners.to_vec();
            if h.takes_everything {
                listeners.push((Protocol::TCP, HTTPS));
            }
            let (text, own) = (Arc::from(label.short()), &h.addresses[..h.addresses.len().min(2)]);
            for sender in senders.iter().filter(|sender| &*sender.name != label.short()) {
                ask_all((&mut out, &sources), sender, &text, own, &listeners);
            }
        }
        of(out);
    }

    /// What an interface takes: what listens, or what its groups' rules are for.
    fn listeners(&self, eni: EniIx) -> Vec<(Protocol, u16)> {
        let fabric = &self.network.fabric;
        match fabric.enis[eni].kind {
            EniKind::Guest(guest) => {
                if let Some(listeners) = &fabric.guests[guest].listeners {
                    return listeners.to_vec();
                }
            }
            EniKind::Vpce(vpce) => {
                return match fabric.vpces[vpce].service {
                    VpceService::Provider(service) => {
                        fabric.services[service].listeners.iter().map(|l| (l.protocol, l.port)).collect()
                    }
                    _ => vec![(Protocol::TCP, HTTPS)],
                };
            }
            _ => return Vec::new(),
        }
        let table = &fabric.sg_sets[fabric.enis[eni].sg_set].inbound;
        let v4 = table.v4.iter().map(|SgRow { protocol, low, high, .. }| (*protocol, *low, *high));
        let v6 = table.v6.iter().map(|SgRow { protocol, low, high, .. }| (*protocol, *low, *high));
        let ports: BTreeSet<(Protocol, u16)> = v4
            .chain(v6)
            .map(|(protocol, low, high)| match protocol {
                ANY_PROTOCOL => (Protocol::TCP, HTTPS),
                _ if low == 0 && high == u16::MAX => (Protocol(protocol as u8), HTTPS),
                _ => (Protocol(protocol as u8), low),
            })
            .filter(|(protocol, _)| protocol.has_ports())
            .collect();
        ports.into_iter().collect()
    }
}

fn addresses(lint: &Lint<'_>, eni: EniIx) -> Vec<IpAddr> {
    let e = &lint.network.fabric.enis[eni];
    e.v4.map(IpAddr::V4).into_iter().chain(e.v6.map(IpAddr::V6)).collect()
}

fn public_addresses(lint: &Lint<'_>, eni: EniIx) -> Vec<IpAddr> {
    let fabric = &lint.network.fabric;
    let e = &fabric.enis[eni];
    let public = e.v4.and_then(|private| fabric.vpcs[e.vpc].public.get(&private)).map(|a| IpAddr::V4(*a));
    public.into_iter().chain(e.v6.map(IpAddr::V6)).collect()
}

fn ask_all(
    (out, sources): (&mut Vec<Asked>, &Sources),
    Sender { name, origins, eni, ephemeral }: &Sender,
    to: &Arc<str>,
    targets: &[IpAddr],
    listeners: &[(Protocol, u16)],
) {
    for target in targets {
        let Some(origin) = origins.iter().find(|o| o.address().is_ipv4() == target.is_ipv4()) else { continue };
        for (protocol, port) in listeners {
            let ports = sources.get(*protocol, *ephemeral);
            let question =
                |src_port| Question { from: *origin, to: *target, protocol: *protocol, src_port, dst_port: *port };
            let questions = ports.iter().copied().map(question).collect();
            out.push(Asked {
                from: Arc::clone(name),
                to: Arc::clone(to),
                protocol: *protocol,
                port: *port,
                sender: *eni,
                questions,
                ephemeral: *ephemeral,
            });
        }
    }
}
