#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tools/netpoll and the program show on a terminal, in a pipe, and when
somebody ends them.

usage: terminal_test.py TOOLS_NETPOLL PROGRAM TOOLS_TEST TOOLS_FUZZ

The wrapper has a stand-in for bazel, which says what bazel 4 says.
"""

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

WRAPPER, PROGRAM, TEST, FUZZ = (os.path.abspath(path) for path in sys.argv[1:5])

# Stands in for bazel, which goes on after Ctrl-C until what it compiles has come
# to its end.
BAZEL = """#!/bin/bash
if [[ $1 == info ]]; then echo "$ROOT/out"; exit; fi
if [[ " $* " == *" --bogus "* ]]; then
  echo "ERROR: Unrecognized option: --bogus" >&2
  exit 2
fi
case $(cat "$ROOT/how") in
  slow)
    trap '' HUP INT  # Of the terminal.
    trap 'echo stopped >"$ROOT/stopped"; sleep 5; exit 8' TERM
    echo 'Loading: 0 packages loaded' >&2
    echo '[41 / 169] Compiling a_file_with_quite_a_long_name.cc; 3s sandbox' >&2
    for ((i = 0; i < 300; i++)); do sleep 0.1; done ;;
  locked)
    echo 'Another command (pid=7) is running. Waiting for it to complete on the' \\
      'server (server_pid=8)...' >&2
    for ((i = 0; i < 300; i++)); do sleep 0.1; done ;;
  broken)
    echo '[1 / 2] Compiling a.cc; 1s local' >&2
    echo 'ERROR: a.cc:1:1: no such thing' >&2
    exit 1 ;;
