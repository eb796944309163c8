//! AWS's behaviour, fact by fact: the tests of `docs/behaviour/`.
//!
//! Each test cites the facts it shows. Expected values come from AWS's pages, never from a run. A name that
//! ends in `_case_N` is one of the tricky cases that the design lists.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod behaviour {
    mod acl;
    mod appliance;
    mod bpa;
    mod choice;
    mod client_vpn;
    mod connect_live;
    mod conntrack;
    mod cost;
    mod coverage;
    mod diagnostics;
    mod diagnostics_between;
    mod diagnostics_client_vpn;
    mod diagnostics_direct_connect;
    mod diagnostics_flow_log;
    mod diagnostics_hybrid;
    mod diagnostics_mirror;
    mod diagnostics_vpn;
    mod direct_connect;
    mod direct_connect_line;
    mod direct_connect_public;
    mod edge;
    mod egress_only;
    mod endpoint;
    mod eni;
    mod flow_log;
    mod flow_log_fields;
    mod flow_log_records;
    mod flow_log_run;
    mod flow_log_tgw;
    mod guest;
    mod harness;
    mod igw;
    mod internet;
    mod live;
    mod metrics;
    mod mirror;
    mod mtu;
    mod nat;
    mod peering;
    mod route_table;
    mod security_group;
    mod service;
    mod subnet;
    mod transit_gateway;
    mod vpc;
    mod vpn;
    mod vpn_variants;
    mod vpn_variants_time;
}
