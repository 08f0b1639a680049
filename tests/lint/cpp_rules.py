# SPDX-License-Identifier: Apache-2.0
"""Rules about C++."""

import os
import re

import draw_includes
from include_graph import include_graph, way
from tree import Finding, without_comments

# What only core/concurrency.h may name, and what to write instead.
SEAM_FILE = "core/concurrency.h"
SEAM_FOLDERS = ("core/", "backends/", "runtime/")
SEAM_WORDS = (
    (r"std::atomic\w*|<atomic>|__atomic_\w+|__sync_\w+", "Env::Atomic"),
    (r"std::memory_order\w*", "netpoll::Order"),
    (r"\w*_thread_fence|\w*_signal_fence", "an ordered Env::Atomic access"),
    (
        r"std::(?:\w*mutex|lock_guard|unique_lock|scoped_lock|shared_lock)"
        r"|<(?:shared_)?mutex>|absl::\w*Mutex\w*|pthread_(?:mutex|spin)\w*",
        "Env::Lock and LockHolder",
    ),
    (
        r"std::condition_variable\w*|std::\w+_semaphore|std::latch"
        r"|std::barrier|<(?:condition_variable|semaphore|latch|barrier)>"
        r"|pthread_cond\w*|SYS_futex",
        "Env::Parker",
    ),
    (
        r"std::this_thread::(?:yield|sleep\w*)|sched_yield|_mm_pause"
        r"|__builtin_ia32_pause",
        "Env::Retry, or Env::Parker to sleep",
    ),
)
# Threads are made by the runtime's workers alone.
THREAD_WORDS = r"std::j?thread\b|<thread>|pthread_create"


def is_test(path):
    return path.endswith("_test.cc") or "/testing/" in path


def seam(tree):
    for path in tree.cpp():
        if not path.startswith(SEAM_FOLDERS) or is_test(path):
            continue
        if path == SEAM_FILE:
            continue
        words = list(SEAM_WORDS)
        if not path.startswith("runtime/"):
            words.append((THREAD_WORDS, "the embedder's own threads"))
        code = without_comments(tree.text(path)).splitlines()
        for number, line in enumerate(code, start=1):
            for pattern, instead in words:
                for match in re.finditer(pattern, line):
                    yield Finding(
                        "seam",
                        path,
                        number,
                        f"`{match[0]}` may be named in {SEAM_FILE} only: "
                        f"use {instead}",
                    )


# What of runtime/ calls the system, or reads a clock.
SYS_FILE = "runtime/sys.h"
SYSTEM_CALLS = re.compile(
    # Not a member's name, nor one of ours; `::` in front is the system's.
    r"(?<![\w.>:&*])(?:::\s*)?\b(?:p?read(?:v2?)?|p?write(?:v2?)?"
    r"|recv(?:m?msg|from)?|send(?:m?msg|to)?|poll|ppoll|p?select|epoll_\w+"
    r"|pipe2?|socket(?:pair)?|bind|listen|connect|accept4?|shutdown"
    r"|[gs]etsockopt|getsockname|getpeername|close|dup[23]?|fcntl|ioctl"
    r"|open(?:at)?|unlink(?:at)?|rename|flock|[fl]?stat(?:at|x)?|access"
    r"|getcwd|chdir|getpid|gettid|fork|vfork|kill|raise|sigaction|signal"
    r"|sigprocmask|sigpending|sigtimedwait|sigwait(?:info)?|syscall"
    r"|if_nametoindex|if_indextoname|getaddrinfo|getifaddrs"
    r"|clock_\w+|gettimeofday|time|usleep|nanosleep|sleep|alarm"
    r"|timerfd_\w+|eventfd\w*|mmap|munmap|madvise|getrandom|getrlimit"
    r"|pthread_(?:create|join|detach|kill|sigmask|cancel))\s*\("
    r"|\bExaminePollable\b|std::chrono::\w+_clock|absl::Now|std::thread|std::random_device"
)


def sys_seam(tree):
    for path in tree.cpp():
        if not path.startswith("runtime/") or "test" in path:
            continue
        # Of Windows there is another seam.
        if path == SYS_FILE or path.startswith("runtime/iocp/"):
            continue
        code = without_comments(tree.text(path)).splitlines()
        for number, line in enumerate(code, start=1):
            for match in SYSTEM_CALLS.finditer(line):
                yield Finding(
                    "sys_seam",
                    path,
                    number,
                    f"`{match[0]}` goes around {SYS_FILE}",
                )


