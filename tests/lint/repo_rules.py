# SPDX-License-Identifier: Apache-2.0
"""Rules about files of every kind."""

import os
import re

from tree import Finding

MOST_LINES = 400
MOST_BYTES = 500_000
# Files that may be longer than MOST_LINES, each with the reason.
LONG_FILES = {}

_CODE_ENDINGS = (".cc", ".h", ".inc", ".py", ".sh", ".bzl", ".bazel", ".go")


def _is_code(tree, path):
    name = os.path.basename(path)
    return (
        path.endswith(_CODE_ENDINGS)
        or name in ("WORKSPACE", "BUILD", ".bazelrc")
        or tree.is_script(path)
    )


def licence(tree):
    for path in tree.paths:
        if not _is_code(tree, path) or not tree.text(path):
            continue
        head = tree.text(path).splitlines()[:3]
        if not any("SPDX-License-Identifier: Apache-2.0" in h for h in head):
            # A marker of a repository's root says nothing else.
            if os.path.basename(path) == "WORKSPACE" and len(head) == 1:
                continue
            yield Finding(
                "licence",
                path,
                1,
                "needs `SPDX-License-Identifier: Apache-2.0` in its first lines",
            )


def file_length(tree):
    for path in tree.paths:
        if not _is_code(tree, path) or path in LONG_FILES:
            continue
        count = len(tree.text(path).splitlines())
        if count > MOST_LINES:
            yield Finding(
                "file-length",
                path,
                MOST_LINES,
                f"{count} lines, {MOST_LINES} is most: split it, or give a "
                "reason in LONG_FILES of tests/lint/repo_rules.py",
            )


def file_size(tree):
    for path in tree.paths:
        size = os.path.getsize(tree.full(path))
        if size > MOST_BYTES:
            yield Finding(
                "file-size", path, 1, f"{size} bytes, {MOST_BYTES} is most"
            )


def whitespace(tree):
    for path in tree.paths:
        text = tree.text(path)
        if not text or path == "LICENSE":
            continue
        last = len(text.splitlines())
        if not text.endswith("\n"):
            yield Finding("whitespace", path, last, "must end with a line feed")
        elif text.endswith("\n\n") and _is_code(tree, path):
            yield Finding("whitespace", path, last, "ends with an empty line")
        for number, line in tree.lines(path):
            if line != line.rstrip():
                yield Finding("whitespace", path, number, "trailing space")
            # gofmt wants tabs.
            tabs = path.endswith(".go") or not _is_code(tree, path)
            if "\t" in line and not tabs:
                yield Finding("whitespace", path, number, "a tab")


def scripts(tree):
    for path in tree.paths:
        executable = os.access(tree.full(path), os.X_OK)
        if tree.is_script(path) and not executable:
            yield Finding("scripts", path, 1, "a script: chmod +x")
        elif executable and not tree.is_script(path):
            yield Finding("scripts", path, 1, "no script: chmod -x")


# Absolute paths of somebody's own machine.
_OWN_PATHS = re.compile(r"(?<![\w.}\])*])/(?:work|root|farm|home/\w+)/")


def own_machine(tree):
    for path in tree.paths:
        for number, line in tree.lines(path):
            for match in _OWN_PATHS.finditer(line):
                yield Finding(
                    "own-machine",
                    path,
                    number,
                    f"`{match[0]}` is a path of one machine",
                )


_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def links(tree):
    for path in tree.paths:
        if not path.endswith(".md"):
            continue
        in_code = False
        for number, line in tree.lines(path):
            if line.startswith("```"):
                in_code = not in_code
            for target in [] if in_code else _LINK.findall(line):
                if re.match(r"[a-z]+:", target):
                    continue
                full = os.path.join(os.path.dirname(tree.full(path)), target)
                if not os.path.exists(full):
                    yield Finding(
                        "links", path, number, f"`{target}` does not exist"
                    )


RULES = (
    licence,
    file_length,
    file_size,
    whitespace,
    scripts,
    own_machine,
    links,
)
