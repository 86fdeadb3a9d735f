# SPDX-License-Identifier: BSD-2-Clause
"""Communication between partitions: ports, shared memory."""
from runner.case import ICOUNT, boot

BOTH = ("normal", "paranoid")
NORMAL = ("normal",)


def _image(name, machine, cpus, *options, builds=NORMAL, timeout=60, **rest):
    return boot(f"{name}, {cpus} CPU" + ("s" if cpus > 1 else "") +
                (", icount" if ICOUNT in options else ""),
                machine, "--cpus", str(cpus), *options,
                "--image", "{build}/tests/system/native/ports/" + name + ".img",
                timeout=timeout, builds=builds, **rest)


def _ports(name, machine, cpus, *options, **rest):
    return _image(name, machine, cpus, *options, tap=1, **rest,
                  expect=(r"^hypike: partition echoer exited with status 0$",))


def _regions(name, machine, cpus, *options, **rest):
    return _image(name, machine, cpus, *options, tap=3, **rest)


CASES = [
    _regions("regions", "qemu-svm", 1, ICOUNT, builds=BOTH),
    _regions("regions-apart", "qemu-svm", 2, builds=BOTH),
    _regions("regions-apart", "bochs-vmx", 2, timeout=120),
    _ports("ports", "qemu-svm", 1, ICOUNT, builds=BOTH),
    _ports("ports", "qemu-svm", 2),
    _ports("ports-apart", "qemu-svm", 2),
    _ports("ports-apart", "qemu-svm", 4, builds=BOTH),
    _ports("ports", "bochs-vmx", 1, timeout=120),
    _ports("ports-apart", "bochs-vmx", 2, builds=BOTH, timeout=180),
]
