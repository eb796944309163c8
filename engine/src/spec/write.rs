//! A [`Spec`] as text: YAML for people, JSON for programs.
//!
//! Goes by what the types serialize to, so a new field needs nothing here; it only has a place in
//! `FIRST` if it should not be sorted by its letters. Absent values are left out. An empty list that
//! is *said* to be empty (`inbound: []`) stays, because it means something else than an absent one.
//! Resources are blocks; a route, a rule or any other row of a list is one line.
//!
//! Invariants: equal Specs give equal text; reading the text gives an equal Spec; a string is quoted
//! wherever any version of YAML could take it for something else.

use super::Spec;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::fmt::Write;

/// Lists of words that fit into this many columns are written on one line.
const COLUMNS_MAX: usize = 100;

/// The order of the kinds.
const KINDS: &[&str] = &[
    "description",
    "region",
    "account",
    "guests",
    "profile",
    "links",
    "vpcs",
    "subnets",
    "route_tables",
    "network_acls",
    "security_groups",
    "prefix_lists",
    "internet_gateways",
    "egress_only_internet_gateways",
    "nat_gateways",
    "vpc_peering_connections",
    "transit_gateways",
    "transit_gateway_vpc_attachments",
    "transit_gateway_peering_attachments",
    "transit_gateway_connects",
    "transit_gateway_route_tables",
    "transit_gateway_multicast_domains",
    "vpc_endpoints",
    "vpc_endpoint_services",
    "customer_gateways",
    "vpn_gateways",
    "vpn_connections",
    "direct_connect_connections",
    "direct_connect_lags",
    "virtual_interfaces",
    "direct_connect_gateways",
    "direct_connect_gateway_associations",
    "network_interfaces",
    "instances",
    "internet_hosts",
    "routers",
    "site_hosts",
    "client_vpn_endpoints",
    "client_vpn_clients",
    "flow_logs",
    "traffic_mirror_targets",
    "traffic_mirror_filters",
    "traffic_mirror_sessions",
    "block_public_access",
    "lint",
    "not_modelled",
];

/// The order in which people read the fields of a resource or a row; the others follow, sorted.
const FIRST: &[&str] = &[
    "name_tag",
    "kind",
    "type",
    "transit_gateway",
    "vpc",
    "endpoint",
    "main",
    "default",
    "gateway",
    "subnet",
    "az",
    "az_id",
    "cidr",
    "client_cidr",
    "secondary_cidrs",
    "ipv6_cidr",
    "ipv6_cidrs",
    "route_table",
    "network_acl",
    "instance",
    "device_index",
    "address",
    "secondary_addresses",
    "ipv6_addresses",
    "private",
    "public",
    "public_ip",
    "rule",
    "action",
    "protocol",
    "ports",
    "icmp_type",
    "icmp_code",
    "from",
    "to",
    "source_ports",
    "destination_ports",
    "via",
    "state",
    "origin",
    "id",
];

/// Fields that come at the end.
const LAST: &[&str] = &["description"];

/// What is written: values without the absent ones, fields in order.
enum Node {
    Word(Value),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// `spec` as YAML.
///
/// # Panics
/// Never: every type of a Spec can be serialized.
#[must_use]
pub fn to_yaml(spec: &Spec) -> String {
    let mut out = String::new();
    if let Node::Map(fields) = root(spec) {
        block(&fields, 0, &mut out);
    }
    if out.is_empty() {
        out.push_str("{}\n");
    }
    out
}

/// `spec` as indented JSON.
///
/// # Panics
/// Never: every type of a Spec can be serialized.
#[must_use]
pub fn to_json(spec: &Spec) -> String {
    let mut text = serde_json::to_string_pretty(&root(spec)).expect("a Spec can be serialized");
    text.push('\n');
    text
}

/// Any value as one line of YAML, fields in the order of a topology's rows.
#[must_use]
pub fn to_flow(value: Value) -> String {
    // Below the names of resources: every name is a field.
    flow(&node(value, 2))
}

fn root(spec: &Spec) -> Node {
    let value = serde_json::to_value(spec).expect("a Spec can be serialized");
    match node(value, 0) {
        Node::Map(mut fields) => {
            // A kind without resources is absent; `profile: {}` was said.
            let said = |name: &str| matches!(name, "profile" | "links");
            fields.retain(|(name, node)| said(name) || !matches!(node, Node::Map(fields) if fields.is_empty()));
            Node::Map(fields)
        }
        other => other,
    }
}

/// The fields of a resource are two levels down: their names are not fields and keep their order.
fn node(value: Value, depth: usize) -> Node {
    match value {
        Value::Array(list) => Node::List(list.into_iter().map(|v| node(v, depth + 1)).collect()),
        Value::Object(map) => {
            let fields = map.into_iter().filter(|(_, v)| !v.is_null());
            let mut fields: Vec<_> = fields.map(|(k, v)| (k, node(v, depth + 1))).collect();
            fields.sort_by(|(a, _), (b, _)| (rank(a, depth), a).cmp(&(rank(b, depth), b)));
            Node::Map(fields)
        }
        word => Node::Word(word),
    }
}

fn rank(field: &str, depth: usize) -> usize {
    let order = match depth {
        0 => KINDS,
        1 => &[],
        _ if LAST.contains(&field) => return usize::MAX,
        _ => FIRST,
    };
    order.iter().position(|f| *f == field).unwrap_or(order.len())
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Word(word) => word.serialize(serializer),
            Self::List(list) => list.serialize(serializer),
            Self::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, node) in fields {
                    map.serialize_entry(name, node)?;
                }
                map.end()
            }
        }
    }
}

