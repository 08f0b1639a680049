#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""netpoll.exe serve echo, under Wine, with clients of the host."""

import os
import re
import socket
import subprocess
import threading
import unittest

RUN = "tools/windows/run_in_wine.sh"
EXE = "tools/windows/netpoll.exe"
PREFIX = os.path.join(os.environ["TEST_TMPDIR"], "wine")
# Nothing here takes long; a hang should fail before the test's own limit.
PATIENCE = 60.0


def read_exactly(client, size):
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        if not part:
            return data
        data += part
    return data


class Server:
    """One netpoll.exe. Use as a context: it is gone at the end."""

    def __init__(self, *flags):
        self.process = subprocess.Popen(
            [RUN, PREFIX, EXE, "serve", "echo", *flags],
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (127\.0\.0\.1):(\d+)\n", line)
        if not match:
            self.process.kill()
            raise AssertionError(f"no address in {line!r}")
        self.address = (match[1], int(match[2]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def connect(self):
        return socket.create_connection(self.address, PATIENCE)


class EchoTest(unittest.TestCase):
    @classmethod
    def tearDownClass(cls):
        subprocess.run([RUN, PREFIX, "--stop"], check=True)

    def echo(self, client, data):
        sender = threading.Thread(target=client.sendall, args=(data,))
        sender.start()
        self.assertEqual(read_exactly(client, len(data)), data)
        sender.join()

    def test_bytes_come_back(self):
        with Server("--listen", "127.0.0.1:0") as server:
            with server.connect() as client:
                self.echo(client, b"hello")
                self.echo(client, bytes(range(256)) * 4096)
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.recv(1), b"")

    def test_connections_are_served_at_once(self):
        with Server("--listen", "127.0.0.1:0") as server:
            clients = [server.connect() for _ in range(20)]
            for round_number in range(3):
                for number, client in enumerate(clients):
                    client.sendall(b"%d-%d;" % (round_number, number))
                for number, client in enumerate(clients):
                    expected = b"%d-%d;" % (round_number, number)
                    self.assertEqual(
                        read_exactly(client, len(expected)), expected
                    )
            for client in clients:
                client.close()

    def test_a_silent_client_is_closed_after_the_timeout(self):
        flags = ("--listen", "127.0.0.1:0", "--read-timeout", "50ms")
        with Server(*flags) as server:
            with server.connect() as client:
                self.assertEqual(client.recv(1), b"")

    def test_a_client_that_resets_leaves_the_others_alone(self):
        with Server("--listen", "127.0.0.1:0") as server:
            with server.connect() as other:
                client = server.connect()
                self.echo(client, b"x")
                client.setsockopt(
                    socket.SOL_SOCKET,
                    socket.SO_LINGER,
                    b"\1\0\0\0\0\0\0\0",
                )
                client.close()
                self.echo(other, b"still here")


if __name__ == "__main__":
    unittest.main(verbosity=2)
