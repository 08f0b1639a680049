#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A campaign of seconds on one backend finds nothing, and has done something.

The first argument is the backend; the second, if there is one, for how long."""

import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torture import SANITIZED, backends, torture  # noqa: E402

BACKEND = sys.argv.pop(1)
DURATION = sys.argv.pop(1) if len(sys.argv) > 1 else "12s"


class Campaign(unittest.TestCase):
    def test_nothing_is_wrong(self):
        if BACKEND not in backends():
            self.skipTest(BACKEND + " does not run here")
        duration = "4s" if SANITIZED else DURATION
        status, out, err = torture(
            "--backend", BACKEND, "--duration", duration, "--json",
            "--patience", "60", timeout=3600,
        )
        self.assertEqual(status, 0, out + err)
        said = json.loads(out)
        self.assertTrue(said["good"])
        for name in ("rounds", "connections", "bytes"):
            self.assertGreater(said[name], 0, name)
        print(out, end="")


if __name__ == "__main__":
    unittest.main()
