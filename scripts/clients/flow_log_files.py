"""flowlogs-reader, duckdb and pyarrow read the files of flow logs and count what the run counted; columns and folders are those of
Athena's tables: flow_log_files.py VPCSIM FOLDER, from the repository's root."""

import datetime
import json
import pathlib
import sys

import duckdb
import pyarrow.dataset
from common import Checks, run
from flow_logs import StubS3
from flowlogs_reader import FlowRecord, S3FlowLogsReader

SCENARIO = "scenarios/evidence/flow-logs.yaml"
DAY = datetime.datetime(2023, 11, 14)

# Athena user guide, "Create and query a table for Amazon VPC flow logs": the columns of the Parquet table, and its partitions.
ATHENA = """version int, account_id string, interface_id string, srcaddr string, dstaddr string, srcport int, dstport int,
protocol bigint, packets bigint, bytes bigint, start bigint, end bigint, action string, log_status string, vpc_id string,
subnet_id string, instance_id string, tcp_flags int, type string, pkt_srcaddr string, pkt_dstaddr string, region string,
az_id string, sublocation_type string, sublocation_id string, pkt_src_aws_service string, pkt_dst_aws_service string,
flow_direction string, traffic_path int"""
ATHENA = [tuple(column.split()) for column in ATHENA.replace("\n", " ").split(", ")]
PARTITIONS = ["aws-account-id", "aws-service", "aws-region", "year", "month", "day"]
DUCKDB = {"int": "INTEGER", "bigint": "BIGINT", "string": "VARCHAR"}
ARROW = {"int": "int32", "bigint": "int64", "string": "string"}


def summary(log):
    """Flows, packets, bytes and empty records of a log, as the run counted them."""
    sums = [log[action] for action in ("accepted", "rejected")]
    return (*(sum(s[what] for s in sums) for what in ("records", "packets", "bytes")), log["nodata_records"])


def counted(rows):
    """The same of records that somebody read: (log status, packets, bytes)."""
    flows = [(int(packets), int(size or 0)) for status, packets, size in rows if status == "OK"]
    return len(flows), sum(p for p, _ in flows), sum(b for _, b in flows), len(rows) - len(flows)


def of_records(records):
    return counted([(r.log_status, r.packets or 0, r.bytes or 0) for r in records])


def s3_reader(root, bucket):
    return S3FlowLogsReader(
        bucket, boto_client=StubS3(root), start_time=DAY, end_time=DAY + datetime.timedelta(days=2), raise_on_error=True
    )


def main(vpcsim, folder):
    checks = Checks()

    def play(name, *options):
        to = pathlib.Path(folder, "flow-log-files", name)
        status, out, err = run(vpcsim, "run", SCENARIO, "--flow-logs", to, "--output", "json", *options)
        checks.check(f"flow logs {name}: written", status == 0, err)
        logs = json.loads(out)["scenarios"][0]["flow_logs"]
        return to / "flow-logs", {log["log"]: summary(log) for log in logs}

    def equal(what, found, expected):
        checks.check(f"{what}: {expected[0]} flows, {expected[1]} packets, {expected[2]} bytes, {expected[3]} empty windows", found == expected, (found, expected))

    # What the topology defines.
    root, expected = play("defined")
    equal("flowlogs-reader, text in S3's folders", of_records(s3_reader(root, "shop-logs/network")), expected["fl-shop"])

    def sql(files, extra=""):
        query = f"select log_status, coalesce(packets, 0), coalesce(bytes, 0) from {files} {extra}"
        return counted([(status, int(p), int(b)) for status, p, b in duckdb.sql(query).fetchall()])

    text = f"read_csv('{root}/shop-logs/network/**/*.gz', delim=' ', header=true, nullstr='-', all_varchar=true, normalize_names=false)"
    rows = duckdb.sql(f'select "log-status", packets, bytes from {text}').fetchall()
    equal("duckdb, gzipped text", counted(rows), expected["fl-shop"])
    private = f"read_parquet('{root}/shop-logs/AWSLogs/**/*.parquet', hive_partitioning=true)"
    equal("duckdb, Parquet in Hive's folders", sql(private), expected["fl-private"])
    where = "where \"aws-account-id\" = '111122223333' and \"aws-region\" = 'us-east-1' and year = 2023 and month = '11' and day = 14"
    equal("duckdb, by its partitions", sql(private, where), expected["fl-private"])
    columns = [(row[0], row[1]) for row in duckdb.sql(f"describe select * from {private}").fetchall()]
    wanted = [(name, DUCKDB[kind]) for name, kind in ATHENA]
    checks.check("duckdb: the columns are those of Athena's table", columns[: len(wanted)] == wanted, columns)
    partitions = [name for name, _ in columns[len(wanted) :]]
    checks.check("duckdb: the partitions are those of Athena's table", sorted(partitions) == sorted(PARTITIONS), partitions)

    for log, files in [("fl-private", root / "shop-logs" / "AWSLogs"), ("fl-tgw", root / "network-logs" / "AWSLogs")]:
        table = pyarrow.dataset.dataset(files, format="parquet", partitioning="hive").to_table()
        rows = list(zip(*(table.column(name).to_pylist() for name in ("log_status", "packets", "bytes"))))
        equal(f"pyarrow, {log}", counted(rows), expected[log])
        hour = ["hour"] if log == "fl-tgw" else []
        checks.check(f"pyarrow, {log}: partitions", table.schema.names[-len(PARTITIONS + hour) :] == PARTITIONS + hour, table.schema.names)
        if log == "fl-private":
            schema = [(field.name, str(field.type)) for field in table.schema][: len(ATHENA)]
            checks.check("pyarrow: the columns are those of Athena's table", schema == [(n, ARROW[k]) for n, k in ATHENA], schema)
        else:
            lost = sum(n or 0 for n in table.column("packets_lost_mtu_exceeded").to_pylist())
            checks.check("pyarrow, fl-tgw: 36 columns, one packet was too large", (table.num_columns, lost) == (36 + 7, 1), (table.num_columns, lost))

    events = [json.loads(line) for path in sorted((root / "shop" / "rejects").glob("*.json")) for line in path.read_text().splitlines()]
    equal("flowlogs-reader, events of CloudWatch", of_records([FlowRecord.from_cwl_event(event) for event in events]), expected["fl-rejects"])

    # Every interface, in each form.
    root, expected = play("parquet", "--flow-logs-all", "--flow-log-files", "parquet", "--flow-log-layout", "s3")
    # Its reader wants a folder of objects only.
    equal("flowlogs-reader, Parquet in S3's folders", of_records(s3_reader(root.parent, root.name)), expected["everything"])
    root, expected = play("one-file", "--flow-logs-all", "--flow-log-files", "parquet")
    equal("duckdb, one Parquet file", sql(f"read_parquet('{root}.log.parquet')"), expected["everything"])
    root, expected = play("one-text", "--flow-logs-all", "--flow-log-files", "gz", "--flow-log-format", "${log-status} ${packets} ${bytes} ${pkt-dstaddr}")
    rows = duckdb.sql(f"select * from read_csv('{root}.log.gz', delim=' ', header=true, nullstr='-', all_varchar=true)").fetchall()
    equal("duckdb, one gzipped file in a format of one's own", counted([row[:3] for row in rows]), expected["everything"])
    checks.end()


main(*sys.argv[1:3])
