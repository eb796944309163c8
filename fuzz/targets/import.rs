//! One to three files that claim to be what `aws ... --output json` prints, cut apart at a zero byte:
//! imported in both orders, then compiled.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vpcsim_engine::compile::compile;
use vpcsim_engine::diag::any_error;
use vpcsim_engine::import::{JsonFile, aws};

const PATHS: [&str; 3] = ["a.json", "us-east-1/b.json", "accounts/111122223333/eu-west-1/c.json"];

fuzz_target!(|data: &[u8]| {
    let mut files: Vec<JsonFile<'_>> =
        data.splitn(3, |b| *b == 0).zip(PATHS).map(|(text, path)| JsonFile { path, text }).collect();
    let import = aws(&files);
    let _ = import.report.to_text();
    let (network, problems) = compile(&import.spec);
    assert_eq!(network.is_none(), any_error(&problems));
    files.reverse();
    assert_eq!(aws(&files).spec, import.spec, "the order of the files changes nothing");
});
