//! Bidirectional Forwarding Detection: control packets (RFC 5880 section 4.1) for one hop (RFC 5881).
//! Not modelled: authentication, echo, several hops.

use super::{Fragment, Headers, L4, Packet, Payload, Udp};
use crate::base::Protocol;
use std::fmt;
use std::net::IpAddr;

/// UDP port that control packets go to.
pub const PORT: u16 = 3784;
/// Source ports (RFC 5881 section 4); one for a session, all through its life.
pub const SOURCE_PORTS: std::ops::RangeInclusive<u16> = 49_152..=65_535;
/// Time to live: a packet that arrives with less comes from further away (RFC 5881 section 5).
pub const TTL: u8 = 255;
/// Bytes of a control packet.
pub const LEN: usize = 24;
/// Traffic class of network control (DSCP 48), as routers send.
const TRAFFIC_CLASS: u8 = 0xc0;

/// State of a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// Switched off.
    AdminDown,
    /// Down.
    Down,
    /// The other side has been heard, and is down or on its way up.
    Init,
    /// Up.
    Up,
}

/// A control packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bfd {
    /// Why the last session went down, 0 to 31 (0 none, 1 detection time expired, 3 the neighbour said so, 7 switched off).
    pub diagnostic: u8,
    /// The sender's state.
    pub state: State,
    /// Wants an answer at once.
    pub poll: bool,
    /// Is that answer.
    pub last: bool,
    /// Control plane independent: survives a restart of the control plane.
    pub independent: bool,
    /// Wants the other side to send no periodic packets.
    pub demand: bool,
    /// Packets that may be missed in a row; not 0.
    pub multiplier: u8,
    /// The sender's number of this session; not 0.
    pub mine: u32,
    /// The receiver's number, as the sender heard it; 0 before that.
    pub yours: u32,
    /// Shortest interval at which the sender would like to send, in microseconds.
    pub desired_min_tx: u32,
    /// Shortest interval at which the sender can receive, in microseconds; 0: send nothing.
    pub required_min_rx: u32,
    /// Shortest interval between echo packets, in microseconds; 0: no echo.
    pub required_min_echo_rx: u32,
}

/// Why a packet is no control packet (RFC 5880 section 6.8.6: it is dropped silently).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BfdError {
    /// Not UDP to port 3784, or a fragment.
    NotBfd,
    /// The time to live is not 255.
    Ttl(u8),
    /// Not version 1.
    Version(u8),
    /// The length is below 24 bytes or above what there is.
    Length,
    /// Authentication, which is not modelled.
    Authentication,
    /// A field that cannot be: multiplier or the sender's number 0, the multipoint bit, poll and final at once, or the
    /// receiver's number 0 in a state where it has been heard.
    Field(&'static str),
}

impl fmt::Display for BfdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBfd => f.write_str("not BFD"),
            Self::Ttl(ttl) => write!(f, "time to live {ttl}, not 255"),
            Self::Version(version) => write!(f, "BFD version {version}"),
            Self::Length => f.write_str("an impossible length"),
            Self::Authentication => f.write_str("authentication: not modelled"),
            Self::Field(field) => write!(f, "{field}: an impossible value"),
        }
    }
}

