#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How `netpoll serve` ends, and what it refuses to begin with."""

import os
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
    GET, HALF, HELLO, NETPOLL, PATIENCE, Server, echo, get, read_answer,
    readable, wait_until,
)


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # It came while the listener was being closed.


def connects(path):
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(path)
            return echo(client, b"x") == b"x"
    except ConnectionRefusedError:
        return False


class Stop(unittest.TestCase):
    def test_either_signal_ends_an_idle_server(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for threads in ("1", "3"):
                with Server("echo", "--threads", threads) as server:
                    with server.connect() as client:
                        self.assertEqual(echo(client, b"abc"), b"abc")
                        status, totals = server.stop(number)
                        self.assertEqual(client.recv(1), b"")
                    self.assertEqual(status, 0)
                    self.assertEqual(
                        totals,
                        {"connections": 1, "messages": 1, "bytes in": 3,
                         "bytes out": 3, "timeouts": 0, "errors": 0,
                         "refused": 0},
                    )

    def test_an_open_request_is_finished_and_idle_ones_are_closed(self):
        with Server("http", "--grace", "20s") as server:
            with server.connect() as idle, server.connect() as busy:
                self.assertEqual(get(idle)[2], HELLO)
                busy.sendall(HALF)
                time.sleep(0.1)  # Lets it arrive: or else it is no request yet.
                server.send()
                self.assertIsNone(read_answer(idle))
                wait_until(lambda: refuses(server.port), "no new clients")
                self.assertFalse(readable(busy, 0.3))
                busy.sendall(GET[len(HALF) :])
                status, fields, body = read_answer(busy)
                self.assertEqual((status, body), (200, HELLO))
                self.assertEqual(fields["connection"], "close")
                self.assertIsNone(read_answer(busy))
                status, totals = server.finish()
                self.assertEqual((status, totals["requests"]), (0, 2))
                self.assertEqual(totals["timeouts"], 0)

    def test_the_read_timeout_goes_on_during_the_grace_time(self):
        with Server("http", "--read-timeout", "1s", "--grace", "20s") as server:
            with server.connect() as busy:
                start = time.monotonic()
                busy.sendall(HALF)
                time.sleep(0.1)
                server.send()
                self.assertEqual(busy.recv(1), b"")
                self.assertGreaterEqual(time.monotonic() - start, 1.0)
                self.assertEqual(server.finish()[0], 0)

    def test_a_request_that_does_not_end_is_cut_after_the_grace_time(self):
        with Server("http", "--grace", "500ms") as server:
            with server.connect() as busy:
                busy.sendall(HALF)
                time.sleep(0.1)
                start = time.monotonic()
                status, totals = server.stop()
                self.assertEqual((status, totals["cut"]), (0, 1))
                self.assertGreaterEqual(time.monotonic() - start, 0.5)
                self.assertEqual(busy.recv(1), b"")

    def test_a_second_signal_ends_it_at_once(self):
        with Server("http", "--grace", "1h") as server:
            with server.connect() as busy, server.connect() as idle:
                busy.sendall(HALF)
                time.sleep(0.1)
                server.send(signal.SIGTERM)
                self.assertIsNone(read_answer(idle))
                status, _ = server.stop(signal.SIGINT)
                self.assertEqual(status, 0)

    def test_any_number_of_signals_end_it_once(self):
        with Server("http", "--grace", "1h", "--threads", "2") as server:
            with server.connect() as busy:
                busy.sendall(HALF)
                time.sleep(0.1)
                for _ in range(20):
                    server.send(signal.SIGINT)
                    server.send(signal.SIGTERM)
                    if server.process.poll() is not None:
                        break
                status, totals = server.finish()
                self.assertEqual(status, 0)
                self.assertEqual(totals["connections"], 1)
                self.assertEqual(totals["requests"], 0)

    def test_what_was_sent_before_the_signal_is_echoed(self):
        with Server("echo") as server:
            with server.connect() as client:
                self.assertEqual(echo(client, b"a"), b"a")
                server.send(signal.SIGSTOP)
                client.sendall(b"bcd")
                server.send()
                server.send(signal.SIGCONT)
                data = b""
                while piece := client.recv(10):
                    data += piece
                self.assertEqual(data, b"bcd")
                self.assertEqual(server.finish()[1]["messages"], 2)

    def test_it_ends_while_it_pauses_for_want_of_descriptors(self):
        with Server("echo", fds=16, refuses=True) as server:
            clients = [server.connect() for _ in range(20)]
            self.assertEqual(echo(clients[0], b"x"), b"x")
            self.assertEqual(server.stop()[0], 0)
            for client in clients:
                client.close()

    def test_it_ends_while_it_is_full(self):
        with Server("echo", "--max-connections", "1") as server:
            with server.connect() as first, server.connect():
                self.assertEqual(echo(first, b"x"), b"x")
                self.assertEqual(server.stop()[0], 0)

    def test_it_goes_on_when_nobody_reads_what_it_prints(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with Server("echo") as server:
                server.process.stdout.close()
                with server.connect() as client:
                    self.assertEqual(echo(client, b"abc"), b"abc")
                server.send(number)
                self.assertEqual(server.process.wait(PATIENCE), 0)
                self.assertEqual(server.process.stderr.read(), "")

    def test_it_serves_although_nobody_reads_its_first_line(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            reader, writer = os.pipe()
            os.close(reader)
            process = subprocess.Popen(
                [NETPOLL, "serve", "echo", "--listen", "unix:" + path],
                stdout=writer, stderr=subprocess.PIPE, text=True,
            )
            os.close(writer)
            try:
                wait_until(lambda: os.path.exists(path), "the socket")
                wait_until(lambda: connects(path), "somebody accepts")
                process.send_signal(signal.SIGTERM)
                self.assertEqual(
                    (process.communicate(timeout=PATIENCE)[1],
                     process.returncode),
                    ("", 0),
                )
            finally:
                process.kill()

    def test_a_unix_socket_is_removed(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            with Server("echo", listen="unix:" + path) as server:
                self.assertEqual(server.address, "unix:" + path)
                with server.connect() as client:
                    self.assertEqual(echo(client, b"x"), b"x")
                self.assertEqual(server.stop()[0], 0)
                self.assertFalse(os.path.exists(path))


class Refusals(unittest.TestCase):
    """Each is exit status 2, one sentence, and nothing on standard output."""

    def refused(self, *arguments):
        done = subprocess.run(
            [NETPOLL, "serve", *arguments],
            capture_output=True, text=True, timeout=PATIENCE,
        )
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("netpoll serve: "), done.stderr)
        return done.stderr

    def test_bad_use(self):
        listen = ("--listen", "127.0.0.1:0")
        self.refused("echo")
        self.refused(*listen)
        self.assertIn("echo or http", self.refused("gopher", *listen))
        self.refused("echo", "--listen", "127.0.0.1")
        self.refused("echo", "--listen", "127.0.0.1:70000")
        self.refused("echo", *listen, "--threads", "0")
        self.refused("echo", *listen, "--read-timeout", "1")
        self.refused("echo", *listen, "--read-timeout", "-1s")
        for name in ("header", "request", "write"):
            for bad in ("1", "-1s", "soon", ""):
                self.assertIn(f"--{name}-timeout", self.refused(
                    "http", *listen, f"--{name}-timeout", bad))
        self.refused("echo", *listen, "--max-connections", "many")
        self.assertIn("epoll", self.refused("echo", *listen, "--backend", "x"))

    def test_addresses_that_cannot_be_had(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.assertIn(
                "EADDRINUSE",
                self.refused("echo", "--listen", f"127.0.0.1:{port}"),
            )
        self.refused("echo", "--listen", "nobody.invalid:1")
        self.assertIn(
            "107", self.refused("echo", "--listen", "unix:/" + "x" * 120)
        )
        self.refused("echo", "--listen", "unix:/no/such/folder/socket")

    def test_a_file_in_the_way_is_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            with open(path, "w", encoding="ascii") as file:
                file.write("precious")
            refusal = self.refused("http", "--listen", "unix:" + path)
            self.assertIn("EADDRINUSE", refusal)
            with open(path, encoding="ascii") as file:
                self.assertEqual(file.read(), "precious")
            os.remove(path)
            with Server("echo", listen="unix:" + path) as server:
                self.refused("echo", "--listen", "unix:" + path)
                with server.connect() as client:
                    self.assertEqual(echo(client, b"x"), b"x")
                self.assertEqual(server.stop()[0], 0)

    def test_too_few_descriptors_to_begin(self):
        import resource

        done = subprocess.run(
            [NETPOLL, "serve", "echo", "--listen", "127.0.0.1:0"],
            capture_output=True, text=True, timeout=PATIENCE,
            preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (4, 4)),
        )
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
