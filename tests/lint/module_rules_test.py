#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the lint says of a module that newer Bazels would not read, on small
trees: each breach is found, and what is as it should be is not."""

import os
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import lint  # noqa: E402
import starlark  # noqa: E402

MODULE = """
bazel_dep(name = "abseil-cpp", version = "20240116.1")
bazel_dep(name = "rules_cc", version = "0.0.17")
bazel_dep(name = "rapidcheck", version = "2023.12.14", dev_dependency = True)
bazel_dep(name = "rules_shell", version = "0.4.0", dev_dependency = True)
"""
CC = 'load("@rules_cc//cc:defs.bzl", "cc_library")\n'
SH = 'load("@rules_shell//shell:sh_test.bzl", "sh_test")\n'
PUBLIC = """
alias(
    name = "netpoll",
    actual = "//core",
    visibility = ["//visibility:public"],
)
"""


class ModuleTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, self.root)
        self.write("MODULE.bazel", MODULE)

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def found(self, rule):
        rules = [r for r in lint.RULES if r.__name__ == rule]
        return [str(f) for f in lint.findings(self.root, rules)]

    def expect(self, rule, *wanted):
        found = self.found(rule)
        self.assertEqual(len(found), len(wanted), found)
        for text, finding in zip(wanted, found):
            self.assertIn(text, finding)

    def test_a_good_module_has_no_findings(self):
        self.write("defs/BUILD.bazel", "")
        self.write(
            "defs/defs.bzl",
            'load("@rules_cc//cc:defs.bzl", "cc_library")\n'
            'load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")\n'
            "def _impl(ctx):\n"
            "    files = [f for f in ctx.files.srcs]\n"
            "    return [CcInfo(), DefaultInfo(files = depset(files))]\n"
            "mine = rule(implementation = _impl)\n"
            "def library(name, srcs = [], **kwargs):\n"
            "    cc_library(name = name, srcs = srcs, **kwargs)\n"
            "    native.filegroup(name = name + '_files', srcs = srcs)\n",
        )
        self.write(
            "core/BUILD.bazel",
            'load("//defs:defs.bzl", "library", "mine")\n'
            'library(name = "core", srcs = glob(["**/*.cc"], exclude = ["b*"]),\n'
            '    deps = ["@abseil-cpp//absl/status"] + select({\n'
            '        "//conditions:default": [],\n'
            "    }))\n"
            'mine(name = "mine")\n',
        )
        self.write("core/a/a.cc", "")
        self.write("core/b.cc", "")
        self.write("BUILD.bazel", PUBLIC)
        self.expect("newer_bazel")
        self.expect("embedders")

    def test_rules_that_bazel_has_no_more_are_missed(self):
        self.write("a/BUILD.bazel", '\ncc_library(name = "a")\n')
        self.expect("newer_bazel", "a/BUILD.bazel:2: `cc_library` is not known")
        self.write("a/BUILD.bazel", CC + 'sh_test(name = "cc_library")\n')
        self.expect("newer_bazel", "a/BUILD.bazel:2: `sh_test` is not known")

    def test_the_bodies_of_rules_are_looked_at(self):
        self.write("a/BUILD.bazel", "")
        self.write(
            "a/a.bzl", "def _impl(ctx):\n    return ctx.attr.dep[CcInfo]\n"
        )
        self.expect("newer_bazel", "a/a.bzl:2: `CcInfo` is not known")

    def test_native_rules_are_missed_where_a_macro_names_them(self):
        self.write("a/a.bzl", "def f(name):\n    native.cc_test(name = name)\n")
        self.write(
            "a/BUILD.bazel", 'load(":a.bzl", "f")\n\nf(name = "x")\n'
        )
        self.expect("newer_bazel", "Bazel 9 has no native.cc_test")

    def test_loads_name_what_their_module_has(self):
        self.write("a/BUILD.bazel", 'load("@rules_cc//cc:rules.bzl", "x")\n')
        self.expect("newer_bazel", "`@rules_cc//cc:rules.bzl`: no module")
        self.write("a/BUILD.bazel", 'load("@rules_cc//cc:defs.bzl", "x")\n')
        self.expect("newer_bazel", "is not known to have x")
        self.write("a/BUILD.bazel", 'load("//b:b.bzl", "x")\n')
        self.expect("newer_bazel", "`//b:b.bzl` does not exist")

    def test_labels_name_what_their_module_offers(self):
        self.write(
            "a/BUILD.bazel",
            CC
            + 'cc_library(name = "a", deps = select({"//conditions:default": [\n'
            + '    "@abseil-cpp//absl/status:all_of_it"]}) + ["@zlib"])\n',
        )
        self.expect(
            "newer_bazel",
            "@abseil-cpp//absl/status:all_of_it: its module is not known",
            "@zlib: no bazel_dep",
        )

    def test_versions_are_in_the_registry(self):
        self.write("MODULE.bazel", MODULE.replace("0.0.17", "0.0.3"))
        self.expect("newer_bazel", "MODULE.bazel:3: rules_cc 0.0.3")

    def test_what_embedders_name_needs_nothing_of_ours(self):
        self.write("BUILD.bazel", PUBLIC)
        self.write(
            "core/BUILD.bazel",
            CC
            + 'cc_library(name = "core", deps = [":inner"])\n'
            + 'cc_library(name = "inner", deps = ["@rapidcheck"])\n'
            + 'cc_library(name = "other", deps = ["@rapidcheck"])\n',
        )
        self.expect("embedders", "core/BUILD.bazel:3: //core:inner, which")

    def test_nor_do_packages_that_they_are_in_load_it(self):
        self.write("BUILD.bazel", PUBLIC)
        self.write("core/a.bzl", SH + "def f(name):\n    sh_test(name = name)\n")
        self.write(
            "core/BUILD.bazel",
            CC + 'load(":a.bzl", "f")\ncc_library(name = "core")\n',
        )
        self.expect("embedders", "loads from @rules_shell, a dev_dependency")

    def test_a_release_has_one_version_and_targets_that_exist(self):
        self.write("MODULE.bazel", 'module(\n    version = "0.2.0",\n)\n' + MODULE)
        self.write("CMakeLists.txt", "project(netpoll VERSION 0.2.0 X)\n")
        self.write("CHANGELOG.md", "# Changes\n\n## 0.2.0\n")
        self.write("BUILD.bazel", PUBLIC)
        self.write(".bcr/presubmit.yml", '- "@netpoll//:netpoll"\n')
        self.expect("release")
        self.write("CHANGELOG.md", "# Changes\n\n## 0.3.0\n\n## 0.2.0\n")
        self.write(".bcr/source.template.json", "{,}")
        self.write(
            ".bcr/presubmit.yml", '- "@netpoll//:poller"\nmodule_path: e2e\n'
        )
        self.expect(
            "release",
            "CHANGELOG.md:1: version 0.3.0, MODULE.bazel: 0.2.0",
            ".bcr/source.template.json:1: no JSON",
            ".bcr/presubmit.yml:1: no //:poller",
            ".bcr/presubmit.yml:2: no e2e module",
        )

    def test_globs_are_bazels(self):
        for pattern, path, wanted in (
            ("*.h", "a.h", True),
            ("*.h", "a/a.h", False),
            ("**/*.h", "a.h", True),
            ("**/*.h", "a/b/a.h", True),
            ("a/**", "a/b/a.h", True),
            ("a.h", "abh", False),
        ):
            found = starlark.glob_pattern(pattern).fullmatch(path) is not None
            self.assertEqual(found, wanted, (pattern, path))


if __name__ == "__main__":
    unittest.main()
