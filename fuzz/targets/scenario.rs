//! Text that claims to be a scenario.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::scenario;

fuzz_target!(|data: &[u8]| {
    let (first, diagnostics) = scenario::read(FileIx(0), data);
    assert!(first.is_some() || !diagnostics.is_empty(), "no answer at all");
    let lines = data.split(|b| *b == b'\n' || *b == b'\r').count() as u32 + 1;
    for d in &diagnostics {
        assert!(d.span.line <= lines && !d.message.is_empty(), "{d:?}");
    }
    let (_, again) = scenario::read(FileIx(0), data);
    assert_eq!(diagnostics, again);
});
