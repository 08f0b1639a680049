#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds and tests the workspace next to this file with a Bazel of its own. It
# names netpoll as any embedding workspace would, so what only works from
# inside the repository fails here. --layers: by clang, which sees that whatever
# is included is of a target that is depended on. Bazel can do that in its
# sandbox alone (bazelbuild/bazel#21592): elsewhere clang finds what the map of a
# map names, and Bazel refuses what it was not told of.
# usage: consumer_test.sh [--layers] TARGET...
set -euo pipefail

how=(--spawn_strategy=local)
if [[ $1 == --layers ]]; then
  shift
  command -v clang++-19 >/dev/null || {
    echo "there is no clang++-19: run tools/setup --deep"
    exit 1
  }
  export CC=clang-19
  how=(--spawn_strategy=sandboxed --features=layering_check)
fi
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cd "$here/workspace"
export HOME=$TEST_TMPDIR
bazel=(bazel "--output_user_root=$TEST_TMPDIR/bazel" --batch)
status=0
"${bazel[@]}" test --symlink_prefix=/ --noshow_progress --jobs=2 \
  --strategy=TestRunner=local "${how[@]}" --nosandbox_debug "$@" || status=$?
# Of what this workspace has under its own names there is no second copy.
for second in abseil-cpp googletest; do
  if compgen -G "$TEST_TMPDIR/bazel/*/external/$second" >/dev/null; then
    echo "netpoll fetched @$second, which the workspace has already"
    status=1
  fi
done
# The outputs are read-only, which whoever cleans up after us may not expect.
chmod -R u+w "$TEST_TMPDIR/bazel" && rm -rf "$TEST_TMPDIR/bazel" || true
exit "$status"
