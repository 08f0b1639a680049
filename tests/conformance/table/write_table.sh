#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the conformance tests and writes docs/conformance.md of the repository
# that `bazel run` was called in.
exec python3 tests/conformance/table/table.py --write "$BUILD_WORKSPACE_DIRECTORY" \
  "$@"
