#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiles the header as C17 and C++20, also beside the poller's own; compiles
# the C programs against the shared library and runs them. Each function of the
# header has a test of its name.
# usage: netpoll_test.sh LIBRARY
set -euo pipefail

include=$TEST_TMPDIR/include
mkdir -p "$include"
ln -s "$PWD" "$include/netpoll"
# By the name under which a program will look for it.
cp "$1" "$TEST_TMPDIR/libnetpoll.so.0.1"

strict="-Wall -Wextra -Wpedantic -Werror -I$include"
echo '#include "netpoll/capi/netpoll.h"' >"$TEST_TMPDIR/alone.c"
gcc -std=c17 $strict -fsyntax-only "$TEST_TMPDIR/alone.c"
g++ -std=c++20 $strict -fsyntax-only -x c++ "$TEST_TMPDIR/alone.c"
{
  cat "$TEST_TMPDIR/alone.c"
  echo '#include "netpoll/core/poller.h"'
  echo 'int32_t Poll(gList* list) { return netpollpoll(0, list); }'
} >"$TEST_TMPDIR/beside.cc"
g++ -std=c++20 $strict -fsyntax-only "$TEST_TMPDIR/beside.cc"

for program in netpoll_test misuse_test; do
  gcc -std=c17 -D_GNU_SOURCE $strict "tests/capi/$program.c" \
    "$TEST_TMPDIR/libnetpoll.so.0.1" -pthread -o "$TEST_TMPDIR/program"
  LD_LIBRARY_PATH=$TEST_TMPDIR "$TEST_TMPDIR/program" | tee -a "$TEST_TMPDIR/ran"
done

declared=$(sed -nE 's/^(int|int32_t|void)[ *]+(\w+)\(.*/\2/p' capi/netpoll.h |
  grep -vx netpollpoll | sort -u)
(($(wc -w <<<"$declared") > 10))
for function in $declared; do
  grep -qx "passed $function" "$TEST_TMPDIR/ran" || {
    echo "no test is called $function"
    exit 1
  }
done
