//! L5: the shapes of what we write, apart from when and where it is written.

pub mod flow_log;
pub mod metric;
pub mod price;
