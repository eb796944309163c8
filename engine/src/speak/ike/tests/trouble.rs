//! What is lost, late, at once at both ends, forged or forgotten.

use super::*;

#[test]
fn lost_messages_are_repeated_and_an_attempt_ends() {
    let mut w = wire(1);
    w.cut = [true, false];
    w.ends.iter_mut().for_each(|end| end.start(Instant::START));
    w.secs(60);
    assert_eq!(
        w.seconds(CGW, Exchange::SaInit),
        [0, 1, 3, 7, 15, 41, 42, 44, 48, 56],
        "given up after 31 s, again after 10 s"
    );
    assert_eq!(w.downs(), 0, "it was never up");
    w.cut = [false; 2];
    w.secs(30);
    w.is_whole();
    // Every single message of the opening lost once.
    for lost in 1..=4 {
        let mut w = wire(lost);
        w.ends.iter_mut().for_each(|end| end.start(Instant::START));
        while !w.ends.iter().all(IkeTunnel::is_up) {
            w.loss = Ratio(if w.seq + 1 == lost { Ratio::ONE } else { 0 });
            w.collect();
            assert!(w.step(Instant::START + Nanos::from_secs(5)), "message {lost}");
        }
        w.is_whole();
    }
}

#[test]
fn a_peer_that_lost_its_state_is_taken_back() {
    for n in [CGW, AWS] {
        let mut w = started(6, |_, _| {});
        w.ends[n].reset();
        w.opens[n].clear();
        assert_eq!((w.ends[n].poll_at(), w.ends[n].is_up()), (None, false));
        w.secs(5);
        assert!(w.ends[1 - n].is_up());
        w.ends[n].start(w.now);
        w.secs(60);
        w.is_whole();
        if n == CGW {
            assert_eq!((w.downs(), w.rekeys(AWS)), (0, 1), "AWS's end never was down");
        }
    }
}

/// Both ends ask, and both open, at the same instant or nearly.
#[test]
fn collisions_end_alike_at_both_ends() {
    for (seed, loss) in (0..60).flat_map(|seed| [(seed, 0), (seed, 300_000)]) {
        let mut w = wire_of(seed, |n, config| {
            config.role = Role::Initiator;
            config.rekey_fuzz_percent = 0;
            config.dpd_action = [DpdAction::Restart, DpdAction::Clear][n];
            config.phase2_lifetime = Nanos::from_secs(900);
        });
        (w.loss, w.jitter) = (Ratio(loss), 30_000);
        w.ends[CGW].start(w.now);
        w.run_to(w.now + Nanos::from_millis(seed));
        w.ends[AWS].start(w.now);
        w.secs(100);
        w.loss = Ratio(0);
        w.secs(200);
        w.is_whole();
        w.forget();
        w.loss = Ratio(loss / 3);
        w.secs(700);
        w.loss = Ratio(0);
        w.secs(100);
        w.is_whole();
        assert!(loss > 0 || (w.downs(), w.rekeys(CGW), w.rekeys(AWS)) == (0, 1, 1), "one child of two requests");
    }
}

/// Whatever is lost around a rekey, and however long: different ideas last no longer than the repetitions.
#[test]
fn a_rekey_under_loss_ends_alike() {
    let asked = {
        let mut w = started(9, |_, _| {});
        w.secs(3_600);
        w.sent[CGW].iter().find(|(_, m)| m.exchange == Exchange::Rekey).unwrap().0
    };
    for cut in [[true, true], [true, false], [false, true]] {
        for length in [1, 5, 14, 25, 60, 300] {
            let mut w = started(9, |_, _| {});
            w.talk(Nanos::from_millis(500));
            // Traffic changes nothing about the random numbers.
            w.run_to(Instant(asked.0 - 5_000_000));
            w.forget();
            w.cut = cut;
            w.secs(length);
            w.cut = [false; 2];
            w.secs(120);
            w.is_whole();
            assert!(w.longest_apart <= GIVE_UP + RETRY + Nanos::from_secs(1), "{cut:?} {length}: {}", w.longest_apart);
            if length <= 14 {
                assert_eq!((w.downs(), w.rekeys(CGW), w.rekeys(AWS)), (0, 1, 1), "{cut:?} {length}");
                assert!(w.longest_apart <= Nanos::from_secs(16), "{cut:?} {length}: {}", w.longest_apart);
            }
        }
    }
}

