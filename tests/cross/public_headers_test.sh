#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiles each public header of the runtime alone, from a plain checkout, and
# looks at what it brings with it.
# usage: public_headers_test.sh HEADER...
set -euo pipefail

include=$TEST_TMPDIR/include
mkdir -p "$include"
ln -s "$PWD" "$include/netpoll"

# Systems' interfaces, the backends, and what sees them.
banned='/linux/io_uring\.h|/sys/epoll\.h|/netpoll/(backends|tests|tools)/'
banned+='|/netpoll/runtime/(scheduler|sys|host_poller)\.h'

failed=0
for header in "$@"; do
  if ! g++ -std=c++20 -M -x c++ "-I$include" "$include/netpoll/$header" \
    >"$TEST_TMPDIR/brings" 2>"$TEST_TMPDIR/said"; then
    echo "$header does not compile alone:"
    cat "$TEST_TMPDIR/said"
    failed=1
  elif grep -oE "[^ ]*($banned)[^ ]*" "$TEST_TMPDIR/brings"; then
    echo "... is what $header brings to a program that includes it"
    failed=1
  fi
done
echo "$# headers"
(($# > 10)) || failed=1
exit "$failed"
