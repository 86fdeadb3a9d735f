# SPDX-License-Identifier: BSD-2-Clause
"""The same guest sees the same on AMD-V, VT-x and KVM. @verifies CNF-001"""
from runner.case import Case

CASES = [
    Case("conformance", "kvm-qemu", ["/usr/bin/python3", "{source}/tests/conform.py", "{build}", "{debian}"],
         tap=1, timeout=360, builds=("normal",)),
]
