# SPDX-License-Identifier: Apache-2.0
"""Headers that many files include, compiled once.

Only for what is compiled elsewhere too, without: under a sanitizer, and of
mutants. So whether a file includes what it needs is still seen.
"""

load("@rules_cc//cc:defs.bzl", "cc_library")
load(":netpoll.bzl", "TEST_WARNINGS", "WARNINGS")

def digest_of(header):
    """The header to include after a precompiled one: it changes with it.

    Args:
      header: the precompiled one.

    Returns:
      its name
    """
    return header[:-len(".h")] + "_digest.h"

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

    # gcc does not say that it read what is precompiled, so bazel would not
    # compile anew when a header in it changes. This is read as any other.
    native.genrule(
        name = name + "_digest",
        testonly = True,
        srcs = [header + ".gch"],
        outs = [digest_of(header)],
        cmd = "sha256sum < $< | sed 's|^|// |' > $@",
        tags = ["manual"],
    )
    cc_library(
        name = name,
        testonly = True,
        hdrs = [
            header,
            header + ".gch",
            digest_of(header),
        ],
        include_prefix = "netpoll",
        strip_include_prefix = "/",
        tags = ["manual"],
        visibility = visibility,
        deps = deps,
    )
