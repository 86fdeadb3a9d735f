# SPDX-License-Identifier: BSD-2-Clause
"""Random instructions in some VMs, and a VM beside them that must not notice. @verifies ATK-010

A series may end its own VM: with all cases done (0), by a panic of its own (127), or as vmm/status.h
says. To play a case again: `hypike boot --kernel build/guests/fuzz/fuzz.elf --cmdline "seed=N only=K"`.
"""
import re

from runner.case import DUMMY, boot

ENDED = {0, 127, 203, 204, 205, 206, 207, 209, 210}


# Bochs's AMD-V reports a single step twice when an exit falls between: it is tested where nobody
# disturbs it.
WATCH = {"bochs-svm": "tests=boot,cpu,ring3,paging,process"}


def _fuzz(machine, seeds, *options, builds=("normal",), timeout=180):
    def check(text, _work):
        for seed in seeds:
            if f"fuzz{seed}| # seed {seed} case 0" not in text:
                return f"the series of seed {seed} did not begin"
            status = re.search(rf"^hypike: partition fuzz{seed} exited with status (\d+)$", text, re.M)
            if status is None or int(status.group(1)) not in ENDED:
                return f"the series of seed {seed} ended otherwise than a VM may"
        if not re.search(r"^hypike: partition watch exited with status 0$", text, re.M):
            return "the VM beside them did not end well"
        return None
    machines = [word for seed in seeds for word in
                ("--vm", f"fuzz{seed}", "--kernel", "{build}/guests/fuzz/fuzz.elf",
                 "--cmdline", f"seed={seed} count=600", "--memory", "16M")]
    return boot(f"fuzzer, seeds {seeds[0]} to {seeds[-1]}, and a dummy that doesn't notice", machine,
                *options, "--vmm-option=--timeout-ms 2500", "--vmm-option=--test-device",
                "--vm", "watch", "--priority", "40", *DUMMY,
                "--cmdline", WATCH.get(machine, "tests=boot,cpu,trap,ring3,paging,process"), *machines,
                check=check, status=None, forbid=("hypike: panic", r"watch\| not ok"),
                timeout=timeout, builds=builds)


CASES = [
    _fuzz("qemu-svm", (1, 2, 3), "--icount=3", builds=("normal", "paranoid")),
    _fuzz("qemu-svm", (4, 5, 6), "--icount=3"),
    _fuzz("bochs-vmx", (1, 2, 3)),
    _fuzz("bochs-svm", (1, 2, 3)),
]
