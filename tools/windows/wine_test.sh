#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a GoogleTest program of Windows under Wine, as Bazel expects of a test:
# its output, its exit status, its cases as XML, its filter and its shard.
# usage: wine_test.sh PROGRAM.exe [ARGUMENT...]
set -euo pipefail

source tools/windows/wine.sh

wine_start "$TEST_TMPDIR/wine" || exit 1
trap wine_stop EXIT

echo "$("$WINE_LOADER" --version), in a prefix without an installation"
if [[ -n ${XML_OUTPUT_FILE-} ]]; then
  export GTEST_OUTPUT="xml:$(windows_path "$XML_OUTPUT_FILE")"
fi
unset XML_OUTPUT_FILE
# There while the tests run: Wine's status of a program that crashed is 0 now
# and then.
running=$TEST_TMPDIR/running
export TEST_PREMATURE_EXIT_FILE=$(windows_path "$running")
export TEST_TMPDIR="C:\\windows\\temp"
export GTEST_FILTER=${TESTBRIDGE_TEST_ONLY:-${GTEST_FILTER:-*}}
program=$(windows_path "$1")
shift
wine_run "$program" "$@"
if [[ -e $running ]]; then
  echo "the program ended before its tests did" >&2
  exit 1
fi
