//! The algorithms of a security association, and what they cost in bytes.

use std::fmt;

/// Length of an AES key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AesKey {
    /// 128 bits.
    Bits128,
    /// 256 bits.
    Bits256,
}

impl AesKey {
    /// Length in bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        match self {
            Self::Bits128 => 16,
            Self::Bits256 => 32,
        }
    }
    /// Never: a key has a length. Here because [`len`](Self::len) is.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        false
    }
}

/// Integrity algorithm beside AES-CBC.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Integrity {
    /// HMAC-SHA1-96 (RFC 2404).
    Sha1,
    /// HMAC-SHA2-256-128 (RFC 4868).
    Sha256,
    /// HMAC-SHA2-384-192 (RFC 4868).
    Sha384,
    /// HMAC-SHA2-512-256 (RFC 4868).
    Sha512,
}

impl Integrity {
    /// Length of the key in bytes: that of the whole hash (RFC 2404 section 3, RFC 4868 section 2.1.1).
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
    /// Length in bytes of the cut hash that a packet carries.
    #[must_use]
    pub const fn icv_len(self) -> usize {
        match self {
            Self::Sha1 => 12,
            Self::Sha256 => 16,
            Self::Sha384 => 24,
            Self::Sha512 => 32,
        }
    }
}

/// Encryption and integrity of a security association: what AWS offers for phase 2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Suite {
    /// AES-GCM with an integrity check value of 16 bytes (RFC 4106).
    Gcm(AesKey),
    /// AES-CBC (RFC 3602) and a hash.
    Cbc(AesKey, Integrity),
}

impl Suite {
    /// Every suite there is.
    pub const ALL: [Self; 10] = [
        Self::Gcm(AesKey::Bits128),
        Self::Gcm(AesKey::Bits256),
        Self::Cbc(AesKey::Bits128, Integrity::Sha1),
        Self::Cbc(AesKey::Bits128, Integrity::Sha256),
        Self::Cbc(AesKey::Bits128, Integrity::Sha384),
        Self::Cbc(AesKey::Bits128, Integrity::Sha512),
        Self::Cbc(AesKey::Bits256, Integrity::Sha1),
        Self::Cbc(AesKey::Bits256, Integrity::Sha256),
        Self::Cbc(AesKey::Bits256, Integrity::Sha384),
        Self::Cbc(AesKey::Bits256, Integrity::Sha512),
    ];

    /// Length of the encryption key in bytes, without GCM's salt.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Gcm(key) | Self::Cbc(key, _) => key.len(),
        }
    }
    /// Length in bytes of the salt that stands behind the encryption key: 4 for GCM (RFC 4106 section 8.1), else 0.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::Gcm(_) => 4,
            Self::Cbc(..) => 0,
        }
    }
    /// Length of the integrity key in bytes; 0 for GCM, which has none.
    #[must_use]
    pub const fn integrity_key_len(self) -> usize {
        match self {
            Self::Gcm(_) => 0,
            Self::Cbc(_, integrity) => integrity.key_len(),
        }
    }
    /// Length in bytes of the initialisation vector that a packet carries.
    #[must_use]
    pub const fn iv_len(self) -> usize {
        match self {
            Self::Gcm(_) => 8,
            Self::Cbc(..) => 16,
        }
    }
    /// What the encrypted part is a multiple of, in bytes.
    #[must_use]
    pub const fn block(self) -> usize {
        match self {
            Self::Gcm(_) => 4,
            Self::Cbc(..) => 16,
        }
    }
    /// Length of the integrity check value in bytes.
    #[must_use]
    pub const fn icv_len(self) -> usize {
        match self {
            Self::Gcm(_) => 16,
            Self::Cbc(_, integrity) => integrity.icv_len(),
        }
    }
}

/// As AWS writes them: `AES128-GCM-16`, `AES256 SHA2-256`.
impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AES{}", self.key_len() * 8)?;
        f.write_str(match self {
            Self::Gcm(_) => "-GCM-16",
            Self::Cbc(_, Integrity::Sha1) => " SHA1",
            Self::Cbc(_, Integrity::Sha256) => " SHA2-256",
            Self::Cbc(_, Integrity::Sha384) => " SHA2-384",
            Self::Cbc(_, Integrity::Sha512) => " SHA2-512",
        })
    }
}

/// Bytes of an outer IPv4 header.
const IPV4: u32 = 20;
/// Bytes of the UDP header of NAT traversal.
const UDP: u32 = 8;
/// Bytes of SPI and sequence number.
const ESP: u32 = 8;
/// Bytes of padding length and next header.
const TRAILER: u32 = 2;

/// The largest inner packet, in bytes, whose sealed form fits `outer_mtu` bytes behind an IPv4 header.
/// With an outer IPv6 header, which is 20 bytes longer, pass an MTU that is 20 smaller. 0 if nothing fits.
#[must_use]
pub const fn inner_mtu(suite: Suite, natt: bool, outer_mtu: u32) -> u32 {
    let around = IPV4 + if natt { UDP } else { 0 } + ESP + (suite.iv_len() + suite.icv_len()) as u32;
    let room = outer_mtu.saturating_sub(around);
    (room - room % suite.block() as u32).saturating_sub(TRAILER)
}

/// The largest TCP segment, in bytes, that crosses the tunnel in one piece: [`inner_mtu`] without the headers
/// of an inner IPv4 packet, or IPv6 with `v6`, and of TCP (RFC 6691). 0 if nothing fits.
#[must_use]
pub const fn mss(suite: Suite, natt: bool, outer_mtu: u32, v6: bool) -> u16 {
    let mss = inner_mtu(suite, natt, outer_mtu).saturating_sub(if v6 { 60 } else { 40 });
    if mss > u16::MAX as u32 { u16::MAX } else { mss as u16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of AWS's table of MTU and MSS, for both lengths of key.
    #[test]
    fn mtu_and_mss_are_those_of_the_table() {
        let rows = [
            (None, [false, false], 1446, 1406, 1386),
            (None, [true, true], 1438, 1398, 1378),
            (Some(Integrity::Sha1), [false, false], 1438, 1398, 1378),
            (Some(Integrity::Sha1), [true, true], 1422, 1382, 1362),
            (Some(Integrity::Sha256), [false, false], 1438, 1398, 1378),
            (Some(Integrity::Sha256), [true, true], 1422, 1382, 1362),
            (Some(Integrity::Sha384), [false, true], 1422, 1382, 1362),
            (Some(Integrity::Sha512), [false, false], 1422, 1382, 1362),
            (Some(Integrity::Sha512), [true, true], 1406, 1366, 1346),
        ];
        for (integrity, natts, mtu, v4, v6) in rows {
            for key in [AesKey::Bits128, AesKey::Bits256] {
                let suite = integrity.map_or(Suite::Gcm(key), |integrity| Suite::Cbc(key, integrity));
                for natt in natts {
                    assert_eq!(inner_mtu(suite, natt, 1500), mtu, "{suite} {natt}");
                    assert_eq!(
                        (mss(suite, natt, 1500, false), mss(suite, natt, 1500, true)),
                        (v4, v6),
                        "{suite} {natt}"
                    );
                }
            }
        }
        assert_eq!((inner_mtu(Suite::ALL[0], true, 60), mss(Suite::ALL[0], true, 60, true)), (0, 0));
    }

    #[test]
    fn names() {
        assert_eq!(Suite::ALL[1].to_string(), "AES256-GCM-16");
        assert_eq!(Suite::ALL[3].to_string(), "AES128 SHA2-256");
    }
}
