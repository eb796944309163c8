//! 802.1Q: the tag that says which virtual network an Ethernet frame belongs to. Priority is always 0.

use std::fmt;

/// Bytes that a tag adds to a frame.
pub const LEN: usize = 4;
/// Tag protocol identifier.
const TPID: [u8; 2] = [0x81, 0x00];
/// Bytes of the two addresses, behind which the tag stands.
const ADDRESSES: usize = 12;

/// Number of a virtual network, 1 to 4094.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Vid(u16);

impl Vid {
    /// This number; nothing if it is 0 or above 4094, which IEEE 802.1Q reserves.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if 1 <= number && number <= 4094 { Some(Self(number)) } else { None }
    }
    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}
impl fmt::Display for Vid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The Ethernet frame (addresses, type, payload; no check sequence) with a tag.
/// Nothing if it has no whole Ethernet header, or a tag already.
#[must_use]
pub fn tag(frame: &[u8], vid: Vid) -> Option<Vec<u8>> {
    let kind = frame.get(ADDRESSES..ADDRESSES + 2)?;
    if kind == TPID {
        return None;
    }
    Some([&frame[..ADDRESSES], &TPID, &vid.0.to_be_bytes(), &frame[ADDRESSES..]].concat())
}

/// The number in a frame's tag, and the frame without it. Priority is ignored.
/// Nothing if there is no tag or its number is 0 or 4095.
#[must_use]
pub fn untag(frame: &[u8]) -> Option<(Vid, Vec<u8>)> {
    let rest = frame.get(ADDRESSES..)?.strip_prefix(&TPID)?;
    let (control, rest) = rest.split_first_chunk()?;
    let vid = Vid::new(u16::from_be_bytes(*control) & 0x0fff)?;
    (rest.len() >= 2).then(|| (vid, [&frame[..ADDRESSES], rest].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_goes_on_and_off() {
        let frame: Vec<u8> = (0..12).chain([8, 0, 0x45, 0]).collect();
        for number in [1, 101, 4094] {
            let tagged = tag(&frame, Vid::new(number).unwrap()).unwrap();
            assert_eq!(tagged.len(), frame.len() + LEN);
            assert_eq!(tagged[12..18], [0x81, 0, (number >> 8) as u8, number as u8, 8, 0]);
            assert_eq!(untag(&tagged), Some((Vid::new(number).unwrap(), frame.clone())));
            assert_eq!(tag(&tagged, Vid(1)), None);
            for len in 0..tagged.len() {
                assert_eq!(untag(&tagged[..len]).is_some(), len >= 18);
            }
        }
    }

    #[test]
    fn what_has_no_room_or_no_tag() {
        assert_eq!([0, 4095, 65_535].map(Vid::new), [None; 3]);
        assert_eq!(tag(&[0; 13], Vid(1)), None);
        assert_eq!(untag(&[0; 60]), None);
        let reserved = [&[0; 12][..], &TPID, &[0xe0, 0, 8, 0]].concat();
        assert_eq!(untag(&reserved), None, "a priority tag has number 0");
    }
}
