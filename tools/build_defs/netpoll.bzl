# SPDX-License-Identifier: Apache-2.0
"""The C++ rules of this repository: its warnings, and its include paths.

A header is included by its path under `netpoll/`, here and in any workspace
that embeds this one: `#include "netpoll/core/poller.h"`. Only targets made by
these macros get the warnings; nothing is forced on an embedder's own code.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

# Each of these is known to gcc 12 and to clang 19. What makes them errors is in
# .bazelrc.
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wcast-qual",
    "-Wconversion",
    "-Wextra-semi",
    "-Wformat=2",
    "-Wimplicit-fallthrough",
    "-Wmissing-declarations",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wpointer-arith",
    "-Wshadow",
    "-Wundef",
    "-Wunused",
    "-Wvla",
    # Too many false alarms: int to a wider unsigned type, designated
    # initialisers that leave the rest to their defaults.
    "-Wno-sign-conversion",
    "-Wno-missing-field-initializers",
]

# gtest's macros and rapidcheck's templates trip over these in our own code.
TEST_WARNINGS = [
    "-Wno-conversion",
    "-Wno-missing-declarations",
    "-Wno-undef",
]

# core and backends must build in a tree without exceptions or RTTI.
CORE = [
    "-fno-exceptions",
    "-fno-rtti",
]

def _copts(core, test, copts):
    return (WARNINGS + (CORE if core else []) +
            (TEST_WARNINGS if test else []) + copts)

def _is_header(label):
    return label.endswith(".h") or label.endswith(".inc")

def _split(name, srcs, deps, kwargs):
    """Gives private headers the same include path as public ones.

    Bazel puts only `hdrs` under include_prefix. Headers among `srcs` move into
    a library of their own, which nobody else may name.

    Args:
      name: of the target.
      srcs: of the target.
      deps: of the target.
      kwargs: of the target, for testonly and the like.

    Returns:
      (srcs, deps) without the headers.
    """
    headers = [s for s in srcs if _is_header(s)]
    if not headers:
        return srcs, deps
    cc_library(
        name = name + "_private_headers",
        hdrs = headers,
        include_prefix = "netpoll",
        linkstatic = True,
        strip_include_prefix = "/",
        visibility = ["//visibility:private"],
        deps = deps,
        **{
            key: kwargs[key]
            for key in ["tags", "target_compatible_with", "testonly"]
            if key in kwargs
        }
    )
    return (
        [s for s in srcs if not _is_header(s)],
        deps + [":" + name + "_private_headers"],
    )

# Tests that depend on the one begin with the other, compiled once, under a
# sanitizer: see precompiled.bzl.
_TEST_SUPPORT = "//runtime:test_support"
_PRECOMPILED = "//tests/precompiled:runtime_tests"
_PRECOMPILED_HEADER = "netpoll/tests/precompiled/runtime_tests.h"
_PRECOMPILED_DIGEST = "netpoll/tests/precompiled/runtime_tests_digest.h"

def _precompile(deps, copts):
    """Adds what lets a test begin with what is compiled already.

    Args:
      deps: of the test.
      copts: of the test.

    Returns:
      (deps, copts)
    """
    here = "//%s:" % native.package_name()
    if type(deps) != "list" or not any([
        dep == _TEST_SUPPORT or here + dep[1:] == _TEST_SUPPORT
        for dep in deps
    ]):
        return deps, copts
    sanitized = "//tools/build_defs:sanitized"
    return (
        deps + select({
            sanitized: [_PRECOMPILED],
            "//conditions:default": [],
        }),
        copts + select({
            sanitized: [
                "-Winvalid-pch",
                "-include",
                _PRECOMPILED_HEADER,
                "-include",
                _PRECOMPILED_DIGEST,
            ],
            "//conditions:default": [],
        }),
    )

def netpoll_cc_library(
        name,
        srcs = [],
        hdrs = [],
        deps = [],
        copts = [],
        core = False,
        **kwargs):
    """A library. Headers among `srcs` are private to it.

    Args:
      name: of the target.
      srcs: sources and private headers.
      hdrs: public headers.
      deps: what it includes.
      copts: added after ours.
      core: whether exceptions and RTTI are off.
      **kwargs: as for cc_library.
    """
    srcs, deps = _split(name, srcs, deps, kwargs)
    cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = _copts(core, kwargs.get("testonly", False), copts),
        include_prefix = "netpoll",
        linkstatic = True,
        strip_include_prefix = "/",
        deps = deps,
        **kwargs
    )

def netpoll_cc_binary(
        name,
        srcs = [],
        deps = [],
        copts = [],
        **kwargs):
    """A program.

    Args:
      name: of the target.
      srcs: sources and headers.
      deps: what it includes.
      copts: added after ours.
      **kwargs: as for cc_binary.
    """
    srcs, deps = _split(name, srcs, deps, kwargs)
    cc_binary(
        name = name,
        srcs = srcs,
        copts = _copts(False, kwargs.get("testonly", False), copts),
        deps = deps,
        **kwargs
    )

def netpoll_cc_test(
        name,
        srcs = [],
        deps = [],
        copts = [],
        core = False,
        gtest_main = True,
        size = "small",
        **kwargs):
    """A test. Links GoogleTest (with GoogleMock) and its main.

    One that hangs says where, before its time is over.

    Args:
      name: of the target.
      srcs: sources and headers.
      deps: what it includes, GoogleTest apart.
      copts: added after ours.
      core: whether exceptions and RTTI are off.
      gtest_main: False for a test with a main, or a framework, of its own.
      size: as for cc_test.
      **kwargs: as for cc_test.
    """
    kwargs["testonly"] = True
    deps, copts = _precompile(deps, copts)
    srcs, deps = _split(name, srcs, deps, kwargs)
    gtest = [
        "@googletest//:gtest",
        "@googletest//:gtest_main",
        "//tools/testing:last_word",
    ]
    cc_test(
        name = name,
        size = size,
        srcs = srcs,
        copts = _copts(core, True, copts),
        linkstatic = True,
        deps = deps + (gtest if gtest_main else []),
        **kwargs
    )
