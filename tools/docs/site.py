#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the documents as a folder of HTML that needs no server.

usage: tools/docs/site.py FOLDER

README.md becomes index.html, and each document a page in the place that it has
here. Links between documents lead to pages, links to other files to copies of
these. Every link, and every place in a page that one names, is looked up.
Needs python3-markdown (tools/setup).
exit status: 0; 1 if a link leads nowhere; 2 bad use, or something is missing
"""

import html
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from reference import anchor  # noqa: E402

ROOT = os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
)
BESIDE = ["README.md", "CHANGELOG.md", "HACKING.md", "tests/README.md"]
# What stands at the side of each page.
CONTENTS = [
    ("Begin", ["README.md", "docs/embedding.md", "docs/comparison.md",
               "docs/faq.md", "docs/limits.md"]),
    ("Guides", ["docs/glue.md", "docs/loops.md", "docs/runtime.md",
                "docs/servers.md", "docs/observability.md",
                "docs/sockets.md", "docs/c.md", "docs/backends/own.md",
                "docs/scenarios.md", "docs/tutorial.md", "docs/counterexamples.md"]),
    ("Reference", ["docs/headers.md", "docs/reference/core.md",
                   "docs/reference/backends.md", "docs/reference/runtime.md",
                   "docs/reference/c.md", "docs/rules.md",
                   "docs/environment.md", "docs/dictionary.md",
                   "CHANGELOG.md"]),
    ("Inside", ["docs/architecture.md", "docs/explorer.md",
                "docs/memory-order.md", "docs/properties.md",
                "docs/mutants.md", "docs/conformance.md", "docs/torture.md",
                "docs/benchmarks.md", "HACKING.md"]),
]
STYLE = """
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #222; }
nav { position: fixed; top: 0; bottom: 0; width: 13em; overflow: auto;
  padding: 1em; background: #f4f4f2; font-size: 14px; }
nav a { display: block; } nav b { display: block; margin-top: 1em; }
main { margin-left: 16em; padding: 1em 2em; max-width: 60em; }
a { color: #0645ad; text-decoration: none; } a:hover { text-decoration: underline; }
pre { background: #f4f4f2; padding: .7em 1em; overflow: auto; }
code { font: 14px/1.4 monospace; } img { max-width: 100%; }
table { border-collapse: collapse; display: block; overflow: auto; }
td, th { border: 1px solid #ccc; padding: .2em .6em; text-align: left;
  vertical-align: top; }
@media (max-width: 50em) { nav { position: static; width: auto; }
  main { margin: 0; } }
"""


def refuse(why):
    print(f"tools/docs/site.py: {why}", file=sys.stderr)
    return 2


def documents():
    found = list(BESIDE)
    for folder, _, names in os.walk(os.path.join(ROOT, "docs")):
        found += [os.path.relpath(os.path.join(folder, name), ROOT)
                  for name in names if name.endswith(".md")]
    return sorted(found)


def page_of(document):
    return "index.html" if document == "README.md" else document[:-3] + ".html"


def relative(to, page):
    return os.path.relpath(to, os.path.dirname(page) or ".")


def title_of(text):
    return re.search(r"^# (.*)$", text, re.M).group(1)


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.texts = {}
        for document in documents():
            with open(os.path.join(ROOT, document), encoding="utf-8") as file:
                self.texts[document] = file.read()
        self.wrong = []
        self.wanted = []  # Page, link, page that it leads to, place in it.
        self.places = {}  # Of each page.
        self.copied = set()

    def link(self, document, target):
        """What a link of a document is in its page."""
        if re.match(r"[a-z]+:", target):
            return target
        path, _, place = target.partition("#")
        page = page_of(document)
        to = os.path.normpath(os.path.join(os.path.dirname(document), path)) \
            if path else document
        whole = os.path.join(ROOT, to)
        if to in self.texts:
            self.wanted.append((document, target, page_of(to), place))
            return relative(page_of(to), page) + ("#" + place if place else "")
        if not os.path.exists(whole):
            self.wrong.append(f"{document}: {target} leads nowhere")
        elif os.path.isfile(whole) and to not in self.copied:
            self.copied.add(to)
            copy = os.path.join(self.folder, to)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copyfile(whole, copy)
        elif os.path.isdir(whole):
            os.makedirs(os.path.join(self.folder, to), exist_ok=True)
        return relative(to, page)

    def write(self, markdown):
        for document, text in self.texts.items():
            page = page_of(document)
            maker = markdown.Markdown(
                extensions=["tables", "fenced_code", "toc", "sane_lists"],
                extension_configs={
                    "toc": {"slugify": lambda title, _: anchor(title)}
                },
            )
            body = maker.convert(re.sub(r"^<!--.*?-->\n", "", text,
                                        flags=re.M | re.S))
            body = re.sub(
                r'(<(?:a href|img alt="[^"]*" src)=")([^"]*)"',
                lambda m: m.group(1) + html.escape(
                    self.link(document, html.unescape(m.group(2)))) + '"',
                body,
            )
            self.places[page] = set(re.findall(r' id="([^"]*)"', body))
            whole = os.path.join(self.folder, page)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "w", encoding="utf-8") as file:
                file.write(
                    '<!DOCTYPE html>\n<html lang="en"><head>'
                    '<meta charset="utf-8"><meta name="viewport" '
                    'content="width=device-width">'
                    f"<title>{html.escape(title_of(text))}</title>"
                    f"<style>{STYLE}</style></head><body>\n<nav>"
                    f"{self.contents(page)}</nav>\n<main>\n{body}\n</main>"
                    "</body></html>\n"
                )
        for document, target, page, place in self.wanted:
            if place and place not in self.places[page]:
                self.wrong.append(
                    f"{document}: {target}: there is no such place")

    def contents(self, page):
        parts = []
        for name, listed in CONTENTS:
            parts.append(f"<b>{name}</b>")
            for document in listed:
                if document not in self.texts:
                    self.wrong.append(f"tools/docs/site.py: no {document}")
                    continue
                parts.append(
                    f'<a href="{relative(page_of(document), page)}">'
                    f"{html.escape(title_of(self.texts[document]))}</a>")
        return "\n".join(parts)


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__.strip())
        return 0 if arguments in (["--help"], ["-h"]) else 2
    # Debian's package, for another python3 than Debian's too.
    sys.path.append("/usr/lib/python3/dist-packages")
    try:
        import markdown
    except ImportError:
        return refuse("there is no python3-markdown: run tools/setup")
    try:
        os.makedirs(arguments[0], exist_ok=True)
        site = Site(arguments[0])
        site.write(markdown)
    except OSError as error:
        return refuse(f"{error.filename}: {error.strerror}")
    for wrong in site.wrong:
        print(wrong)
    print(f"{len(site.texts)} pages, {len(site.wanted)} links between them: "
          + os.path.join(arguments[0], "index.html"))
    return 1 if site.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
