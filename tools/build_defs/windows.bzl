# SPDX-License-Identifier: Apache-2.0
"""Programs and tests for Windows, made on Linux and run under Wine.

There is no C++ toolchain for Windows here, so these rules call MinGW's
compiler themselves (Debian's g++-mingw-w64-x86-64-posix: the variant whose
threads are those of the C++ library). Everything is linked into one .exe that
needs nothing but the system's own libraries. `deps` are ordinary libraries of
headers: a dependency with sources of its own is not compiled, and missing at
the link; list its sources instead, or the library in `compiled`.
"""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load(":netpoll.bzl", "TEST_WARNINGS", "WARNINGS")

_COMPILER = "x86_64-w64-mingw32-g++-posix"
_PACKAGE = "g++-mingw-w64-x86-64-posix"

_FLAGS = [
    "-std=c++20",
    "-O1",
    "-Werror",
    "-D_WIN32_WINNT=0x0602",  # Windows 8, for WaitOnAddress.
]

# Sockets, NtQueryInformationFile, WaitOnAddress.
_LIBRARIES = [
    "-lws2_32",
    "-lntdll",
    "-lsynchronization",
]

WindowsObjectsInfo = provider(
    doc = "What a windows_library compiled.",
    fields = {"objects": "list of files"},
)

_SourcesInfo = provider(
    doc = "What an ordinary library is compiled from, with those it needs.",
    fields = {
        "copts": "depset of strings",
        "sources": "depset of files",
    },
)

def _sources_impl(_target, ctx):
    needed = [
        dep[_SourcesInfo]
        for dep in getattr(ctx.rule.attr, "deps", [])
        if _SourcesInfo in dep
    ]
    return [_SourcesInfo(
        copts = depset(
            getattr(ctx.rule.attr, "copts", []),
            transitive = [info.copts for info in needed],
        ),
        sources = depset(
            getattr(ctx.rule.files, "srcs", []),
            transitive = [info.sources for info in needed],
        ),
    )]

# So that a library is named as it is, and not the files that one build of it
# happens to have.
_sources = aspect(
    implementation = _sources_impl,
    attr_aspects = ["deps"],
)

def _include_flags(context):
    flags = ["-I."]
    for path in context.quote_includes.to_list():
        flags += ["-iquote", path]
    for path in context.includes.to_list():
        flags += ["-I", path]
    for path in context.system_includes.to_list():
        # Bazel calls ours system's too; warnings of theirs are not ours.
        flags += ["-isystem" if "external/" in path else "-I", path]
    return flags

def _call(ctx, arguments, inputs, output, what):
    """Runs the compiler, or says which package has it."""
    ctx.actions.run_shell(
        outputs = [output],
        inputs = inputs,
        arguments = arguments,
        command = """
command -v {compiler} >/dev/null || {{
  echo "there is no {compiler} (package {package}): run tools/setup" >&2
  exit 1
}}
exec {compiler} "$@"
""".format(compiler = _COMPILER, package = _PACKAGE),
        use_default_shell_env = True,
        mnemonic = "MinGW",
        progress_message = "%s %s for Windows" % (what, ctx.label),
    )

def _compile(ctx):
    contexts = [
        dep[CcInfo].compilation_context
        for dep in ctx.attr.deps + ctx.attr.compiled
    ]
    files = depset(ctx.files.srcs, transitive = [
        library[_SourcesInfo].sources
        for library in ctx.attr.compiled
    ])
    copts = depset(transitive = [
        library[_SourcesInfo].copts
        for library in ctx.attr.compiled
    ]).to_list()
    inputs = depset(transitive = [files] + [c.headers for c in contexts])
    objects = []
    for source in files.to_list():
        if not source.basename.endswith(".cc"):
            continue
        name = "_objs/%s/%s.o" % (ctx.label.name, source.basename[:-3])
        output = ctx.actions.declare_file(name)
        flags = []
        for context in contexts:
            flags += _include_flags(context)
        _call(
            ctx,
            _FLAGS + WARNINGS + flags + copts + ctx.attr.copts +
            ["-c", source.path, "-o", output.path],
            inputs,
            output,
            "Compiling",
        )
        objects.append(output)
    return objects

def _windows_library_impl(ctx):
    objects = _compile(ctx)
    return [
        DefaultInfo(files = depset(objects)),
        WindowsObjectsInfo(objects = objects),
    ]

def _windows_binary_impl(ctx):
    objects = _compile(ctx)
    for library in ctx.attr.libraries:
        objects = objects + library[WindowsObjectsInfo].objects
    exe = ctx.actions.declare_file(ctx.label.name + ".exe")
    _call(
        ctx,
        ["-static", "-s", "-o", exe.path] + [f.path for f in objects] +
        _LIBRARIES,
        depset(objects),
        exe,
        "Linking",
    )
    return [DefaultInfo(
        files = depset([exe]),
        runfiles = ctx.runfiles(files = [exe]),
    )]

_ATTRS = {
    "compiled": attr.label_list(
        aspects = [_sources],
        doc = "ordinary libraries whose sources are compiled too",
        providers = [CcInfo],
    ),
    "copts": attr.string_list(doc = "added after ours"),
    "deps": attr.label_list(
        doc = "libraries of headers",
        providers = [CcInfo],
    ),
    "srcs": attr.label_list(
        allow_files = True,
        doc = "sources and headers",
    ),
}

windows_library = rule(
    implementation = _windows_library_impl,
    attrs = _ATTRS,
    doc = "Sources compiled once, for several windows_binary.",
)

windows_binary = rule(
    implementation = _windows_binary_impl,
    attrs = dict(
        _ATTRS,
        libraries = attr.label_list(
            doc = "windows_library targets",
            providers = [WindowsObjectsInfo],
        ),
    ),
    doc = "NAME.exe.",
)

def windows_cc_test(
        name,
        srcs,
        deps = [],
        libraries = [],
        size = "medium",
        visibility = None,
        **kwargs):
    """A test with GoogleTest and its main, run under Wine.

    Args:
      name: of the test; the program is NAME_exe.
      srcs: sources and headers.
      deps: libraries of headers, GoogleTest apart.
      libraries: windows_library targets.
      size: as for cc_test.
      visibility: of the program.
      **kwargs: as for sh_test.
    """
    windows_binary(
        name = name + "_exe",
        testonly = True,
        srcs = srcs,
        copts = TEST_WARNINGS,
        libraries = libraries + ["//tools/windows:gtest_main"],
        tags = ["manual"],
        visibility = visibility,
        deps = deps + ["@googletest//:gtest"],
    )
    wine_test(name, exe = name + "_exe", size = size, **kwargs)

def wine_test(name, exe, size = "medium", **kwargs):
    """Runs a windows_binary under Wine, in a prefix of its own.

    Args:
      name: of the test.
      exe: the windows_binary, a GoogleTest program.
      size: as for sh_test.
      **kwargs: as for sh_test.
    """
    sh_test(
        name = name,
        size = size,
        srcs = ["//tools/windows:wine_test.sh"],
        args = ["$(location %s)" % exe],
        data = [
            exe,
            "//tools/windows:wine.sh",
        ],
        tags = ["no-sanitizer"],
        **kwargs
    )
