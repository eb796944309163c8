//! Flow logs as written: fields, formats.

pub mod field;
pub mod format;

pub use field::{Field, FieldScope, FieldType, UnknownField};
pub use format::{Format, FormatError};
