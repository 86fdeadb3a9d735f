# SPDX-License-Identifier: BSD-2-Clause
"""The dummy kernel on machines of its own: what it says there is what it has to say in a VM."""
from runner.case import DUMMY, ICOUNT, UNTIMED, boot

BOTH = ("normal", "paranoid")

# What the emulators' own local APICs don't do: docs/testing.md.
QEMU_APIC = ("--cmdline", "skip=ipi-logical-cluster")
BOCHS_APIC = ("--cmdline", "skip=ipi-logical-x2apic")


def _dummy(machine, cpus, *options, name="dummy", builds=("normal",), timeout=60):
    return boot(f"{name}, {cpus} CPU" + ("s" if cpus > 1 else ""),
                machine, "--bare", "--cpus", str(cpus), *options, *DUMMY,
                tap=1, timeout=timeout, builds=builds)


CASES = [
    _dummy("bare-qemu", 1, ICOUNT, builds=BOTH),
    _dummy("bare-qemu", 2, ICOUNT, *QEMU_APIC),
    _dummy("bare-qemu", 4, ICOUNT, *QEMU_APIC),
    _dummy("bare-qemu", 4, *UNTIMED, name="dummy in parallel", builds=BOTH),
    _dummy("bare-bochs", 1, builds=BOTH, timeout=120),
    _dummy("bare-bochs", 4, *BOCHS_APIC, timeout=180),
    _dummy("bare-bochs-amd", 1, timeout=120),
    _dummy("bare-bochs-amd", 2, timeout=180),
    _dummy("iso-bios", 2, ICOUNT, *QEMU_APIC),
    _dummy("iso-uefi", 2, *UNTIMED, timeout=120),
]
