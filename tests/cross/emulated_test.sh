#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiles the core's own tests for another processor and runs them in an
# emulator of one process: other byte order, other instructions, real threads.
# Not the death tests: their child begins by starting the program once more,
# which the host refuses. Nor does the emulator reorder what a weak memory may.
# usage: emulated_test.sh PROCESSOR TEST.cc...
set -euo pipefail

processor=$1
shift
tests=("$@")
compiler=$processor-linux-gnu-g++
emulator=qemu-$processor
googletest=/usr/src/googletest/googletest
for needed in "$compiler" "$emulator"; do
  if ! command -v "$needed" >/dev/null; then
    echo "there is no $needed: run tools/setup --deep"
    exit 1
  fi
done

cd "${TEST_SRCDIR:-$PWD}/${TEST_WORKSPACE:-.}"
work=$TEST_TMPDIR
mkdir -p "$work/include"
ln -s "$PWD" "$work/include/netpoll"
compile() {
  "$compiler" -std=c++20 -O1 -pthread "-I$work/include" \
    "-I$googletest/include" "-I$googletest" "$@"
}

compile -c "$googletest/src/gtest-all.cc" -o "$work/gtest.o"
compile -c "$googletest/src/gtest_main.cc" -o "$work/main.o"
status=0
total=0
for test in "${tests[@]}"; do
  name=$(basename "$test" .cc)
  compile -static -Wl,-w "$test" "$work/gtest.o" "$work/main.o" \
    -o "$work/$name"
  "$emulator" "$work/$name" '--gtest_filter=-*DeathTest*' >"$work/log" 2>&1 || {
    echo "$processor: $name failed"
    cat "$work/log"
    status=1
  }
  # A filter that leaves nothing would pass.
  ran=$(sed -n 's/.*PASSED.* \([0-9]*\) test.*/\1/p' "$work/log")
  if ((${ran:-0} == 0)); then
    echo "$processor: $name ran no test"
    status=1
  fi
  echo "$processor: $name: ${ran:-0} tests passed"
  ((total += ${ran:-0})) || true
done
echo "$processor: $total tests of ${#tests[@]} files passed"
exit "$status"
