# SPDX-License-Identifier: Apache-2.0
"""CcInfo, from where newer Bazels have it."""

load(":builtin.bzl", "builtin_cc_info")

CcInfo = builtin_cc_info
