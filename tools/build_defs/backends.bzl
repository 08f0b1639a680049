# SPDX-License-Identifier: Apache-2.0
"""The backends of this repository, once: what is built or tested for each of
them derives from here.

A polling backend NAME has folders of its own: backends/NAME (target NAME),
tests/conformance/NAME (NAME_test and mutants), tests/fuzz/decode_NAME.cc.
HACKING.md says what else a new one needs.
"""

# Those of the system that this builds on. The runtime chooses among them:
# backends/host/host_backends.h has them too, the preferred one first.
NATIVE_BACKENDS = [
    "epoll",
    "io_uring",
    "poll",
]

# Other systems' of POSIX, each over a shim: a library in tests/shims/NAME that
# gives that system's calls here.
SHIMMED_BACKENDS = [
    "kqueue",
    "event_ports",
]

# In the order in which tables name them.
POSIX_BACKENDS = NATIVE_BACKENDS + SHIMMED_BACKENDS

# Completions, under Wine; with tests of its own kind.
WINDOWS_BACKENDS = ["iocp"]

def shim_of(backend):
    """What a test of the backend depends on beside it."""
    return ["//tests/shims/" + backend] if backend in SHIMMED_BACKENDS else []
