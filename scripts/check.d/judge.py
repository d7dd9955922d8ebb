#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Has scripts/run-tests, scripts/semantics, scripts/check-models and the gate of instruction counts judge runs that are
made up: each kind of failure must be seen.

What would be missed here would look like a suite that passes.
"""
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import sys
import tempfile

# What a program said, its exit status, and what must be said of the program as a whole.
PROGRAMS = (
    ("ok 1 a [native]\nok 2 a [epollx]\n1..2\n", 0, None),
    ("ok 1 a [native]\nnot ok 2 a [epollx]\n# why\n1..2\n", 1, None),
    ("1..0\n", 0, "printed no result"),
    ("", 0, "printed no result"),
    ("ok 1 a [native]\n", 0, "without a plan"),
    ("not ok 1 a [native]\n", 1, "without a plan"),
    ("ok 1 a [native]\n1..2\n", 0, "planned 2"),
    ("not ok 1 a [native]\n1..2\n", 1, "planned 2"),
    ("not ok 1 a [native]\n1..1\n", 0, "exits with 0"),
    ("ok 1 a [native]\n1..1\n", 1, "exits with 1"),
    ("ok 1 a [native]\n", 139, "exits with 139"),
    ("not ok 1 a [native]\n", 139, "exits with 139"),
    ("ok 1 a [native]\n", 124, "still running"),
)

# Outcomes of the one test of point 1 on native, epollx, preload; what else failed; what the table must say, if anything.
RUNS = (
    (("pass", "pass", "pass"), [], None),
    (("skip", "pass", "pass"), [], None),
    (("pass", None, "pass"), [], None),
    (("pass", "fail", "pass"), [], "FAILS on epollx"),
    (("skip", "skip", "skip"), [], "NO TEST"),
    (("pass", "skip", None), [], "NO TEST"),
    (("pass", None, None), [], "NO TEST"),
    ((None, None, None), [], "NO TEST"),
    (("pass", "pass", "pass"), ["boot1: WARNING"], "FAILS boot1: WARNING"),
)

# Native epoll's and epollx's instructions as accepted and now (None: gone), the same release or not; passes.
COUNTS = (
    ((100, 120), (100, 120), True, True),
    ((100, 120), (100, 123), True, True),
    ((100, 120), (100, 124), True, False),
    ((100, 120), (120, 124), True, False),
    ((100, 120), (100, None), True, False),
    ((100, 120), (100, None), False, False),
    ((100, 120), (100, 134), False, False),
    ((100, 120), (120, 140), False, True),
    ((100, 120), (80, 120), False, True),
    ((None, 120), (None, 140), True, False),
    ((None, 120), (None, 140), False, True),
)

# What spin's checker said, what was expected, and whether that passes.
SEARCHES = (
    ("  100 states, stored\nState-vector 9 byte, errors: 0\n", "clean", True),
    ("  100 states, stored\nState-vector 9 byte, errors: 0\n", "lost_event", False),
    ("pan:1: assertion violated  !(lost_event) (at depth 9)\n  9 states, stored\nerrors: 1\n", "lost_event", True),
    ("pan:1: assertion violated  !(lost_event) (at depth 9)\n  9 states, stored\nerrors: 1\n", "lost_wakeup", False),
    ("pan:1: assertion violated  !(lost_event) (at depth 9)\n  9 states, stored\nerrors: 1\n", "clean", False),
    ("pan:1: invalid end state (at depth 9)\n  9 states, stored\nerrors: 1\n", "clean", False),
    ("error: max search depth too small\n  9 states, stored\nerrors: 0\n", "clean", False),
    ("pan: reached -DMEMLIM bound\nWarning: Search not completed\n  9 states, stored\nerrors: 0\n", "clean", False),
    ("  9 states, stored\n", "clean", False),
    ("", "clean", False),
)



def script(name, directory="scripts"):
    path = os.path.join(directory, name)
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), path)
    # Its dataclasses look their module up.
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


def judge_programs(tests, directory):
    tests.OUT = directory
    for text, status, wanted in PROGRAMS:
        suite = tests.Suite("tests", "6.1", [])
        os.makedirs(suite.directory, exist_ok=True)
        tap = tests.Tap(suite, tests.Program("made_up", "made_up", "made_up {test}"), "scripts/vm --")
        for line in text.splitlines(keepends=True):
            tap.line(line)
        tap.end(status)
        said = [result.why for result in suite.results if result.test == "(the program)"]
        if bool(said) != bool(wanted) or (wanted and not any(wanted in why for why in said)):
            yield f"scripts/run-tests: {text!r} with status {status}: expected {wanted or 'nothing'}, it says {said or 'nothing'}"


def judge_runs(semantics, directory):
    semantics.OUT = directory
    semantics.read_tsv = lambda name: [{"point": "1", "family": "A", "title": "t"}] if name == "semantics.tsv" else []
    os.makedirs(os.path.join(directory, "K", "tests"))
    for outcomes, failures, wanted in RUNS:
        with open(os.path.join(directory, "K", "tests", "a_test.json"), "w", encoding="utf-8") as file:
            for side, outcome in zip(semantics.SIDES, outcomes):
                if outcome:
                    line = {"test": "a", "points": ["1"], "side": side, "outcome": outcome, "observed": {}}
                    file.write(json.dumps(line) + "\n")
        table = io.StringIO()
        with contextlib.redirect_stdout(table):
            good = semantics.print_table("K", {"failures": failures})
        if good == bool(wanted) or (wanted and wanted not in table.getvalue()):
            yield f"scripts/semantics: {outcomes} and {failures}: expected {wanted or 'nothing wrong'}:\n{table.getvalue()}"


def judge_searches(models):
    for text, expected, wanted in SEARCHES:
        # With a cut, since only what is whole is asked whether it comes to its claims.
        run = models.Run("made_up", "", "A_CUT", "TSO", expected, False)
        run.why = models.judge(run, text)
        if run.passed != wanted:
            yield f"scripts/check-models: {text!r}, {expected} expected: {'passes' if run.passed else f'fails: {run.got} {run.why}'}"


def judge_state(semantics):
    """A run is kept for one state of the sources: any file of theirs counts."""
    with tempfile.TemporaryDirectory() as directory:
        semantics.TOP = directory
        os.makedirs(os.path.join(directory, "scripts"))
        os.makedirs(os.path.join(directory, "kmod", "below"))
        kernel = os.path.join(directory, "scripts", "fetch-kernel")
        states = set()
        for name, text in ((kernel, "#!/bin/sh\necho a\n"), (kernel, "#!/bin/sh\necho b\n"), ("kmod/a.c", ""), ("kmod/a.c", "x"),
                           ("kmod/below/a.c", "x"), ("scripts/vm", "x")):
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(kernel, 0o755)
            state = semantics.tree_state("K")
            if state in states:
                yield f"scripts/semantics: {os.path.basename(name)} with {text!r} changes nothing for the run that is kept"
            states.add(state)


def judge_counts(gate):
    native, epollx = ("ctl_mod", "1", "native"), ("ctl_mod", "1", "epollx")
    for then, now, is_same, wanted in COUNTS:
        old, new = ({key: value for key, value in zip((native, epollx), counts) if value is not None} for counts in (then, now))
        passed, said = gate.judge(epollx, new, old, is_same)
        if passed != wanted:
            yield f"selftests/bench/gate: {then} accepted, {now} now, {'the same' if is_same else 'another'} release: {said}"
        if not all(f"{count:.1f}" in said for count in (then[1], now[1]) if count is not None):
            yield f"selftests/bench/gate: {said!r} has not both figures"


def main():
    # No __pycache__ beside the scripts.
    sys.dont_write_bytecode = True
    tests, semantics, models = script("run-tests"), script("semantics"), script("check-models")
    with tempfile.TemporaryDirectory() as directory:
        yield from judge_programs(tests, directory)
        yield from judge_runs(semantics, directory)
    yield from judge_searches(models)
    yield from judge_state(semantics)
    yield from judge_counts(script("gate", "selftests/bench"))


if __name__ == "__main__":
    findings = list(main())
    print("\n".join(findings))
    sys.exit(1 if findings else 0)
