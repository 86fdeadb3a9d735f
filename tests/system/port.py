# SPDX-License-Identifier: BSD-2-Clause
"""Communication between partitions: ports, shared memory. Devices of partitions."""
import re

from runner.case import ICOUNT, boot

BOTH = ("normal", "paranoid")
NORMAL = ("normal",)


def _image(name, machine, cpus, *options, builds=NORMAL, timeout=60, **rest):
    return boot(f"{name}, {cpus} CPU" + ("s" if cpus > 1 else "") +
                (", icount" if ICOUNT in options else ""),
                machine, "--cpus", str(cpus), *options,
                "{build}/tests/system/native/ports/" + name + ".img",
                timeout=timeout, builds=builds, **rest)


def _ports(name, machine, cpus, *options, **rest):
    return _image(name, machine, cpus, *options, tap=1, **rest,
                  expect=(r"^hypike: partition echoer exited with status 0$",))


def _regions(name, machine, cpus, *options, **rest):
    return _image(name, machine, cpus, *options, tap=3, **rest)


def _guest(name, machine, cpus, *options, **rest):
    return _image(name, machine, cpus, *options, tap=2, **rest,
                  expect=(r"^hypike: partition echoer exited with status 0$",))


def _serial(machine, cpus, *options, **rest):
    return _image("serial", machine, cpus, *options, tap=2, **rest)


def _refused_lines():
    for name, message in (("serial-no-port", "the second is no queuing port to send to"),
                          ("serial-wrong-way", "the first is no queuing port to receive from")):
        yield _image(name, "qemu-svm", 1, status=None,
                     expect=(rf"vmm: --serial2 [\w.]+,[\w.]+: {message}$",))


# Programs that use ports which they don't have, and what is said of devices that the kernel has.
THIEVES = ("none", "too-wide", "string")
TAKEN = {
    "pic": "I/O ports 21, 1 long, cannot be given away: it is the interrupt controllers",
    "pci": "I/O ports cfc, 4 long, cannot be given away: it is PCI configuration",
    "console": "I/O ports 3ff, 1 long, cannot be given away: it is the console",
    "all-ports": "I/O ports 0, 65536 long, cannot be given away: it is the interrupt controllers",
    "lapic": "device memory fee00000, 4096 long, cannot be given away: it is the local APICs",
    "ioapic": "device memory fec00000, 8192 long, cannot be given away: it is the I/O APICs",
    "ram": "device memory 200000, 4096 long, cannot be given away: it is memory",
    "no-bus": "device memory 8000000000000, 4096 long, cannot be given away: it is no bus of this machine",
    "no-irq": "this machine has no interrupt 200",
    "uart-irq": "interrupt 4, 1 long, cannot be given away: it is the console",
}


def _devices(name, machine, cpus, *options, **rest):
    def check(text, _work):
        for thief in THIEVES:
            if not re.search(rf"^hypike: partition {thief}: general protection in its program", text,
                             re.M):
                return f"{thief} got through"
        return None
    return _image(name, machine, cpus, *options, tap=1, status=1, check=check,
                  forbid=("came through",), **rest,
                  expect=(r"^hypike: partition devices exited with status 0$",))


def _taken():
    for name, message in TAKEN.items():
        yield _image(name, "qemu-svm", 1, status=1,
                     expect=(f"^hypike: partition {name}: {message}$", "^hypike: exit status 1$"))


def _too_much():
    for name, message in (("big-queue", r"channel c\d+: too little memory for its messages of 82\d\d KiB: "
                                        r"\d+ KiB are left"),
                          ("big-region", "region big-region: too little memory for its 524288 KiB: .*")):
        yield _image(name, "qemu-svm", 1, "--host-memory", "128M", status=1,
                     expect=(f"^hypike: {message}$", "^hypike: exit status 1$"))


CASES = [
    _image("lives", "qemu-svm", 1, ICOUNT, tap=1, builds=BOTH),
    _image("lives-apart", "qemu-svm", 2, tap=1),
    *_taken(),
    *_too_much(),
    _devices("devices-hpet", "qemu-svm", 1, ICOUNT, builds=BOTH),
    _devices("devices-hpet", "qemu-svm", 2),
    _devices("devices-vga", "bochs-vmx", 1, builds=BOTH, timeout=120),
    _regions("regions", "qemu-svm", 1, ICOUNT, builds=BOTH),
    _regions("regions-apart", "qemu-svm", 2, builds=BOTH),
    _regions("regions-apart", "bochs-vmx", 2, timeout=120),
    _ports("ports", "qemu-svm", 1, ICOUNT, builds=BOTH),
    _guest("ports-guest", "qemu-svm", 1, ICOUNT),
    _guest("ports-guest", "qemu-svm", 2, builds=BOTH),
    _guest("ports-guest", "bochs-vmx", 1, timeout=120),
    _serial("qemu-svm", 1, ICOUNT, builds=BOTH),
    _serial("qemu-svm", 2),
    _serial("bochs-vmx", 1, timeout=120),
    *_refused_lines(),
    _ports("ports", "qemu-svm", 2),
    _ports("ports-apart", "qemu-svm", 2),
    _ports("ports-apart", "qemu-svm", 4, builds=BOTH),
    _ports("ports", "bochs-vmx", 1, timeout=120),
    _ports("ports-apart", "bochs-vmx", 2, builds=BOTH, timeout=180),
]
