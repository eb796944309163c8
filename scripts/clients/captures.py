"""tshark, tcpdump and scapy read every capture: captures.py FOLDER, with FOLDER/<run>/{pcap/,out.txt}."""

import logging
import pathlib
import re
import sys

from common import Checks, run

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.utils import RawPcapNgReader  # noqa: E402

VERIFY = [f"-o{layer}.check_checksum:TRUE" for layer in ("ip", "tcp", "udp")]
# What nobody may find in a capture of ours, by tshark's own word for it.
# An ICMP error quotes the head of a packet with the checksum of the whole: that one cannot be verified.
QUOTED = "(icmp || icmpv6)"
NEVER = {
    "malformed": "_ws.malformed",
    "expert error": f'_ws.expert.severity == error && !({QUOTED} && (tcp.checksum.status == "Bad" || udp.checksum.status == "Bad"))',
    **{f"bad {layer} checksum": f'{layer}.checksum.status == "Bad" && !{QUOTED}' for layer in ("tcp", "udp")},
    **{f"bad {layer} checksum": f'{layer}.checksum.status == "Bad"' for layer in ("ip", "icmp", "icmpv6")},
}


def tshark(path, *arguments):
    # Payloads are filler: on a port that a protocol happens to use they are none of its messages.
    # Of TCP too: in the merged file a segment is seen several times, which is nonsense to who puts messages together.
    filler = ("-d", "udp.port==1024-65535,data", "-d", "tcp.port==1024-65535,data")
    status, out, err = run("tshark", "-n", "-r", path, *filler, *VERIFY, *arguments)
    if status:
        raise RuntimeError(f"tshark {path.name}: {err}")
    return out.splitlines()


def one_file(checks, what, path):
    everything = " || ".join(f"({bad})" for bad in NEVER.values())
    findings = tshark(path, "-Y", everything, "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message")
    kinds = [name for name, bad in NEVER.items() if findings and tshark(path, "-Y", bad)]
    checks.check(f"{what}: tshark finds nothing malformed, no error, no wrong checksum", not findings, f"{kinds} {findings[:5]}")

    rows = [line.split("\t") for line in tshark(path, "-T", "fields", "-e", "frame.interface_name", "-e", "frame.time_epoch")]
    status, out, err = run("tcpdump", "-n", "-r", path)
    # What is inside VXLAN has a line of its own, without a time.
    lines = [line for line in out.splitlines() if re.match(r"\d\d:\d\d:\d\d", line)]
    good = status == 0 and len(lines) == len(rows) and "truncated" not in err
    checks.check(f"{what}: tcpdump reads all {len(rows)} packets", good, f"{len(lines)} lines, {err}")
    with RawPcapNgReader(str(path)) as reader:
        packets = sum(1 for _ in reader)
    checks.check(f"{what}: scapy reads all {len(rows)} packets", packets == len(rows), packets)

    _, info, _ = run("capinfos", "-M", "-I", path)
    named = re.findall(r"^\s+Name = (.*)$", info, re.M)
    stamps = set(re.findall(r"Time resolution = (0x\w+)", info))
    checks.check(f"{what}: nanosecond stamps", stamps <= {"0x09"} and (stamps or not rows), stamps)
    checks.check(f"{what}: every packet has a named interface", {name for name, _ in rows} <= set(named) - {""}, named)
    return named


def main(folder):
    checks = Checks()
    for out in sorted(pathlib.Path(folder).glob("*/out.txt")):
        name = out.parent.name
        files = sorted((out.parent / "pcap").rglob("*.pcapng"))
        checks.check(f"{name}: there are captures", files)
        interfaces = {path.stem: one_file(checks, f"{name}/{path.name}", path) for path in files}
        # What mirror targets got is there already, with VXLAN around it.
        interfaces = {stem: names for stem, names in interfaces.items() if not stem.endswith("-mirrored")}
        merged = set(interfaces.pop("merged", []))
        checks.check(f"{name}: the merged file has the interface of each other file", merged == set().union(*interfaces.values()), merged)
        # Drops that the transcript tells of are found by their comment.
        for word in sorted(set(re.findall(r"dropped, \w+: (acl|sg) ", out.read_text()))):
            found = sum(len(tshark(path, "-Y", f'frame.comment contains "dropped by {word} "')) for path in files)
            checks.check(f'{name}: frame.comment contains "dropped by {word}" finds packets', found > 0)
    checks.end()


main(sys.argv[1])
