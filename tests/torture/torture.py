# SPDX-License-Identifier: Apache-2.0
"""`netpoll torture` as its tests call it."""

import json
import os
import subprocess

_HERE = os.path.dirname(os.path.abspath(__file__))
NETPOLL = os.path.join(_HERE, "..", "..", "tools", "cli", "netpoll_torture")
# Under a sanitizer a test asks for less.
SANITIZED = bool(os.environ.get("NETPOLL_SANITIZER"))


def torture(*flags, timeout=240):
    """Exit status, standard output, standard error."""
    done = subprocess.run(
        [NETPOLL, "torture", *flags],
        capture_output=True, text=True, timeout=timeout,
    )
    return done.returncode, done.stdout, done.stderr


def backends():
    """What runs here."""
    done = subprocess.run(
        [NETPOLL, "backends", "--json"],
        capture_output=True, text=True, check=True, timeout=60,
    )
    said = json.loads(done.stdout)
    listed = said["backends"] if isinstance(said, dict) else said
    return [each["name"] for each in listed if each.get("runs")]
