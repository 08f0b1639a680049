# SPDX-License-Identifier: Apache-2.0
"""What this workspace has: a rules_cc, and Abseil and GoogleTest under names of
its own."""

def _own_repository_impl(ctx):
    for inside, outside in ctx.attr.links.items():
        ctx.symlink(outside, inside)
    ctx.file("WORKSPACE")
    for path, content in ctx.attr.files.items():
        ctx.file(path, content)

_own_repository = repository_rule(
    implementation = _own_repository_impl,
    attrs = {
        "files": attr.string_dict(),
        "links": attr.string_dict(),
    },
    local = True,
)

_BEGIN = """
load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])
"""

_ABSEIL = _BEGIN + """
cc_library(
    name = "all",
    hdrs = glob(["include/**"]),
    includes = ["include"],
    linkopts = [
        "-labsl_statusor",
        "-labsl_status",
        "-labsl_cord",
        "-labsl_str_format_internal",
        "-labsl_strings",
        "-labsl_throw_delegate",
        "-labsl_raw_logging_internal",
    ],
)
"""

_GTEST = _BEGIN + """
cc_library(
    name = "gtest",
    srcs = [
        "googlemock/src/gmock-all.cc",
        "googletest/src/gtest-all.cc",
    ],
    hdrs = glob(["google*/include/**/*.h"]),
    copts = ["-w"],
    includes = [
        "googlemock",
        "googlemock/include",
        "googletest",
        "googletest/include",
    ],
    linkopts = ["-pthread"],
    textual_hdrs = glob(["google*/src/*"]),
)

cc_library(
    name = "gtest_main",
    srcs = ["googlemock/src/gmock_main.cc"],
    deps = [":gtest"],
)
"""

# A rules_cc of this workspace: the rules, and a file that no other has.
_DEFS = """
cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library
"""

_MINE = """
MINE = "not netpoll's"
"""

def _abseil_package(names):
    return _BEGIN + "".join([
        'cc_library(name = "%s", deps = ["//:all"])\n' % name
        for name in names
    ])

def own_repositories():
    """Defines what a workspace has before it meets netpoll."""
    _own_repository(
        name = "rules_cc",
        files = {
            "cc/BUILD.bazel": "",
            "cc/defs.bzl": _DEFS,
            "cc/mine.bzl": _MINE,
        },
    )
    _own_repository(
        name = "my_absl",
        files = {
            "BUILD.bazel": _ABSEIL,
            "absl/memory/BUILD.bazel": _abseil_package(["memory"]),
            "absl/status/BUILD.bazel": _abseil_package(["status", "statusor"]),
            "absl/strings/BUILD.bazel": _abseil_package(["strings"]),
        },
        links = {"include/absl": "/usr/include/absl"},
    )
    _own_repository(
        name = "my_gtest",
        files = {"BUILD.bazel": _GTEST},
        links = {
            "googlemock": "/usr/src/googletest/googlemock",
            "googletest": "/usr/src/googletest/googletest",
        },
    )
