#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The manual has what a program may use, and says of it what there is to be said.

Each function that the library exports or its headers define has a comment with a Return:, unless it is void, and a page;
each ioctl has a section of epollx_ioctl(2), which has each struct and constant of the ABI's headers; each option of
epollx-run and each page that another one refers to are there, and libepollx(7) leads to each family. The pages are
made by userlib/man/from-headers into a directory of their own.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

import csource

ABI = sorted(glob.glob("uapi/linux/*.h"))
LIBRARY = sorted(glob.glob("userlib/include/*.h"))
COMMAND = re.compile(r"^#define ((?:EPX_IOC|EPIOC)\w*)\s+_IO", re.M)
CONSTANT = re.compile(r"^#define (EPX_\w+)[ \t]+\S", re.M)
STRUCT = re.compile(r"^struct (\w+) \{", re.M)
DECLARED = re.compile(r"(?m)^(?:static inline )?(\w[\w *]*?)\b(epx_\w+)\([^;{]*(;|\n\{)")
REFERENCE = re.compile(r'^\.BR (\S+) "?\((\d)\)', re.M)
# What our pages may refer to that is not ours.
ELSEWHERE = {
    "1": ("abidiff", "gdb"),
    "2": (
        "close", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "execve", "fork",
        "ioctl", "open", "poll", "seccomp", "kcmp", "mmap",
    ),
    "5": ("modules-load.d",),
    "7": ("cgroups", "epoll", "pthreads", "udev"),
    "8": ("dkms", "ld.so", "modprobe"),
}


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def functions():
    """Of the library's headers: name, whether it returns something, the comment above it."""
    for path in LIBRARY:
        source = csource.Source(path)
        code = re.sub(r"(?m)^#(.*\\\n)*.*$", lambda found: re.sub(r"[^\n]", " ", found.group(0)), "\n".join(source.code))
        for found in DECLARED.finditer(code):
            line = code.count("\n", 0, found.start()) + 1
            doc = next((comment for comment in source.comments if comment.last == line - 1), None)
            public = doc is not None and source.lines[doc.first - 1].strip() == "/**"
            # Without a comment of that kind what a header defines is a part of what it offers.
            if found.group(3) == ";" or public:
                yield path, line, found.group(2), found.group(1).strip() != "void", doc.text if public else None


def section_three(directory):
    for path, line, name, returns, doc in functions():
        where = f"{path}:{line}: {name}()"
        if doc is None:
            yield f"{where} has no kernel-doc"
        elif returns and "Return:" not in doc:
            yield f"{where} does not say Return:"
        page = os.path.join(directory, name + ".3")
        if not os.path.isfile(page):
            yield f"{where} has no page"
            continue
        family = os.path.join(directory, os.path.basename(text_of(page).split()[1]))
        if f".SS {name}()" not in text_of(family):
            yield f"{where} has no section in {os.path.basename(family)}"


def section_two(directory):
    page = text_of(os.path.join(directory, "epollx_ioctl.2"))
    sections = " ".join(re.findall(r"^\.SS (.*)$", page, re.M))
    synopsis = page.split(".SH SYNOPSIS")[1].split(".SH ")[0]
    for path in ABI:
        source = text_of(path)
        for name in COMMAND.findall(source):
            if not re.search(rf"\b{name}\b", sections):
                yield f"{path}: {name} has no section in epollx_ioctl(2)"
            if not re.search(rf"\b{name}\b", synopsis):
                yield f"{path}: {name} is not in the synopsis of epollx_ioctl(2)"
        for name in STRUCT.findall(source):
            if f"\nstruct {name} {{" not in page:
                yield f"{path}: struct {name} is not in epollx_ioctl(2)"
        for name in CONSTANT.findall(source):
            if not re.search(rf"^\.BR? {name}\b", page, re.M):
                yield f"{path}: {name} is not in epollx_ioctl(2)"


def section_one(directory):
    page = text_of(os.path.join(directory, "epollx-run.1")).replace("\\-", "-")
    described = set(re.findall(r"^\.BI? (--[a-z-]+)", page.split(".SH OPTIONS")[1].split(".SH ")[0], re.M))
    taken = set(re.findall(r"(--[a-z-]+)\b", " ".join(re.findall(r"^\t(--[a-z].*?)\)", text_of("userlib/preload/epollx-run"), re.M))))
    for option in sorted(described ^ taken):
        yield f"epollx-run.1: {option} is {'described and not taken' if option in described else 'not described'}"


def references(directory):
    for path in sorted(glob.glob(os.path.join(directory, "*"))):
        for name, section in REFERENCE.findall(text_of(path).replace("\\-", "-")):
            if not os.path.isfile(os.path.join(directory, f"{name}.{section}")) and name not in ELSEWHERE.get(section, ()):
                yield f"{os.path.basename(path)}: refers to {name}({section}), which is neither ours nor known here"


def overview(directory):
    """libepollx(7) leads to each family of functions."""
    page = text_of(os.path.join(directory, "libepollx.7"))
    for path in sorted(glob.glob(os.path.join(directory, "*.3"))):
        name = os.path.basename(path)[:-2]
        if not text_of(path).startswith(".so ") and f"\n.BR {name} (3)" not in page:
            yield f"libepollx.7: does not lead to {name}(3)"


def main():
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([sys.executable, "userlib/man/from-headers", directory], capture_output=True, text=True)
        if done.returncode:
            yield f"userlib/man/from-headers: {done.stderr.strip()}"
            return
        for part in (section_one, section_two, section_three, references, overview):
            yield from part(directory)


if __name__ == "__main__":
    csource.report(main())
