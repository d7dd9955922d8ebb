#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every barrier of kmod/ is documented at both ends.

A barrier primitive needs a comment that ends right above its statement (or on its line) and says
"Pairs with ... in epx_other()". The function named must exist in kmod/ and hold a comment that names this one back
the same way. What stands before "in" says which operation there: "Pairs with smp_wmb() in epx_other()". A partner that
is a function of the kernel itself is written "the kernel's name()". A comment that calls an atomic operation fully
ordered relies on it as a barrier, and is held to the same rule.
"""
import re

import csource

PRIMITIVE = re.compile(
    r"\b(smp_mb|smp_wmb|smp_rmb|smp_store_release|smp_load_acquire|smp_store_mb|smp_mb__\w+|"
    r"smp_acquire__after_ctrl_dep|smp_cond_load_acquire|atomic\w*_(acquire|release))\s*\("
)
PAIRS = re.compile(r"\b[Pp]airs with\b(.*?)(?:\.\s|\.$|$)")
NAMED = re.compile(r"(kernel's\s+)?\b(\w+)\(\)(?!\s+in\b)")
PLACES = re.compile(r"\bin\s+((?:(?:,|and|the|kernel's|\w+\(\)(?!\s+in\b))\s*)+)")
ORDERED = re.compile(r"\bfully[ -]ordered\b")
# The library consumes the mapped ring: the other end of what the module publishes. Its executor has pairs of its own.
SOURCES = ("kmod/*.c", "kmod/*.h", "userlib/include/*.h", "userlib/*/*.c")
REACH = 3  # lines that may stand between the comment and the barrier: a condition broken over lines


def partners(comment):
    """(name, of the kernel itself) of each partner that a comment names."""
    found = []
    for clause in PAIRS.findall(comment.text):
        places = PLACES.findall(clause) or [clause]
        found += [(name, bool(kernel)) for place in places for kernel, name in NAMED.findall(place)]
    return found


def comment_for(source, function, line):
    """The comment nearest above the line, with nothing but the start of the same statement in between."""
    best = None
    for comment in function.comments if function else source.comments:
        if comment.last <= line and (best is None or comment.last > best.last):
            best = comment
    if best is None or line - best.last > REACH:
        return None
    between = source.code[best.last : line - 1]
    return None if any(part.rstrip().endswith((";", "}")) for part in between) else best


def main():
    sources = [csource.Source(path) for path in csource.tracked(*SOURCES)]
    # Where the library has a function of the same name the module's is meant.
    functions = {function.name: function for source in reversed(sources) for function in source.functions}

    for source in sources:
        for number, code in enumerate(source.code, 1):
            found = PRIMITIVE.search(code)
            if not found or code.lstrip().startswith("#"):
                continue
            comment = comment_for(source, source.function_at(number), number)
            if comment is None or not partners(comment):
                yield f"{source.path}:{number}: {found.group(1)}() has no comment 'Pairs with ... in epx_other()'"

        for function in source.functions:
            for comment in function.comments:
                named = partners(comment)
                if ORDERED.search(comment.text) and not named:
                    yield (
                        f"{source.path}:{comment.first}: relies on a fully ordered operation"
                        " and names no partner: 'Pairs with ... in epx_other()'"
                    )
                for name, of_kernel in named:
                    yield from judge(source.path, comment.first, function, name, of_kernel, functions)


def judge(path, line, function, name, of_kernel, functions):
    other = functions.get(name)
    if of_kernel:
        if other:
            yield f"{path}:{line}: {name}() is in kmod/, not in the kernel"
        return
    if other is None:
        yield f"{path}:{line}: pairs with {name}(), which kmod/ does not have (the kernel's own: \"the kernel's {name}()\")"
        return
    back = [partner for comment in other.comments for partner, _ in partners(comment)]
    if function.name not in back:
        yield f"{path}:{line}: {function.name}() pairs with {name}(), which does not name it back ({other.path}:{other.first})"


if __name__ == "__main__":
    csource.report(main())
