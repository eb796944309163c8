"""flowlogs-reader reads every flow log: flow_logs.py FOLDER, with FOLDER/<run>/flow-logs/*.log."""

import datetime
import gzip
import io
import pathlib
import sys
import tempfile

from common import Checks
from flowlogs_reader import FlowRecord, S3FlowLogsReader


class StubS3:
    """The calls that the reader makes, answered from root/<bucket>/<key>."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def list_objects_v2(self, Bucket, Prefix="", Delimiter=None, **_):
        base = self.root / Bucket
        keys = sorted(key for p in base.rglob("*") if p.is_file() and (key := str(p.relative_to(base))).startswith(Prefix))
        if not Delimiter:
            return {"Contents": [{"Key": key} for key in keys]}
        rest = [key[len(Prefix) :] for key in keys]
        return {"CommonPrefixes": [{"Prefix": p} for p in sorted({f"{Prefix}{r.split('/')[0]}/" for r in rest if "/" in r})]}

    def get_paginator(self, operation):
        client = self

        class Paginator:
            def paginate(self, **options):
                yield getattr(client, operation)(**options)

        return Paginator()

    def get_object(self, Bucket, Key):
        body = (self.root / Bucket / Key).read_bytes()
        return {"Body": io.BytesIO(body), "ContentLength": len(body)}


def totals(rows):
    """Lines, packets and bytes by action, from text split at spaces."""
    out = {}
    for row in rows:
        action = row["action"] if row["action"] != "-" else "NODATA"
        lines, packets, octets = out.get(action, (0, 0, 0))
        number = lambda field: 0 if row[field] == "-" else int(row[field])
        out[action] = (lines + 1, packets + number("packets"), octets + number("bytes"))
    return out


def of_records(records):
    rows = [{"action": r.action or "-", "packets": r.packets or 0, "bytes": r.bytes or 0} for r in records]
    return totals(rows)


def main(folder):
    checks = Checks()
    for path in sorted(pathlib.Path(folder).glob("*/flow-logs/**/*.log")):
        what = f"{path.parent.parent.name}: {path.name}"
        header, *lines = path.read_text().splitlines()
        rows = [dict(zip(header.split(), line.split(), strict=True)) for line in lines]
        checks.check(f"{what}: has {len(rows)} records", rows)
        expected = totals(rows)

        records = [FlowRecord.from_cwl_event({"message": line}) for line in lines]
        checks.check(f"{what}: FlowRecord.from_cwl_event reads each line", of_records(records) == expected, (of_records(records), expected))

        with tempfile.TemporaryDirectory() as root:
            account = rows[0]["account-id"]
            day = datetime.datetime.fromtimestamp(int(rows[0]["start"]), datetime.timezone.utc)
            key = f"AWSLogs/{account}/vpcflowlogs/us-east-1/{day:%Y/%m/%d}/{account}_vpcflowlogs_us-east-1_fl-1_{day:%Y%m%dT%H%MZ}_0.log.gz"
            file = pathlib.Path(root, "bucket", key)
            file.parent.mkdir(parents=True)
            file.write_bytes(gzip.compress(path.read_bytes()))
            start = day.replace(tzinfo=None) - datetime.timedelta(days=1)
            reader = S3FlowLogsReader(
                "bucket", boto_client=StubS3(root), start_time=start, end_time=start + datetime.timedelta(days=3), raise_on_error=True
            )
            found = of_records(reader)
        checks.check(f"{what}: the S3 reader finds the same lines, packets and bytes", found == expected, (found, expected))
    checks.end()


if __name__ == "__main__":
    main(sys.argv[1])
