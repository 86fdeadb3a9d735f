# SPDX-License-Identifier: BSD-2-Clause
"""Control of a running machine: `hypike ps`, `stop`, `reset`, `pause`, `resume`, `stats`, `screenshot`, `console`.
@verifies VMM-611 VMM-612 TOOL-131 TOOL-140 TOOL-141 TOOL-142 TOOL-143 TOOL-144 TOOL-147"""
import re

from runner.case import Case

COMMAND = ["{source}/tests/kvm.py", "--hypike", "{build}/tools/hypike", "--debian", "{debian}", "--work", "{work}",
           "--file", "dummy.elf={build}/guests/dummy/dummy.elf", "--file", "control.sh={source}/tests/kvm/control.sh",
           "--lib", "tools/hypike-vnc.so={build}/tools/hypike-vnc.so"]


def _all_ok(text, _work):
    if not re.search(r"^kvm: control ends with status 0$", text, re.M):
        return "; ".join(re.findall(r"^control: (not ok .*)$", text, re.M)) or "it did not end"
    return None


def _beside(machine, accel):
    return Case("control from beside it", machine,
                ["/usr/bin/python3", "{source}/tests/controlled.py", accel, "{build}/tools/hypike",
                 "{build}/guests/dummy/dummy.elf", "{work}"], tap=1, timeout=200, builds=("normal",))


CASES = [
    _beside("qemu-svm", "hypike"),
    _beside("model", "model"),
    Case("control of a running machine", "kvm-qemu",
         [*COMMAND, "--", "control:sh control.sh"], check=_all_ok,
         builds=("normal",), timeout=400),
    Case("VNC with a password", "unit",
         ["/usr/bin/python3", "{source}/tests/vnc_password.py", "{build}/tests/unit/tools/vnc-guest",
          "{build}/tools/hypike", "{build}/guests/dummy/dummy.elf", "{work}"],
         tap=1, timeout=120, builds=("normal",)),
]
