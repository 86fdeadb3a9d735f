# SPDX-License-Identifier: BSD-2-Clause
"""The trace of machines that ran: read by a partition, and taken apart by `hypike trace`.

@verifies KRN-201
@verifies TOOL-202
"""
from runner.case import BOOT, ICOUNT, SCALE, Case, boot

NATIVE = "{build}/tests/system/native/"


def _traced(name, machine, options, then, timeout=60, **rest):
    """Boots with a trace; what `hypike trace OPTIONS` says of it is judged. In `then`, $TRACE is that."""
    limit = f"--timeout {timeout * SCALE}"
    script = " ".join(['HYPIKE="{build}/tools/hypike";', '"$HYPIKE" boot', *BOOT[machine], limit, *options,
                       '--trace "{work}/trace.bin";', 'echo "boot: $?";', then])
    return Case(name, machine, ["/bin/sh", "-c", script], timeout=2 * timeout, **rest)


def _planned(name, machine, image, bound, *options, **rest):
    """Windows begin as planned, none is missing; with a bound that none can keep, that is seen."""
    image = f'"{NATIVE}{image}"'
    check = f'"$HYPIKE" trace --check {image} --bound'
    trace = '"{work}/trace.bin"'
    return _traced(name, machine, [image, *options],
                   f"{check} {bound} {trace} && ! {check} 0ns {trace}",
                   expect=(r"^boot: 0$", r"^\d\d\d+ frames, \d\d\d+ windows", r"^as planned: ",
                           r"^NOT as planned: \d+ violations, 0 windows missing"), **rest)


CASES = [
    Case("what it says of traces", "tool", ["/usr/bin/python3", "{source}/tests/trace.py", "{build}"],
         tap=1, timeout=120, builds=("normal",)),
    boot("trace, 1 CPU", "qemu-svm", ICOUNT, NATIVE + "trace.img", tap=2),
    boot("trace, 4 CPUs", "qemu-svm", "--cpus", "4", NATIVE + "trace.img", tap=2),
    boot("trace, 2 CPUs", "bochs-vmx", "--cpus", "2", NATIVE + "trace.img", tap=2,
         builds=("normal",)),
    _planned("trace, windows as planned", "qemu-svm", "windows.img", "20us", ICOUNT,
             builds=("normal",)),
    _traced("trace after a panic", "qemu-svm", ["--append panic=ud", NATIVE + "hello.img"],
            '"$HYPIKE" trace "{work}/trace.bin"', builds=("paranoid",),
            expect=(r"panic on CPU 0: invalid opcode", r"^boot: 4$", r"^\d+\.\d+ cpu0 boot +- apic=0$")),
    _traced("trace, exits of a VM", "qemu-svm",
            [ICOUNT, '--kernel "{build}/guests/dummy/dummy.elf"', "--cmdline tests=boot"],
            '"$HYPIKE" trace --summary "{work}/trace.bin"',
            expect=(r"^boot: 0$", r"^vm1 .* \d\d+ ", r"^exits of vm1:.* port \d+")),
]
