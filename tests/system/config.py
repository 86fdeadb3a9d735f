# SPDX-License-Identifier: BSD-2-Clause
"""Configuration files."""
from runner.case import Case

SCRIPT = ["/usr/bin/python3", "{source}/tests/config.py", "{build}"]

CASES = [
    Case("broken configurations", "tool", [*SCRIPT, "broken"], tap=1),
    Case("the JSON Schema of configurations", "tool", [*SCRIPT, "schema"], tap=1,
         builds=("normal",)),
    Case("its manual page and completion", "tool", [*SCRIPT, "manual"], tap=1,
         builds=("normal",)),
    Case("an installed command", "qemu-svm", [*SCRIPT, "install"], tap=1, builds=("normal",)),
    Case("the guide to configurations", "qemu-svm", [*SCRIPT, "docs"], tap=1, builds=("normal",)),
    Case("the example configurations", "tool", [*SCRIPT, "examples"], tap=1),
]

HYPIKE = "{build}/tools/hypike"
# What the first configuration says when it runs, in whatever order its two partitions get to it.
FIRST = (r"^hello\| hello from partition hello, 5 of 5", r"^hypike: exit status 0$")


def _guest_passed(text, _work):
    return None if "\nguest| ok 6 - module-checksums" in text else "the guest didn't get through"


# Where time is this machine's own, nothing that it could disturb.
UNDISTURBED = "sed -i s/tests=boot,cpu/tests=boot/ system.yaml; "


def _built(machine, boot_options, build_options="", name="a built system", prepare="", **rest):
    """`hypike new`, `hypike build`, and the one file boots."""
    return Case(name, machine,
                ["sh", "-ec", f"{HYPIKE} new; {prepare}{HYPIKE} build {build_options} -o image system.yaml; "
                 f"{boot_options}"], check=_guest_passed, expect=FIRST, builds=("normal",), **rest)


def _boot(options):
    return f"{HYPIKE} boot --bare --kernel image --host-memory 256M --timeout 150 {options}"


def _cdrom(options):
    return ("timeout -s KILL 150 qemu-system-x86_64 -accel tcg -cpu max -display none -nodefaults "
            "-no-user-config -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 -m 256 "
            f"-serial stdio -cdrom image {options} || test $? -eq 1")


def _cases():
    """@verifies TOOL-020
    @verifies TOOL-021
    @verifies TOOL-115"""
    yield _built("qemu-svm", _boot("--on qemu --icount=3"))
    yield _built("bochs-vmx", _boot("--on bochs"), timeout=160)
    yield _built("iso-bios", _boot("--on qemu --icount=3 --loader bios --multiboot 2"), timeout=160)
    yield _built("iso-bios", _cdrom("-icount shift=3,sleep=off"), "--iso", "an ISO for both", timeout=160)
    yield _built("iso-uefi", _cdrom("-drive if=pflash,format=raw,readonly=on,"
                                    "file=/usr/share/OVMF/OVMF_CODE_4M.fd"), "--iso",
                 "an ISO for both", UNDISTURBED, timeout=160)


CASES += _cases()
