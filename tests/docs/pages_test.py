#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documents are as the sources are, and what they show is tried.

usage: pages_test.py PROGRAM

Each block of a document says before it what it is, in a comment:

  compiles              a file that compiles, without a warning
  compiles in: FILE     part of one: with those beside it, in FILE of this folder
  lines of: FILE        lines that are in that file
  commands              commands, targets and flags that there are
  scenario              a scenario, whose comments are what PROGRAM says
  elsewhere: FILE       what a test runs, or an example
  shown: WHY            not tried, because
  run, said, said by    what commands_test.py tries

A drawing (mermaid) needs none, nor does what is written by a program.
"""

import os
import re
import subprocess
import sys
import unittest

# The repository itself: this file is reached through a link.
HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools", "docs")]
import reference  # noqa: E402
from blocks import ROOT, blocks_of, read  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
TMP = os.environ.get("TEST_TMPDIR", "/tmp")
WRITTEN = ("docs/reference/", "docs/dependencies.md")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]


def documents():
    for folder, _, names in sorted(os.walk(os.path.join(ROOT, "docs"))):
        for name in sorted(names):
            page = os.path.relpath(os.path.join(folder, name), ROOT)
            if name.endswith(".md") and not page.startswith(WRITTEN):
                yield page


def blocks():
    """Of each: page, kind, what follows it, text."""
    for page in documents():
        for mark, language, text in blocks_of(page):
            if language == "mermaid":
                continue
            kind, _, rest = mark.partition(": ")
            yield page, kind, rest, text


def of_kind(wanted):
    return [(page, rest, text) for page, kind, rest, text in blocks()
            if kind == wanted]


class Blocks(unittest.TestCase):
    KINDS = {"compiles", "compiles in", "lines of", "commands", "scenario",
             "elsewhere", "shown", "run", "said", "said by"}

    def test_each_says_what_it_is(self):
        count = 0
        for page, kind, rest, text in blocks():
            count += 1
            self.assertIn(kind, self.KINDS, page + ":\n" + text)
            if kind in ("elsewhere", "lines of"):
                self.assertTrue(os.path.exists(os.path.join(ROOT, rest)), rest)
            if kind == "shown":
                self.assertGreater(len(rest), 5, page)
        self.assertGreater(count, 50)

    def compile(self, text, what):
        include = os.path.join(TMP, "include")
        os.makedirs(include, exist_ok=True)
        if not os.path.exists(os.path.join(include, "netpoll")):
            os.symlink(ROOT, os.path.join(include, "netpoll"))
        done = subprocess.run(
            ["g++", "-std=c++20", *WARNINGS, "-fsyntax-only", "-I" + include,
             "-x", "c++", "-"],
            input=text, capture_output=True, text=True,
        )
        self.assertEqual(done.returncode, 0, what + "\n" + done.stderr)

    def test_what_compiles_compiles(self):
        whole = of_kind("compiles")
        parts = {}
        for page, rest, text in of_kind("compiles in"):
            parts.setdefault((page, rest), []).append(text)
        self.assertTrue(whole and parts)
        for page, _, text in whole:
            self.compile(text, page)
        for (page, name), texts in parts.items():
            with open(os.path.join(HERE, name), encoding="utf-8") as file:
                self.compile(
                    file.read().replace("@BLOCKS@", "\n".join(texts)), page)

    def test_lines_are_those_of_the_file(self):
        for page, rest, text in of_kind("lines of"):
            self.assertIn(text, read(rest), page)

    def test_commands_are_there(self):
        commands = 0
        for page, _, text in of_kind("commands"):
            for line in text.splitlines():
                words = re.sub(r"\s+#.*", "", line).split()
                if not words:
                    continue
                commands += 1
                look = self.bazel if words[0] == "bazel" else self.tool
                look(words, f"{page}: {line}")
        self.assertGreater(commands, 20)

    def bazel(self, words, where):
        self.assertIn(words[1], ("test", "run", "build"), where)
        for word in words[2:]:
            if word == "--":
                return
            label = re.fullmatch(r"//([\w/]*?)(/\.\.\.|:([\w.]+))?", word)
            if label is None:
                self.assertTrue(word.startswith("-") or words[2] == "-c", where)
                continue
            folder, rest, name = label.groups()
            self.assertTrue(os.path.isdir(os.path.join(ROOT, folder)), where)
            if name is not None:
                build = read(folder + "/BUILD.bazel")
                last = re.sub(r".*_(?=test$)", "", name)
                self.assertTrue(
                    f'"{name}"' in build or last != name and last in build,
                    where)

    def tool(self, words, where):
        program = os.path.join(ROOT, words[0])
        self.assertTrue(os.access(program, os.X_OK), where)
        sources = self.sources(words[0])
        for flag in re.findall(r"(?<!\S)--([\w-]+)", " ".join(words[1:])):
            self.assertRegex(sources, rf'(?:--|")({flag})\b', where)

    def sources(self, tool):
        """Where its flags are: its own text, or netpoll's commands."""
        if tool not in ("tools/netpoll", "tools/fuzz"):
            return read(tool)
        folders = ["tools/cli", "tools/torture", "tools/common"]
        return "\n".join(
            read(os.path.join(folder, name))
            for folder in folders
            for name in os.listdir(os.path.join(ROOT, folder))
            if name.endswith((".cc", ".h"))
        )

    def test_a_scenario_says_what_its_comments_say(self):
        for page, _, text in of_kind("scenario"):
            path = os.path.join(TMP, "shown.scenario")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run([PROGRAM, "scenario", path],
                                  capture_output=True, text=True, timeout=60)
            said = done.stdout
            self.assertEqual(done.returncode, 0, page + "\n" + done.stderr)
            for wanted in re.findall(r"# (.*)$", text, re.M):
                self.assertIn(wanted + "\n", said, page)
                said = said[said.index(wanted + "\n"):]


