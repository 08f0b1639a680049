#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`netpoll serve` started with standard input, output or error closed."""

import os
import signal
import subprocess
import tempfile
import unittest

import server


class StdioTest(unittest.TestCase):
    def serve(self, backend, closed):
        """Two clients are served, and a signal ends it."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")

            def close():
                for fd in closed:
                    os.close(fd)

            process = subprocess.Popen(
                [
                    server.NETPOLL,
                    "serve",
                    "echo",
                    "--listen",
                    f"unix:{path}",
                    "--backend",
                    backend,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=close,
            )
            try:
                server.wait_until(
                    lambda: os.path.exists(path) or process.poll() is not None,
                    "a server that listens",
                )
                for _ in range(2):
                    with self.client(path) as client:
                        self.assertEqual(server.echo(client, b"hello"), b"hello")
                self.numbers_are_free(process.pid, closed)
                process.send_signal(signal.SIGTERM)
                process.wait(server.PATIENCE)
                self.assertGreaterEqual(process.returncode, 0)
            finally:
                process.kill()
                process.wait()

    def client(self, path):
        client = server.socket.socket(server.socket.AF_UNIX)
        client.settimeout(server.PATIENCE)
        client.connect(path)
        return client

    def numbers_are_free(self, pid, closed):
        """Nothing of the server's has them."""
        for fd in closed:
            try:
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
            except FileNotFoundError:
                continue
            self.assertEqual(target, "/dev/null")

    def test_each_subset(self):
        for backend in ("epoll", "io_uring", "poll"):
            for bits in range(8):
                closed = [fd for fd in range(3) if bits >> fd & 1]
                with self.subTest(backend=backend, closed=closed):
                    self.serve(backend, closed)


if __name__ == "__main__":
    unittest.main()
