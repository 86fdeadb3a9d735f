# SPDX-License-Identifier: BSD-2-Clause
"""Path lengths, in executed instructions. @verifies TOOL-010 TOOL-011 TOOL-012"""
from runner.case import Case

BENCH = ["/usr/bin/python3", "{source}/tools/bench.py", "--build", "{build}"]

# Assertions of the paranoid build cost instructions.
CASES = [
    Case("no path is longer than recorded", "qemu-svm", [*BENCH, "--check"], tap=1, timeout=480,
         builds=("normal",)),
]
