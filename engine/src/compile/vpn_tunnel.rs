//! The options of one tunnel of a VPN connection: lifetimes, windows, algorithms, and the path between its outer addresses.

use super::context::Context;
use super::vpn_variant::Variant;
use crate::base::{Nanos, Ratio};
use crate::diag::Diagnostic;
use crate::fabric::TunnelLife;
use crate::spec::{self, DpdAction, Encryption, Integrity, LinkSpec, Spanned, StartupAction};
use crate::verdict::LinkIx;
use crate::wire::esp::{self, AesKey, ReplayWindow, Suite};

/// Packets of a replay window that nobody wrote (VPN-7).
const REPLAY_WINDOW: u32 = 1024;

impl Context {
    /// VPN-14: what is written, within what AWS takes, or AWS's defaults.
    pub(super) fn tunnel_life(&mut self, tunnel: &spec::VpnTunnel) -> TunnelLife {
        let secs = Nanos::from_secs;
        let phase1 = self.within("phase 1 lifetime", tunnel.phase1_lifetime, secs(28_800), [secs(900), secs(28_800)]);
        let phase2 = self.within("phase 2 lifetime", tunnel.phase2_lifetime, secs(3_600), [secs(900), secs(3_600)]);
        if let Some(written) = tunnel.phase2_lifetime
            && phase2 >= phase1
        {
            let message = format!("the phase 2 lifetime of {phase2} is not below the phase 1 lifetime of {phase1}");
            self.problem(Diagnostic::error("tunnel-option", written.span, message));
        }
        let half = Nanos(phase2.0 / 2);
        let rekey_margin = self.within("rekey margin", tunnel.rekey_margin, secs(270).min(half), [secs(60), half]);
        let dpd = [secs(30), Nanos(u64::MAX)];
        let dpd_timeout = self.within("DPD timeout", tunnel.dpd_timeout, secs(40), dpd);
        if let Some(fuzz) = tunnel.rekey_fuzz.filter(|fuzz| fuzz.value > 100) {
            let message = format!("a rekey fuzz of {fuzz} %");
            self.problem(Diagnostic::error("tunnel-option", fuzz.span, message).help("AWS takes 0 to 100"));
        }
        TunnelLife {
            aws_starts: tunnel.startup_action == Some(StartupAction::Start),
            aws_renews: true,
            dpd_timeout,
            dpd_action: tunnel.dpd_action.unwrap_or(DpdAction::Clear),
            phase1,
            phase2,
            rekey_margin,
            rekey_fuzz: tunnel.rekey_fuzz.map_or(100, |fuzz| fuzz.value.min(100)),
        }
    }

    fn within(
        &mut self,
        what: &str,
        written: Option<Spanned<Nanos>>,
        default: Nanos,
        [least, most]: [Nanos; 2],
    ) -> Nanos {
        let Some(written) = written else { return default };
        if written.value < least || written.value > most {
            let message = format!("a {what} of {}", written.value);
            let help = if most == Nanos(u64::MAX) {
                format!("AWS takes {least} and more")
            } else {
                format!("AWS takes {least} to {most}")
            };
            self.problem(Diagnostic::error("tunnel-option", written.span, message).help(help));
        }
        written.value.clamp(least, most)
    }

    /// VPN-7: 64 to 2048 packets.
    pub(super) fn replay_window(&mut self, written: Option<Spanned<u32>>) -> u32 {
        let Some(window) = written else { return REPLAY_WINDOW };
        if !ReplayWindow::SIZES.contains(&window.value) {
            let message = format!("a replay window of {window} packets");
            self.problem(Diagnostic::error("replay-window", window.span, message).help("AWS takes 64 to 2048"));
        }
        window.value
    }

    /// The path between a tunnel's outer addresses, with what one tunnel carries at most (VPN-13): the internet; of a
    /// private tunnel what is beside the virtual interface, the way to the transit gateway.
    pub(super) fn tunnel_link(&mut self, id: &str, loss: Option<Ratio>, variant: Variant) -> LinkIx {
        let path = *self.fabric.link(if variant.private { LinkIx::TGW } else { LinkIx::INTERNET });
        let bandwidth = path.bandwidth.map_or(variant.bandwidth, |b| b.min(variant.bandwidth));
        let spec = LinkSpec {
            latency: Some(path.latency),
            bandwidth: Some(bandwidth),
            queue_bytes: Some(path.queue_bytes),
            loss: loss.or(Some(path.loss)),
        };
        self.named_link(format!("{id} outer"), spec, path.latency)
    }
}

pub(super) fn suite(encryption: Option<Encryption>, integrity: Option<Integrity>) -> Suite {
    let hash = match integrity.unwrap_or(Integrity::Sha2256) {
        Integrity::Sha1 => esp::Integrity::Sha1,
        Integrity::Sha2256 => esp::Integrity::Sha256,
        Integrity::Sha2384 => esp::Integrity::Sha384,
        Integrity::Sha2512 => esp::Integrity::Sha512,
    };
    match encryption.unwrap_or(Encryption::Aes256Gcm16) {
        Encryption::Aes128Gcm16 => Suite::Gcm(AesKey::Bits128),
        Encryption::Aes256Gcm16 => Suite::Gcm(AesKey::Bits256),
        Encryption::Aes128 => Suite::Cbc(AesKey::Bits128, hash),
        Encryption::Aes256 => Suite::Cbc(AesKey::Bits256, hash),
    }
}
