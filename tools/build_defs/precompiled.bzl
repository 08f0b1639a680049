# SPDX-License-Identifier: Apache-2.0
"""Headers that many files include, compiled once.

Only for what is compiled elsewhere too, without: under a sanitizer, and of
mutants. So whether a file includes what it needs is still seen.
"""

load("@rules_cc//cc:defs.bzl", "cc_library")
load(":netpoll.bzl", "TEST_WARNINGS", "WARNINGS")

def precompiled_header(name, header, deps, copts = None, visibility = None):
    """A library of one header, with what gcc makes of it beside it.

    A compiler that cannot use that, or has other options, reads the header.

    Args:
      name: of the library.
      header: includes the headers that are worth it, and has nothing else.
      deps: what it includes.
      copts: of those who begin with it, if they are no tests.
      visibility: of the library.
    """
    native.genrule(
        name = name + "_source",
        srcs = [header],
        outs = [name + "_source.cc"],
        cmd = "cp $< $@",
        tags = ["manual"],
    )

    # The options must be those of who includes it: even -Wvla decides about a
    # macro.
    if copts == None:
        copts = WARNINGS + TEST_WARNINGS
    cc_library(
        name = name + "_compiled",
        testonly = True,
        srcs = [name + "_source.cc"],
        copts = copts + [
            "-x",
            "c++-header",
        ],
        tags = ["manual"],
        deps = deps,
    )
    native.filegroup(
        name = name + "_object",
        testonly = True,
        srcs = [":%s_compiled" % name],
        output_group = "compilation_outputs",
        tags = ["manual"],
    )
    native.genrule(
        name = name + "_gch",
        testonly = True,
        srcs = [":%s_object" % name],
        outs = [header + ".gch"],
        cmd = "cp $< $@",
        tags = ["manual"],
    )
    cc_library(
        name = name,
        testonly = True,
        hdrs = [
            header,
            header + ".gch",
        ],
        include_prefix = "netpoll",
        strip_include_prefix = "/",
        tags = ["manual"],
        visibility = visibility,
        deps = deps,
    )
