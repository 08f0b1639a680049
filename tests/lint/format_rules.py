# SPDX-License-Identifier: Apache-2.0
"""Rules that another program decides: clang-format and buildifier."""

import re
import shutil
import subprocess

from tree import Finding

_CLANG = re.compile(r"^(.*?):(\d+):\d+: error: ")
_REFORMAT = re.compile(r"^(.*?) # reformat")
_WARNING = re.compile(r"^(.*?):(\d+): (?:error )?(.*)$")


def _missing(program):
    return Finding(
        "format", program, 1, f"there is no {program}: run tools/setup"
    )


def _run(tree, command):
    return subprocess.run(
        command, cwd=tree.root, capture_output=True, text=True
    )


def clang_format(tree):
    paths = tree.cpp()
    if not paths:
        return
    if not shutil.which("clang-format"):
        yield _missing("clang-format")
        return
    done = _run(tree, ["clang-format", "--dry-run", "-Werror", *paths])
    seen = set()
    for line in done.stderr.splitlines():
        match = _CLANG.match(line)
        if match and match[1] not in seen:
            seen.add(match[1])
            yield Finding(
                "clang-format",
                match[1],
                int(match[2]),
                f"run clang-format -i {match[1]}",
            )
    if done.returncode != 0 and not seen:
        yield Finding("clang-format", ".clang-format", 1, done.stderr.strip())


def buildifier(tree):
    paths = tree.bazel()
    if not paths:
        return
    if not shutil.which("buildifier"):
        yield _missing("buildifier")
        return
    done = _run(tree, ["buildifier", "-mode=check", "-lint=warn", *paths])
    found = False
    for line in (done.stdout + done.stderr).splitlines():
        if match := _REFORMAT.match(line):
            found = True
            yield Finding(
                "buildifier", match[1], 1, f"run buildifier {match[1]}"
            )
        elif (match := _WARNING.match(line)) and match[1] in paths:
            found = True
            yield Finding("buildifier", match[1], int(match[2]), match[3])
    if done.returncode != 0 and not found:
        yield Finding("buildifier", "BUILD.bazel", 1, done.stderr.strip())


RULES = (clang_format, buildifier)
