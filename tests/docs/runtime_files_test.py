#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/architecture.md draws the files of runtime/ in the order that they have:
none includes one that is above it."""

import os
import re
import sys
import unittest

# The repository itself: this file is reached through a link.
ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "lint"))
from include_graph import for_tests, grouped, include_graph  # noqa: E402
from tree import Tree  # noqa: E402


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def drawn():
    """The names in the page's table, the lowest first."""
    rows = re.findall(
        r"^\| (?:upper|lower|both)? ?\| (.*) \| ((?:`\w+` ?)+) ?\|$",
        read("docs/architecture.md"), re.M)
    return [
        ("protocols/" if "`protocols/`" in part else "") + name
        for part, names in reversed(rows)
        for name in re.findall(r"`(\w+)`", names)
    ]


def includes():
    """Of each header and source together: what it includes of the folder."""
    graph = include_graph(Tree(ROOT))

    def name(unit):
        folder, base = os.path.split(unit)
        above = {"runtime": "", "runtime/protocols": "protocols/"}
        if folder not in above or for_tests(unit):
            return None
        return above[folder] + base

    return grouped(graph, name)


class RuntimeFilesTest(unittest.TestCase):

    def test_each_file_is_drawn_once(self):
        self.assertEqual(sorted(drawn()), sorted(includes()))

    def test_no_file_includes_one_above_it(self):
        order = {name: place for place, name in enumerate(drawn())}
        upwards = [
            f"{name} -> {other}"
            for name, others in sorted(includes().items())
            for other in sorted(others)
            if order[other] > order[name]
        ]
        self.assertEqual(upwards, [])


if __name__ == "__main__":
    unittest.main()
