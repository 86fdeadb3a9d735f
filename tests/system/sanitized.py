# SPDX-License-Identifier: BSD-2-Clause
"""The whole VMM on Linux, and the command around it, under AddressSanitizer with UBSan, and under ThreadSanitizer, in a
Linux with KVM: any report fails. @verifies VMM-600 VMM-001"""
import re

from runner.case import Case
from system.run import FILES

FILE = {**FILES, "conform.elf": "{build}/guests/conform/conform.elf"}
# What the command allocates for its options it keeps to its end. TSan's shadow has no room for all places where ASLR
# puts things.
PREPARE = "echo 0 >/proc/sys/kernel/randomize_va_space; echo 1 >/proc/sys/vm/overcommit_memory"
ENVIRONMENT = "ASAN_OPTIONS=detect_leaks=0:exitcode=66 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=exitcode=66"
DEVICES = "--vmm-option --test-device --vmm-option --display --rng --virtio-console --disk disk.img"
RUNS = {
    "dummy": "--kernel dummy.elf --module initramfs.cpio --cpus 2 --cmdline tests=boot,trap,ring3,process,smp,ipi",
    "conform": f"{DEVICES} -m 48M --kernel conform.elf --cmdline part=ports,pci,memory,board",
    "board": f"{DEVICES} --kernel attack.elf --cmdline act=board",
    "virtio": f"{DEVICES} --kernel attack.elf --cmdline act=virtio",
    "pci": f"{DEVICES} --kernel attack.elf --cmdline act=pci",
}


def _check(text, names):
    for name in names:
        if not re.search(rf"^kvm: {name} ends with status 0$", text, re.M):
            return f"{name} did not end with status 0"
    return None


def _case(sanitizer, names, **rest):
    command = ["{source}/tests/kvm.py", "--hypike", f"{{build}}/tests/sanitized/hypike-{sanitizer}",
               "--debian", "{debian}", "--work", "{work}", "--disk"]
    for file in ("dummy.elf", "initramfs.cpio", "attack.elf", "conform.elf"):
        command += ["--file", f"{file}={FILE[file]}"]
    command += ["--", f"prepare:{PREPARE}",
                *(f"{name}:{ENVIRONMENT} hypike run {RUNS[name]}" for name in names)]
    return Case(f"{sanitizer}, {', '.join(names)}", "kvm-qemu", command, timeout=400, builds=("normal",),
                check=lambda text, _work: _check(text, names),
                forbid=("Sanitizer", "runtime error:", "^not ok"), **rest)


CASES = [
    _case("asan", ("dummy", "conform")),
    _case("tsan", ("dummy", "conform")),
    _case("asan", ("board", "virtio", "pci"), long=True),
    _case("tsan", ("board", "virtio", "pci"), long=True),
]
