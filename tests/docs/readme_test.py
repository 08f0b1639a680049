#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The README shows the example that is built, and names files that exist."""

import os
import re
import unittest

# The repository itself: this file is reached through a link.
ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class ReadmeTest(unittest.TestCase):

    def test_the_server_is_the_example(self):
        readme = read("README.md")
        shown = re.search(r"<!-- my_server.cc -->\n```cpp\n(.*?)```", readme,
                          re.S)
        self.assertIsNotNone(shown)
        source = read("examples/echo_server.cc")
        code = source[source.index("#include"):]
        self.assertEqual(shown.group(1), code,
                         "README.md differs from examples/echo_server.cc")

    def test_links_lead_somewhere(self):
        for page in ["README.md"] + [
                "docs/" + name for name in os.listdir(os.path.join(ROOT, "docs"))
                if name.endswith(".md")
        ]:
            folder = os.path.dirname(page)
            text = re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S)
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
                path = os.path.join(ROOT, folder, target)
                self.assertTrue(os.path.exists(path), page + " -> " + target)


if __name__ == "__main__":
    unittest.main()
