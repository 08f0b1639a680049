# SPDX-License-Identifier: Apache-2.0
"""Compiles mutants: some of them in each translation unit."""

load("//tools/build_defs:netpoll.bzl", "netpoll_cc_library")

def _chosen_row_impl(ctx):
    wanted = ctx.var.get("netpoll_row", "") + ".mutant"
    rows = [file for file in ctx.files.rows if file.basename == wanted]
    out = ctx.actions.declare_file(ctx.label.name + ".cc")
    ctx.actions.run(
        outputs = [out],
        inputs = rows + ctx.files.sources,
        executable = ctx.executable.make_mutants,
        arguments = [out.path] +
                    [file.path for file in rows + ctx.files.sources],
        mnemonic = "ChosenMutant",
    )
    return [DefaultInfo(files = depset([out]))]

_chosen_row = rule(
    implementation = _chosen_row_impl,
    attrs = {
        "rows": attr.label_list(allow_files = [".mutant"]),
        "sources": attr.label_list(allow_files = True),
        "make_mutants": attr.label(cfg = "exec", executable = True),
    },
)

def chosen_mutant(name, rows, sources, visibility):
    """A library of one mutant: the row that --define=netpoll_row=NAME names.

    Args:
      name: of the library.
      rows: the .mutant files to choose from.
      sources: as for mutants.
      visibility: of the library.
    """
    _chosen_row(
        name = name + "_source",
        rows = rows,
        sources = sources,
        make_mutants = ":make_mutants",
    )
    _library(name, [":" + name + "_source"], visibility)

def _library(name, srcs, visibility, tags = []):
    netpoll_cc_library(
        name = name,
        tags = tags,
        srcs = srcs,
        # A mutant may well leave something unused.
        copts = [
            "-Og",
            "-g0",
            "-w",
        ],
        visibility = visibility,
        deps = [
            "//model:engine",
            "//model:laws",
            "//model:system_headers",
            "//model:weaken",
        ],
        alwayslink = True,
    )

def mutants(
        name,
        rows,
        sources,
        units,
        golden = [],
        more = [],
        tags = [],
        visibility = None):
    """A library of mutants, each a variant of the matrix that registers itself.

    A row's unit depends on its name alone, so a new row recompiles one unit.

    Args:
      name: of the library.
      rows: the .mutant files.
      sources: core, the seam and the scenarios.
      units: in how many translation units.
      golden: if a mutant is to have only the families in which it dies, the files
        that say which.
      more: libraries of others, which it contains.
      tags: of the targets.
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
            srcs = members + sources + golden,
            outs = [source + ".cc"],
            cmd = "$(location :make_mutants) $@ $(SRCS)",
            tags = tags,
            tools = [":make_mutants"],
        )
        _library(source, [source + ".cc"], None, tags)
        libraries.append(source)
    netpoll_cc_library(
        name = name,
        tags = tags,
        visibility = visibility,
        deps = libraries + more,
    )
