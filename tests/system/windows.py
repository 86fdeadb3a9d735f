# SPDX-License-Identifier: BSD-2-Clause
"""Time windows, from inside the partitions that have them (tests/system/native/windows.c).
@verifies KRN-107"""
from runner.case import ICOUNT, boot


def _windows(image, machine, *options, name=None, plans=1, builds=("normal",), timeout=60):
    return boot(name or image, machine, *options,
                "{build}/tests/system/native/" + image + ".img",
                tap=plans, builds=builds, timeout=timeout, expect=(r"^hypike: exit status 0$",))


def _vms(name, machine, *options, timeout=120):
    return boot(name, machine, *options, "--append", "latency",
                "{build}/tests/system/native/" + name + ".img", tap=2,
                builds=("normal",), timeout=timeout,
                expect=(r"^hypike: CPU 0: \d+ windows, the latest began \d+ ns late",
                        r"^hypike: exit status 0$"))


CASES = [
    _windows("windows", "qemu-svm", ICOUNT, plans=2, builds=("normal", "paranoid")),
    _windows("windows-storm", "qemu-svm", ICOUNT),
    _windows("windows-loose", "qemu-svm", builds=("paranoid",)),
    _windows("windows", "bochs-vmx", plans=2, timeout=120),
    _windows("windows-storm", "bochs-vmx", timeout=120),
    _windows("windows-smp", "bochs-vmx", timeout=180),
    _windows("windows-smp-loose", "qemu-svm"),
    _windows("windows-smp-loose", "qemu-svm", "--cpus", "4", name="windows-smp-loose, 4 CPUs"),
    _windows("windows-flush", "qemu-svm", ICOUNT),
    _windows("windows-flush", "bochs-vmx"),
    _vms("windows-vm", "qemu-svm", ICOUNT),
    _vms("windows-vm", "bochs-vmx"),
    _vms("windows-vm-hidden", "qemu-svm", ICOUNT),
    _vms("windows-vm-hidden", "bochs-vmx"),
]