def line_length(tree):
    for path in tree.cpp():
        table = False  # What clang-format leaves alone may be wide.
        for number, line in tree.lines(path):
            if "clang-format o" in line:
                table = line.rstrip().endswith("off")
            if len(line) <= 80 or "://" in line or table:
                continue
            if line.startswith(("#include", "#ifndef", "#define", "#endif")):
                continue
            yield Finding(
                "line-length", path, number, f"{len(line)} columns; 80 is most"
            )


def include_guard(tree):
    for path in tree.cpp():
        if not path.endswith(".h"):
            continue
        guard = "NETPOLL_" + re.sub(r"\W", "_", path).upper() + "_"
        text = tree.text(path)
        for needed in (f"#ifndef {guard}\n", f"#define {guard}\n"):
            if needed not in text:
                yield Finding(
                    "include-guard", path, 1, f"needs `{needed.strip()}`"
                )


# A header of a library -> the label that must be in the package's BUILD file.
# Debian's headers are found without a dependency; other systems' are not.
LIBRARIES = (
    (r"absl/(\w+)/", r"@abseil-cpp//absl/\1"),
    (r"benchmark/", "@google_benchmark"),
    (r"boost/asio/", "@boost.asio"),
    (r"boost/context/", "@boost.context"),
    (r"boost/", "@boost.beast"),
    (r"glib\.h", "@glib//glib"),
    (r"liburing", "@liburing"),
    (r"rapidcheck", "@rapidcheck"),
    (r"uv\.h", "@libuv"),
    (r"(?:gtest|gmock)/", "_cc_test|@googletest"),
)
_INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def _build_text(tree, path):
    """The BUILD file of the package that a file is in."""
    folder = os.path.dirname(path)
    while True:
        for name in ("BUILD.bazel", "BUILD"):
            build = os.path.join(folder, name)
            if build in tree.paths:
                return tree.text(build)
        if not folder:
            return ""
        folder = os.path.dirname(folder)


def includes(tree):
    for path in tree.cpp():
        for number, line in tree.lines(path):
            match = _INCLUDE.match(line)
            if not match:
                continue
            quote, header = match.groups()
            library = next(
                (m.expand(label), m)
                for pattern, label in LIBRARIES + ((r"", ""),)
                if (m := re.match(pattern, header))
            )[0]
            if library:
                text = _build_text(tree, path)
                if not any(label in text for label in library.split("|")):
                    yield Finding(
                        "includes",
                        path,
                        number,
                        f"`{header}` needs {library} in the package's deps",
                    )
            elif (
                quote == '"'
                and not header.startswith("netpoll/")
                # Somebody else's, which has headers of its own.
                and not path.startswith("tests/consumer/workspace/")
            ):
                yield Finding(
                    "includes",
                    path,
                    number,
                    f"`{header}`: our headers are included by their path "
                    "under netpoll/",
                )


def circles(tree):
    """None includes itself by way of others."""
    graph = include_graph(tree)
    for unit in sorted(graph):
        for other, path in sorted(graph[unit].items()):
            back = way(graph, other, unit)
            # Each circle once, where it is first by name.
            if back and unit == min(back):
                names = " -> ".join([unit] + back)
                yield Finding("circles", path, 1, "a circle: " + names)


def drawing(tree):
    path = "docs/dependencies.md"
    if path in tree.paths and not any(circles(tree)):
        if tree.text(path) != draw_includes.page(tree):
            yield Finding(
                "drawing",
                path,
                1,
                "not what the files include: "
                "python3 tests/lint/draw_includes.py > " + path,
            )


# Rooms whose files are in one namespace; what is within it may have more.
ROOM_NAMESPACES = {"model/": "netpoll::model"}


def namespaces(tree):
    """A room has one namespace."""
    for path in tree.cpp():
        for room, name in ROOM_NAMESPACES.items():
            if not path.startswith(room):
                continue
            for number, line in enumerate(tree.text(path).split("\n"), 1):
                match = re.match(r"namespace (netpoll[\w:]*)", line)
                if match and not (match[1] + "::").startswith(name + "::"):
                    yield Finding(
                        "namespaces",
                        path,
                        number,
                        f"{match[1]}: what is in {room} is in {name}",
                    )


RULES = (
    seam,
    sys_seam,
    line_length,
    include_guard,
    includes,
    circles,
    drawing,
    namespaces,
)
