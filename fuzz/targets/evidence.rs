//! What other tools wrote: capture files, capture filters, lines of flow logs, tables of prices.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vpcsim_engine::observe::capture::{self, Filter};
use vpcsim_engine::record::flow_log::Format;
use vpcsim_engine::record::flow_log::read::{Line, Reader};
use vpcsim_engine::record::price::Prices;
use vpcsim_engine::wire::{emit, parse};

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 4 {
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
        _ => {
            let Ok(text) = std::str::from_utf8(data) else { return };
            assert!(Prices::read(text, &["zone_out"]).is_ok_and(|p| p.get("zone_out").is_some()) || Prices::read(text, &["zone_out"]).is_err());
        }
    }
});
