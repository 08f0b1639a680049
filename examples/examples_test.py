#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example programs do what they say."""

import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

PROGRAMS = {path.rsplit("/", 1)[-1]: path for path in sys.argv[1:]}


class Program:
    """A program that is listening; its output is read at the end."""

    def __init__(self, name, *arguments):
        self.process = subprocess.Popen(
            [PROGRAMS[name], *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.guard = threading.Timer(60, self.process.kill)
        self.guard.start()
        line = self.process.stdout.readline()
        self.port = int(line.rsplit(":", 1)[-1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.guard.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 30)


class ExamplesTest(unittest.TestCase):

    def test_an_echo_server_drains(self):
        with Program("draining_echo", "127.0.0.1:0") as server:
            with server.connect() as idle, server.connect() as other:
                for client in (idle, other):
                    client.sendall(b"hello")
                    self.assertEqual(client.recv(5), b"hello")
                server.process.send_signal(signal.SIGTERM)
                self.assertEqual(idle.recv(1), b"")
                self.assertEqual(other.recv(1), b"")
            said, _ = server.process.communicate(timeout=30)
            self.assertEqual(said, "drained: 0 cut, 0 left\n")
            self.assertEqual(server.process.returncode, 0)

    def test_a_responder_answers_each_datagram(self):
        with Program("udp_responder", "127.0.0.1:0") as server:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(30)
                client.connect(("127.0.0.1", server.port))
                sent = {b"%d" % i for i in range(50)} | {b""}
                for text in sent:
                    client.send(text)
                self.assertEqual({client.recv(99) for _ in sent}, sent)

    def test_a_forwarder_forwards_both_ways(self):
        with Program("draining_echo", "127.0.0.1:0") as server:
            arguments = ("127.0.0.1:0", "localhost", str(server.port))
            with Program("forwarder", *arguments) as forwarder:
                with forwarder.connect() as client:
                    sent = b"x" * 1_000_000
                    sender = threading.Thread(
                        target=lambda: (
                            client.sendall(sent),
                            client.shutdown(socket.SHUT_WR),
                        )
                    )
                    sender.start()
                    got = 0
                    while True:
                        some = client.recv(65536)
                        if not some:
                            break
                        got += len(some)
                    sender.join()
                    self.assertEqual(got, len(sent))

    def test_files_are_summed_in_order_of_the_questions(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"abc")
            file.flush()
            expected = b"3 %d\n" % ((97 * 31 + 98) * 31 + 99)
            with Program("offload", "127.0.0.1:0") as server:
                with server.connect() as one, server.connect() as other:
                    for _ in range(50):
                        one.sendall(file.name.encode() + b"\n")
                        other.sendall(b"/nowhere\n")
                    answers = one.makefile("rb")
                    for _ in range(50):
                        self.assertEqual(answers.readline(), expected)
                    self.assertEqual(other.makefile("rb").readline(),
                                     b"can't be read\n")
                    server.process.send_signal(signal.SIGTERM)
                    self.assertEqual(server.process.wait(30), 0)

    def test_what_cannot_be_is_said(self):
        for name in ("draining_echo", "offload", "udp_responder"):
            done = subprocess.run(
                [PROGRAMS[name], "nowhere"],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
            self.assertEqual(done.returncode, 1)
            self.assertIn("INVALID_ARGUMENT: ", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
