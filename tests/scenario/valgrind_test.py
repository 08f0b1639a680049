#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every scenario under valgrind: no leak, no bad access."""

import concurrent.futures
import glob
import os
import shutil
import subprocess
import unittest

_HERE = os.path.dirname(os.path.abspath(__file__))
_NETPOLL = os.path.join(_HERE, "..", "..", "tools", "cli", "netpoll")
_FOUND = 99  # The exit status if valgrind finds something.
_VALGRIND = (
    "valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=all",
    "--errors-for-leak-kinds=definite,indirect,possible",
    f"--error-exitcode={_FOUND}",
)


def run(*arguments, text=None):
    return subprocess.run(
        [*_VALGRIND, _NETPOLL, *arguments],
        input=text, capture_output=True, text=True, timeout=600,
    )


def expected(file):
    return os.path.splitext(file)[0] + ".expected"


class Valgrind(unittest.TestCase):
    def setUp(self):
        self.assertIsNotNone(shutil.which("valgrind"), "run tools/setup")

    def ended(self, done, status, name):
        self.assertEqual(done.returncode, status, f"{name}\n{done.stderr}")

    def test_scenarios(self):
        files = sorted(glob.glob(os.path.join(_HERE, "*", "*.scenario")))
        self.assertGreater(len(files), 90)
        if os.environ.get("NETPOLL_BACKEND", "epoll") != "epoll":
            # What an edge remembers is not portable.
            files = [file for file in files if "/epoll/" not in file]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for file, done in zip(
                files, pool.map(lambda file: run("scenario", file), files)
            ):
                self.ended(done, 0, file)
                # So slowly other deadlines may pass than usually: the results
                # are another test's.
                with open(expected(file), encoding="ascii") as content:
                    self.assertEqual(
                        done.stdout.count("\n"), content.read().count("\n"), file
                    )

    def test_a_broken_rule_and_what_is_left_at_the_end(self):
        text = "open a\nfill a\nwriter a w 9\nreader a r 9\ndeadline a rw 9999\n"
        self.ended(run("scenario", "-", text=text), 0, "left parked")
        done = run("scenario", "-", text=text + "close a\n")
        self.ended(done, 2, "a broken rule")
        self.assertIn("-:6: descriptor 'a' has a parked reader", done.stderr)

    def test_servers_and_clients(self):
        if os.environ.get("NETPOLL_BACKEND") == "io_uring":
            # It keeps every other thread waiting for as long as one waits in
            # io_uring_enter.
            self.skipTest("valgrind has no threads beside a ring")
        done = run("demo", "--seconds", "1", "--connections", "4")
        self.ended(done, 0, "demo")


if __name__ == "__main__":
    unittest.main()
