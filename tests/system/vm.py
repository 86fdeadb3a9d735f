# SPDX-License-Identifier: BSD-2-Clause
"""HyPike with guests in VMs, on every emulated machine. @verifies KRN-001 DUM-001"""
from runner.case import DUMMY, ICOUNT, UNTIMED, boot

ENDED = r"^hypike: exit status 0$"

BOTH = ("normal", "paranoid")
NORMAL = ("normal",)


def _dummy(machine, cpus, *options, name="dummy", builds=NORMAL, timeout=120):
    return boot(f"{name}, {cpus} CPU" + ("s" if cpus > 1 else ""),
                machine, "--cpus", str(cpus), *options, *DUMMY,
                tap=1, expect=(ENDED,), timeout=timeout, builds=builds)


# What is left out where another VM's interrupts fall into a guest's shadows and single steps: Bochs's
# AMD-V forgets these then. QEMU arms breakpoints only where it executes the write to DR7, which the driver
# does for a guest that has lost the CPU since it touched a debug register.
BESIDE = {"bochs-svm": ("--cmdline", "tests=boot,cpu,ring3,paging,process,smp"),
          "qemu-svm": ("--cmdline", "skip=hardware-breakpoint,watchpoint")}


def _two_dummies(machine, cpus, *options, builds=NORMAL, timeout=180):
    return boot(f"two dummies, {cpus} CPU" + ("s" if cpus > 1 else ""),
                machine, "--cpus", str(cpus), *options,
                "--vm", "left", *DUMMY, *BESIDE.get(machine, ()),
                "--vm", "right", *DUMMY, *BESIDE.get(machine, ()),
                tap=2, expect=(ENDED,), timeout=timeout, builds=builds)


def _iso(machine, cpus, multiboot):
    """Another way in; inside nothing is new, so one group of tests is enough. UEFI firmware would
    take half a minute by the instruction clock."""
    clock = (ICOUNT,) if machine == "iso-bios" else ()
    return boot(f"HyPike by Multiboot {multiboot}, {cpus} CPU" + ("s" if cpus > 1 else ""),
                machine, *clock, "--cpus", str(cpus), "--multiboot", str(multiboot),
                "--cmdline", "tests=boot", *DUMMY,
                tap=1, expect=(rf"^hypike: {cpus} CPU", ENDED), timeout=180, builds=NORMAL)


CASES = [
    _dummy("qemu-svm", 1, ICOUNT, builds=BOTH),
    _dummy("qemu-svm", 2, ICOUNT),
    _dummy("qemu-svm", 4, ICOUNT),
    _dummy("qemu-svm", 4, *UNTIMED, name="dummy in parallel", builds=BOTH),
    _dummy("bochs-vmx", 1, builds=BOTH),
    _dummy("bochs-vmx", 2),
    _dummy("bochs-vmx", 4),
    # As on Intel's CPUs; Bochs's has a flaw there (hypervisor/x86/vmx/vmx_caps.c).
    _dummy("bochs-vmx", 1, "--append", "apicv=on", "--cmdline", "skip=held-back",
           name="dummy, interrupts delivered by the CPU", builds=BOTH),
    _dummy("bochs-svm", 1, builds=BOTH),
    _dummy("bochs-svm", 2),
    _two_dummies("qemu-svm", 1, ICOUNT, builds=BOTH),
    _two_dummies("qemu-svm", 2, ICOUNT),
    _two_dummies("bochs-vmx", 1),
    _two_dummies("bochs-vmx", 2),
    _two_dummies("bochs-svm", 1),
    *[_iso(machine, cpus, multiboot) for machine in ("iso-bios", "iso-uefi")
      for cpus in (1, 2, 4) for multiboot in (1, 2)],
]
