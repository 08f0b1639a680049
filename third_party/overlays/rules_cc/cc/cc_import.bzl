# SPDX-License-Identifier: Apache-2.0
"""The spelling of newer rules_cc for cc_import."""

load(":defs.bzl", _cc_import = "cc_import")

cc_import = _cc_import
