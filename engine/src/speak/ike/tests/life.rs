//! The life of a tunnel: open, live, renew, close, fall, come back.

use super::*;

#[test]
fn a_tunnel_opens_with_four_messages() {
    for natt in [false, true] {
        let mut w = wire_of(1, |_, config| config.natt = natt);
        w.ends[AWS].start(w.now);
        w.secs(100);
        assert_eq!((w.seq, w.ends[AWS].poll_at()), (0, None), "a responder waits");
        w.ends[CGW].start(w.now);
        w.run_to(w.now + LATENCY * 4);
        w.is_whole();
        let said = |n: usize| w.sent[n].iter().map(|(_, m)| (m.exchange, m.message_id)).collect::<Vec<_>>();
        assert_eq!(said(CGW), [(Exchange::SaInit, 0), (Exchange::Auth, 1)]);
        assert_eq!(said(AWS), said(CGW));
        assert!(w.events.iter().all(|events| matches!(events.as_slice(), [(_, IkeEvent::Up(_))])));
    }
}

#[test]
fn two_ends_can_begin_established() {
    let mut w = wire(1);
    w.ends = [0, 1].map(|n| IkeTunnel::established(config(n), stream(5, n), w.now));
    w.collect();
    w.is_whole();
    w.secs(60);
    assert_eq!(w.seconds(CGW, Exchange::DeadPeer).len() + w.seconds(AWS, Exchange::DeadPeer).len(), 20);
    w.secs(20_000);
    w.is_whole();
    assert_eq!((w.downs(), w.rekeys(CGW)), (0, w.rekeys(AWS)));
    assert!((5..=7).contains(&w.rekeys(CGW)));
}

/// AWS's words: with 40 s, 30 s after the first failed keepalive. Nothing is heard from 0 on, the first goes at 10.
#[test]
fn a_dead_peer_is_noticed_at_both_ends_and_the_tunnel_comes_back() {
    assert_eq!(dead_after_first_question(Nanos::from_secs(40)), Nanos::from_secs(30));
    assert_eq!(dead_after_first_question(Nanos::from_secs(5)), Nanos::from_secs(20));
    for (timeout, questions) in [(30, 2), (40, 3), (60, 5)] {
        let mut w = started(2, |_, config| config.dpd_timeout = Nanos::from_secs(timeout));
        w.secs(100);
        w.forget();
        w.cut = [true; 2];
        let cut_at = w.now;
        w.secs(timeout + 1);
        for n in [CGW, AWS] {
            let (at, why) = w.down(n);
            assert_eq!(why, Down::DeadPeer);
            let asked = w.sent[n].iter().filter(|(_, m)| !m.response).map(|(at, _)| *at).collect::<Vec<_>>();
            assert_eq!(asked.len(), questions);
            assert_eq!(at.since(asked[0]), Nanos::from_secs(timeout - 10));
            assert!(at.since(cut_at) <= Nanos::from_secs(timeout));
        }
        w.secs(300);
        w.cut = [false; 2];
        w.secs(45);
        w.is_whole();
    }
}

#[test]
fn traffic_is_a_sign_of_life() {
    let mut w = started(3, |_, _| {});
    w.talk(Nanos::from_secs(1));
    w.secs(1_000);
    assert_eq!(w.sent[CGW].len() + w.sent[AWS].len(), 0, "no question");
    w.cut = [false, true];
    let cut_at = w.now;
    w.secs(41);
    let (at, why) = w.down(CGW);
    assert_eq!(why, Down::DeadPeer);
    assert!((39..=40).contains(&at.since(cut_at).as_secs()));
    // AWS heard questions until then; now it hears a new opening, whose answer is lost.
    w.secs(600);
    assert!(!w.ends[CGW].is_up());
    w.cut = [false; 2];
    w.secs(60);
    w.is_whole();
}

#[test]
fn without_an_action_nobody_asks_and_nothing_falls_until_the_lifetime_ends() {
    let mut w = started(4, |_, config| config.dpd_action = DpdAction::None);
    w.secs(1_000);
    w.cut = [true; 2];
    w.secs(1_500);
    assert_eq!((w.downs(), w.sent[CGW].len()), (0, 0));
    w.secs(1_500);
    assert_eq!([w.down(CGW).1, w.down(AWS).1], [Down::NoAnswer; 2]);
}

