#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/architecture.md draws the files of runtime/ in the order that they have:
none includes one that is above it."""

import glob
import os
import re
import unittest

# The repository itself: this file is reached through a link.
ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def drawn():
    """The names in the page's table, the lowest first."""
    rows = re.findall(
        r"^\| (?:upper|lower|both)? ?\| .* \| ((?:`\w+` ?)+) ?\|$",
        read("docs/architecture.md"), re.M)
    return [
        name for row in reversed(rows) for name in re.findall(r"`(\w+)`", row)
    ]


def includes():
    """Of each header and source together: what it includes of the folder."""
    found = {}
    for extension in ("h", "cc"):
        for path in glob.glob(os.path.join(ROOT, "runtime", f"*.{extension}")):
            name = os.path.splitext(os.path.basename(path))[0]
            if "test" in name:
                continue
            others = re.findall(
                r'#include "netpoll/runtime/(\w+)\.h"', read(path))
            found.setdefault(name, set()).update(set(others) - {name})
    return found


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
