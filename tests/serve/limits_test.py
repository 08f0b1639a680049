#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that are slow, rude, greedy or too many: the others are served."""

import multiprocessing
import os
import select
import socket
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import (  # noqa: E402
    GET, HALF, HELLO, Server, echo, get, read_answer, readable, receive, reset,
    wait_until,
)


class ReadTimeout(unittest.TestCase):
    def test_half_a_request_is_closed_after_it_and_not_earlier(self):
        with Server("http", "--read-timeout", "1s") as server:
            with server.connect() as slow, server.connect() as other:
                start = time.monotonic()
                slow.sendall(HALF)
                served = 0
                while not readable(slow, 0.05):
                    self.assertEqual(get(other)[2], HELLO)
                    served += 1
                self.assertEqual(slow.recv(100), b"")
                self.assertGreaterEqual(time.monotonic() - start, 1.0)
                self.assertGreater(served, 0)
                self.assertEqual(get(other)[2], HELLO)
            self.assertEqual(server.stop()[1]["timeouts"], 1)

    def test_every_kind_of_half_is_closed(self):
        start = b"POST / HTTP/1.1\r\nHost: h\r\n"
        halves = (
            b"G",
            b"GET / HTTP/1.1\r\nHost: h\r\n",
            start + b"Content-Length: 10\r\n\r\nhalf",
            start + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
            GET + HALF,
        )
        with Server("http", "--read-timeout", "1s") as server:
            begin = time.monotonic()
            clients = [server.connect() for _ in halves]
            for client, half in zip(clients, halves):
                client.sendall(half)
            self.assertEqual(read_answer(clients[-1])[2], HELLO)
            for client in clients:
                self.assertEqual(client.recv(100), b"")
                self.assertGreaterEqual(time.monotonic() - begin, 1.0)
                client.close()
            self.assertEqual(server.stop()[1]["timeouts"], len(halves))

    def test_dribbling_bytes_wins_no_time(self):
        with Server("http", "--read-timeout", "500ms") as server:
            with server.connect() as slow:
                sent = 0
                try:
                    while not readable(slow, 0.05):
                        slow.sendall(GET[sent : sent + 1])
                        sent += 1
                    self.assertEqual(slow.recv(100), b"")
                except ConnectionError:
                    pass
                self.assertLess(sent, len(GET))
            self.assertEqual(server.stop()[1]["timeouts"], 1)

    def test_a_request_has_its_own_time_after_an_idle_one(self):
        with Server("http", "--read-timeout", "1s") as server:
            with server.connect() as client:
                time.sleep(0.6)
                start = time.monotonic()
                client.sendall(HALF)
                self.assertEqual(client.recv(100), b"")
                self.assertGreaterEqual(time.monotonic() - start, 1.0)

    def test_idle_connections_are_closed_too(self):
        for kind in ("http", "echo"):
            with Server(kind, "--read-timeout", "300ms") as server:
                start = time.monotonic()
                with server.connect() as client:
                    self.assertEqual(client.recv(100), b"")
                    self.assertGreaterEqual(time.monotonic() - start, 0.3)
                self.assertEqual(server.stop()[1]["timeouts"], 1)


class Descriptors(unittest.TestCase):
    """200 clients of a process that may open 64 descriptors."""

    def test_all_are_served_in_turn_and_nothing_spins(self):
        with Server("http", fds=64, refuses=True) as server:
            clients = [server.connect() for _ in range(200)]
            for client in clients:
                client.sendall(GET)
            wait_until(lambda: server.open_fds() == 64, "all descriptors used")
            # The others wait. So does the server.
            before, start = server.cpu_seconds(), time.monotonic()
            time.sleep(1.0)
            used = server.cpu_seconds() - before
            self.assertLess(used / (time.monotonic() - start), 0.2)
            served = sum(readable(client, 0) for client in clients)
            self.assertGreater(served, 30)
            self.assertLess(served, 64)
            for client in clients:  # In the order of the system's queue.
                self.assertEqual(read_answer(client)[2], HELLO)
                client.close()
            with server.connect() as client:
                self.assertEqual(get(client)[2], HELLO)
            status, totals = server.stop()
            self.assertEqual(status, 0)
            self.assertEqual(totals["requests"], 201)
            self.assertGreater(totals["refused"], 0)
            # Said, but not as often as it happened.
            self.assertIn("EMFILE", server.log[0])
            self.assertLess(len(server.log), time.monotonic() - start + 3)
            self.assertEqual(totals["errors"], 0)

    def test_those_above_max_connections_wait_for_their_turn(self):
        with Server("echo", "--max-connections", "3") as server:
            clients = [server.connect() for _ in range(10)]
            for client in clients:
                client.sendall(b"hello")
            for number, client in enumerate(clients):
                self.assertEqual(receive(client, 5), b"hello")
                if number == 2:
                    # Three are in, and stay: nobody else is heard.
                    self.assertFalse(readable(clients[3], 0.3))
                    for one in clients[:3]:
                        one.close()
                elif number > 2:
                    client.close()
            status, totals = server.stop()
            self.assertEqual((status, totals["connections"]), (0, 10))
            self.assertEqual(totals["refused"], 0)


