//! `why`: what it offers works when it is done, a pasted line is a question, and an existing connection is another one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn vpcsim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vpcsim")).args(args).current_dir(root()).output().unwrap()
}

fn out(args: &[&str]) -> String {
    String::from_utf8(vpcsim(args).stdout).unwrap()
}

fn json(args: &[&str]) -> serde_json::Value {
    serde_json::from_slice(&vpcsim(args).stdout).unwrap()
}

fn written(name: &str, text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("vpcsim-why-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Several mistakes: no rule, a stopped instance, a check, no public address, no route, no association, implied filters.
const FAULTY: &str = "
vpcs: {v: {cidr: 10.0.0.0/16}, w: {cidr: 10.1.0.0/16}}
internet_gateways: {igw: {vpc: v}}
vpc_peering_connections: {pcx: {requester: v, accepter: w}}
route_tables:
  out: {vpc: v, routes: [{to: 0.0.0.0/0, via: igw}]}
  rtb-far: {vpc: w}
subnets:
  s: {vpc: v, az: a, cidr: 10.0.1.0/24, route_table: out}
  t: {vpc: v, az: b, cidr: 10.0.2.0/24}
  u: {vpc: w, az: a, cidr: 10.1.1.0/24, route_table: rtb-far, network_acl: closed}
network_acls: {closed: {vpc: w, inbound: [{rule: 100, action: deny, from: 10.0.0.0/8}], outbound: []}}
security_groups: {web: {vpc: v, inbound: []}, db: {vpc: v, inbound: []}, far: {vpc: w, inbound: []}}
instances:
  a: {subnet: s, security_groups: [web], listen: [80]}
  b: {subnet: t, security_groups: [db], listen: [5432]}
  c: {subnet: u, security_groups: [far], listen: [443]}
  d: {subnet: t, security_groups: [db], listen: [22], state: stopped}
internet_hosts: {host: {addresses: [192.0.2.80], listen: [443]}}
";

/// Every fix, written as steps of a scenario, makes the connection of that scenario; without it the scenario fails.
#[test]
fn a_patch_makes_the_scenario_pass() {
    let topology = written("faulty.yaml", FAULTY);
    let topology = topology.to_str().unwrap();
    for (from, to, port, parts) in
        [("a", "b", "5432", 1), ("a", "c", "443", 5), ("b", "d", "22", 2), ("a", "host", "443", 1), ("c", "a", "80", 5)]
    {
        let target = format!("{to}:{port}");
        let text = out(&["why", "-t", topology, from, &target, "--fix", "patch"]);
        let steps: Vec<&str> = text.lines().filter(|line| line.starts_with("- change: ")).collect();
        assert_eq!(steps.len(), parts, "{text}");
        assert!(text.contains("verified by replay: connected"), "{text}");
        let connect =
            format!("  - connect: {{from: {from}, to: {to}, port: {port}}}\n    expect: {{outcome: connected}}\n");
        let head = format!("topology: {topology}\nsteps:\n");
        let with = steps.iter().map(|step| format!("  {step}\n")).collect::<String>();
        let patched = written("patched.yaml", &format!("{head}{with}{connect}"));
        let run = vpcsim(&["run", patched.to_str().unwrap()]);
        assert_eq!(
            run.status.code(),
            Some(0),
            "{text}{}{}",
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr)
        );
        let before = written("before.yaml", &format!("{head}{connect}"));
        assert_eq!(vpcsim(&["run", before.to_str().unwrap()]).status.code(), Some(1), "{from} {to}");
    }
}

#[test]
fn a_fix_is_offered_as_commands_and_as_terraform() {
    let shop = "topologies/three-tier.yaml";
    let ask = |form: &str| out(&["why", "-t", shop, "web-1", "db-1:5432", "--fix", form]);
    assert!(ask("aws-cli").ends_with(
        "aws ec2 create-network-acl-entry --network-acl-id data --egress --rule-number 120 --protocol 6 --port-range \
         From=1024,To=65535 --cidr-block 10.0.1.0/24 --rule-action allow\n"
    ));
    let terraform = ask("terraform");
    for line in ["resource \"aws_network_acl_rule\" \"fix_1\" {", "  rule_number    = 120", "  egress         = true"] {
        assert!(terraform.lines().any(|l| l == line), "{line}: {terraform}");
    }
    assert!(!ask("off").contains("fix:"));
    let fix = &json(&["why", "-t", shop, "web-1", "db-1:5432", "--output", "json"])["fix"];
    assert_eq!((fix["found"].as_bool(), fix["verified"].as_str()), (Some(true), Some("open")));
    assert_eq!(fix["opens"], serde_json::json!([{ "from": "web-2", "to": "db-1" }]));
    assert_eq!(fix["edits"][0]["change"]["add_outbound"]["rule"], 120);
}

/// Where no change of what is there helps, the answer says so and names what would.
#[test]
fn what_no_change_can_fix_says_what_would() {
    let text = out(&["why", "-t", "topologies/three-tier.yaml", "internet", "web-1:443"]);
    assert!(text.contains("fix: none. the internet reaches public addresses only"), "{text}");
    let overlap = "
vpcs: {v: {cidr: 10.0.0.0/16}, w: {cidr: 10.0.0.0/16}}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}, t: {vpc: w, az: a, cidr: 10.0.2.0/24}}
instances: {a: {subnet: s}, b: {subnet: t, address: 10.0.2.9, listen: [443]}}
";
    let path = written("overlap.yaml", overlap);
    let text = out(&["why", "-t", path.to_str().unwrap(), "a", "10.0.2.9:443"]);
    assert!(text.contains("PrivateLink"), "{text}");
}

