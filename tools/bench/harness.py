# SPDX-License-Identifier: Apache-2.0
"""Starts servers and measures them; tools/bench/run decides what and when."""

import json
import os
import re
import resource
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

_START_SECONDS = 20
_SAMPLE_HZ = 10000


class BenchError(Exception):
    """Something could not be measured; the message says what."""


def why_not_writable(path):
    """Of --json, before anything is measured: a sentence, or None if it can be
    written. Nothing, and -, always can."""
    if path in (None, "-"):
        return None
    try:
        with open(path, "a", encoding="utf-8"):
            return None
    except OSError as error:
        return f"--json {path}: {error.strerror}"


def write_json(path, value):
    """What --json asks for; - is stdout, and None nothing."""
    text = json.dumps(value, indent=1)
    if path == "-":
        print(text)
    elif path is not None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")


def built(command, output, folder=None):
    """The path, or None where the compiler or the library is not here."""
    if shutil.which(command[0]) is None:
        print(f"no {command[0]} here: no {os.path.basename(output)}",
              file=sys.stderr)
        return None
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        first = done.stderr.strip().split("\n")[0]
        print(f"no {os.path.basename(output)}: {first}", file=sys.stderr)
        return None
    return output


def cores():
    """Core for the servers, core for the load; (None, None) if only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _child_setup(core):

    def setup():
        if core is not None:
            os.sched_setaffinity(0, {core})
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return setup


class Server:
    """One running server.

    A command with `{port}` in it is given a free port; any other must print
    `listening on HOST:PORT`, within `patience` seconds.
    """

    def __init__(self, name, command, core, patience=_START_SECONDS):
        self.name = name
        self._patience = patience
        port = _free_port() if "{port}" in command else None
        command = command.replace("{port}", str(port))
        self._log = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(shlex.split(command),
                                             stdin=subprocess.DEVNULL,
                                             stdout=self._log,
                                             stderr=subprocess.STDOUT,
                                             preexec_fn=_child_setup(core))
        except (OSError, ValueError, IndexError) as error:
            raise BenchError(
                f"server {name} does not start: {command!r}: {error}") from None
        self.pid = self._process.pid
        try:
            self.address = self._await_address(port)
        except BenchError:
            self.stop()
            raise

    def _output(self):
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def _await_address(self, port):
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise BenchError(
                    f"server {self.name} ended at once: {self._output()}")
            if port is None:
                found = re.search(r"listening on (\S+)", self._output())
                if found:
                    return found.group(1)
            else:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    return f"127.0.0.1:{port}"
                except OSError:
                    pass
            time.sleep(0.02)
        raise BenchError(f"server {self.name} does not listen")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def private_bytes(self):
        """Memory that is this process's alone and was written to."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Private_Dirty:"):
                    return int(line.split()[1]) * 1024
        raise BenchError("/proc/PID/smaps_rollup has no Private_Dirty")

    def stop(self, patience=5):
        """Whether it ended when told, or before."""
        ended = True
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                ended = False
                self._process.kill()
                self._process.wait()
        self._log.close()
        return ended


