#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/reference/ from the public headers: what they say and declare.

usage: tools/docs/reference.py

The headers are the rows of docs/headers.md. Of each the page has its head, and
its declarations with their comments; without what is private or internal, bodies
and directives.
"""

import os
import re
import sys

ROOT = os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
)
PAGES = {"core": "core/", "backends": "backends/", "runtime": "runtime/",
         "c": "capi/"}

def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def headers():
    """Of each row: header, what for, threads, promise."""
    rows = re.findall(r"^\| (\w+/\S+\.h) \| (.*) \| (.*) \| (.*) \|$",
                      read("docs/headers.md"), re.M)
    return [tuple(row) for row in rows]


def head_and_rest(text):
    """The comment at the top without its marks, and what follows it."""
    if text.startswith("/*"):
        comment, _, rest = text.partition("*/")
        lines = [re.sub(r"^ ?\* ?|^/\* ?", "", line)
                 for line in comment.split("\n")]
    else:
        match = re.match(r"(?://[^\n]*\n)+", text)
        lines = [re.sub(r"^// ?", "", line)
                 for line in match.group(0).split("\n")]
        rest = text[match.end():]
    head = "\n".join(line.rstrip() for line in lines
                     if not line.startswith("SPDX"))
    return head.strip("\n"), rest


def without_directives(text):
    """Nor their continuations; C's words are kept where C++ has others."""
    text = re.sub(r"^#if(?:def)? (?:__cplusplus|_WIN32|defined\(_WIN32\))\n.*?^#(?:else|endif)\n", "",
                  text, flags=re.M | re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*\n", "", text, flags=re.M)


class Reader:
    """Cuts a header into comments and declarations."""

    TOKEN = re.compile(
        r"(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<text>\"(?:\\.|[^\"\\\n])*\"|"
        r"(?<![0-9A-Za-z])'(?:\\.|[^'\\\n])+')|(?P<mark>[{}();:])|(?P<other>[^\"'{}();:/]+|.)",
        re.S)

    def __init__(self, text):
        self.tokens = [(m.lastgroup, m.group(0))
                       for m in self.TOKEN.finditer(text)]
        self.at = 0

    def trailing(self):
        """Whether the comment just read is beside what ended before it."""
        before = "".join(text for _, text in self.tokens[:self.at - 1][-2:])
        return bool(re.search(r"[;}][ \t]*\Z", before))

    def skip_body(self):
        depth = 1
        while depth and self.at < len(self.tokens):
            kind, text = self.tokens[self.at]
            self.at += 1
            if kind == "mark":
                depth += {"{": 1, "}": -1}.get(text, 0)

    def body(self):
        start = self.at
        self.skip_body()
        return "".join(text for _, text in self.tokens[start:self.at - 1])

    def declarations(self, indent, inside):
        """Up to the closing brace: lines. `inside` a class that is at first open
        or shut; None: outside."""
        lines, pending, statement, parens = [], [], "", 0
        last = []  # What the last declaration says.
        shown = inside != "shut"
        while self.at < len(self.tokens):
            kind, text = self.tokens[self.at]
            self.at += 1
            if kind == "comment":
                if self.trailing() and statement.strip() == "":
                    if last and not text.startswith("// namespace"):
                        lines[-1] += "  " + text
                elif statement.strip() == "":
                    # A blank line before it: it is of what follows.
                    if pending and pending[-1] == "":
                        pending = []
                    pending.append(text)
                else:
                    statement += " "
                continue
            if kind == "other" and statement.strip() == "" and \
                    text.strip() == "" and text.count("\n") > 1:
                if pending and shown and pending[0].startswith("// ---"):
                    lines += ["", indent + pending[0]]
                    pending = []
                elif pending:
                    pending.append("")
                continue
            if kind != "mark":
                statement += text
                continue
            if text == "(":
                parens += 1
            elif text == ")":
                parens -= 1
            if text == "}" and parens == 0:
                break
            if text == ":" and parens == 0 and re.fullmatch(
                    r"\s*(?:public|private|protected)", statement):
                shown = statement.strip() == "public"
                statement, pending = "", []
                continue
            if parens or text not in "{;":
                statement += text
                continue
            said = last = self.one(statement, text, indent, shown)
            if said:
                comments = [line for line in pending if line]
                lines += [""] if comments or len(said) > 1 else []
                lines += [indent + line for c in comments
                          for line in clean(c)]
                lines += said
            statement, pending = "", []
        return lines

    def one(self, statement, ended, indent, shown):
        """A declaration that ends with `;`, or has what is in braces."""
        words = " ".join(statement.split())
        if ended == ";":
            if not shown or not words or hides(words):
                return []
            forward = r"(?:class|struct|union) \w+$"
            if re.match(forward, without_template(words)):
                return []
            return wrap(words + ";", indent)
        name = re.match(r"(?:inline )?namespace\b\s*([\w:]*)", words)
        if name or words.startswith('extern "C"'):
            hidden = name and ("internal" in name.group(1) or not name.group(1))
            if hidden or not shown:
                self.skip_body()
                return []
            return self.declarations(indent, None)
        bare = without_template(words)
        if re.match(r"enum\b", bare):
            body = self.body()
            self.rest()
            if not shown:
                return []
            items = [line.rstrip() for line in body.split("\n")
                     if line.strip()]
            items = [indent + "  " + line.strip() for line in items]
            return [indent + words + " {"] + items + [indent + "};"]
        if re.match(r"(?:typedef )?(?:class|struct|union)\b[^()=]*$", bare):
            opened = "shut" if bare.startswith("class") else "open"
            inner = self.declarations(indent + "  ", opened)
            name = self.rest()
            if not shown or hides(words):
                return []
            while inner and inner[0] == "":
                inner = inner[1:]
            if not inner:
                return wrap(words + " {};", indent)
            return wrap(words + " {", indent) + inner + [indent + "}" + name + ";"]
        # A function, or a value.
        self.skip_body()
        while self.at < len(self.tokens) and self.tokens[self.at] == (
                "mark", ";"):
            self.at += 1
        if not shown or hides(words):
            return []
        words = re.sub(r"\)((?: const| noexcept| override)*) : .*$", r")\1",
                       words)
        return wrap(words.rstrip(" =") + ";", indent)

    def rest(self):
        """What stands between a class and its semicolon."""
        said = ""
        while self.at < len(self.tokens):
            kind, text = self.tokens[self.at]
            self.at += 1
            if kind == "mark" and text == ";":
                break
            said += text
        return said.rstrip()


def without_template(words):
    """Nor attributes, nor what it requires."""
    while words.startswith("template"):
        depth = 0
        for at, mark in enumerate(words):
            depth += {"<": 1, ">": -1}.get(mark, 0)
            if mark == ">" and depth == 0:
                words = words[at + 1:].lstrip()
                break
        else:
            return words
    words = re.sub(r"\[\[[^]]*\]\] ?|\balignas\([^)]*\) ?", "", words)
    return re.sub(r"^requires .*?(?=\b(?:class|struct)\b)", "", words)


def hides(words):
    return bool(re.match(
        r"(?:friend|static_assert|using namespace|NETPOLL_)\b", words)
    ) or "= delete" in words or words.startswith("~") and "= default" in words


def clean(comment):
    if comment.startswith("/*"):
        lines = [re.sub(r"^\s*\* ?|^/\* ?|\s*\*/$", "", line)
                 for line in comment.split("\n")]
        return ["// " + line if line else "//" for line in lines]
    return [comment.rstrip()]


def wrap(words, indent):
    """At 80 columns, between words."""
    lines, line = [], indent
    for word in words.split(" "):
        if len(line) + len(word) + 1 > 80 and line.strip():
            lines.append(line.rstrip())
            line = indent + "    "
        line += word + " "
    return lines + [line.rstrip()]


def section(header, about, threads, promise):
    head, rest = head_and_rest(read(header))
    rest = without_directives(rest)
    lines = Reader(rest).declarations("", None)
    code = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    return (f"## {header}\n\n{about[0].upper() + about[1:]}. "
            f"Threads: {threads}. Promise: {promise}.\n\n"
            f"```text\n{head}\n```\n"
            + (f"\n```cpp\n{code}\n```\n" if code else ""))


def page(name):
    rows = [row for row in headers() if row[0].startswith(PAGES[name])]
    text = (f"# Reference: {name.title() if name == 'c' else name}\n\nWritten by `tools/docs/reference.py` from "
            "the headers; what the words of each line mean is in "
            "[headers.md](../headers.md).\n\n")
    text += "".join(f"- [{row[0]}](#{anchor(row[0])}): {row[1]}\n"
                    for row in rows)
    return text + "\n" + "\n".join(section(*row) for row in rows)


def anchor(title):
    """As repository views make them."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def main(arguments):
    if arguments:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    for name in PAGES:
        path = os.path.join(ROOT, f"docs/reference/{name}.md")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(page(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
