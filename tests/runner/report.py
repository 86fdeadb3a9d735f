# SPDX-License-Identifier: BSD-2-Clause
"""What a person sees of a run: a line per test, then what failed, what was skipped and why, and a
table of the machines. The last line is for scripts: `N passed, N failed, N skipped`."""
import collections
import json
import os

from . import tap
from .case import MACHINES

TAIL_LINES = 25


class Report:
    """Collects outcomes and prints."""

    def __init__(self, total, log_directory):
        self.outcomes = []
        self._total = total
        self._logs = log_directory
        os.makedirs(log_directory, exist_ok=True)

    def add(self, outcome):
        """A test has ended: keep its log, print its line, and the reasons where it failed."""
        self.outcomes.append(outcome)
        failed, skipped = outcome.count(tap.FAILED), outcome.count(tap.SKIPPED)
        word = "FAIL" if failed else "skip" if skipped == len(outcome.points) else "ok"
        detail = f"{outcome.count(tap.PASSED)} passed" if len(outcome.points) > 1 else ""
        if failed and len(outcome.points) > 1:
            detail += f", {failed} failed"
        if skipped and len(outcome.points) > 1:
            detail += f", {skipped} skipped"
        width = len(str(self._total))
        print(f"[{len(self.outcomes):{width}}/{self._total}] {word:4} {outcome.case.title:60} "
              f"{outcome.seconds:6.1f} s  {detail}".rstrip(), flush=True)
        with open(self.log_path(outcome), "w", encoding="utf-8") as log:
            log.write(outcome.output)
        if failed:
            self._print_failure(outcome)

    def log_path(self, outcome):
        return os.path.join(self._logs, outcome.case.slug + ".log")

    def _print_failure(self, outcome):
        for point in outcome.points:
            if point.result == tap.FAILED:
                print(f"    {point.name}" + (f": {point.reason}" if point.reason else ""))
        lines = outcome.output.splitlines()[-TAIL_LINES:]
        print(f"    ---- end of {self.log_path(outcome)}")
        for line in lines:
            print("    | " + line.encode("ascii", "backslashreplace").decode())
        print("    ----", flush=True)

    def _total_of(self, result, machine=None):
        return sum(outcome.count(result) for outcome in self.outcomes
                   if machine in (None, outcome.case.machine))

    def _print_skips(self):
        """What was skipped for one reason in many programs is said once."""
        programs = collections.defaultdict(list)
        for outcome in self.outcomes:
            for point in outcome.points:
                if point.result == tap.SKIPPED:
                    programs[point.reason, point.name].append(outcome.case)
        for (reason, name), cases in sorted(programs.items()):
            machines = collections.Counter(case.machine for case in cases)
            where = ", ".join(f"{machine} {count}x" for machine, count in machines.items())
            print(f"skipped: {name}: {reason} ({where})")

    def _print_failures(self):
        for outcome in self.outcomes:
            if outcome.count(tap.FAILED):
                reasons = "; ".join(f"{point.name}: {point.reason}" for point in outcome.points
                                    if point.result == tap.FAILED)
                print(f"failed: {outcome.case.title}: {reasons[:600]} "
                      f"(see {self.log_path(outcome)})")

    def _print_machines(self):
        print(f"{'machine':16} {'passed':>7} {'failed':>7} {'skipped':>8} {'programs':>9} "
              f"{'seconds':>8}")
        for machine in MACHINES:
            mine = [outcome for outcome in self.outcomes if outcome.case.machine == machine]
            if mine:
                print(f"{machine:16} {self._total_of(tap.PASSED, machine):7} "
                      f"{self._total_of(tap.FAILED, machine):7} "
                      f"{self._total_of(tap.SKIPPED, machine):8} {len(mine):9} "
                      f"{sum(outcome.seconds for outcome in mine):8.1f}")

    def finish(self, seconds):
        """Print the end of the report; returns the exit status."""
        print()
        self._print_skips()
        self._print_failures()
        self._print_machines()
        failed = self._total_of(tap.FAILED)
        print(f"{len(self.outcomes)} programs in {seconds:.0f} s; logs in {self._logs}")
        print(f"{self._total_of(tap.PASSED)} passed, {failed} failed, "
              f"{self._total_of(tap.SKIPPED)} skipped", flush=True)
        return 1 if failed or not self.outcomes else 0

    def write_json(self, path, seconds):
        """Everything above, for a program."""
        with open(path, "w", encoding="utf-8") as out:
            json.dump({
                "passed": self._total_of(tap.PASSED),
                "failed": self._total_of(tap.FAILED),
                "skipped": self._total_of(tap.SKIPPED),
                "seconds": seconds,
                "tests": [{
                    "name": outcome.case.name,
                    "machine": outcome.case.machine,
                    "build": outcome.case.build,
                    "seconds": outcome.seconds,
                    "log": self.log_path(outcome),
                    "points": [vars(point) for point in outcome.points],
                } for outcome in self.outcomes],
            }, out, indent=1)
