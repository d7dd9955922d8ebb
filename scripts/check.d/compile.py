#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compiles the Python files given, without leaving anything behind; says where one does not."""
import sys

bad = 0
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        source = file.read()
    try:
        compile(source, path, "exec")
    except SyntaxError as error:
        print(f"{path}:{error.lineno}: {error.msg}")
        bad = 1
sys.exit(bad)
