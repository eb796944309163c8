//! Flow logs: what is logged, in which fields and windows, where it goes. They decide nothing about packets.

use super::context::Context;
use crate::base::ids::{EniIx, NatIx, SubnetIx, TgwAttachIx, TgwIx, VpcIx};
use crate::diag::{Diagnostic, Span};
use crate::fabric::TgwAttachKind;
use crate::spec::flow_log::{Field, Format, FormatError};
use crate::spec::{self, TrafficType};

/// What a maximum aggregation interval can be, in seconds; the last one is the default (FLW-5).
pub const FLOW_LOG_INTERVALS: [u32; 2] = [60, 600];
/// Tag fields of one kind of resource (FLW-20).
pub(super) const TAG_KEYS_MAX: usize = 2;

/// A compiled flow log.
#[derive(Clone, PartialEq, Debug)]
pub struct FlowLog {
    /// Its name, or its AWS id.
    pub id: String,
    /// What is logged.
    pub resource: LogResource,
    /// Which traffic.
    pub traffic: TrafficType,
    /// Longest window in seconds.
    pub interval: u32,
    /// What a record holds.
    pub format: Format,
    /// Where records go.
    pub destination: LogDestination,
    /// Account and Region of what is logged.
    pub realm: (String, String),
    /// Keys of the tags of an instance, an interface and an Auto Scaling group that records hold.
    pub tags: [[Option<String>; TAG_KEYS_MAX]; 3],
}

/// What is logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogResource {
    /// Every interface of every VPC: what a run is told on the command line, and no log of AWS's.
    Everything,
    /// A VPC's interfaces.
    Vpc(VpcIx),
    /// A subnet's interfaces.
    Subnet(SubnetIx),
    /// An interface.
    Eni(EniIx),
    /// A regional NAT gateway.
    RegionalNat(NatIx),
    /// A transit gateway: all of its attachments.
    Tgw(TgwIx),
    /// An attachment; of a peering both sides.
    Attachment(Vec<TgwAttachIx>),
}

/// Where records go.
#[derive(Clone, PartialEq, Debug)]
pub enum LogDestination {
    /// To nobody: they are counted.
    Nowhere,
    /// Objects in a bucket of S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// Folder in it, without slashes at its ends; empty for none.
        prefix: String,
        /// Parquet, or text.
        parquet: bool,
        /// Hive's names of folders.
        hive: bool,
        /// A folder for each hour.
        hourly: bool,
    },
    /// Streams of a log group of CloudWatch Logs.
    CloudWatch {
        /// The log group.
        log_group: String,
    },
}

impl LogResource {
    /// True for a transit gateway or its attachment: records are in its own format (FLW-30).
    #[must_use]
    pub const fn is_transit_gateway(&self) -> bool {
        matches!(self, Self::Tgw(_) | Self::Attachment(_))
    }
}

impl FlowLog {
    /// A log of every interface in the default format, with windows of 60 seconds.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            id: "everything".to_owned(),
            resource: LogResource::Everything,
            traffic: TrafficType::All,
            interval: FLOW_LOG_INTERVALS[0],
            format: Format::default_vpc(),
            destination: LogDestination::Nowhere,
            realm: (super::DEFAULT_ACCOUNT.to_owned(), super::DEFAULT_REGION.to_owned()),
            tags: Default::default(),
        }
    }
}

impl Context {
    pub(super) fn flow_logs(&mut self) -> Vec<FlowLog> {
        let logs = std::mem::take(&mut self.spec.flow_logs);
        let mut out = Vec::new();
        for (name, log) in &logs {
            let resource = self.logged(log);
            let tgw = resource.as_ref().is_some_and(LogResource::is_transit_gateway);
            let format = self.log_format(log, tgw);
            let interval = self.interval(log, tgw);
            let destination = self.log_destination(name, &log.destination);
            let tags = self.log_tags(log);
            // FLW-31.
            if let Some(written) = log.traffic_type.as_ref().filter(|_| tgw) {
                let message = format!("a flow log of a transit gateway has no traffic type: `{name}` logs all of it");
                let help = "remove `traffic_type`; a transit gateway does not filter";
                self.problem(Diagnostic::error("conflicting-fields", written.span, message).help(help));
            }
            let (Some(resource), Some(format), Some(destination)) = (resource, format, destination) else { continue };
            let realm = self.realm_of_log(&resource);
            let traffic = log.traffic_type.map_or(TrafficType::All, |t| t.value);
            out.push(FlowLog { id: name.value.clone(), resource, traffic, interval, format, destination, realm, tags });
        }
        self.spec.flow_logs = logs;
        out
    }

