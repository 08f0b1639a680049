#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/setup on machines made up of links: it installs exactly what is missing,
# nothing when nothing is, and names what is missing where it cannot install.
# usage: setup_test.sh SETUP
set -euo pipefail

setup=$PWD/$1
bin=$TEST_TMPDIR/bin
log=$TEST_TMPDIR/log
out=$TEST_TMPDIR/out
failures=0

# A PATH with a few commands, and stand-ins for the rest.
new_machine() {
  rm -rf "$bin" "$log"
  mkdir -p "$bin"
  touch "$log"
  local command
  for command in bash cat env grep mktemp rm tail; do
    ln -s "$(type -P "$command")" "$bin/$command"
  done
  for command in "$@"; do
    stand_in "$command" 'exit 0'
  done
}

stand_in() {
  printf '#!%s\n%s\n' "$(type -P bash)" "$2" >"$bin/$1"
  chmod +x "$bin/$1"
}

# expect STATUS ARGUMENT...: runs tools/setup on the machine.
expect() {
  local wanted=$1 status=0
  shift
  PATH=$bin "$bin/bash" "$setup" "$@" >"$out" 2>&1 || status=$?
  [[ $status == "$wanted" ]] || fail "setup $*: status $status, not $wanted"
}

says() { grep -q -e "$1" "$out" || fail "does not say '$1'"; }
called() { grep -q -e "$1" "$log" || fail "does not call '$1'"; }
calls_nothing() { [[ ! -s $log ]] || fail "calls $(<"$log")"; }
fail() {
  echo "FAILED: $1"
  sed 's/^/  said: /' "$out"
  failures=$((failures + 1))
}

recorder="echo \"\${0##*/} \$*\" >>'$log'"
everything=(bazel g++ clang-format cmake curl make pkg-config
  arm-linux-gnueabihf-g++ git python3
  i686-linux-gnu-g++ x86_64-w64-mingw32-g++-posix strace valgrind wrk clang-19
  spin buildifier)

# sudo is there for when the test does not run as root.
all_there() {
  new_machine "${everything[@]}"
  stand_in apt-get "$recorder"
  stand_in npm "$recorder"
  stand_in sudo '"$@"'
}

all_there
for level in "" --build; do
  expect 0 $level
  calls_nothing
done

all_there
rm "$bin/wrk" "$bin/valgrind"
expect 0 --build
calls_nothing
expect 0
called 'apt-get .*update'
called 'apt-get .*install .* valgrind wrk$'

all_there
rm "$bin/buildifier"
expect 0 --build
calls_nothing
expect 0
called 'npm install --global .*@bazel/buildifier'

all_there
rm "$bin/buildifier"
stand_in npm 'exit 1'
expect 0
says 'lint_test will fail'

all_there
rm "$bin/wrk" "$bin/apt-get"
expect 2
says 'wrk'
says 'no apt-get'
calls_nothing

all_there
rm "$bin/wrk"
stand_in apt-get "$recorder; [[ \$* != *install* ]]"
expect 1
says 'could not install: wrk'

all_there
expect 2 --unknown
says "unknown argument '--unknown'"
expect 0 --help
says 'usage: tools/setup'

((failures == 0)) && echo "all as it should be"
