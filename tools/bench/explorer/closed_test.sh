#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spin and the explorer find the same states of a configuration of runs of any
# length: run fails otherwise.
set -eu

cd "$(dirname "$0")"
./run --closed --repeat 1 --program "$PWD/explorer_bench"
