#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the steps of the core may execute for a message, with the compiler that
# the limits were made by; and that a server's messages can be counted.
set -u

cd "$(dirname "$0")" || exit 1
out=${TEST_TMPDIR:-$(mktemp -d)}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Bad use: 2, with one sentence.
for arguments in "" "--steps ./message_steps --most np_park" \
  "--steps ./message_steps --most np_frobnicate=1" "--steps /nowhere" \
  "--server ./nowhere" "--server ./raw_echo --connections 0" \
  "--steps ./message_steps --http" "--steps ./message_steps --misses" \
  "--server ./raw_echo --misses --cache 100" \
  "--server ./raw_echo --misses --json -"; do
  # shellcheck disable=SC2086
  ./instructions $arguments >"$out/stdout" 2>"$out/stderr"
  status=$?
  [ "$status" = 2 ] || fail "instructions $arguments: exit $status, not 2"
  [ -s "$out/stderr" ] || fail "instructions $arguments: says nothing"
done

# Limits are what gcc 12 makes of it as Bazel calls it, and a twentieth more.
most="np_poll=65 np_set_deadline=38 np_park=76 np_lock_release=9
  np_lock_acquire=9 np_reset=21 np_resume=22 np_adjust_waiters=5 all=243"
# shellcheck disable=SC2086
./instructions --steps ./message_steps --most $most >"$out/table" 2>&1 ||
  fail "$(cat "$out/table")"
./instructions --steps ./message_steps --most np_park=10 >"$out/table" 2>&1
[ $? = 1 ] || fail "a limit that is broken: $(cat "$out/table")"
grep -q "np_park: .*more than 10" "$out/table" || fail "$(cat "$out/table")"

# Of a whole message, without and with a deadline, and with a trace, what gcc 12
# makes of it as Bazel calls it with -O2, and a thirtieth more: another
# compiler's is not held.
compiler=$(./echo_messages | sed -n 's/^compiler: //p')
case $compiler in
  12.*)
    ./instructions --steps ./echo_messages \
      --most np_echo=643 np_echo_by_deadline=757 np_echo_traced=833 \
      >"$out/table" 2>&1 || fail "$(cat "$out/table")"
    # Where a worker takes a task it brings near what the next ones need: gcc
    # can leave that out.
    asked=$(objdump -d --no-show-raw-insn -C ./echo_messages |
      awk '/>:$/ {by = $0} /prefetch/ && by ~ /Dispatch/ {n++} END {print n + 0}')
    [ "$asked" -ge 8 ] || fail "workers bring near $asked lines, not 8"
    ;;
  "") fail "echo_messages does not say by what it was compiled" ;;
  *) echo "compiled by $compiler: no limit for a whole message" ;;
esac

./instructions --server "./raw_echo --listen 127.0.0.1:0 --mode once" \
  --connections 4 --json "$out/json" >"$out/table" 2>&1 ||
  fail "a server: $(cat "$out/table")"
python3 - "$out/json" <<'END' || fail "a server: $(cat "$out/table")"
import json, sys
counts = json.load(open(sys.argv[1]))
assert 20 < counts["all"] < 2000, counts
END
# Of one that keeps nothing for a connection, and reads into one buffer.
./instructions --server "./raw_echo --listen 127.0.0.1:0 --mode once" \
  --connections 4 --misses >"$out/table" 2>&1 ||
  fail "misses: $(cat "$out/table")"
grep -Eq "^ +0\.[0-9]+ +0\.[0-9]+ all$" "$out/table" ||
  fail "misses: $(cat "$out/table")"
echo passed
