#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`netpoll serve` started with standard input, output or error closed."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import server  # noqa: E402


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
                    lambda: self.listens(path) or process.poll() is not None,
                    "a server that listens",
                )
                self.assertIsNone(process.returncode, "it runs")
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

    def listens(self, path):
        """Its file is there a moment before it listens."""
        try:
            self.client(path).close()
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def client(self, path):
        client = server.socket.socket(server.socket.AF_UNIX)
        client.settimeout(server.PATIENCE)
        try:
            client.connect(path)
        except OSError:
            client.close()
            raise
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
        told = subprocess.run(
            [server.NETPOLL, "backends", "--json"],
            capture_output=True,
            check=True,
            timeout=server.PATIENCE,
        ).stdout
        for backend in json.loads(told)["backends"]:
            for bits in range(8):
                closed = [fd for fd in range(3) if bits >> fd & 1]
                with self.subTest(backend=backend["name"], closed=closed):
                    if not backend["runs"]:
                        self.skipTest("it does not run here")
                    self.serve(backend["name"], closed)


if __name__ == "__main__":
    unittest.main()