class Harness:
    """The measuring programs, and the cores that they and the servers use."""

    def __init__(self, tools):
        self._tools = tools
        self.server_core, self._load_core = cores()

    def tool(self, name):
        return os.path.join(self._tools, name)

    def start(self, name, command):
        return Server(name, command, self.server_core)

    def _load_command(self, server, *arguments):
        command = [self.tool("echo_load"), "--connect", server.address]
        if self._load_core is not None:
            command += ["--cpu", str(self._load_core)]
        return command + [str(a) for a in arguments]

    def echo(self, server, connections, seconds, *arguments):
        """One slice of load; the report of echo_load."""
        command = self._load_command(server, "--json", "--connections",
                                     connections, "--duration", seconds,
                                     "--warmup", min(0.5, seconds / 2),
                                     "--server-pid", server.pid, *arguments)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise BenchError(f"{server.name}: {done.stderr.strip()}")
        report = json.loads(done.stdout)
        if report["messages"] == 0 or report["errors"] != 0:
            raise BenchError(f"{server.name}: {report['errors']} errors, "
                             f"{report['messages']} messages")
        return report

    def timed(self, server, connections, seconds, *arguments):
        return self.echo(server, connections, seconds, "--sample", _SAMPLE_HZ,
                         *arguments)

    def counted(self, server, connections, seconds):
        """System calls per message by name, and how they were counted.

        Empty if they can't be.
        """
        report = self.echo(server, connections, seconds, "--count-syscalls")
        if report["syscalls"] == 0:
            return self._strace(server, connections, seconds)
        calls = {"all": report["syscalls"], **report["by_name"]}
        return {k: v / report["messages"] for k, v in calls.items()}, "exact"

    def _strace(self, server, connections, seconds):
        if shutil.which("strace") is None:
            return {}, "not"
        with tempfile.NamedTemporaryFile("r") as output:
            tracer = subprocess.Popen([
                "strace", "-qq", "-c", "-f", "-U", "calls,name", "-p",
                str(server.pid), "-o", output.name
            ], stderr=subprocess.DEVNULL)
            time.sleep(0.5)
            try:
                report = self.echo(server, connections, seconds, "--warmup", 0)
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.wait()
            rows = re.findall(r"^\s*(\d+)\s+(\w+)$", output.read(), re.M)
        calls = {name: int(n) for n, name in rows if name != "total"}
        if not calls:
            return {}, "not"
        calls["all"] = sum(calls.values())
        return {k: v / report["messages"] for k, v in calls.items()}, "strace"

    def _hold(self, server, connections, *arguments):
        holder = subprocess.Popen(self._load_command(
            server, "--mode", "hold", "--connections", connections,
            "--duration", 0, *arguments),
                                  stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE,
                                  text=True)
        if holder.stdout.readline().strip() != "holding":
            raise BenchError(f"{server.name} takes no {connections} connections")
        end = time.monotonic() + _START_SECONDS
        while server.descriptors() < connections:
            if time.monotonic() > end:
                raise BenchError(f"{server.name} accepted too few connections")
            time.sleep(0.05)
        return holder

    @staticmethod
    def _release(holder):
        out, _ = holder.communicate("")
        report = dict(re.findall(r"^(\w+): (\d+)", out, re.M))
        if report.get("errors") != "0" or report.get("closed_by_server") != "0":
            raise BenchError(f"held connections were lost: {report}")

    def memory(self, name, command, connections, size):
        """Growth in bytes for each idle connection of a fresh server.

        Each has had one message of `size` bytes, if that is not 0.
        """
        server = self.start(name, command)
        try:
            before = server.private_bytes()
            holder = self._hold(server, connections,
                                *(["--touch", "--size", size] if size else []))
            time.sleep(0.5)
            after = server.private_bytes()
            self._release(holder)
        finally:
            server.stop()
        return (after - before) / connections

    def idle_cpu(self, name, command, connections, seconds):
        """CPU seconds that a server uses while nothing happens."""
        server = self.start(name, command)
        try:
            holder = self._hold(server, connections)
            time.sleep(1)
            meter = subprocess.run([
                self.tool("process_meter"), "--pid",
                str(server.pid), "--duration",
                str(seconds), "--no-syscalls"
            ], capture_output=True, text=True, check=True)
            self._release(holder)
        finally:
            server.stop()
        return json.loads(meter.stdout)["cpu_nanos"] / 1e9

    def flood(self, server, connections, seconds):
        """Latency of pinging connections without and beside one flood."""
        quiet = self.echo(server, connections, seconds)
        loud = self.echo(server, connections, seconds, "--flood", 1)
        keys = ("p50_us", "p99_us", "max_us", "least_per_connection")
        return {
            "quiet": {k: quiet[k] for k in keys},
            "flooded": {k: loud[k] for k in keys},
            "flood_mb_per_second": loud["flood_bytes_per_second"] / 1e6,
        }


def latencies(slices):
    """Of each percentile the median of the slices, the least and the most."""
    found = {"messages_per_second":
                 statistics.median(s["messages_per_second"] for s in slices)}
    for name in ("p50_us", "p99_us", "p999_us"):
        values = [s[name] for s in slices]
        found[name] = (statistics.median(values), min(values), max(values))
    return found


def summarize(slices, base):
    """One server's slices to figures; `base` are those of the first server."""

    def cpu(report):
        return report["cpu_nanos"] / 1e3 / report["messages"]

    messages = sum(s["messages"] for s in slices)
    samples = sum(s["samples"] for s in slices)
    user = sum(s["user_samples"] for s in slices)
    nanos = sum(s["cpu_nanos"] for s in slices)
    ratios = [cpu(s) / cpu(b) for s, b in zip(slices, base)]
    ticks = sum(s["user_seconds"] for s in slices)
    return {
        "messages_per_second":
            statistics.median(s["messages_per_second"] for s in slices),
        "p50_us": statistics.median(s["p50_us"] for s in slices),
        "p99_us": statistics.median(s["p99_us"] for s in slices),
        "cpu_us": statistics.median(cpu(s) for s in slices),
        "cpu_us_least": min(cpu(s) for s in slices),
        "cpu_us_most": max(cpu(s) for s in slices),
        "ratio": statistics.median(ratios),
        "ratio_least": min(ratios),
        "ratio_most": max(ratios),
        "user_us": (nanos / 1e3 * user / samples if samples else ticks * 1e6) /
                   messages,
        "user_us_ticks": ticks * 1e6 / messages,
    }
