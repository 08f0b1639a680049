#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program that hangs is told with what it said and who waits."""

import os
import subprocess
import sys
import unittest

import watched_run

HANGS = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "import os, watched_run\n"
    "watched_run.run(['sh', '-c', 'echo begun; sleep 1000 & wait'],\n"
    "                os.environ, 1)\n"
)


class WatchedRunTest(unittest.TestCase):
    def test_what_ends_is_told_as_it_is(self):
        status, output = watched_run.run(
            ["sh", "-c", "echo said; exit 3"], os.environ, 60
        )
        self.assertEqual((status, output), (3, b"said\n"))

    def test_who_hangs_is_named_and_ended(self):
        done = subprocess.run(
            [sys.executable, "-c", HANGS, os.path.dirname(watched_run.__file__)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        said = done.stderr.decode()
        self.assertEqual(done.returncode, 1, said)
        self.assertEqual(done.stdout, b"begun\n")
        self.assertIn("was not done after 1 s", said)
        # The shell, and what it started.
        self.assertRegex(said, r"\d+/\d+ sh: S, [\w.]+, \d+ ")
        self.assertRegex(said, r"\d+/\d+ sleep: S, [\w.]+, \d+ ")
        for line in said.splitlines():
            if line.startswith("  "):
                pid = line.split("/")[0].strip()
                self.assertFalse(os.path.exists(f"/proc/{pid}/cwd/."), line)


if __name__ == "__main__":
    unittest.main()
