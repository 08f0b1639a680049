#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of urgent data under both settings of net.ipv4.tcp_stdurg.

usage: urgent_test.py PROGRAM...

Each setting is made in a network namespace of this process's own, so nothing
outside changes. Where no namespace may be made the test says so, and passes.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys

import watched_run

SETTING = "/proc/sys/net/ipv4/tcp_stdurg"
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def enter_new_namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", IFF_UP)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def set_to(value):
    with open(SETTING, "w", encoding="ascii") as file:
        file.write(f"{value}\n")


def main(programs):
    try:
        enter_new_namespace()
        set_to(1)
    except OSError as error:
        print(f"SKIPPED: no namespace with the other setting here: {error}")
        return 0
    failed = 0
    for value in (0, 1):
        set_to(value)
        for program in programs:
            status, output = watched_run.run(
                [program, "--gtest_filter=*Urgent*"],
                {**os.environ, "GTEST_OUTPUT": ""},
                100,
            )
            ran = b"[       OK ]" in output or b"SKIPPED" in output
            good = status == 0 and ran
            print(f"tcp_stdurg={value} {'ok' if good else 'FAILED'} {program}")
            if not good:
                sys.stdout.flush()
                sys.stdout.buffer.write(output)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
