# SPDX-License-Identifier: BSD-2-Clause
"""Configuration files."""
from runner.case import Case

SCRIPT = ["/usr/bin/python3", "{source}/tests/config.py", "{build}"]

CASES = [
    Case("broken configurations", "tool", [*SCRIPT, "broken"], tap=1),
    Case("the JSON Schema of configurations", "tool", [*SCRIPT, "schema"], tap=1,
         builds=("normal",)),
    Case("the example configurations", "tool", [*SCRIPT, "examples"], tap=1),
]
