# SPDX-License-Identifier: BSD-2-Clause
"""Kernels that nobody here wrote, out of Debian packages (tools/fetch-guests.sh)."""
from runner.case import ICOUNT, boot

# The VMM's status where its time limit ended the VM; these kernels never end by themselves.
STOPPED = 207


def _mach(machine, *options):
    return boot("GNU Mach", machine, *options, "--kernel", "{debian}/gnumach",
                "--cmdline", "gnumach console=com0", "--vmm-option", "--timeout-ms 2000",
                status=1, timeout=120, builds=("normal",),
                expect=(r"GNU Mach 1\.8", r"physical memory map", r"RTC time is \d{4}-\d\d-\d\d",
                        r"No bootstrap code loaded with the kernel",
                        rf"^hypike: exit status {STOPPED}$"))


def _invaders(machine, *options):
    return boot("invaders", machine, *options, "--kernel", "{debian}/invaders",
                "--vmm-option", "--screen", "--vmm-option", "--timeout-ms 300",
                status=1, timeout=120, builds=("normal",),
                expect=(r"^screen: .*-\*-", r"^screen: +_ *$", r"^screen: +/ \\",
                        rf"^hypike: exit status {STOPPED}$"))


CASES = [make(*where) for make in (_mach, _invaders)
         for where in (("qemu-svm", ICOUNT), ("bochs-vmx",), ("bochs-svm",))]