#[test]
fn a_pasted_line_is_the_question() {
    let ask = |line: &str| json(&["why", "-t", "topologies/three-tier.yaml", "--line", line, "--output", "json"]);
    let record = ask("2 111122223333 db-1 10.0.2.20 10.0.1.10 5432 46883 6 1 40 0 0 REJECT OK");
    let dump = ask("12:00:00.1 IP 10.0.1.10.46883 > 10.0.2.20.5432: Flags [S], seq 1, win 64240, length 0");
    for answer in [&record, &dump] {
        assert_eq!(answer["question"]["source"], "10.0.1.10");
        assert_eq!(answer["question"]["destination_port"], 5432);
        assert_eq!(answer["decided_by"]["resource"], "data");
    }
    assert!(record["note"].as_str().unwrap().contains("reply"));
    assert!(dump["note"].is_null());
    let bad = vpcsim(&["why", "-t", "topologies/three-tier.yaml", "--line", "hello"]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8(bad.stderr).unwrap().contains("--format"));
}

/// NAT-6: 350 s; and CT-3: what a security group tracks goes on when its rule is gone.
#[test]
fn a_connection_that_exists_is_another_question() {
    let shop = "topologies/three-tier.yaml";
    let of = |args: &[&str]| out(&[&["why", "-t", shop], args].concat());
    assert!(of(&["web-1", "internet:443", "--idle", "300s"]).contains("the connection goes on"));
    assert!(of(&["web-1", "internet:443", "--idle", "400s"]).contains("the next write is answered with a reset"));
    let path = written("tracked.yaml", FAULTY);
    let text = out(&["why", "-t", path.to_str().unwrap(), "a", "b:5432", "--established"]);
    assert!(text.starts_with("reachable") && text.contains("(tracked)"), "{text}");
    // An ACL knows no connections.
    assert!(of(&["web-1", "db-1:5432", "--established"]).contains("the connection stalls"));
}

