#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No client holds a place of `netpoll serve` for ever: neither one that does
not read, nor one that reads or writes a byte now and then."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import (  # noqa: E402
    GET, HALF, HELLO, NETPOLL, PATIENCE, Server, echo, get, read_answer,
    readable, wait_until,
)


def deafen(client, data, patience=PATIENCE):
    """Sends and never reads, until the server ends it. Whether it did."""
    client.settimeout(patience)
    try:
        while True:
            client.sendall(data)
    except ConnectionError:
        return True
    except TimeoutError:
        return False


class Writes(unittest.TestCase):
    # A server of http gives some 40,000 answers until the buffers are full.
    CASES = (("echo", b"x" * 65536, 20), ("http", GET * 1000, 2))

    def each(self, check, *flags):
        for kind, data, places in self.CASES:
            with self.subTest(kind=kind):
                check(kind, data, places, *flags)

    def all_places(self, kind, data, places, *flags):
        with Server(kind, "--max-connections", str(places), *flags) as server:
            deaf = [server.connect() for _ in range(places)]
            with ThreadPoolExecutor(places) as pool:
                ended = list(pool.map(lambda client: deafen(client, data), deaf))
            self.assertEqual(ended, [True] * places)
            with server.connect() as client:
                answer = echo(client, b"hi") if kind == "echo" else get(client)[2]
                self.assertEqual(answer, b"hi" if kind == "echo" else HELLO)
            for client in deaf:
                client.close()
            self.assertGreater(server.stop()[1]["timeouts"], 0)

    def test_those_that_do_not_read_lose_their_places(self):
        self.each(self.all_places, "--write-timeout", "1s")

    def test_the_read_timeout_holds_for_writes_too(self):
        self.each(self.all_places, "--read-timeout", "1s")

    def test_on_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = "unix:" + os.path.join(folder, "s")
            with Server("echo", "--write-timeout", "500ms",
                        listen=path) as server:
                fds = server.open_fds()
                with server.connect() as deaf:
                    self.assertTrue(deafen(deaf, b"x" * 65536))
                    wait_until(lambda: server.open_fds() == fds, "it is cut")
                self.assertEqual(server.stop()[1]["timeouts"], 1)

    def test_reading_a_byte_now_and_then_wins_no_time(self):
        with Server("echo", "--write-timeout", "1s") as server:
            with server.connect() as slow, \
                    ThreadPoolExecutor(1) as pool:
                ended = pool.submit(deafen, slow, b"x" * 65536)
                try:
                    while not ended.done() and slow.recv(1):
                        time.sleep(0.1)
                except ConnectionError:
                    pass
                self.assertTrue(ended.result())
            self.assertEqual(server.stop()[1]["timeouts"], 1)

    def test_a_write_that_had_to_wait_leaves_no_deadline_behind(self):
        with Server("echo", "--write-timeout", "2s") as server:
            with server.connect() as client:
                for _ in range(2):
                    # Far more than the buffers hold, so that writes wait.
                    data = os.urandom(8 << 20)
                    sender = threading.Thread(target=client.sendall, args=(data,))
                    sender.start()
                    back = b""
                    while len(back) < len(data):
                        back += client.recv(1 << 20)
                    sender.join()
                    self.assertEqual(back, data)
                    time.sleep(2.2)
                self.assertEqual(echo(client, b"hi"), b"hi")
            self.assertEqual(server.stop()[1]["timeouts"], 0)

    def test_zero_is_no_limit(self):
        with Server("echo", "--write-timeout", "0") as server:
            with server.connect() as deaf:
                self.assertFalse(deafen(deaf, b"x" * 65536, patience=1))
                deaf.settimeout(PATIENCE)
                self.assertEqual(len(deaf.recv(1000)), 1000)


class Requests(unittest.TestCase):
    def drip(self, data, *flags):
        """Sends a byte each 50 ms until the server ends it. How many went."""
        with Server("http", *flags) as server:
            with server.connect() as slow:
                start = time.monotonic()
                sent = 0
                try:
                    while sent < len(data) and not readable(slow, 0.05):
                        slow.sendall(data[sent : sent + 1])
                        sent += 1
                    self.assertEqual(slow.recv(100), b"")
                except ConnectionError:
                    pass
                took = time.monotonic() - start
            self.assertEqual(server.stop()[1]["timeouts"], 1)
        self.assertLess(sent, len(data))
        return took

    def test_a_dripped_header_has_its_limit(self):
        data = GET[:-2] + b"X: " + b"x" * 600
        self.assertGreaterEqual(self.drip(data, "--header-timeout", "1s"), 1.0)

    def test_so_have_dripped_bodies(self):
        for body in (b"Content-Length: 999\r\n\r\n" + b"x" * 900,
                     b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 150):
            took = self.drip(GET[:-2] + body, "--request-timeout", "4s")
            self.assertGreaterEqual(took, 4.0)

    def test_a_bodys_time_is_not_its_headers(self):
        with Server("http", "--header-timeout", "500ms") as server:
            with server.connect() as client:
                client.sendall(GET[:-2] + b"Content-Length: 2\r\n\r\n")
                time.sleep(1)
                client.sendall(b"ab")
                self.assertEqual(read_answer(client)[2], HELLO)
                time.sleep(1)  # Idle: neither.
                self.assertEqual(get(client)[2], HELLO)
            self.assertEqual(server.stop()[1]["timeouts"], 0)

    def test_the_shortest_limit_counts(self):
        for name in ("header", "request", "read"):
            limits = {"header": "1h", "request": "1h", "read": "1h"}
            limits[name] = "300ms"
            flags = [word for key, value in limits.items()
                     for word in (f"--{key}-timeout", value)]
            with Server("http", *flags) as server, server.connect() as client:
                start = time.monotonic()
                client.sendall(HALF)
                self.assertEqual(client.recv(1), b"")
                self.assertGreaterEqual(time.monotonic() - start, 0.3)
                self.assertEqual(server.stop()[1]["timeouts"], 1)

    def test_endless_empty_lines_are_refused(self):
        with Server("http") as server, server.connect() as client:
            try:
                client.sendall(b"\r\n" * 100_000)
            except ConnectionError:
                pass
            self.assertEqual(read_answer(client)[0], 400)

    def test_help_names_the_defaults(self):
        said = subprocess.run([NETPOLL, "serve", "--help"],
                              capture_output=True, text=True, check=True).stdout
        for name, usual in (("header", "30s"), ("request", "5m"),
                            ("write", "30s"), ("read", "0")):
            self.assertRegex(" ".join(said.split()),
                             rf"--{name}-timeout D [^-]*\(default {usual}\)")


class KeepAlive(unittest.TestCase):
    def test_the_system_asks_for_silent_clients(self):
        with Server("echo") as server, server.connect() as client:
            self.assertEqual(echo(client, b"x"), b"x")
            port = f":{server.port:04X}"
            # The timer that the server's end has: 2, keepalive.
            with open(f"/proc/{server.pid}/net/tcp", encoding="ascii") as table:
                rows = [line.split() for line in table.readlines()[1:]]
            timers = [row[5].split(":") for row in rows
                      if row[1].endswith(port) and row[3] == "01"]
            self.assertEqual([kind for kind, _ in timers], ["02"])
            # In ticks of 1/100 s: first asked within a minute.
            self.assertLessEqual(int(timers[0][1], 16), 6000)


if __name__ == "__main__":
    unittest.main()
