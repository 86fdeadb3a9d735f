# SPDX-License-Identifier: BSD-2-Clause
"""What can be booted besides the dummy kernel and Linux's bzImage: a ROM at the reset vector, firmware, kernels
that nobody here wrote, Multiboot 2, an ELF kernel by its PVH entry.
@verifies BOOT-004 BOOT-005 BOOT-011 BOOT-020 VMM-130 VMM-132 VMM-133"""
from runner.case import BOOT, Case, ICOUNT, SCALE, boot

NORMAL = ("normal",)
VENDORS = ("qemu-svm", "bochs-vmx")
ROM = "{build}/guests/real/real.rom"


def _clock(machine):
    return (ICOUNT,) if machine == "qemu-svm" else ()


def _real(machine):
    return boot("real-mode ROM", machine, *_clock(machine), "--memory", "2M", "--firmware", ROM,
                "--vmm-option", "--reboots 1",
                tap=1, expect=(r"^vmm: reset by the guest", r"^# this line came by REP OUTSB",
                        r"^hypike: exit status 0"),
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


MEMTEST = "console=ttyS0,115200 nopause nosmp nobench nosm"
REBOOTED = (r"vmm: reset by the guest", r"^screen: .*Memtest86\+ v6")


def _memtest(machine, memory, *options, timeout):
    """Until two of its tests have passed over all memory, by its own screen; then the Escape key ends it."""
    return boot("memtest86+", machine, *options, "--memory", memory,
                "--kernel", "{debian}/memtest", "--cmdline", MEMTEST, "--vmm-option", "--screen",
                dialog=((r"#5  \[Moving inversions", "\x1b"),),
                expect=(*REBOOTED, rf"^screen: Memory  : +{memory}B +# Pattern",
                        r"^screen: .*Pass:  0        Errors: 0 *$",
                        r"^hypike: partition vm1 exited with status 206"),
                status=1, timeout=timeout, builds=NORMAL, long=machine != "qemu-svm")


def _memtest_pass(machine, *options, timeout):
    """A whole pass, all of its tests."""
    return boot("memtest86+, a whole pass", machine, *options, "--memory", "8M",
                "--kernel", "{debian}/memtest", "--cmdline", MEMTEST, "--vmm-option", "--screen",
                dialog=((r"Pass:  1 ", "\x1b"),),
                expect=(*REBOOTED, r"^screen: .*Pass:  1        Errors: 0 *$",
                        r"^hypike: partition vm1 exited with status 206"),
                status=1, timeout=timeout, builds=NORMAL, long=True)


# SeaBIOS finds the machine, reads the disk's first sector and starts it; GRUB reads its configuration and a kernel.
# What they write to log and console may stand in one line.
GRUB_RUNS = (r"SeaBIOS \(version 1\.", r"Running on QEMU \(i440fx\)", r"Found QEMU fw_cfg",
             r"Booting from 0000:7c00", r"GRUB has read its configuration")


def _seabios(name, machine, what, *options, expect, timeout=120, **rest):
    return Case(name, machine,
                ["/usr/bin/python3", "{source}/tests/firmware.py", "{build}", "{debian}", what,
                 *BOOT[machine], *_clock(machine), "--timeout", str(timeout * SCALE), *options],
                expect=(*GRUB_RUNS, *expect, r"^hypike: exit status 0"), timeout=timeout + 15,
                builds=NORMAL, **rest)


def _seabios_dummy(machine, cpus=1):
    return _seabios(f"SeaBIOS, GRUB, dummy kernel, {cpus} CPU" + ("s" if cpus > 1 else ""), machine,
                    "dummy", "--cpus", str(cpus), "--vcpus", str(cpus), tap=1,
                    expect=(rf"{cpus} of {cpus} CPUs",))


def _seabios_linux(machine, timeout, **rest):
    return _seabios("SeaBIOS, GRUB, Linux", machine, "linux", "--memory", "256M",
                    expect=LINUX_RUNS, timeout=timeout, **rest)


LINUX_RUNS = (r"^init: Linux 6\.", r"^check: 1 of 1 CPUs run",
              r"^check: the kernel has not complained", r"^init: check ended with status 0",
              r"^vmm: switched off by the guest")


def _vmlinux(machine, timeout, **rest):
    """What Debian's bzImage has inside, by its PVH entry; its initrd in two modules."""
    return Case("Linux by its PVH entry", machine,
                ["/usr/bin/python3", "{source}/tests/vmlinux.py", "{build}", "{debian}/linux",
                 *BOOT[machine], *_clock(machine), "--timeout", str(timeout * SCALE),
                 "--memory", "256M", "--module", "{debian}/linux.cpio", "--module", "{debian}/linux.cpio",
                 "--cmdline", "console=ttyS0 quiet cryptomgr.notests script=check"],
                expect=(r"^vmlinux has \d{8,} bytes", *LINUX_RUNS, r"^hypike: exit status 0"),
                timeout=timeout + 15, builds=NORMAL, **rest)


def _multiboot2(machine, cpus=1):
    """The dummy kernel without its header of version 1: the other one's tags tell it the same."""
    groups = "boot,smp" if cpus > 1 else "boot"
    return boot(f"dummy by Multiboot 2, {cpus} CPU" + ("s" if cpus > 1 else ""), machine,
                *_clock(machine), "--cpus", str(cpus), "--vcpus", str(cpus),
                "--kernel", "{build}/guests/dummy/dummy-multiboot2.elf",
                "--module", "{build}/guests/dummy/initramfs.cpio", "--cmdline", f"tests={groups}",
                tap=1, expect=(r"^# by Multiboot 2", rf"loaded by HyPike: 'tests={groups}'",
                               r"^hypike: exit status 0"), builds=NORMAL)


CASES = [
    _real_bare(),
    *[_real(machine) for machine in (*VENDORS, "bochs-svm")],
    *[_multiboot2(machine) for machine in VENDORS],
    _multiboot2("qemu-svm", 2),
    *[_invaders(machine) for machine in VENDORS],
    *[_gnumach(machine) for machine in VENDORS],
    _memtest("qemu-svm", "16M", ICOUNT, timeout=120),
    _memtest("bochs-vmx", "8M", timeout=900),
    _memtest_pass("qemu-svm", "--icount=7", timeout=900),
    _seabios_dummy("qemu-svm"),
    _seabios_dummy("qemu-svm", 2),
    _seabios_dummy("bochs-vmx"),
    _seabios_linux("qemu-svm", 150),
    _vmlinux("qemu-svm", 150),
    _vmlinux("bochs-vmx", 900, long=True),
    _seabios_linux("bochs-vmx", 900, long=True),
]
