#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of a counterexample, measured in a browser: 17 steps and 66."""

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

DOWN, END = "\ue015", "\ue010"
SIZES = [(1400, 900), (600, 900), (700, 450)]

# What is where. `head` and `main` bound what a person can see of the table.
LOOK = """
const box = (element) => {
  const {top, bottom, left, right} = element.getBoundingClientRect();
  return {top, bottom, left, right};
};
const shown = (element) => element.getClientRects().length > 0;
const main = document.querySelector("main");
const heads = [...document.querySelectorAll("#steps thead th")].filter(shown);
const row = document.querySelector("tr.here");
const cell = row && [...row.querySelectorAll(".what, .act")].find(shown);
const view = box(main);
view.right = view.left + main.clientWidth;
view.bottom = view.top + main.clientHeight;
return {
  view, bar: box(document.getElementById("bar")),
  heads: heads.map((head) => ({text: head.textContent, ...box(head)})),
  number: row && box(row.cells[0]), cell: cell && box(cell),
  here: row && row.id, hash: location.hash,
  said: document.getElementById("say").textContent,
  wide: main.scrollWidth, room: main.clientWidth,
};
"""

class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        cls.short = cls.page("read-close", 17)
        cls.many = cls.page("read-past-cleared", 16)
        cls.long = cls.page("reopen-new-deadline", 66)
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        shutil.rmtree(cls.folder)

    @classmethod
    def page(cls, configuration, steps):
        file = f"{cls.folder}/{steps}.html"
        done = subprocess.run(
            [NETPOLL, "check", "--mutant", "C1-no-recheck", "--only",
             configuration, "--html", file], capture_output=True, text=True)
        assert done.returncode == 1, done.stderr
        with open(file, encoding="utf-8") as page:
            assert f"{steps} steps, " in page.read()
        return file

    def open(self, file, width=1400, height=900, dark=False, fragment=""):
        self.browser.look(width, height, dark)
        self.browser.open(file, fragment)

    def look(self):
        return self.browser.run(LOOK)

    def picture(self, name):
        if PICTURES:
            self.browser.picture(f"{PICTURES}/{name}.png")

    def expect_seen(self, seen):
        """The selected step is under the head, over the bar, and in sight."""
        floor = max(head["bottom"] for head in seen["heads"])
        view = seen["view"]
        for box in (seen["number"], seen["cell"]):
            self.assertGreaterEqual(box["top"], floor - 1, seen["here"])
            self.assertLessEqual(box["bottom"], view["bottom"] + 1,
                                 seen["here"])
            self.assertLessEqual(view["bottom"], seen["bar"]["top"] + 1)
        self.assertGreaterEqual(seen["cell"]["left"],
                                seen["number"]["right"] - 1)
        self.assertLessEqual(seen["cell"]["right"], view["right"] + 1)
        for head in seen["heads"]:
            self.assertGreaterEqual(head["top"], view["top"] - 1)
            self.assertLessEqual(head["bottom"], view["bottom"])

    def test_each_selected_step_is_in_sight_with_the_names(self):
        for file, steps in (self.short, 17), (self.long, 66):
            for width, height in SIZES:
                with self.subTest(steps=steps, width=width):
                    self.open(file, width, height)
                    met = []
                    while True:
                        self.browser.press(["j"])
                        seen = self.look()
                        if met and met[-1] == seen["here"]:
                            break
                        met.append(seen["here"])
                        self.expect_seen(seen)
                    self.assertEqual(met[0], "step-1")
                    self.assertEqual(met[-1], f"step-{steps}")
                    self.assertGreaterEqual(len(met), steps)
                    for want in reversed(met[:-1]):
                        self.browser.press(["k"])
                        seen = self.look()
                        self.assertEqual(seen["here"], want)
                        self.expect_seen(seen)

    def test_names_stay_wherever_one_scrolls(self):
        for file in self.short, self.long:
            for width, height in SIZES:
                for dense in (False, True):
                    self.open(file, width, height)
                    self.browser.press(["f", "v"] + (["d"] if dense else []))
                    for left in (0, 1e6):
                        self.browser.run(
                            "document.querySelector('main').scrollTo("
                            "arguments[0], 1e6)", left)
                        seen = self.look()
                        last = self.browser.run(
                            "return [...document.querySelectorAll('#steps "
                            "tr')].at(-1).getBoundingClientRect().bottom")
                        self.assertLessEqual(last, seen["view"]["bottom"] + 1)
                        self.assertLessEqual(last, height)
                        for head in seen["heads"]:
                            self.assertAlmostEqual(
                                head["bottom"], seen["heads"][0]["bottom"],
                                delta=1)
                            self.assertGreaterEqual(head["top"],
                                                    seen["view"]["top"] - 1)
                        first = seen["heads"][0]
                        self.assertAlmostEqual(first["left"],
                                               seen["view"]["left"], delta=1)

    def test_a_wide_window_has_the_whole_of_a_short_run(self):
        for file in self.short, self.many:
            self.open(file)
            seen = self.look()
            self.assertLessEqual(seen["wide"], seen["room"], file)

    def test_a_narrow_window_has_the_whole_step_without_scrolling(self):
        for file in self.short, self.long:
            self.open(file, 600, 900)
            self.browser.press([END])
            seen = self.look()
            names = [head["text"] for head in seen["heads"]]
            at = names.index("what happened")
            self.assertLessEqual(seen["heads"][at]["right"], 600)
            # The word of the decisive step is the next.
            self.assertEqual(names[at + 1], "rg")

    def test_at_full_width_nothing_is_beside_the_window(self):
        self.open(self.short)
        seen = self.look()
        self.assertEqual(seen["wide"], seen["room"])

    def test_the_step_is_in_the_address(self):
        self.open(self.long, fragment="#step-30")
        seen = self.look()
        self.assertEqual(seen["here"], "step-30")
        self.expect_seen(seen)
        self.assertIn("step 30:", seen["said"])
        self.browser.press(["n"])
        seen = self.look()
        self.assertEqual((seen["here"], seen["hash"]), ("step-58", "#step-58"))
        self.browser.press(["n"])
        self.assertEqual(self.look()["hash"], "#step-66")
        self.browser.press(["N"])
        self.assertEqual(self.look()["hash"], "#step-58")
        self.browser.run("location.hash = '#step-5'")
        self.browser.press([])
        self.assertEqual(self.look()["here"], "step-5")

    def test_a_step_says_its_line_of_the_source(self):
        self.open(self.short, fragment="#step-17")
        said = self.look()["said"]
        self.assertRegex(said, r"commit\.word in core/poll_desc\.h:\d+, cas rg")
        self.assertIn("Update<Env>", said)

    def count(self, selector):
        return self.browser.run(
            "return [...document.querySelectorAll(arguments[0])].filter("
            "(e) => e.getClientRects().length).length", selector)

    def test_runs_fold_and_unfold(self):
        self.open(self.long)
        folded = self.count("tr.step, tr.sum")
        self.assertLess(folded, 15)
        self.assertEqual(self.count("tr.key"), 2)
        self.browser.press(["f"])
        self.assertGreater(self.count("tr.step"), 66)
        self.assertEqual(self.count("tr.sum"), 0)
        self.browser.press(["f"])
        self.assertEqual(self.count("tr.step, tr.sum"), folded)
        # Walking opens what it comes to, and x closes it.
        self.browser.press(["j"])
        self.assertEqual(self.look()["here"], "step-1")
        self.assertGreater(self.count("tr.step, tr.sum"), folded)
        self.browser.press(["x"])
        self.assertEqual(self.count("tr.step, tr.sum"), folded)
        self.open(self.short)
        self.assertEqual(self.count("tr.sum"), 0)

    def test_only_what_changes_is_printed(self):
        self.open(self.short)
        self.assertEqual(self.count("td.same > span"), 0)
        changing = self.count("th.word")
        self.browser.press(["v"])
        self.assertGreater(self.count("td.same > span"), 17)
        self.assertGreater(self.count("th.word"), changing)

    def test_dense_rows_are_lines(self):
        self.open(self.short)
        tall = self.browser.run(
            "return document.getElementById('steps').offsetHeight")
        self.browser.press(["d"])
        dense = self.browser.run(
            "return document.getElementById('steps').offsetHeight")
        self.assertLess(dense, tall * 0.65)

    def test_every_key_is_in_the_list_and_works(self):
        self.open(self.short)
        self.browser.press(["?"])
        self.assertTrue(self.browser.run("return legend.open"))
        listed = self.browser.run(
            "return [...legend.querySelectorAll('.keys kbd')].map("
            "(e) => e.textContent)")
        known = self.browser.run("return Object.keys(keys)")
        names = {"↓": "ArrowDown", "↑": "ArrowUp"}
        self.assertEqual(sorted(names.get(key, key) for key in listed
                                if key != "Esc"), sorted(known))
        self.browser.press(["\ue00c"])
        self.assertFalse(self.browser.run("return legend.open"))
        self.browser.press([DOWN, DOWN])
        self.assertEqual(self.look()["here"], "step-2")
        self.browser.press(["t"])
        self.assertEqual(self.look()["here"], "step-5")
        self.browser.press(["T"])
        self.assertEqual(self.look()["here"], "step-4")

    def test_contrast_is_enough(self):
        for file in self.short, self.long:
            for dark in (False, True):
                for keys in (["n"], ["f", "v", "j"], ["d", "G"], ["?"]):
                    self.open(file, 1400, 900, dark)
                    self.browser.press(keys)
                    found = self.browser.run(CONTRAST)
                    self.assertEqual(found["wrong"], [])
                    self.assertGreater(found["looked"], 60)

    def test_it_can_be_read_aloud(self):
        for file in self.short, self.long:
            for width in 1400, 600:
                self.open(file, width)
                self.browser.press(["j", "v"])
                self.assertEqual(self.browser.run(ALOUD), [])
                self.open(file, width)
                self.assertEqual(self.browser.run(ALOUD), [])
                self.assertEqual(self.browser.tabs(), [])

    def test_it_asks_for_nothing_and_says_no_error(self):
        self.browser.log("performance")
        self.open(self.long)
        self.browser.press(["j", "f", "v", "d", "G", "?"])
        asked = [entry["message"] for entry in self.browser.log("performance")
                 if "Network.requestWillBeSent\"" in entry["message"]]
        for message in asked:
            self.assertIn('"url":"file://', message)
        self.assertEqual(self.browser.log("browser"), [])

    def test_paper_has_every_step_and_nothing_beside_it(self):
        for file, steps in (self.short, 17), (self.long, 66):
            # The inside of A4's margins, at 96 pixels an inch.
            self.open(file, 703, 1000)
            self.browser.devtools("Emulation.setEmulatedMedia", media="print")
            try:
                self.browser.press([])
                self.assertGreaterEqual(self.count("tr.step"), steps)
                self.assertEqual(self.count("#bar"), 0)
                self.assertEqual(self.count(".keys"), 0)
                self.assertEqual(self.count("#legend"), 1)
                right = self.browser.run(
                    "return Math.max(...[...document.querySelectorAll("
                    "'body *')].map((e) => e.getBoundingClientRect().right))")
                self.assertLessEqual(right, 703.5)
                self.assertEqual(self.browser.run(CONTRAST)["wrong"], [])
            finally:
                self.browser.devtools("Emulation.setEmulatedMedia", media="")
            if PICTURES:
                self.browser.print(f"{PICTURES}/{steps}.pdf")

    def test_pictures(self):
        for file, steps in (self.short, 17), (self.long, 66):
            for width in 1400, 600:
                for dark in (False, True):
                    self.open(file, width, 900, dark)
                    self.browser.press(["n"])
                    self.expect_seen(self.look())
                    self.picture(f"{steps}-{width}{'-dark' * dark}")

    def test_tidy_finds_nothing(self):
        for file in self.short, self.long:
            self.assertEqual(tidy(file), "")


if __name__ == "__main__":
    unittest.main()
