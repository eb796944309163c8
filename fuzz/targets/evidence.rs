//! What other tools and people wrote: capture files, capture filters, lines of flow logs, tables of prices, assertions.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use vpcsim_engine::analyse::reach::{Parties, blocks, check, read_assertions};
use vpcsim_engine::compile::{Network, compile};
use vpcsim_engine::diag::FileIx;
use vpcsim_engine::observe::capture::{self, Filter};
use vpcsim_engine::record::flow_log::Format;
use vpcsim_engine::record::flow_log::read::{Line, Reader};
use vpcsim_engine::record::price::Prices;
use vpcsim_engine::spec::{self, Spec};
use vpcsim_engine::wire::{emit, parse};

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 5 {
        0 => {
            let Ok(read) = capture::read(data) else { return };
            let count = read.packets.len() + read.problems.len();
            for (_, packet) in &read.packets {
                // What was read can be sent, and is the same then.
                let bytes = emit(packet);
                assert_eq!(parse(&bytes, 0).as_ref(), Ok(packet));
            }
            assert!(read.problems.iter().all(|(number, why)| (1..=count as u64 + 1).contains(number) && !why.is_empty()));
        }
        1 => {
            let Ok(text) = std::str::from_utf8(data) else { return };
            match text.parse::<Filter>() {
                Ok(filter) => assert_eq!(filter.to_string(), text),
                Err(why) => assert!(!why.is_empty()),
            }
        }
        2 => {
            let Ok(text) = std::str::from_utf8(data) else { return };
            let mut readers = [Reader::with_header(), Reader::of_format(Format::default_vpc())];
            for reader in &mut readers {
                for (n, line) in text.lines().enumerate() {
                    match reader.line(line) {
                        Ok(Line::Record(row)) => assert!(row.format().fields().iter().all(|f| row.number(*f).is_none() || row.word(*f).is_none())),
                        Ok(Line::Nothing) => {}
                        Err(bad) => assert_eq!(bad.line, n as u64 + 1),
                    }
                }
            }
        }
        4 => {
            let Ok(text) = std::str::from_utf8(data) else { return };
            static TIERS: LazyLock<(Spec, Network)> = LazyLock::new(|| {
                let (spec, _) = spec::read(FileIx(0), include_bytes!("../topologies/tiers.yaml"));
                let spec = spec.expect("it is right");
                let network = compile(&spec).0.expect("it is right");
                (spec, network)
            });
            let (spec, network) = &*TIERS;
            let (assertions, diagnostics) = read_assertions(spec, network, FileIx(0), text);
            let lines = text.lines().count() as u32;
            assert!(assertions.iter().map(|a| a.span).chain(diagnostics.iter().map(|d| d.span)).all(|s| (1..=lines).contains(&s.line)));
            let parties = Parties::of(network, &blocks(&assertions));
            for a in assertions.iter().take(4) {
                let checked = check(spec, &parties, a);
                assert!(checked.violations.iter().all(|v| 0 < v.pairs.0 && v.pairs.0 <= v.pairs.1 && v.pairs.1 <= checked.pairs));
            }
        }
        _ => {
            let Ok(text) = std::str::from_utf8(data) else { return };
            assert!(Prices::read(text, &["zone_out"]).is_ok_and(|p| p.get("zone_out").is_some()) || Prices::read(text, &["zone_out"]).is_err());
        }
    }
});
