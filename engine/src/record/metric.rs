//! CloudWatch's metrics, as data points of one period each.

use std::fmt::Write;

macro_rules! metrics {
    ($($(#[$doc:meta])* $variant:ident = $namespace:literal $name:literal $unit:literal $statistic:ident $period:literal;)*) => {
        /// A metric.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Metric { $($(#[$doc])* $variant),* }

        impl Metric {
            /// Every metric, in the order in which they are written.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// CloudWatch's namespace.
            #[must_use]
            pub const fn namespace(self) -> &'static str {
                match self { $(Self::$variant => $namespace),* }
            }
            /// Its name there.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
            /// Unit of the value.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit),* }
            }
            /// What the value is of the period.
            #[must_use]
            pub const fn statistic(self) -> Statistic {
                match self { $(Self::$variant => Statistic::$statistic),* }
            }
            /// Length of a period in seconds.
            #[must_use]
            pub const fn period(self) -> u64 {
                match self { $(Self::$variant => $period),* }
            }
        }
    };
}

/// What a value is of its period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Statistic {
    /// The sum.
    Sum,
    /// The largest.
    Maximum,
    /// The mean over the time.
    Average,
}

impl Statistic {
    /// CloudWatch's word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sum => "Sum",
            Self::Maximum => "Maximum",
            Self::Average => "Average",
        }
    }
}

// Names, units and periods as the services' monitoring pages list them: MET-1, MET-2, MET-3, MET-4, MET-5, MET-9, MET-10.
metrics! {
    /// TCP connections at one time.
    ActiveConnectionCount = "AWS/NATGateway" "ActiveConnectionCount" "Count" Maximum 60;
    /// From the internet, or where it sends.
    BytesInFromDestination = "AWS/NATGateway" "BytesInFromDestination" "Bytes" Sum 60;
    /// From clients.
    BytesInFromSource = "AWS/NATGateway" "BytesInFromSource" "Bytes" Sum 60;
    /// To where it sends.
    BytesOutToDestination = "AWS/NATGateway" "BytesOutToDestination" "Bytes" Sum 60;
    /// To clients.
    BytesOutToSource = "AWS/NATGateway" "BytesOutToSource" "Bytes" Sum 60;
    /// First segments of connections.
    ConnectionAttemptCount = "AWS/NATGateway" "ConnectionAttemptCount" "Count" Sum 60;
    /// Connections that were answered.
    ConnectionEstablishedCount = "AWS/NATGateway" "ConnectionEstablishedCount" "Count" Sum 60;
    /// Packets that found no free port.
    ErrorPortAllocation = "AWS/NATGateway" "ErrorPortAllocation" "Count" Sum 60;
    /// Connections that were idle for too long.
    IdleTimeoutCount = "AWS/NATGateway" "IdleTimeoutCount" "Count" Sum 60;
    /// Packets that it dropped.
    PacketsDropCount = "AWS/NATGateway" "PacketsDropCount" "Count" Sum 60;
    /// As the bytes.
    PacketsInFromDestination = "AWS/NATGateway" "PacketsInFromDestination" "Count" Sum 60;
    /// As the bytes.
    PacketsInFromSource = "AWS/NATGateway" "PacketsInFromSource" "Count" Sum 60;
    /// As the bytes.
    PacketsOutToDestination = "AWS/NATGateway" "PacketsOutToDestination" "Count" Sum 60;
    /// As the bytes.
    PacketsOutToSource = "AWS/NATGateway" "PacketsOutToSource" "Count" Sum 60;
    /// The largest mean of ten seconds.
    PeakBytesPerSecond = "AWS/NATGateway" "PeakBytesPerSecond" "Bytes/Second" Maximum 60;
    /// The largest mean of ten seconds.
    PeakPacketsPerSecond = "AWS/NATGateway" "PeakPacketsPerSecond" "Count/Second" Maximum 60;
    /// Received by the gateway, or from the attachment.
    TgwBytesIn = "AWS/TransitGateway" "BytesIn" "Bytes" Sum 60;
    /// Sent by it.
    TgwBytesOut = "AWS/TransitGateway" "BytesOut" "Bytes" Sum 60;
    /// As the bytes.
    TgwPacketsIn = "AWS/TransitGateway" "PacketsIn" "Count" Sum 60;
    /// As the bytes.
    TgwPacketsOut = "AWS/TransitGateway" "PacketsOut" "Count" Sum 60;
    /// Dropped by a blackhole route.
    TgwBytesBlackhole = "AWS/TransitGateway" "BytesDropCountBlackhole" "Bytes" Sum 60;
    /// As the bytes.
    TgwPacketsBlackhole = "AWS/TransitGateway" "PacketDropCountBlackhole" "Count" Sum 60;
    /// Dropped for want of a route.
    TgwBytesNoRoute = "AWS/TransitGateway" "BytesDropCountNoRoute" "Bytes" Sum 60;
    /// As the bytes.
    TgwPacketsNoRoute = "AWS/TransitGateway" "PacketDropCountNoRoute" "Count" Sum 60;
    /// Hops ran out.
    TgwPacketsTtl = "AWS/TransitGateway" "PacketDropTTLExpired" "Count" Sum 60;
    /// 1 while a tunnel is up; with BGP, while its session is established.
    TunnelState = "AWS/VPN" "TunnelState" "Count" Average 300;
    /// From the customer, after decryption.
    TunnelDataIn = "AWS/VPN" "TunnelDataIn" "Bytes" Sum 300;
    /// To the customer, before encryption.
    TunnelDataOut = "AWS/VPN" "TunnelDataOut" "Bytes" Sum 300;
    /// From the customer.
    VifBpsIngress = "AWS/DX" "VirtualInterfaceBpsIngress" "Bits/Second" Average 300;
    /// To the customer.
    VifBpsEgress = "AWS/DX" "VirtualInterfaceBpsEgress" "Bits/Second" Average 300;
    /// From the customer.
    VifPpsIngress = "AWS/DX" "VirtualInterfacePpsIngress" "Count/Second" Average 300;
    /// To the customer.
    VifPpsEgress = "AWS/DX" "VirtualInterfacePpsEgress" "Count/Second" Average 300;
    /// 1 while the session is established.
    VifBgpStatus = "AWS/DX" "VirtualInterfaceBgpStatus" "Count" Average 300;
    /// Received by an instance.
    NetworkIn = "AWS/EC2" "NetworkIn" "Bytes" Sum 300;
    /// Sent by it.
    NetworkOut = "AWS/EC2" "NetworkOut" "Bytes" Sum 300;
    /// As the bytes.
    NetworkPacketsIn = "AWS/EC2" "NetworkPacketsIn" "Count" Sum 300;
    /// As the bytes.
    NetworkPacketsOut = "AWS/EC2" "NetworkPacketsOut" "Count" Sum 300;
    /// Mirrored of what an instance gets.
    NetworkMirrorIn = "AWS/EC2" "NetworkMirrorIn" "Bytes" Sum 300;
    /// Mirrored of what it sends.
    NetworkMirrorOut = "AWS/EC2" "NetworkMirrorOut" "Bytes" Sum 300;
    /// As the bytes.
    NetworkPacketsMirrorIn = "AWS/EC2" "NetworkPacketsMirrorIn" "Count" Sum 300;
    /// As the bytes.
    NetworkPacketsMirrorOut = "AWS/EC2" "NetworkPacketsMirrorOut" "Count" Sum 300;
    /// To be mirrored, and given up for want of bandwidth.
    NetworkSkipMirrorIn = "AWS/EC2" "NetworkSkipMirrorIn" "Bytes" Sum 300;
    /// The same of what it sends.
    NetworkSkipMirrorOut = "AWS/EC2" "NetworkSkipMirrorOut" "Bytes" Sum 300;
    /// As the bytes.
    NetworkPacketsSkipMirrorIn = "AWS/EC2" "NetworkPacketsSkipMirrorIn" "Count" Sum 300;
    /// As the bytes.
    NetworkPacketsSkipMirrorOut = "AWS/EC2" "NetworkPacketsSkipMirrorOut" "Count" Sum 300;
    /// Through an interface endpoint, both ways.
    BytesProcessed = "AWS/PrivateLinkEndpoints" "BytesProcessed" "Bytes" Sum 60;
    /// Queued or dropped because the instance's bandwidth was used up.
    BwOutAllowance = "CWAgent" "ethtool_bw_out_allowance_exceeded" "Count" Sum 60;
    /// Dropped because link-local services take 1,024 packets a second.
    LinklocalAllowance = "CWAgent" "ethtool_linklocal_allowance_exceeded" "Count" Sum 60;
}

