#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`netpoll serve` without memory, and without its standard streams: clients
are refused, and it goes on."""

import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import (  # noqa: E402
    GET, HELLO, NETPOLL, PATIENCE, Server, echo, get, receive, wait_until,
)

CLIENTS = 120


def grown(server):
    """The size of its address space, in bytes."""
    with open(f"/proc/{server.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


class Memory(unittest.TestCase):
    """120 clients of a process whose memory is enough for a few of them."""

    def limited(self, kind, ask, threads, *flags):
        # Another thread's arena has 64 MB of address space already, so it would
        # grow without asking for more.
        with Server(kind, "--threads", threads, *flags, refuses=True,
                    run=("env", "MALLOC_ARENA_MAX=1")) as server:
            with server.connect() as first:
                self.assertTrue(ask(first))
                room = grown(server) + (1 << 20)
                resource.prlimit(server.pid, resource.RLIMIT_AS, (room, room))
                clients = [server.connect() for _ in range(CLIENTS)]
                served = sum(self.asked(client, ask) for client in clients)
                # Some had to go, and some were served.
                self.assertLess(served, CLIENTS)
                self.assertGreater(served, 0)
                self.assertTrue(ask(first))
                for client in clients:
                    client.close()
                # What they had is there again for others.
                wait_until(lambda: self.serves(server, ask), "served again")
                self.assertTrue(ask(first))
            status, totals = server.stop()
            self.assertEqual(status, 0)
            self.assertGreater(totals["refused"], 0)
            self.assertIn("ENOMEM", server.log[0])
            self.assertLess(len(server.log), 1 + totals["refused"] / 4)

    def asked(self, client, ask):
        try:
            return ask(client)
        except ConnectionError:
            return False

    def serves(self, server, ask):
        with server.connect() as client:
            return self.asked(client, ask)

    def test_echo(self):
        self.limited("echo", lambda client: echo(client, b"hello") == b"hello", "1")

    def test_echo_on_two_threads(self):
        self.limited("echo", lambda client: echo(client, b"hello") == b"hello", "2")

    def test_http(self):
        def ask(client):
            answer = get(client)
            return answer is not None and answer[2] == HELLO

        self.limited("http", ask, "1", "--read-timeout", "1h")


class Refused(unittest.TestCase):
    """More clients than descriptors, refused by the system for seconds."""

    def test_it_is_said_at_a_bounded_rate_and_those_inside_are_served(self):
        with Server("echo", fds=16, refuses=True) as server:
            first = server.connect()
            clients = [server.connect() for _ in range(20)]
            self.assertEqual(echo(first, b"x"), b"x")
            lines = []
            wait = select.poll()
            wait.register(server.process.stderr, select.POLLIN)
            for _ in range(3):
                self.assertTrue(wait.poll(PATIENCE * 1000))
                lines.append(server.process.stderr.readline())
                self.assertEqual(echo(first, b"x"), b"x")
            for line in lines:
                self.assertIn("EMFILE", line)
            # Tries are made every 100 ms, and each is counted.
            for line in lines[1:]:
                self.assertRegex(line, r"; ([5-9]|1\d|2\d) more tries since")
            for client in clients:
                client.close()
            self.assertEqual(echo(first, b"x"), b"x")
            first.close()
            status, totals = server.stop()
            self.assertEqual(status, 0)
            # Some thirty tries, for one client each time that there is no room.
            self.assertGreater(totals["refused"], 0)
            self.assertLess(totals["refused"], 20)


class Streams(unittest.TestCase):
    """Without standard streams, or with ones that nobody reads."""

    def serve(self, kind, backend, **streams):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            process = subprocess.Popen(
                [NETPOLL, "serve", kind, "--listen", "unix:" + path,
                 "--backend", backend], **streams)
            try:
                wait_until(lambda: os.path.exists(path), "the socket")
                wait_until(lambda: self.answers(path), "somebody accepts")
                for fd in range(3):
                    target = os.readlink(f"/proc/{process.pid}/fd/{fd}")
                    self.assertFalse(target.startswith("socket"), target)
                    self.assertFalse(target.startswith("anon"), target)
                for _ in range(20):
                    self.assertTrue(self.answers(path))
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(PATIENCE), 0)
            finally:
                process.kill()
                process.wait()

    def answers(self, path):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            try:
                client.connect(path)
                client.sendall(GET)
                return receive(client, 4) == b"HTTP"
            except ConnectionError:
                return False

    def test_any_of_them_closed(self):
        for backend in ("epoll", "poll"):
            for closed in ((0,), (1,), (2,), (0, 1, 2)):
                with self.subTest(backend=backend, closed=closed):
                    self.serve("http", backend, preexec_fn=lambda: [
                        os.close(fd) for fd in closed])

    def test_nobody_reads_what_it_says(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.serve("http", "epoll", stdout=writer, stderr=writer)
        os.close(writer)

    def test_a_full_standard_error_holds_nobody_up(self):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))

        process = subprocess.Popen(
            [NETPOLL, "serve", "echo", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=writer, preexec_fn=limit, text=True)
        try:
            port = int(process.stdout.readline().rsplit(":", 1)[1])
            where = ("127.0.0.1", port)
            first = socket.create_connection(where, PATIENCE)
            self.assertEqual(echo(first, b"x"), b"x")
            others = [socket.create_connection(where, PATIENCE)
                      for _ in range(20)]
            # Those that are in are served while the others are refused.
            for _ in range(30):
                self.assertEqual(echo(first, b"x"), b"x")
                select.select([], [], [], 0.05)
            for client in (first, *others):
                client.close()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(PATIENCE), 0)
        finally:
            process.kill()
            process.communicate()
            os.close(reader)
            os.close(writer)


if __name__ == "__main__":
    unittest.main()
