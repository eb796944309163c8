//! The ciphers: what is sealed and opened is one run of bytes, without packets.

use super::Sa;
use super::suite::{AesKey, Integrity, Suite};
use aes::cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use aes::{Aes128, Aes256};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm, Nonce, Tag};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// Bytes of SPI and sequence number.
pub(super) const HEADER: usize = 8;

/// Runs `$body` with `$cipher` made of the key, for both lengths of key.
macro_rules! with_key {
    ($bits:expr, $key:expr, $small:ty, $large:ty, |$cipher:ident| $body:expr) => {
        match $bits {
            AesKey::Bits128 => {
                let $cipher = <$small>::new_from_slice($key).expect("16 bytes of key");
                $body
            }
            AesKey::Bits256 => {
                let $cipher = <$large>::new_from_slice($key).expect("32 bytes of key");
                $body
            }
        }
    };
}

/// Encrypts `plain`, whose length is a multiple of the block, behind the header that `out` holds (SPI and sequence
/// number), and adds what guards it.
pub(super) fn seal(sa: &Sa, seq: u32, out: &mut Vec<u8>, plain: &mut [u8]) {
    let header: [u8; HEADER] = out.as_slice().try_into().expect("the caller wrote the header");
    match sa.suite {
        Suite::Gcm(bits) => {
            // RFC 4106 section 3.1: the vector must never come again under one key; a counter never does.
            let iv = u64::from(seq).to_be_bytes();
            let nonce = nonce(sa, iv);
            let tag = with_key!(bits, sa.key(), Aes128Gcm, Aes256Gcm, |cipher| {
                cipher.encrypt_inout_detached(&nonce, &header, (&mut *plain).into())
            })
            .expect("a packet is short enough for GCM");
            out.extend_from_slice(&iv);
            out.extend_from_slice(plain);
            out.extend_from_slice(&tag);
        }
        Suite::Cbc(bits, integrity) => {
            let iv = cbc_iv(sa, bits, header);
            let len = plain.len();
            match bits {
                AesKey::Bits128 => cbc::Encryptor::<Aes128>::new_from_slices(sa.key(), &iv)
                    .expect("16 bytes of key")
                    .encrypt_padded::<NoPadding>(plain, len),
                AesKey::Bits256 => cbc::Encryptor::<Aes256>::new_from_slices(sa.key(), &iv)
                    .expect("32 bytes of key")
                    .encrypt_padded::<NoPadding>(plain, len),
            }
            .expect("a multiple of the block");
            out.extend_from_slice(&iv);
            out.extend_from_slice(plain);
            let whole = hash(integrity, &sa.integrity_key, &[out]);
            out.extend_from_slice(&whole[..integrity.icv_len()]);
        }
    }
}

/// The decrypted bytes of `esp` (SPI to integrity check value); nothing if the check value is wrong or the lengths
/// cannot be.
pub(super) fn open(sa: &Sa, esp: &[u8]) -> Option<Vec<u8>> {
    let (guarded, icv) = esp.split_at_checked(esp.len().checked_sub(sa.suite.icv_len())?)?;
    let (header, rest) = guarded.split_at_checked(HEADER)?;
    let (iv, text) = rest.split_at_checked(sa.suite.iv_len())?;
    let mut plain = text.to_vec();
    match sa.suite {
        Suite::Gcm(bits) => {
            let nonce = nonce(sa, iv.try_into().ok()?);
            let tag = Tag::try_from(icv).ok()?;
            with_key!(bits, sa.key(), Aes128Gcm, Aes256Gcm, |cipher| {
                cipher.decrypt_inout_detached(&nonce, header, plain.as_mut_slice().into(), &tag)
            })
            .ok()?;
        }
        Suite::Cbc(bits, integrity) => {
            if hash(integrity, &sa.integrity_key, &[guarded])[..integrity.icv_len()] != *icv {
                return None;
            }
            match bits {
                AesKey::Bits128 => cbc::Decryptor::<Aes128>::new_from_slices(sa.key(), iv)
                    .ok()?
                    .decrypt_padded::<NoPadding>(&mut plain)
                    .ok()?,
                AesKey::Bits256 => cbc::Decryptor::<Aes256>::new_from_slices(sa.key(), iv)
                    .ok()?
                    .decrypt_padded::<NoPadding>(&mut plain)
                    .ok()?,
            };
        }
    }
    Some(plain)
}

/// RFC 4106 section 4: salt, then vector.
fn nonce(sa: &Sa, iv: [u8; 8]) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0; 12];
    nonce[..4].copy_from_slice(sa.salt());
    nonce[4..].copy_from_slice(&iv);
    nonce.into()
}

/// A vector that nobody can foretell and that needs no dice: the packet's header, encrypted (NIST SP 800-38A,
/// appendix C, first method).
fn cbc_iv(sa: &Sa, bits: AesKey, header: [u8; HEADER]) -> [u8; 16] {
    let mut block = [0; 16];
    block[..HEADER].copy_from_slice(&header);
    let mut block = block.into();
    with_key!(bits, sa.key(), Aes128, Aes256, |cipher| cipher.encrypt_block(&mut block));
    block.into()
}

/// HMAC of the parts one behind the other, whole.
fn hash(integrity: Integrity, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    macro_rules! hmac {
        ($hash:ty) => {{
            let mut mac = <Hmac<$hash> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        }};
    }
    match integrity {
        Integrity::Sha1 => hmac!(Sha1),
        Integrity::Sha256 => hmac!(Sha256),
        Integrity::Sha384 => hmac!(Sha384),
        Integrity::Sha512 => hmac!(Sha512),
    }
}

/// `len` bytes of key from a secret and a seed: IKEv2's prf+ with HMAC-SHA2-256 (RFC 7296 section 2.13).
pub(super) fn expand(secret: &[u8], seed: &[u8], len: usize) -> Vec<u8> {
    let (mut out, mut last) = (Vec::new(), Vec::new());
    for turn in 1..=u8::MAX {
        if out.len() >= len {
            break;
        }
        last = hash(Integrity::Sha256, secret, &[&last, seed, &[turn]]);
        out.extend_from_slice(&last);
    }
    out.truncate(len);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    /// RFC 4868 section 2.7.2.1, test case PRF-1, and RFC 2202 section 3, case 1.
    #[test]
    fn hashes_of_the_rfcs() {
        let cases = [
            (Integrity::Sha256, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                Integrity::Sha384,
                "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
            ),
            (
                Integrity::Sha512,
                "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
            ),
            (Integrity::Sha1, "b617318655057264e28bc0b6fb378c8ef146be00"),
        ];
        for (integrity, expected) in cases {
            assert_eq!(hash(integrity, &[0x0b; 20], &[b"Hi ", b"There"]), hex(expected));
        }
    }

    #[test]
    fn keys_expand_block_by_block() {
        let long = expand(b"secret", b"seed", 96);
        let first = hash(Integrity::Sha256, b"secret", &[b"seed", &[1]]);
        assert_eq!(long[..32], first);
        assert_eq!(long[32..64], hash(Integrity::Sha256, b"secret", &[&first, b"seed", &[2]]));
        assert_eq!(expand(b"secret", b"seed", 20), long[..20]);
    }
}
