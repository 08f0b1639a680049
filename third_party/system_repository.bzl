# SPDX-License-Identifier: Apache-2.0
"""A repository made of what the distribution has installed.

`system_repository` lays the BUILD files of third_party/overlays/NAME over
links to folders of the system. Nothing is downloaded and nothing is copied.
"""

load(":overlays.bzl", "OVERLAYS")

def _folders_of(files):
    """Every folder that one of the files is in, at any depth."""
    folders = {}
    for path in files:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folders["/".join(parts[:depth])] = True
    return folders

def _system_repository_impl(ctx):
    overlay = ctx.path(Label("//third_party:deps.bzl")).dirname
    overlay = overlay.get_child("overlays").get_child(ctx.name)
    files = OVERLAYS[ctx.name]

    # A folder that the overlay adds files to cannot be one link: its entries
    # are linked one by one. Starlark has no recursion, so the list grows while
    # it is walked, one depth of folders at a time.
    opened = _folders_of(files)
    links = ctx.attr.links.items()
    for _ in range(8):
        deeper = []
        for inside, outside in links:
            source = ctx.path(outside)
            if not source.exists:
                fail(("@%s needs %s: install Debian's package %s, or define " +
                      "a repository %s of your own before netpoll_deps().") % (
                    ctx.name,
                    outside,
                    ctx.attr.package,
                    ctx.name,
                ))
            if inside in opened:
                deeper += [
                    (inside + "/" + entry.basename, str(entry))
                    for entry in source.readdir()
                ]
            else:
                ctx.symlink(source, inside)
        links = deeper

    for path in files:
        ctx.symlink(str(overlay) + "/" + path, path)

system_repository = repository_rule(
    implementation = _system_repository_impl,
    attrs = {
        "links": attr.string_dict(
            doc = "path in the repository -> folder of the system",
        ),
        "package": attr.string(
            doc = "the Debian package that has the folders",
        ),
    },
    doc = "third_party/overlays/NAME over links to folders of the system.",
    local = True,
)
