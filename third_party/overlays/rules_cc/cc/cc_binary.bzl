# SPDX-License-Identifier: Apache-2.0
"""The spelling of newer rules_cc for cc_binary."""

load(":defs.bzl", _cc_binary = "cc_binary")

cc_binary = _cc_binary
