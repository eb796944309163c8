"""Flows of a generator, names, snap lengths, classic pcap, metrics and cost: evidence.py VPCSIM FOLDER."""

import csv
import json
import pathlib
import sys

from common import Checks, run

SCENARIO = "scenarios/evidence/load.yaml"
# What Wireshark says of segments that a good line never shows.
TROUBLE = " || ".join(
    f"tcp.analysis.{kind}"
    for kind in ("retransmission", "lost_segment", "out_of_order", "ack_lost_segment", "duplicate_ack", "window_full", "zero_window")
)


def tshark(path, *arguments):
    status, out, err = run("tshark", "-r", path, *arguments)
    if status:
        raise RuntimeError(f"tshark {path}: {err}")
    return out.splitlines()


def main(vpcsim, folder):
    checks, out = Checks(), pathlib.Path(folder) / "evidence"
    status, text, err = run(
        vpcsim, "run", SCENARIO, "--pcap", out / "ng", "--metrics", out / "metrics", "--cost", "--output", "json"
    )
    checks.check("evidence: the scenario runs", status == 0, err)
    report = json.loads(text)["scenarios"][0]
    ng = out / "ng" / "load"

    path = ng / "worker-a.pcapng"
    flows = {line for line in tshark(path, "-n", "-T", "fields", "-e", "tcp.stream") if line}
    found = tshark(path, "-n", "-Y", TROUBLE, "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message")
    checks.check(f"evidence: tshark follows {len(flows)} generated connections without a lost or repeated segment", len(flows) > 20 and not found, found[:5])
    ends = tshark(path, "-n", "-Y", "tcp.flags.fin == 1", "-T", "fields", "-e", "tcp.stream")
    checks.check("evidence: both ends of each connection close it", all(ends.count(flow) == 2 for flow in flows), len(ends))
    names = set(tshark(path, "-N", "n", "-T", "fields", "-e", "ip.src_host", "-e", "ip.dst_host"))
    known = {name for line in names for name in line.split("\t")}
    checks.check("evidence: addresses have names", {"worker-a", "worker-b", "bucket"} <= known, known)

    cut = ng / "nat-a outside.pcapng"
    sizes = {tuple(map(int, line.split())) for line in tshark(cut, "-n", "-T", "fields", "-e", "frame.cap_len", "-e", "frame.len")}
    checks.check("evidence: a snap length cuts to 60 bytes of the packet", sizes and all(cap == min(60 + 14, length) for cap, length in sizes), sizes)
    checks.check("evidence: and keeps how long packets were", any(length > 1000 for _, length in sizes), sizes)

    status, _, err = run(vpcsim, "run", SCENARIO, "--pcap", out / "pcap", "--pcap-format", "pcap", "--pcap-filter", "icmp")
    checks.check("evidence: the same as classic pcap", status == 0, err)
    classic = out / "pcap" / "load" / "worker-a.pcap"
    _, lines, _ = run("tcpdump", "-n", "-r", classic)
    icmp = tshark(classic, "-n", "-T", "fields", "-e", "frame.protocols")
    checks.check("evidence: tcpdump reads classic pcap", len(lines.splitlines()) == len(icmp) > 0, len(icmp))
    # What the scenario captures by itself comes besides what the filter takes.
    _, info, _ = run("capinfos", classic)
    checks.check("evidence: with nanoseconds", "nsecs" in info or "nanosecond" in info, info)

    with open(out / "metrics" / "load.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    points = json.loads((out / "metrics" / "load.json").read_text())["MetricData"]
    same = [(str(p["Timestamp"]), p["MetricName"], float(p["Value"])) for p in points]
    checks.check("evidence: metrics as CSV and as JSON are the same", same == [(r["timestamp"], r["metric"], float(r["value"])) for r in rows] and rows)
    total = lambda name: sum(float(r["value"]) for r in rows if r["metric"] == name)  # noqa: E731
    inside = [line.split() for line in tshark(ng / "nat-a inside.pcapng", "-n", "-T", "fields", "-e", "ip.src", "-e", "ip.len")]
    sent = sum(int(length) for source, length in inside if source == "10.0.1.10")
    checks.check("evidence: the NAT gateway's bytes from clients are those in its capture", total("BytesInFromSource") == sent > 0, (total("BytesInFromSource"), sent))
    checks.check("evidence: what comes in goes out", total("BytesInFromSource") == total("BytesOutToDestination"))

    charges = {c["item"]: c for c in report["cost"]["charges"]}
    processed = total("BytesInFromSource") + total("BytesInFromDestination")
    checks.check("evidence: and both directions are billed as processed", abs(charges["nat_processed"]["quantity"] * 2**30 - processed) < 1, charges)
    checks.check("evidence: each charge says where its price is from", all(c["source"].startswith("https://") for c in charges.values()))

    log = out / "log"
    status, _, err = run(vpcsim, "run", SCENARIO, "--flow-logs", log)
    status, text, err = run(vpcsim, "audit", "-t", "topologies/s3-by-nat.yaml", log)
    checks.check("evidence: an audit of our own log finds no difference", status == 0 and ", 0 differ" in text, text + err)
    checks.end()


main(*sys.argv[1:])
