# SPDX-License-Identifier: BSD-2-Clause
"""Debian's Linux in a VM: to userspace, a script there, switched off by ACPI; and Linux at work, which
tests/linux.py sets up. guests/linux/scripts has what runs inside.
@verifies BOOT-010 HV-131 VMM-113 VMM-114 VMM-117"""
import hashlib
import re

from runner.case import BOOT, ICOUNT, SCALE, Case, boot

# 2 MiB of zeros.
SUM = "5647f05ec18958947d32874eeb788fa396a05d0bab7c1b71f112ceb7e9b31eee"

# The file on the disk: tests/virtio.py.
DATA = hashlib.md5(b"".join(hashlib.sha256(n.to_bytes(4, "little")).digest()
                            for n in range(65536))).hexdigest()

# The self-tests of Linux's cryptography are half of its start and nothing that HyPike has to do with.
CMDLINE = "console=ttyS0 quiet cryptomgr.notests script=check"

# What distinguishes the kernels, as names of tests and of files.
KERNELS = {"cloud": "linux", "standard": "linux-full"}


def _plural(number, what):
    return f"{number} {what}" + ("s" if number > 1 else "")


def _linux(machine, cpus, *options, kernel="cloud", timeout=120, **rest):
    name = "Linux" + ("" if kernel == "cloud" else f", {kernel} kernel")
    return boot(f"{name}, {_plural(cpus, 'CPU')}", machine, *options,
                "--memory", "256M", "--cpus", str(cpus), "--vcpus", str(cpus),
                "--kernel", "{debian}/" + KERNELS[kernel],
                "--module", "{debian}/" + KERNELS[kernel] + ".cpio", "--cmdline", CMDLINE,
                expect=(r"^init: Linux 6\.", rf"^check: {cpus} of {cpus} CPUs run",
                        r"^check: clock source (tsc|kvm-clock)", SUM,
                        r"^check: the kernel has not complained",
                        r"^init: check ended with status 0",
                        r"^vmm: switched off by the guest", r"^hypike: exit status 0"),
                timeout=timeout, builds=("normal",), **rest)


def _reboot():
    """Resets the machine by ACPI's reset register and is booted anew, once."""
    return boot("Linux reboots", "qemu-svm", ICOUNT, "--memory", "256M",
                "--kernel", "{debian}/linux", "--module", "{debian}/linux.cpio",
                "--cmdline", CMDLINE.replace("script=check", "script=nothing end=reboot"),
                "--vmm-option", "--reboots", "--vmm-option", "1",
                expect=(r"^init: Linux 6\.", r"^vmm: reset by the guest",
                        r"^init: Linux 6\.", r"^vmm: reset by the guest",
                        r"^hypike: exit status 206"),
                status=1, timeout=120, builds=("normal",))


def _sums(vcpus, load):
    """Every process has made sums, none of them a wrong one."""
    def check(text, _work):
        lines = re.findall(r"^CPU (\d+): (\d+) sums, (\d+) wrong$", text, re.M)
        if sorted(int(cpu) for cpu, _, _ in lines) != sorted(list(range(vcpus)) * load):
            return f"processes have ended on CPUs {[cpu for cpu, _, _ in lines]}"
        if any(int(rounds) == 0 or int(wrong) for _, rounds, wrong in lines):
            return f"sums and wrong sums: {lines}"
        return None
    return check


def _work(machine, vcpus, *options, cpus=1, load=1, kernel="cloud", timeout=240, **rest):
    """Both consoles typed at, disk, network, processes on all CPUs; then off."""
    name = (f"Linux at work, {kernel} kernel, {_plural(vcpus, 'vCPU')} on " +
            _plural(cpus, "CPU"))
    command = ["/usr/bin/python3", "{source}/tests/linux.py", "{build}", "{debian}",
               "--kernel", KERNELS[kernel], "--vcpus", str(vcpus), "--cpus", str(cpus),
               "--load", str(load), *BOOT[machine], "--timeout", str(timeout * SCALE), *options]
    ask = "echo $((6 * 7)) from $(tty)\n"
    return Case(name, machine, command, timeout=timeout + 15, builds=("normal",),
                dialog=((r"ttyS0\$ ", ask), (r"ttyS0\$ ", "exit\n"),
                        (r"hvc0\$ ", ask), (r"hvc0\$ ", "exit\n")),
                expect=(rf"^init: Linux 6\..*, {vcpus} CPU", f"^work: data {DATA}",
                        f"^work: {vcpus * load} processes on {vcpus} CPUs",
                        "^42 from /dev/ttyS0", "^42 from /dev/hvc0",
                        "^work: both shells have ended",
                        "^work: 3 packets transmitted, 3 packets received",
                        "^work: copied 67108864 bytes", "ttyS0", "virtio0-",
                        "^check: the kernel has not complained",
                        "^init: work ended with status 0",
                        "^vmm: switched off by the guest"),
                check=_sums(vcpus, load), **rest)


CASES = [
    _linux("qemu-svm", 1, ICOUNT),
    _linux("qemu-svm", 2, ICOUNT),
    _linux("bochs-vmx", 1, timeout=300),
    _linux("bochs-svm", 1, timeout=300),
    _reboot(),
    _work("qemu-svm", 1, ICOUNT),
    _work("qemu-svm", 2, ICOUNT),
    _work("qemu-svm", 4, ICOUNT, timeout=600, long=True),
    _work("qemu-svm", 1, ICOUNT, kernel="standard"),
    _work("bochs-vmx", 1, timeout=900, long=True),
    _work("bochs-vmx", 2, cpus=2, timeout=900, long=True),
    _work("bochs-vmx", 1, kernel="standard", timeout=900, long=True),
]
