# SPDX-License-Identifier: BSD-2-Clause
"""ARINC 653 services: conformance programs of tests/system/native, and the examples over them."""
from runner.case import boot

BOTH = ("normal", "paranoid")


def _apex(name, machine, *options, plans=1, builds=("normal",), timeout=60):
    icount = "" if machine.startswith("bochs") else ", icount"
    return boot(f"arinc653 {name}{icount}", machine, *options,
                *(["--icount"] if icount else []),
                "{build}/tests/system/native/apex_" + name + ".img",
                tap=plans, builds=builds, timeout=timeout, expect=(r"^hypike: exit status 0$",))


# A plan of TAP for each start of the partition.
PLANS = {"mode": 3, "mode-deadline": 2}


def _game():
    """@verifies LIB-622"""
    return boot("ping and pong, icount", "qemu-svm", "--icount",
                "{build}/tests/system/native/pingpong.img", builds=("normal",), timeout=60,
                expect=(r"^ping\| served 1, back 0; pong says 0 \(out of date\)$",
                        r"^pong\| returns ball 10$",
                        r"^ping\| served 10, back 10; pong says 10$", r"^hypike: exit status 0$"),
                forbid=("return code",))


def _cases():
    for name in ("process", "local", "time", "time-windows", "ports", "ports-windows", "error",
                 "error-faults", "mode", "mode-deadline"):
        yield _apex(name, "qemu-svm", plans=PLANS.get(name, 1), builds=BOTH)
    for name in ("process", "time-windows", "ports", "error-faults"):
        yield _apex(name, "bochs-vmx", timeout=120)


CASES = [*_cases(), _game()]
