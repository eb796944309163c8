//! The fields that a flow-log record can have: VPC flow logs of versions 2 to 11, and transit-gateway flow logs (FLW-10, FLW-30).
//!
//! One table says what each field is called, which version brought it, which type Athena's tables and Parquet files give it, and
//! in which kind of log it may stand. What a field's value means is `observe::flow_logs`' affair.
//!
//! Invariants: names are unique; the order of the table is the order of AWS's page, so [`Field::ALL`] by version is the order
//! of the default formats.

use crate::diag::nearest;

/// The type that a column has in Athena's table and in a Parquet file. In text every field is text (FLW-11).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FieldType {
    /// 32 bits: Athena's `int`.
    Int,
    /// 64 bits: Athena's `bigint`.
    BigInt,
    /// Text: Athena's `string`.
    String,
}

impl FieldType {
    /// Athena's word.
    #[must_use]
    pub const fn athena(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::BigInt => "bigint",
            Self::String => "string",
        }
    }
}

/// Which logs have a field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FieldScope {
    /// Logs of VPCs, subnets, interfaces and regional NAT gateways.
    Vpc,
    /// Logs of transit gateways and their attachments.
    TransitGateway,
    /// Both.
    Both,
}

macro_rules! fields {
    ($($field:ident $name:literal $version:literal $kind:ident $scope:ident $doc:literal)*) => {
        /// A field of a record.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Field { $(#[doc = $doc] $field,)* }

        impl Field {
            /// Every field, in the order of AWS's tables.
            pub const ALL: &[Self] = &[$(Self::$field,)*];

            /// The name in a format and in a header line: `log-status`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)* }
            }
            /// The version that brought it.
            #[must_use]
            pub const fn version(self) -> u8 {
                match self { $(Self::$field => $version,)* }
            }
            /// Its type in Athena and in Parquet.
            #[must_use]
            pub const fn kind(self) -> FieldType {
                match self { $(Self::$field => FieldType::$kind,)* }
            }
            /// Which logs have it.
            #[must_use]
            pub const fn scope(self) -> FieldScope {
                match self { $(Self::$field => FieldScope::$scope,)* }
            }
        }
    };
}

