# SPDX-License-Identifier: BSD-2-Clause
"""Restarts and the health monitor: programs of tests/system/native."""
import re

from runner.case import boot

BOTH = ("normal", "paranoid")
NORMAL = ("normal",)


def _image(name, machine, cpus, *options, builds=NORMAL, timeout=60, **rest):
    return boot(f"{name}, {cpus} CPU" + ("s" if cpus > 1 else "") +
                (", icount" if "--icount" in options else ""),
                machine, "--cpus", str(cpus), *options,
                "--image", "{build}/tests/system/native/" + name + ".img",
                timeout=timeout, builds=builds, **rest)


# What each start finds (tests/system/native/restart.c): RAM as it was after a warm one.
def _begin(restarts, start, warm, prefix=""):
    ram = 1 if warm else 0
    return (f"^{prefix}begin {restarts}: start {start}, warm {warm}, ram {ram}, "
            "fresh 1, ")


SELF = (_begin(0, 0, 0), "ended with status 0; warm restart$", _begin(1, 1, 1),
        "ended with status 0; cold restart$", _begin(2, 1, 0), _begin(3, 1, 1), _begin(4, 1, 0),
        "^hypike: partition self exited with status 0$", "^hypike: exit status 0$")
CONTROLLED = (_begin(0, 0, 0, r"victim\| "), _begin(1, 0, 0, r"victim\| "),
              _begin(2, 0, 1, r"victim\| "), r"^control\| ok 4 ", r"^control\| ok 6 ",
              _begin(0, 0, 0, r"dormant\| "), "^hypike: exit status 0$")

# Instructions from the call to the first of the program, 8 MiB of RAM, 256 KiB of stack.
COLD_LIMIT, WARM_LIMIT = 1_300_000, 110_000


def _restart_time(text, _work):
    """@verifies KRN-072"""
    for kind, limit in (("cold", COLD_LIMIT), ("warm", WARM_LIMIT)):
        found = re.search(rf"control\| {kind} restart at (\d+)\n(?:.*\n)*?victim\| begin .* at (\d+)\n",
                          text)
        if not found:
            return f"no {kind} restart found"
        took = int(found[2]) - int(found[1])
        if took > limit:
            return f"a {kind} restart takes {took} instructions, more than {limit}"
    return None


def _restarts():
    yield _image("restart-self", "qemu-svm", 1, "--icount", builds=BOTH, expect=SELF)
    yield _image("restart-self", "qemu-svm", 4, builds=BOTH, expect=SELF)
    yield _image("restart-self", "bochs-vmx", 2, expect=SELF, timeout=120)
    yield _image("restart", "qemu-svm", 1, "--icount", tap=1, expect=CONTROLLED, check=_restart_time)
    yield _image("restart-spread", "qemu-svm", 2, tap=1, expect=CONTROLLED)
    yield _image("restart-spread", "qemu-svm", 4, tap=1, expect=CONTROLLED, builds=BOTH)
    yield _image("restart-spread", "bochs-vmx", 2, tap=1, expect=CONTROLLED, timeout=240)


CASES = [*_restarts()]
