//! One record, and what each of its fields holds.

use super::field::Field;
use super::subject::{Subject, Subjects};
use crate::compile::{FlowLog, tag_field};
use crate::verdict::{Dir, Hop, TrafficPath};
use crate::wire::{Headers, TcpFlags};
use std::net::{IpAddr, Ipv4Addr};

/// Group or ACL, Block Public Access (FLW-1, FLW-2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Action {
    /// Let pass.
    Accept,
    /// Rejected.
    Reject,
    /// Rejected by Block Public Access.
    Blocked,
}

/// What `log-status` says (FLW-14).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// There is a flow.
    Ok,
    /// There was no traffic in the window.
    NoData,
    /// There was more than was counted.
    SkipData,
}

/// What a packet's crossing says of its flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// Source as the record shows it (FLW-8).
    pub src: IpAddr,
    /// Destination as the record shows it.
    pub dst: IpAddr,
    /// Source of the packet.
    pub pkt_src: IpAddr,
    /// Destination of the packet.
    pub pkt_dst: IpAddr,
    /// Source port; 0 for protocols without ports (FLW-7).
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Protocol.
    pub protocol: u8,
    /// Direction at the interface.
    pub dir: Dir,
    /// ACCEPT or REJECT.
    pub action: Action,
    /// TCP flags of the window, as [`Flow::tcp_flags`] has them.
    pub tcp_flags: u8,
    /// The way out.
    pub path: TrafficPath,
}

/// Attachments and interfaces at both sides of a transit gateway.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// Where the packets came in, and the interface there.
    pub source: (&'a Subject, Option<&'a Subject>),
    /// Where they left, if they did.
    pub destination: Option<(&'a Subject, Option<&'a Subject>)>,
    /// The attachment at the other side of the one that the record is about.
    pub pair: Option<&'a Subject>,
    /// What was lost.
    pub lost: Losses,
}

/// Packets that a transit gateway lost, by cause (FLW-33).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Losses {
    /// No route.
    pub no_route: u64,
    /// A blackhole.
    pub blackhole: u64,
    /// Too large.
    pub mtu: u64,
    /// Hops ran out.
    pub ttl: u64,
    /// For reasons that have no field.
    pub other: u64,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What everything is called.
    pub subjects: &'a Subjects,
    /// What it is about.
    pub subject: &'a Subject,
    /// Whether there is a flow.
    pub status: Status,
    /// The flow. Without meaning if there is none.
    pub flow: Flow,
    /// Packets.
    pub packets: u64,
    /// Bytes of IP packets (FLW-6).
    pub bytes: u64,
    /// First packet, or start of the window: Unix seconds (FLW-13).
    pub start: u64,
    /// Last packet, or end of the window: Unix seconds.
    pub end: u64,
    /// The interface at the other side.
    pub next: Option<&'a Subject>,
    /// The sides of a transit gateway.
    pub sides: Option<Sides<'a>>,
}

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// `-`.
    Absent,
    /// A number.
    Number(u64),
    /// An address.
    Address(IpAddr),
    /// A word.
    Word(&'a str),
}

impl Action {
    /// AWS's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Reject | Self::Blocked => "REJECT",
        }
    }
}

impl Status {
    /// AWS's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NoData => "NODATA",
            Self::SkipData => "SKIPDATA",
        }
    }
}

impl Flow {
    /// No flow.
    pub const NONE: Self = Self {
        src: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        dst: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        pkt_src: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        pkt_dst: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        src_port: 0,
        dst_port: 0,
        protocol: 0,
        dir: Dir::In,
        action: Action::Accept,
        tcp_flags: 0,
        path: TrafficPath::None,
    };

    /// The flow of a crossing.
    #[must_use]
    pub fn of_hop(subject: &Subject, hop: &Hop) -> Self {
        let h = &hop.headers;
        let (src_port, dst_port) = h.ports();
        let (src, dst) = Self::shown(subject, hop.dir, hop.own, h.src, h.dst);
        Self {
            src,
            dst,
            pkt_src: h.src,
            pkt_dst: h.dst,
            src_port,
            dst_port,
            protocol: h.protocol.0,
            dir: hop.dir,
            action: Self::action(hop),
            tcp_flags: Self::tcp_flags(h),
            path: hop.path,
        }
    }