fields! {
    Version "version" 2 Int Both "The highest version of the fields in the format."
    AccountId "account-id" 2 String Both "Account that owns the interface, or the transit gateway."
    InterfaceId "interface-id" 2 String Vpc "The interface."
    SrcAddr "srcaddr" 2 String Both "Source address, with the interface's own for one that is none of its own."
    DstAddr "dstaddr" 2 String Both "Destination address, with the interface's own for one that is none of its own."
    SrcPort "srcport" 2 Int Both "Source port."
    DstPort "dstport" 2 Int Both "Destination port."
    Protocol "protocol" 2 BigInt Both "Protocol number."
    Packets "packets" 2 BigInt Both "Packets."
    Bytes "bytes" 2 BigInt Both "Bytes of IP packets."
    Start "start" 2 BigInt Both "First packet, or start of the window: Unix seconds."
    End "end" 2 BigInt Both "Last packet, or end of the window: Unix seconds."
    Action "action" 2 String Vpc "ACCEPT or REJECT."
    LogStatus "log-status" 2 String Both "OK, NODATA or SKIPDATA."
    VpcId "vpc-id" 3 String Vpc "VPC of the interface."
    SubnetId "subnet-id" 3 String Vpc "Subnet of the interface."
    InstanceId "instance-id" 3 String Vpc "Instance of the interface."
    TcpFlags "tcp-flags" 3 Int Both "FIN, SYN, RST and SYN-ACK of the window."
    Type "type" 3 String Both "IPv4, IPv6 or EFA."
    PktSrcAddr "pkt-srcaddr" 3 String Vpc "Source address of the packet."
    PktDstAddr "pkt-dstaddr" 3 String Vpc "Destination address of the packet."
    Region "region" 4 String Both "Region."
    AzId "az-id" 4 String Vpc "Id of the Availability Zone."
    SublocationType "sublocation-type" 4 String Vpc "wavelength, outpost or localzone."
    SublocationId "sublocation-id" 4 String Vpc "Id of the sublocation."
    PktSrcAwsService "pkt-src-aws-service" 5 String Both "The service of AWS's that has the source address."
    PktDstAwsService "pkt-dst-aws-service" 5 String Both "The service of AWS's that has the destination address."
    FlowDirection "flow-direction" 5 String Both "ingress or egress."
    TrafficPath "traffic-path" 5 Int Vpc "The way that egress takes."
    ResourceType "resource-type" 6 String TransitGateway "TransitGateway or TransitGatewayAttachment."
    TgwId "tgw-id" 6 String TransitGateway "The transit gateway."
    TgwAttachmentId "tgw-attachment-id" 6 String TransitGateway "The attachment."
    TgwSrcVpcAccountId "tgw-src-vpc-account-id" 6 String TransitGateway "Account of the source's VPC."
    TgwDstVpcAccountId "tgw-dst-vpc-account-id" 6 String TransitGateway "Account of the destination's VPC."
    TgwSrcVpcId "tgw-src-vpc-id" 6 String TransitGateway "The source's VPC."
    TgwDstVpcId "tgw-dst-vpc-id" 6 String TransitGateway "The destination's VPC."
    TgwSrcSubnetId "tgw-src-subnet-id" 6 String TransitGateway "Subnet of the attachment's interface at the source."
    TgwDstSubnetId "tgw-dst-subnet-id" 6 String TransitGateway "Subnet of the attachment's interface at the destination."
    TgwSrcEni "tgw-src-eni" 6 String TransitGateway "The attachment's interface at the source."
    TgwDstEni "tgw-dst-eni" 6 String TransitGateway "The attachment's interface at the destination."
    TgwSrcAzId "tgw-src-az-id" 6 String TransitGateway "Zone of the attachment's interface at the source."
    TgwDstAzId "tgw-dst-az-id" 6 String TransitGateway "Zone of the attachment's interface at the destination."
    TgwPairAttachmentId "tgw-pair-attachment-id" 6 String TransitGateway "The attachment at the other side."
    PacketsLostNoRoute "packets-lost-no-route" 6 BigInt TransitGateway "Packets without a route."
    PacketsLostBlackhole "packets-lost-blackhole" 6 BigInt TransitGateway "Packets of a blackhole route."
    PacketsLostMtuExceeded "packets-lost-mtu-exceeded" 6 BigInt TransitGateway "Packets that were too large."
    PacketsLostTtlExpired "packets-lost-ttl-expired" 6 BigInt TransitGateway "Packets whose hops ran out."
    EcsClusterArn "ecs-cluster-arn" 7 String Vpc "ECS: the cluster."
    EcsClusterName "ecs-cluster-name" 7 String Vpc "ECS: the cluster's name."
    EcsContainerInstanceArn "ecs-container-instance-arn" 7 String Vpc "ECS: the container instance."
    EcsContainerInstanceId "ecs-container-instance-id" 7 String Vpc "ECS: its id."
    EcsContainerId "ecs-container-id" 7 String Vpc "ECS: the first container."
    EcsSecondContainerId "ecs-second-container-id" 7 String Vpc "ECS: the second container."
    EcsServiceName "ecs-service-name" 7 String Vpc "ECS: the service."
    EcsTaskDefinitionArn "ecs-task-definition-arn" 7 String Vpc "ECS: the task definition."
    EcsTaskArn "ecs-task-arn" 7 String Vpc "ECS: the task."
    EcsTaskId "ecs-task-id" 7 String Vpc "ECS: the task's id."
    RejectReason "reject-reason" 8 String Vpc "BPA or EC."
    ResourceId "resource-id" 9 String Vpc "The regional NAT gateway."
    EncryptionStatus "encryption-status" 10 Int Vpc "0 none, 1 by the network, 2 by the application, 3 both."
    InstanceTag "instance-tag" 11 String Vpc "Value of the instance's first tag that was asked for."
    InstanceTag2 "instance-tag-2" 11 String Vpc "Value of the second one."
    InterfaceTag "interface-tag" 11 String Vpc "Value of the interface's first tag that was asked for."
    InterfaceTag2 "interface-tag-2" 11 String Vpc "Value of the second one."
    AsgTag "asg-tag" 11 String Vpc "Value of the Auto Scaling group's first tag that was asked for."
    AsgTag2 "asg-tag-2" 11 String Vpc "Value of the second one."
    InterfaceType "interface-type" 11 String Vpc "What has the interface, if it is a gateway, an endpoint or a load balancer."
    NextHopInterfaceId "next-hop-interface-id" 11 String Vpc "The interface at the other side of this hop."
    NextHopSubnetId "next-hop-subnet-id" 11 String Vpc "Its subnet."
    NextHopAzId "next-hop-az-id" 11 String Vpc "Its zone."
    NextHopVpcId "next-hop-vpc-id" 11 String Vpc "Its VPC."
    NextHopInterfaceType "next-hop-interface-type" 11 String Vpc "What has it."
}

