//! What goes wrong in VPCs, by how often people ask about it: the answers that `scenarios/pains/` shows are the answers that are
//! given, each says what a person on call needs, and together they carry every code that is said to be produced.
//!
//! A `.console` file has a head (`#`), and commands (`$ vpcsim ...`) with what they print. `VPCSIM_REWRITE=1` writes what they
//! print anew; a person reads the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use vpcsim_engine::verdict::{CODES, Produced};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn folder() -> PathBuf {
    root().join("scenarios/pains")
}

/// Every `.console` file, sorted.
fn consoles() -> Vec<PathBuf> {
    let mut out = Vec::new();
    for folder in [folder(), folder().join("codes")] {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        out.extend(files.filter(|path| path.extension().is_some_and(|e| e == "console")));
    }
    out.sort();
    out
}

/// The words of a command, as a shell takes them apart: single quotes hold words together.
fn words(command: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (n, part) in command.split('\'').enumerate() {
        match n % 2 {
            0 => out.extend(part.split_whitespace().map(str::to_owned)),
            _ => out.push(part.to_owned()),
        }
    }
    out
}

/// What a command prints; if it refuses, what it says instead.
fn printed(command: &str, more: &[&str]) -> String {
    let mut words = words(command);
    words.extend(more.iter().map(|word| (*word).to_owned()));
    let output = Command::new(env!("CARGO_BIN_EXE_vpcsim")).args(&words).current_dir(root()).output().unwrap();
    let text = if output.status.code() == Some(2) { output.stderr } else { output.stdout };
    String::from_utf8(text).unwrap()
}

/// The commands of a file.
fn commands(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("$ vpcsim ")).collect()
}

