//! Fields and formats, which a topology can name too: that is why they stand in `spec`.

pub use crate::spec::flow_log::format::{DEFAULT, TGW_DEFAULT};
pub use crate::spec::flow_log::{Field, FieldScope, FieldType, Format, FormatError, UnknownField};
