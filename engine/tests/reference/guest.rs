//! Guests, link-local services, hosts on the internet; and the round trip.

use super::nat::back;
use super::packet::{ICMP, ICMPV6, Packet, TCP, UDP};
use super::walk::{End, Place, Step, drop};
use super::world::{Eni, Translation};
use super::{Outcome, RefAnswer, RefQuestion, RefRow, Sender, World};
use vpcsim_engine::spec::Listener;

impl World<'_> {
    /// A running guest has the packet: it is for the guest, or the guest forwards it.
    pub fn guest_takes(&mut self, eni: &Eni, p: &mut Packet) -> Step {
        let instance = eni.instance.clone().expect("a running interface has an instance");
        let guest = self.guest(eni).expect("the same");
        if self.guest_owns(eni, p.dst) {
            let known = self.translations.iter().find(|t| t.device == instance && p.answers(&t.after)).cloned();
            let Some(known) = known else { return Err(End::Delivered(eni.name.clone())) };
            back(&known, p);
            self.take_hop("TtlGuest", &instance, p)?;
            return Ok(Place::Out(self.way_out(&instance, p).name));
        }
        let Some(forwarding) = guest.forwarding else {
            let kind = if self.guests_unknown() { "GuestForwardUnknown" } else { "GuestForwardOff" };
            return drop(RefRow::new(kind, &instance));
        };
        if forwarding.stateful && !self.has_state(&instance, p) {
            return drop(RefRow::new("GuestNoState", &instance));
        }
        self.take_hop("TtlGuest", &instance, p)?;
        p.straight = false;
        let out = self.way_out(&instance, p);
        // Linux: the answer to something that it forwarded is not rewritten, nor a TCP answer to something
        // that it has not seen.
        let known = self.forwarded.iter().any(|(at, first)| *at == instance && p.answers(first));
        self.forwarded.push((instance.clone(), p.clone()));
        let unseen = p.answer && (p.protocol == TCP || p.is_echo_reply());
        let own_source = self.guest_owns(eni, p.src);
        if forwarding.masquerade && out.index == 0 && !known && !unseen && !own_source {
            let own = if p.dst.is_ipv4() { out.v4 } else { out.v6 };
            if let Some(own) = own {
                let before = p.clone();
                // From here on it comes straight from this interface (4.2).
                p.src = own;
                p.straight = true;
                p.crossed.clear();
                self.translations.push(Translation { device: instance, before, after: p.clone() });
            }
        }
        Ok(Place::Out(out.name))
    }

    /// A stateful guest forwards a connection's first packet, and what belongs to one that it forwarded.
    fn has_state(&self, instance: &str, p: &Packet) -> bool {
        let first = match p.protocol {
            TCP => !p.answer,
            ICMP | ICMPV6 => matches!(p.icmp_type, 8 | 128),
            // assumed: of a protocol without connections every packet may be the first, as of UDP.
            _ => true,
        };
        let belongs = |first: &Packet| p.answers(first) || p.follows(first);
        first || self.forwarded.iter().any(|(at, first)| at == instance && belongs(first))
    }

    /// A guest's own routing: the interface in the destination's subnet, else the primary one.
    fn way_out(&self, instance: &str, p: &Packet) -> Eni {
        let all = self.enis_of(instance);
        all.iter().find(|e| self.in_subnet(&e.subnet, p.dst)).unwrap_or(&all[0]).clone()
    }

    /// Request and reply.
    pub fn ask(&mut self, q: &RefQuestion) -> RefAnswer {
        let mut p = first_packet(q);
        let place = match &q.from {
            Sender::Internet => Place::Internet,
            Sender::Eni(name) => {
                let eni = self.eni(name);
                if !self.running(&eni) {
                    return no_reply("request", RefRow::new("GuestDown", eni.instance.as_deref().unwrap_or(&eni.name)));
                }
                // measured-notes 1: inside the guest nothing is asked.
                if self.guest_owns(&eni, q.to) {
                    return match self.guest_answers(&eni, &p) {
                        (Outcome::NoReply, row) => no_reply("request", row.expect("a silent guest is a row")),
                        (outcome, row) => RefAnswer { outcome, decided_by: row.map(|r| ("request", r)) },
                    };
                }
                Place::Out(name.clone())
            }
        };
        let (outcome, row, from) = match self.walk(&mut p, place) {
            End::Dropped(row) => return dropped("request", row),
            End::Served => {
                let outcome = if matches!(p.protocol, ICMP | ICMPV6) { Outcome::Reply } else { Outcome::Open };
                return RefAnswer { outcome, decided_by: None };
            }
            End::Answered { outcome, from } => (outcome, None, from),
            End::Exited => {
                let (outcome, row) = self.host_answers(&p);
                (outcome, row, Place::Internet)
            }
            End::Delivered(at) => {
                let eni = self.eni(&at);
                let (outcome, row) = self.guest_answers(&eni, &p);
                // measured-notes 2: the interface that was addressed answers.
                let all = self.enis_of(eni.instance.as_deref().expect("delivered to a guest"));
                let from = all.iter().find(|e| e.owns(p.dst)).unwrap_or(&eni).name.clone();
                (outcome, row, Place::Out(from))
            }
        };
        if outcome == Outcome::NoReply {
            return no_reply("request", row.expect("a silent host is a row"));
        }
        let mut reply = p.reply();
        self.udp_refused |= outcome == Outcome::Closed && p.protocol == UDP;
        let answer = RefAnswer { outcome, decided_by: row.map(|r| ("request", r)) };
        match self.walk(&mut reply, from) {
            End::Dropped(row) => dropped("reply", row),
            // What does not come from where one wrote to is no answer.
            _ if reply.src != q.to => RefAnswer { outcome: Outcome::NoReply, decided_by: None },
            _ => answer,
        }
    }

    fn guest_answers(&self, eni: &Eni, p: &Packet) -> (Outcome, Option<RefRow>) {
        let guest = self.guest(eni).expect("delivered to a guest");
        let instance = eni.instance.as_deref().expect("the same");
        let listeners = guest.listen.as_ref().map(|all| all.iter().map(|l| l.value).collect::<Vec<_>>());
        let supposed = listeners.is_none() && self.guests_unknown();
        match answers(p, &listeners.unwrap_or_default(), supposed, guest.answers_ping.unwrap_or(true)) {
            Outcome::Closed => (Outcome::Closed, Some(RefRow::new("GuestClosed", instance))),
            Outcome::NoReply => (Outcome::NoReply, Some(RefRow::new("GuestNoPing", instance))),
            other => (other, None),
        }
    }

    fn host_answers(&self, p: &Packet) -> (Outcome, Option<RefRow>) {
        // Google's public resolver is known without being written.
        if ["8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"].contains(&p.dst.to_string().as_str())
        {
            let serves = matches!((p.protocol, p.dport), (TCP, 53 | 443 | 853) | (UDP, 53 | 443));
            let silent = RefRow::new("InternetSilent", "dns.google");
            return match p.protocol {
                ICMP | ICMPV6 => (Outcome::Reply, None),
                _ if serves => (Outcome::Open, None),
                _ => (Outcome::NoReply, Some(silent)),
            };
        }
        let mut all = self.spec.internet_hosts.iter();
        let Some((name, host)) = all.find(|(_, h)| h.addresses.iter().any(|a| a.value == p.dst)) else {
            return match self.aws_service_at(p) {
                Some((Outcome::NoReply, service)) => (Outcome::NoReply, Some(RefRow::new("InternetSilent", &service))),
                Some((outcome, _)) => (outcome, None),
                None => (Outcome::Unknown, Some(RefRow::new("InternetUnknown", "internet"))),
            };
        };
        let listeners: Vec<Listener> = host.listen.iter().map(|l| l.value).collect();
        match answers(p, &listeners, false, host.answers_ping.unwrap_or(true)) {
            // assumed: a host outside speaks no protocol that it does not list.
            Outcome::Open if !matches!(p.protocol, TCP | UDP) => {
                (Outcome::Closed, Some(RefRow::new("InternetClosed", name)))
            }
            Outcome::Closed => (Outcome::Closed, Some(RefRow::new("InternetClosed", name))),
            Outcome::NoReply => (Outcome::NoReply, Some(RefRow::new("InternetSilent", name))),
            other => (other, None),
        }
    }
}

