# SPDX-License-Identifier: BSD-2-Clause
"""Reads TAP (Test Anything Protocol) out of a program's output or a machine's console.

A console carries other lines as well, so everything that is not TAP is passed over. What must not
be passed over is the end: a stream without a plan, with fewer or more points than planned, or with
a `Bail out!` is itself a failure.
"""
import dataclasses
import re

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

# With several VMs, or a VMM that names its own, lines begin with "[vm1] " or "vm1: ".
PREFIX = r"^(?:\x1b\[[0-9;]*m)*(?:\[[\w.-]+\] |[\w.-]+: |[\w.-]+\| )?"
POINT = re.compile(PREFIX + r"(not )?ok\b(?: (\d+))?(?:\s*-)?\s*(.*?)\s*$")
PLAN = re.compile(PREFIX + r"1\.\.(\d+)(?:\s*#\s*skip\w*\s*(.*))?\s*$", re.IGNORECASE)
BAIL = re.compile(PREFIX + r"Bail out!\s*(.*)")
DIRECTIVE = re.compile(r"#\s*(skip|todo)\w*\s*(.*)$", re.IGNORECASE)


@dataclasses.dataclass
class Point:
    """One test point."""
    name: str
    result: str
    reason: str = ""


def _point(match):
    name = match.group(3)
    directive = DIRECTIVE.search(name)
    failed = match.group(1) is not None
    if directive:
        name = name[:directive.start()].strip()
        if directive.group(1).lower() == "skip":
            return Point(name, SKIPPED, directive.group(2) or "no reason given")
        # A TODO is a known fault; this project has no business calling that a success.
    return Point(name, FAILED if failed else PASSED)


class Stream:
    """The TAP in one output. Several plans may follow each other (several guests)."""

    def __init__(self):
        self.points = []
        self.problems = []
        self.plans = 0
        self._planned = 0

    def feed(self, text):
        """Take a whole output."""
        for line in text.splitlines():
            self._line(line.rstrip("\r"))

    def _line(self, line):
        plan, point, bail = PLAN.match(line), POINT.match(line), BAIL.match(line)
        if plan:
            self.plans += 1
            self._planned += int(plan.group(1))
            if int(plan.group(1)) == 0:
                self._planned += 1
                self.points.append(Point("everything", SKIPPED, plan.group(2) or "no reason given"))
        elif point:
            self.points.append(_point(point))
        elif bail:
            self.problems.append("bailed out: " + bail.group(1))

    def finish(self, plans=1):
        """Call at the end; returns what is wrong with the stream as a whole."""
        if self.plans != plans:
            self.problems.append(f"{self.plans} TAP plans, expected {plans}")
        elif len(self.points) != self._planned:
            self.problems.append(f"{len(self.points)} TAP points, planned {self._planned}")
        return self.problems
