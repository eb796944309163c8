"""One line for each check, and exit status 3 if one of them failed. Any other status means: stopped half way."""

import subprocess
import sys


class Checks:
    def __init__(self):
        self.failed = 0

    def check(self, what, good, found=""):
        self.failed += not good
        print(f"{'ok  ' if good else 'FAIL'}  {what}" + (f": {str(found)[:1000]}" if not good and found != "" else ""), flush=True)
        return good

    def skip(self, what, why):
        print(f"skip  {what}: {why}", flush=True)

    def end(self):
        sys.exit(3 if self.failed else 0)


def run(*command, **options):
    """Exit status, standard output and standard error of a command."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, **options)
    return done.returncode, done.stdout, done.stderr