impl Bfd {
    /// The 24 bytes of the control packet.
    #[must_use]
    pub fn encode(&self) -> [u8; LEN] {
        let flags = [self.poll, self.last, self.independent, false, self.demand, false];
        let flags = flags.into_iter().fold(0, |all, flag| all << 1 | u8::from(flag));
        let mut out = [0; LEN];
        out[0] = 1 << 5 | self.diagnostic & 31;
        out[1] = (self.state as u8) << 6 | flags;
        out[2] = self.multiplier;
        out[3] = LEN as u8;
        let words = [self.mine, self.yours, self.desired_min_tx, self.required_min_rx, self.required_min_echo_rx];
        for (place, word) in out[4..].chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        out
    }
    /// Reads what [`encode`](Self::encode) writes.
    ///
    /// # Errors
    /// If RFC 5880 section 6.8.6 says to drop it, or it is authenticated.
    pub fn decode(bytes: &[u8]) -> Result<Self, BfdError> {
        let head: &[u8; LEN] = bytes.first_chunk().ok_or(BfdError::Length)?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let flag = |bit: u8| head[1] & (1 << bit) != 0;
        if head[0] >> 5 != 1 {
            return Err(BfdError::Version(head[0] >> 5));
        }
        if usize::from(head[3]) < LEN || usize::from(head[3]) > bytes.len() {
            return Err(BfdError::Length);
        }
        if flag(2) {
            return Err(BfdError::Authentication);
        }
        let state = [State::AdminDown, State::Down, State::Init, State::Up][usize::from(head[1] >> 6)];
        let out = Self {
            diagnostic: head[0] & 31,
            state,
            poll: flag(5),
            last: flag(4),
            independent: flag(3),
            demand: flag(1),
            multiplier: head[2],
            mine: word(4),
            yours: word(8),
            desired_min_tx: word(12),
            required_min_rx: word(16),
            required_min_echo_rx: word(20),
        };
        let wrong = [
            (out.multiplier == 0, "multiplier"),
            (flag(0), "multipoint"),
            (out.poll && out.last, "poll and final"),
            (out.mine == 0, "the sender's number"),
            (out.yours == 0 && matches!(state, State::Init | State::Up), "the receiver's number"),
        ];
        match wrong.iter().find(|(wrong, _)| *wrong) {
            Some((_, field)) => Err(BfdError::Field(field)),
            None => Ok(out),
        }
    }
    /// The control packet as a packet from `src_port`, one of [`SOURCE_PORTS`].
    #[must_use]
    pub fn packet(&self, src: IpAddr, dst: IpAddr, src_port: u16, tag: u32) -> Packet {
        let headers = Headers {
            src,
            dst,
            protocol: Protocol::UDP,
            ttl: TTL,
            traffic_class: TRAFFIC_CLASS,
            fragment: Fragment { dont: !src.is_ipv4(), ..Fragment::default() },
            l4: L4::Udp(Udp { src_port, dst_port: PORT, length: 8 + LEN as u16 }),
        };
        Packet { headers, tag, payload: Payload::from(&self.encode()[..]) }
    }
    /// The control packet in a packet.
    ///
    /// # Errors
    /// If it is none, or must be dropped: see [`BfdError`].
    pub fn parse(packet: &Packet) -> Result<Self, BfdError> {
        let h = &packet.headers;
        if !matches!(h.l4, L4::Udp(Udp { dst_port: PORT, .. })) || h.fragment.is_fragment() {
            return Err(BfdError::NotBfd);
        }
        if h.ttl != TTL {
            return Err(BfdError::Ttl(h.ttl));
        }
        Self::decode(&packet.payload.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{emit, parse};

    fn bfd() -> Bfd {
        Bfd {
            diagnostic: 1,
            state: State::Up,
            poll: true,
            last: false,
            independent: true,
            demand: false,
            multiplier: 3,
            mine: 0x0102_0304,
            yours: 5,
            desired_min_tx: 300_000,
            required_min_rx: 300_000,
            required_min_echo_rx: 0,
        }
    }

    /// RFC 5880 section 4.1, field by field.
    #[test]
    fn the_bytes_are_those_of_the_rfc() {
        let expected = [0x21, 0xe8, 3, 24, 1, 2, 3, 4, 0, 0, 0, 5, 0, 4, 0x93, 0xe0, 0, 4, 0x93, 0xe0, 0, 0, 0, 0];
        assert_eq!(bfd().encode(), expected);
        assert_eq!(Bfd::decode(&expected), Ok(bfd()));
    }

    #[test]
    fn packets_come_back() {
        for state in [State::AdminDown, State::Down, State::Init, State::Up] {
            for (src, dst) in [("169.254.0.1", "169.254.0.2"), ("fd00::1", "fd00::2")] {
                let bfd = Bfd { state, poll: false, last: true, demand: true, independent: false, ..bfd() };
                let packet = bfd.packet(src.parse().unwrap(), dst.parse().unwrap(), 49_152, 4);
                assert_eq!(Bfd::parse(&packet), Ok(bfd));
                assert_eq!(parse(&emit(&packet), 4), Ok(packet));
            }
        }
    }

    #[test]
    fn what_the_rfc_drops_is_an_error() {
        let with = |at: usize, to: u8| {
            let mut bytes = bfd().encode();
            bytes[at] = to;
            Bfd::decode(&bytes)
        };
        assert_eq!(with(0, 0x41), Err(BfdError::Version(2)));
        assert_eq!(with(3, 23), Err(BfdError::Length));
        assert_eq!(with(3, 25), Err(BfdError::Length));
        assert_eq!(with(2, 0), Err(BfdError::Field("multiplier")));
        assert_eq!(with(1, 0xc1), Err(BfdError::Field("multipoint")));
        assert_eq!(with(1, 0xc4), Err(BfdError::Authentication));
        assert_eq!(with(1, 0xf0), Err(BfdError::Field("poll and final")));
        assert_eq!(with(11, 0), Err(BfdError::Field("the receiver's number")));
        assert_eq!(Bfd::decode(&Bfd { mine: 0, ..bfd() }.encode()), Err(BfdError::Field("the sender's number")));
        assert!(Bfd::decode(&Bfd { yours: 0, state: State::Down, ..bfd() }.encode()).is_ok());
        let (src, dst) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let mut packet = bfd().packet(src, dst, 49_152, 0);
        packet.headers.ttl = 254;
        assert_eq!(Bfd::parse(&packet), Err(BfdError::Ttl(254)));
        packet.headers.set_dst_port(3785);
        assert_eq!(Bfd::parse(&packet), Err(BfdError::NotBfd));
    }

    #[test]
    fn damage_panics_nowhere_and_what_is_read_is_written_again() {
        let bytes = bfd().encode();
        for bit in 0..LEN * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = Bfd::decode(&damaged) {
                assert_eq!(read.encode(), damaged);
            }
        }
        assert!((0..LEN).all(|len| Bfd::decode(&bytes[..len]) == Err(BfdError::Length)));
    }
}
