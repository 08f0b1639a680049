# SPDX-License-Identifier: Apache-2.0
"""What Bazel 4 knows by itself, under names that a load can take."""

builtin_cc_info = CcInfo  # buildifier: disable=native-cc-info