    /// ACCEPT or REJECT.
    #[must_use]
    pub const fn action(hop: &Hop) -> Action {
        match (hop.accepted, hop.blocked) {
            (true, _) => Action::Accept,
            (false, false) => Action::Reject,
            (false, true) => Action::Blocked,
        }
    }

    /// Source and destination as a record shows them (FLW-8): the interface's primary address stands for a destination that is
    /// a secondary IPv4 address or none of its own on the way in, and for a source that is none of its own on the way out.
    #[must_use]
    pub fn shown(subject: &Subject, dir: Dir, own: bool, src: IpAddr, dst: IpAddr) -> (IpAddr, IpAddr) {
        let primary = || subject.primary(src.is_ipv4());
        match dir {
            Dir::In if dst.is_ipv4() || !own => (src, primary().unwrap_or(dst)),
            Dir::Out if !own => (primary().unwrap_or(src), dst),
            _ => (src, dst),
        }
    }

    /// The bits that a packet adds: SYN-ACK as 18, else FIN 1, SYN 2 and RST 4, and [`INVALID`](Self::INVALID) (FLW-15).
    #[must_use]
    pub fn tcp_flags(headers: &Headers) -> u8 {
        // FLW-25.
        let Some(tcp) = headers.tcp() else { return 0 };
        let flags = tcp.flags.0 & 7;
        // A SYN goes with neither FIN nor RST (RFC 9293 section 3.10.7).
        let invalid = if flags & 2 != 0 && flags & 5 != 0 { Self::INVALID } else { 0 };
        if tcp.flags.has(TcpFlags::SYN_ACK) { TcpFlags::SYN_ACK.0 | flags | invalid } else { flags | invalid }
    }

    /// A combination of flags that does not exist: the field is `-`.
    pub const INVALID: u8 = 0x80;
}

impl<'a> Record<'a> {
    /// A record without a flow.
    #[must_use]
    pub const fn empty(subjects: &'a Subjects, subject: &'a Subject, status: Status, (start, end): (u64, u64)) -> Self {
        let (flow, next, sides) = (Flow::NONE, None, None);
        Self { subjects, subject, status, flow, packets: 0, bytes: 0, start, end, next, sides }
    }

