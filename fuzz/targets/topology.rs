//! Text that claims to be a topology: read, written back, compiled.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vpcsim_engine::compile::compile;
use vpcsim_engine::diag::{FileIx, any_error};
use vpcsim_engine::spec;

fuzz_target!(|data: &[u8]| {
    let (spec, diagnostics) = spec::read(FileIx(0), data);
    assert!(spec.is_some() || !diagnostics.is_empty(), "no answer at all");
    let _ = spec::top_keys(data);
    let Some(spec) = spec else { return };
    let (network, problems) = compile(&spec);
    assert_eq!(network.is_none(), any_error(&problems), "refused without saying why, or accepted with an error");
    let (again, same) = compile(&spec);
    assert_eq!(problems, same);
    assert_eq!(network.is_some(), again.is_some());
    if any_error(&diagnostics) {
        return;
    }
    let text = spec::write::to_yaml(&spec);
    let (back, complaints) = spec::read(FileIx(0), text.as_bytes());
    assert_eq!(back.as_ref(), Some(&spec), "written and read again: {complaints:?}\n{text}");
});
