# SPDX-License-Identifier: Apache-2.0
"""Reads BUILD and .bzl files as a Bazel without built-in C++ rules would.

Starlark is near enough to Python to be run by it: a file sees nothing but what
bazel_modules.json says that Bazel 9 knows, and what it loads. Bodies of rules
never run; the names in them are looked at all the same. No Bazel takes part.
"""

import ast
import builtins
import dis
import json
import os
import posixpath
import re
import sys
import types
from dataclasses import dataclass, field

_HERE = os.path.dirname(os.path.realpath(__file__))


def offers():
    """What bazel_modules.json says."""
    with open(os.path.join(_HERE, "bazel_modules.json"), encoding="utf-8") as f:
        return json.load(f)


class Breach(Exception):
    """Something that such a Bazel refuses; `line` of the file that says it."""

    def __init__(self, line, message):
        super().__init__(message)
        self.line = line


@dataclass
class Target:
    rule: str
    line: int
    attributes: dict

    def labels(self):
        """The strings in its attributes that are labels, as they are written:
        of what it needs, not of whom it lets see it."""
        skip = {"name", "copts", "linkopts", "defines", "args", "cmd", "tags",
                "visibility"}
        for name, value in self.attributes.items():
            if name not in skip:
                yield from _labels(value)


@dataclass
class Package:
    path: str
    targets: dict = field(default_factory=dict)
    loads: set = field(default_factory=set)
    breaches: list = field(default_factory=list)


@dataclass
class Module:
    """A .bzl file: its names, and which repositories it loads from."""

    names: dict
    loads: set


