//! Codes as data: what AWS's Reachability Analyzer calls a drop, and what Batfish and Google's Connectivity Tests call it.
//!
//! Sources: VPC Reachability Analyzer guide, "Explanation codes" and "Additional detail codes"; Batfish, flow dispositions;
//! Google Cloud, Connectivity Tests, drop causes. A code that is not in [`CODES`] does not exist in the edition that was read.

/// Whether an answer can carry a code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Produced {
    /// Yes.
    Yes,
    /// Only a run in which something fails drops packets so: at rest the routes have gone already.
    InRuns,
    /// What it is about is not modelled: a packet that meets it is answered `unknown`.
    NotModelled,
    /// It is about how AWS's tool is asked, or about what it cannot see; here such a question cannot be asked, or has an answer.
    NotAsked,
}

/// A code of Reachability Analyzer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code {
    /// Its name.
    pub name: &'static str,
    /// Whether an answer can carry it.
    pub produced: Produced,
}

/// What others call a drop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alias {
    /// Our event, in a few words.
    pub event: &'static str,
    /// Codes of an answer, AWS's or ours.
    pub codes: &'static [&'static str],
    /// Batfish's dispositions.
    pub batfish: &'static [&'static str],
    /// Google's causes.
    pub gcp: &'static [&'static str],
}

const fn yes(name: &'static str) -> Code {
    Code { name, produced: Produced::Yes }
}
const fn in_runs(name: &'static str) -> Code {
    Code { name, produced: Produced::InRuns }
}
const fn not_modelled(name: &'static str) -> Code {
    Code { name, produced: Produced::NotModelled }
}
const fn not_asked(name: &'static str) -> Code {
    Code { name, produced: Produced::NotAsked }
}

