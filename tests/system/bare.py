# SPDX-License-Identifier: BSD-2-Clause
"""The dummy kernel on machines of its own: what it says there is what it has to say in a VM."""
from runner.case import DUMMY, boot


def _dummy(machine, cpus, *options, builds=("normal",), timeout=60):
    return boot(f"dummy, {cpus} CPU" + ("s" if cpus > 1 else "") +
                (", icount" if "--icount" in options else ""),
                machine, "--cpus", str(cpus), *options, *DUMMY,
                tap=1, timeout=timeout, builds=builds)


CASES = [
    _dummy("bare-qemu", 1, builds=("normal", "paranoid")),
    _dummy("bare-qemu", 1, "--icount"),
    _dummy("bare-qemu", 2, "--icount"),
    _dummy("bare-qemu", 2),
    _dummy("bare-qemu", 4, "--icount"),
    _dummy("bare-qemu", 4, builds=("normal", "paranoid")),
    _dummy("bare-bochs", 1, builds=("normal", "paranoid"), timeout=120),
    _dummy("bare-bochs", 4, timeout=180),
    _dummy("iso-bios", 2, "--bare"),
    _dummy("iso-uefi", 2, "--bare", timeout=120),
    _dummy("bare-bochs-amd", 1, timeout=120),
    _dummy("bare-bochs-amd", 2, timeout=180),
]
