#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--backend NAME: each that was built serves without an error, and what can't
be had is one sentence."""

import ctypes
import json
import os
import random
import re
import select
import struct
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import NETPOLL, PATIENCE, Server  # noqa: E402

CONNECTIONS = 64
BYTES = 64 << 10  # Of each connection.
LISTEN = ("--listen", "127.0.0.1:0")


def run(*arguments, backend=None, **more):
    """`backend`: what NETPOLL_BACKEND says; nothing, whatever the suite is
    forced onto, if None."""
    environment = dict(os.environ)
    environment.pop("NETPOLL_BACKEND", None)
    if backend is not None:
        environment["NETPOLL_BACKEND"] = backend
    return subprocess.run(
        [NETPOLL, *arguments], env=environment,
        capture_output=True, text=True, timeout=PATIENCE, **more,
    )


def built():
    """The names of the backends that this program has and that run here."""
    rows = json.loads(run("backends", "--json").stdout)["backends"]
    return [row["name"] for row in rows if row["runs"]]


class Client:
    """Sends its own bytes in pieces of any size, and expects them back."""

    def __init__(self, server, seed):
        self.random = random.Random(seed)
        self.socket = server.connect()
        self.socket.setblocking(False)
        self.data = self.random.randbytes(BYTES)
        self.sent = 0
        self.back = b""

    def send(self):
        piece = self.data[self.sent :][: self.random.randint(1, 3000)]
        try:
            self.sent += self.socket.send(piece)
        except BlockingIOError:
            pass

    def done(self):
        """Takes what came back. Whether that was all."""
        try:
            while piece := self.socket.recv(1 << 16):
                self.back += piece
        except BlockingIOError:
            pass
        if len(self.back) == self.sent and self.sent < BYTES:
            self.send()
        return len(self.back) == BYTES


def drive(clients):
    """Until each has its bytes back; fails when nothing comes for long."""
    poller = select.poll()
    open_clients = {client.socket.fileno(): client for client in clients}
    for fd, client in open_clients.items():
        poller.register(fd, select.POLLIN)
        client.send()
    while open_clients:
        events = poller.poll(PATIENCE * 1000)
        if not events:
            raise AssertionError(f"{len(open_clients)} clients wait for ever")
        for fd, _ in events:
            if open_clients[fd].done():
                poller.unregister(fd)
                del open_clients[fd]


class EachBackend(unittest.TestCase):
    def each(self, check):
        names = built()
        self.assertGreater(len(names), 0)
        for name in names:
            with self.subTest(backend=name):
                check(name)

    def end_without_error(self, server):
        status, totals = server.stop()
        self.assertEqual(status, 0)
        for name in ("errors", "timeouts", "refused"):
            self.assertEqual(totals[name], 0, name)
        return totals

    def test_echo(self):
        self.each(self.echo)

    def echo(self, name):
        with Server("echo", "--threads", "2", "--backend", name,
                    "--read-timeout", "1m") as server:
            clients = [Client(server, seed) for seed in range(CONNECTIONS)]
            drive(clients)
            for client in clients:
                self.assertEqual(client.back, client.data)
                client.socket.close()
            totals = self.end_without_error(server)
            self.assertEqual(totals["bytes in"], CONNECTIONS * BYTES)
            self.assertEqual(totals["connections"], CONNECTIONS)

    def test_http(self):
        self.each(self.http)

    def http(self, name):
        with Server("http", "--threads", "2", "--backend", name,
                    "--read-timeout", "1m") as server:
            report = subprocess.run(
                ["wrk", "-t1", f"-c{CONNECTIONS}", "-d1s",
                 f"http://{server.address}/"],
                capture_output=True, check=True, text=True,
            ).stdout
            self.assertNotIn("Socket errors", report)
            self.assertNotIn("Non-2xx", report)
            answered = int(re.search(r"(\d+) requests in", report)[1])
            self.assertGreater(answered, 100)
            totals = self.end_without_error(server)
            self.assertGreaterEqual(totals["requests"], answered)

    def test_demo(self):
        self.each(self.demo)

    def demo(self, name):
        done = run("demo", "--seconds", "1", "--connections", "16", "--json",
                   "--backend", name)
        self.assertEqual(done.returncode, 0, done)
        said = json.loads(done.stdout)
        self.assertEqual(said["backend"], name)
        self.assertEqual(said["errors"], 0)
        self.assertGreater(said["messages"], 100)
        self.assertGreater(said["timeouts"], 0)

    def test_the_variable_chooses_too(self):
        self.each(self.chosen)

    def chosen(self, name):
        done = run("backends", backend=name)
        self.assertRegex(done.stdout, rf"(?m)^{name} +runs here \(default\)$")


class IoUringForbidden:
    """What preexec_fn calls so that io_uring_setup fails with `error`."""

    IO_URING_SETUP = 425  # The same on every machine.
    NO_NEW_PRIVILEGES = 38
    SECCOMP = 22

    def __init__(self, error):
        def step(code, skip_if, skip_else, value):
            return struct.pack("HBBI", code, skip_if, skip_else, value)

        self.filter = b"".join([
            step(0x20, 0, 0, 0),  # Load the system call's number.
            step(0x15, 0, 1, self.IO_URING_SETUP),
            step(0x06, 0, 0, 0x00050000 | error),  # Fail.
            step(0x06, 0, 0, 0x7FFF0000),  # Allow.
        ])
        self.buffer = ctypes.create_string_buffer(self.filter)
        self.program = struct.pack(
            "HP", len(self.filter) // 8, ctypes.addressof(self.buffer))
        self.prctl = ctypes.CDLL(None, use_errno=True).prctl

    def __call__(self):
        zero, one, two = (ctypes.c_ulong(i) for i in range(3))
        if (self.prctl(self.NO_NEW_PRIVILEGES, one, zero, zero, zero) != 0
                or self.prctl(self.SECCOMP, two, self.program) != 0):
            raise OSError(ctypes.get_errno(), "prctl")


class Refusals(unittest.TestCase):
    """One sentence on standard error, and nothing on standard output."""

    COMMANDS = {
        "serve": ("serve", "echo", *LISTEN),
        "demo": ("demo",),
        "scenario": ("scenario", "/dev/null"),
        "backends": ("backends",),
    }

    def refused(self, status, *arguments, **more):
        done = run(*arguments, **more)
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith(f"netpoll {arguments[0]}: "))
        return done.stderr

    def test_no_such_backend(self):
        for name, command in self.COMMANDS.items():
            with self.subTest(command=name):
                said = self.refused(2, *command,
                                    backend="nonsense")
                self.assertIn("NETPOLL_BACKEND is 'nonsense', not one of epoll",
                              said)
                if name == "backends":
                    continue
                said = self.refused(2, *command, "--backend", "nonsense")
                self.assertIn("--backend is 'nonsense', not one of epoll", said)

    def test_the_flag_wins_over_the_variable(self):
        done = run("scenario", "/dev/null", "--backend", "epoll",
                   backend="nonsense")
        self.assertEqual(done.returncode, 0, done)

    def test_a_backend_that_the_system_forbids(self):
        for error, why in ((1, "forbids"), (38, "Linux 5.13")):
            for name in ("serve", "demo", "scenario"):
                with self.subTest(command=name, error=error):
                    said = self.refused(1, *self.COMMANDS[name],
                                        "--backend", "io_uring",
                                        preexec_fn=IoUringForbidden(error))
                    self.assertIn("backend io_uring does not run here: ", said)
                    self.assertIn(why, said)
            done = run("backends", preexec_fn=IoUringForbidden(error))
            self.assertEqual(done.returncode, 0, done)
            # Long lines are wrapped.
            self.assertRegex(" ".join(done.stdout.split()),
                             rf"io_uring does not run here: .*{why}")


if __name__ == "__main__":
    unittest.main()
