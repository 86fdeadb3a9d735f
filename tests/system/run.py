# SPDX-License-Identifier: BSD-2-Clause
"""`hypike run`: virtual machines on Linux, by KVM. Machine kvm-qemu is a Debian Linux with kvm_amd on QEMU's
emulated AMD-V. @verifies VMM-600 VMM-601 VMM-602"""
import re

from runner.case import Case

FILES = {
    "dummy.elf": "{build}/guests/dummy/dummy.elf",
    "initramfs.cpio": "{build}/guests/dummy/initramfs.cpio",
    "attack.elf": "{build}/guests/attack/attack.elf",
    "gnumach": "{debian}/gnumach",
    "linux": "{debian}/linux",
    "linux.cpio": "{debian}/linux.cpio",
}

# Statuses of a VMM: vmm/status.h.
TRIPLE_FAULT, HALTED, RESET, TIMEOUT = 204, 205, 206, 207

DUMMY = "hypike run --kernel dummy.elf --module initramfs.cpio"
ATTACK = "hypike run --kernel attack.elf --vmm-option --rng --cmdline"
LINUX = ("hypike run -m 256M --kernel linux --initrd linux.cpio --cmdline "
         "'console=ttyS0 quiet cryptomgr.notests script={script}'")


def _in_qemu(name, runs, files, **rest):
    """runs: name, shell command, and the status that it ends with."""
    def check(text, _work):
        for run, _command, status in runs:
            if not re.search(rf"^kvm: {run} ends with status {status}$", text, re.M):
                return f"{run} did not end with status {status}"
        return None
    command = ["{source}/tests/kvm.py", "--hypike", "{build}/tools/hypike",
               "--debian", "{debian}", "--work", "{work}"]
    for file in files:
        command += ["--file", f"{file}={FILES[file]}"]
    command += ["--", *(f"{run}:{text}" for run, text, _ in runs)]
    return Case(name, "kvm-qemu", command, check=check, builds=("normal",), **rest)


CASES = [
    _in_qemu("dummy", [("dummy", DUMMY, 0), ("dummy-2", DUMMY + " --cpus 2", 0)],
             ("dummy.elf", "initramfs.cpio"), tap=2, timeout=240),
    _in_qemu("attack",
             [(group, f"{ATTACK} act={group}", 0)
              for group in ("virtio", "device", "memory")] +
             [("triple-idt", f"{ATTACK} act=triple-idt", TRIPLE_FAULT),
              ("halt", f"{ATTACK} act=halt", HALTED),
              ("reset", f"{ATTACK} act=reset-cf9", RESET)],
             ("attack.elf",), tap=3, timeout=240),
    _in_qemu("GNU Mach",
             [("mach", "hypike run --kernel gnumach --cmdline console=com0 --timeout 2", TIMEOUT)],
             ("gnumach",), expect=(r"^GNU Mach 1\.8", r"No bootstrap code"), timeout=120),
    _in_qemu("Linux", [("linux", LINUX.format(script="check"), 0)], ("linux", "linux.cpio"),
             expect=(r"^init: Linux 6\.", r"^check: 1 of 1 CPUs run",
                     r"^check: clock source (tsc|kvm-clock)",
                     r"^check: the kernel has not complained",
                     r"^init: check ended with status 0",
                     r"^vmm: switched off by the guest"), timeout=240),
]
