#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks of the source tree itself, as TAP: headers | licences | text | clang."""
import os
import re
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow",
            "-Wmissing-prototypes", "-Wvla", "-Werror"]
CODE = re.compile(r"(\.(c|h|S|ld|lds|py|sh)|meson\.build|meson_options\.txt|Makefile|^tests/run|"
                  r"^\.ci/run)$")
MAX_COLUMNS = 120  # the style says 100; this is where it stops being readable


def tracked():
    """All files that are in the tree: known to git, and still there."""
    listing = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=SOURCE,
                             check=True, stdout=subprocess.PIPE).stdout.decode()
    names = [name for name in listing.split("\0") if name]
    return [name for name in names if os.path.isfile(os.path.join(SOURCE, name))]


def read(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def print_tap(points):
    """points: pairs of a name and the problem, or None."""
    points = list(points)
    print(f"1..{len(points)}")
    for number, (name, problem) in enumerate(points, 1):
        print(f"{'not ok' if problem else 'ok'} {number} - {name}")
        for line in (problem or "").splitlines():
            print("# " + line)
    return 1 if any(problem for _, problem in points) else 0


def compile_header(name):
    """Every header compiles alone."""
    command = ["gcc", "-std=gnu11", "-fsyntax-only", "-x", "c", *WARNINGS, "-mgeneral-regs-only",
               "-Iinclude", "-I.", "-include", name, "/dev/null"]
    done = subprocess.run(command, cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.stdout if done.returncode else None


def headers():
    return print_tap((name, compile_header(name)) for name in tracked() if name.endswith(".h"))


def licence_problem(name):
    """Every source file names its licence in its first lines."""
    first = read(name).splitlines()[:3]
    if any("SPDX-License-Identifier: BSD-2-Clause" in line for line in first):
        return None
    return "no SPDX-License-Identifier: BSD-2-Clause in the first three lines"


def one_point(title, names, problem_of):
    """One point for many files; what is wrong with which in its comment."""
    problems = [(name, problem_of(name)) for name in names]
    lines = [f"{name}: {problem}" for name, problem in problems if problem]
    return print_tap([(title, "\n".join(lines))])


def licences():
    return one_point("every source names its licence",
                     [name for name in tracked() if CODE.search(name)], licence_problem)


def text_problem(name):
    problems = []
    for number, line in enumerate(read(name).split("\n"), 1):
        if len(line.expandtabs(8)) > MAX_COLUMNS:
            problems.append(f"line {number} has {len(line.expandtabs(8))} columns")
        if line != line.rstrip():
            problems.append(f"line {number} ends with blanks")
    return ", ".join(problems) or None


def text():
    return one_point("every source keeps to its columns",
                     [name for name in tracked() if CODE.search(name) and name != "Makefile"],
                     text_problem)


def clang(tree):
    """Everything builds without a warning with gcc 12 and with clang 14."""
    commands = [["/usr/bin/ninja", "-C", tree, "-k", "0"]]
    if not os.path.exists(os.path.join(tree, "build.ninja")):
        commands.insert(0, ["/usr/bin/meson", "setup", tree, SOURCE])
    for command in commands:
        done = subprocess.run(command, env={**os.environ, "CC": "clang-14"}, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode or "warning: " in done.stdout:
            lines = [line for line in done.stdout.splitlines() if not line.startswith("[")]
            return print_tap([("the tree builds with clang 14", "\n".join(lines))])
    return print_tap([("the tree builds with clang 14", None)])


if __name__ == "__main__":
    CHECKS = {"headers": headers, "licences": licences, "text": text, "clang": clang}
    sys.exit(CHECKS[sys.argv[1]](*sys.argv[2:]))
