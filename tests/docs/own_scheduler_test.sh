#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The example of an embedder's scheduler runs: three rounds, then a deadline.
set -euo pipefail

expected='pong: round 1
ping: round 1
pong: round 2
ping: round 2
pong: round 3
ping: timeout'
actual=$("$1")
if [[ $actual != "$expected" ]]; then
  printf 'expected:\n%s\nactual:\n%s\n' "$expected" "$actual"
  exit 1
fi