#[test]
fn the_answers_are_what_the_files_show() {
    let rewrite = std::env::var_os("VPCSIM_REWRITE").is_some();
    let mut wrong = Vec::new();
    for path in consoles() {
        let text = std::fs::read_to_string(&path).unwrap();
        let head: String =
            text.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        assert!(!head.is_empty(), "{}: no head", path.display());
        let screens =
            commands(&text).into_iter().map(|command| format!("\n$ vpcsim {command}\n{}", printed(command, &[])));
        let now = head + &screens.collect::<String>();
        if rewrite {
            std::fs::write(&path, &now).unwrap();
        } else if now != text {
            wrong.push(format!("{} shows another answer than is given:\n{now}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What section by section a person needs to read in the answer to each pain: the outcome, the row, the code, what the client sees,
/// and what is worth knowing besides. Written from what is known of AWS, not from the answers.
const SAYS: &[(&str, &[&str])] = &[
    (
        "01-acl-without-ephemeral-ports",
        &[
            "blocked  web-1",
            "connect() times out after 127 s (7 SYNs, no reply)",
            "acl data outbound rule *: deny all, on the reply  SUBNET_ACL_RESTRICTION",
            "sg db (tracked)",
            "passes       acl data inbound rule 100: allow tcp 5432 from 10.0.1.0/24, on the request",
            "10.0.2.20 10.0.1.10 5432 46883 6 1 40 0 0 REJECT OK",
            "allow tcp 1024-65535 to 10.0.1.0/24    verified by replay: connected",
            "aws ec2 create-network-acl-entry",
        ],
    ),
    (
        "02-no-matching-group-rule",
        &[
            "sg sg-api inbound default: no rule matches: deny all, on the request  ENI_SG_RULES_MISMATCH",
            "allow tcp 8080 from sg-web, differs in port",
            "allow tcp 8080 from sg-web, differs in source",
            "sg sg-vault outbound default: no rule in that direction: deny all, on the request  SG_HAS_NO_RULES",
            "vault-1 10.0.1.30 10.0.2.10 46883 8080 6 1 40 0 0 REJECT OK",
            "2. sg sg-api inbound: allow tcp 8080 from sg sg-vault",
        ],
    ),
    (
        "03-nothing-listens",
        &[
            "refused  web-1",
            "connect() is refused at once (RST)",
            "nothing listens on the port",
            "the network is fine both ways; api-1 listens on 8080, 8443 only",
            "127.0.0.1",
            "api-1 does not answer echo requests",
            "the network lets it pass; the host must answer",
        ],
    ),
    (
        "04-no-route-back",
        &[
            "connect() times out after 127 s",
            "delivered at 500 us",
            "rtb rtb-data-b: no route to the destination, on the reply  NO_ROUTE_TO_DESTINATION",
            "db-2 10.20.2.10 10.10.1.10 5432 46883 6 1 40 0 0 ACCEPT OK",
            "rtb rtb-data-b: route 10.10.0.0/16 -> pcx-app-data    verified",
        ],
    ),
    (
        "05-peering-is-not-transitive",
        &[
            "peering is not transitive",
            "on the request  PCX_REQUIRES_ADDRESS_IN_VPC_CIDR",
            "pcx-app-partner carries packets between partner (10.30.0.0/16) and app (10.10.0.0/16) only; 10.20.1.10 is in data (10.20.0.0/16)",
            "A peering of the two VPCs, or a transit gateway, connects them",
            "a peering does not lead to the peer's internet gateway, NAT gateway",
        ],
    ),
    (
        "06-zone-without-attachment",
        &[
            "on the request  TGW_ROUTE_AZ_RESTRICTION",
            "blue-3 is in zone us-east-1c; attach-blue has subnets in us-east-1a, us-east-1b",
            "on the reply  TGW_ROUTE_AZ_RESTRICTION",
            "add subnet blue-c    verified by replay",
            "opens too: blue-3 -> repo-2, repo-1 -> blue-3, repo-2 -> blue-3",
            "reachable  blue-2",
        ],
    ),
    (
        "07-asymmetric-appliance-path",
        &[
            "instance fw-b: a stateful appliance that has not seen this connection's first packet, on the reply",
            "only the request passes instance fw-a (zone us-east-1a); only the reply passes instance fw-b (zone us-east-1b)",
            "attach-inspect: appliance mode on    verified by replay: connected",
            "reachable  left-1 (10.1.1.10) -> right-1",
        ],
    ),
    (
        "08-appliance-mode-on-the-wrong-side",
        &[
            "depends  left-3",
            "no_reply in 50 %, open in 50 % of the cases",
            "fails when   the zone of attach-inspect for 10.1.3.10 to 10.2.1.10 is us-east-1b",
            "instance fw-a: a stateful appliance",
            "attach-inspect: appliance mode on    verified by replay: connected",
            "reachable  left-1",
        ],
    ),
    (
        "09-group-across-a-transit-gateway",
        &[
            "sg sg-shared inbound default: no rule matches: deny all, on the request  SG_REFERENCING_SUPPORT",
            "allow tcp 443 from sg-blue names sg-blue, which the sender has",
            "security group referencing is off",
            "repo-1 10.1.1.10 10.100.1.10 46883 443 6 1 40 0 0 REJECT OK",
        ],
    ),
    (
        "10-nat-in-a-private-subnet",
        &[
            "the route leads back to where it starts",
            "nat is in subnet nat-a, whose own table rtb-private leads back to it",
            "needs a subnet whose table leads to an internet gateway",
            "subnet nat-a: associate with rtb rtb-public    verified by replay: connected",
            "a NAT gateway cannot be moved",
        ],
    ),
    (
        "11-no-public-address",
        &[
            "igw igw: the source has no public address, on the request  IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
            "client-1 10.1.0.20 192.0.2.1 46883 443 6 1 40 0 0 ACCEPT OK",
            "no record tells of the drop",
            "associate a public address    verified by replay",
        ],
    ),
    (
        "12-idle-connections",
        &[
            "the next write is answered with a reset",
            "SIM_NAT_IDLE_TIMEOUT",
            "idle for 361 s, longer than the 350 s for which a NAT gateway remembers",
            "keep-alives more often than that keep it",
            "the connection goes on",
            "the connection stalls",
            "after 400 s without a packet the connection is no longer tracked",
        ],
    ),
    (
        "13-path-mtu-black-hole",
        &[
            "hangs  edge-1",
            "connect() succeeds, and then it hangs: packets over 1500 bytes are lost",
            "up to 1500 bytes of 9001: igw igw: larger than 1500 bytes, and must not be fragmented",
            "the ICMP message that says so is dropped: sg jobs inbound",
            "path MTU discovery needs a way back for ICMP type 3 code 4 (ICMPv6 type 2); or give the sender an MTU of 1500",
            "hangs  jumbo",
            "answers in packets over 1500 bytes are lost",
            "the ICMP message that says so is dropped: acl acl inbound rule *: deny all, on the reply",
            "up to 8500 bytes of 9001: tgw attachment attach-left: larger than 8500 bytes; and the sender is told",
        ],
    ),
    (
        "14-overlapping-blocks",
        &[
            "vpc first: no interface has the destination address",
            "10.0.5.9 is second-1's, in second (10.0.0.0/16); the way led into first (10.0.0.0/16)",
            "rtb rtb-first: local",
            "the sender's VPC has the destination's block itself",
            "PrivateLink",
            "attach-first (propagated)",
            "tgw rtb tgw-rtb: route 10.0.5.0/24 -> attach-second    verified by replay: connected",
        ],
    ),
    (
        "15-endpoint-group-or-policy",
        &[
            "sg sg-ssm inbound default: no rule matches: deny all, on the request  ENI_SG_RULES_MISMATCH",
            "vpce-ssm/endpoints-a 10.0.1.10 10.0.9.5 46883 443 6 1 40 0 0 REJECT OK",
            "sg sg-ssm inbound: allow tcp 443 from sg sg-app    verified",
            "reachable  app-1",
            "the service may answer 403, which is not a network matter",
        ],
    ),
    (
        "16-names",
        &[
            "the resolver of vpc app answers 198.51.100.28 for ec2-198-51-100-28.compute-1.amazonaws.com, the public address of db-1 (10.20.1.10)",
            "igw igw-app: the source has no public address, on the request  IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
            "peering pcx: DNS resolution of the accepter's names on    verified by replay: connected",
            "the client sees: a name error",
            "enableDnsSupport is off",
            "vpc old: enableDnsSupport on    verified",
            "private hosted zones are not modelled",
        ],
    ),
    (
        "18-source-destination-check",
        &[
            "eni nat-1: source/destination check, the destination is not one of its addresses, on the request  ENI_SOURCE_DEST_CHECK_RESTRICTION",
            "eni nat-1: source/destination check off    verified by replay: connected",
        ],
    ),
    (
        "19-blackhole-route",
        &[
            "rtb rtb-private route 0.0.0.0/0 -> nat-old (blackhole), on the request  BAD_STATE_ROUTE  topologies/pains/blackhole.yaml:",
            "route 0.0.0.0/0 -> nat-new instead of nat-old    verified",
            "route 203.0.113.0/24 -> proxy-1 (blackhole), on the request",
            "not taken    rtb rtb-private route 0.0.0.0/0 -> nat-old (blackhole): a longer prefix wins",
        ],
    ),
    (
        "20-nat-ports",
        &[
            "nat nat: all 55000 ports per address are in use for this destination  SIM_NAT_PORTS_EXHAUSTED",
            "ErrorPortAllocation = 1",
        ],
    ),
    (
        "21-rule-removed",
        &[
            "connect() times out after 127 s",
            "the client sees: the connection goes on",
            "sg sg-server (tracked) > server-1",
            "the connection stalls",
            "acl acl inbound rule 50: deny tcp 22 from 203.0.113.7/32, on the request  SUBNET_ACL_RESTRICTION",
        ],
    ),
    (
        "22-diverted-by-a-longer-prefix",
        &[
            "rtb rtb-web: fw-1",
            "instance fw-1 does not forward packets that are not for it",
            "rtb rtb-web: remove route 10.0.2.0/24 -> fw-1    verified by replay: connected",
            "route 10.0.0.0/16 -> local: a longer prefix wins",
            "route 0.0.0.0/0 -> igw: a longer prefix wins",
        ],
    ),
    (
        "23-fragments-at-a-nat-gateway",
        &["nat nat: drops fragments of anything but UDP  SIM_NAT_FRAGMENT", "1 of 1 datagrams arrived"],
    ),
    (
        "25-flow-logs-hide-it",
        &[
            "server-1 10.0.1.20 10.0.1.10 46883 443 6 1 40 0 0 ACCEPT OK",
            "dstaddr is the primary address 10.0.1.10; pkt-dstaddr has 10.0.1.11",
            "lost-1 10.8.1.10 10.0.1.10 46883 443 6 1 40 0 0 ACCEPT OK",
            "no record tells of the drop: only groups, ACLs and Block Public Access reject",
        ],
    ),
];

/// 25 pains, less the two that need a load balancer.
#[test]
fn each_answer_says_what_it_must() {
    let mut wrong = Vec::new();
    for (name, phrases) in SAYS {
        let text = std::fs::read_to_string(folder().join(name).with_extension("console")).unwrap();
        // What the head promises is no answer.
        let answers = &text[text.find("\n$ ").unwrap()..];
        for phrase in phrases.iter().filter(|phrase| !answers.contains(*phrase)) {
            wrong.push(format!("{name} does not say: {phrase}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let numbers: BTreeSet<&str> = SAYS.iter().map(|(name, _)| &name[..2]).collect();
    let all: BTreeSet<String> = (1..=25).filter(|n| *n != 17 && *n != 24).map(|n| format!("{n:02}")).collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), all.iter().map(String::as_str).collect::<Vec<_>>());
    let shown: Vec<PathBuf> = consoles().into_iter().filter(|path| path.parent() == Some(&folder())).collect();
    assert_eq!(shown.len(), SAYS.len(), "a console without facts");
}

/// The union over all answers is the set of codes that `alias.rs` says are produced.
#[test]
fn every_code_that_is_said_to_be_produced_is_shown() {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for path in consoles() {
        let text = std::fs::read_to_string(&path).unwrap();
        for command in commands(&text).into_iter().filter(|command| command.starts_with("why ")) {
            let Ok(answer) = serde_json::from_str::<serde_json::Value>(&printed(command, &["--output", "json"])) else {
                continue;
            };
            for code in answer["codes"].as_array().unwrap() {
                found.entry(code.as_str().unwrap().to_owned()).or_insert_with(|| command.to_owned());
            }
        }
    }
    let said: BTreeSet<&str> =
        CODES.iter().filter(|code| code.produced == Produced::Yes).map(|code| code.name).collect();
    let shown: BTreeSet<&str> = found.keys().map(String::as_str).filter(|code| !code.starts_with("SIM_")).collect();
    assert_eq!(shown, said, "{found:#?}");
}

/// The table beside the files names each pain's lab or scenario, and nothing that is not there.
#[test]
fn the_table_of_pains_is_true() {
    let table = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for (name, _) in SAYS {
        assert!(table.contains(&format!("({name}.console)")), "{name}");
    }
    for link in table.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(folder().join(link).exists(), "{link}");
    }
}

/// The small networks of `topologies/pains` are read, say what they are, and are each asked about.
#[test]
fn the_networks_of_the_pains_are_all_shown() {
    let shown: String = consoles().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let networks = std::fs::read_dir(root().join("topologies/pains")).unwrap().map(|entry| entry.unwrap().path());
    for path in networks {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# ") && text.contains("\ndescription: ") && text.lines().count() <= 80, "{name}");
        assert!(shown.contains(&format!("-t topologies/pains/{name} ")), "{name} is not asked about");
        let output = Command::new(env!("CARGO_BIN_EXE_vpcsim")).arg("validate").arg(&path).output().unwrap();
        assert!(!String::from_utf8(output.stderr).unwrap().contains("error["), "{name}");
    }
}
