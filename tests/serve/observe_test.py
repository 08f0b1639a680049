#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How `netpoll serve` is looked into while it runs: the dump of SIGQUIT, the
trace, `netpoll top`, and the socket that it asks."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import (  # noqa: E402
    GET,
    NETPOLL,
    PATIENCE,
    Server,
    echo,
    get,
    read_answer,
)


def top(*arguments):
    return subprocess.run(
        [NETPOLL, "top", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def ask(address, path):
    """What the status socket answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(address)
        client.sendall(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % path)
        status, _, body = read_answer(client)
        return status, body.decode()


class Dump(unittest.TestCase):
    def dump(self, server):
        server.send(signal.SIGQUIT)
        text = ""
        while not text.endswith("\n\n"):
            line = server.process.stderr.readline()
            self.assertTrue(line, text)
            text += line
        self.assertTrue(text.startswith("netpoll runtime on "), text)
        return text

    def test_sigquit_says_who_waits_where_and_it_goes_on(self):
        for kind, session in (("echo", "EchoSession"), ("http", "HttpSession")):
            with Server(kind, "--threads", "2") as server:
                with server.connect() as client:
                    self.assertTrue(
                        get(client) if kind == "http" else echo(client, b"x")
                    )
                    port = client.getsockname()[1]
                    for _ in range(2):
                        text = self.dump(server)
                        # It may not wait again yet.
                        while f"from 127.0.0.1:{port}\n" not in text:
                            text = self.dump(server)
                        found = re.search(
                            r"  1 waits in .*" + session + r".*\[0x[0-9a-f]+\]"
                            r"\n    to read fd \d+, for \d+ m?s, "
                            + re.escape(server.address), text)
                        self.assertTrue(found, text)
                    self.assertTrue(
                        get(client) if kind == "http" else echo(client, b"y")
                    )
                server.send()
                server.process.communicate(timeout=PATIENCE)
                self.assertEqual(server.process.returncode, 0)


class Trace(unittest.TestCase):
    def trace(self, *flags):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace.json")
            with Server("http", "--trace", path, *flags) as server:
                with server.connect() as client:
                    for _ in range(50):
                        self.assertEqual(get(client)[0], 200)
                    server.send(signal.SIGINT)
                    out, err = server.process.communicate(timeout=PATIENCE)
                self.assertEqual((server.process.returncode, err), (0, ""))
            with open(path, encoding="utf-8") as file:
                return out, json.load(file)

    def test_it_has_each_run_poll_and_wait(self):
        out, trace = self.trace("--threads", "2")
        self.assertIn("traced ", out)
        events = trace["traceEvents"]
        self.assertEqual(trace["otherData"]["lost"], 0)
        self.assertFalse(trace["otherData"]["killed"])
        tracks = {
            (event["pid"], event["tid"]): event["args"]["name"]
            for event in events if event["name"] == "thread_name"
        }
        self.assertIn("worker 0", tracks.values())
        self.assertIn("worker 1", tracks.values())
        slices = [event for event in events if event["ph"] == "X"]
        session = [
            event for event in slices
            if event["cat"] == "run" and "HttpSession" in event["name"]
        ]
        self.assertGreaterEqual(len(session), 1)
        waits = [
            event for event in slices
            if event["cat"] == "wait" and "HttpSession" in event["name"]
        ]
        self.assertGreaterEqual(len(waits), 1)
        self.assertTrue([e for e in slices if e["cat"] == "poll"])
        # What is on a track follows one another, or the picture is wrong.
        ends = {}
        for event in sorted(slices, key=lambda e: e["ts"]):
            track = event["pid"], event["tid"]
            self.assertIn(track, tracks)
            self.assertGreaterEqual(event["ts"] + 0.002, ends.get(track, 0))
            ends[track] = event["ts"] + event["dur"]

    def test_one_that_was_killed_leaves_a_whole_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace.json")
            with Server("http", "--trace", path) as server:
                with server.connect() as client:
                    for _ in range(50):
                        self.assertEqual(get(client)[0], 200)
                    server.send(signal.SIGKILL)
                    # Whoever reads what it prints is not kept.
                    server.process.communicate(timeout=PATIENCE)
            text = ""
            end = time.monotonic() + PATIENCE
            while not text.endswith("]}\n"):
                self.assertLess(time.monotonic(), end, text[-200:])
                if os.path.exists(path):
                    with open(path, encoding="utf-8") as file:
                        text = file.read()
            trace = json.loads(text)
            self.assertTrue(trace["otherData"]["killed"])
            waits = [
                event for event in trace["traceEvents"]
                if event["ph"] == "X" and event["cat"] == "wait" and
                "HttpSession" in event["name"]
            ]
            self.assertGreaterEqual(len(waits), 1)

    def test_what_was_there_stays_until_there_is_another(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace.json")
            with open(path, "w", encoding="ascii") as file:
                file.write("before")
            with Server("echo", "--trace", path) as server:
                # The address is taken, so it does not begin.
                done = subprocess.run(
                    [NETPOLL, "serve", "echo", "--listen", server.address,
                     "--trace", path], capture_output=True, timeout=PATIENCE)
                self.assertEqual(done.returncode, 2)
                with open(path, encoding="ascii") as file:
                    self.assertEqual(file.read(), "before")
                with Server("echo", "--trace", path) as other:
                    self.assertEqual(other.stop()[0], 0)
                with open(path, encoding="ascii") as file:
                    first = json.load(file)
                self.assertEqual(server.stop()[0], 0)
            with open(path, encoding="ascii") as file:
                self.assertNotEqual(json.load(file), first)
            self.assertEqual(os.listdir(folder), ["trace.json"])

    def test_a_fifo_that_nobody_reads_is_one_sentence(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "fifo")
            os.mkfifo(path)
            done = subprocess.run(
                [NETPOLL, "serve", "echo", "--listen", "127.0.0.1:0", "--trace",
                 path], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2)
            self.assertIn("No such device or address", done.stderr)

    def test_a_file_that_cannot_be_is_one_sentence(self):
        done = subprocess.run(
            [NETPOLL, "serve", "echo", "--listen", "127.0.0.1:0", "--trace",
             "/nonexistent/trace"],
            capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(
            done.stderr,
            "netpoll serve: cannot write '/nonexistent/trace': "
            "No such file or directory\n")


class Status(unittest.TestCase):
    def test_a_socket_of_its_own_answers_metrics_and_waits(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "status")
            with Server("echo", "--status", "unix:" + path) as server:
                with server.connect() as client:
                    self.assertEqual(echo(client, b"x"), b"x")
                    status, body = ask(path, b"/metrics")
                    self.assertEqual(status, 200)
                    self.assertIn("\nnetpoll_messages_total 1\n", body)
                    status, body = ask(path, b"/waits")
                    self.assertIn("EchoSession", body)
                code, totals = server.stop()
                self.assertEqual((code, totals["connections"]), (0, 1))
            self.assertFalse(os.path.exists(path))

    def test_a_place_that_cannot_be_is_named(self):
        def refusal(place):
            done = subprocess.run(
                [NETPOLL, "serve", "echo", "--listen", "127.0.0.1:0",
                 "--status", place],
                capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            return done.stderr

        for place in "127.0.0.1:0", "nowhere", "":
            self.assertIn(f"--status is '{place}', not unix:PATH",
                          refusal(place))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "status")
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(path)
            self.assertIn("nobody listens there any more",
                          refusal("unix:" + path))
            self.assertIn("No such file",
                          refusal(f"unix:{folder}/none/status"))

    def test_without_a_flag_it_has_the_process_for_a_name(self):
        with Server("http") as server:
            address = f"\0netpoll-{server.pid}"
            self.assertEqual(ask(address, b"/metrics")[0], 200)
            self.assertEqual(server.stop()[0], 0)

    def test_an_asker_that_stays_does_not_keep_it(self):
        with Server("echo") as server, socket.socket(socket.AF_UNIX) as asker:
            asker.connect(f"\0netpoll-{server.pid}")
            asker.sendall(GET)
            asker.settimeout(PATIENCE)
            self.assertEqual(read_answer(asker)[0], 200)
            begin = time.monotonic()
            self.assertEqual(server.stop()[0], 0)
            self.assertLess(time.monotonic() - begin, 4)


class Top(unittest.TestCase):
    def test_it_shows_each_worker(self):
        with Server("http", "--threads", "2") as server:
            for target in (str(server.pid), server.address):
                done = top(target, "--count", "2", "--interval", "50ms")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(done.stdout.count("worker  busy"), 2)
                self.assertRegex(done.stdout, r"(?m)^ +0 +(\d+%|-) ")
                self.assertRegex(done.stdout, r"(?m)^ +1 +(\d+%|-) ")
            self.assertEqual(server.stop()[0], 0)

    def test_json_has_rates(self):
        with Server("http") as server, server.connect() as client:
            watch = subprocess.Popen(
                [NETPOLL, "top", str(server.pid), "--json", "--interval",
                 "300ms", "--count", "1"],
                stdout=subprocess.PIPE, text=True)
            while watch.poll() is None:
                self.assertEqual(get(client)[0], 200)
            shown = json.loads(watch.communicate()[0])
            self.assertGreater(shown["messages_per_second"], 1)
            self.assertEqual(shown["connections"], 1)
            worker = shown["workers"][0]
            self.assertGreater(worker["polls_per_second"], 1)
            self.assertGreaterEqual(worker["busy"], 0)
            self.assertLessEqual(worker["busy"], 1)
            self.assertEqual(server.stop()[0], 0)

    def test_who_does_not_answer_is_one_sentence(self):
        done = top("2147483647")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(
            done.stderr, r"^netpoll top: nobody answers at unix:@netpoll-2147483647: .*\n$")
        for wrong in ("0", "-1", "nonsense", "unix:", "99999999999"):
            done = top(wrong)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertEqual(done.stderr.count("netpoll top: "), 1, wrong)

    def test_it_ends_with_the_server(self):
        with Server("echo") as server:
            watch = subprocess.Popen(
                [NETPOLL, "top", str(server.pid), "--interval", "50ms"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertIn("netpoll at", watch.stdout.readline())
            self.assertEqual(server.stop()[0], 0)
            _, err = watch.communicate(timeout=PATIENCE)
            self.assertEqual(watch.returncode, 1, err)


if __name__ == "__main__":
    unittest.main()