#[test]
fn what_is_for_nobody_is_dropped() {
    let mut w = started(10, |_, _| {});
    let current = w.ends[AWS].current.clone().unwrap();
    let delete = Ike {
        initiator_spi: current.spis.initiator,
        responder_spi: current.spis.responder,
        exchange: Exchange::Delete,
        from_initiator: true,
        response: false,
        message_id: current.expected,
    };
    let from = config(CGW);
    let stranger = IkeConfig { local: "192.0.2.9".parse().unwrap(), ..config(CGW) };
    let bad = [
        stranger.packet(&delete),
        from.packet(&Ike { responder_spi: 1, ..delete }),
        from.packet(&Ike { initiator_spi: 1, ..delete }),
        from.packet(&Ike { from_initiator: false, ..delete }),
        from.packet(&Ike { message_id: u32::MAX, ..delete }),
        from.packet(&Ike { message_id: 0, ..delete }),
        from.packet(&Ike { response: true, ..delete }),
        from.packet(&Ike { exchange: Exchange::Auth, responder_spi: 5, message_id: 1, ..delete }),
        from.packet(&Ike { exchange: Exchange::SaInit, ..delete }),
    ];
    for packet in bad {
        w.ends[AWS].handle_packet(w.now, &packet);
        assert!(w.ends[AWS].is_up() && w.ends[AWS].poll_transmit().is_none(), "{:?}", parse_ike(&packet));
    }
    w.ends[AWS].handle_packet(w.now, &from.packet(&delete));
    assert!(!w.ends[AWS].is_up());
}

/// Hours of anything, and then the wire heals.
#[test]
fn any_wire_is_survived() {
    for seed in 0..24 {
        let action = [DpdAction::Clear, DpdAction::Restart][seed as usize % 2];
        let mut w = wire_of(seed, |_, config| {
            config.dpd_action = action;
            config.phase1_lifetime = Nanos::from_secs(1_800);
            config.phase2_lifetime = Nanos::from_secs(900);
        });
        w.jitter = 100_000;
        w.traffic = (seed % 3 == 0).then_some(Nanos::from_secs(2));
        let mut random = Stream::new(seed, "acts", "");
        for _ in 0..60 {
            let n = random.below(2) as usize;
            match random.below(10) {
                0 => w.ends[n].stop(w.now),
                1 => {
                    w.ends[n].reset();
                    w.collect();
                    w.opens[n].clear();
                }
                2 => w.cut = [random.below(2) == 0, random.below(2) == 0],
                3 => w.cut = [false; 2],
                _ => w.ends[n].start(w.now),
            }
            w.loss = Ratio(random.below(600_000) as u32);
            w.secs(random.below(400));
        }
        (w.cut, w.loss) = ([false; 2], Ratio(0));
        w.ends.iter_mut().for_each(|end| end.start(w.now));
        w.secs(150);
        w.is_whole();
        w.forget();
        w.secs(4_000);
        w.is_whole();
        assert_eq!(w.downs(), 0, "{seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_messages() {
    let run = |seed| {
        let mut w = started(seed, |_, _| {});
        w.loss = Ratio(200_000);
        w.secs(5_000);
        w.sent
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn damage_panics_nowhere() {
    let mut w = wire(11);
    w.ends.iter_mut().for_each(|end| end.start(Instant::START));
    let mut random = Stream::new(11, "damage", "");
    for _ in 0..1_500 {
        w.collect();
        for (to, sent) in w.link.values() {
            let Sent::Ike(packet) = sent else { continue };
            let mut bytes = packet.payload.to_vec();
            bytes[random.below(33) as usize] ^= 1 << random.below(8);
            let damaged = Packet { payload: bytes.as_slice().into(), ..packet.clone() };
            w.ends[*to].handle_packet(w.now, &damaged);
        }
        w.step(Instant(u64::MAX));
    }
    w.secs(150);
    w.is_whole();
}
