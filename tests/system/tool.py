# SPDX-License-Identifier: BSD-2-Clause
"""The `hypike` command by itself."""
from runner.case import Case

SCRIPT = ["/usr/bin/python3", "{source}/tests/tool.py", "{build}"]

CASES = [
    Case("images that the kernel refuses", "bare-qemu", [*SCRIPT, "kernel"], tap=1, timeout=120),
    Case("what it refuses", "tool", [*SCRIPT, "input"], tap=1),
    Case("its console", "tool", [*SCRIPT, "console"], tap=1, timeout=180, builds=("normal",)),
]
