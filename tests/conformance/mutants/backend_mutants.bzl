# SPDX-License-Identifier: Apache-2.0
"""Mutants of backends: their tests, compiled against patched headers."""

load("@rules_cc//cc:defs.bzl", "cc_library")
load(
    "//tools/build_defs:netpoll.bzl",
    "TEST_WARNINGS",
    "WARNINGS",
    "netpoll_cc_binary",
    "netpoll_cc_library",
)
load("//tools/build_defs:windows.bzl", "windows_binary")

# A mutant may well leave something unused, and what the compiler would refuse
# already is for the tests to find.
_NO_CHECKS = "-Dstatic_assert(...)=static_assert(true)"
_COPTS = [
    "-O0",
    "-g0",
    "-w",
]

# netpoll_cc_binary adds those of a test.
MUTANT_COPTS = WARNINGS + TEST_WARNINGS + _COPTS + ["'%s'" % _NO_CHECKS]
_PRECOMPILED = [
    "-Winvalid-pch",
    "-include",
    "netpoll/tests/conformance/mutants/mutants_begin.h",
]

# Nothing here is built but for mutants_test.
_TAGS = ["manual"]

def _patched_headers(row, mutant, folder, headers, more, deps):
    """A library with the headers of a backend, patched; its name."""
    tree = mutant + "_headers"
    files = [(folder, header) for header in headers]
    for room, names in more.items():
        files += [(room, header) for header in names]
    outs = ["%s/%s/%s" % (tree, room, header) for room, header in files]
    native.genrule(
        name = tree + "_source",
        srcs = [row] + ["//%s:%s" % (room, header) for room, header in files],
        outs = outs,
        cmd = "$(location //tests/conformance/mutants:patch_headers) " +
              "$(RULEDIR)/%s $(SRCS)" % tree,
        tags = _TAGS,
        tools = ["//tests/conformance/mutants:patch_headers"],
    )
    cc_library(
        name = tree,
        testonly = True,
        hdrs = outs,
        include_prefix = "netpoll",
        strip_include_prefix = tree,
        tags = _TAGS,
        deps = deps,
    )
    return ":" + tree

def _name_of(row):
    return row.split("/")[-1].replace(".mutant", "")

def _rows(tests):
    """[(row, sources of its test)]."""
    return [
        (row, test)
        for folder, test in tests.items()
        for row in native.glob(["mutants/%s/**/*.mutant" % folder])
    ]

def _suite_of(row):
    """Of a row in mutants/FOLDER/SUITE, what leaves out the other suites."""
    parts = row.split("/")
    return ["-DNETPOLL_CONFORMANCE_SUITE=" + parts[2]] if len(parts) > 3 else []

def _finish(name, rows):
    native.filegroup(
        name = name,
        testonly = True,
        srcs = [":" + _name_of(row) for row, _ in rows] +
               [row for row, _ in rows],
        tags = _TAGS,
        visibility = ["//tests/conformance/mutants:__pkg__"],
    )

_DEPS = [
    "//backends:backend",
    "//backends/posix",
    "//core",
    "//tests/conformance",
    "//tests/conformance/scripted",
]

def backend_mutants(name, backend, headers, tests, deps = [], more = {}):
    """The tests of a backend, once for every mutant of it.

    Args:
      name: of the filegroup of the programs and their rows: "mutants".
      backend: its name: "epoll".
      headers: names of its header files, all of them.
      tests: {folder below mutants/: sources of the test that is to fail}; each
        row names under `breaks:` the test that fails. Of the conformance suite,
        a row in FOLDER/SUITE has that one alone.
      deps: what the tests and the headers depend on beside what all do.
      more: headers of other rooms that a row may change, by room.
    """
    deps = _DEPS + deps
    rows = _rows(tests)
    for row, test in rows:
        mutant = _name_of(row)
        folder = "backends/" + backend
        netpoll_cc_binary(
            name = mutant,
            testonly = True,
            srcs = test,
            copts = _COPTS + ["'%s'" % _NO_CHECKS] + _suite_of(row) +
                    _PRECOMPILED,
            tags = _TAGS,
            deps = [
                _patched_headers(row, mutant, folder, headers, more, deps),
                "//tests/conformance/mutants:mutants_begin",
                "@googletest//:gtest",
                "@googletest//:gtest_main",
            ] + deps,
        )
    _finish(name, rows)

def windows_backend_mutants(
        name,
        backend,
        headers,
        tests,
        test_headers,
        deps,
        more = {}):
    """The same with programs for Windows, ROW.exe.

    Args:
      name: of the filegroup.
      backend: its name.
      headers: names of its header files, all of them.
      tests: {folder below mutants/: sources of the test that is to fail, without
        headers}.
      test_headers: those that depend on the backend.
      deps: libraries of headers, none that depends on the backend.
      more: headers of other rooms that a row may change, by room.
    """
    rows = _rows(tests)
    netpoll_cc_library(
        name = name + "_test_headers",
        testonly = True,
        hdrs = test_headers,
        tags = _TAGS,
        deps = deps + ["@googletest//:gtest"],
    )
    for row, test in rows:
        mutant = _name_of(row)
        folder = "backends/" + backend
        windows_binary(
            name = mutant,
            testonly = True,
            srcs = test,
            copts = _COPTS + [_NO_CHECKS],
            libraries = ["//tools/windows:gtest_main"],
            tags = _TAGS,
            deps = [
                _patched_headers(row, mutant, folder, headers, more, deps),
                ":%s_test_headers" % name,
                "@googletest//:gtest",
            ] + deps,
        )
    _finish(name, rows)
