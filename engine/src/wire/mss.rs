//! The maximum segment size option of a SYN.

use super::{L4, Packet, Payload};

/// Lowers the MSS option of a TCP packet to `mss`, if it has one that is larger (RFC 9293 section 3.7.1).
pub fn clamp_mss(packet: &mut Packet, mss: u16) {
    let L4::Tcp(tcp) = packet.headers.l4 else { return };
    let options = usize::from(tcp.options_len);
    let mut bytes = packet.payload.to_vec();
    let Some(at) = find_option(&bytes[..options.min(bytes.len())], 2) else { return };
    let Some(value) = bytes.get(at + 2..at + 4) else { return };
    if u16::from_be_bytes([value[0], value[1]]) > mss {
        bytes[at + 2..at + 4].copy_from_slice(&mss.to_be_bytes());
        packet.payload = Payload::from(bytes.as_slice());
    }
}

/// Position of the option of this kind (RFC 9293 section 3.1: 0 ends the list, 1 is padding, others carry their length).
fn find_option(options: &[u8], kind: u8) -> Option<usize> {
    let mut at = 0;
    while let Some(&found) = options.get(at) {
        match found {
            0 => return None,
            1 => at += 1,
            _ if found == kind => return Some(at),
            _ => at += usize::from((*options.get(at + 1)?).max(2)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_option_behind_padding() {
        assert_eq!(find_option(&[1, 1, 3, 3, 7, 2, 4, 5, 180], 2), Some(5));
        assert_eq!(find_option(&[0, 2, 4, 5, 180], 2), None);
        assert_eq!(find_option(&[4, 0, 2, 4], 2), Some(2));
        assert_eq!(find_option(&[8], 2), None);
    }
}
