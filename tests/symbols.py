#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The driver's object file asks for what host.h declares and offers what driver.h declares, as TAP:
tests/symbols.py hypike-driver.o

@verifies HV-004
"""
import os
import re
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A name before its parameters, at the start of a declaration; not a pointer to a function.
FUNCTION = re.compile(r"^(?!typedef|\s|#)[\w\s*]*?\b(\w+)\(", re.MULTILINE)


def declared(header):
    with open(os.path.join(SOURCE, header), encoding="utf-8") as file:
        return set(FUNCTION.findall(re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)))


def symbols(path, option):
    out = subprocess.run(["nm", "-g", option, path], check=True, stdout=subprocess.PIPE, text=True)
    return {line.split()[-1] for line in out.stdout.splitlines()}


def main(path):
    asked, offered = symbols(path, "--undefined-only"), symbols(path, "--defined-only")
    host, driver = declared("include/hypike/host.h"), declared("hypervisor/driver.h")
    points = [
        ("host.h has functions, and the driver asks for some", not asked & host),
        ("the driver asks for nothing but them", asked - host),
        ("it defines all functions of driver.h", driver - offered),
        ("it shows nothing else", offered - driver),
    ]
    print(f"1..{len(points)}")
    for number, (title, wrong) in enumerate(points, 1):
        names = " ".join(sorted(wrong)) if isinstance(wrong, set) else ""
        print(f"{'not ok' if wrong else 'ok'} {number} - {title}")
        if names:
            print(f"# {names}")
    return any(wrong for _, wrong in points)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
