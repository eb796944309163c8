#!/usr/bin/env bash
# The test command: format, lints, documentation, every test, the real clients, a short fuzz of each target.
# Installs what it needs when run as root. The last line is `N passed, N failed`; exit status 1 if any failed.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never
exec < /dev/null

need=()
command -v tshark > /dev/null && command -v capinfos > /dev/null || need+=(tshark)
command -v tcpdump > /dev/null || need+=(tcpdump)
command -v c++ > /dev/null || need+=(g++)
python3 -c 'import ensurepip' 2> /dev/null || need+=(python3-venv)
if [ ${#need[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
    echo "missing: ${need[*]}; install them, or run this as root on Debian" >&2
    exit 4
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${need[@]}" > /dev/null
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0
failed=0

step() { # NAME COMMAND...: passes or fails as a whole
  local name=$1
  shift
  echo "== $name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL  $name"
  fi
}

counted() { # NAME PASSED-PATTERN FAILED-PATTERN COMMAND...: prints what it counts
  local name=$1 good=$2 bad=$3 status=0 n m
  shift 3
  echo "== $name"
  "$@" 2>&1 | tee "$log" || status=1
  n=$(sed -nE "s/$good/\1/p" "$log" | awk '{ n += ($1 ~ /^[0-9]+$/) ? $1 : 1 } END { print n + 0 }')
  m=$(sed -nE "s/$bad/\1/p" "$log" | awk '{ n += ($1 ~ /^[0-9]+$/) ? $1 : 1 } END { print n + 0 }')
  # What failed without saying so, such as a build, is one failure.
  if [ $status -ne 0 ] && [ "$m" -eq 0 ]; then m=1; fi
  echo "-- $name: $n passed, $m failed"
  passed=$((passed + n))
  failed=$((failed + m))
}

rustdoc() { RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --locked --no-deps --workspace; }

step "format" cargo fmt --all --check
step "lints" cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
step "documentation" rustdoc
counted "tests" '^test result: .* ([0-9]+) passed; .*' '^test result: .* ([0-9]+) failed; .*' \
  cargo test --locked --workspace --no-fail-fast
# The law of the control plane, on more networks than the debug build has patience for.
counted "live networks" '^test result: .* ([0-9]+) passed; .*' '^test result: .* ([0-9]+) failed; .*' \
  cargo test --locked --release -p vpcsim-engine --test live --test why
counted "clients" '^(ok) .*' '^(FAIL) .*' scripts/clients.sh
counted "fuzz" '^(ok) .*' '^(FAIL) .*' scripts/fuzz.sh 20

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
