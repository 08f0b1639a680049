#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each row of docs/servers.md has its example: a program, or a test, that a
BUILD file names; and programs are as long as the page says."""

import os
import re
import unittest

# The repository itself: this file is reached through a link.
ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class ServersTest(unittest.TestCase):

    def test_each_row_has_an_example_that_is_run(self):
        rows = 0
        for line in read("docs/servers.md").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if len(cells) != 7 or cells[0] in ("feature", "---"):
                continue
            rows += 1
            path, _, name = cells[6].strip("` |").partition("#")
            text = read(path)
            self.assertTrue(name in text, line)
            folder, base = os.path.split(path)
            build = read(f"{folder}/BUILD.bazel")
            self.assertTrue(f'"{os.path.splitext(base)[0]}"' in build, line)
        self.assertGreater(rows, 25)

    def test_programs_are_as_long_as_it_says(self):
        found = re.findall(
            r"^\| \[[\w.]+\]\(\.\./(.*?)\).* \| (\d+) \|$",
            read("docs/servers.md"), re.M)
        self.assertGreater(len(found), 3)
        for path, lines in found:
            self.assertEqual(len(read(path).splitlines()), int(lines), path)


if __name__ == "__main__":
    unittest.main()
