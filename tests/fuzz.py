#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds a libFuzzer harness with clang and runs it: tests/fuzz.py HARNESS.c RUNS [OPTION...]

The harness names what it is linked with in a comment, `sources: lib/a.c lib/b.c` or `sources: @FILE`
with the list in a file, and `runs: N` where the test suite is to make another number of them. The
seed is fixed, so that a run finds what the run before found; more options go to libFuzzer.
"""
import os
import re
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = ["-std=gnu11", "-g", "-O1", "-fsanitize=fuzzer,address,undefined",
         "-fno-sanitize-recover=all", "-Iinclude", "-I."]


def main():
    harness, runs, *options = sys.argv[1:]
    harness = os.path.relpath(os.path.abspath(harness), SOURCE)
    with open(os.path.join(SOURCE, harness), encoding="utf-8") as file:
        sources = re.search(r"sources: (.*)", file.read()).group(1).split()
    with tempfile.TemporaryDirectory(prefix="hypike-fuzz-") as work:
        program = os.path.join(work, "fuzz")
        subprocess.run(["clang-14", *FLAGS, harness, *sources, "-o", program], cwd=SOURCE,
                       check=True)
        return subprocess.run([program, f"-runs={runs}", "-seed=1", "-verbosity=1",
                               "-print_final_stats=1", *options], cwd=work,
                              check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
