# SPDX-License-Identifier: BSD-2-Clause
"""A guest sees of its CPU what `hypike cpuid` lists: tests/cpuid.py."""
from runner.case import Case

CASES = [
    Case("CPUID and MSRs as listed", machine,
         ["/usr/bin/python3", "{source}/tests/cpuid.py", "{build}", emulator],
         tap=1, timeout=220, builds=("normal",))
    for machine, emulator in (("qemu-svm", "qemu"), ("bochs-vmx", "bochs"),
                              ("bochs-svm", "bochs-amd"))
]