/// A name that is no field's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownField {
    /// What was written.
    pub written: String,
    /// The field that is most like it, if one is close enough.
    pub nearest: Option<Field>,
}

impl Field {
    /// The name of its column in a table: `log_status` (FLW-11).
    #[must_use]
    pub fn column(self) -> String {
        self.name().replace('-', "_")
    }

    /// The field of that name, written with hyphens or, as a column, with underscores.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_name(name: &str) -> Result<Self, UnknownField> {
        let same = |field: &&Self| {
            let (a, b) = (field.name().bytes(), name.bytes());
            field.name().len() == name.len() && a.zip(b).all(|(a, b)| a == b || (a == b'-' && b == b'_'))
        };
        Self::ALL.iter().find(same).copied().ok_or_else(|| {
            let near = nearest(&name.replace('_', "-"), Self::ALL.iter().map(|field| field.name()));
            let nearest = near.and_then(|near| Self::ALL.iter().find(|field| field.name() == near).copied());
            UnknownField { written: name.to_owned(), nearest }
        })
    }

    /// True if logs of VPCs, subnets, interfaces and regional NAT gateways may have it.
    #[must_use]
    pub const fn in_vpc_logs(self) -> bool {
        !matches!(self.scope(), FieldScope::TransitGateway)
    }

    /// True if logs of transit gateways may have it.
    #[must_use]
    pub const fn in_transit_gateway_logs(self) -> bool {
        !matches!(self.scope(), FieldScope::Vpc)
    }
}

impl std::fmt::Display for UnknownField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there is no flow-log field `{}`", self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_fields_and_slips_to_suggestions() {
        for field in Field::ALL {
            assert_eq!(Field::from_name(field.name()), Ok(*field));
            assert_eq!(Field::from_name(&field.column()), Ok(*field));
        }
        let wrong = Field::from_name("pkt-srcadr").unwrap_err();
        assert_eq!(wrong.nearest, Some(Field::PktSrcAddr));
        assert_eq!(Field::from_name("colour").unwrap_err().nearest, None);
    }

    /// AWS's tables count them: 54 in VPC logs (14, 7, 4, 4, 10, 1, 1, 1, 12 by version), 36 in transit-gateway logs.
    #[test]
    fn as_many_fields_as_in_awss_tables() {
        let of = |version: u8| Field::ALL.iter().filter(|f| f.in_vpc_logs() && f.version() == version).count();
        assert_eq!([2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(of), [14, 7, 4, 4, 0, 10, 1, 1, 1, 12]);
        assert_eq!(Field::ALL.iter().filter(|f| f.in_transit_gateway_logs()).count(), 36);
    }
}
