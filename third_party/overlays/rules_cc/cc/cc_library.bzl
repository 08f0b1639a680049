# SPDX-License-Identifier: Apache-2.0
"""The spelling of newer rules_cc for cc_library."""

load(":defs.bzl", _cc_library = "cc_library")

cc_library = _cc_library
