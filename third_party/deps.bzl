# SPDX-License-Identifier: Apache-2.0
"""The repositories that netpoll needs under a WORKSPACE, offline.

The names are those of the Bazel Central Registry. What the embedding workspace
has already defined is left as it is. Who has one of them under another name
maps it, and nothing of ours is fetched:

    local_repository(
        name = "netpoll",
        path = "third_party/netpoll",
        repo_mapping = {"@abseil-cpp": "@com_google_absl"},
    )
"""

load(":system_repository.bzl", "system_repository")

def _maybe(name, **kwargs):
    if name not in native.existing_rules():
        system_repository(name = name, **kwargs)

def netpoll_deps():
    """What an embedder's targets need, from Debian's packages."""

    # For //:netpoll_runtime.
    _maybe(
        name = "abseil-cpp",
        links = {"absl": "/usr/include/absl"},
        package = "libabsl-dev",
    )

    # For //:netpoll_conformance.
    _maybe(
        name = "googletest",
        links = {
            "googlemock": "/usr/src/googletest/googlemock",
            "googletest": "/usr/src/googletest/googletest",
        },
        package = "googletest",
    )

def netpoll_offline_rules():
    """Stand-ins for what Bazel 4.2.3 would download before it builds anything.

    They have the rules that Bazel 4.2.3 has in itself, and nothing else: for a
    machine without a network. A workspace that uses more of these repositories
    defines its own, before this or instead of it.
    """
    _maybe(name = "remote_coverage_tools")
    _maybe(name = "rules_cc")
    _maybe(name = "rules_java")
    _maybe(name = "rules_proto")

def netpoll_dev_deps():
    """What only netpoll's own tests and tools need."""
    _maybe(name = "rules_shell")
    _maybe(
        name = "boost.asio",
        links = {"boost": "/usr/include/boost"},
        package = "libboost1.81-dev",
    )
    _maybe(name = "boost.beast")
    _maybe(
        name = "boost.context",
        links = {"boost": "/usr/include/boost"},
        package = "libboost-context1.81-dev",
    )
    _maybe(
        name = "glib",
        links = {
            "glib/config": "/usr/lib/x86_64-linux-gnu/glib-2.0/include",
            "glib/include": "/usr/include/glib-2.0",
        },
        package = "libglib2.0-dev",
    )
    _maybe(
        name = "google_benchmark",
        links = {"include/benchmark": "/usr/include/benchmark"},
        package = "libbenchmark-dev",
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
        name = "libuv",
        links = {
            "include/uv": "/usr/include/uv",
            "include/uv.h": "/usr/include/uv.h",
        },
        package = "libuv1-dev",
    )
    _maybe(
        name = "rapidcheck",
        links = {
            "include/rapidcheck": "/usr/include/rapidcheck",
            "include/rapidcheck.h": "/usr/include/rapidcheck.h",
        },
        package = "librapidcheck-dev",
    )
