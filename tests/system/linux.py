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

# How often the dummy's heart beats, at the least, while the others are busy.
BEATS = 30

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


def _reboot(machine, *options, kernel="cloud", timeout=120, **rest):
    """Resets the machine by ACPI's reset register and is booted anew, once."""
    name = "Linux" + ("" if kernel == "cloud" else f", {kernel} kernel,")
    return boot(f"{name} reboots", machine, *options, "--memory", "256M",
                "--kernel", "{debian}/" + KERNELS[kernel],
                "--module", "{debian}/" + KERNELS[kernel] + ".cpio",
                "--cmdline", CMDLINE.replace("script=check", "script=nothing end=reboot"),
                "--vmm-option", "--reboots", "--vmm-option", "1",
                expect=(r"^init: Linux 6\.", r"^vmm: reset by the guest",
                        r"^init: Linux 6\.", r"^vmm: reset by the guest",
                        r"^hypike: exit status 206"),
                status=1, timeout=timeout, builds=("normal",), **rest)


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


def _script(what, machine, timeout, *options):
    """The command line of tests/linux.py."""
    return ["/usr/bin/python3", "{source}/tests/linux.py", what, "{build}", "{debian}",
            *BOOT[machine], "--timeout", str(timeout * SCALE), *options]


def _work(machine, vcpus, *options, cpus=1, load=1, kernel="cloud", timeout=400, **rest):
    """Both consoles typed at, disk, network, processes on all CPUs; then off."""
    name = (f"Linux at work, {kernel} kernel, {_plural(vcpus, 'vCPU')} on " +
            _plural(cpus, "CPU"))
    command = _script("work", machine, timeout, "--kernel", KERNELS[kernel], "--vcpus", str(vcpus),
                      "--cpus", str(cpus), "--load", str(load), *options)
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


def _windows(machine, late, *options, timeout=400, **rest):
    """All three get on, the dummy finds its time as it should be, and windows begin when they should."""
    def check(text, _work):
        for name in ("one", "two"):
            if f"{name}| init: check ended with status 0" not in text:
                return f"{name} has not come to its end"
        beats = len(re.findall(r"^dummy\| heartbeat \d+ ok$", text, re.M))
        return None if beats >= BEATS else f"{beats} heartbeats of the dummy, not {BEATS}"
    return Case("two Linux VMs and a dummy kernel in their windows", machine,
                _script("windows", machine, timeout, "--append", "latency", "--check", late, *options),
                tap=1, timeout=timeout + 30, builds=("normal",), check=check,
                forbid=("heartbeat .* BAD", "kernel has complained"),
                expect=(r"^hypike: CPU 0: \d+ windows, the latest began", "^hypike: exit status 0",
                        r"^as planned: the latest window began"), **rest)


def _attacked(machine, *options, timeout=400, **rest):
    """Its neighbours attack and fuzz while it does its sums, and it doesn't notice."""
    def check(text, _work):
        meanwhile = text[text.find("linux| sums: data"):text.find("linux| sums: 10 sums")]
        if not re.search(r"^attack\| ok", meanwhile, re.M):
            return "nobody attacked meanwhile"
        # These may be in an endless loop by now, which takes the CPU as well as anything does.
        for name in ("fuzz1", "fuzz2"):
            if not re.search(rf"^{name}\| # seed \d+ case \d", text, re.M):
                return f"{name} has not got on"
        return None
    return Case("Linux does its sums beside attackers", machine,
                _script("attacked", machine, timeout, *options), status=None, timeout=timeout + 15,
                builds=("normal",), check=check, forbid=("hypike: panic", r"^attack\| not ok"),
                expect=(rf"^linux\| sums: data {DATA}", r"^linux\| sums: 10 sums, 0 wrong",
                        r"^linux\| check: the kernel has not complained",
                        r"^hypike: partition linux exited with status 0"), **rest)


CASES = [
    _linux("qemu-svm", 1, ICOUNT),
    _linux("qemu-svm", 2, ICOUNT),
    _linux("bochs-vmx", 1, timeout=300),
    _linux("bochs-svm", 1, timeout=300),
    _reboot("qemu-svm", ICOUNT),
    _reboot("bochs-vmx", timeout=600, long=True),
    _reboot("qemu-svm", ICOUNT, kernel="standard", long=True),
    _reboot("bochs-vmx", kernel="standard", timeout=600, long=True),
    _work("qemu-svm", 1, ICOUNT),
    _work("qemu-svm", 2, ICOUNT),
    _work("qemu-svm", 4, ICOUNT, timeout=600, long=True),
    _work("qemu-svm", 4, ICOUNT, cpus=2, timeout=600, long=True),
    _work("qemu-svm", 1, ICOUNT, kernel="standard"),
    _windows("qemu-svm", "40us", ICOUNT),
    _attacked("qemu-svm", ICOUNT),
    _windows("bochs-vmx", "100us", timeout=900, long=True),
    _attacked("bochs-vmx", timeout=900, long=True),
    _work("bochs-vmx", 1, timeout=900, long=True),
    _work("bochs-vmx", 2, cpus=2, timeout=900, long=True),
    _work("bochs-vmx", 4, cpus=2, timeout=1200, long=True),
    _work("bochs-vmx", 1, kernel="standard", timeout=900, long=True),
    _work("bochs-vmx", 4, cpus=2, kernel="standard", timeout=1200, long=True),
    _work("bochs-svm", 1, timeout=900, long=True),
    _work("qemu-svm", 2, ICOUNT, kernel="standard", timeout=600, long=True),
    _work("qemu-svm", 4, ICOUNT, kernel="standard", timeout=600, long=True),
]
