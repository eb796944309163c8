//! Where resources are written.

use crate::diag::Span;
use crate::spec::Spec;
use std::collections::BTreeMap;

macro_rules! sections {
    ($($section:ident,)*) => {
        /// The place of every resource, by its name: no two have the same.
        pub(super) fn places(spec: &Spec) -> BTreeMap<&str, Span> {
            let mut out = BTreeMap::new();
            $(out.extend(spec.$section.keys().map(|name| (name.value.as_str(), name.span)));)*
            out
        }

        #[cfg(test)]
        const SECTIONS: &[&str] = &[$(stringify!($section)),*];
    };
}

sections! {
    vpcs,
    subnets,
    route_tables,
    network_acls,
    security_groups,
    prefix_lists,
    internet_gateways,
    egress_only_internet_gateways,
    nat_gateways,
    vpc_peering_connections,
    transit_gateways,
    transit_gateway_vpc_attachments,
    transit_gateway_peering_attachments,
    transit_gateway_connects,
    transit_gateway_route_tables,
    transit_gateway_multicast_domains,
    vpc_endpoints,
    vpc_endpoint_services,
    customer_gateways,
    vpn_gateways,
    vpn_connections,
    direct_connect_connections,
    direct_connect_lags,
    virtual_interfaces,
    direct_connect_gateways,
    direct_connect_gateway_associations,
    network_interfaces,
    instances,
    internet_hosts,
    routers,
    site_hosts,
    client_vpn_endpoints,
    client_vpn_clients,
    traffic_mirror_targets,
    traffic_mirror_filters,
    traffic_mirror_sessions,
    flow_logs,
    not_modelled,
}

#[cfg(test)]
mod tests {
    use super::SECTIONS;
    use crate::spec::Spec;

    #[test]
    fn every_section_is_looked_at() {
        let serde_json::Value::Object(all) = serde_json::to_value(Spec::default()).unwrap() else { unreachable!() };
        let maps: Vec<&str> = all.iter().filter(|(_, v)| v.is_object()).map(|(name, _)| name.as_str()).collect();
        assert_eq!(SECTIONS, maps);
    }
}
