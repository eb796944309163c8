//! A second, naive answer to "what becomes of this packet?", to hold the engine against.
//!
//! Written from the description of AWS's behaviour and not from the engine: strings, linear scans over
//! the topology as written, no index, no cache, one function per question that AWS asks. It shares with
//! the engine only the types of a topology and of address blocks.
//!
//! Not modelled: time, MTU, fragments, port exhaustion, addresses that AWS would choose. A topology
//! handed to it writes every address.

// Each test file that includes this module uses a part of it, and no other crate can.
#![allow(dead_code, unreachable_pub)]

pub mod change;
mod choices;
mod endpoint;
mod filter;
mod gateway;
mod guest;
mod managed;
pub mod mirror;
mod nat;
mod packet;
mod peering;
pub mod questions;
mod route;
mod tgw;
pub mod topology;
mod topology_between;
mod topology_endpoints;
mod topology_open;
mod topology_rules;
mod topology_tgw;
mod topology_vpc;
mod walk;
pub mod world;

pub use choices::evaluate;
use std::collections::BTreeSet;
use std::net::IpAddr;
pub use world::World;

/// Who sends: an interface by name, or a host on the internet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sender {
    Eni(String),
    Internet,
}

/// A question, without any of the engine's handles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefQuestion {
    pub from: Sender,
    pub src: IpAddr,
    pub to: IpAddr,
    pub protocol: u8,
    pub src_port: u16,
    pub dst_port: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    Open,
    Closed,
    Reply,
    NoReply,
    Unknown,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Reply => "reply",
            Self::NoReply => "no_reply",
            Self::Unknown => "unknown",
        }
    }
}

/// What decided, in words: the kind of row, whose it is, in which direction, and what it is called.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RefRow {
    pub kind: &'static str,
    pub resource: String,
    /// `inbound` or `outbound` for filters, else empty.
    pub dir: &'static str,
    pub name: String,
}

impl RefRow {
    pub fn new(kind: &'static str, resource: &str) -> Self {
        Self { kind, resource: resource.to_owned(), dir: "", name: String::new() }
    }
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }
    pub fn facing(mut self, dir: Dir) -> Self {
        self.dir = dir.word();
        self
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dir {
    In,
    Out,
}

impl Dir {
    pub fn word(self) -> &'static str {
        match self {
            Self::In => "inbound",
            Self::Out => "outbound",
        }
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RefAnswer {
    pub outcome: Outcome,
    /// `request` or `reply`, and the row; absent if the answer is a plain yes.
    pub decided_by: Option<(&'static str, RefRow)>,
}

/// Distinct answers, one or more.
pub type Answers = BTreeSet<RefAnswer>;

/// Everything that may become of a packet, whatever AWS picks where it does not tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RefAnswers {
    pub set: Answers,
    /// How many combinations of picks there are.
    pub combinations: usize,
    /// What mirrors copied on the way there and back, for each combination.
    pub mirrored: BTreeSet<Vec<mirror::Mirrored>>,
    /// True if a request met a closed UDP port: what comes back is an ICMP message.
    pub udp_refused: bool,
    /// True if a packet goes round between transit gateways and VPCs until its hops run out, or if the
    /// combinations are too many: this evaluator does not tell then.
    pub goes_round: bool,
}