class Pages(unittest.TestCase):
    def test_the_reference_is_what_the_headers_say(self):
        for name in reference.PAGES:
            # Long, and a difference would be no help.
            self.assertTrue(
                read(f"docs/reference/{name}.md") == reference.page(name),
                f"docs/reference/{name}.md is old: tools/docs/reference.py")

    def test_each_public_header_has_its_row(self):
        rows = [row[0] for row in reference.headers()]
        self.assertEqual(len(rows), len(set(rows)))
        for row in rows:
            self.assertTrue(os.path.exists(os.path.join(ROOT, row)), row)
        build = read("runtime/BUILD.bazel")
        listed = build[build.index("_PUBLIC_HEADERS = ["):]
        public = re.findall(r'"(\w+\.h)"', listed[:listed.index("]")])
        self.assertGreater(len(public), 30)
        for name in public:
            self.assertIn("runtime/" + name, rows)

    def test_each_variable_of_the_environment_has_its_row(self):
        rows = set(re.findall(r"^\| `(NETPOLL_\w+)`",
                              read("docs/environment.md"), re.M))
        used, mentioned = set(), set()
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [name for name in folders
                          if not name.startswith(("bazel-", "."))]
            for name in names:
                if not name.endswith((".cc", ".h", ".py", ".bzl", ".bazel")):
                    continue
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text = file.read()
                used.update(re.findall(
                    r'(?:getenv|environ\.get)\(\s*"(NETPOLL_\w+)"', text))
                mentioned.update(re.findall(r"NETPOLL_[A-Z_]+", text))
        self.assertLessEqual(used, rows)
        self.assertLessEqual(rows, mentioned)

    def test_the_site_is_built_and_its_links_lead_somewhere(self):
        folder = os.path.join(TMP, "site")
        done = subprocess.run(
            [sys.executable, os.path.join(ROOT, "tools/docs/site.py"), folder],
            capture_output=True, text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(os.path.exists(os.path.join(folder, "index.html")))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
