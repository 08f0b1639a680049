#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The benchmark programs work: they serve, measure, count and gate. No figure is
# checked, because a test machine is busy.
set -u

cd "$(dirname "$0")" || exit 1
out=${TEST_TMPDIR:-$(mktemp -d)}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# The exit status of bad use is 2, with one sentence.
for arguments in "" "--connect nowhere" "--connect 127.0.0.1:1 --size 0" \
  "--connect 127.0.0.1:1 --mode none" "--frobnicate" "extra"; do
  # shellcheck disable=SC2086
  ./echo_load $arguments >"$out/stdout" 2>"$out/stderr"
  status=$?
  [ "$status" = 2 ] || fail "echo_load $arguments: exit $status, not 2"
  [ "$(wc -l <"$out/stderr")" = 1 ] || fail "echo_load $arguments: $(
    cat "$out/stderr"
  )"
done
for program in raw_echo echo_load process_meter run; do
  ./$program --help >"$out/help" || fail "$program --help"
  [ -s "$out/help" ] || fail "$program --help says nothing"
done
./echo_load --connect 127.0.0.1:1 2>/dev/null
[ $? = 1 ] || fail "no server: exit status is not 1"

# Everything at once, tiny.
./run --tools . --no-netpoll --rounds 2 --seconds 0.1 --connections 4 \
  --server 'third=./raw_echo --listen 127.0.0.1:{port} --mode eagain' \
  --memory-connections 50 --idle-connections 20 --idle-seconds 0.2 \
  --rates 500,2000 --size 100 --plots "$out/plots" --json "$out/results" >"$out/table" || fail "run: $(cat "$out/table")"
python3 - "$out/results" <<'END' || fail "the results are not as expected"
import json, sys
results = json.load(open(sys.argv[1]))
servers = {"raw_once", "raw_eagain", "third"}
echo = results["echo"]["4"]
assert set(echo) == servers, echo
for name, figures in echo.items():
    assert figures["messages_per_second"] > 0, name
    assert figures["cpu_us"] > 0, name
    if figures["counted_by"] == "exact":
        reads = 1 if name == "raw_once" else 2
        assert abs(figures["syscalls"]["read"] - reads) < 0.5, figures
        assert figures["syscalls"]["write"] == 1, figures
        assert "epoll_ctl" not in figures["syscalls"], figures
assert set(results["open"]) == {"500", "2000"}
for rate, found in results["open"].items():
    assert set(found) == servers
    for name, figures in found.items():
        assert figures["messages_per_second"] < 1.2 * int(rate), figures
        for percentile in ("p50_us", "p99_us", "p999_us"):
            middle, least, most = figures[percentile]
            assert 0 < least <= middle <= most, figures
assert set(results["memory"]) == servers
assert set(results["idle_cpu"]) == servers
assert set(results["flood"]) == servers
END

for picture in cpu user latency_p50 latency_p99 latency_p999 memory; do
  python3 -c 'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])' \
    "$out/plots/$picture.svg" || fail "$picture.svg is no picture"
done
./run --rates fast 2>"$out/stderr"
[ $? = 2 ] || fail "a rate that is no number: $(cat "$out/stderr")"

# Peers that the tests' packages have, with deadlines; others are said to be
# missing, or are there.
./run --tools . --no-netpoll --peers --deadlines --rounds 1 --seconds 0.1 \
  --connections 4 --parts echo --json "$out/peers" >"$out/table" \
  2>"$out/stderr" || fail "peers: $(cat "$out/table" "$out/stderr")"
python3 - "$out/peers" "$out/stderr" <<'END' || fail "peers: $(cat "$out/table")"
import json, sys
echo = json.load(open(sys.argv[1]))["echo"]["4"]
said = open(sys.argv[2]).read()
assert {"raw_once", "plain", "libuv", "asio"} <= set(echo), echo
for name in ("libevent", "go"):
    assert (name in echo) != (f"no {name}" in said), (name, said)
for name, figures in echo.items():
    assert figures["messages_per_second"] > 0, name
END

# A gate that is kept, one that is not, one that there isn't.
gate() {
  ./run --tools . --no-netpoll --rounds 1 --seconds 0.1 --parts "$1" \
    --idle-connections 5 --idle-seconds 0.1 --connections 2 \
    --gated raw_once --gate "$2" >"$out/table" 2>&1
}
gate idle idle_cpu=0.1 || fail "a gate that is kept: $(cat "$out/table")"
gate echo syscalls=0.5
[ $? = 1 ] || fail "a gate that is broken: $(cat "$out/table")"
grep -q "syscalls.*FAILED" "$out/table" || fail "the broken gate is not named"
gate idle frobnication=1
[ $? = 2 ] || fail "a gate that does not exist: $(cat "$out/table")"

# Half a message stays open, and comes back as an echo.
./raw_echo >"$out/listening" &
server=$!
for _ in $(seq 1000); do
  grep -q listening "$out/listening" && break
  sleep 0.01
done
address=$(sed 's/listening on //' "$out/listening")
./echo_load --connect "$address" --mode hold --connections 3 --touch \
  --text half --duration 0.2 >"$out/held"
status=$?
kill $server
[ "$status" = 0 ] || fail "hold: exit $status"
grep -q "received_bytes: 12" "$out/held" || fail "hold: $(cat "$out/held")"
grep -q "closed_by_server: 0" "$out/held" || fail "hold: $(cat "$out/held")"

# Every micro-benchmark runs, but for the largest numbers of timers.
./micro --benchmark_min_time=0.0001 --benchmark_filter='-/10000+$' \
  --benchmark_format=json >"$out/micro" \
  2>/dev/null || fail "micro"
python3 - "$out/micro" <<'END' || fail "a micro-benchmark failed"
import json, sys
for each in json.load(open(sys.argv[1]))["benchmarks"]:
    assert not each.get("error_occurred"), each
END

# So does every step between tasks; another is refused.
./between >"$out/steps" || fail "between"
[ "$(wc -l <"$out/steps")" -ge 8 ] || fail "between: $(cat "$out/steps")"
while read -r step; do
  ./between "$step" 20 >"$out/step" || fail "between $step"
  grep -qE '^[0-9]+\.[0-9]$' "$out/step" || fail "$step: $(cat "$out/step")"
done <"$out/steps"
./between frobnicate 20
[ $? = 2 ] || fail "a step that does not exist"

# And every way of a long stream; a rate that cannot be is below its limit.
stream() { ./stream/compare --program ./streams --rounds 1 --mib 4 "$@"; }
stream --json "$out/stream" >"$out/table" || fail "stream: $(cat "$out/table")"
grep -q '| forward | netpoll |' "$out/table" || fail "$(cat "$out/table")"
python3 - "$out/stream" <<'END' || fail "the streams are not as expected"
import json, sys
for way in json.load(open(sys.argv[1]))["ways"]:
    assert way["mib_per_second"] > 0, way
    assert way["by"] != "raw" or way["mib_per_second_ratio"][0] == 1, way
END
stream --tasks write --gate 1000 >"$out/table" 2>&1
[ $? = 1 ] || fail "a gate that is broken: $(cat "$out/table")"
stream --tasks frobnicate >"$out/table" 2>&1
[ $? = 2 ] || fail "a task that does not exist"
echo passed
