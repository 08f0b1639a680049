#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/netpoll builds when, and only when, a source has changed, and is
# otherwise not there: arguments, folder, signals and exit status are the
# program's. A stand-in for bazel "builds" a script.
# usage: launcher_test.sh NETPOLL
set -euo pipefail

root="$TEST_TMPDIR/a root"
bin=$TEST_TMPDIR/bin
builds=$TEST_TMPDIR/builds
out=$TEST_TMPDIR/out
failures=0

mkdir -p "$root/tools/cli" "$root/core" "$bin" "$root/out/tools/cli"
cp "$1" "$root/tools/netpoll"
printf '#!/bin/bash\n' >"$root/tools/setup"
chmod +x "$root/tools/setup" "$root/tools/netpoll"
cat >"$bin/bazel" <<STAND_IN
#!/bin/bash
# Stands in for bazel.
if [[ \$1 == info ]]; then
  echo "$root/out"
  exit
fi
[[ \$PWD == "$root" ]] || exit 9
echo built >>"$builds"
row= program=
for word in "\$@"; do
  case \$word in
    --define=netpoll_row=*) row=\${word##*=} ;;
    //tools/cli:*) program=\${word#*:} ;;
  esac
done
echo "\$program \$row" >>"$TEST_TMPDIR/asked"
if [[ -e "$TEST_TMPDIR/broken" ]]; then
  cat "$TEST_TMPDIR/broken" >&2
  exit 1
fi
cat >"$root/out/tools/cli/netpoll" <<'PROGRAM'
#!/bin/bash
case \$1 in
  show) printf '%s|' "\$PWD" "\${@:2}" ;;
  typed) echo "\$NETPOLL_COMMAND" ;;
  held) echo "\$NETPOLL_HELD" ;;
  status) exit "\$2" ;;
  wait) trap 'echo "got TERM"; exit 5' TERM
    echo ready
    while :; do sleep 0.05; done ;;
esac
PROGRAM
chmod +x "$root/out/tools/cli/netpoll"
[[ \$program == netpoll ]] ||
  cp "$root/out/tools/cli/netpoll" "$root/out/tools/cli/\$program"
STAND_IN
chmod +x "$bin/bazel"
export PATH=$bin:$PATH
touch "$builds"

fail() {
  echo "FAILED: $1"
  failures=$((failures + 1))
}
count() { wc -l <"$builds"; }
expect_builds() { [[ $(count) == "$1" ]] || fail "$2: $(count) builds, not $1"; }

mkdir "$TEST_TMPDIR/elsewhere"
ln -s "$root/tools/netpoll" "$TEST_TMPDIR/link"
cd "$TEST_TMPDIR/elsewhere"

"$TEST_TMPDIR/link" show 'a b' '' '*' >"$out"
[[ $(<"$out") == "$PWD|a b||*|" ]] || fail "arguments or folder: $(<"$out")"
expect_builds 1 "first run"

typed=$("$root/tools/netpoll" typed)
[[ $(eval "$typed show again") == "$PWD|again|" ]] ||
  fail "says that it was called as $typed"

status=0
"$root/tools/netpoll" status 42 || status=$?
[[ $status == 42 ]] || fail "exit status $status, not 42"
expect_builds 1 "nothing changed"

touch "$root/core/new.h"
"$root/tools/netpoll" show >/dev/null
expect_builds 2 "a new source"
rm "$root/core/new.h"
"$root/tools/netpoll" show >/dev/null
expect_builds 3 "a source is gone"
rm "$root/out/tools/cli/netpoll"
"$root/tools/netpoll" show >/dev/null
expect_builds 4 "the program is gone"

"$root/tools/netpoll" wait >"$out" &
program=$!
until grep -q ready "$out"; do sleep 0.05; done
kill -TERM "$program"
status=0
wait "$program" || status=$?
[[ $status == 5 ]] || fail "status $status after a signal, not 5"
grep -q 'got TERM' "$out" || fail "the program did not get the signal"

touch "$root/core/a.h"
cat >"$TEST_TMPDIR/broken" <<'SAID'
INFO: Found 1 target...
[7 / 9] Compiling core/a.cc
ERROR: /here/model/BUILD.bazel:1:2: Compiling a.cc failed: (Exit 1): gcc failed: error executing command /usr/bin/gcc -Wall

Use --sandbox_debug to see verbose messages from the sandbox
bazel-out/k8-opt/bin/core/_virtual_includes/core/netpoll/core/a.h:3:7: error: no such thing
    3 |   Thing;
FAILED: Build did NOT complete successfully
SAID
status=0
"$root/tools/netpoll" show >"$out" 2>&1 || status=$?
[[ $status == 2 ]] || fail "status $status when it does not build, not 2"
cat >"$TEST_TMPDIR/told" <<'TOLD'
ERROR: /here/model/BUILD.bazel:1:2: Compiling a.cc failed:
core/a.h:3:7: error: no such thing
    3 |   Thing;
netpoll: //tools/cli:netpoll does not build (see above)
TOLD
diff "$TEST_TMPDIR/told" "$out" || fail "tells otherwise why it does not build"
rm "$TEST_TMPDIR/broken"
"$root/tools/netpoll" show >"$out"
expect_builds 6 "after a build that failed"

held=$("$root/tools/netpoll" held)
[[ $held == "$root/.build/held."[0-9]* ]] || fail "keeps what held in $held"
echo 'build --copt=-O3' >"$root/user.bazelrc"
[[ $("$root/tools/netpoll" held) != "$held" ]] ||
  fail "what held with other options counts"

# A mutant: the program with it alone, and anew for another one; a name that is
# none, without.
mkdir -p "$root/model/mutants/rows"
touch "$root/model/mutants/rows/"{A-one,B-two}.mutant
printf '%s\n' 'netpoll replay np1:B-two/some:1:2:3' >"$TEST_TMPDIR/story"
wanted() {
  : >"$TEST_TMPDIR/asked"
  "$root/tools/netpoll" "$@" >/dev/null 2>&1 || true
  cat "$TEST_TMPDIR/asked"
}
expect_wanted() {
  local want=$1 got
  shift
  got=$(wanted "$@")
  [[ $got == "$want" ]] || fail "$*: asks for $got, not $want"
}
expect_wanted 'netpoll_one A-one' check --mutant A-one
expect_wanted '' check --mutant=A-one
expect_wanted 'netpoll_one B-two' fuzz --mutant=B-two
expect_wanted 'netpoll_one A-one' replay np1:A-one/read-close:1:2:3
expect_wanted 'netpoll_one B-two' replay "$TEST_TMPDIR/story"
expect_wanted 'netpoll_one A-one' replay 'A-one/read-close: 4 reader'
expect_wanted 'netpoll_model ' check --mutant C-none
expect_wanted 'netpoll_mutants ' mutants --only A-one
expect_wanted 'netpoll_fuzz ' fuzz --seconds 1
expect_wanted '' check --mutant canary
# The list needs none of them compiled.
expect_wanted '' mutants --only A-one --list

((failures == 0)) && echo "all as it should be"
