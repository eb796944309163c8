//! What the user wants to happen: a timeline of steps against a topology, and what is expected of each.
//!
//! Models the text of a scenario file as plain data with places, and the effect of a `change` on a
//! [`Spec`](crate::spec::Spec). Running a scenario is not in here.
//!
//! Invariants: a [`Step`] has exactly one [`Action`]; steps that say `at` do not go back in time; a
//! connection is named before it is written to; whatever the file says twice or wrongly is a diagnostic.

mod action;
mod apply;
mod captures;
mod change;
mod change_between;
mod change_client_vpn;
mod change_hybrid;
mod change_mirror;
mod expect;
mod file;
mod inject;
mod load;
pub mod run;

pub use action::{
    Action, AddressFamily, Close, Connect, Fault, Membership, Ping, Probe, Resolve, Send, Traceroute, Traffic,
    TrafficModel, Transport, Wait, Write,
};
pub use apply::apply;
pub use captures::{CaptureAt, CaptureSide, Captures};
pub use change::{
    AclChange, BlockPublicAccessChange, BlockPublicAccessSettings, Change, InstanceChange, InstanceSettings,
    NatGatewayChange, NatGatewaySettings, NetworkInterfaceChange, NetworkInterfaceSettings, RouteKey, RouteTableChange,
    SecurityGroupChange, SubnetChange, SubnetSettings,
};
pub use change_between::{
    AttachmentChange, AttachmentSettings, EndpointChange, EndpointSettings, PeeringChange, PeeringSettings,
    TransitGatewayChange, TransitGatewayRouteTableChange, TransitGatewaySettings,
};
pub use change_client_vpn::ClientVpnChange;
pub use change_hybrid::{
    ConnectionChange, ConnectionSettings, RouterChange, TunnelChange, TunnelSettings, UpOrDown, VirtualInterfaceChange,
};
pub use change_mirror::{MirrorFilterChange, MirrorFilterSettings, MirrorSessionChange, MirrorSessionSettings};
pub use expect::{
    AddressOrBlock, BlockedBy, CapturedExpectation, CounterExpectation, Direction, Elapsed, Evidence, Expect,
    FlowLogAction, FlowLogExpectation, FlowsExpectation, LeadsTo, Leg, Outcome, ResourceKind, RuleLabel,
};
pub use file::{Scenario, Step, When, read, schema};
pub use inject::{Inject, Mapped};
pub use load::{BYTES_MAX, Flood, FloodKind, FlowModel, FlowProtocol, Flows, Scan, Service, Shape, Sizes};
