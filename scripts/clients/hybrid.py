"""tshark opens every VPN capture with the keys that the run wrote, finds the tags of virtual interfaces, and dissects what the
routers say (BGP, BFD, IKE) and Connect's GRE without a malformed frame: hybrid.py FOLDER."""

import collections
import pathlib
import sys

from common import Checks, run

OPEN = ["-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE"]
# Type of a BGP message, state of a BFD session, type of an IKE exchange; the last ones as Wireshark has named them over time.
BGP = {"1": "OPEN", "2": "UPDATE", "3": "NOTIFICATION", "4": "KEEPALIVE"}


def fields(path, keys, *names):
    """The fields of every frame, with the keys in `keys`."""
    arguments = [word for name in names for word in ("-e", name)]
    status, out, err = run(
        "tshark", "-n", "-r", path, *OPEN, "-T", "fields", *arguments, env={"PATH": "/usr/bin:/bin", "HOME": str(keys), "WIRESHARK_CONFIG_DIR": str(keys)}
    )
    if status:
        raise RuntimeError(f"tshark {path.name}: {err}")
    return [line.split("\t") for line in out.splitlines()]


def tunnels(folder, checks):
    """Every outer capture: ESP that opens, and IKE; inside is what the inner capture has. How many of each."""
    opened = asked = 0
    for esp_sa in sorted(pathlib.Path(folder).glob("*/pcap/**/esp_sa")):
        where = esp_sa.parent
        for outer in sorted(where.glob("* outer.pcapng")):
            what = f"{where.name}/{outer.name}"
            rows = fields(outer, where, "esp.icv_good", "esp.icv_bad", "ip.src", "_ws.malformed", "isakmp.exchangetype", "udpencap.nat_keepalive")
            ike = [row for row in rows if row[4]]
            sealed = [row for row in rows if not row[4] and not row[5]]
            good = [row for row in sealed if row[0] == "1" and row[1] in ("", "0")]
            checks.check(f"{what}: tshark opens all {len(sealed)} packets with the run's keys", len(good) == len(sealed), sealed[:3])
            checks.check(f"{what}: none of {len(rows)} frames is malformed", rows and not any(row[3] for row in rows))
            inner = outer.with_name(outer.name.replace(" outer.", " inner."))
            sources = [row[2].split(",")[-1] for row in sealed]
            inside = fields(inner, where, "ip.src") if inner.exists() else []
            # Of IPv6 inside there is no address to compare, but as many.
            same = [row[0] for row in inside] == sources or len(inside) == len(sources) and not any(row[0] for row in inside)
            checks.check(f"{what}: inside are the packets of {inner.name}", same)
            opened += len(sealed)
            asked += len(ike)
    return opened, asked


def speakers(folder, checks):
    """BGP, BFD and GRE wherever they are. What was seen."""
    seen = collections.Counter()
    for path in sorted(pathlib.Path(folder).glob("*/pcap/**/merged.pcapng")):
        rows = fields(path, path.parent, "bgp.type", "bfd.sta", "gre.proto", "_ws.malformed")
        bad = [n for n, row in enumerate(rows, 1) if row[3]]
        if any(row[0] or row[1] or row[2] for row in rows):
            checks.check(f"{path.parent.name}: none of {len(rows)} frames is malformed", not bad, bad[:3])
        for kinds, states, protocols, _ in rows:
            for kind in filter(None, kinds.split(",")):
                seen[BGP.get(kind, kind)] += 1
            seen["BFD"] += bool(states)
            seen["GRE"] += bool(protocols)
    return seen


def main(folder):
    checks = Checks()
    opened, asked = tunnels(folder, checks)
    tagged = 0
    for path in sorted(pathlib.Path(folder).glob("*/pcap/**/vif-*.pcapng")):
        tags = {row[0] for row in fields(path, path.parent, "vlan.id")}
        checks.check(f"{path.parent.name}/{path.name}: every frame has one 802.1Q tag", len(tags) == 1 and "" not in tags, tags)
        tagged += 1
    seen = speakers(folder, checks)
    checks.check(f"{opened} encrypted packets were opened", opened > 0)
    checks.check(f"{asked} IKE messages were dissected", asked > 0)
    checks.check("tagged frames were seen", tagged > 0)
    for what in [*BGP.values(), "BFD", "GRE"]:
        checks.check(f"{seen[what]} of {what} were dissected", seen[what] > 0, dict(seen))
    checks.end()


main(sys.argv[1])
