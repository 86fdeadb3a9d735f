# SPDX-License-Identifier: BSD-2-Clause
"""ARINC 653 services: conformance programs of tests/system/native, and the examples over them."""
from runner.case import boot

BOTH = ("normal", "paranoid")


def _apex(name, machine, *options, plans=1, builds=("normal",), timeout=60):
    icount = "" if machine.startswith("bochs") else ", icount"
    return boot(f"arinc653 {name}{icount}", machine, *options,
                *(["--icount"] if icount else []),
                "--image", "{build}/tests/system/native/apex_" + name + ".img",
                tap=plans, builds=builds, timeout=timeout, expect=(r"^hypike: exit status 0$",))


def _cases():
    for name in ("process", "local", "time", "time-windows", "ports",
                 "ports-windows", "error"):
        yield _apex(name, "qemu-svm", builds=BOTH)
    for name in ("process", "time-windows", "ports"):
        yield _apex(name, "bochs-vmx", timeout=120)


CASES = [*_cases()]
