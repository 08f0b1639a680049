#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/rules.md has every sentence that stops a process, as the source has it,
and each test that it names breaks a rule indeed."""

import glob
import os
import re
import unittest

# The repository itself: this file is reached through a link.
ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
ROOMS = ["core", "backends", "runtime"]
LITERALS = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
SHIPPED = re.compile(r"(?<!_test)(?<!test_support)\.(?:h|cc)$")


def files(rooms):
    for room in rooms:
        for path in sorted(
                glob.glob(os.path.join(ROOT, room, "**"), recursive=True)):
            if re.search(r"\.(?:h|cc)$", path):
                with open(path, encoding="utf-8") as file:
                    yield path, file.read()


def joined(literals):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals))


def sentences_of_the_source():
    found = set()
    for path, text in files(ROOMS):
        if not SHIPPED.search(path):
            continue
        for literals in re.findall(r"\bMisuse\(\s*" + LITERALS, text):
            found.add(joined(literals))
    return found


def rows():
    """Of each row: rule, what happens, tests."""
    with open(os.path.join(ROOT, "docs", "rules.md"), encoding="utf-8") as page:
        for line in page:
            cells = [cell.strip() for cell in line.strip("|\n ").split(" | ")]
            if line.startswith("| ") and cells[0] != "rule":
                yield cells + [""] * (3 - len(cells))


def sentences_of_the_page():
    found = set()
    for _, broken, _ in rows():
        if re.match(r".*\bstops\b", broken):
            found.update(re.findall(r"\*([^*]+)\*", broken))
    return found


def tests_of_the_source():
    """Of each name: the text of the test."""
    found = {}
    for path, text in files(ROOMS + ["tests"]):
        parts = re.split(r"^((?:TYPED_)?TEST(?:_F|_P)?)\((\w+),\s*(\w+)\)",
                         text, flags=re.M)
        for suite, name, body in zip(parts[2::4], parts[3::4], parts[4::4]):
            found[f"{suite}.{name}"] = body
    return found


class RulesTest(unittest.TestCase):

    def test_every_sentence_is_on_the_page(self):
        sentences = sentences_of_the_source()
        self.assertGreater(len(sentences), 25)
        self.assertEqual(sentences - sentences_of_the_page(), set())

    def test_the_page_has_no_other_sentence(self):
        everything = {joined(literals)
                      for path, text in files(ROOMS) if SHIPPED.search(path)
                      for literals in re.findall(LITERALS, text)}
        for sentence in sentences_of_the_page():
            self.assertTrue(
                any(sentence in literal for literal in everything), sentence)

    def test_every_test_is_in_the_source(self):
        tests = tests_of_the_source()
        named = 0
        for rule, _, names in rows():
            for name in re.findall(r"`([^`]+)`", names):
                self.assertTrue(name in tests, f"{rule}: {name}")
                named += 1
        self.assertGreater(named, 40)

    def test_what_stops_the_process_is_broken_by_a_death_test(self):
        tests = tests_of_the_source()
        for rule, broken, names in rows():
            if not broken.startswith("stops"):
                continue
            bodies = [tests.get(name, "")
                      for name in re.findall(r"`([^`]+)`", names)]
            self.assertTrue(
                any(re.search(r"EXPECT_DEATH|Aborted\(", body)
                    for body in bodies), rule)

    def test_every_rule_has_a_test_or_says_why_not(self):
        for rule, broken, names in rows():
            self.assertTrue("`" in names or "not seen" in broken, rule)


if __name__ == "__main__":
    unittest.main()
