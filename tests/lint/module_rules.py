# SPDX-License-Identifier: Apache-2.0
"""Rules about this repository as a Bazel module, for Bazels that are newer than
the one that builds it here: see starlark.py for how far that can be known."""

import json
import posixpath
import re

import starlark
from tree import Finding

# What only a WORKSPACE reads, and another workspace.
_ELSEWHERE = ("third_party/overlays/", "tests/consumer/workspace")
_DEP = re.compile(r"^bazel_dep\(([^)]*)\)", re.MULTILINE)
_BUILTIN_REPOSITORIES = {"bazel_tools", "netpoll"}


class _Part:
    """The part of a tree that is the module."""

    def __init__(self, tree):
        self.paths = [p for p in tree.paths if not p.startswith(_ELSEWHERE)]
        self.text = tree.text
        self._tree = tree

    def builds(self):
        return [p for p in self._tree.builds() if p in set(self.paths)]


def _dependencies(tree):
    """name -> (version, whether only for development, line)."""
    text = tree.text("MODULE.bazel")
    found = {}
    for match in _DEP.finditer(text):
        words = dict(re.findall(r'(\w+) = "?([^",]+)"?', match[1]))
        line = text.count("\n", 0, match.start()) + 1
        found[words["name"]] = (
            words.get("version", ""),
            words.get("dev_dependency") == "True",
            line,
        )
    return found


def _split(label, folder):
    """(repository, folder, name) of a label that a package has written."""
    repository, rest = "", label
    if label.startswith("@"):
        repository, _, rest = label[1:].partition("//")
        if "//" not in label:
            return repository, "", repository
    elif label.startswith("//"):
        rest = label[2:]
    else:
        return "", folder, label.lstrip(":")
    path, colon, name = rest.partition(":")
    return repository, path, name if colon else posixpath.basename(path)


def newer_bazel(tree):
    """Every BUILD and .bzl file loads, without what Bazel 9 has no more."""
    if "MODULE.bazel" not in tree.paths:
        return
    part = _Part(tree)
    known = starlark.offers()
    world = starlark.World(part, known)
    dependencies = _dependencies(tree)
    for name, (version, _, line) in sorted(dependencies.items()):
        versions = known["modules"].get(name, {}).get("versions", [])
        if version not in versions:
            yield Finding(
                "newer-bazel",
                "MODULE.bazel",
                line,
                f"{name} {version} is not known to be in the registry",
            )
    for path in part.paths:
        if path.endswith(".bzl"):
            try:
                world.module(path)
            except starlark.Breach as breach:
                yield Finding("newer-bazel", path, breach.line, str(breach))
    for folder in world.folders():
        package = world.package(folder)
        for line, message in package.breaches:
            yield Finding("newer-bazel", package.path, line, message)
        for repository in sorted(package.loads - set(dependencies)):
            yield Finding(
                "newer-bazel", package.path, 1, f"@{repository}: no bazel_dep"
            )
        for target in package.targets.values():
            yield from _unoffered(package, folder, target, known, dependencies)


def _unoffered(package, folder, target, known, dependencies):
    for label in target.labels():
        repository, path, name = _split(label, folder)
        if not repository or repository in _BUILTIN_REPOSITORIES:
            continue
        offered = known["modules"].get(repository, {}).get("targets", [])
        if repository not in dependencies:
            message = f"@{repository}: no bazel_dep"
        elif f"{path}:{name}" not in offered:
            message = f"{label}: its module is not known to offer it"
        else:
            continue
        yield Finding("newer-bazel", package.path, target.line, message)


def embedders(tree):
    """What an embedder may name needs no repository that only we have."""
    if "MODULE.bazel" not in tree.paths or "BUILD.bazel" not in tree.paths:
        return
    world = starlark.World(_Part(tree), starlark.offers())
    ours = {n for n, (_, dev, _) in _dependencies(tree).items() if dev}
    public = [
        ("", name)
        for name, target in world.package("").targets.items()
        if "//visibility:public" in target.attributes.get("visibility", [])
    ]
    seen, told = set(public), set()
    while public:
        folder, name = public.pop()
        package = world.package(folder)
        for repository in sorted(package.loads & ours):
            if (folder, repository) not in told:
                told.add((folder, repository))
                yield Finding(
                    "embedders",
                    package.path,
                    1,
                    f"loads from @{repository}, a dev_dependency, beside "
                    f"//{folder}:{name}, which embedders need",
                )
        target = package.targets.get(name)
        for label in target.labels() if target else []:
            repository, path, wanted = _split(label, folder)
            if repository in ours:
                yield Finding(
                    "embedders",
                    package.path,
                    target.line,
                    f"//{folder}:{name}, which embedders need, needs "
                    f"@{repository}, a dev_dependency",
                )
            inner = (path, wanted)
            if not repository and inner not in seen and world.has_package(path):
                seen.add(inner)
                public.append(inner)


_VERSIONS = {
    "MODULE.bazel": r'^    version = "([^"]+)"',
    "CMakeLists.txt": r"^project\(netpoll VERSION (\S+)",
    "CHANGELOG.md": r"^## (\d\S*)",
}
_PRESUBMIT = ".bcr/presubmit.yml"


def release(tree):
    """One version everywhere, and what the registry would build exists."""
    versions = {}
    for path, pattern in _VERSIONS.items():
        if path in tree.paths:
            found = re.search(pattern, tree.text(path), re.MULTILINE)
            versions[path] = found[1] if found else "none"
    for path, version in versions.items():
        if version != versions.get("MODULE.bazel", version):
            wanted = versions["MODULE.bazel"]
            yield Finding(
                "release", path, 1, f"version {version}, MODULE.bazel: {wanted}"
            )
    for path in tree.paths:
        if path.startswith(".bcr/") and path.endswith(".json"):
            try:
                json.loads(tree.text(path))
            except ValueError as error:
                yield Finding("release", path, 1, f"no JSON: {error}")
    if _PRESUBMIT not in tree.paths:
        return
    targets = starlark.World(_Part(tree), starlark.offers()).package("").targets
    for line, text in tree.lines(_PRESUBMIT):
        for name in re.findall(r"@netpoll//:(\w+)", text):
            if name not in targets:
                yield Finding("release", _PRESUBMIT, line, f"no //:{name}")
        folder = re.search(r"module_path: (\S+)", text)
        if folder and f"{folder[1]}/MODULE.bazel" not in tree.paths:
            yield Finding("release", _PRESUBMIT, line, f"no {folder[1]} module")


RULES = (newer_bazel, embedders, release)
