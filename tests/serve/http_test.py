#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`netpoll serve http`, asked by curl, by wrk and by hand."""

import os
import re
import socket
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import GET, HELLO, Server, get, read_answer  # noqa: E402


def curl(*arguments):
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--max-time", "30", *arguments],
        capture_output=True,
        check=True,
    )
    return done.stdout


class Curl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("http", "--threads", "2")
        cls.url = f"http://{cls.server.address}/"

    @classmethod
    def tearDownClass(cls):
        status, totals = cls.server.stop()
        assert status == 0, status
        assert totals["requests"] >= 6, totals

    def test_get(self):
        self.assertEqual(curl(self.url), HELLO)

    def test_connections_are_kept_alive(self):
        counts = curl(
            *["-w", "%{num_connects} ", "-o", "/dev/null", self.url] * 3
        )
        self.assertEqual(counts.split(), [b"1", b"0", b"0"])

    def test_http_1_0_connections_are_closed(self):
        counts = curl(
            "-0", *["-w", "%{num_connects} ", "-o", "/dev/null", self.url] * 2
        )
        self.assertEqual(counts.split(), [b"1", b"1"])

    def test_head(self):
        fields = curl("-I", self.url)
        self.assertTrue(fields.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertIn(b"Content-Length: %d\r\n" % len(HELLO), fields)

    def status(self, *arguments):
        return curl(
            "-o", "/dev/null", "-w", "%{http_code}", *arguments, self.url
        )

    def test_405_says_what_is_allowed(self):
        self.assertEqual(self.status("-X", "DELETE"), b"405")
        self.assertIn(
            b"Allow: GET, HEAD\r\n", curl("-i", "-X", "DELETE", self.url)
        )

    def test_metrics_are_what_prometheus_reads(self):
        fields = curl("-i", self.url + "metrics").decode()
        self.assertIn("content-type: text/plain; version=0.0.4",
                      fields.lower())
        body = fields.split("\r\n\r\n", 1)[1]
        families, samples, known = {}, {}, None
        for line in body.splitlines():
            if line.startswith("# TYPE "):
                _, _, known, kind = line.split()
                self.assertNotIn(known, families)
                families[known] = kind
            elif not line.startswith("# HELP "):
                match = re.fullmatch(
                    r'(\w+)(\{(?:[a-z]+="[^"]+",?)*\})? ([-+.0-9e]+)', line)
                self.assertTrue(match, line)
                self.assertTrue(match[1].startswith(known), line)
                self.assertNotIn((match[1], match[2]), samples, line)
                samples[match[1], match[2]] = float(match[3])
        self.assertGreaterEqual(
            samples["netpoll_wakes_total", '{worker="0",cause="event"}']
            + samples["netpoll_wakes_total", '{worker="1",cause="event"}'], 1)
        self.assertGreaterEqual(samples["netpoll_connections", None], 1)
        for name, kind in families.items():
            if kind == "counter":
                self.assertTrue(name.endswith("_total"), name)
            if kind != "histogram":
                continue
            buckets = [
                (labels, value) for (series, labels), value in samples.items()
                if series == name + "_bucket" and 'worker="0"' in labels]
            values = [value for _, value in buckets]
            self.assertEqual(values, sorted(values), name)
            self.assertIn('le="+Inf"', buckets[-1][0])
            self.assertEqual(
                values[-1], samples[name + "_count", '{worker="0"}'])

    def test_uploads(self):
        self.assertEqual(self.status("-d", "x" * 100), b"405")
        with open("/dev/zero", "rb") as zeros:
            large = zeros.read(3 << 20)
        path = os.path.join(os.environ["TEST_TMPDIR"], "large")
        with open(path, "wb") as file:
            file.write(large)
        # Asked first, whether it may; and without asking.
        self.assertIn(self.status("-T", path), (b"405", b"413"))
        self.assertEqual(self.status("-H", "Expect:", "-T", path), b"413")

    def test_431(self):
        self.assertEqual(self.status("-H", "X: " + "x" * 20000), b"431")

    def test_chunked(self):
        done = subprocess.run(
            ["curl", "-sS", "--noproxy", "*", "-T", "-", "-X", "GET", self.url],
            input=b"x" * 50000,
            capture_output=True,
            check=True,
        )
        self.assertEqual(done.stdout, HELLO)


class ByHand(unittest.TestCase):
    def test_pipelined_requests_are_answered_in_order(self):
        with Server("http") as server, server.connect() as client:
            head = b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
            post = (
                b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
            )
            client.sendall((GET + head + post) * 500)
            for _ in range(500):
                self.assertEqual(read_answer(client)[0], 200)
                self.assertEqual(read_answer(client, head=True)[2], b"")
                self.assertEqual(read_answer(client)[0], 405)
            client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            self.assertEqual(read_answer(client)[1]["connection"], "close")
            self.assertIsNone(read_answer(client))
            status, totals = server.stop()
            self.assertEqual(status, 0)
            self.assertEqual(totals["requests"], 1501)
            self.assertEqual(totals["connections"], 1)

    def test_requests_are_answered_before_a_half_close_ends_it(self):
        with Server("http") as server, server.connect() as client:
            client.sendall(GET * 2)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(read_answer(client)[2], HELLO)
            self.assertEqual(read_answer(client)[2], HELLO)
            self.assertIsNone(read_answer(client))

    def test_garbage_is_400_and_the_end(self):
        with Server("http") as server:
            for garbage in (b"\x16\x03\x01\x02\x00", b"hello\r\n\r\n",
                            b"GET / HTTP/1.1\r\n\r\n"):
                with server.connect() as client:
                    client.sendall(garbage)
                    self.assertEqual(read_answer(client)[0], 400)
                    self.assertIsNone(read_answer(client))
            with server.connect() as client:
                self.assertEqual(get(client)[0], 200)
            self.assertEqual(server.stop()[1]["errors"], 3)

    # What smuggles a request past somebody who reads it otherwise; each is
    # sent whole and byte by byte, and followed by a request.
    SMUGGLERS = {
        b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nG": [400],
        b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Length: 6\r\n\r\n0\r\n\r\nG": [400],
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n": [400],
        b"GET / HTTP/1.1\r\nHost: h\r\n"
        b"Transfer-Encoding: chunked;x=1\r\n\r\n0\r\n\r\n": [501],
        b"GET / HTTP/1.1\r\nHost: h\r\n"
        b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n": [501],
        b"GET / HTTP/1.1\r\nHost: h\r\n"
        b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n": [400],
        b"GET / HTTP/1.1\r\nHost: h\r\nX:\r\n Content-Length: 5\r\n\r\n":
            [400],
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n": [400],
        b"GET /#x HTTP/1.1\r\nHost: h\r\n\r\n": [400],
        b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\n": [200, 200],
        b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\nContent-Length: 99\r\nConnection: close\r\n\r\n": [200, 200],
        b"GET / HTTP/1.2\r\nHost: h\r\n\r\n": [200, 200],
        b"BREW / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nGET ":
            [501, 200],
    }

    def test_what_belongs_to_which_request(self):
        with Server("http") as server:
            for request, expected in self.SMUGGLERS.items():
                for piece in (len(request) + len(GET), 1):
                    with self.subTest(request=request, piece=piece):
                        got = self.statuses(server, request + GET, piece)
                        self.assertEqual(got, expected)
            with server.connect() as client:
                self.assertEqual(get(client)[0], 200)

    def statuses(self, server, data, piece):
        with server.connect() as client:
            try:
                for at in range(0, len(data), piece):
                    client.sendall(data[at : at + piece])
                client.shutdown(socket.SHUT_WR)
            except ConnectionError:
                pass  # It was refused before its end.
            found = []
            while answer := read_answer(client):
                found.append(answer[0])
            return found

    def test_the_answer_survives_input_that_is_not_read(self):
        with Server("http") as server, server.connect() as client:
            client.sendall(
                b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n"
                + b"x" * 300000
            )
            self.assertEqual(read_answer(client)[0], 413)
            self.assertIsNone(read_answer(client))


class Load(unittest.TestCase):
    def test_wrk_sees_no_error(self):
        deep = "NETPOLL_DEEP" in os.environ
        connections, seconds = (256, 10) if deep else (64, 2)
        with Server("http", "--threads", "2", "--read-timeout", "20s") as server:
            report = subprocess.run(
                ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s",
                 f"http://{server.address}/"],
                capture_output=True, check=True, text=True,
            ).stdout
            print(report)
            self.assertNotIn("Socket errors", report)
            self.assertNotIn("Non-2xx", report)
            answered = int(re.search(r"(\d+) requests in", report)[1])
            self.assertGreater(answered, 100)
            status, totals = server.stop()
            self.assertEqual(status, 0)
            self.assertGreaterEqual(totals["requests"], answered)
            for name in ("errors", "timeouts", "refused"):
                self.assertEqual(totals[name], 0, name)


if __name__ == "__main__":
    unittest.main()
