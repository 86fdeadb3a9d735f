# SPDX-License-Identifier: BSD-2-Clause
"""Isolation in time: a periodic program in its window, with neighbours that do their worst on its own
CPU and on another (systems of tests/system/isolation). What is checked is how late its window may
begin; what was measured is printed."""
import re

from runner.case import ICOUNT, boot

# Instructions from the planned start of the window to the program's first look at the clock. The
# difference between the two is the longest path of the kernel.
IDLE, NOISY = 1200, 3600

# Nanoseconds of an instruction.
QEMU, BOCHS = 8, 10


def _steady(name, machine, cpus, bound, clock, *options, **rest):
    def check(text, _work):
        found = re.search(r"steady: 100 windows, late \d+ to (\d+) ns, work (\d+) to (\d+) ticks", text)
        if not found:
            return "no result"
        if int(found[1]) > bound * clock:
            return f"a window began {int(found[1]) // clock} instructions late, {bound} are allowed"
        return None
    return boot(f"isolation, {name}, {cpus} CPU" + ("s" if cpus > 1 else ""), machine, *options,
                "--cpus", str(cpus), "--append", "latency",
                "{build}/tests/system/isolation/" + name + ".img", tap=1, timeout=120, check=check,
                expect=(r"^hypike: CPU 0: \d+ windows, the latest began", "^hypike: exit status 0$"),
                **rest)


def _cases():
    """@verifies KRN-090
    @verifies ATK-020"""
    for name in ("idle", "native", "vm"):
        bound = IDLE if name == "idle" else NOISY
        yield _steady(name, "qemu-svm", 1, bound, QEMU, ICOUNT, builds=("normal",))
        yield _steady(name, "bochs-vmx", 1, bound, BOCHS, builds=("normal",))
    # QEMU runs its CPUs in turns when it counts instructions; Bochs does so in short ones.
    for name in ("native-beside", "vm-beside"):
        yield _steady(name, "bochs-vmx", 2, NOISY, BOCHS, builds=("normal",))


CASES = list(_cases())
