#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws who includes whom, from the files themselves.

usage: draw_includes.py > docs/dependencies.md
"""

import os
import sys

sys.dont_write_bytecode = True
_HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, _HERE)
from include_graph import (  # noqa: E402
    floors,
    for_tests,
    grouped,
    include_graph,
    reduced,
)
from tree import Tree  # noqa: E402

ROOMS = ("core", "backends", "runtime", "model", "tools", "tests", "examples")
# Drawn as rooms only.
OUTERMOST = ("tests", "examples")
# Folders with fewer files than that need no drawing.
FEWEST = 4

_TOP = """\
# Dependencies

Generated from the files' includes by `python3 tests/lint/draw_includes.py`; the lint holds that this page is current and that nothing goes round. An arrow goes from who includes to what is included, and is left out where another way says the same. A header and its source are one; tests are left out.

"""


def _name(node):
    return node.replace("/", "_").replace(".", "_")


def _flowchart(graph):
    lines = ["```mermaid", "flowchart TD"]
    for node, others in sorted(reduced(graph).items()):
        label = node.rsplit("/", 1)[-1] if "/" in node else node
        lines.append(f'  {_name(node)}["{label}"]')
        lines += [f"  {_name(node)} --> {_name(other)}" for other in others]
    return "\n".join(lines + ["```", ""])


def _floor_table(graph):
    lines = ["| floor | files |", "|---|---|"]
    for number, units in reversed(list(enumerate(floors(graph)))):
        names = ", ".join(os.path.basename(unit) for unit in units)
        lines.append(f"| {number} | {names} |")
    return "\n".join(lines + [""])


def page(tree):
    graph = include_graph(tree)

    def room_of(unit):
        room = unit.split("/", 1)[0]
        return room if room in ROOMS and not for_tests(unit) else None

    parts = [_TOP, "## Rooms\n\n", _flowchart(grouped(graph, room_of))]
    folders = sorted(
        {
            os.path.dirname(unit)
            for unit in graph
            if room_of(unit) and room_of(unit) not in OUTERMOST
        },
        key=lambda folder: (ROOMS.index(folder.split("/", 1)[0]), folder),
    )
    for folder in folders:

        def in_folder(unit, folder=folder):
            within = os.path.dirname(unit) == folder
            return unit if within and not for_tests(unit) else None

        files = grouped(graph, in_folder)
        if len(files) < FEWEST or not any(files.values()):
            continue
        parts += [f"\n## {folder}\n\n", _floor_table(files), "\n"]
        parts.append(_flowchart(files))
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page(Tree(os.path.join(_HERE, "..", ".."))))
