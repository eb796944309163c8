"""tshark decodes the VXLAN that mirror targets got, and every inner frame is found byte for byte in its source's own capture, up to
where AWS cuts a copy: mirror.py FOLDER, with FOLDER/<run>/pcap/."""

import collections
import json
import pathlib
import re
import sys

from common import Checks, run

# Whatever listens there, 4789 is VXLAN.
VXLAN = ("-d", "udp.port==4789,vxlan")
# Offset of the checksum in the transport header, by IP protocol; a cut copy has none.
CHECKSUM = {1: 2, 6: 16, 17: 6, 58: 2}


def tshark(path, *arguments):
    status, out, err = run("tshark", "-n", "-r", path, *VXLAN, *arguments)
    if status:
        raise RuntimeError(f"tshark {path.name}: {err}")
    return out


def frames(path, *filters):
    """Every frame's bytes and layers."""
    for packet in json.loads(tshark(path, *filters, "-T", "json", "-x") or "[]"):
        layers = packet["_source"]["layers"]
        yield bytes.fromhex(layers["frame_raw"][0]), layers


def first(value):
    return value[0] if isinstance(value, list) and isinstance(value[0], dict) else value


def masked(frame):
    """The frame without its transport checksum, as a cut copy has it."""
    if frame[12:14] == b"\x08\x00":
        header, protocol = 14 + (frame[14] & 15) * 4, frame[23]
    else:
        header, protocol = 14 + 40, frame[20]
    at = header + CHECKSUM.get(protocol, 0)
    return frame[:at] + bytes(2) + frame[at + 2 :] if protocol in CHECKSUM else frame


def length(frame):
    """How long the frame was, by its IP header."""
    at = 16 if frame[12:14] == b"\x08\x00" else 18
    return 14 + int.from_bytes(frame[at : at + 2], "big") + (0 if at == 16 else 40)


def sessions(path):
    """Source by VXLAN network identifier, from the names in the capture of what was mirrored."""
    out = {}
    for line in set(tshark(path, "-T", "fields", "-e", "frame.interface_description").splitlines()):
        source, _, vni = re.fullmatch(r"(.*), session (\d+), VNI (\d+)", line).groups()
        inside = re.search(r"\((.*)\)$", source)
        out[int(vni)] = inside.group(1) if inside else source
    return out


def target(path, checks):
    """One target's capture against those of its sources. How many copies, how many of them cut."""
    name = path.name.removesuffix("-mirrored.pcapng")
    what = f"{path.parent.name}/{name}"
    outer = path.with_name(f"{name}.pcapng")
    sources = sessions(path)
    inside = [frame for frame, _ in frames(path)]
    copies, bad = [], []
    for frame, layers in frames(outer, "-Y", f"vxlan && !(frame.comment contains \"dropped\")"):
        raw = first(layers["vxlan_raw"]) if isinstance(layers["vxlan_raw"][0], dict) else layers["vxlan_raw"]
        if "vxlan:eth:ethertype:ip" not in layers["frame"]["frame.protocols"]:
            bad.append(layers["frame"]["frame.number"])
        vni = int(first(layers["vxlan"])["vxlan.vni"])
        copies.append((vni, frame[raw[1] + raw[2] :]))
    checks.check(f"{what}: tshark decodes VXLAN, Ethernet and IP in all {len(copies)} copies", copies and not bad, bad[:5])
    checks.check(f"{what}: {path.name} has the {len(inside)} inner frames", [frame for _, frame in copies] == inside)
    captured = {}
    for source in set(sources.values()):
        captured[source] = [frame for frame, _ in frames(path.with_name(f"{source}.pcapng"))]
    whole = {source: collections.Counter(all) for source, all in captured.items()}
    unknown, cut = [], 0
    for number, (vni, frame) in enumerate(copies, 1):
        source = sources[vni]
        if length(frame) == len(frame):
            found = frame if whole[source][frame] else None
        else:
            cut += 1
            same = (f for f in captured[source] if len(f) == length(frame) and masked(f)[: len(frame)] == frame and whole[source][f])
            found = next(same, None)
        if found is None:
            unknown.append(number)
        else:
            # Each packet is mirrored once.
            whole[source][found] -= 1
    checks.check(f"{what}: each of {len(copies)} inner frames, {cut} of them cut, is one of its source's", not unknown, unknown[:5])
    return len(copies), cut


def main(folder):
    checks = Checks()
    copies = cut = 0
    for path in sorted(pathlib.Path(folder).glob("*/pcap/**/*-mirrored.pcapng")):
        found = target(path, checks)
        copies, cut = copies + found[0], cut + found[1]
    checks.check(f"{copies} copies were found again, {cut} of them cut", copies > 0 and cut > 0)
    checks.end()


main(sys.argv[1])
