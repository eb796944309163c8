"""JUnit reports, completions and manual pages: reports.py VPCSIM FOLDER, with FOLDER/junit.xml."""

import pathlib
import shutil
import sys
import tempfile

from common import Checks, run
from junitparser import JUnitXml

SHELLS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


def main(vpcsim, folder):
    checks = Checks()
    report = JUnitXml.fromfile(str(pathlib.Path(folder, "junit.xml")))
    cases = [case for suite in report for case in suite]
    checks.check(f"junitparser reads {len(cases)} test cases", cases and report.tests == len(cases), report.tests)
    bad = [case.name for case in cases if case.result and not case.is_skipped]
    checks.check("junitparser finds no failure", not bad and not report.failures and not report.errors, bad)

    path = pathlib.Path(folder, "reach.xml")
    status, out, err = run(
        vpcsim, "reach", "-t", "topologies/three-tier.yaml", "--assert", "scenarios/three-tier.reach", "--junit", path
    )
    cases = [case for suite in JUnitXml.fromfile(str(path)) for case in suite]
    failed = [case for case in cases if case.result]
    checks.check("junitparser reads what reach asserts", status == 1 and len(cases) == 4 and len(failed) == 1, out + err)
    checks.check(
        "junitparser finds the row that fails an assertion", "acl data outbound rule *" in failed[0].result[0].message, failed
    )

    with tempfile.TemporaryDirectory() as scratch:
        for shell, command in SHELLS.items():
            status, script, err = run(vpcsim, "completions", shell)
            if not checks.check(f"completions for {shell} are printed", status == 0 and script, err) or not shutil.which(shell):
                checks.skip(f"completions for {shell} parse", f"{shell} is not installed")
                continue
            path = pathlib.Path(scratch, shell)
            path.write_text(script)
            status, out, err = run(*command, path)
            checks.check(f"completions for {shell} parse", status == 0, out + err)

        status, out, err = run(vpcsim, "man", scratch, cwd=scratch)
        pages = sorted(pathlib.Path(scratch).rglob("*.1"))
        checks.check("manual pages are written", status == 0 and pages, out + err)
        for page in pages:
            if shutil.which("mandoc"):
                status, out, err = run("mandoc", "-T", "lint", "-W", "error", page)
            elif shutil.which("groff"):
                status, out, err = run("groff", "-man", "-Tascii", "-ww", "-z", page)
            elif shutil.which("man"):
                status, out, err = run("man", "-l", "-P", "cat", page)
                err = ""
            else:
                checks.skip("manual pages render", "none of mandoc, groff and man is installed")
                break
            checks.check(f"manual page {page.name} renders", status == 0 and not err, out + err)
    checks.end()


main(*sys.argv[1:3])
