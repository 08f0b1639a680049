# SPDX-License-Identifier: Apache-2.0
"""Runs a program that may hang: what it said, or who waits for what."""

import os
import signal
import subprocess
import sys


def read(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def run(command, environment, limit):
    """(exit status, output). Whoever runs for more than `limit` seconds ends
    this test: with its output so far, and what each of its threads is in."""
    # All that it starts inherit this, also who leaves its group.
    mark = f"NETPOLL_WATCHED_RUN={os.getpid()}"
    name, _, value = mark.partition("=")
    child = subprocess.Popen(
        command,
        env={**environment, name: value},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        output, _ = child.communicate(timeout=limit)
        return child.returncode, output
    except subprocess.TimeoutExpired:
        pids = descendants(mark)
        lines = [line for pid in pids for line in threads_of(pid)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        output, _ = child.communicate()
        sys.stdout.flush()
        sys.stdout.buffer.write(output)
        sys.exit(
            f"\n{' '.join(command)} was not done after {limit} s. "
            "What its threads are in:\n" + "\n".join(lines)
        )


def descendants(mark):
    found = []
    for pid in sorted(int(p) for p in os.listdir("/proc") if p.isdigit()):
        if mark.encode() in read(pid, "environ").split(b"\0"):
            found.append(pid)
    return found


def threads_of(pid):
    try:
        threads = sorted(int(t) for t in os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return
    for thread in threads:
        at = f"{pid}/task/{thread}"
        comm = read(at, "comm").decode(errors="replace").strip()
        state = read(at, "stat").rpartition(b") ")[2][:1].decode()
        wchan = read(at, "wchan").decode() or "?"
        # The system call's number and arguments, or "running".
        call = read(at, "syscall").decode().strip()
        yield f"  {pid}/{thread} {comm}: {state}, {wchan}, {call}"
