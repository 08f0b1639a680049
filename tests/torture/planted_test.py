#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bugs that are planted are found, and what is printed says what they are and
how to run the round again. A campaign that finds none of them finds nothing."""

import json
import os
import re
import shlex
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torture import torture  # noqa: E402

# Nothing else disturbs: what is found is what was planted.
QUIET = ("--patience", "5", "--duration", "40s")
WRONG_BYTE = "(wrong byte|bytes of no key|wrong datagram|shorter than its key)"


class Planted(unittest.TestCase):
    def finds(self, bug, backend, sentence, faults="deadlines,buffers"):
        status, out, err = torture(
            "--break", bug, "--backend", backend, "--faults", faults, *QUIET
        )
        self.assertEqual(status, 1, f"{bug} on {backend}: {out}{err}")
        first = out.splitlines()[0]
        self.assertRegex(first, "^wrong: .*" + sentence)
        self.assertRegex(
            first,
            rf"\(seed \d+, {backend}, \d workers\); replay: netpoll torture "
            rf"--seed \d+ --rounds 1 --backend {backend} --threads \d ",
        )
        return first, out

    def test_a_lost_byte(self):
        for backend in ("epoll", "poll", "io_uring"):
            self.finds("byte", backend, WRONG_BYTE)

    def test_a_lost_event(self):
        _, out = self.finds(
            "wake", "epoll", "(nothing moved|a deadline was lost)", "none"
        )
        self.assertIn(" waits for ", out)  # Who, and for what.

    def test_an_early_deadline(self):
        for backend in ("epoll", "poll", "io_uring"):
            self.finds("early", backend, "early")

    def test_a_lost_deadline(self):
        for backend in ("epoll", "poll"):
            _, out = self.finds(
                "deadline", backend, "(a deadline was lost|nothing moved)"
            )
            self.assertIn(" waits for ", out)

    def test_a_descriptor_that_is_not_closed(self):
        # Unless somebody waits for the end of that stream, and is noticed first.
        for _ in range(6):
            first, _ = self.finds(
                "descriptor",
                "epoll",
                "(descriptor .* is left open|nothing moved)",
                "none",
            )
            if "is left open" in first:
                return
        self.fail("whoever waited was always noticed first")

    def test_memory_that_is_not_given_back(self):
        if os.environ.get("NETPOLL_SANITIZER"):
            self.skipTest("a sanitizer has a heap of its own")
        self.finds("memory", "epoll", "the heap grows", "none")

    def test_a_crash(self):
        self.finds("crash", "epoll", "was ended by signal 6")

    def test_the_replay_finds_it_again(self):
        first, _ = self.finds("byte", "epoll", WRONG_BYTE)
        words = shlex.split(first.split("replay: ", 1)[1])
        self.assertEqual(words[:2], ["netpoll", "torture"])
        status, out, _ = torture(*words[2:])
        self.assertEqual(status, 1, out)
        self.assertRegex(out, "^wrong: .*" + WRONG_BYTE)

    def test_json(self):
        status, out, _ = torture("--break", "byte", "--json", *QUIET)
        self.assertEqual(status, 1)
        said = json.loads(out)
        self.assertFalse(said["good"])
        self.assertRegex(said["wrong"], WRONG_BYTE)
        self.assertTrue(re.match("netpoll torture --seed ", said["replay"]))


class Use(unittest.TestCase):
    def test_a_round_is_a_good_line(self):
        status, out, err = torture("--rounds", "1", "--faults", "none")
        self.assertEqual((status, err), (0, ""), out)
        self.assertRegex(out, r"^good: 1 rounds, .* bytes verified.*seed 1\n$")

    def test_bad_use_is_a_sentence(self):
        for flags, sentence in (
            (("--faults", "rezets"), "'rezets' is none"),
            (("--break", "nothing"), "nothing"),
            (("--backend", "opoll"), "opoll"),
            (("--seed", "-1"), "-1"),
        ):
            status, out, err = torture(*flags)
            self.assertEqual((status, out), (2, ""), flags)
            self.assertRegex(err, "^netpoll torture: .*\n$")
            self.assertIn(sentence, err)

    def test_verbose_says_what_each_round_does(self):
        status, _, err = torture(
            "--rounds", "2", "--seed", "7", "--verbose", "--threads", "2",
            "--backend", "epoll", "--faults", "buffers",
        )
        self.assertEqual(status, 0)
        self.assertRegex(
            err,
            r"^round with seed 7: epoll, 2 workers, faults: \w+\n"
            r"round with seed 8: epoll, 2 workers, faults: \w+\n$",
        )


if __name__ == "__main__":
    unittest.main()
