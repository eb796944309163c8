//! L0: the small words everything else is made of. Knows no VPC and does no IO.
//!
//! - [`ids`]: the handles of AWS's resources.
//! - [`index`]: dense `u32` handles and the vectors they index.
//! - [`time`]: virtual time in nanoseconds.
//! - [`cidr`]: address blocks as AWS writes them.
//! - [`port`]: port ranges and IP protocol numbers.
//! - [`rate`]: bandwidths and probabilities, as integers.
//! - [`rng`]: random streams by seed, purpose and name.

pub mod cidr;
pub mod ids;
pub mod index;
pub mod port;
pub mod rate;
pub mod rng;
pub mod time;

pub use cidr::Cidr;
pub use index::IndexVec;
pub use port::{PortRange, Protocol};
pub use rate::{Bandwidth, Ratio};
pub use rng::Stream;
pub use time::{Instant, Nanos};
