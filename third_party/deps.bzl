# SPDX-License-Identifier: Apache-2.0
"""netpoll_deps(): everything netpoll needs under a WORKSPACE, offline.

The names are the canonical ones of the Bazel Central Registry. A repository
that the embedding workspace has already defined is left as it is.
"""

load(":system_repository.bzl", "system_repository")

def _maybe(name, **kwargs):
    if name not in native.existing_rules():
        system_repository(name = name, **kwargs)

def netpoll_deps():
    """Defines every repository that netpoll uses, unless it is defined."""

    # What Bazel 4.2.3 itself would download, and the files that newer ones load.
    _maybe(name = "remote_coverage_tools")
    _maybe(name = "rules_cc")
    _maybe(name = "rules_java")
    _maybe(name = "rules_proto")
    _maybe(name = "rules_shell")

    _maybe(
        name = "abseil-cpp",
        links = {"absl": "/usr/include/absl"},
        package = "libabsl-dev",
    )
    _maybe(
        name = "boost.beast",
        links = {"boost": "/usr/include/boost"},
        package = "libboost1.81-dev",
    )
    _maybe(
        name = "google_benchmark",
        links = {"include/benchmark": "/usr/include/benchmark"},
        package = "libbenchmark-dev",
    )
    _maybe(
        name = "googletest",
        links = {
            "googlemock": "/usr/src/googletest/googlemock",
            "googletest": "/usr/src/googletest/googletest",
        },
        package = "googletest",
    )
    _maybe(
        name = "liburing",
        links = {
            "include/liburing": "/usr/include/liburing",
            "include/liburing.h": "/usr/include/liburing.h",
        },
        package = "liburing-dev",
    )
    _maybe(
        name = "rapidcheck",
        links = {
            "include/rapidcheck": "/usr/include/rapidcheck",
            "include/rapidcheck.h": "/usr/include/rapidcheck.h",
        },
        package = "librapidcheck-dev",
    )
