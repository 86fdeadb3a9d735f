# SPDX-License-Identifier: BSD-2-Clause
"""The hypervisor driver as an object file."""
from runner.case import Case

CASES = [
    Case("the driver needs host.h and nothing else", "tree",
         ["/usr/bin/python3", "{source}/tests/symbols.py",
          "{build}/hypervisor/hypike-driver.o"], tap=1),
]
