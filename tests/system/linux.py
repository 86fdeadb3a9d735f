# SPDX-License-Identifier: BSD-2-Clause
"""Debian's Linux in a VM: to userspace, a script there, switched off by ACPI.
@verifies BOOT-010 HV-131 VMM-113 VMM-114 VMM-117"""
from runner.case import ICOUNT, boot

# 2 MiB of zeros.
SUM = "5647f05ec18958947d32874eeb788fa396a05d0bab7c1b71f112ceb7e9b31eee"

# The self-tests of Linux's cryptography are half of its start and nothing that HyPike has to do with.
CMDLINE = "console=ttyS0 quiet cryptomgr.notests script=check"


def _linux(machine, cpus, *options, name="Linux", builds=("normal",), timeout=120):
    return boot(f"{name}, {cpus} CPU" + ("s" if cpus > 1 else ""), machine, *options,
                "--memory", "256M", "--cpus", str(cpus), "--vcpus", str(cpus),
                "--kernel", "{debian}/linux", "--module", "{debian}/linux.cpio",
                "--cmdline", CMDLINE,
                expect=(r"^init: Linux 6\.", rf"^check: {cpus} of {cpus} CPUs run",
                        r"^check: clock source (tsc|kvm-clock)", SUM,
                        r"^check: the kernel has not complained",
                        r"^init: check ended with status 0",
                        r"^vmm: switched off by the guest", r"^hypike: exit status 0"),
                timeout=timeout, builds=builds)


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


CASES = [
    _linux("qemu-svm", 1, ICOUNT),
    _linux("qemu-svm", 2, ICOUNT),
    _linux("bochs-vmx", 1, timeout=300),
    _reboot(),
]
