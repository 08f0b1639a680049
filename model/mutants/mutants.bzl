# SPDX-License-Identifier: Apache-2.0
"""Compiles mutants: some of them in each translation unit."""

load("//tools/build_defs:netpoll.bzl", "netpoll_cc_library")

def mutants(name, rows, sources, units, more = [], visibility = None):
    """A library of mutants, each a variant of the matrix that registers itself.

    A row's unit depends on its name alone, so a new row recompiles one unit.

    Args:
      name: of the library.
      rows: the .mutant files.
      sources: core, the seam and the scenarios.
      units: in how many translation units.
      more: libraries of others, which it contains.
      visibility: of the library.
    """
    by_unit = {}
    for row in rows:
        by_unit.setdefault(hash(row) % units, []).append(row)
    libraries = []
    for unit, members in by_unit.items():
        source = "%s_%d" % (name, unit)
        native.genrule(
            name = source + "_source",
            srcs = members + sources,
            outs = [source + ".cc"],
            cmd = "$(location :make_mutants) $@ $(SRCS)",
            tools = [":make_mutants"],
        )
        netpoll_cc_library(
            name = source,
            srcs = [source + ".cc"],
            # A mutant may well leave something unused.
            copts = [
                "-O1",
                "-g0",
                "-w",
            ],
            deps = [
                "//model:engine",
                "//model:laws",
                "//model:system_headers",
                "//model:weaken",
            ],
            alwayslink = True,
        )
        libraries.append(source)
    netpoll_cc_library(
        name = name,
        visibility = visibility,
        deps = libraries + more,
    )
