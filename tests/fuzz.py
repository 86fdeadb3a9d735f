#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds libFuzzer harnesses with clang and runs them.

    tests/fuzz.py HARNESS.c RUNS [OPTION...]                    one, so many runs; options go to libFuzzer
    tests/fuzz.py --minutes N [--coverage] [HARNESS.c...]       all, or these, for N minutes together

A harness names what it is linked with in a comment, `sources: lib/a.c lib/b.c` or `sources: @FILE`
with the list in a file, and `runs: N` where the test suite is to make another number of them. The
seed is fixed, so that a run finds what the run before found. With --coverage, what was reached is
printed at the end, by source file; what made something fail is left in the working directory.
"""
import argparse
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = ["-std=gnu11", "-g", "-O1", "-fsanitize=fuzzer,address,undefined",
         "-fno-sanitize-recover=all", "-Iinclude", "-I."]


def build(harness, program, *flags):
    """@return the sources that it tests."""
    with open(os.path.join(SOURCE, harness), encoding="utf-8") as file:
        sources = re.search(r"sources: (.*)", file.read()).group(1).split()
    subprocess.run(["clang-14", *FLAGS, *flags, harness, *sources, "-o", program], cwd=SOURCE,
                   check=True)
    if sources[0].startswith("@"):
        with open(os.path.join(SOURCE, sources[0][1:]), encoding="utf-8") as file:
            sources = file.read().split()
    return [name for name in sources if not name.startswith("tests/")]


def one(harness, runs, *options):
    with tempfile.TemporaryDirectory(prefix="hypike-fuzz-") as work:
        program = os.path.join(work, "fuzz")
        build(harness, program)
        return subprocess.run([program, f"-runs={runs}", "-seed=1", "-verbosity=1",
                               "-print_final_stats=1", *options], cwd=work,
                              check=False).returncode


def timed(harness, seconds, coverage, work):
    """Runs one harness. @return (exit status, lines reached, lines)."""
    name = os.path.basename(harness)[:-len(".c")]
    program, profile = os.path.join(work, name), os.path.join(work, name + ".prof")
    flags = ["-fprofile-instr-generate", "-fcoverage-mapping"] if coverage else []
    sources = build(harness, program, *flags)
    log = os.path.join(work, name + ".log")
    with open(log, "w", encoding="utf-8") as file:
        status = subprocess.run(
            [program, f"-max_total_time={seconds}", "-seed=1", "-print_final_stats=1",
             f"-artifact_prefix={os.getcwd()}/{name}-"], cwd=work, check=False, stdout=file,
            stderr=subprocess.STDOUT, env={**os.environ, "LLVM_PROFILE_FILE": profile}).returncode
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    runs = re.search(r"number_of_executed_units: (\d+)", text)
    print(f"{name}: {runs.group(1) if runs else '?'} runs in {seconds} s, exit status {status}", flush=True)
    if status != 0:
        print(text[-4000:], flush=True)
    return status, (reached(program, profile, sources) if coverage and status == 0 else {})


def reached(program, profile, sources):
    """@return {file: (lines reached, lines)} of one harness."""
    subprocess.run(["llvm-profdata-14", "merge", profile, "-o", profile + "data"], check=True)
    text = subprocess.run(
        ["llvm-cov-14", "export", program, f"-instr-profile={profile}data", "-summary-only",
         *[os.path.join(SOURCE, name) for name in sources]],
        check=True, stdout=subprocess.PIPE).stdout
    lines = {}
    for file in json.loads(text)["data"][0]["files"]:
        summary = file["summary"]["lines"]
        lines[os.path.relpath(file["filename"], SOURCE)] = (summary["covered"], summary["count"])
    return lines


def all_of_them(minutes, coverage, harnesses):
    """Each gets the same time; the best coverage of a file by one of them counts."""
    best, failed = {}, 0
    seconds = max(1, int(minutes * 60 / len(harnesses)))
    with tempfile.TemporaryDirectory(prefix="hypike-fuzz-") as work:
        for harness in harnesses:
            status, lines = timed(harness, seconds, coverage, work)
            failed += status != 0
            for name, (covered, count) in lines.items():
                if covered > best.get(name, (-1, 0))[0]:
                    best[name] = (covered, count)
    for name, (covered, count) in sorted(best.items()):
        print(f"{100 * covered / max(count, 1):5.1f} %  {covered:5} of {count:5} lines  {name}")
    if best:
        covered, count = (sum(pair[i] for pair in best.values()) for i in (0, 1))
        print(f"{100 * covered / count:5.1f} %  {covered:5} of {count:5} lines  all that is fuzzed")
    return 1 if failed else 0


def relative(path):
    return os.path.relpath(os.path.abspath(path), SOURCE)


def main():
    if sys.argv[1:] and not sys.argv[1].startswith("-"):
        harness, runs, *options = sys.argv[1:]
        return one(relative(harness), runs, *options)
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, required=True, help="for all of them together")
    parser.add_argument("--coverage", action="store_true", help="print which lines were reached")
    parser.add_argument("harness", nargs="*", help="tests/unit/AREA/fuzz-NAME.c (all)")
    arguments = parser.parse_args()
    harnesses = arguments.harness or sorted(glob.glob(os.path.join(SOURCE, "tests/unit/*/fuzz-*.c")))
    return all_of_them(arguments.minutes, arguments.coverage, [relative(name) for name in harnesses])


if __name__ == "__main__":
    sys.exit(main())
