//! One record, and what each of its fields holds.

use super::field::Field;
use super::flow::{Action, Flow};
use super::subject::{Subject, Subjects};
use crate::compile::{FlowLog, tag_field};
use crate::verdict::{Dir, TrafficPath};
use std::net::IpAddr;

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
