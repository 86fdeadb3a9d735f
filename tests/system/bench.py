# SPDX-License-Identifier: BSD-2-Clause
"""Path lengths, in executed instructions. @verifies TOOL-010 TOOL-011 TOOL-012 TOOL-013"""
from runner.case import Case

BENCH = ["/usr/bin/python3", "{source}/tools/bench.py", "--build", "{build}"]

# Assertions of the paranoid build cost instructions.
CASES = [
    Case("no path is longer than recorded", "qemu-svm", [*BENCH, "--check"], tap=1, timeout=480,
         builds=("normal",)),
    Case("what a VM on KVM costs", "kvm-qemu", [*BENCH, "--kvm"], builds=("normal",), timeout=900, long=True,
         expect=(r"^\| memory-mapped, settled in the VMM, read \| \d",
                 r"^\| Linux .* \| 1\.\d\d(?: ✗)? \| 1\.\d\d \| 1\.\d\d \|",
                 r"^\| memory beyond the guest's, .* \| \d,\d{3} KiB \|",
                 r"^\| VM start to Linux's first instruction \| \d")),
]
