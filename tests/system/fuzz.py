# SPDX-License-Identifier: BSD-2-Clause
"""Fuzzing, briefly and the same each time; more by hand with tests/fuzz.py."""
import glob
import os
import re

from runner.case import Case

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUNS = 20000


def _runs(path):
    with open(path, encoding="utf-8") as file:
        match = re.search(r"\bruns: (\d+)", file.read())
    return match.group(1) if match else str(RUNS)


def _cases():
    for path in sorted(glob.glob(os.path.join(SOURCE, "tests/unit/*/fuzz-*.c"))):
        name = os.path.basename(path)[len("fuzz-"):-len(".c")]
        yield Case(f"fuzz {name}", "unit",
                   ["/usr/bin/python3", "{source}/tests/fuzz.py",
                    "{source}/" + os.path.relpath(path, SOURCE), _runs(path)],
                   expect=(r"stat::number_of_executed_units: \d{4,}",), timeout=180,
                   builds=("normal",))


CASES = list(_cases())