/// VPN-34: an end that leaves renewal to the peer renews nothing, and falls with its keys if the peer does not either.
#[test]
fn an_end_that_does_not_renew() {
    let mut w = started(6, |n, config| config.renews = n == CGW);
    w.talk(Nanos::from_secs(5));
    w.secs(80_000);
    let asked = w.sent[AWS].iter().filter(|(_, m)| !m.response && m.exchange != Exchange::DeadPeer).count();
    assert_eq!((w.downs(), asked), (0, 0));
    assert!(w.rekeys(AWS) > 20, "{}", w.rekeys(AWS));
    let mut w = started(6, |_, config| config.renews = false);
    w.talk(Nanos::from_secs(5));
    w.secs(3_602);
    assert_eq!([w.down(CGW).1, w.down(AWS).1], [Down::NoAnswer; 2]);
    assert!(w.seconds(AWS, Exchange::Rekey).is_empty() && w.seconds(CGW, Exchange::Rekey).is_empty());
}

/// A customer's device that came back from nothing and waits for AWS: AWS's end opens if its action says so.
#[test]
fn a_responder_opens_if_it_restarts() {
    for (action, up) in [(DpdAction::Clear, false), (DpdAction::Restart, true)] {
        let mut w = started(5, |_, config| config.dpd_action = action);
        w.ends[CGW] = IkeTunnel::new(IkeConfig { role: Role::Responder, ..config(CGW) }, stream(9, CGW));
        w.opens[CGW].clear();
        w.children[CGW].clear();
        w.ends[CGW].start(w.now);
        w.secs(60);
        assert_eq!(w.ends.each_ref().map(IkeTunnel::is_up), [up; 2], "{action:?}");
        w.secs(10_000);
        assert_eq!(w.ends.each_ref().map(IkeTunnel::is_up), [up; 2], "{action:?}");
    }
}

/// An attempt that failed is made again after a while, or when a packet wants to go out.
#[test]
fn traffic_wakes_an_initiator_that_waits() {
    let mut w = wire(1);
    w.ends[CGW].start(w.now);
    w.secs(33);
    w.ends[CGW].sent(w.now);
    w.ends[AWS].start(w.now);
    w.secs(1);
    w.is_whole();
    assert_eq!(w.seconds(CGW, Exchange::SaInit), [0, 1, 3, 7, 15, 33]);
}

#[test]
fn deletion_is_told_and_answered() {
    for (stops, lost) in [(CGW, false), (AWS, false), (AWS, true)] {
        let mut w = started(7, |_, _| {});
        w.cut = [false, false];
        w.cut[1 - stops] = lost;
        w.ends[stops].stop(w.now);
        assert!(!w.ends[stops].is_up());
        w.secs(5);
        w.cut[1 - stops] = false;
        assert_eq!([w.down(CGW).1, w.down(AWS).1], [Down::Deleted; 2]);
        w.secs(1_000);
        let said = w.seconds(stops, Exchange::Delete).len();
        assert_eq!(said, if lost { 4 } else { 1 });
        assert!(!w.ends[CGW].is_up() && !w.ends[AWS].is_up());
        assert_eq!(w.ends[stops].poll_at(), None, "nothing is left to do");
        w.ends[stops].start(w.now);
        w.secs(45);
        w.is_whole();
    }
}

/// Make before break: the old pair is taken for a while, and only one end asks.
#[test]
fn children_are_rekeyed_before_they_end() {
    for seed in 0..5 {
        let mut w = started(seed, |_, _| {});
        w.secs(3_000);
        w.forget();
        w.secs(590);
        assert_eq!((w.rekeys(CGW), w.rekeys(AWS)), (1, 1));
        let asked = w.seconds(CGW, Exchange::Rekey);
        assert!(asked.len() == 1 && (3_060..=3_330).contains(&asked[0]), "{asked:?}");
        assert!(w.sent[AWS].iter().all(|(_, m)| m.exchange != Exchange::Rekey || m.response));
        for events in &w.events {
            let [(rekeyed, IkeEvent::Rekeyed(_)), (retired, IkeEvent::Retired { .. })] = events.as_slice() else {
                panic!("{events:?}")
            };
            assert_eq!(retired.since(*rekeyed), OVERLAP);
        }
        assert!(w.longest_apart <= LATENCY);
        // Phase 1 is renewed, too, without an interruption.
        w.secs(60_000);
        w.is_whole();
        assert_eq!(w.downs(), 0);
        assert_eq!(w.seconds(AWS, Exchange::Auth).len(), 2);
    }
}

/// The responder's lifetime may be the shorter one; then it asks.
#[test]
fn either_end_rekeys() {
    let mut w = started(8, |n, config| {
        if n == AWS {
            config.phase2_lifetime = Nanos::from_secs(900);
        }
    });
    w.secs(10_000);
    w.is_whole();
    assert_eq!((w.downs(), w.rekeys(CGW)), (0, 13));
}
