#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The folder about a whole check, in a browser."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from browser import (  # noqa: E402
    ALOUD,
    CONTRAST,
    NETPOLL,
    PICTURES,
    Browser,
    tidy,
)


class Overview(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        cls.holds = cls.check("holds", 0, "--only", "read-*")
        cls.broken = cls.check("broken", 1, "--only", "read-*", "--mutant",
                               "C1-no-recheck")
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        shutil.rmtree(cls.folder)

    @classmethod
    def check(cls, name, status, *arguments):
        folder = f"{cls.folder}/{name}"
        done = subprocess.run([NETPOLL, "check", *arguments, "--html", folder],
                              capture_output=True, text=True)
        assert done.returncode == status, done.stderr
        return folder + "/index.html"

    def open(self, file, dark=False):
        self.browser.look(1400, 900, dark)
        self.browser.open(file)

    def rows(self):
        return self.browser.run(
            "return [...document.querySelectorAll('#heat tbody tr')].filter("
            "(row) => !row.hidden).map((row) => row.cells[0].textContent)")

    def test_the_heat_map_is_searched(self):
        self.open(self.holds)
        everything = self.rows()
        self.assertGreater(len(everything), 300)
        search = ("const s = document.getElementById('search'); s.value = "
                  "arguments[0]; s.dispatchEvent(new Event('input'))")
        self.browser.run(search, "c1- read-close")
        some = self.rows()
        self.assertIn("C1-no-recheck", some)
        self.assertLess(len(some), 40)
        self.browser.run(search, "no such mutant")
        self.assertEqual(self.rows(), [])
        self.browser.run(search, "")
        self.assertEqual(self.rows(), everything)

    def test_heads_sort_both_ways(self):
        self.open(self.holds)
        kills = ("return [...document.querySelectorAll('#heat tbody tr')].map("
                 "(row) => Number(row.cells[1].textContent))")
        click = ("document.querySelectorAll('#heat thead button')[1].click()")
        self.browser.run(click)
        up = self.browser.run(kills)
        self.assertEqual(up, sorted(up))
        self.browser.run(click)
        self.assertEqual(self.browser.run(kills), up[::-1])
        states = ("return [...document.querySelectorAll('table.sorts tbody "
                  "tr')].map((row) => Number(row.cells[2].textContent))")
        self.browser.run("document.querySelectorAll('table.sorts thead "
                         "button')[2].click()")
        found = self.browser.run(states)
        self.assertEqual(found, sorted(found))

    def test_the_heat_map_has_each_kill_below_its_configuration(self):
        self.open(self.holds)
        cells, askew, pairs = self.browser.run("""
            const map = document.getElementById('heat');
            const heads = [...map.querySelectorAll('thead th')].map(
                (head) => head.getBoundingClientRect());
            const names = data.configurations;
            const askew = [];
            for (const cell of map.querySelectorAll('td.cell')) {
              const at = 3 + names.indexOf(
                  cell.title.match(/ in (\\S+):/)[1]);
              const here = cell.getBoundingClientRect();
              if (Math.abs(here.left - heads[at].left) > 1 ||
                  Math.abs(here.width - heads[at].width) > 1) {
                askew.push(cell.title);
              }
            }
            return [map.querySelectorAll('td').length, askew,
                    data.mutants.length * names.length];""")
        self.assertEqual(askew, [])
        # Or a program that reads them all would take minutes.
        self.assertLess(cells, pairs / 5)

    def test_a_configuration_sorts(self):
        self.open(self.holds)
        found = self.browser.run("""
            const at = 3 + data.configurations.indexOf('read-close');
            document.querySelectorAll('#heat thead button')[at].click();
            return [...document.querySelectorAll('#heat tbody tr')].map(
                (row) => row.querySelector(
                    'td[title*=" in read-close:"]')?.textContent ?? "");""")
        some = [int(steps) for steps in found if steps]
        self.assertGreater(len(some), 5)
        self.assertEqual(some, sorted(some))
        self.assertEqual(found[:len(some)], [str(steps) for steps in some])

    def test_each_counterexample_is_a_link_to_a_page(self):
        self.open(self.broken)
        links = self.browser.run(
            "return [...document.querySelectorAll('a[href$=\".html\"]')].map("
            "(a) => a.getAttribute('href'))")
        self.assertGreater(len(links), 4)
        for link in links:
            self.assertTrue(os.path.exists(
                os.path.join(os.path.dirname(self.broken), link)))

    def test_it_can_be_read_and_read_aloud(self):
        for file in self.holds, self.broken:
            for dark in (False, True):
                self.open(file, dark)
                found = self.browser.run(CONTRAST)
                self.assertEqual(found["wrong"], [])
                self.assertGreater(found["looked"], 1000)
                if PICTURES:
                    name = os.path.basename(os.path.dirname(file))
                    self.browser.picture(
                        f"{PICTURES}/{name}{'-dark' * dark}.png")
            self.assertEqual(self.browser.run(ALOUD), [])
            self.assertEqual(self.browser.tabs(), [])
        self.assertEqual(self.browser.log("browser"), [])

    def test_tidy_finds_nothing(self):
        for file in self.holds, self.broken:
            self.assertEqual(tidy(file), "")


if __name__ == "__main__":
    unittest.main()