def _labels(value):
    if isinstance(value, Choice):
        for branch in value.values:
            yield from _labels(branch)
    elif isinstance(value, str):
        if value.startswith(("@", "//", ":")):
            yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _labels(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _labels(key)
            yield from _labels(item)


class Choice:
    """select(), and lists added to it."""

    def __init__(self, values):
        self.values = values

    def __add__(self, other):
        return Choice(self.values + [other])

    def __radd__(self, other):
        return Choice([other] + self.values)


class _Anything:
    """What a rule's or a provider's own functions are; nobody looks inside."""

    def __getattr__(self, name):
        return _Anything()

    def __call__(self, *args, **kwargs):
        return _Anything()


def glob_pattern(pattern):
    """A regular expression for what Bazel's glob takes as this pattern."""
    parts = re.split(r"(\*\*/|\*\*|\*)", pattern)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.compile("".join(meaning.get(p) or re.escape(p) for p in parts))


def _line_in(filename):
    """The line of a file that is being run."""
    frame = sys._getframe(1)
    line = 1
    while frame:
        if frame.f_code.co_filename == filename:
            line = frame.f_lineno
        frame = frame.f_back
    return line


class World:
    """The packages and .bzl files of one tree."""

    def __init__(self, tree, known):
        self._tree = tree
        self._known = known
        self._modules = {}
        self._packages = {}
        self._current = None

    def folders(self):
        return sorted(os.path.dirname(p) for p in self._tree.builds())

    def package(self, folder):
        if folder not in self._packages:
            self._packages[folder] = self._read_package(folder)
        return self._packages[folder]

    def has_package(self, folder):
        return posixpath.join(folder, "BUILD.bazel") in self._tree.paths

    def module(self, path):
        """The .bzl file at a path of the tree."""
        if path not in self._modules:
            loads = set()
            names = self._run(path, self._bzl_globals(path), loads)
            self._modules[path] = Module(names, loads)
        return self._modules[path]

    def _read_package(self, folder):
        path = posixpath.join(folder, "BUILD.bazel")
        package = Package(path)
        before, self._current = self._current, package
        try:
            self._run(path, self._build_globals(package), package.loads)
        except Breach as breach:
            package.breaches.append((breach.line, str(breach)))
        except Exception as error:  # What our own BUILD files do not do.
            package.breaches.append((1, f"cannot be read: {error!r}"))
        finally:
            self._current = before
        return package

    def _run(self, path, names, loads):
        text = self._tree.text(path)
        code = compile(text, path, "exec")
        names["load"] = lambda label, *symbols, **renamed: names.update(
            self._load(path, loads, label, symbols, renamed)
        )
        given = set(names) | set(self._known["globals"]["everywhere"])
        self._check_names(path, code, given | _stored(code) | set(_loaded(text)))
        exec(code, names)
        return names

    def _check_names(self, path, code, known):
        for instruction in dis.get_instructions(code):
            if instruction.starts_line:
                self._at = instruction.starts_line
            if (
                instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
                and instruction.argval not in known
                and instruction.argval not in code.co_varnames
            ):
                raise Breach(
                    self._at,
                    f"`{instruction.argval}` is not known to Bazel 9: load it",
                )
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._check_names(path, constant, known)

    def _load(self, path, loads, label, symbols, renamed):
        line = _line_in(path)
        wanted = {symbol: symbol for symbol in symbols} | renamed
        if label.startswith("@"):
            repository, _, inside = label[1:].partition("//")
            loads.add(repository)
            module = self._known["modules"].get(repository, {})
            names = module.get("loads", {}).get(inside)
            if names is None:
                raise Breach(line, f"`{label}`: no module is known to have it")
            missing = [n for n in wanted.values() if n not in names]
            if missing:
                raise Breach(line, f"`{label}` is not known to have {missing[0]}")
            return {
                alias: self._rule(symbol) for alias, symbol in wanted.items()
            }
        folder, _, name = label.rpartition(":")
        folder = folder[2:] if label.startswith("//") else os.path.dirname(path)
        file = posixpath.join(folder, name)
        if file not in self._tree.paths:
            raise Breach(line, f"`{label}` does not exist")
        module = self.module(file)
        loads.update(module.loads)
        missing = [n for n in wanted.values() if n not in module.names]
        if missing:
            raise Breach(line, f"`{label}` does not have {missing[0]}")
        return {alias: module.names[name] for alias, name in wanted.items()}

    def _rule(self, name):
        def instantiate(*_, **attributes):
            package = self._current
            if package is not None and "name" in attributes:
                package.targets[attributes["name"]] = Target(
                    name, _line_in(package.path), attributes
                )

        return instantiate

    def _native(self, package):
        """The functions that a BUILD file has without a load."""

        def glob(include=(), exclude=(), **_):
            return self._glob(os.path.dirname(package.path), include, exclude)

        special = {
            "glob": glob,
            "select": lambda branches, **_: Choice(
                [list(branches)] + list(branches.values())
            ),
        }
        names = self._known["globals"]["build"]
        return {name: special.get(name, self._rule(name)) for name in names}

    def _glob(self, folder, include, exclude):
        start = folder + "/" if folder else ""
        inner = [
            f + "/" for f in self.folders() if f != folder and f.startswith(start)
        ]
        found = []
        for path in self._tree.paths:
            if not path.startswith(start) or path.startswith(tuple(inner)):
                continue
            name = path[len(start) :]
            if any(glob_pattern(p).fullmatch(name) for p in include) and not any(
                glob_pattern(p).fullmatch(name) for p in exclude
            ):
                found.append(name)
        return found

    def _universal(self):
        special = {"fail": _fail, "float": float}
        names = self._known["globals"]["everywhere"]
        return {
            name: special.get(name) or getattr(builtins, name, None)
            for name in names
        }

    def _build_globals(self, package):
        names = self._native(package)
        names["__builtins__"] = self._universal()
        return names

    def _bzl_globals(self, path):
        names = {name: _Anything() for name in self._known["globals"]["bzl"]}
        world = self

        class Native:
            def __getattr__(self, name):
                current = world._current or Package(path)
                natives = world._native(current)
                if name not in natives:
                    raise Breach(
                        _line_in(path), f"Bazel 9 has no native.{name}: load it"
                    )
                return natives[name]

        names["native"] = Native()
        names["rule"] = lambda **_: self._rule("rule of " + path)
        names["select"] = self._native(Package(path))["select"]
        names["struct"] = types.SimpleNamespace
        names["__builtins__"] = self._universal()
        return names


def _fail(*args, **_):
    raise Breach(1, " ".join(str(a) for a in args))


def _stored(code):
    return {
        i.argval
        for i in dis.get_instructions(code)
        if i.opname in ("STORE_NAME", "STORE_GLOBAL")
    }


def _loaded(text):
    """The names that the calls of load() bind."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "load":
            yield from (a.value for a in node.args[1:])
            yield from (k.arg for k in node.keywords)