/// The nearest rule and the field in which it differs; the route that another beat.
#[test]
fn what_nearly_decided_is_said() {
    let answer = json(&["why", "-t", "topologies/three-tier.yaml", "bastion-1", "web-1:443", "--output", "json"]);
    assert_eq!(answer["result"], "open", "10.0.0.10 is in 10.0.0.0/16");
    let answer = json(&["why", "-t", "topologies/three-tier.yaml", "web-1", "db-1:5432", "--output", "json"]);
    let near = &answer["nearest_rules"][0];
    assert_eq!(
        (near["rule"]["rule"].as_str(), &near["packet_fields"]),
        (Some("100"), &serde_json::json!(["destination-port"]))
    );
    let answer = json(&["why", "-t", "topologies/three-tier.yaml", "web-1", "8.8.8.8:443", "--output", "json"]);
    assert_eq!(answer["size"]["largest"], 1500);
    assert_eq!(answer["routes_not_taken"][0]["code"], "MORE_SPECIFIC_ROUTE");
}

/// A path whose narrow part says nothing: the handshake works and large segments vanish.
#[test]
fn a_hang_after_the_handshake_is_named() {
    let silent = "
profile: {transit_gateway_icmp: false}
vpcs: {v: {cidr: 10.0.0.0/16}, w: {cidr: 10.1.0.0/16}}
transit_gateways: {tgw: {}}
transit_gateway_vpc_attachments:
  av: {transit_gateway: tgw, vpc: v, subnets: [s]}
  aw: {transit_gateway: tgw, vpc: w, subnets: [t]}
route_tables:
  rv: {vpc: v, main: true, routes: [{to: 10.1.0.0/16, via: tgw}]}
  rw: {vpc: w, main: true, routes: [{to: 10.0.0.0/16, via: tgw}]}
subnets: {s: {vpc: v, az: a, cidr: 10.0.1.0/24}, t: {vpc: w, az: a, cidr: 10.1.1.0/24}}
security_groups: {g: {vpc: w, inbound: [{from: 10.0.0.0/8}]}}
instances: {a: {subnet: s}, b: {subnet: t, security_groups: [g], listen: [udp/53, 443]}}
";
    let path = written("silent.yaml", silent);
    let path = path.to_str().unwrap();
    // TGW-17: the maximum segment size is lowered, so TCP fits; UDP of 9001 bytes does not, and nobody says so.
    let tcp = json(&["why", "-t", path, "a", "b:443", "--output", "json"]);
    assert_eq!(
        (tcp["size"]["hangs"].as_bool(), tcp["size"]["largest"].as_u64()),
        (Some(false), Some(8500)),
        "{}",
        tcp["size"]
    );
    let udp = json(&["why", "-t", path, "a", "b:53", "--protocol", "udp", "--output", "json"]);
    assert_eq!(
        (udp["size"]["hangs"].as_bool(), udp["size"]["largest"].as_u64()),
        (Some(true), Some(8500)),
        "{}",
        udp["size"]
    );
}

/// The SYN-ACK passes a masquerading instance as it is, the packet after it gets another source: a handshake, and then nothing.
#[test]
fn what_passes_the_handshake_only_hangs() {
    let topology = "
vpcs: {v: {cidr: 10.0.0.0/16}}
subnets:
  s: {vpc: v, az: a, cidr: 10.0.1.0/24}
  t: {vpc: v, az: a, cidr: 10.0.2.0/24, route_table: back}
  u: {vpc: v, az: a, cidr: 10.0.3.0/24}
route_tables: {back: {vpc: v, routes: [{to: 10.0.1.0/24, via: nat}]}}
security_groups: {g: {vpc: v, inbound: [{from: 0.0.0.0/0}]}}
instances:
  a: {subnet: s, security_groups: [g]}
  b: {subnet: t, security_groups: [g], listen: [80]}
  nat: {subnet: u, security_groups: [g], source_dest_check: false, forwarding: {masquerade: true}}
";
    let path = written("masquerade.yaml", topology);
    let path = path.to_str().unwrap();
    let text = out(&["why", "-t", path, "a", "b:80"]);
    assert!(text.starts_with("hangs  a"), "{text}");
    assert!(text.contains("connect() succeeds, and then it hangs: what is sent is not acknowledged"), "{text}");
    assert!(text.contains("the handshake passes; what is shown is the packet after it"), "{text}");
    assert_eq!(json(&["why", "-t", path, "a", "b:80", "--output", "json"])["after_handshake"], true);
    let scenario = written(
        "masquerade-run.yaml",
        &format!(
            "topology: {path}\nsteps:\n  - connect: {{from: a, to: b, port: 80, send_bytes: 100}}\n    expect: {{outcome: hang}}\n"
        ),
    );
    assert_eq!(vpcsim(&["run", scenario.to_str().unwrap()]).status.code(), Some(0));
}

