"""tshark opens every VPN capture with the keys that the run wrote, and finds the tags of virtual interfaces: hybrid.py FOLDER."""

import pathlib
import sys

from common import Checks, run

OPEN = ["-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE"]


def fields(path, keys, *names):
    """The fields of every frame, with the keys in `keys`."""
    arguments = [word for name in names for word in ("-e", name)]
    status, out, err = run(
        "tshark", "-n", "-r", path, *OPEN, "-T", "fields", *arguments, env={"PATH": "/usr/bin:/bin", "HOME": str(keys), "WIRESHARK_CONFIG_DIR": str(keys)}
    )
    if status:
        raise RuntimeError(f"tshark {path.name}: {err}")
    return [line.split("\t") for line in out.splitlines()]


def main(folder):
    checks = Checks()
    opened = tagged = 0
    for esp_sa in sorted(pathlib.Path(folder).glob("*/pcap/**/esp_sa")):
        where = esp_sa.parent
        for outer in sorted(where.glob("* outer.pcapng")):
            what = f"{where.name}/{outer.name}"
            rows = fields(outer, where, "esp.icv_good", "esp.icv_bad", "ip.src", "_ws.malformed")
            good = [row for row in rows if row[0] == "1" and row[1] in ("", "0") and not row[3]]
            checks.check(f"{what}: tshark opens all {len(rows)} packets with the run's keys", rows and len(good) == len(rows), rows[:3])
            inner = outer.with_name(outer.name.replace(" outer.", " inner."))
            sources = [row[2].split(",")[-1] for row in rows]
            same = sources == [row[2] for row in fields(inner, where, "esp.icv_good", "esp.icv_bad", "ip.src", "_ws.malformed")]
            checks.check(f"{what}: inside are the packets of {inner.name}", same)
            opened += len(rows)
    for path in sorted(pathlib.Path(folder).glob("*/pcap/**/vif-*.pcapng")):
        tags = {row[0] for row in fields(path, path.parent, "vlan.id")}
        checks.check(f"{path.parent.name}/{path.name}: every frame has one 802.1Q tag", len(tags) == 1 and "" not in tags, tags)
        tagged += 1
    checks.check("encrypted packets were opened", opened > 0)
    checks.check("tagged frames were seen", tagged > 0)
    checks.end()


main(sys.argv[1])
