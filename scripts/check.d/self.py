#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tries the checks that are our own on a small tree with one fault of each kind, and on the same tree without it.

A check that finds nothing may be a check that cannot find anything.
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GPL = "// SPDX-License-Identifier: GPL-2.0-only\n"

# A kmod/ in which every rule holds.
GOOD = {
    "LICENSES/GPL-2.0-only.txt": "text\n",
    "LICENSES/MIT.txt": "text\n",
    "LICENSES/Linux-syscall-note.txt": "text\n",
    "kmod/instance.h": GPL.replace("// ", "/* ").replace("\n", " */\n") + "struct epx_watch;\n",
    "kmod/hook.h": GPL.replace("// ", "/* ").replace("\n", " */\n") + "void epx_put(void);\n",
    "kmod/hook.c": GPL
    + '#include "hook.h"\n#include "instance.h"\n\n'
    + "/**\n * epx_put() - set it\n *\n * Context: any.\n */\n"
    + "void epx_put(void)\n{\n\t/* Pairs with smp_rmb() in epx_get(). */\n\tsmp_wmb();\n}\n",
    "kmod/wait.c": GPL
    + '#include "hook.h"\n\n'
    + "/**\n * epx_get() - see it\n *\n * Context: any.\n * Return: 0.\n */\n"
    + "int epx_get(void)\n{\n\t/* What was set before. Pairs with smp_wmb() in epx_put(). */\n\tsmp_rmb();\n\treturn 0;\n}\n",
    "userlib/core/exec.c": "// SPDX-License-Identifier: MIT\n" + '#include "exec.h"\n',
    "userlib/around/dump.c": "// SPDX-License-Identifier: MIT\n" + '#include "core/exec.h"\n',
    "selftests/a_test.c": "// SPDX-License-Identifier: MIT\nTEST(it_is_shown, \"\")\n",
    "selftests/capabilities.tsv": "capability\tothers\tepollx\nthis\tyes: man(2)\tyes: it_is_shown\n",
}

# (check, file, text replaced, by what, part of the finding)
FAULTS = (
    ("text.py spdx", "kmod/hook.c", "GPL-2.0-only", "MIT", "the line must be"),
    ("text.py spdx", "selftests/a_test.c", "MIT", "GPL-2.0-only", "the line must be"),
    ("text.py words", "kmod/hook.c", "set it", "TO" "DO", "unfinished"),
    ("text.py portable", "kmod/hook.c", "set it", "see /root" "/x", "one machine"),
    ("text.py size", "kmod/hook.h", "void", "\n" * 300 + "void", "ceiling"),
    ("text.py size", "kmod/hook.c", "void", "\n" * 400 + "void", "ceiling"),
    ("layers.py", "kmod/hook.h", "void", '#include "wait.h"\nvoid', "wait.h"),
    ("layers.py", "kmod/instance.h", "struct", '#include "hook.h"\nstruct', "not downward"),
    ("layers.py", "kmod/hook.c", "smp_wmb();", "smp_wmb();\n#if LINUX_VERSION_CODE\n#endif", "compat.h only"),
    ("userlib.py", "userlib/core/exec.c", "exec.h", "reactor.h", "does not know the reactor"),
    ("userlib.py", "userlib/core/exec.c", "exec.h", "around/waiters.h", "nothing of the other parts"),
    ("userlib.py", "userlib/around/dump.c", "core/exec.h", "backend/state.h", "nothing of backend/"),
    ("userlib.py", "userlib/core/exec.c", "#include", "\n" * 1500 + "#include", "in one sitting"),
    ("barriers.py", "kmod/hook.c", "\t/* Pairs with smp_rmb() in epx_get(). */\n", "", "has no comment"),
    ("barriers.py", "kmod/hook.c", "epx_get()", "epx_gone()", "does not have"),
    ("barriers.py", "kmod/wait.c", "Pairs with smp_wmb() in epx_put()", "Pairs with smp_wmb() in the kernel's up()", "name it back"),
    ("barriers.py", "kmod/wait.c", "\tsmp_rmb();\n", "\tint y = 0;\n\tsmp_rmb();\n", "has no comment"),
    ("barriers.py", "kmod/wait.c", "What was set", "A fully ordered xchg.\n */\n\t/* What was set", "names no partner"),
    ("capabilities.py --check", "selftests/a_test.c", "it_is_shown", "it_is_gone", "no test"),
    ("capabilities.py --check", "selftests/capabilities.tsv", "yes: man(2)", "yes", "proof"),
    ("capabilities.py --check", "selftests/capabilities.tsv", "yes: man(2)", "maybe", "neither"),
    ("documented.py", "kmod/hook.c", "/**", "/*", "no kernel-doc"),
    ("documented.py", "kmod/hook.c", "Context: any.", "Anywhere.", "Context:"),
    ("documented.py", "kmod/wait.c", "Return: 0.", "Gives 0.", "Return:"),
)


def run(check, directory):
    command = [sys.executable, *os.path.join(HERE, check).split(" ")]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True)


def tree(directory, files):
    for path, text in files.items():
        os.makedirs(os.path.join(directory, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(directory, path), "w", encoding="utf-8") as file:
            file.write(text)
    subprocess.run(["git", "init", "-q", directory], check=True)


def main():
    bad = 0
    for check in sorted({fault[0] for fault in FAULTS}):
        with tempfile.TemporaryDirectory() as directory:
            tree(directory, GOOD)
            done = run(check, directory)
            if done.returncode:
                print(f"{check} finds fault with a good tree:\n{done.stdout}{done.stderr}")
                bad = 1
    for check, path, old, new, expected in FAULTS:
        if old not in GOOD[path]:
            print(f"{check}: the fault in {path} has nothing to replace: {old!r}")
            bad = 1
            continue
        with tempfile.TemporaryDirectory() as directory:
            tree(directory, dict(GOOD, **{path: GOOD[path].replace(old, new)}))
            done = run(check, directory)
            if done.returncode == 0 or expected not in done.stdout:
                print(f"{check} does not find {new!r} in {path}:\n{done.stdout}{done.stderr}")
                bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
