#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What whoever runs a server asks of it: every address, totals while it runs, a
log, JSON, and a word about what is in the way."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

# The folder as the test has it, where the program is.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import (  # noqa: E402
    NETPOLL,
    PATIENCE,
    Server,
    echo,
    wait_until,
)


class Everywhere(unittest.TestCase):
    def test_no_host_is_every_address_of_both_families(self):
        for listen in (":0", "*:0"):
            with Server("echo", listen=listen) as server:
                for host in ("127.0.0.1", "::1"):
                    with socket.create_connection(
                        (host, server.port), PATIENCE
                    ) as client:
                        self.assertEqual(echo(client, b"hello"), b"hello")
                status, totals = server.stop()
                self.assertEqual((status, totals["connections"]), (0, 2))


class Totals(unittest.TestCase):
    def test_a_signal_prints_them_and_it_goes_on(self):
        with Server("echo") as server, server.connect() as client:
            for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGUSR1):
                self.assertEqual(echo(client, b"hello"), b"hello")
                server.send(number)
                line = server.process.stdout.readline()
                self.assertIn("served 1 connections", line)
                self.assertIn("1 open", line)
                # Also of those that are still there.
                self.assertNotIn(" 0 bytes in", line)
            self.assertEqual(echo(client, b"more"), b"more")
            status, totals = server.stop()
            self.assertEqual((status, totals["bytes in"]), (0, 19))

    def test_json_is_an_object_a_line(self):
        with subprocess.Popen(
            [NETPOLL, "serve", "http", "--listen", "127.0.0.1:0", "--json"],
            stdout=subprocess.PIPE, text=True,
        ) as server:
            first = json.loads(server.stdout.readline())
            self.assertEqual(first["event"], "listening")
            port = int(first["address"].rpartition(":")[2])
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
            server.send_signal(signal.SIGUSR1)
            totals = json.loads(server.stdout.readline())
            self.assertEqual(totals["event"], "totals")
            server.send_signal(signal.SIGTERM)
            end = json.loads(server.stdout.readline())
            self.assertEqual((end["event"], end["open"]), ("end", 0))
            self.assertEqual(end["connections"], 1)
            self.assertEqual(server.stdout.read(), "")
            self.assertEqual(server.wait(PATIENCE), 0)


class Log(unittest.TestCase):
    LINE = re.compile(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ 127\.0\.0\.1:\d+ 1 messages 5 in 5 out "
        r"\d+\.\d{3} s\n"
    )

    def test_a_line_for_each_client_that_has_left(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log")
            with Server("echo", "--log", path) as server:
                self.serve_one(server)
                wait_until(lambda: self.lines(path) == 1, "a line")
                os.rename(path, path + ".1")
                server.send(signal.SIGHUP)
                server.process.stdout.readline()
                self.serve_one(server)
                wait_until(lambda: self.lines(path) == 1, "a line of its own")
                self.assertEqual(self.lines(path + ".1"), 1)
                self.assertEqual(server.stop()[0], 0)

    def serve_one(self, server):
        with server.connect() as client:
            self.assertEqual(echo(client, b"hello"), b"hello")

    def lines(self, path):
        with open(path, encoding="ascii") as file:
            lines = file.readlines()
        for line in lines:
            self.assertRegex(line, self.LINE)
        return len(lines)

    def test_a_log_that_nobody_reads_holds_nobody_up(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "pipe")
            os.mkfifo(path)
            reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            with Server("echo", "--log", path) as server:
                for _ in range(1500):  # Of some 70 bytes; a pipe has 64 KiB.
                    self.serve_one(server)
                status, totals = server.stop()
                self.assertEqual((status, totals["connections"]), (0, 1500))
                self.assertGreater(totals["lines of the log dropped"], 0)
            os.close(reader)

    def test_a_log_that_cannot_be_is_one_sentence(self):
        said = refused("--listen", "127.0.0.1:0", "--log", "/no/such/folder/log")
        self.assertIn("cannot write '/no/such/folder/log'", said)


def refused(*flags):
    done = subprocess.run(
        [NETPOLL, "serve", "echo", *flags],
        capture_output=True, text=True, timeout=PATIENCE,
    )
    assert done.returncode == 2, done
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


class InTheWay(unittest.TestCase):
    def test_a_socket_that_a_dead_server_left_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "it's")
            with Server("echo", listen="unix:" + path) as server:
                alive = refused("--listen", "unix:" + path)
                self.assertNotIn("any more", alive)
                server.process.kill()
                server.process.wait()
            said = refused("--listen", "unix:" + path)
            self.assertIn("nobody listens there any more", said)
            # As it says, it can be typed.
            command = said[said.index("rm ") :]
            subprocess.run(["bash", "-ec", command], check=True)
            with Server("echo", listen="unix:" + path) as server:
                self.assertEqual(server.stop()[0], 0)

    def test_a_file_that_is_no_socket_is_named(self):
        with tempfile.NamedTemporaryFile() as file:
            self.assertIn("no socket", refused("--listen", "unix:" + file.name))


if __name__ == "__main__":
    unittest.main()
