"""`why --output reachability-analyzer` against the shape that botocore has of AWS's API: insights.py VPCSIM, from the repository's root."""

import json
import sys

import botocore.loaders
import botocore.model
from common import Checks, run

QUESTIONS = [
    ("three-tier", "web-1", "db-1:5432"),
    ("three-tier", "web-1", "8.8.8.8:443"),
    ("three-tier", "bastion-1", "web-1:22"),
    ("hub-and-spoke", "blue-1", "repo-1:443"),
    ("hub-and-spoke", "blue-3", "repo-1:443"),
    ("inspection-hub", "left-1", "right-2:443"),
]
TYPES = {"string": str, "boolean": bool, "integer": int, "long": int, "timestamp": str}


def differs(shape, value, path):
    """Where a value is not what the shape says."""
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return [f"{path} is no structure"]
        unknown = [f"{path}.{name} is no member of {shape.name}" for name in value if name not in shape.members]
        return unknown + [e for name in value if name in shape.members for e in differs(shape.members[name], value[name], f"{path}.{name}")]
    if shape.type_name == "list":
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [e for n, item in enumerate(value) for e in differs(shape.member, item, f"{path}[{n}]")]
    wanted = TYPES[shape.type_name]
    good = isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
    enum = getattr(shape, "enum", None)
    return [] if good and (not enum or value in enum) else [f"{path}: {value!r} is no {shape.name} ({shape.type_name} {enum or ''})"]


def main(vpcsim):
    checks = Checks()
    data = botocore.loaders.Loader().load_service_model("ec2", "service-2")
    shape = botocore.model.ServiceModel(data, "ec2").operation_model("DescribeNetworkInsightsAnalyses").output_shape
    for name, source, target in QUESTIONS:
        topology = f"topologies/{name}.yaml"
        status, out, err = run(vpcsim, "why", "-t", topology, source, target, "--output", "reachability-analyzer")
        label = f"{name}: {source} -> {target}"
        if not checks.check(f"insights {label}: is JSON", status in (0, 1) and out.startswith("{"), err):
            continue
        found = json.loads(out)
        wrong = differs(shape, found, "$")
        checks.check(f"insights {label}: has the shape of {shape.name}", not wrong, "; ".join(wrong[:5]))
        analysis = found["NetworkInsightsAnalyses"][0]
        # One says what the other says, in its own words.
        text = json.loads(run(vpcsim, "why", "-t", topology, source, target, "--output", "json")[1])
        passes = text["result"] in ("open", "reply", "closed")
        checks.check(f"insights {label}: says what the answer says", analysis["NetworkPathFound"] == passes, analysis)
        checks.check(f"insights {label}: explains a denial", passes or bool(analysis["Explanations"]))
    # The checker can fail.
    broken = {"NetworkInsightsAnalyses": [{"NetworkPathFound": "yes", "Path": 1, "Status": "done"}]}
    checks.check("insights: a wrong document is refused", len(differs(shape, broken, "$")) == 3, differs(shape, broken, "$"))
    checks.end()


main(sys.argv[1])
