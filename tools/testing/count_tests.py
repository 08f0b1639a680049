#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the test cases of one run of `bazel test`.

usage: count_tests.py EVENTS

EVENTS is what --build_event_json_file wrote. The cases are those of the
test.xml files of that very run. A GoogleTest case counts as one, any other test
as one. A test that did not build, timed out, or failed without naming a case
counts as one that failed. Prints `PASSED FAILED SKIPPED`, and the failed ones'
names on standard error.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field


@dataclass
class Count:
    passed: int = 0
    skipped: int = 0
    failed: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.skipped += other.skipped
        self.failed += other.failed


def count_xml(label, text):
    """Counts the cases of one test.xml."""
    count = Count()
    for case in ElementTree.fromstring(text).iter("testcase"):
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed.append(f"{label} {name}")
        elif (
            case.find("skipped") is not None
            or case.get("result") in ("skipped", "suppressed")
            or case.get("status") == "notrun"
        ):
            count.skipped += 1
        else:
            count.passed += 1
    return count


def read_uri(uri):
    parts = urllib.parse.urlparse(uri)
    with open(urllib.parse.unquote(parts.path), encoding="utf-8") as file:
        return file.read()


def count_result(label, result, read):
    """Counts one shard of one test."""
    text = None
    for output in result.get("testActionOutput", []):
        if output.get("name") == "test.xml":
            text = read(output["uri"])
    passed = result.get("status") in ("PASSED", "FLAKY")
    count = Count()
    if text is not None:
        try:
            count = count_xml(label, text)
        except ElementTree.ParseError:
            passed = False
    if passed and count.passed + count.skipped + len(count.failed) == 0:
        count.passed = 1
    if not passed and not count.failed:
        count.failed.append(f"{label} ({result.get('status', 'no status')})")
    return count


def count_events(lines, read=read_uri):
    """Counts a whole run from its build events, one JSON object a line."""
    built = {}  # Label -> whether it was built.
    results = {}  # (label, run, shard) -> (attempt, result); the last counts.
    broken = []  # What went wrong outside of any test.
    for line in lines:
        event = json.loads(line)
        kind, key = next(iter(event["id"].items()), ("", {}))
        label = key.get("label", "")
        if "aborted" in event:
            reason = event["aborted"].get("reason", "")
            if kind == "targetCompleted" and reason != "SKIPPED":
                built[label] = False
            elif reason not in ("SKIPPED", "NO_BUILD"):
                broken.append(f"{label or kind} ({reason.lower()})")
        elif kind == "targetCompleted":
            built[label] = event["completed"].get("success", False)
        elif kind == "testResult":
            place = (label, key.get("run", 0), key.get("shard", 0))
            attempt = key.get("attempt", 0)
            if place not in results or results[place][0] <= attempt:
                results[place] = (attempt, event["testResult"])
    count = Count()
    for (label, _, _), (_, result) in sorted(results.items(), key=str):
        count.add(count_result(label, result, read))
    ran = {label for label, _, _ in results}
    for label, success in sorted(built.items()):
        if not success and label not in ran:
            count.failed.append(f"{label} (did not build)")
    if not count.failed:
        count.failed += sorted(set(broken))
    return count


def main(argv):
    if len(argv) != 2:
        print("usage: count_tests.py EVENTS", file=sys.stderr)
        return 2
    with open(argv[1], encoding="utf-8") as file:
        count = count_events(file)
    for name in count.failed:
        print(f"FAILED {name}", file=sys.stderr)
    print(count.passed, len(count.failed), count.skipped)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
