# SPDX-License-Identifier: Apache-2.0
"""What third_party/overlays has: a repository is made anew when this changes."""

OVERLAYS = {
    "abseil-cpp": [
        "BUILD.bazel",
        "abseil.bzl",
        "absl/algorithm/BUILD.bazel",
        "absl/base/BUILD.bazel",
        "absl/cleanup/BUILD.bazel",
        "absl/container/BUILD.bazel",
        "absl/debugging/BUILD.bazel",
        "absl/flags/BUILD.bazel",
        "absl/functional/BUILD.bazel",
        "absl/hash/BUILD.bazel",
        "absl/memory/BUILD.bazel",
        "absl/meta/BUILD.bazel",
        "absl/numeric/BUILD.bazel",
        "absl/random/BUILD.bazel",
        "absl/status/BUILD.bazel",
        "absl/strings/BUILD.bazel",
        "absl/time/BUILD.bazel",
        "absl/types/BUILD.bazel",
        "absl/utility/BUILD.bazel",
    ],
    "boost.asio": [
        "BUILD.bazel",
    ],
    "boost.beast": [
        "BUILD.bazel",
    ],
    "boost.context": [
        "BUILD.bazel",
    ],
    "glib": [
        "BUILD.bazel",
        "glib/BUILD.bazel",
    ],
    "google_benchmark": [
        "BUILD.bazel",
    ],
    "googletest": [
        "BUILD.bazel",
    ],
    "liburing": [
        "BUILD.bazel",
    ],
    "libuv": [
        "BUILD.bazel",
    ],
    "rapidcheck": [
        "BUILD.bazel",
    ],
    "remote_coverage_tools": [
        "BUILD.bazel",
        "WORKSPACE",
    ],
    "rules_cc": [
        "WORKSPACE",
        "cc/BUILD.bazel",
        "cc/cc_binary.bzl",
        "cc/cc_import.bzl",
        "cc/cc_library.bzl",
        "cc/cc_test.bzl",
        "cc/common/BUILD.bazel",
        "cc/common/builtin.bzl",
        "cc/common/cc_info.bzl",
        "cc/defs.bzl",
    ],
    "rules_java": [
        "WORKSPACE",
        "java/BUILD.bazel",
        "java/defs.bzl",
    ],
    "rules_proto": [
        "WORKSPACE",
        "proto/BUILD.bazel",
        "proto/defs.bzl",
    ],
    "rules_shell": [
        "WORKSPACE",
        "shell/BUILD.bazel",
        "shell/sh_binary.bzl",
        "shell/sh_test.bzl",
    ],
}
