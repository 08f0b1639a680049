#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`netpoll demo`: its counters are filled, and its JSON is JSON."""

import json
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import NETPOLL  # noqa: E402


def demo(*flags):
    return subprocess.run(
        [NETPOLL, "demo", "--seconds", "1", *flags],
        capture_output=True, text=True, check=True, timeout=60,
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


if __name__ == "__main__":
    unittest.main()
