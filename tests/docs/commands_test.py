#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tutorial's lines run, and what the documents say a command says it says.

usage: commands_test.py PROGRAM ROW [whole]

Before a block a document says what it is:

  <!-- run -->, <!-- run: 1 -->      commands, and the status of the last of them
  <!-- said -->, <!-- said: FILE --> words of what the commands before it said, or
                                     of a file that they made
  <!-- said by: ARGUMENTS -->        words of what the program says
  <!-- lines of: FILE -->            lines that are in that file

`...` stands for anything; how words are laid out, times and digests of the source
do not matter. The tutorial runs in a copy of what it changes. There tools/netpoll
is a stand-in that builds nothing: what would be built of the broken core/ is in
PROGRAM as the mutant ROW, and is compared with it to the letter. With `whole` it is
the real one, in a copy of everything.
"""

import os
import re
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from blocks import ROOT, blocks_of, read  # noqa: E402

PROGRAM, ROW = (os.path.abspath(path) for path in sys.argv[1:3])
WHOLE = sys.argv[3:] == ["whole"]

STAND_IN = """#!/bin/bash
# Stands in for tools/netpoll, which would build what core/ is now.
row=model/mutants/rows/$(basename "$ROW")
for word in "$@"; do
  [[ $word != --mutant ]] || cmp "$row" "$ROW" || exit 9
done
if cmp -s core/poll_desc.h shipped.h; then exec "$PROGRAM" "$@"; fi
cmp core/poll_desc.h broken.h || exit 9
[[ $1 != check ]] || set -- "$@" --mutant "$(basename "$ROW" .mutant)"
exec "$PROGRAM" "$@"
"""
BAZEL = """#!/bin/bash
# Stands in for bazel, which runs this test by itself.
[[ $1 == test ]] && grep -q "name = \\"${2##*:}\\"" "$ROOT/examples/BUILD.bazel"
"""


def blocks(document):
    return [(mark, text) for mark, _, text in blocks_of(document) if mark]


def words(text):
    """Without what differs from run to run."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    text = re.sub(r"(np1:[^:\s]+):[0-9a-f]+:([0-9a-z/]+):\w+", r"\1:\2", text)
    text = re.sub(r"\b[0-9.]+ s\b", "T s", text)
    text = re.sub(r"source [0-9a-f]{8,}", "source S", text)
    return " ".join(text.split())


class Case(unittest.TestCase):
    def assert_said(self, wanted, said, where):
        at = 0
        said = words(said)
        for part in words(wanted).split("..."):
            part = part.strip()
            found = said.find(part, at)
            self.assertGreaterEqual(
                found, 0, f"{where}: not said:\n{part}\n\nbut:\n{said[at:]}"
            )
            at = found + len(part)


class Documents(Case):
    def test_what_they_say_a_command_says_it_says(self):
        checked = 0
        for name in sorted(os.listdir(os.path.join(ROOT, "docs"))):
            if not name.endswith(".md"):
                continue
            for mark, text in blocks("docs/" + name):
                if not mark.startswith("said by: "):
                    continue
                checked += 1
                said = subprocess.run(
                    ["bash", "-c", '"$PROGRAM" ' + mark.partition(": ")[2]],
                    env=dict(os.environ, PROGRAM=PROGRAM, TERM="dumb"),
                    capture_output=True,
                    text=True,
                    timeout=100,
                )
                self.assertEqual(said.stderr, "", name)
                self.assert_said(text, said.stdout, name)
        self.assertGreater(checked, 1)


class Tutorial(Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = os.path.join(os.environ["TEST_TMPDIR"], "netpoll")
        cls.env = dict(
            os.environ, PROGRAM=PROGRAM, ROW=ROW, ROOT=ROOT, HOME=cls.folder,
            TERM="dumb", GIT_CONFIG_NOSYSTEM="1",
        )
        if WHOLE:
            shutil.copytree(
                ROOT, cls.folder, symlinks=True,
                ignore=shutil.ignore_patterns(".git", "bazel-*", ".build"),
            )
        else:
            cls.make_copy()
        for command in (
            "git init -q",
            "git add core",
            "git -c user.name=a -c user.email=a@b commit -qm shipped",
        ):
            subprocess.run(
                command.split(), cwd=cls.folder, env=cls.env, check=True
            )

    @classmethod
    def make_copy(cls):
        row = read(ROW)
        old, new = re.search(
            r"^<<<<\n(.*)^====\n(.*)^>>>>$", row, re.DOTALL | re.MULTILINE
        ).groups()
        shipped = read("core/poll_desc.h")
        assert shipped.count(old) == 1
        for name, text in {
            "core/poll_desc.h": shipped,
            "shipped.h": shipped,
            "broken.h": shipped.replace(old, new),
            "tools/setup": read("tools/setup"),
            "tools/netpoll": STAND_IN,
            "bin/bazel": BAZEL,
            "model/mutants/rows/README": "",
        }.items():
            path = os.path.join(cls.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, 0o755)
        cls.env["PATH"] = os.path.join(cls.folder, "bin") + ":" + cls.env["PATH"]

    @classmethod
    def tearDownClass(cls):
        if WHOLE:
            subprocess.run(
                ["bazel", "shutdown"], cwd=cls.folder, env=cls.env, check=False
            )

    def run_block(self, text, status):
        done = subprocess.run(
            ["bash", "-e"],
            input=text if status == 0 else f"set +e\n{text}\nexit $?\n",
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, text + "\n" + said)
        return said

    def test_every_line_does_what_it_says(self):
        said = None
        kinds = set()
        for mark, text in blocks("docs/tutorial.md"):
            kind, _, rest = mark.partition(": ")
            kinds.add(kind)
            if kind == "run":
                said = self.run_block(text, int(rest or 0))
            elif kind == "said":
                if rest:
                    with open(
                        os.path.join(self.folder, rest), encoding="utf-8"
                    ) as file:
                        self.assert_said(text, file.read(), rest)
                else:
                    self.assert_said(text, said, "docs/tutorial.md")
            elif kind == "lines of":
                self.assertIn(text, read(rest))
            else:
                self.fail(mark)
        self.assertEqual(kinds, {"run", "said", "lines of"})
        for page in "broken.html", "report/index.html", "report/read-close.html":
            page = os.path.join(self.folder, page)
            self.assertGreater(os.path.getsize(page), 1000)

    def test_every_block_is_marked(self):
        text = read("docs/tutorial.md")
        self.assertEqual(2 * len(blocks("docs/tutorial.md")), text.count("\n```"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
