# SPDX-License-Identifier: Apache-2.0
"""Mutants of backends: their tests, compiled against patched headers."""

load("@rules_cc//cc:defs.bzl", "cc_library")
load("//tools/build_defs:netpoll.bzl", "netpoll_cc_binary")

def backend_mutants(name, folder, headers, test, deps, rows):
    """The test of a backend, once for every mutant of it.

    Args:
      name: of a filegroup of the programs and of their rows.
      folder: of the backend, from the root: "backends/epoll".
      headers: names of its header files, all of them.
      test: sources of the test that is to fail.
      deps: what the test and the headers depend on, but for the backend.
      rows: the .mutant files; each names under `breaks:` the tests that fail.
    """
    programs = []
    for row in rows:
        mutant = row.split("/")[-1].replace(".mutant", "")
        tree = mutant + "_headers"
        outs = ["%s/%s/%s" % (tree, folder, header) for header in headers]
        native.genrule(
            name = tree + "_source",
            srcs = [row] + ["//%s:%s" % (folder, header) for header in headers],
            outs = outs,
            cmd = "$(location //tests/conformance/mutants:patch_headers) " +
                  "$(RULEDIR)/%s $(SRCS)" % tree,
            tools = ["//tests/conformance/mutants:patch_headers"],
        )
        cc_library(
            name = tree,
            testonly = True,
            hdrs = outs,
            include_prefix = "netpoll",
            strip_include_prefix = tree,
            deps = deps,
        )
        netpoll_cc_binary(
            name = mutant,
            testonly = True,
            srcs = test,
            # A mutant may well leave something unused, and what the compiler
            # would refuse already is for the tests to find.
            copts = [
                "'-Dstatic_assert(...)=static_assert(true)'",
                "-O0",
                "-g0",
                "-w",
            ],
            deps = [
                ":" + tree,
                "@googletest//:gtest",
                "@googletest//:gtest_main",
            ] + deps,
        )
        programs.append(":" + mutant)
    native.filegroup(
        name = name,
        testonly = True,
        srcs = programs + rows,
        visibility = ["//tests/conformance/mutants:__pkg__"],
    )