class Flood:
    """A process that writes and reads on one connection without pause."""

    def __init__(self, server, data):
        self._moved = multiprocessing.Value("Q", 0)
        self._process = multiprocessing.Process(
            target=self._run, args=(server, data), daemon=True
        )

    def __enter__(self):
        self._process.start()
        return self

    def __exit__(self, *_):
        self.end()

    def moved(self):
        """Bytes that came back."""
        return self._moved.value

    def end(self):
        self._process.kill()
        self._process.join()

    def _run(self, server, data):
        with server.connect() as client:
            client.setblocking(False)
            rest = memoryview(data)
            while True:
                select.select([client], [client], [])
                try:
                    rest = rest[client.send(rest) :] or memoryview(data)
                except BlockingIOError:
                    pass
                try:
                    self._moved.value += len(client.recv(1 << 20))
                except BlockingIOError:
                    pass


class Clients(unittest.TestCase):
    def test_a_killed_one_is_no_event(self):
        for kind, half in (("http", HALF), ("echo", b"x" * 100000)):
            with Server(kind) as server:
                fds = server.open_fds()
                for _ in range(50):
                    client = server.connect()
                    client.sendall(half)
                    reset(client)
                with server.connect() as client:
                    data = GET if kind == "http" else b"ping"
                    client.sendall(data)
                    self.assertTrue(client.recv(4))
                wait_until(
                    lambda: server.open_fds() == fds, "all descriptors closed"
                )
                status, totals = server.stop()
                self.assertEqual(status, 0)
                self.assertEqual(totals["errors"], 0)
                self.assertEqual(totals["connections"], 51)

    def test_a_flooding_one_starves_nobody(self):
        cases = (("echo", b"x" * (1 << 20)), ("http", GET * 5000))
        for kind, data in cases:
            with Server(kind) as server, Flood(server, data) as flood:
                wait_until(lambda: flood.moved() > 1 << 20, "the flood runs")
                with server.connect() as client:
                    for _ in range(100):
                        if kind == "echo":
                            self.assertEqual(echo(client, b"hi"), b"hi")
                        else:
                            self.assertEqual(get(client)[2], HELLO)
                during = flood.moved()
                wait_until(lambda: flood.moved() > during, "it still runs")
                flood.end()
                self.assertEqual(server.stop()[0], 0)

    def test_one_that_does_not_read_holds_only_itself(self):
        with Server("echo") as server, server.connect() as deaf:
            deaf.setblocking(False)
            sent = 0
            while True:
                try:
                    sent += deaf.send(b"x" * (1 << 16))
                except BlockingIOError:
                    if not _writable(deaf, 0.3):
                        break
            with server.connect() as client:
                self.assertEqual(echo(client, b"hi"), b"hi")
            before = server.cpu_seconds()
            time.sleep(0.5)
            self.assertLess(server.cpu_seconds() - before, 0.1)
            # It gets all of it once it reads.
            deaf.setblocking(True)
            deaf.shutdown(socket.SHUT_WR)
            self.assertEqual(len(receive(deaf, sent)), sent)


def _writable(client, seconds):
    return bool(select.select([], [client], [], seconds)[1])


class Idle(unittest.TestCase):
    def test_idle_connections_cost_no_cpu(self):
        deep = "NETPOLL_DEEP" in os.environ
        count, seconds = (1000, 10) if deep else (200, 2)
        with Server("echo", "--threads", "2") as server:
            clients = [server.connect() for _ in range(count)]
            for client in clients:
                self.assertEqual(echo(client, b"x"), b"x")
            before = server.cpu_seconds()
            time.sleep(seconds)
            self.assertLess(server.cpu_seconds() - before, 0.1)
            for client in clients:
                client.close()
            self.assertEqual(server.stop()[1]["connections"], count)


if __name__ == "__main__":
    unittest.main()
