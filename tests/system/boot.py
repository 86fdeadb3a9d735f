# SPDX-License-Identifier: BSD-2-Clause
"""What can be booted besides the dummy kernel and Linux's bzImage: a ROM at the reset vector, firmware, kernels
that nobody here wrote. @verifies BOOT-020 VMM-130 VMM-132 VMM-133"""
from runner.case import Case, ICOUNT, boot

NORMAL = ("normal",)
VENDORS = ("qemu-svm", "bochs-vmx", "bochs-svm")
ROM = "{build}/guests/real/real.rom"


def _clock(machine):
    return (ICOUNT,) if machine == "qemu-svm" else ()


def _real(machine):
    return boot("real-mode ROM", machine, *_clock(machine), "--memory", "2M", "--firmware", ROM,
                tap=1, expect=(r"^# this line came by REP OUTSB", r"^hypike: exit status 0"),
                builds=NORMAL)


def _real_bare():
    """The ROM on QEMU's own machine: what it tests is what a PC does."""
    return Case("real-mode ROM", "bare-qemu",
                ["timeout", "-s", "KILL", "60", "qemu-system-x86_64", "-bios", ROM, "-m", "16",
                 "-display", "none", "-serial", "stdio", "-device",
                 "isa-debug-exit,iobase=0xf4,iosize=4"], tap=1, status=1, timeout=70, builds=NORMAL)


def _screen(name, kernel, machine, *options, milliseconds, expect):
    """A kernel that never ends, for so long; then its screen."""
    return boot(name, machine, *_clock(machine), "--memory", "32M", "--kernel", kernel, *options,
                "--vmm-option", "--screen", "--vmm-option",
                f"--timeout-ms {milliseconds}",
                expect=(*expect, r"^hypike: partition vm1 exited with status 207"),
                status=1, timeout=120, builds=NORMAL)


def _invaders(machine):
    """It draws its fleet, and the ship below it."""
    fleet = r"^screen: +-\*-( *-\*-){7}$"
    return _screen("GRUB invaders", "{debian}/invaders", machine, milliseconds=150,
                   expect=(fleet, fleet, r"^screen: +_ *$", r"^screen: +/ \\ *$"))


def _gnumach(machine):
    """It looks at all of its machine, then misses the servers that a GNU system would give it as modules."""
    return _screen("GNU Mach", "{debian}/gnumach", machine, "--cmdline", "gnumach console=com0",
                   milliseconds=200,
                   expect=(r"^GNU Mach 1\.8", r"^vm_page: DMA32: pages: 4096 \(16M\)",
                           r"^RTC time is 20", r"^panic .*No bootstrap code"))


CASES = [
    _real_bare(),
    *[_real(machine) for machine in VENDORS],
    *[_invaders(machine) for machine in VENDORS],
    *[_gnumach(machine) for machine in VENDORS],
]