    /// What a field holds in a log.
    #[must_use]
    pub fn value(&self, field: Field, log: &'a FlowLog, version: u8) -> Value<'a> {
        let (s, f) = (self.subject, &self.flow);
        match field {
            Field::Version => return Value::Number(version.into()),
            Field::AccountId => return Value::Word(&s.account),
            Field::InterfaceId => return word(s.interface.as_ref()),
            Field::Start => return Value::Number(self.start),
            Field::End => return Value::Number(self.end),
            Field::LogStatus => return Value::Word(self.status.word()),
            Field::VpcId => return word(s.vpc.as_ref()),
            Field::SubnetId => return word(s.subnet.as_ref()),
            Field::InstanceId => return word(s.instance.as_ref()),
            Field::Region => return Value::Word(&s.region),
            Field::AzId => return word(s.az_id.as_ref()),
            Field::ResourceId => return word(s.resource.as_ref()),
            Field::InterfaceType => return s.interface_type.map_or(Value::Absent, Value::Word),
            Field::ResourceType => {
                let whole = matches!(log.resource, crate::compile::LogResource::Tgw(_));
                return Value::Word(if whole { "TransitGateway" } else { "TransitGatewayAttachment" });
            }
            Field::TgwId => return word(s.tgw.as_ref()),
            Field::TgwAttachmentId => return word(s.attachment.as_ref()),
            Field::InstanceTag
            | Field::InstanceTag2
            | Field::InterfaceTag
            | Field::InterfaceTag2
            | Field::AsgTag
            | Field::AsgTag2 => {
                let (kind, n) = tag_field(field).expect("it is one");
                let known = log.tags[kind][n].as_deref() == Some("Name");
                return word(s.names[kind].as_ref().filter(|_| known));
            }
            _ => {}
        }
        if self.status != Status::Ok {
            return Value::Absent;
        }
        match field {
            Field::SrcAddr => Value::Address(f.src),
            Field::DstAddr => Value::Address(f.dst),
            Field::PktSrcAddr => Value::Address(f.pkt_src),
            Field::PktDstAddr => Value::Address(f.pkt_dst),
            Field::SrcPort => Value::Number(f.src_port.into()),
            Field::DstPort => Value::Number(f.dst_port.into()),
            Field::Protocol => Value::Number(f.protocol.into()),
            Field::Packets => Value::Number(self.packets),
            // FLW-16.
            Field::Bytes if f.action == Action::Blocked => Value::Absent,
            Field::Bytes => Value::Number(self.bytes),
            Field::Action => Value::Word(f.action.word()),
            Field::TcpFlags if f.tcp_flags & Flow::INVALID != 0 => Value::Absent,
            Field::TcpFlags => Value::Number(f.tcp_flags.into()),
            Field::Type => Value::Word(if f.pkt_src.is_ipv4() { "IPv4" } else { "IPv6" }),
            Field::PktSrcAwsService => self.service(f.pkt_src),
            Field::PktDstAwsService => self.service(f.pkt_dst),
            Field::FlowDirection => Value::Word(if f.dir == Dir::In { "ingress" } else { "egress" }),
            Field::TrafficPath if f.path == TrafficPath::None => Value::Absent,
            Field::TrafficPath => Value::Number(f.path as u64),
            Field::RejectReason if f.action == Action::Blocked => Value::Word("BPA"),
            Field::NextHopInterfaceId => word(self.near().and_then(|n| n.interface.as_ref())),
            Field::NextHopSubnetId => word(self.near().and_then(|n| n.subnet.as_ref())),
            Field::NextHopAzId => word(self.near().and_then(|n| n.az_id.as_ref())),
            Field::NextHopVpcId => word(self.near().and_then(|n| n.vpc.as_ref())),
            Field::NextHopInterfaceType => {
                self.near().and_then(|n| n.interface_type).map_or(Value::Absent, Value::Word)
            }
            _ => self.side(field),
        }
    }

    fn service(&self, address: IpAddr) -> Value<'a> {
        self.subjects.service_of(address).map_or(Value::Absent, Value::Word)
    }

    /// FLW-21: nothing is said of a next hop in another Region.
    fn near(&self) -> Option<&'a Subject> {
        self.next.filter(|next| next.region == self.subject.region)
    }

    /// Fields of a transit gateway's log (FLW-32), and those that are not modelled (FLW-26).
    fn side(&self, field: Field) -> Value<'a> {
        let Some(sides) = &self.sides else { return Value::Absent };
        let (source, from) = sides.source;
        let (destination, to) = sides.destination.unzip();
        let to = to.flatten();
        match field {
            Field::TgwSrcVpcAccountId => word(source.vpc_account.as_ref()),
            Field::TgwDstVpcAccountId => word(destination.and_then(|d| d.vpc_account.as_ref())),
            Field::TgwSrcVpcId => word(source.vpc.as_ref()),
            Field::TgwDstVpcId => word(destination.and_then(|d| d.vpc.as_ref())),
            Field::TgwSrcSubnetId => word(from.and_then(|e| e.subnet.as_ref())),
            Field::TgwDstSubnetId => word(to.and_then(|e| e.subnet.as_ref())),
            Field::TgwSrcEni => word(from.and_then(|e| e.interface.as_ref())),
            Field::TgwDstEni => word(to.and_then(|e| e.interface.as_ref())),
            Field::TgwSrcAzId => word(from.and_then(|e| e.az_id.as_ref())),
            Field::TgwDstAzId => word(to.and_then(|e| e.az_id.as_ref())),
            Field::TgwPairAttachmentId => word(sides.pair.and_then(|pair| pair.attachment.as_ref())),
            Field::PacketsLostNoRoute => Value::Number(sides.lost.no_route),
            Field::PacketsLostBlackhole => Value::Number(sides.lost.blackhole),
            Field::PacketsLostMtuExceeded => Value::Number(sides.lost.mtu),
            Field::PacketsLostTtlExpired => Value::Number(sides.lost.ttl),
            _ => Value::Absent,
        }
    }
}

fn word(text: Option<&String>) -> Value<'_> {
    text.map_or(Value::Absent, |text| Value::Word(text))
}
