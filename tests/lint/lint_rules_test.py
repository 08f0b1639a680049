#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of the lint, on a small tree that breaks it and on one that does
not."""

import os
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import draw_includes  # noqa: E402
import lint  # noqa: E402

SPDX = "SPDX-License-Identifier: Apache-2.0\n"
CC = "// " + SPDX
BUILD = (
    "# "
    + SPDX
    + 'load("//x:x.bzl", "netpoll_cc_library")\n\n'
    + 'package(default_visibility = ["//visibility:private"])\n'
)
HEADER = (
    CC
    + "#ifndef NETPOLL_CORE_A_H_\n#define NETPOLL_CORE_A_H_\n"
    + "#endif  // NETPOLL_CORE_A_H_\n"
)
DEPS = "# " + SPDX + 'def _maybe(name):\n    pass\n\n_maybe(name = "rules_cc")\n'
MODULE = "# " + SPDX + 'bazel_dep(name = "rules_cc", version = "0.0.17")\n'
MACRO = "# " + SPDX + "def netpoll_cc_library(name):\n    pass\n"


class LintTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, path, text, mode=0o644):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(full, mode)

    def found(self, rule):
        """The findings of one rule, as PATH:LINE."""
        rules = [r for r in lint.RULES if r.__name__ == rule]
        self.assertEqual(len(rules), 1, rule)
        return [f"{f.path}:{f.line}" for f in lint.findings(self.root, rules)]

    def test_a_good_tree_has_no_findings(self):
        self.write("core/a.h", HEADER)
        self.write("core/concurrency.h", CC + "std::atomic<int> word;\n")
        self.write("core/a_test.cc", CC + "std::mutex mutex;\n")
        self.write("core/b.cc", CC + "// std::atomic in words\n")
        self.write("core/BUILD.bazel", BUILD)
        self.write("tools/run", "#!/bin/bash\n# " + SPDX, 0o755)
        self.write("README.md", "[core](core/a.h) [web](https://x.y)\n")
        self.write("third_party/deps.bzl", DEPS)
        self.write("third_party/overlays/rules_cc/WORKSPACE", "x()\n")
        self.write(
            "third_party/overlays.bzl",
            "# " + SPDX + 'O = {\n    "rules_cc": [\n        "WORKSPACE",\n    ],\n}\n',
        )
        self.write("MODULE.bazel", MODULE)
        self.write("x/x.bzl", MACRO)
        for rule in lint.RULES:
            if rule.__name__ in ("clang_format", "buildifier"):
                continue
            if rule.__name__ == "include_guard":
                continue  # Of core/concurrency.h, which is cut short above.
            self.assertEqual(self.found(rule.__name__), [], rule.__name__)

    def test_only_the_seam_names_atomics_locks_and_fences(self):
        words = (
            "#include <atomic>",
            "std::atomic<int> a;",
            "std::mutex m;",
            "std::lock_guard g(m);",
            "std::condition_variable c;",
            "std::atomic_thread_fence(x);",
            "std::this_thread::yield();",
            "absl::Mutex m;",
            "__atomic_load_n(p, 0);",
            "std::thread t;",
        )
        for folder in ("core", "backends/epoll"):
            path = folder + "/a.cc"
            self.write(path, CC + "".join(w + "\n" for w in words))
            lines = {f"{path}:{n + 2}" for n in range(len(words))}
            self.assertLessEqual(lines, set(self.found("seam")))
        self.write("runtime/a.cc", CC + "std::thread t;\nstd::mutex m;\n")
        found = [f for f in self.found("seam") if f.startswith("runtime/")]
        self.assertEqual(found, ["runtime/a.cc:3"])

    def test_the_runtime_calls_the_system_by_its_table(self):
        goes_around = (
            "int n = ::read(fd, p, 1);",
            "return close(fd);",
            "if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {",
            "auto now = std::chrono::steady_clock::now();",
            "::pthread_join(thread, nullptr);",
            "const int file = ::open(path, 0);",
            "x = getpid() != 1;",
        )
        does_not = (
            "sys.read(fd, p, 1);",
            "internal::sys.close(fd);",
            "descriptor.open().close(1);",
            "list->close(fd);",
            "bool Close(int fd);",
            "// close(fd)",
            "pthread_attr_init(&detached);",
        )
        self.write(
            "runtime/a.cc", CC + "".join(w + "\n" for w in goes_around + does_not)
        )
        for path in ("runtime/sys.h", "runtime/a_test.cc", "core/a.cc"):
            self.write(path, CC + "::read(fd, p, 1);\n")
        self.assertEqual(
            self.found("sys_seam"),
            [f"runtime/a.cc:{n + 2}" for n in range(len(goes_around))],
        )

    def test_long_lines(self):
        long = "x" * 81
        url = "// https://" + long
        table = f"// clang-format off\n{long}\n// clang-format on\n{long}\n"
        include = f'#include "netpoll/{long}"\n'
        self.write("a.cc", f"{CC}{long}\n{url}\n{include}{table}")
        self.assertEqual(self.found("line_length"), ["a.cc:2", "a.cc:8"])

    def test_include_guards(self):
        self.write("core/b.h", HEADER)
        self.assertEqual(
            self.found("include_guard"), ["core/b.h:1", "core/b.h:1"]
        )

    def test_includes(self):
        text = (
            '#include "core/a.h"\n#include "netpoll/core/a.h"\n'
            '#include "absl/status/status.h"\n#include "absl/time/time.h"\n'
            "#include <vector>\n"
        )
        self.write("core/a.cc", CC + text)
        self.write("core/BUILD.bazel", BUILD + '#"@abseil-cpp//absl/time",\n')
        self.assertEqual(
            self.found("includes"), ["core/a.cc:2", "core/a.cc:4"]
        )

    def test_circles(self):
        def include(name):
            return f'#include "netpoll/core/{name}.h"\n'

        self.write("core/a.h", CC + include("b"))
        self.write("core/b.h", CC + include("c"))
        self.write("core/c.h", CC)
        self.assertEqual(self.found("circles"), [])
        self.write("core/c.cc", CC + include("c") + include("a"))
        self.assertEqual(self.found("circles"), ["core/a.h:1"])

    def test_a_circle_may_go_through_several_folders(self):
        self.write("a/a.h", CC + '#include "netpoll/b/b.h"\n')
        self.write("b/b.h", CC + '#include "netpoll/a/a.h"\n')
        self.assertEqual(self.found("circles"), ["a/a.h:1"])

    def test_drawing(self):
        page = "docs/dependencies.md"
        self.write("core/a.h", CC + '#include "netpoll/core/b.h"\n')
        self.write("core/b.h", CC)
        self.write(page, draw_includes.page(lint.Tree(self.root)))
        self.assertEqual(self.found("drawing"), [])
        self.write("core/a.h", CC + '#include "netpoll/core/c.h"\n')
        self.write("tools/b.h", CC + '#include "netpoll/core/b.h"\n')
        self.assertEqual(self.found("drawing"), [page + ":1"])

    def test_namespaces(self):
        for name in ("netpoll::model", "netpoll::model::reference", "kernel"):
            self.write("model/a.h", CC + f"namespace {name} {{\n}}\n")
            self.assertEqual(self.found("namespaces"), [])
        for name in ("netpoll", "netpoll_model", "netpoll::models"):
            self.write("model/a.h", CC + f"namespace {name} {{\n}}\n")
            self.assertEqual(self.found("namespaces"), ["model/a.h:2"])

    def test_licence(self):
        self.write("a.cc", "int a;\n")
        self.write("run", "#!/bin/bash\n", 0o755)
        self.write("BUILD.bazel", 'load(":a.bzl", "a")\n')
        self.assertEqual(
            self.found("licence"), ["BUILD.bazel:1", "a.cc:1", "run:1"]
        )

    def test_file_length_and_size(self):
        self.write("a.cc", "\n" * 401)
        self.write("notes.txt", "x" * 500_001)
        self.assertEqual(self.found("file_length"), ["a.cc:400"])
        self.assertEqual(self.found("file_size"), ["notes.txt:1"])

    def test_whitespace(self):
        self.write("a.cc", "int a; \n\tint b;\n\n")
        self.write("b.cc", "int a;")
        self.write("c.go", "func c() {\n\treturn\n}\n")
        self.assertEqual(
            self.found("whitespace"),
            ["a.cc:3", "a.cc:1", "a.cc:2", "b.cc:1"],
        )

    def test_scripts_are_executable_and_nothing_else_is(self):
        self.write("run", "#!/bin/bash\n")
        self.write("a.cc", "int a;\n", 0o755)
        self.assertEqual(self.found("scripts"), ["a.cc:1", "run:1"])

    def test_paths_of_one_machine(self):
        for top in ("work", "root", "farm", "home/me"):
            self.write("a.md", f"see /{top}/notes\n")
            self.assertEqual(self.found("own_machine"), ["a.md:1"], top)
        self.write("a.md", "see docs/work/notes and /usr/include\n")
        self.assertEqual(self.found("own_machine"), [])

    def test_links(self):
        self.write("docs/a.md", "[a](a.md)\n[b](b.md#part)\n")
        self.assertEqual(self.found("links"), ["docs/a.md:2"])
        self.write("docs/a.md", "```\n[this](int a)\n```\n[b](b.md)\n")
        self.assertEqual(self.found("links"), ["docs/a.md:4"])

    def test_rules_are_loaded(self):
        self.write("a/BUILD.bazel", BUILD + "\nsh_test(\n)\n\n[cc_x(a) for x]\n")
        self.assertEqual(
            self.found("loads"), ["a/BUILD.bazel:6", "a/BUILD.bazel:9"]
        )

    def test_native_rules_stay_in_the_shim(self):
        shim = "third_party/overlays/rules_cc/cc/defs.bzl"
        self.write(shim, "cc_library = native.cc_library\n")
        self.write("a.bzl", "native.cc_library()\nnative.filegroup()\n")
        self.assertEqual(self.found("natives"), ["a.bzl:1"])

    def test_packages_are_private(self):
        self.write("a/BUILD.bazel", "# empty\n")
        self.assertEqual(self.found("visibility"), ["a/BUILD.bazel:1"])

    def test_build_files_have_one_name(self):
        self.write("a/BUILD", BUILD)
        self.assertEqual(self.found("packages"), ["a/BUILD:1"])

    def test_both_worlds_have_the_same_dependencies(self):
        self.write("third_party/overlays/rules_cc/WORKSPACE", "x()\n")
        self.write("third_party/overlays/b/WORKSPACE", "x()\n")
        self.write("third_party/deps.bzl", DEPS + '_maybe(\n  name = "b")\n')
        self.write("MODULE.bazel", MODULE + 'bazel_dep(name = "c")\n')
        self.write("a/BUILD.bazel", '"@rules_cc//cc", "@d//:e"\n')
        self.assertEqual(
            sorted(self.found("dependencies")),
            ["MODULE.bazel:1", "a/BUILD.bazel:1", "third_party/deps.bzl:1"],
        )

    def test_bazel_watches_every_overlay(self):
        listed = '    "a": [\n        "x",\n        "gone",\n    ],\n'
        self.write("third_party/overlays.bzl", "O = {\n" + listed + "}\n")
        self.write("third_party/overlays/a/x", "")
        self.assertEqual(
            self.found("overlays"), ["third_party/overlays.bzl:1"]
        )
        self.write("third_party/overlays/a/y/z", "")
        self.assertEqual(len(self.found("overlays")), 2)

    def test_clang_format(self):
        self.write("a.cc", "int  a;\n")
        self.write("b.cc", "int b;\n")
        self.assertEqual(self.found("clang_format"), ["a.cc:1"])

    def test_buildifier(self):
        self.write("a/BUILD.bazel", 'load("//x:x.bzl", "x")\n')
        self.write("b/BUILD.bazel", "x( a=1 )\n")
        wanted = ["a/BUILD.bazel:1", "b/BUILD.bazel:1"]
        if not shutil.which("buildifier"):
            wanted = ["buildifier:1"]  # Says to run tools/setup.
        self.assertEqual(sorted(set(self.found("buildifier"))), wanted)


if __name__ == "__main__":
    unittest.main()
