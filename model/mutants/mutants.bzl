# SPDX-License-Identifier: Apache-2.0
"""Compiles mutants: some of them in each translation unit."""

load("//tools/build_defs:netpoll.bzl", "netpoll_cc_library")

def _row_variable_impl(ctx):
    name = ctx.var.get("netpoll_row", "")
    return [platform_common.TemplateVariableInfo({"NETPOLL_ROW": name})]

_row_variable = rule(
    implementation = _row_variable_impl,
    doc = "$(NETPOLL_ROW): what --define=netpoll_row says, or nothing.",
)

def chosen_mutant(name, rows, sources, visibility):
    """A library of one mutant: the row that --define=netpoll_row=NAME names.

    Args:
      name: of the library.
      rows: the .mutant files to choose from.
      sources: as for mutants.
      visibility: of the library.
    """
    _row_variable(name = name + "_row")
    native.genrule(
        name = name + "_source",
        srcs = rows + sources,
        outs = [name + ".cc"],
        cmd = """
files=()
for file in $(SRCS); do
  case $$file in
    */'$(NETPOLL_ROW).mutant') files+=("$$file") ;;
    *.mutant) ;;
    *) files+=("$$file") ;;
  esac
done
$(location :make_mutants) $@ "$${files[@]}"
""",
        toolchains = [":%s_row" % name],
        tools = [":make_mutants"],
    )
    _library(name, [name + ".cc"], visibility)

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
