# SPDX-License-Identifier: Apache-2.0
"""The blocks of the documents, each with the mark on the line before it."""

import os
import re

# The repository itself: this file is reached through a link.
ROOT = os.path.realpath(
    os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
)
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>[a-z]*)\n"
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def blocks_of(document):
    """Of each: mark ("" without one), language, text."""
    return [
        (found["mark"] or "", found["language"], found["text"])
        for found in _BLOCK.finditer(read(document))
    ]
