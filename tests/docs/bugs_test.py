#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/bugs.md names every row of the corpus, and says truly what holds it."""

import glob
import os
import re
import unittest

# The repository itself: this file is reached through a link.
ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
LETTERS = "CSKE"


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def page():
    """Of each row: its last column."""
    rows = {}
    for line in read("docs/bugs.md").splitlines():
        found = re.match(r"\| ([CSKE]\d+) \| .* \| .* \| (.*) \|$", line)
        if found:
            rows[found.group(1)] = found.group(2)
    return rows


def rows_of(pattern):
    """The rows that the mutants of some folder are named after."""
    files = glob.glob(os.path.join(ROOT, pattern), recursive=True)
    names = {os.path.basename(name).split("-")[0] for name in files}
    return {name for name in names if name[0] in LETTERS}


class BugsTest(unittest.TestCase):

    def test_no_number_is_left_out(self):
        for letter in LETTERS:
            numbers = sorted(int(row[1:]) for row in page() if row[0] == letter)
            self.assertEqual(numbers, list(range(1, numbers[-1] + 1)), letter)

    def check(self, holder, pattern):
        """`holder` is said of the rows that have such mutants, and no others."""
        said = {
            row for row, held in page().items()
            if holder in re.split(r"[;,] ", held)
        }
        have = rows_of(pattern)
        self.assertTrue(have, pattern)
        self.assertEqual(said, have & set(page()), holder)
        self.assertEqual(have - set(page()), set(), "rows that the page lacks")

    def test_the_explorers_mutants(self):
        self.check("explorer", "model/mutants/rows/*.mutant")

    def test_the_backends_mutants(self):
        folders = glob.glob(
            os.path.join(ROOT, "tests/conformance/*/mutants/*/"))
        backends = {folder.split(os.sep)[-4] for folder in folders}
        self.assertGreaterEqual(len(backends), 6)
        for backend in sorted(backends):
            self.check(backend, f"tests/conformance/{backend}/mutants/**/*.mutant")

    def test_files_exist_and_name_the_row(self):
        for row, held in page().items():
            for path in re.findall(r"`([^`]+\.(?:cc|h|py))`", held):
                text = read(path)
                if "test" in path:
                    self.assertRegex(text, rf"\b{row}\b", path)

    def test_every_row_is_held_by_something(self):
        for row, held in page().items():
            self.assertNotIn(held, ("", "—"), row)

    def test_what_the_explorer_cannot_express_is_no_mutant_of_its_own(self):
        impossible = set(
            re.findall(r"^([CSKE]\d+):", read("model/mutants/impossible.txt"),
                       re.M))
        explored = {
            row for row, held in page().items()
            if "explorer" in re.split(r"[;,] ", held)
        }
        self.assertEqual(impossible & explored, set())
        self.assertEqual(impossible | explored, set(page()))


if __name__ == "__main__":
    unittest.main()
