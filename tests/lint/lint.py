#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the repository's files against its rules.

usage: lint.py [ROOT]

ROOT is the repository; without it, the one that this file is in. Prints one
line per finding and exits with 1 if there is any.
"""

import os
import sys

sys.dont_write_bytecode = True
_HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, _HERE)
import bazel_rules  # noqa: E402
import cpp_rules  # noqa: E402
import format_rules  # noqa: E402
import module_rules  # noqa: E402
import repo_rules  # noqa: E402
from tree import Tree  # noqa: E402

RULES = (
    cpp_rules.RULES
    + repo_rules.RULES
    + bazel_rules.RULES
    + module_rules.RULES
    + format_rules.RULES
)


def findings(root, rules=RULES):
    tree = Tree(root)
    return [finding for rule in rules for finding in rule(tree)]


def main(argv):
    if len(argv) > 2 or argv[1:2] == ["--help"]:
        print(__doc__.strip())
        return 0 if len(argv) == 2 else 2
    # Under Bazel this file is a link into the repository.
    root = argv[1] if len(argv) == 2 else os.path.join(_HERE, "..", "..")
    found = findings(root)
    for finding in found:
        print(finding)
    print(f"{len(found)} findings in {len(Tree(root).paths)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
