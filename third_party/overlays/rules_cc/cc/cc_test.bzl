# SPDX-License-Identifier: Apache-2.0
"""The spelling of newer rules_cc for cc_test."""

load(":defs.bzl", _cc_test = "cc_test")

cc_test = _cc_test
