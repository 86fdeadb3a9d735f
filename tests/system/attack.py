# SPDX-License-Identifier: BSD-2-Clause
"""Guests that do what is forbidden. @verifies ATK-001"""
import re

from runner.case import boot

BOTH = ("normal", "paranoid")
NORMAL = ("normal",)
ATTACK = "{build}/guests/attack/attack.elf"

# Statuses of a VMM: vmm/status.h.
INVALID, TRIPLE_FAULT, HALTED, RESET, TIMEOUT, EMULATION = 203, 204, 205, 206, 207, 209

# Acts that end the machine, and the status that the VMM then ends with.
ENDINGS = {
    "triple-idt": TRIPLE_FAULT,
    "halt": HALTED,
}
# Bits of CR3 that hardware refuses when they are written, and QEMU's TCG when the VM is entered.
ENDINGS_QEMU = {"cr3-huge": INVALID}
AT_ONCE = 6  # VMs in one boot

GROUPS = ("virt", "register", "msr")


def _acts(machine, *options, builds=NORMAL, timeout=120):
    return boot("attack, acts that are survived", machine, *options, "--kernel", ATTACK,
                "--vmm-option", "--rng", tap=1,
                expect=(r"^hypike: exit status 0$",), forbid=("hypike: panic",), timeout=timeout,
                builds=builds)


def _endings(machine, number, endings, *options, builds=NORMAL, timeout=120):
    def check(text, _work):
        for name, status in endings.items():
            if not re.search(rf"^{name}\| ending: {name} \(", text, re.M):
                return f"{name} was not done"
            if not re.search(rf"^hypike: partition {name} exited with status {status}$", text, re.M):
                return f"{name} didn't end its VM with status {status}"
        return None
    machines = [word for name in endings for word in
                ("--vm", name, "--kernel", ATTACK, "--cmdline", f"act={name}", "--memory", "16M")]
    return boot(f"attack, acts that end the machine, {number}", machine, *options, *machines,
                check=check, status=1, timeout=timeout,
                forbid=("hypike: panic", "survived with outcome"), builds=builds)


def _batches(endings):
    items = list(endings.items())
    return [dict(items[i:i + AT_ONCE]) for i in range(0, len(items), AT_ONCE)]


def _cases():
    yield _acts("qemu-svm", "--icount", builds=BOTH)
    yield _acts("bochs-vmx", builds=BOTH)
    yield _acts("bochs-svm")
    for number, endings in enumerate(_batches({**ENDINGS, **ENDINGS_QEMU}), 1):
        yield _endings("qemu-svm", number, endings, "--icount", builds=BOTH)
    for number, endings in enumerate(_batches(ENDINGS), 1):
        yield _endings("bochs-vmx", number, endings, builds=BOTH)
        yield _endings("bochs-svm", number, endings)


CASES = list(_cases())
