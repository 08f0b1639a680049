# SPDX-License-Identifier: Apache-2.0
"""The `netpoll serve` under test: started, talked to, measured, stopped."""

import os
import re
import resource
import select
import signal
import socket
import subprocess
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
NETPOLL = os.path.join(_HERE, "..", "..", "tools", "cli", "netpoll")
# Nothing here takes long; a hang should fail before the test's own limit.
PATIENCE = 30.0
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHost:"
REFUSED = re.compile(
    r"netpoll: a client was refused: (E[A-Z]+) \([A-Z][a-z ]+\)"
    r"(?:; (\d+) more tries since the last such line)?; the server goes on")
# io_uring with several workers that share a poller, or an older kernel.
NOTE = re.compile(r"netpoll serve: readiness mode, not completions: .+")
HELLO = b"Hello from netpoll.\n"


class Server:
    """One process. Use as a context: it is gone at the end.

    `refuses`: it may say on standard error that clients were refused; what it
    said is in `log` after finish. Anything else said there is a failure, but
    that there are no completions."""

    def __init__(self, kind, *flags, listen="127.0.0.1:0", fds=None, run=(),
                 refuses=False):
        self.refuses = refuses
        self.log = []

        def limit():
            if fds is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (fds, fds))

        self.process = subprocess.Popen(
            [*run, NETPOLL, "serve", kind, "--listen", listen, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=limit,
            text=True,
        )
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (.+)\n", line)
        if not match:
            self.process.kill()
            raise AssertionError(
                f"no address in {line!r}: {self.process.communicate()[1]}"
            )
        self.address = match[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    @property
    def pid(self):
        return self.process.pid

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def connect(self):
        if self.address.startswith("unix:"):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(PATIENCE)
            client.connect(self.address[len("unix:") :])
            return client
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def send(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def finish(self):
        """Waits for the end. Returns (exit status, totals by name)."""
        out, err = self.process.communicate(timeout=PATIENCE)
        self.log = [line for line in err.splitlines()
                    if not NOTE.fullmatch(line)]
        for line in self.log:
            if not self.refuses or not REFUSED.fullmatch(line):
                raise AssertionError(err)
        totals = {
            name.strip(): int(number)
            for number, name in re.findall(r"(\d+) ([a-z ]+)", out)
        }
        return self.process.returncode, totals

    def stop(self, number=signal.SIGTERM):
        self.send(number)
        return self.finish()

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(") ", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def open_fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def read_answer(client, head=False):
    """One HTTP answer: (status, fields, body). None at the end of stream."""
    text = _receive_header(client)
    if text is None:
        return None
    first, *lines = text.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines)
    length = 0 if head else int(fields["content-length"])
    return int(first.split()[1]), fields, receive(client, length)


def _receive_header(client):
    """Up to the empty line, and nothing behind it."""
    # What was seen is taken: while a byte of a long run of answers is left,
    # TCP may not have the memory for the next.
    header = b""
    while True:
        seen = client.recv(1 << 16, socket.MSG_PEEK)
        if not seen:
            return None
        end = (header + seen).find(b"\r\n\r\n")
        if end >= 0:
            header += receive(client, end + 4 - len(header))
            return header[:-4]
        header += receive(client, len(seen))


def get(client):
    client.sendall(GET)
    return read_answer(client)


def receive(client, size):
    data = b""
    while len(data) < size:
        piece = client.recv(size - len(data))
        if not piece:
            break
        data += piece
    return data


def echo(client, data):
    client.sendall(data)
    return receive(client, len(data))


def reset(client):
    """Closes so that the peer sees a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()


def readable(client, seconds):
    return bool(select.select([client], [], [], seconds)[0])


def wait_until(condition, what):
    """Polls a condition of the outside world; fails after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.01)
