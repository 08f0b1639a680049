#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiled with NETPOLL_USDT, the runtime has the static probes that the page
# names, each with as many arguments; and none otherwise. Read from the objects,
# as tracers do.
# usage: probes_test.sh PAGE SOURCE...
set -euo pipefail

page=$1
shift
if ! echo '#include <sys/sdt.h>' | g++ -E -x c++ - >/dev/null 2>&1; then
  echo "there is no sys/sdt.h: run tools/setup"
  exit 1
fi
include=$TEST_TMPDIR/include
mkdir -p "$include"
ln -s "$PWD" "$include/netpoll"

# probes FLAG...: a line for each, `NAME ARGUMENTS`.
probes() {
  local source
  for source in "${sources[@]}"; do
    g++ -std=c++20 "$@" "-I$include" -c "$source" -o "$TEST_TMPDIR/object.o"
    readelf --notes "$TEST_TMPDIR/object.o"
  done | awk '$1 == "Provider:" { ours = $2 == "netpoll" }
    ours && $1 == "Name:" { name = $2 }
    ours && $1 == "Arguments:" { print name, NF - 1; ours = 0 }' | sort -u
}

sources=("$@")
# Commas between arguments, and not those within brackets.
named=$(sed -n 's/^| `netpoll:\(.*\)` | \(.*\) |$/\1: \2/p' "$page" |
  sed 's/([^)]*)//g' | awk -F: '{ print $1, gsub(",", ",", $2) + 1 }' | sort)
found=$(probes -DNETPOLL_USDT)
echo "$found"
if [[ $found != "$named" || $(wc -l <<<"$found") -lt 5 ]]; then
  echo "FAILED: the page names"
  echo "$named"
  exit 1
fi
sources=("$1")
if [[ -n $(probes) ]]; then
  echo "FAILED: there are probes that nobody asked for"
  exit 1
fi
