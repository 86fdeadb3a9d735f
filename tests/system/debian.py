# SPDX-License-Identifier: BSD-2-Clause
"""Kernels that nobody here wrote, from Debian packages, in a VM. `make test` has fetched them.

Neither ends by itself: GNU Mach waits behind its panic, invaders for a player. The VMM stops them after
some of the guest's time, with the status that says so.
"""
from runner.case import ICOUNT, boot

NORMAL = ("normal",)
STOPPED = r"^hypike: partition vm1 exited with status 207$"


def _mach(machine, *options, timeout=120):
    """@verifies VMM-001: its banner and messages, up to the complaint that it has no modules."""
    return boot("GNU Mach", machine, *options, "--kernel", "{build}/debian/gnumach",
                "--cmdline", "gnumach console=com0", "--vmm-option=--timeout-ms 4000",
                expect=(r"^GNU Mach 1\.8", r"biosmem: physical memory map:",
                        r"biosmem: 000000000000100000:\w+, available",
                        r"vm_page: page table size", r"^RTC time is 20\d\d-\d\d-\d\d",
                        r"No bootstrap code loaded with the kernel!", STOPPED),
                status=1, timeout=timeout, builds=NORMAL)


def _invaders(machine, *options, timeout=120):
    """The picture, read from the VGA text buffer: rows of invaders, and the player's ship below."""
    return boot("invaders", machine, *options, "--kernel", "{build}/debian/invaders",
                "--vmm-option=--screen", "--vmm-option=--timeout-ms 400",
                expect=(r"^screen:( +-\*--?){4}", r"^screen:( +-\*--?){4}", r"^screen: +_\s*$",
                        r"^screen: +/ \\", STOPPED),
                status=1, timeout=timeout, builds=NORMAL)


CASES = [kernel(machine, *options)
         for kernel in (_mach, _invaders)
         for machine, options in (("qemu-svm", (ICOUNT,)), ("bochs-vmx", ()), ("bochs-svm", ()))]
