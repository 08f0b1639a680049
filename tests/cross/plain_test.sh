#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiles the runtime's sources, and the headers that have none, from a plain
# checkout: one folder to look in, nothing that a build generates, and the GNU
# language, in which `unix` and `linux` are macros.
# usage: plain_test.sh HEADER_OR_SOURCE...
set -euo pipefail

include=$TEST_TMPDIR/include
mkdir -p "$include"
ln -s "$PWD" "$include/netpoll"

failed=0
compiled=0
for file in "$@"; do
  # A source begins with its header.
  [[ $file == *.h && -f ${file%.h}.cc ]] && continue
  ((++compiled))
  if ! g++ -std=gnu++20 -fsyntax-only -x c++ "-I$include" "$file" \
    2>"$TEST_TMPDIR/said"; then
    echo "$file does not compile from a plain checkout:"
    cat "$TEST_TMPDIR/said"
    failed=1
  fi
done
echo "$compiled of $# files compiled"
((compiled > 20)) || failed=1
exit "$failed"
