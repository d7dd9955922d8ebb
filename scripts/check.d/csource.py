# SPDX-License-Identifier: MIT
"""What the checks need to know about C files: which there are, where functions and comments begin and end.

No parser: kernel style is regular enough. A function's body opens with "{" and closes with "}" in column 0, its
signature is what stands above it down from the last blank line, comment, ";" or "}".
"""
import dataclasses
import re
import subprocess
import sys


def tracked(*patterns):
    """Tracked files and new ones that are not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-x", "/build", "-z", "--", *patterns], check=True, capture_output=True
    ).stdout.decode()
    deleted = subprocess.run(
        ["git", "ls-files", "-d", "-z", "--", *patterns], check=True, capture_output=True
    ).stdout.decode()
    gone = set(deleted.split("\0"))
    return sorted(set(path for path in listing.split("\0") if path and path not in gone))


def is_binary(path):
    with open(path, "rb") as file:
        return b"\0" in file.read(4096)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def report(findings):
    """Prints each finding; the exit status says whether there was one."""
    bad = 0
    for finding in findings:
        print(finding)
        bad = 1
    sys.exit(bad)


@dataclasses.dataclass
class Comment:
    first: int
    last: int
    text: str  # one line, without stars


@dataclasses.dataclass
class Function:
    path: str
    name: str
    signature: str
    first: int  # of the signature, counted from 1
    last: int  # of the body
    doc: Comment  # the comment right above, or None
    comments: list

    @property
    def is_static(self):
        return bool(re.search(r"\bstatic\b", self.signature))

    @property
    def returns(self):
        before = self.signature.split(self.name + "(")[0]
        return not re.search(r"\bvoid\s*$", before.replace("noinline", "").replace("notrace", "").strip())


class Source:
    """One file: its lines, the code without comments and strings, the comments, the functions."""

    def __init__(self, path):
        self.path = path
        self.lines = read(path)
        self.code, self.comments = self._split()
        self.functions = list(self._functions())

    def _split(self):
        text = "\n".join(self.lines)
        token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
        comments = []

        def blank(match):
            found = match.group(0)
            if not found.startswith("/"):
                return '"' + re.sub(r"[^\n]", " ", found[1:-1]) + '"'
            first = text.count("\n", 0, match.start()) + 1
            inner = re.sub(r"^/\*+|\*/$|^//", "", found)
            words = " ".join(re.sub(r"^\s*\*", "", line).strip() for line in inner.split("\n"))
            comments.append(Comment(first, first + found.count("\n"), words.strip()))
            return re.sub(r"[^\n]", " ", found)

        return token.sub(blank, text).split("\n"), comments

    def _functions(self):
        opened = None
        for number, line in enumerate(self.code, 1):
            if line.rstrip() == "{":
                opened = number
            elif opened and line.startswith("}"):
                function = self._function(opened, number)
                if function:
                    yield function
                opened = None

    def _function(self, opened, last):
        first = opened
        while first > 1:
            above = self.code[first - 2].strip()
            if not above or above.endswith((";", "}")) or above.startswith(("#", "{")):
                break
            first -= 1
        signature = " ".join(line.strip() for line in self.code[first - 1 : opened - 1])
        plain = re.sub(r"__attribute__\s*\(\(.*?\)\)|__printf\([^)]*\)", "", signature)
        found = re.search(r"(\w+)\s*\(", plain)
        if not found:
            return None
        doc = next((comment for comment in self.comments if comment.last == first - 1), None)
        inside = [comment for comment in self.comments if first <= comment.first and comment.last <= last]
        if doc:
            inside.insert(0, doc)
        return Function(self.path, found.group(1), plain, first, last, doc, inside)

    def function_at(self, line):
        return next((function for function in self.functions if function.first <= line <= function.last), None)