/// Every code of Reachability Analyzer.
pub const CODES: &[Code] = &[
    yes("BAD_STATE"),
    in_runs("BAD_STATE_ATTACHMENT"),
    yes("BAD_STATE_ROUTE"),
    in_runs("BAD_STATE_VPN"),
    not_asked("TGW_BAD_STATE_VPN"),
    yes("TGW_RTB_BAD_STATE_ROUTE"),
    yes("NO_ROUTE_TO_DESTINATION"),
    yes("CANNOT_ROUTE"),
    yes("MORE_SPECIFIC_ROUTE"),
    yes("HIGHER_PRIORITY_ROUTE"),
    yes("VPC_LOCAL_ROUTE_CIDR_RESTRICTION"),
    yes("INGRESS_RTB_NO_PUBLIC_IP"),
    not_asked("INGRESS_RTB_TRAFFIC_REDIRECTION"),
    yes("NO_POSSIBLE_DESTINATION"),
    not_asked("UNKNOWN_DESTINATION"),
    yes("ENI_SG_RULES_MISMATCH"),
    yes("SG_HAS_NO_RULES"),
    yes("SG_REFERENCES_NOT_PRESERVED"),
    yes("SG_REFERENCING_SUPPORT"),
    not_asked("UNKNOWN_PEERED_SGS"),
    not_asked("ENI_ADDRESS_RESTRICTION"),
    yes("ENI_SOURCE_DEST_CHECK_RESTRICTION"),
    yes("SUBNET_ACL_RESTRICTION"),
    not_modelled("ELB_ACL_RESTRICTION"),
    yes("IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"),
    yes("IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"),
    not_asked("IGW_DESTINATION_ADDRESS_IN_VPC_CIDRS"),
    yes("IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"),
    yes("IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS"),
    yes("IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS"),
    not_asked("IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS"),
    not_asked("IGW_NAT_REFLECTION"),
    not_asked("IGW_EXPECTS_PUBLIC_ADDRESS"),
    not_asked("GATEWAY_REJECTS_SPOOFED_TRAFFIC"),
    yes("VPC_BLOCK_PUBLIC_ACCESS_ENABLED"),
    not_asked("NGW_REQUIRES_SOURCE_IN_VPC"),
    yes("NGW_SOURCE_ADDRESS_REASSIGN"),
    yes("NGW_DEST_ADDRESS_PRESERVATION"),
    yes("REMAP_EPHEMERAL_PORT"),
    not_asked("REGIONAL_NGW_ROUTE_AZ_RESTRICTION"),
    not_asked("VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS"),
    not_asked("VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"),
    yes("PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"),
    not_asked("DISCONNECTED_VPCS"),
    not_modelled("ELB_LISTENERS_MISMATCH"),
    not_modelled("ELBV2_LISTENERS_MISMATCH"),
    not_modelled("ELB_LISTENER_PORT_RESTRICTION"),
    not_modelled("ELBV2_LISTENER_PORT_RESTRICTION"),
    not_modelled("ELB_INSTALLED_AZ_RESTRICTION"),
    not_modelled("ELB_NOT_CROSSZONE"),
    not_modelled("ELBV2_LISTENER_HAS_NO_TG"),
    not_modelled("ELBV2_LISTENER_REQUIRES_TG_ACCEPT"),
    yes("ELBV2_NO_TARGETS_IN_AZ"),
    not_modelled("ELBV2_SOURCE_ADDRESS_PRESERVATION"),
    not_modelled("TARGET_ADDRESS_RESTRICTION"),
    not_modelled("TARGET_PORT_RESTRICTION"),
    not_modelled("GWLB_DESTINATION_PORT_RESTRICTION"),
    not_modelled("GWLB_PROTOCOL_RESTRICTION"),
    yes("TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION"),
    not_asked("TGW_ATTACH_VPC_AZ_RESTRICTION"),
    yes("TGW_ROUTE_AZ_RESTRICTION"),
    yes("TGW_RTB_CANNOT_ROUTE"),
    yes("TGW_RTB_HIGHER_PRIORITY_ROUTE"),
    yes("TGW_RTB_MORE_SPECIFIC_ROUTE"),
    yes("TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"),
    not_asked("TGW_RTB_ROUTES_ARE_UNKNOWN"),
    not_asked("VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION"),
    yes("VPCE_GATEWAY_PROTOCOL_RESTRICTION"),
    not_asked("VPCE_INTRA_VPC_TRAFFIC"),
    yes("VPCE_SERVICE_NOT_INSTALLED_IN_AZ"),
    not_modelled("FIREWALL_RULES_RESTRICTION"),
    yes("PROTOCOL_RESTRICTION"),
    not_asked("UNKNOWN_RESOURCE"),
    not_asked("NO_PATH"),
    not_asked("NO_SOURCE_OR_DESTINATION"),
    not_asked("UNASSOCIATED_COMPONENT"),
    not_asked("UNSUPPORTED_COMPONENT"),
    not_asked("COMPONENT_FILTER_RESTRICTION"),
    not_asked("COMPONENT_FILTER_RESTRICTION_REMOVED_COMPONENT"),
    not_asked("FILTER_AT_SOURCE_SOURCE_ADDRESS"),
    not_asked("FILTER_AT_SOURCE_SOURCE_PORT_RANGE"),
    not_asked("FILTER_AT_SOURCE_DESTINATION_ADDRESS"),
    not_asked("FILTER_AT_SOURCE_DESTINATION_PORT_RANGE"),
    not_asked("FILTER_AT_SOURCE_PROTOCOL"),
    not_asked("FILTER_AT_DESTINATION_SOURCE_ADDRESS"),
    not_asked("FILTER_AT_DESTINATION_SOURCE_PORT_RANGE"),
    not_asked("FILTER_AT_DESTINATION_DESTINATION_ADDRESS"),
    not_asked("FILTER_AT_DESTINATION_DESTINATION_PORT_RANGE"),
    not_asked("FILTER_AT_DESTINATION_PROTOCOL"),
    not_modelled("ASSUMPTION_PRESERVE_CLIENT_IP_IS_ENABLED"),
    not_modelled("ASSUMPTION_PRESERVE_CLIENT_IP_IS_DISABLED"),
    not_modelled("MISSING_TARGET_GROUP_ATTRIBUTES"),
    yes("AVAILABILITY_ZONE_CROSSED"),
    not_modelled("FIREWALL_UNSUPPORTED_HIGHER_PRIORITY_RULE_GROUP_TYPE"),
    not_modelled("FIREWALL_UNSUPPORTED_HIGHER_PRIORITY_RULES"),
    not_modelled("FIREWALL_UNSUPPORTED_RULE_OPTIONS"),
    not_modelled("PATH_THROUGH_GWLB_NOT_CHECKED"),
    not_asked("RESPONSE_RTB_HAS_NO_ROUTE_TO_TRANSIT_GATEWAY"),
    yes("TRANSIT_GATEWAY_APPLIANCE_MODE_RECOMMENDED"),
    not_asked("UNIDIRECTIONAL_PATH_ANALYSIS_ONLY"),
];

