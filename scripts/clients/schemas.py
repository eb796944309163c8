"""check-jsonschema with the schemas that we print: schemas.py VPCSIM, from the repository's root."""

import pathlib
import sys
import tempfile

from common import Checks, run

BROKEN = {
    "topology": ["vpcs: {v: {cidr: 10.0.0.0/16, cidrs: 1}}\n", "vpc: {}\n", "subnets: {s: {az: a}}\n", "vpcs: []\n"],
    "scenario": ["steps: {}\n", "topology: t.yaml\nstep: []\n", "topology: t.yaml\nsteps: [{at: 0s, conect: {}}]\n"],
}
FOLDER = {"topology": "topologies", "scenario": "scenarios"}


def main(vpcsim):
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        for kind, broken in BROKEN.items():
            schema = pathlib.Path(folder, f"{kind}.json")
            schema.write_text(run(vpcsim, "schema", kind)[1])
            accepts = lambda path: run("check-jsonschema", "--schemafile", schema, path)
            status, out, err = run("check-jsonschema", "--check-metaschema", schema)
            checks.check(f"schema {kind}: is a JSON Schema", status == 0, out + err)
            for path in sorted(pathlib.Path(FOLDER[kind]).rglob("*.yaml")):
                status, out, err = accepts(path)
                checks.check(f"schema {kind}: accepts {path}", status == 0, out + err)
            for number, text in enumerate(broken, 1):
                path = pathlib.Path(folder, f"broken-{number}.yaml")
                path.write_text(text)
                checks.check(f"schema {kind}: refuses broken file {number}", accepts(path)[0] == 1, text)
    checks.end()


main(sys.argv[1])