fn block(fields: &[(String, Node)], depth: usize, out: &mut String) {
    for (name, node) in fields {
        let indent = "  ".repeat(depth);
        let name = word(name);
        match node {
            Node::Map(fields) if fields.is_empty() => _ = writeln!(out, "{indent}{name}: {{}}"),
            Node::Map(fields) => {
                _ = writeln!(out, "{indent}{name}:");
                block(fields, depth + 1, out);
            }
            Node::List(list) => {
                let words = list.iter().all(|n| matches!(n, Node::Word(_)));
                let line = words.then(|| format!("{indent}{name}: {}", flow(node)));
                match line.filter(|line| list.len() < 2 || line.chars().count() <= COLUMNS_MAX) {
                    Some(line) => _ = writeln!(out, "{line}"),
                    None => {
                        _ = writeln!(out, "{indent}{name}:");
                        for row in list {
                            _ = writeln!(out, "{indent}  - {}", flow(row));
                        }
                    }
                }
            }
            Node::Word(_) => _ = writeln!(out, "{indent}{name}: {}", flow(node)),
        }
    }
}

fn flow(node: &Node) -> String {
    match node {
        Node::Word(Value::String(text)) => word(text),
        Node::Word(other) => other.to_string(),
        Node::List(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Node::Map(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, node)| format!("{}: {}", word(name), flow(node))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// A string as a YAML word, quoted unless every reader takes it for this very string.
fn word(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '+' | '@' | ' '))
        && !looks_like_something_else(text);
    if plain { text.to_owned() } else { quoted(text) }
}

/// Numbers in any base, dates, and the words for true, false and nothing, old versions of YAML included.
fn looks_like_something_else(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let special = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity"];
    let date = text.len() >= 8
        && text.bytes().take(4).all(|b| b.is_ascii_digit())
        && text.as_bytes().get(4) == Some(&b'-')
        && text.bytes().all(|b| !b.is_ascii_alphabetic() || matches!(b, b't' | b'T' | b'z' | b'Z'));
    let digits = lower.replace('_', "");
    let based = digits.strip_prefix("0x").or(digits.strip_prefix("0o")).or(digits.strip_prefix("0b"));
    special.contains(&lower.as_str())
        || digits.parse::<f64>().is_ok()
        || based.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_hexdigit()))
        || (date && text.matches('-').count() == 2)
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // Not printable, or a line break, or a byte order mark, in YAML's eyes.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn words_are_quoted_where_yaml_would_take_them_for_something_else() {
        for plain in
            ["vpc-1", "10.0.0.0/16", "us-east-1a", "1024-65535", "net/lb/1a", "allow", "10.0.0.1", "Web server 1"]
        {
            assert_eq!(word(plain), plain);
        }
        for text in [
            "",
            "111122223333",
            "1e3",
            "0x1f",
            "0o17",
            "1_000",
            "10.5",
            "off",
            "No",
            "null",
            "~",
            "*",
            "-",
            "- a",
            "a: b",
            "a #b",
        ] {
            assert_eq!(word(text), format!("\"{text}\""));
        }
        for text in ["::/0", "a, b", "[a]", "{a}", "&a", "!a", "%a", "`a`", " a", "a ", "2020-01-01", "inf", "a\u{e9}"]
        {
            assert_eq!(word(text), format!("\"{text}\""));
        }
        assert_eq!(word("a\"b\\c\nd\u{1}\u{85}\u{2028}"), "\"a\\\"b\\\\c\\nd\\u0001\\u0085\\u2028\"");
    }
}
