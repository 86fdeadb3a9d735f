# SPDX-License-Identifier: BSD-2-Clause
"""Guests that do what is forbidden. @verifies ATK-001 VMM-134"""
import hashlib
import re

from runner.case import BOOT, ICOUNT, SCALE, Case, boot

BOTH = ("normal", "paranoid")
NORMAL = ("normal",)
ATTACK = "{build}/guests/attack/attack.elf"

# Statuses of a VMM: vmm/status.h.
INVALID, TRIPLE_FAULT, HALTED, RESET, TIMEOUT, EMULATION = 203, 204, 205, 206, 207, 209

# Acts that end the machine, and the status that the VMM then ends with.
ENDINGS = {
    "triple-idt": TRIPLE_FAULT,
    "halt": HALTED,
    "init": RESET,
    "soft-off": 0,
}
# Bits of CR3 that hardware refuses when they are written, and QEMU's TCG when the VM is entered.
ENDINGS_QEMU = {"cr3-huge": INVALID}
AT_ONCE = 6  # VMs in one boot

# Beside the attack guest, which has every device that there is, lives a dummy kernel: its tests pass, and
# its heart goes on beating. What devices ignored is listed at the end.
UNDISTURBED = (r"^attack\| ok \d+ - virtio-net-bar-apic$", r"^watch\| heartbeat 20 ok",
               r"^attack\| absent: port ce0: \d+ reads, \d+ writes$", r"^attack\| absent: other ports: \d+ accesses",
               r"^attack\| absent: memory d0000000: \d+ reads, \d+ writes$",
               r"^hypike: partition attack exited with status 0$", r"^hypike: exit status 0$")


def _acts(machine, *options, builds=NORMAL, timeout=200):
    def check(text, _work):
        for line in UNDISTURBED:
            if not re.search(line, text, re.M):
                return f"no line {line}"
        return None
    return Case("attack, acts that are survived", machine,
                ["/usr/bin/python3", "{source}/tests/attack.py", "{build}", *BOOT[machine],
                 "--timeout", str(timeout * SCALE), *options], tap=2, check=check,
                forbid=("hypike: panic", r"heartbeat \d+ BAD"), timeout=timeout + 15, builds=builds)


def _linux(machine, *options, timeout=200):
    """Linux adds up on its CPU and sleeps a second; devices of the other VM are under attack meanwhile."""
    return Case("attack, beside Linux", machine,
                ["/usr/bin/python3", "{source}/tests/attack.py", "{build}", "linux={debian}", "act=virtio",
                 *BOOT[machine], "--timeout", str(timeout * SCALE), *options], tap=1, check=_undisturbed,
                forbid=("hypike: panic",), timeout=timeout + 15, builds=NORMAL)


def _undisturbed(text, _work):
    for line in (r"^attack\| ok \d+ - virtio-net-bar-apic$", "^watch\\| check: the kernel has not complained",
                 "^watch\\| vmm: switched off by the guest", "^hypike: exit status 0$"):
        if not re.search(line, text, re.M):
            return f"no line {line}"
    zeros = hashlib.sha256(bytes(2 << 20)).hexdigest()
    return None if re.search(rf"^watch\| {zeros}", text, re.M) else "Linux added up wrongly"


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
    yield _acts("qemu-svm", ICOUNT, builds=BOTH)
    yield _acts("bochs-vmx", timeout=300)
    yield _acts("bochs-svm", timeout=300)
    yield _linux("qemu-svm", ICOUNT)
    for number, endings in enumerate(_batches({**ENDINGS, **ENDINGS_QEMU}), 1):
        yield _endings("qemu-svm", number, endings, "--icount", builds=BOTH)
    for number, endings in enumerate(_batches(ENDINGS), 1):
        yield _endings("bochs-vmx", number, endings, builds=BOTH)
        yield _endings("bochs-svm", number, endings)


CASES = list(_cases())