/// One value of one period.
#[derive(Clone, PartialEq, Debug)]
pub struct DataPoint {
    /// Beginning of the period in Unix seconds.
    pub at: u64,
    /// What.
    pub metric: Metric,
    /// Of what: names and values, in CloudWatch's order.
    pub dimensions: Vec<(&'static str, String)>,
    /// The value.
    pub value: f64,
}

/// The header of a CSV file.
pub const CSV_HEADER: &str = "timestamp,namespace,metric,dimensions,statistic,period,unit,value";

impl DataPoint {
    /// A line of a CSV file, without a line end. Dimensions are `Name=value`, joined by `;`.
    #[must_use]
    pub fn csv(&self) -> String {
        let m = self.metric;
        let mut dimensions = String::new();
        for (n, (name, value)) in self.dimensions.iter().enumerate() {
            let _ = write!(dimensions, "{}{name}={value}", if n > 0 { ";" } else { "" });
        }
        // A name that holds what separates fields (RFC 4180 section 2).
        if dimensions.contains([',', '"', '\n']) {
            dimensions = format!("\"{}\"", dimensions.replace('"', "\"\""));
        }
        let (namespace, name, statistic) = (m.namespace(), m.name(), m.statistic().word());
        format!("{},{namespace},{name},{dimensions},{statistic},{},{},{}", self.at, m.period(), m.unit(), self.value)
    }

    /// The same as JSON, with the keys that CloudWatch's API uses.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let m = self.metric;
        let dimensions: Vec<_> =
            self.dimensions.iter().map(|(name, value)| serde_json::json!({ "Name": name, "Value": value })).collect();
        serde_json::json!({
            "Namespace": m.namespace(), "MetricName": m.name(), "Dimensions": dimensions, "Timestamp": self.at,
            "Period": m.period(), "Statistic": m.statistic().word(), "Unit": m.unit(), "Value": self.value,
        })
    }
}
