#!/usr/bin/env bash
# Fuzzes the engine: scripts/fuzz.sh [SECONDS] [TARGET...]
#
# Builds the targets in fuzz/ with coverage instrumentation on stable Rust and runs each for SECONDS
# (default 20), from a seed corpus made of our topologies and scenarios. A finding ends the run: the path
# of the input that caused it is printed. The corpus that grows is kept in the build folder.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-20}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(wire speak topology scenario import walk evidence)
jobs=${FUZZ_JOBS:-2}
build=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')

# What `cargo fuzz` passes, less the sanitizer, which needs a nightly compiler. With --target the flags
# reach the targets and the engine, and neither build scripts nor proc macros.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
bins=()
for target in "${targets[@]}"; do bins+=(--bin "$target"); done
RUSTFLAGS=$flags cargo build --quiet --release --locked --manifest-path fuzz/Cargo.toml --target "$host" \
  --target-dir "$build" "${bins[@]}"

# Seeds: whole files, and for the importer every exported file that is at hand.
seeds=$build/seeds
rm -rf "$seeds"
mkdir -p "$seeds"/{wire,speak,topology,scenario,import,walk,evidence}
copy() { # TARGET FILE...
  local target=$1 file
  shift
  for file in "$@"; do
    [ -f "$file" ] && cp "$file" "$seeds/$target/$(printf '%s' "$file" | tr '/' '_')"
  done
  return 0
}
shopt -s nullglob globstar
copy topology topologies/**/*.yaml fuzz/topologies/*.yaml
copy scenario scenarios/**/*.yaml
copy import engine/tests/data/**/*.json ../shared/data/**/*.json
find "$seeds/import" -size +200k -delete
# An IPv4 TCP SYN, an IPv6 UDP datagram and an ICMP error, behind the two bytes that steer the target.
printf '\1\2\x45\0\0\x28\0\1\x40\0\x40\6\0\0\x0a\0\1\x0a\x0a\0\2\x14\xc0\0\x15\x38\0\0\0\1\0\0\0\0\x50\2\xfa\xf0\0\0\0\0' > "$seeds/wire/tcp"
printf '\1\2\x60\0\0\0\0\x0a\x11\x40\x26\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x26\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\xc0\0\0\x35\0\x0a\0\0\1\2' > "$seeds/wire/udp6"
printf '\1\2\x45\0\0\x38\0\1\0\0\x40\1\0\0\x0a\0\0\1\x0a\0\1\x0a\x0b\0\0\0\0\0\0\0\x45\0\0\x28\0\1\x40\0\1\6\0\0\x0a\0\1\x0a\x0a\0\2\x14\xc0\0\x15\x38\0\0\0\1' > "$seeds/wire/error"
# A BGP UPDATE with a withdrawn and an announced prefix, a KEEPALIVE behind it; a BFD packet.
marker='\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377'
printf "$marker"'\0\63\2\0\2\10\12\0\22\100\1\1\0\100\2\6\2\1\0\0\375\352\100\3\4\251\376\0\1\20\254\20'"$marker"'\0\23\4' > "$seeds/speak/update"
printf '\40\300\3\30\0\0\0\1\0\0\0\2\0\4\223\340\0\4\223\340\0\0\0\0' > "$seeds/speak/bfd"
head -c 4096 Cargo.lock > "$seeds/walk/text"
# The first byte says what the rest is: a capture, a filter, a flow log, prices, assertions.
{ printf '\0'; cat scenarios/tour/*.pcap; } > "$seeds/evidence/pcap"
printf '\1(tcp port 443 or 80) and not src net 10.0.0.0/8 || dropped' > "$seeds/evidence/filter"
printf '\2srcaddr dstport action\n10.0.0.1 443 ACCEPT\n- - -\n' > "$seeds/evidence/custom"
printf '\0022 111122223333 eni-1 10.0.0.1 10.0.0.2 40000 443 6 1 40 1700000000 1700000059 REJECT OK\n' > "$seeds/evidence/default"
{ printf '\3'; cat engine/src/record/prices.json; } > "$seeds/evidence/prices"
printf '\4web reaches db on 5432, udp/8000-8100 # comment\nonly "sg:web", 203.0.113.0/24 reach tag:env=prod on icmp\ninternet never reaches all\n' > "$seeds/evidence/assertions"

# The words of our own files are the fuzzer's dictionary.
words=$build/words.dict
cat "$seeds"/{topology,scenario,import}/* 2>/dev/null | grep -ohE '[A-Za-z][A-Za-z_-]{2,30}' | sort -u | head -n 1500 |
  sed 's/.*/"&"/' > "$words" || true

one() { # TARGET
  local target=$1 corpus=$build/corpus/$1 log=$build/$1.log len=4096
  mkdir -p "$corpus" "$build/artifacts/$target"
  [ "$target" = import ] && len=20000
  if nice "$build/$host/release/$target" "$corpus" "$seeds/$target" -max_total_time="$seconds" -max_len=$len \
    -timeout=20 -rss_limit_mb=3000 -dict="$words" -print_final_stats=1 \
    -artifact_prefix="$build/artifacts/$target/" > "$log" 2>&1; then
    printf 'ok    fuzz %s: %s executions in %s s\n' "$target" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds"
  else
    grep -aE 'panicked at|ERROR: libFuzzer' -A 4 "$log" | head -n 20 || tail -n 20 "$log"
    printf 'FAIL  fuzz %s: %s\n' "$target" "$(sed -n 's/^.*Test unit written to //p' "$log" | head -n 1)"
    return 1
  fi
}

status=0
running=()
for target in "${targets[@]}"; do
  one "$target" &
  running+=($!)
  if [ ${#running[@]} -ge "$jobs" ]; then
    wait "${running[0]}" || status=1
    running=("${running[@]:1}")
  fi
done
for pid in "${running[@]}"; do wait "$pid" || status=1; done
exit $status