/// A route that only diverts is best taken away, in each of the forms.
#[test]
fn a_route_may_be_one_too_many() {
    for (form, says) in [
        ("patch", "- change: {route_table: rtb-web, remove_route: {to: 10.0.2.0/24}}"),
        ("aws-cli", "aws ec2 delete-route --route-table-id rtb-web --destination-cidr-block 10.0.2.0/24"),
        ("terraform", "# remove the aws_route for 10.0.2.0/24 of route table rtb-web"),
    ] {
        let text = out(&["why", "-t", "topologies/pains/diverted.yaml", "web-1", "db-1:5432", "--fix", form]);
        assert!(text.contains(says), "{text}");
    }
}

/// Questions that make no sense get an answer of their own, and what a name means is said.
#[test]
fn odd_questions_are_understood_or_refused() {
    let lab = "topologies/lab-public.yaml";
    for (from, to, says) in [
        ("internet", "internet:80", "neither `internet` nor `internet` is in this network"),
        ("client-1", "127.0.0.1:80", "127.0.0.1 is the address of no host"),
        ("127.0.0.1", "client-1:80", "127.0.0.1 is the address of no host"),
        ("client-1", "[2600::1]:22", "the one has only IPv4, the other only IPv6"),
        ("client-1", "db.corp.internal:22", "the resolver of the sender's VPC knows no such name"),
        ("client-1", "serverr:22", "did you mean"),
        ("10.1.0.77", "server-1:22", "no interface has the address 10.1.0.77"),
        ("client-1", "lab:22", "`lab` is a VPC"),
    ] {
        let output = vpcsim(&["why", "-t", lab, from, to]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && text.contains(says), "{from} {to}: {text}");
    }
    // A name with two addresses, one of which leads nowhere: a client may take either.
    let text = out(&["why", "-t", "topologies/privatelink.yaml", "client-1", "ledger.example.com:443"]);
    assert!(text.starts_with("blocked  client-1 (10.0.1.20) -> ledger.example.com (10.0.2.4)"), "{text}");
    assert!(text.contains("depends on the address it takes; 10.0.2.4 fails, 10.0.1.4 does not"), "{text}");
    // From outside a name means the public address.
    let text = out(&["why", "-t", lab, "home", "server-1:22"]);
    assert!(text.starts_with("reachable  home (internet, 203.0.113.7) -> server-1 (198.51.100.10)"), "{text}");
    let text = out(&["why", "-t", lab, "client-1", "10.1.0.2:54"]);
    assert!(
        text.contains("dropped at 0 ns") && text.contains("the link-local services answer DNS on port 53"),
        "{text}"
    );
    let text = out(&["why", "-t", lab, "client-1", "server-1", "--protocol", "47"]);
    assert!(text.contains("protocol 47\n") && text.contains("allow protocol 47 to"), "{text}");
    let text = out(&["why", "-t", "topologies/dual-stack.yaml", "web-1", "2001:db8::1:443"]);
    assert!(text.contains("with a port write [2001:db8::1]:443"), "{text}");
    let text = out(&["why", "-t", "topologies/three-tier.yaml", "internet", "nat-a:443"]);
    assert!(text.contains("a NAT gateway takes only replies"), "{text}");
}
