#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What count_tests makes of each kind of event."""

import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import count_tests  # noqa: E402

GTEST = """<testsuites><testsuite name="Suite">
  <testcase name="Good" status="run" result="completed" classname="S"/>
  <testcase name="Bad" status="run" result="completed" classname="S">
    <failure message="no"/><failure message="again"/></testcase>
  <testcase name="Off" status="notrun" result="suppressed" classname="S"/>
  <testcase name="Skip" status="run" result="skipped" classname="S">
    <skipped message=""/></testcase>
</testsuite></testsuites>"""
SHELL_GOOD = """<testsuites><testsuite name="t" tests="1">
  <testcase name="t" status="run" time="0"><system-out/></testcase>
</testsuite></testsuites>"""
SHELL_BAD = SHELL_GOOD.replace("<system-out/>", '<error message="exit 3"/>')
NO_CASES = '<testsuites tests="0"></testsuites>'


def result(label, status, shard=1, attempt=1, xml=None):
    outputs = [{"name": "test.xml", "uri": xml}] if xml else []
    key = {"label": label, "run": 1, "shard": shard, "attempt": attempt}
    return {
        "id": {"testResult": key},
        "testResult": {"status": status, "testActionOutput": outputs},
    }


def completed(label, **payload):
    return {"id": {"targetCompleted": {"label": label}}, **payload}


def count(*events):
    return count_tests.count_events(map(json.dumps, events), lambda uri: uri)


class CountTests(unittest.TestCase):
    def expect(self, counted, passed, failed, skipped=0):
        self.assertEqual(
            (counted.passed, len(counted.failed), counted.skipped),
            (passed, failed, skipped),
            counted.failed,
        )

    def test_gtest_cases_count_one_by_one(self):
        counted = count(result("//a:t", "FAILED", xml=GTEST))
        self.expect(counted, 1, 1, 2)
        self.assertEqual(counted.failed, ["//a:t S.Bad"])

    def test_any_other_test_counts_as_one(self):
        self.expect(count(result("//a:t", "PASSED", xml=SHELL_GOOD)), 1, 0)
        self.expect(count(result("//a:t", "FAILED", xml=SHELL_BAD)), 0, 1)
        self.expect(count(result("//a:t", "PASSED", xml=NO_CASES)), 1, 0)
        self.expect(count(result("//a:t", "PASSED")), 1, 0)

    def test_shards_add_up(self):
        shards = [
            result("//a:t", "PASSED", shard=s, xml=SHELL_GOOD) for s in (1, 2)
        ]
        self.expect(count(*shards), 2, 0)

    def test_the_last_attempt_counts(self):
        first = result("//a:t", "FAILED", attempt=1, xml=SHELL_BAD)
        second = result("//a:t", "PASSED", attempt=2, xml=SHELL_GOOD)
        self.expect(count(first, second), 1, 0)

    def test_a_timeout_or_crash_counts_as_failed(self):
        self.expect(count(result("//a:t", "TIMEOUT")), 0, 1)
        self.expect(count(result("//a:t", "FAILED", xml="not xml")), 0, 1)
        self.expect(count(result("//a:t", "FAILED", xml=SHELL_GOOD)), 1, 1)

    def test_what_did_not_build_counts_as_failed(self):
        self.expect(count(completed("//a:t", completed={})), 0, 1)
        aborted = {"reason": "ANALYSIS_FAILURE"}
        self.expect(count(completed("//a:t", aborted=aborted)), 0, 1)

    def test_an_incompatible_target_counts_for_nothing(self):
        aborted = {"reason": "SKIPPED"}
        self.expect(count(completed("//a:t", aborted=aborted)), 0, 0)

    def test_a_test_that_ran_is_not_counted_twice(self):
        self.expect(
            count(
                completed("//a:t", completed={"success": True}),
                result("//a:t", "PASSED", xml=SHELL_GOOD),
            ),
            1,
            0,
        )

    def test_a_pattern_that_does_not_load_counts_as_failed(self):
        event = {
            "id": {"pattern": {"pattern": ["//nowhere/..."]}},
            "aborted": {"reason": "LOADING_FAILURE"},
        }
        self.expect(count(event), 0, 1)


if __name__ == "__main__":
    unittest.main()
