# SPDX-License-Identifier: Apache-2.0
"""Fuzz targets: a source that defines LLVMFuzzerTestOneInput."""

load("//tools/build_defs:netpoll.bzl", "netpoll_cc_binary", "netpoll_cc_library", "netpoll_cc_test")

def netpoll_fuzz_target(name, srcs, deps):
    """A fuzz target, twice.

    NAME_test runs it on random inputs, with any compiler. NAME is for a
    fuzzer that brings a main of its own, such as clang's (tools/fuzz), and is
    built only when it is named.

    Args:
      name: of the target.
      srcs: with LLVMFuzzerTestOneInput.
      deps: what they include.
    """
    netpoll_cc_library(
        name = name + "_target",
        testonly = True,
        srcs = srcs,
        copts = ["-O1"],
        alwayslink = True,
        deps = deps,
    )
    netpoll_cc_binary(
        name = name,
        testonly = True,
        linkopts = select({
            "//tools/build_defs:libfuzzer": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        tags = ["manual"],
        deps = [":" + name + "_target"],
    )
    netpoll_cc_test(
        name = name + "_test",
        size = "medium",
        deps = [
            ":" + name + "_target",
            "//tests/fuzz:driver",
        ],
    )
