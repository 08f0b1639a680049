#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiles the core for a target: every header, and every template whole.
# usage: cross_test.sh COMPILER SOURCE HEADER...
set -euo pipefail

compiler=$1
source=$2
shift 2

if ! command -v "$compiler" >/dev/null; then
  echo "there is no $compiler: run tools/setup"
  exit 1
fi
include=$TEST_TMPDIR/include
mkdir -p "$include"
ln -s "$PWD" "$include/netpoll"
{
  printf '#include "netpoll/%s"\n' "$@"
  cat "$source"
} >"$TEST_TMPDIR/all.cc"

echo "$compiler for $("$compiler" -dumpmachine): $# headers"
"$compiler" -std=c++20 -Wall -Wextra -Werror -fno-exceptions -fno-rtti \
  "-I$include" -c "$TEST_TMPDIR/all.cc" -o "$TEST_TMPDIR/all.o"
