# SPDX-License-Identifier: Apache-2.0
"""The shape that every package of the overlay has."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def abseil_package(name, targets):
    """Defines the package's public targets.

    Args:
      name: of the filegroup of all its headers.
      targets: name of a target as upstream names it -> its headers.
    """
    native.filegroup(
        name = name,
        srcs = native.glob([
            "**/*.h",
            "**/*.inc",
        ]),
    )
    for name, hdrs in targets.items():
        cc_library(
            name = name,
            hdrs = hdrs,
            deps = ["//:abseil"],
        )
