# SPDX-License-Identifier: BSD-2-Clause
"""Linux that does nothing: what it costs, how its clocks go. tests/quiet.py."""
from runner.case import Case

CASES = [
    Case("Linux that sleeps", "qemu-svm",
         ["/usr/bin/python3", "{source}/tests/quiet.py", "{build}", "{debian}"],
         tap=1, timeout=320, builds=("normal",)),
]
