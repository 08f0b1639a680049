# SPDX-License-Identifier: Apache-2.0
"""The repository's files, and what the rules ask of them."""

import os
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache

CPP = (".cc", ".h", ".inc")
BAZEL_NAMES = ("BUILD.bazel", "BUILD", "WORKSPACE", "MODULE.bazel")


@dataclass(frozen=True)
class Finding:
    """One breach of one rule."""

    rule: str
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message} [{self.rule}]"


class Tree:
    """The files below one folder, by their relative paths."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.paths = sorted(self._from_git() or self._from_disk())

    def _from_git(self):
        """What git tracks or would track; None outside of a repository."""
        if not os.path.exists(os.path.join(self.root, ".git")):
            return None
        command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
        try:
            done = subprocess.run(command, cwd=self.root, capture_output=True)
        except FileNotFoundError:
            return None
        if done.returncode != 0:
            return None
        paths = done.stdout.decode().split("\0")
        return {path for path in paths if path and self._is_file(path)}

    def _from_disk(self):
        paths = set()
        for folder, folders, files in os.walk(self.root):
            folders[:] = [
                name
                for name in folders
                if name not in (".git", ".build", "__pycache__")
                and not name.startswith("bazel-")
            ]
            for name in files:
                path = os.path.join(folder, name)
                paths.add(os.path.relpath(path, self.root))
        return {path for path in paths if self._is_file(path)}

    def _is_file(self, path):
        full = self.full(path)
        return os.path.isfile(full) and not os.path.islink(full)

    def full(self, path):
        return os.path.join(self.root, path)

    @lru_cache(maxsize=None)
    def text(self, path):
        """The file's text; empty when it is not text."""
        with open(self.full(path), "rb") as file:
            data = file.read()
        if b"\0" in data:
            return ""
        return data.decode("utf-8", errors="replace")

    def lines(self, path):
        """The lines with their numbers, from 1."""
        return enumerate(self.text(path).splitlines(), start=1)

    def cpp(self):
        return [path for path in self.paths if path.endswith(CPP)]

    def bazel(self):
        return [
            path
            for path in self.paths
            if path.endswith(".bzl") or os.path.basename(path) in BAZEL_NAMES
        ]

    def builds(self):
        names = ("BUILD.bazel", "BUILD")
        return [p for p in self.paths if os.path.basename(p) in names]

    def is_script(self, path):
        return self.text(path).startswith("#!")


_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL,
)


def without_comments(text):
    """C++ with comments and literals blanked; line numbers are kept."""
    return _CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