const fn alias(
    event: &'static str,
    codes: &'static [&'static str],
    batfish: &'static [&'static str],
    gcp: &'static [&'static str],
) -> Alias {
    Alias { event, codes, batfish, gcp }
}

/// The same drop in several tools' words.
pub const ALIASES: &[Alias] = &[
    alias(
        "route lookup miss",
        &["NO_ROUTE_TO_DESTINATION", "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"],
        &["NO_ROUTE"],
        &["NO_ROUTE"],
    ),
    alias("blackhole route", &["BAD_STATE_ROUTE", "TGW_RTB_BAD_STATE_ROUTE"], &["NULL_ROUTED"], &["ROUTE_BLACKHOLE"]),
    alias(
        "security group miss",
        &["ENI_SG_RULES_MISMATCH", "SG_HAS_NO_RULES"],
        &["DENIED_IN", "DENIED_OUT"],
        &["FIREWALL_RULE"],
    ),
    alias("security group reference lost", &["SG_REFERENCES_NOT_PRESERVED", "SG_REFERENCING_SUPPORT"], &[], &[]),
    alias("network ACL deny", &["SUBNET_ACL_RESTRICTION"], &["DENIED_IN", "DENIED_OUT"], &["FIREWALL_RULE"]),
    alias("source/destination check", &["ENI_SOURCE_DEST_CHECK_RESTRICTION"], &[], &["FOREIGN_IP_DISALLOWED"]),
    alias(
        "no public address at the internet gateway",
        &["IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"],
        &[],
        &["NO_EXTERNAL_ADDRESS"],
    ),
    alias(
        "private destination at the internet gateway",
        &["IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"],
        &[],
        &["PRIVATE_TRAFFIC_TO_INTERNET"],
    ),
    alias(
        "transit through a peering",
        &["PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"],
        &["NO_ROUTE"],
        &["PSC_TRANSITIVITY", "NO_KNOWN_ROUTE_FROM_PEERED_NETWORK"],
    ),
    alias("zone without attachment", &["TGW_ROUTE_AZ_RESTRICTION"], &["NULL_ROUTED"], &[]),
    alias("attachment without association", &["TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION"], &[], &[]),
    alias("NAT gateway used from outside", &["SIM_NAT_UNSOLICITED"], &[], &[]),
    alias("loop, time to live", &["SIM_TTL_EXPIRED", "SIM_LOOP"], &["LOOP"], &["ROUTING_LOOP"]),
    alias("too big", &["SIM_MTU_EXCEEDED"], &[], &[]),
    alias("state expired", &["SIM_NAT_IDLE_TIMEOUT"], &[], &[]),
    alias("ports exhausted", &["SIM_NAT_PORTS_EXHAUSTED"], &[], &["CLOUD_NAT_NO_ADDRESSES"]),
    alias("nothing listens", &["SIM_NO_LISTENER"], &["ACCEPTED"], &[]),
    alias(
        "no such address",
        &["NO_POSSIBLE_DESTINATION"],
        &["DELIVERED_TO_SUBNET", "NEIGHBOR_UNREACHABLE"],
        &["UNKNOWN_INTERNAL_ADDRESS"],
    ),
    alias("instance stopped", &["BAD_STATE"], &[], &["INSTANCE_NOT_RUNNING"]),
];

/// What others call a code: Batfish's dispositions and Google's causes.
#[must_use]
pub fn alias_of(code: &str) -> Option<&'static Alias> {
    ALIASES.iter().find(|alias| alias.codes.contains(&code))
}
