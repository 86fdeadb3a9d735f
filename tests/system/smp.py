# SPDX-License-Identifier: BSD-2-Clause
"""VMs with several CPUs, which have CPUs of the machine for themselves or share them; and the turns that
make sharing possible."""
from runner.case import DUMMY, ICOUNT, boot

ENDED = r"^hypike: exit status 0$"

BOTH = ("normal", "paranoid")
NORMAL = ("normal",)

# What needs other CPUs, and what they have to start with.
SMP_TESTS = ("--cmdline", "tests=apic,smp,ipi")
XAPIC = ("--cmdline", "tests=apic,smp,ipi x2apic=0")


def _name(vcpus, cpus):
    return f"{vcpus} vCPUs on {cpus} CPU" + ("s" if cpus > 1 else "")


def _dummy(machine, vcpus, cpus, *options, name="dummy", builds=NORMAL, timeout=120):
    """@verifies DUM-013 DUM-014 HV-074"""
    return boot(f"{name}, {_name(vcpus, cpus)}", machine, *options,
                "--cpus", str(cpus), "--vcpus", str(vcpus), *DUMMY,
                tap=1, expect=(r"^ok \d+ - all-cpus-started$", r"^ok \d+ - programs-on-each-cpu$",
                               r"^ok \d+ - tlb-shootdown-under-load$", ENDED),
                timeout=timeout, builds=builds)


def _turns(machine, cpus, *options, **rest):
    """@verifies KRN-037"""
    return boot(f"turns, {cpus} CPU" + ("s" if cpus > 1 else ""), machine, *options,
                "--cpus", str(cpus), "{build}/tests/system/native/turns.img",
                tap=1, expect=(ENDED,), **rest)


def _windows(machine, *options, **rest):
    """Two VMs with windows on one CPU, two vCPUs each; their time stands still between the windows.
    @verifies KRN-037"""
    return boot("two VMs with 2 vCPUs in windows", machine, *options,
                "{build}/tests/system/native/windows-vm-smp.img", tap=2, expect=(ENDED,),
                builds=NORMAL, **rest)


CASES = [
    *[_turns("qemu-svm", cpus, ICOUNT, builds=BOTH) for cpus in (1, 2)],
    _turns("bochs-vmx", 2, builds=NORMAL, timeout=120),
    *[_dummy("qemu-svm", vcpus, cpus, ICOUNT, builds=BOTH if vcpus == 4 else NORMAL)
      for vcpus, cpus in ((2, 1), (2, 2), (4, 1), (4, 2), (4, 4))],
    _dummy("bochs-vmx", 2, 1, builds=BOTH),
    _dummy("bochs-vmx", 2, 2),
    _dummy("bochs-vmx", 4, 2, *SMP_TESTS, name="dummy's SMP tests"),
    _dummy("bochs-svm", 2, 1, *SMP_TESTS, name="dummy's SMP tests"),
    _windows("qemu-svm", ICOUNT, timeout=120),
    _windows("bochs-vmx", timeout=120),
    _dummy("qemu-svm", 4, 2, ICOUNT, *XAPIC, name="dummy's SMP tests by xAPIC", builds=BOTH),
    _dummy("bochs-vmx", 2, 1, *XAPIC, name="dummy's SMP tests by xAPIC"),
]
