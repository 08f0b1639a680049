# SPDX-License-Identifier: Apache-2.0
"""Rules about BUILD files, WORKSPACE and MODULE.bazel."""

import os
import re

from tree import Finding

OVERLAYS = "third_party/overlays/"
DEPS = "third_party/deps.bzl"
_OVERLAY_LIST = "third_party/overlays.bzl"

# What every Bazel knows without a load.
_BUILTIN = frozenset(
    """
    alias assert bazel_dep config_setting constraint_setting constraint_value
    exports_files filegroup genquery genrule glob licenses load module package
    package_group platform select test_suite toolchain workspace
    """.split()
)
_CALL = re.compile(r"^\[?\s*([A-Za-z_]\w*)\(", re.MULTILINE)
_LOAD = re.compile(r"^load\(([^)]*)\)", re.MULTILINE)
_STRING = re.compile(r'(?:(\w+)\s*=\s*)?"([^"]*)"')
_NATIVE = re.compile(r"\bnative\.(?:cc|sh|py|java|objc|proto)_\w+")
_REPOSITORY = re.compile(r'"@([\w.\-]+)(?://|")')
_LISTED = re.compile(r'^    "([^"]+)": \[(.*?)\]', re.DOTALL | re.MULTILINE)
_DOCUMENTATION = re.compile(r'""".*?"""', re.DOTALL)


def _line(text, offset):
    return text.count("\n", 0, offset) + 1


def loads(tree):
    for path in tree.builds():
        text = tree.text(path)
        known = set(_BUILTIN) | set(re.findall(r"^def (\w+)", text, re.M))
        for arguments in _LOAD.findall(text):
            for alias, symbol in _STRING.findall(arguments)[1:]:
                known.add(alias or symbol)
        for match in _CALL.finditer(text):
            if match[1] not in known:
                yield Finding(
                    "loads",
                    path,
                    _line(text, match.start(1)),
                    f"`{match[1]}` is used without a load",
                )


def natives(tree):
    for path in tree.bazel():
        # They stand in for rules_cc and its like.
        if path.startswith((OVERLAYS + "rules_", "tests/consumer/workspace/")):
            continue
        text = tree.text(path)
        for match in _NATIVE.finditer(text):
            yield Finding(
                "natives",
                path,
                _line(text, match.start()),
                f"`{match[0]}`: load the rule from its rules_* repository",
            )


def visibility(tree):
    for path in tree.builds():
        if path.startswith((OVERLAYS, "tests/consumer/workspace/")):
            continue
        needed = 'package(default_visibility = ["//visibility:private"])'
        if needed not in tree.text(path):
            yield Finding("visibility", path, 1, f"needs `{needed}`")


# Repositories that exist in one of the two worlds only.
_ONLY_WORKSPACE = {"remote_coverage_tools", "rules_java", "rules_proto"}
_ONLY_MODULE = {"platforms"}  # Bazel 4 brings it itself.
_ALWAYS = {"bazel_tools", "netpoll"}


def dependencies(tree):
    """WORKSPACE and MODULE.bazel define the same; BUILD files use no other."""
    if "MODULE.bazel" not in tree.paths or DEPS not in tree.paths:
        return
    module = set(
        re.findall(r'bazel_dep\(\s*name = "([^"]+)"', tree.text("MODULE.bazel"))
    )
    deps = set(re.findall(r'_maybe\(\s*name = "([^"]+)"', tree.text(DEPS)))
    for name in sorted(module - deps - _ONLY_MODULE):
        yield Finding(
            "dependencies", DEPS, 1, f"@{name} is in MODULE.bazel but not here"
        )
    for name in sorted(deps - module - _ONLY_WORKSPACE):
        yield Finding(
            "dependencies", "MODULE.bazel", 1, f"@{name} of {DEPS} is not here"
        )
    overlays = {
        path[len(OVERLAYS) :].split("/")[0]
        for path in tree.paths
        if path.startswith(OVERLAYS)
    }
    for name in sorted(overlays ^ deps):
        yield Finding(
            "dependencies", DEPS, 1, f"@{name}: overlay and deps.bzl disagree"
        )
    for path in tree.bazel():
        if path.startswith((OVERLAYS, "tests/consumer/workspace/")):
            continue
        text = tree.text(path)
        # A word in a text of several lines is no label.
        code = _DOCUMENTATION.sub(lambda m: "\n" * m[0].count("\n"), text)
        for match in _REPOSITORY.finditer(code):
            if match[1] not in module | _ALWAYS:
                yield Finding(
                    "dependencies",
                    path,
                    _line(text, match.start()),
                    f"@{match[1]} is not in MODULE.bazel",
                )


def packages(tree):
    """One spelling, the one that newer Bazels prefer."""
    for path in tree.builds():
        if os.path.basename(path) == "BUILD":
            yield Finding("packages", path, 1, "is named BUILD.bazel here")


def overlays(tree):
    """Bazel watches the list, not the folder."""
    text = tree.text(_OVERLAY_LIST) if _OVERLAY_LIST in tree.paths else ""
    listed = {
        f"{OVERLAYS}{name}/{file}"
        for name, files in _LISTED.findall(text)
        for file in re.findall(r'"([^"]+)"', files)
    }
    there = {path for path in tree.paths if path.startswith(OVERLAYS)}
    for path in sorted(listed ^ there):
        what = "lacks" if path in there else "has what is not there:"
        yield Finding("overlays", _OVERLAY_LIST, 1, f"{what} {path}")


RULES = (overlays, loads, natives, visibility, dependencies, packages)
