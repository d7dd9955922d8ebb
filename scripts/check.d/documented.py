#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every non-static function of kmod/*.c has kernel-doc that says Context: and, unless it is void, Return:.

kernel-doc itself checks what is there; this checks that it is there.
"""
import csource


def main():
    for path in csource.tracked("kmod/*.c"):
        source = csource.Source(path)
        for function in source.functions:
            if function.is_static:
                continue
            where = f"{path}:{function.first}: {function.name}()"
            doc = function.doc
            if doc is None or not source.lines[doc.first - 1].strip().startswith("/**"):
                yield f"{where} has no kernel-doc"
                continue
            if "Context:" not in doc.text:
                yield f"{where} does not say Context:"
            if function.returns and "Return:" not in doc.text:
                yield f"{where} does not say Return:"


if __name__ == "__main__":
    csource.report(main())
