#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program made of nothing but the blocks of the README builds and runs.

usage: blocks_test.py [whole]

Before each block the README says what it is: `<!-- FILE -->` a file of that
program, `<!-- run: FILE -->` commands that make that file, `<!-- elsewhere: TEST
-->` what another test runs. The folder has those files and netpoll in
third_party/netpoll, as the README says. Without `whole` the runtime is only
looked at by the compiler.
"""

import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from blocks import ROOT, blocks_of  # noqa: E402

WHOLE = sys.argv[1:] == ["whole"]
MAIN = """int WaitForOneByte();
int main() { return WaitForOneByte(); }
"""


class Blocks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = os.path.join(os.environ["TEST_TMPDIR"], "my_program")
        os.makedirs(os.path.join(cls.folder, "third_party"))
        os.symlink(ROOT, os.path.join(cls.folder, "third_party/netpoll"))
        cls.blocks = [
            (mark, text) for mark, _, text in blocks_of("README.md")
        ]
        for mark, block in cls.blocks:
            if mark and ":" not in mark:
                cls.write(mark, block)
        cls.write("main.cc", MAIN)

    @classmethod
    def write(cls, name, text):
        with open(os.path.join(cls.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def run_here(self, *command, **more):
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, **more
        )
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, " ".join(command) + "\n" + said)
        return said

    def test_every_block_says_what_it_is(self):
        self.assertGreater(len(self.blocks), 8)
        for mark, text in self.blocks:
            self.assertTrue(mark, text)
            if mark.startswith("elsewhere: "):
                path = os.path.join(ROOT, mark.partition(": ")[2])
                self.assertTrue(os.path.exists(path), mark)

    def test_the_server_compiles_without_a_warning(self):
        warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
        self.run_here(
            "g++", "-std=c++20", *warnings, "-fsyntax-only", "-Ithird_party",
            "my_server.cc",
        )

    def test_commands_make_what_they_say_and_it_runs(self):
        commands = 0
        for mark, text in self.blocks:
            if not mark.startswith("run: "):
                continue
            commands += 1
            made = mark.partition(": ")[2]
            self.assertFalse(os.path.exists(os.path.join(self.folder, made)))
            self.run_here("bash", "-euc", text)
            self.assertTrue(os.path.exists(os.path.join(self.folder, made)))
        self.assertEqual(commands, 1)
        self.run_here("g++", "main.cc", "my_runtime.o", "-o", "main")
        self.run_here("./main", timeout=60)

    def test_cmake_builds_it(self):
        runtime = "ON" if WHOLE else "OFF"
        self.run_here(
            "cmake", "-S.", "-Bbuild", "-DNETPOLL_RUNTIME=" + runtime
        )
        said = self.run_here("cmake", "--build", "build")
        self.assertIn("Built target my_runtime", said)
        if WHOLE:
            self.look_at("build/my_server")

    @unittest.skipUnless(WHOLE, "compiles the runtime")
    def test_bazel_builds_it(self):
        home = dict(os.environ, HOME=self.folder)
        user_root = os.path.join(os.environ["TEST_TMPDIR"], "bazel")
        bazel = ["bazel", "--output_user_root=" + user_root, "--batch"]
        quiet = ["--noshow_progress", "--jobs=2", "--spawn_strategy=local"]
        self.run_here(*bazel, "build", *quiet, "//...", env=home)
        self.look_at("bazel-bin/my_server")

    def look_at(self, program):
        """It echoes, through a port that the system chooses."""
        with subprocess.Popen(
            [os.path.join(self.folder, program), "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            try:
                port = server.stdout.readline().rpartition(":")[2].strip()
                said = self.run_here(
                    "bash", "-euc",
                    f"exec 3<>/dev/tcp/127.0.0.1/{port}; echo hello >&3;"
                    "read -r -t 20 answer <&3; echo $answer",
                )
                self.assertEqual(said, "hello\n")
            finally:
                server.kill()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