fn answers(p: &Packet, listeners: &[Listener], supposed: bool, pings: bool) -> Outcome {
    match p.protocol {
        TCP | UDP => {
            let listens = listeners.iter().any(|l| l.protocol.0 == p.protocol && l.port == p.dport);
            if listens || supposed { Outcome::Open } else { Outcome::Closed }
        }
        ICMP | ICMPV6 if pings => Outcome::Reply,
        ICMP | ICMPV6 => Outcome::NoReply,
        // assumed: a guest that is sent another protocol speaks it.
        _ => Outcome::Open,
    }
}

fn no_reply(part: &'static str, row: RefRow) -> RefAnswer {
    RefAnswer { outcome: Outcome::NoReply, decided_by: Some((part, row)) }
}

fn dropped(part: &'static str, row: RefRow) -> RefAnswer {
    let unknown =
        matches!(row.kind, "NotModelled" | "GuestForwardUnknown" | "PcxUnknown" | "TgwUnknown" | "VpceUnknown");
    let outcome = if unknown { Outcome::Unknown } else { Outcome::NoReply };
    RefAnswer { outcome, decided_by: Some((part, row)) }
}

fn first_packet(q: &RefQuestion) -> Packet {
    let icmp_type = match q.protocol {
        ICMP => 8,
        ICMPV6 => 128,
        _ => 0,
    };
    let ports = matches!(q.protocol, TCP | UDP);
    Packet {
        src: q.src,
        dst: q.to,
        protocol: q.protocol,
        sport: if ports { q.src_port } else { 0 },
        dport: if ports { q.dst_port } else { 0 },
        icmp_type,
        answer: false,
        straight: true,
        crossed: Vec::new(),
        ttl: 64,
    }
}
