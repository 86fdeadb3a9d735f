#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the requirement-to-test table from the tags in the tree.

A requirement stands beside the code that meets it:  @req AREA-NNN One-line requirement.
A test says which ones it checks:                    @verifies AREA-NNN [AREA-NNN...]

Usage: tools/reqs.py OUTPUT_DIRECTORY [--strict]
Writes requirements.md and requirements.html. Fails on a test that names an unknown requirement and
on a requirement defined twice; with --strict also on a requirement that no test verifies.
"""
import collections
import dataclasses
import html
import os
import re
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ID = r"[A-Z]{2,5}-\d{3}"
REQUIREMENT = re.compile(rf"@req\s+({ID})\s+(.*)")
VERIFIES = re.compile(rf"@verifies\s+((?:{ID}[\s,]*)+)")
CONTINUATION = re.compile(r"^\s*(?:\*|//|#)?\s{0,}(.*?)(?:\s*\*/)?\s*$")
SUFFIXES = (".c", ".h", ".S", ".py", ".sh", ".build")
AREAS = {"HV": "Hypervisor driver", "KRN": "Kernel", "VMM": "Virtual machine monitor",
         "BOOT": "Boot", "DUM": "Dummy kernel", "ATK": "Attack guests", "TOOL": "Command and tests",
         "LIB": "Shared code", "PV": "Paravirtual guests"}
# These describe the tags rather than using them.
NOT_SCANNED = {"tools/reqs.py"}


@dataclasses.dataclass
class Requirement:
    """One requirement: where it is and who checks it."""
    name: str
    text: str
    place: str
    tests: list = dataclasses.field(default_factory=list)


def tracked():
    listing = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=SOURCE,
                             check=True, stdout=subprocess.PIPE).stdout.decode()
    return sorted(name for name in listing.split("\0") if name.endswith(SUFFIXES)
                  and name not in NOT_SCANNED and os.path.isfile(os.path.join(SOURCE, name)))


def read_text(lines, at, first):
    """A requirement may run over several lines of its comment: up to an empty one or a tag."""
    text = re.sub(r"\s*\*/\s*$", "", first).strip()
    if "*/" in first:
        return text
    for line in lines[at + 1:]:
        more = CONTINUATION.match(line).group(1)
        if not more or more.startswith(("@", "/", "*/")) or not re.match(r"^\s*(\*|#|//)", line):
            break
        text += " " + more
        if "*/" in line:
            break
    return text


def scan():
    """Returns the requirements by name, the tests by requirement, and what is wrong."""
    requirements, tests, problems = {}, collections.defaultdict(list), []
    for name in tracked():
        with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
            lines = file.read().splitlines()
        for at, line in enumerate(lines):
            place = f"{name}:{at + 1}"
            match = REQUIREMENT.search(line)
            if match and match.group(1) in requirements:
                problems.append(f"{place}: {match.group(1)} is defined already in "
                                f"{requirements[match.group(1)].place}")
            elif match:
                requirements[match.group(1)] = Requirement(
                    match.group(1), read_text(lines, at, match.group(2)), place)
            match = VERIFIES.search(line)
            for wanted in re.findall(ID, match.group(1)) if match else []:
                tests[wanted].append(place)
    for wanted, places in tests.items():
        if wanted in requirements:
            requirements[wanted].tests = places
        else:
            problems += [f"{place}: no requirement is called {wanted}" for place in places]
    return requirements, problems


def files_of(places):
    """Test files, each once."""
    return list(dict.fromkeys(place.rsplit(":", 1)[0] for place in places))


def area_of(requirement):
    area = requirement.name.split("-")[0]
    return AREAS.get(area, area)


def by_area(requirements):
    areas = collections.defaultdict(list)
    for requirement in sorted(requirements.values(), key=lambda one: one.name):
        areas[area_of(requirement)].append(requirement)
    return areas


def markdown(requirements, summary):
    out = ["# Requirements and the tests that verify them", "", summary, ""]
    for area, members in by_area(requirements).items():
        out += [f"## {area}", "", "| ID | Requirement | Met in | Verified by |", "|---|---|---|---|"]
        for one in members:
            tests = ", ".join(f"`{file}`" for file in files_of(one.tests)) or "**no test**"
            text = one.text.replace("|", "\\|")
            out.append(f"| {one.name} | {text} | `{one.place}` | {tests} |")
        out.append("")
    return "\n".join(out)


def html_page(requirements, summary):
    out = ["<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>HyPike requirements</title>",
           "<style>body{font:15px sans-serif;max-width:75em;margin:2em auto}table{border-collapse:",
           "collapse;width:100%}td,th{border:1px solid #bbb;padding:.3em .5em;text-align:left;",
           "vertical-align:top}code{font-size:90%}.none{background:#fdd}</style>",
           f"<h1>Requirements and the tests that verify them</h1><p>{html.escape(summary)}</p>"]
    for area, members in by_area(requirements).items():
        out.append(f"<h2>{html.escape(area)}</h2><table><tr><th>ID<th>Requirement<th>Met in"
                   "<th>Verified by")
        for one in members:
            tests = "<br>".join(f"<code>{html.escape(file)}</code>" for file in files_of(one.tests))
            out.append(f"<tr id='{one.name}'><td>{one.name}<td>{html.escape(one.text)}"
                       f"<td><code>{html.escape(one.place)}</code>"
                       + (f"<td>{tests}" if tests else "<td class='none'>no test"))
        out.append("</table>")
    return "\n".join(out) + "\n"


def write(directory, name, text):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(text)


def main():
    strict = "--strict" in sys.argv
    directory = next((word for word in sys.argv[1:] if word != "--strict"), None)
    if directory is None:
        sys.exit(__doc__)
    requirements, problems = scan()
    untested = [one for one in requirements.values() if not one.tests]
    summary = f"{len(requirements)} requirements, {len(requirements) - len(untested)} verified."
    os.makedirs(directory, exist_ok=True)
    write(directory, "requirements.md", markdown(requirements, summary))
    write(directory, "requirements.html", html_page(requirements, summary))
    for problem in problems:
        print(problem, file=sys.stderr)
    for one in sorted(untested, key=lambda one: one.name):
        print(f"{one.place}: no test verifies {one.name}", file=sys.stderr)
    print(summary)
    return 1 if problems or (strict and untested) else 0


if __name__ == "__main__":
    sys.exit(main())
