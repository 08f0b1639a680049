#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whoever builds in an older language is told so first, whichever header it is
# that their program includes first.
# usage: language_test.sh HEADER...
set -euo pipefail

include=$TEST_TMPDIR/include
mkdir -p "$include"
ln -s "$PWD" "$include/netpoll"

failed=0
for language in c++11 c++17; do
  for header in "$@"; do
    # What only names a macro for others says nothing.
    [[ $header != */posix_2024.h ]] || continue
    status=0
    said=$(g++ "-std=$language" -fsyntax-only -x c++ "-I$include" \
      -include "netpoll/$header" /dev/null 2>&1) || status=$?
    first=$(grep -m1 -E '(error|warning):' <<<"$said" || true)
    if ((status == 0)) || [[ $first != *"error: #error \"netpoll needs C++20: "* ]]; then
      echo "$header in $language: ${first:-compiles}"
      failed=1
    fi
  done
done
echo "$# headers"
(($# > 40)) || failed=1
exit "$failed"
