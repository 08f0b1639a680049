#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of clauses and backends.

usage: table.py [--write] FOLDER PROGRAM...

Runs each backend's conformance test and prints, for every clause of the
contract, which backends keep it. Compares that with docs/conformance.md below
FOLDER, and the sums with tools/cli/verified_backends.inc and the README's
table; --write writes the page instead. The exit status is 1 if a clause is
broken or a file is out of date.

A PROGRAM that ends in .exe runs under Wine. A suite of a backend's own that asks
for the same as a shared one has its name with the backend's before it.
"""

import json
import os
import re
import sys
import tempfile

import watched_run

PAGE = "docs/conformance.md"
SUMS = "tools/cli/verified_backends.inc"
README = "README.md"
BEGIN = "<!-- begin: written by tests/conformance/table/table.py -->"
END = "<!-- end -->"
# Many times what the slowest takes, on a busy machine too.
MOST_SECONDS = 240
MARKS = {"passed": "yes", "skipped": "n/a", "failed": "BROKEN"}
# "Epoll/Readiness/0": the instantiation, the suite, the number of the type.
SUITE = re.compile(r"^(\w+)/(\w+)/\d+$")
# "IocpOpening", "IocpDeathTest": the backend, and the suite if it is a shared one.
OWN_SUITE = re.compile(r"^(Iocp)(\w*)$")
SHARED = ("Opening",)


def result_of(case):
    if case.get("failures"):
        return "failed"
    if case.get("result") != "COMPLETED":
        return "skipped"
    return "passed"


def run(program):
    """{(suite, clause): {backend: result}} of one program."""
    environment = dict(os.environ)
    for name in list(environment):
        if name.startswith(("TEST_SHARD", "TEST_TOTAL_SHARDS", "XML_OUTPUT")):
            del environment[name]
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        command = [program]
        environment["GTEST_OUTPUT"] = f"json:{report}"
        if program.endswith(".exe"):
            command = ["bash", "tools/windows/wine_test.sh", program]
            windows_path = report.replace("/", "\\")
            environment["GTEST_OUTPUT"] = f"json:Z:{windows_path}"
            environment["TEST_TMPDIR"] = folder
        status, output = watched_run.run(command, environment, MOST_SECONDS)
        if not os.path.exists(report):
            sys.stdout.buffer.write(output)
            sys.exit(f"{program} ended with {status}, and no report")
        with open(report, encoding="utf-8") as file:
            suites = json.load(file)["testsuites"]
    clauses = {}
    for suite in suites:
        name = SUITE.match(suite["name"]) or OWN_SUITE.match(suite["name"])
        if name is None:
            continue
        own = name.re is OWN_SUITE and name[2] not in SHARED
        for case in suite["testsuite"]:
            clause = ("Completions" if own else name[2], case["name"])
            clauses.setdefault(clause, {})[name[1]] = result_of(case)
    if any("failed" in results.values() for results in clauses.values()):
        sys.stdout.buffer.write(output)
    return clauses


def collect(programs):
    clauses, backends = {}, []
    for program in programs:
        for clause, results in run(program).items():
            clauses.setdefault(clause, {}).update(results)
            backends += [name for name in results if name not in backends]
    return clauses, backends


def words(clause):
    """"ABreakEndsAPoll" -> "a break ends a poll"."""
    parts = re.findall(r"[A-Z][a-z0-9]*", clause)
    return " ".join(part.lower() for part in parts)


def table(clauses, backends):
    lines = [
        "| clause | " + " | ".join(backends) + " |",
        "|---|" + "---|" * len(backends),
    ]
    for (suite, clause), results in sorted(clauses.items()):
        marks = [MARKS.get(results.get(name), "-") for name in backends]
        name = f"{suite.lower()}: {words(clause)}"
        lines.append(f"| {name} | " + " | ".join(marks) + " |")
    sums = [
        f"{kept} of {asked}" for kept, asked in (
            count(clauses, name) for name in backends)
    ]
    lines.append("| **kept** | " + " | ".join(sums) + " |")
    return "\n".join(lines)


def count(clauses, backend):
    """(kept, asked): clauses that do not apply are not asked."""
    results = [r[backend] for r in clauses.values() if backend in r]
    return results.count("passed"), len(results) - results.count("skipped")


def sums_in(text):
    """{instantiation: (kept, asked)} of the lines of verified_backends.inc."""
    found = {}
    for name, kept, asked in re.findall(
        r'"(\w+)",\s*(\d+),\s*(\d+)\s*\)', text
    ):
        found[name] = (int(kept), int(asked))
    return found


def letters(text):
    return re.sub("[^a-z]", "", text.lower())


def main(arguments):
    write = arguments[:1] == ["--write"]
    root, *programs = arguments[1:] if write else arguments
    clauses, backends = collect(programs)
    text = table(clauses, backends)
    print(text)
    problems = [
        f"{suite}.{clause} is broken by {name}"
        for (suite, clause), results in clauses.items()
        for name, result in results.items()
        if result == "failed"
    ]
    page = os.path.join(root, PAGE)
    with open(page, encoding="utf-8") as file:
        before, _, rest = file.read().partition(BEGIN)
        old, _, after = rest.partition(END)
    if write:
        with open(page, "w", encoding="utf-8") as file:
            file.write(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
    elif old.strip() != text:
        problems.append(
            f"{PAGE} is out of date: bazel run //tests/conformance/table:write_table"
        )
    with open(os.path.join(root, SUMS), encoding="utf-8") as file:
        said_of = sums_in(file.read())
        for name, said in said_of.items():
            if count(clauses, name) != said:
                problems.append(
                    f"{SUMS} says {said[0]} of {said[1]} of {name}, but "
                    "%d of %d" % count(clauses, name)
                )
    with open(os.path.join(root, README), encoding="utf-8") as file:
        rows = [line for line in file if line.startswith("| ")]
    for name, (kept, asked) in said_of.items():
        # "KqueueUserEvent" is "kqueue" there.
        start = letters(name)[:6]
        sums = [r for r in rows if letters(r).startswith(start)]
        if not any(f"| {kept} of {asked}" in row for row in sums):
            problems.append(f"{README} does not say {kept} of {asked} of {name}")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
