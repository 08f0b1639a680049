#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`netpoll demo`: its counters are filled, and its JSON is JSON."""

import json
import os
import resource
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import NETPOLL  # noqa: E402


def demo(*flags, check=True, fds=None):
    def limit():
        if fds is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, fds)

    return subprocess.run(
        [NETPOLL, "demo", "--seconds", "1", *flags],
        capture_output=True, text=True, check=check, timeout=60,
        preexec_fn=limit,
    )


class Demo(unittest.TestCase):
    def test_json(self):
        for threads in ("1", "2"):
            done = demo("--json", "--connections", "16", "--threads", threads)
            said = json.loads(done.stdout)
            self.assertEqual(said["errors"], 0)
            for name in ("messages", "wakeups", "timeouts", "resets"):
                self.assertGreater(said[name], 0, name)
            self.assertGreaterEqual(said["seconds"], 1.0)
            latency = said["latency_ns"]
            self.assertLessEqual(latency["p50"], latency["p99"])
            self.assertLessEqual(latency["p99"], latency["max"])

    def test_text_says_what_to_try_next(self):
        done = demo()
        self.assertIn("try next:", done.stdout)
        self.assertIn("latency p50", done.stdout)
        self.assertEqual(done.stderr, "")  # No progress: it is no terminal.

    def test_the_usual_limit_of_descriptors_is_no_obstacle(self):
        done = demo("--json", "--connections", "100", fds=(64, 1000))
        self.assertEqual(json.loads(done.stdout)["errors"], 0)

    def test_more_than_there_may_be_is_one_sentence(self):
        done = demo("--connections", "100", check=False, fds=(64, 100))
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, "^netpoll demo: 100 connections need .*\n$")


if __name__ == "__main__":
    unittest.main()