esac
"""


class OnTerminal:
    """A program on a terminal of its own, of so many columns."""

    def __init__(self, command, columns, term="xterm", **env):
        self.screen, slave = pty.openpty()
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env=dict(os.environ, TERM=term, **env),
        )
        os.close(slave)
        self.said = ""

    def read(self):
        """False at the end."""
        if not select.select([self.screen], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self.screen, 65536)
        except OSError:
            return False
        self.said += data.decode()
        return bool(data)

    def read_until(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text not in self.said:
            if time.monotonic() > end or not self.read():
                raise AssertionError(f"no {text!r} in {self.said!r}")

    def type(self, keys):
        os.write(self.screen, keys.encode())

    def end(self, seconds=60):
        """Its status."""
        stop = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < stop:
            self.read()
        status = self.process.wait(1)
        while select.select([self.screen], [], [], 0)[0] and self.read():
            pass
        os.close(self.screen)
        return status


class Case(unittest.TestCase):
    def assert_fits(self, said, columns):
        for line in said.replace("\n", "\r").split("\r"):
            self.assertLess(len(line.replace("\x1b[K", "")), columns, line)

    def interrupt(self, running):
        """Ctrl-C; its status, within a second (and a busy machine's second)."""
        asked = time.monotonic()
        running.type("\x03")
        status = running.end()
        self.assertLess(time.monotonic() - asked, 2)
        return status


class Wrapper(Case):
    def setUp(self):
        self.root = os.path.join(os.environ["TEST_TMPDIR"], self.id())
        os.makedirs(os.path.join(self.root, "tools"))
        os.makedirs(os.path.join(self.root, "bin"))
        self.netpoll = os.path.join(self.root, "tools/netpoll")
        shutil.copy(WRAPPER, self.netpoll)
        self.script("tools/setup", "#!/bin/bash\n")
        self.script("bin/bazel", BAZEL)
        self.env = {
            "ROOT": self.root,
            "PATH": os.path.join(self.root, "bin") + ":" + os.environ["PATH"],
        }

    def script(self, name, text):
        path = os.path.join(self.root, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def on_terminal(self, how, columns=60, **more):
        self.write_how(how)
        return OnTerminal([self.netpoll, "check"], columns, **more, **self.env)

    def write_how(self, how):
        with open(os.path.join(self.root, "how"), "w", encoding="utf-8") as file:
            file.write(how)

    def in_pipe(self, how, command=None):
        self.write_how(how)
        return subprocess.Popen(
            command or [self.netpoll, "check"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(os.environ, **self.env),
            cwd=self.root,
        )

    def test_how_far_a_build_is_fits_the_terminal(self):
        running = self.on_terminal("slow")
        running.read_until("building netpoll_model: compiling 41 of 169")
        self.assertEqual(self.interrupt(running), 130)
        self.assert_fits(running.said.partition("^C")[0], 60)
        self.assertIn("netpoll: interrupted, building netpoll", running.said)
        with self.subTest("bazel is told"):
            end = time.monotonic() + 20
            while not os.path.exists(os.path.join(self.root, "stopped")):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.05)

    def test_whose_lock_it_is_that_a_build_waits_for(self):
        running = self.on_terminal("locked", 200)
        running.read_until("another build holds the lock")
        self.assertEqual(self.interrupt(running), 130)

    def test_plain_lines_on_a_dumb_terminal(self):
        running = self.on_terminal("slow", term="dumb")
        running.read_until("netpoll: building netpoll")
        self.assertEqual(self.interrupt(running), 130)
        self.assertNotIn("\x1b", running.said)
        self.assertNotIn("\r\r", running.said)

    def test_plain_lines_in_a_pipe_and_a_signal_to_it_alone(self):
        running = self.in_pipe("slow")
        said = running.stdout.readline()
        self.assertIn("netpoll: building netpoll", said)
        asked = time.monotonic()
        running.send_signal(signal.SIGTERM)
        self.assertEqual(running.wait(60), 143)
        # Whoever reads the pipe does not wait for bazel either.
        self.assertNotIn("stopped", running.stdout.read())
        self.assertLess(time.monotonic() - asked, 2)
        running.stdout.close()

    def test_what_does_not_build_cannot_be_carried_out(self):
        running = self.in_pipe("broken")
        said = running.communicate(timeout=60)[0]
        self.assertEqual(running.returncode, 2, said)
        self.assertIn("no such thing", said)
        self.assertNotIn("[1 / 2]", said)

    @unittest.skipUnless(shutil.which("git"), "no git")
    def test_bisecting_goes_round_a_commit_that_does_not_build(self):
        def git(*words):
            return subprocess.run(
                ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
                cwd=self.root,
                env=dict(os.environ, HOME=self.root, **self.env),
                capture_output=True,
                text=True,
                check=True,
            ).stdout

        self.write_how("")
        os.makedirs(os.path.join(self.root, "out/tools/cli"))
        self.script(
            "out/tools/cli/netpoll_model",
            '#!/bin/bash\n! grep -q bug "$ROOT/core/a.h"\n',
        )
        os.makedirs(os.path.join(self.root, "core"))
        git("init", "-q")
        commits = []
        for how, text in [
            ("", "fine"), ("", "fine still"), ("broken", "half"),
            ("", "a bug"), ("", "a bug still"),
        ]:
            self.write_how(how)
            with open(
                os.path.join(self.root, "core/a.h"), "w", encoding="utf-8"
            ) as file:
                file.write(text)
            git("add", "core", "how", "tools")
            git("commit", "-qm", text)
            commits.append(git("rev-parse", "HEAD").strip())
        git("bisect", "start", commits[-1], commits[0])
        # The first bad one is the half or the bug: git says that it cannot tell.
        with self.assertRaises(subprocess.CalledProcessError) as told:
            git("bisect", "run", "tools/netpoll", "check")
        said = told.exception.stdout + told.exception.stderr
        self.assertIn(commits[2], said)
        self.assertIn(commits[3], said)
        self.assertNotIn("is the first bad commit", said)


    def test_what_bazel_does_not_know_is_bad_use_of_tools_test(self):
        self.write_how("")
        shutil.copy(TEST, os.path.join(self.root, "tools/test"))
        running = self.in_pipe("", [os.path.join(self.root, "tools/test"), "--bogus"])
        said = running.communicate(timeout=60)[0]
        self.assertEqual(running.returncode, 2, said)
        self.assertIn("does not take these arguments", said)
        self.assertNotIn("passed", said)

    def test_fuzzing_says_what_is_missing(self):
        shutil.copy(FUZZ, os.path.join(self.root, "tools/fuzz"))
        for name in ("bash", "cat", "dirname", "readlink", "touch"):
            os.symlink(shutil.which(name), os.path.join(self.root, "bin", name))
        self.env["PATH"] = os.path.join(self.root, "bin")
        for target, wanted in [
            ("//model/fuzz:schedules", "clang-19 is missing"),
            ("schedules", "expected a target"),
        ]:
            running = self.in_pipe(
                "", [os.path.join(self.root, "tools/fuzz"), target]
            )
            said = running.communicate(timeout=60)[0]
            self.assertEqual(running.returncode, 2, said)
            self.assertIn(wanted, said)
            self.assertEqual(said.count("\n"), 1)
        # The compiler without its libFuzzer.
        self.script("bin/clang-19", f"#!/bin/bash\necho {self.root}\n")
        running = self.in_pipe(
            "", [os.path.join(self.root, "tools/fuzz"), "//model/fuzz:schedules"]
        )
        self.assertIn("libclang-rt-19-dev", running.communicate(timeout=60)[0])

    def test_fuzzing_makes_the_folder_that_gets_the_inputs(self):
        shutil.copy(FUZZ, os.path.join(self.root, "tools/fuzz"))
        os.makedirs(os.path.join(self.root, "lib/any"))
        self.script("lib/any/libclang_rt.fuzzer.a", "")
        self.script("bin/clang-19", f"#!/bin/bash\necho {self.root}\n")
        self.script("bin/bazel", "#!/bin/bash\n"
                    f"[[ $1 != info ]] || echo {self.root}/out\n")
        os.makedirs(os.path.join(self.root, "out/model/fuzz"))
        self.script("out/model/fuzz/schedules", '#!/bin/bash\necho "$*"\n')
        folders = [os.path.join(self.root, name) for name in ("new", "old")]
        running = self.in_pipe(
            "", [os.path.join(self.root, "tools/fuzz"),
                 "//model/fuzz:schedules", "-runs=1", *folders]
        )
        said = running.communicate(timeout=60)[0]
        self.assertEqual(said, " ".join(["-runs=1", *folders]) + "\n")
        self.assertEqual([os.path.isdir(f) for f in folders], [True, False])


class Program(Case):
    def on_terminal(self, columns, *words, **more):
        return OnTerminal([PROGRAM, *words], columns, **more)

    def test_how_far_check_is_fits_the_terminal(self):
        for columns in (40, 100):
            running = self.on_terminal(
                columns, "check", "--deep", "--only", "deep-*"
            )
            running.read_until(", pass 1 of 2")
            self.assertEqual(self.interrupt(running), 130)
            before, _, after = running.said.partition("^C")
            shown = [
                line for line in before.split("\r\x1b[K") if ", pass " in line
            ]
            for line in shown:
                self.assertLess(len(line), columns)
            self.assertRegex("\n".join(shown), r"\d+ of \d+ deep-[a-z-]+, pass 1")
            self.assertRegex(
                after,
                r"netpoll: interrupted after [0-9.]+ s: "
                r"\d+ of \d+ configurations explored",
            )

    def test_a_dumb_terminal_gets_plain_lines(self):
        running = self.on_terminal(
            80, "check", "--only", "read-*", term="dumb"
        )
        self.assertEqual(running.end(), 0)
        self.assertNotIn("\x1b", running.said)
        self.assertIn("every property holds", running.said)

    def test_a_pipe_gets_each_line_as_it_is_made(self):
        with subprocess.Popen(
            [PROGRAM, "check", "--deep"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            # Of a check that takes minutes.
            self.assertIn("states", running.stdout.readline())
            self.assertIn(" ", running.stdout.readline())
            running.send_signal(signal.SIGINT)
            said, errors = running.communicate(timeout=60)
            self.assertEqual(running.returncode, 130, said + errors)
            self.assertNotIn("\x1b", errors)
            self.assertEqual(errors.count("\n"), 1, errors)

    def test_it_ends_although_nobody_reads(self):
        ends = os.pipe()
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
        with subprocess.Popen(
            [PROGRAM, "check"], stdout=ends[1], stderr=subprocess.PIPE
        ) as running:
            # Full when nothing more goes in.
            os.set_blocking(ends[1], False)
            poller = select.poll()
            poller.register(ends[1], select.POLLOUT)
            end = time.monotonic() + 60
            while poller.poll(0) and time.monotonic() < end:
                time.sleep(0.05)
            os.set_blocking(ends[1], True)
            running.send_signal(signal.SIGINT)
            asked = time.monotonic()
            self.assertEqual(running.wait(60), 130)
            self.assertLess(time.monotonic() - asked, 2)
        os.close(ends[0])
        os.close(ends[1])

    def test_every_long_command_ends_within_a_second(self):
        for words in (
            ["check", "--memory-model", "rc11"],
            ["orders"],
            ["fuzz", "--seconds", "600"],
            ["torture", "--duration", "600s"],
        ):
            with self.subTest(words[0]):
                running = self.on_terminal(90, *words)
                running.read_until("\x1b[K")
                status = self.interrupt(running)
                self.assertEqual(status, 130, running.said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[5:])
