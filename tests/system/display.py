# SPDX-License-Identifier: BSD-2-Clause
"""A real VNC client types and compares the picture. @verifies VMM-640"""
from runner.case import Case

CASES = [
    Case("VNC client", "unit", ["/usr/bin/perl", "{source}/tests/vnc.pl", "{build}/tests/unit/tools/vnc-guest"],
         tap=1, timeout=120, builds=("normal",)),
]
