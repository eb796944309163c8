//! Why a question is none, in words for whoever asked.

use std::net::IpAddr;

/// Why a question makes no sense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum QuestionError {
    /// No such name; the nearest one, if there is one.
    Unknown {
        /// What was asked for.
        name: String,
        /// What is most like it.
        near: Option<String>,
    },
    /// Several resources have the `Name` tag.
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Their ids.
        ids: Vec<String>,
    },
    /// A resource that is no end of a conversation.
    NotAnEnd {
        /// What was asked for.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// The source and the destination have no address of one family.
    NoCommonFamily {
        /// The source.
        from: String,
        /// The destination.
        to: String,
        /// True if the source is the one that has IPv4.
        from_v4: bool,
    },
    /// Both ends are on the internet: such packets never come near the network.
    Outside {
        /// The source.
        from: String,
        /// The destination.
        to: String,
    },
    /// Nobody has such an address: a loopback, unspecified, multicast or broadcast one.
    NotAHost {
        /// The address.
        address: IpAddr,
    },
    /// The address is inside a VPC, but no interface has it: nobody there can send.
    NobodyHas {
        /// The address.
        address: IpAddr,
    },
}

impl std::fmt::Display for QuestionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown { name, near: Some(near) } => {
                write!(f, "there is no `{name}` in this network; did you mean `{near}`?")
            }
            Self::Unknown { name, near: None } if name.contains('.') => write!(
                f,
                "there is no `{name}` in this network, and the resolver of the sender's VPC knows no such name (private hosted \
                 zones are not modelled; `names:` of an internet host makes a name known)"
            ),
            Self::Unknown { name, near: None } => {
                write!(
                    f,
                    "there is no `{name}` in this network; name an instance, a network interface, an address, or `internet`"
                )
            }
            Self::Ambiguous { name, ids } => {
                write!(f, "several resources are called `{name}`: {}; use an id", ids.join(", "))
            }
            Self::NotAnEnd { name, kind } => write!(
                f,
                "`{name}` is {kind}, which neither sends nor receives; name an instance, a network interface or an address"
            ),
            Self::NoCommonFamily { from, to, from_v4 } => {
                let (one, other) = if *from_v4 { ("IPv4", "IPv6") } else { ("IPv6", "IPv4") };
                write!(
                    f,
                    "`{from}` and `{to}` have no addresses of one family: the one has only {one}, the other only {other}; \
                     give either an address of the other's family"
                )
            }
            Self::Outside { from, to } => {
                write!(f, "neither `{from}` nor `{to}` is in this network: what they say to each other never enters it")
            }
            Self::NotAHost { address } => write!(f, "{address} is the address of no host that could be asked about"),
            Self::NobodyHas { address } => {
                write!(f, "no interface has the address {address}, so nobody can send from it")
            }
        }
    }
}