    /// What a log is about.
    fn logged(&mut self, log: &spec::FlowLog) -> Option<LogResource> {
        let (name, written) = (log.resource.value.as_str(), &log.resource);
        if let Some(vpc) = self.ids.vpcs.get(name) {
            return Some(LogResource::Vpc(*vpc));
        }
        if let Some(subnet) = self.ids.subnets.get(name) {
            return Some(LogResource::Subnet(*subnet));
        }
        if let Some(eni) = self.ids.enis.get(name) {
            return Some(LogResource::Eni(*eni));
        }
        if let Some(tgw) = self.ids.tgws.get(name) {
            return Some(LogResource::Tgw(*tgw));
        }
        if let Some(nat) = self.ids.nats.get(name).copied() {
            let Some(eni) = self.fabric.nats[nat].eni else { return Some(LogResource::RegionalNat(nat)) };
            let message = format!("`{name}` is a zonal NAT gateway: its network interface is logged, not the gateway");
            let help = format!("write `resource: {}`, or log its subnet", self.names.enis[eni].id);
            self.problem(Diagnostic::error("wrong-resource", written.span, message).help(help));
            return None;
        }
        if let Some(attaches) = self.ids.tgw_attaches.get(name).cloned() {
            // FLW-35.
            let kind = attaches.first().map(|a| &self.fabric.tgw_attaches[*a].kind);
            if let Some(TgwAttachKind::Connect { transport, .. }) = kind {
                let message = format!("`{name}` is a Connect attachment, which has no flow log of its own");
                let carrier = self.names.tgw_attaches[*transport].id.clone();
                let help = format!("log the attachment that carries it: `resource: {carrier}`");
                self.problem(Diagnostic::error("wrong-resource", written.span, message).help(help));
                return None;
            }
            return Some(LogResource::Attachment(attaches));
        }
        let mut known: Vec<String> = self.ids.vpcs.keys().cloned().collect();
        known.extend(self.ids.subnets.keys().chain(self.ids.enis.keys()).chain(self.ids.tgws.keys()).cloned());
        known.extend(self.ids.tgw_attaches.keys().chain(self.ids.nats.keys()).cloned());
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        self.unknown(
            written,
            "VPC, subnet, network interface, transit gateway, attachment or regional NAT gateway",
            &known,
        );
        None
    }

    fn log_format(&mut self, log: &spec::FlowLog, tgw: bool) -> Option<Format> {
        let Some(written) = &log.log_format else {
            return Some(if tgw { Format::default_transit_gateway() } else { Format::default_vpc() });
        };
        let format = match Format::parse(&written.value) {
            Ok(format) => format,
            Err(errors) => {
                for error in &errors {
                    self.problem(bad_format(written.span, error));
                }
                return None;
            }
        };
        let mut fits = true;
        for field in format.fields() {
            let known = if tgw { field.in_transit_gateway_logs() } else { field.in_vpc_logs() };
            if !known {
                fits = false;
                let whose = if tgw { "transit gateways do" } else { "VPCs, subnets and interfaces do" };
                let message = format!("flow logs of {whose} not have the field `{}`", field.name());
                self.problem(Diagnostic::error("wrong-field", written.span, message));
            }
        }
        fits.then_some(format)
    }

    fn interval(&mut self, log: &spec::FlowLog, tgw: bool) -> u32 {
        let Some(written) = log.max_aggregation_interval else { return FLOW_LOG_INTERVALS[usize::from(!tgw)] };
        if !FLOW_LOG_INTERVALS.contains(&written.value) {
            let message = format!("a maximum aggregation interval of {} seconds does not exist", written.value);
            self.problem(Diagnostic::error("bad-interval", written.span, message).help("write 60 or 600"));
        } else if tgw && written.value != FLOW_LOG_INTERVALS[0] {
            // FLW-31.
            let message = "flow logs of transit gateways have windows of 60 seconds";
            self.problem(Diagnostic::error("bad-interval", written.span, message).help("write 60, or nothing"));
        }
        if tgw { FLOW_LOG_INTERVALS[0] } else { written.value.max(1) }
    }

    fn realm_of_log(&mut self, resource: &LogResource) -> (String, String) {
        let vpc = match resource {
            LogResource::Vpc(vpc) => Some(*vpc),
            LogResource::Subnet(subnet) => Some(self.fabric.subnets[*subnet].vpc),
            LogResource::Eni(eni) => Some(self.fabric.enis[*eni].vpc),
            LogResource::RegionalNat(nat) => Some(self.fabric.nats[*nat].vpc),
            LogResource::Everything | LogResource::Tgw(_) | LogResource::Attachment(_) => None,
        };
        if let Some(vpc) = vpc {
            return self.names.realms[self.fabric.vpcs[vpc].realm as usize].clone();
        }
        let tgw = match resource {
            LogResource::Tgw(tgw) => Some(*tgw),
            LogResource::Attachment(of) => of.first().map(|attach| self.fabric.tgw_attaches[*attach].tgw),
            _ => None,
        };
        let Some(tgw) = tgw else { return FlowLog::everything().realm };
        let body = self.spec.transit_gateways.get(self.names.tgws[tgw].id.as_str()).cloned();
        let (account, region) = body.map_or((None, None), |body| (body.account, body.region));
        let (realm, _) = self.realm_of(account.as_ref(), region.as_ref());
        self.names.realms[realm as usize].clone()
    }
}

/// A mistake in a format.
fn bad_format(span: Span, error: &FormatError) -> Diagnostic {
    let code = if matches!(error, FormatError::Unknown(_)) { "unknown-field" } else { "bad-value" };
    Diagnostic::error(code, span, error.to_string()).help(error.help())
}

/// Fields of a format that show tags.
#[must_use]
pub const fn tag_field(field: Field) -> Option<(usize, usize)> {
    match field {
        Field::InstanceTag => Some((0, 0)),
        Field::InstanceTag2 => Some((0, 1)),
        Field::InterfaceTag => Some((1, 0)),
        Field::InterfaceTag2 => Some((1, 1)),
        Field::AsgTag => Some((2, 0)),
        Field::AsgTag2 => Some((2, 1)),
        _ => None,
    }
}
