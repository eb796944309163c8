//! Records as lines of text, written into one buffer.

use super::field::Field;
use super::record::{Record, Value};
use crate::compile::FlowLog;
use std::io::Write;
use std::net::IpAddr;

/// Writes the lines of a log.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    log: &'a FlowLog,
    fields: &'a [Field],
    version: u8,
}

impl<'a> Text<'a> {
    /// Lines in the log's format.
    #[must_use]
    pub fn new(log: &'a FlowLog) -> Self {
        Self { log, fields: log.format.fields(), version: log.format.version() }
    }

    /// Appends the record's line, without a line end.
    pub fn line(&self, record: &Record<'a>, out: &mut Vec<u8>) {
        for (n, field) in self.fields.iter().enumerate() {
            if n > 0 {
                out.push(b' ');
            }
            value(record.value(*field, self.log, self.version), out);
        }
    }
}

/// Appends a value as text.
pub fn value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Absent => out.push(b'-'),
        Value::Number(n) => number(n, out),
        Value::Word(word) => out.extend_from_slice(word.as_bytes()),
        Value::Address(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            number(a.into(), out);
            for octet in [b, c, d] {
                out.push(b'.');
                number(octet.into(), out);
            }
        }
        Value::Address(IpAddr::V6(address)) => _ = write!(out, "{address}"),
    }
}

/// Appends a number in decimal digits.
pub fn number(n: u64, out: &mut Vec<u8>) {
    if n < 10 {
        return out.push(b'0' + n as u8);
    }
    let (mut digits, mut at, mut n) = ([0u8; 20], 20, n);
    while n > 0 {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_display_writes_them() {
        for n in [0, 9, 10, 99, 100, 65_535, 1_700_000_000, u64::MAX] {
            let mut out = Vec::new();
            number(n, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), n.to_string());
        }
        for address in ["0.0.0.0", "10.0.1.255", "255.255.255.255", "2001:db8::1"] {
            let mut out = Vec::new();
            value(Value::Address(address.parse().unwrap()), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), address);
        }
    }
}
