#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The C interface from a language that loads it: Python's ctypes.

usage: ctypes_test.py LIBRARY HEADER
"""

import ctypes
import os
import re
import socket
import subprocess
import sys
import threading
import unittest

LIBRARY = os.path.abspath(sys.argv.pop(1))
HEADER = sys.argv.pop(1)
READ = ord("r")
CLOSING, TIMEOUT = 1, 2


class List(ctypes.Structure):
    _fields_ = [("head", ctypes.c_void_p), ("tail", ctypes.c_void_p)]


SELF = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
COMMIT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
PARK = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, COMMIT, ctypes.c_void_p
)
READY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
BROKEN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


class Hooks(ctypes.Structure):
    _fields_ = [
        ("context", ctypes.c_void_p),
        ("self", SELF),
        ("park", PARK),
        ("ready", READY),
        ("broken", BROKEN),
    ]


def load():
    lib = ctypes.CDLL(LIBRARY)
    lib.netpollopen.argtypes = [ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p)]
    lib.netpollclose.argtypes = [ctypes.c_size_t]
    lib.netpoll.argtypes = [ctypes.c_int64, ctypes.POINTER(List)]
    lib.netpoll.restype = ctypes.c_int32
    lib.gListPop.restype = ctypes.c_void_p
    lib.netpollgoready.argtypes = [ctypes.c_void_p]
    lib.netpollWaiters.restype = ctypes.c_int32
    lib.pollReset.argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.pollWait.argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.pollSetDeadline.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_int,
    ]
    lib.pollUnblock.argtypes = [ctypes.c_void_p]
    return lib


class Scheduler:
    """Tasks are Python's threads: each has an event on which it sleeps."""

    def __init__(self):
        self.tasks = {}
        self.mine = threading.local()
        # Kept here: ctypes does not keep what C holds.
        self.hooks = Hooks(
            None, SELF(self.this), PARK(self.park), READY(self.ready), BROKEN()
        )

    def this(self, _):
        if not hasattr(self.mine, "number"):
            self.mine.number = len(self.tasks) + 1
            self.tasks[self.mine.number] = threading.Event()
        return self.mine.number

    def park(self, _, task, commit, argument):
        if commit(argument):
            self.tasks[task].wait()
            self.tasks[task].clear()

    def ready(self, _, task):
        self.tasks[task].set()


class CtypesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lib = load()
        cls.scheduler = Scheduler()
        assert cls.lib.netpollsethooks(ctypes.byref(cls.scheduler.hooks)) == 0
        assert cls.lib.netpollinit() == 0
        cls.over = False
        cls.poller = threading.Thread(target=cls.poll)
        cls.poller.start()

    @classmethod
    def tearDownClass(cls):
        cls.over = True
        cls.lib.netpollBreak()
        cls.poller.join()

    @classmethod
    def poll(cls):
        while not cls.over:
            ready = List()
            delta = cls.lib.netpoll(-1, ctypes.byref(ready))
            while task := cls.lib.gListPop(ctypes.byref(ready)):
                cls.lib.netpollgoready(task)
            cls.lib.netpollAdjustWaiters(delta)

    def setUp(self):
        self.here, self.there = socket.socketpair()
        self.here.setblocking(False)
        self.pd = ctypes.c_void_p()
        fd = self.here.fileno()
        self.assertEqual(self.lib.netpollopen(fd, ctypes.byref(self.pd)), 0)

    def tearDown(self):
        self.lib.pollUnblock(self.pd)
        self.assertEqual(self.lib.netpollclose(self.here.fileno()), 0)
        self.here.close()
        self.there.close()

    def read(self):
        error = self.lib.pollReset(self.pd, READ)
        while error == 0:
            try:
                return self.here.recv(100)
            except BlockingIOError:
                error = self.lib.pollWait(self.pd, READ)
        return error

    def test_a_task_waits_for_what_is_sent(self):
        got = []
        reader = threading.Thread(
            target=lambda: got.extend(self.read() for _ in range(100))
        )
        reader.start()
        for i in range(100):
            while self.lib.netpollWaiters() == 0 and i % 2 == 0:
                pass
            self.there.send(b"%d" % i)
            while len(got) <= i:
                pass
        reader.join()
        self.assertEqual(got, [b"%d" % i for i in range(100)])

    def test_a_deadline_ends_a_wait(self):
        self.lib.pollSetDeadline(self.pd, 1000000, READ)
        self.assertEqual(self.read(), TIMEOUT)
        self.lib.pollSetDeadline(self.pd, 0, READ)
        self.there.send(b"late")
        self.assertEqual(self.read(), b"late")

    def test_what_is_no_descriptor_is_refused(self):
        pd = ctypes.c_void_p()
        self.assertEqual(
            self.lib.netpollopen(12345, ctypes.byref(pd)), 9  # EBADF
        )
        self.assertIsNone(pd.value)

    def test_a_broken_rule_goes_to_the_handler(self):
        said = subprocess.run(
            [sys.executable, os.path.realpath(__file__), LIBRARY, HEADER, "break-a-rule"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.assertEqual(said.stdout, "netpollinit was not called, or failed\n")
        self.assertEqual(said.returncode, 42)

    def test_only_what_the_header_declares_is_exported(self):
        symbols = subprocess.run(
            ["nm", "-D", "--defined-only", LIBRARY],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.split("\n")
        exported = sorted(s.split()[-1] for s in symbols if " T " in s)
        # In lower case: local, but for these three.
        others = [s for s in symbols if re.search(r" [A-SU-Zuvw] ", s)]
        with open(HEADER, encoding="utf-8") as header:
            declared = re.findall(
                r"^(?:int|int32_t|void)[ *]+(\w+)\(", header.read(), re.M
            )
        declared = sorted(set(declared) - {"netpollpoll"})
        self.assertEqual(exported, [d + "@@NETPOLL_0.1" for d in declared])
        self.assertEqual([s.split()[-1] for s in others], ["NETPOLL_0.1"])


def break_a_rule():
    def broken(_, sentence):
        print(sentence.decode(), flush=True)
        os._exit(42)

    hooks = Hooks(None, SELF(), PARK(), READY(), BROKEN(broken))
    lib = load()
    assert lib.netpollsethooks(ctypes.byref(hooks)) == 0
    lib.netpollBreak()


if __name__ == "__main__":
    if sys.argv[1:] == ["break-a-rule"]:
        break_a_rule()
    else:
        unittest.main()
