# SPDX-License-Identifier: BSD-2-Clause
"""Interrupts: of PCI devices by message, I/O APIC and 8259; what the CPU virtualises; the power button's.
@verifies HV-120 VMM-030 VMM-083 VMM-114 VMM-116 VMM-505"""
import re

from runner.case import DUMMY, ICOUNT, boot

OFF = (r"^vmm: switched off by the guest", r"^hypike: exit status 0")
# A vCPU that had to leave the guest for the VMM because of an interrupt.
TRIPS = (r"^vmm:   kicked", r"^vmm:   interrupt window +\d+ +[1-9]")


def _self_ipis(machine, low, high, *options, how=""):
    """
    A thousand interrupts that the guest sends itself: how many exits of the local APIC do they take?
    @verifies HV-132
    """
    def check(text, _work):
        found = re.search(r"^vmm:   local apic +(\d+) +0$", text, re.MULTILINE)
        exits = int(found.group(1)) if found else 0
        return None if low <= exits <= high else f"{exits} exits of the local APIC"
    return boot("1000 interrupts to itself" + how, machine, *options, *DUMMY, "--cmdline",
                "tests=self-ipi-register", tap=1, check=check, timeout=60, builds=("normal",))


def _pci(name, options, line, end=OFF, status=0, forbid=()):
    return boot(f"Linux with a disk, {name}", "qemu-svm", ICOUNT, "--memory", "128M",
                "--kernel", "{debian}/linux", "--module", "{debian}/linux.cpio",
                "--disk", "{build}/guests/dummy/initramfs.cpio",
                "--cmdline", f"console=ttyS0 quiet cryptomgr.notests virtio script=intx {options}",
                expect=(r"^intx: [1-9]\d* sectors, [0-9a-f]{64}", line,
                        r"^check: the kernel has not complained", *end),
                forbid=forbid, status=status, timeout=120, builds=("normal",))


def _button(machine, *options):
    """The user presses the power button at the console; the guest has waited for its interrupt."""
    return boot("power button", machine, *options, "--console", "vm1", *DUMMY, "--cmdline",
                "tests=none button",
                dialog=((r"press the power button", "\x1dp"),),
                expect=(r"press the power button", r"vmm: power button pressed",
                        r"the power button was pressed", r"vmm: switched off by the guest"),
                timeout=60, builds=("normal",))


CASES = [
    _pci("MSI-X", "", r"PCI-MSI.*virtio", forbid=TRIPS),
    _pci("no MSI-X", "pci=nomsi", r"^ *1[6-9]: +[1-9]\d* +IO-APIC +1[6-9]-fasteoi +virtio", forbid=TRIPS),
    _pci("noapic", "pci=nomsi noapic", r"^ *1[01]: +[1-9]\d* +XT-PIC +virtio"),
    _pci("no APIC, no ACPI", "pci=nomsi noapic nolapic acpi=off end=reboot",
         r"^ *1[01]: +[1-9]\d* +XT-PIC +virtio", (r"^vmm: reset by the guest",), 1),
    # Sending and ending each; VT-x with virtual-interrupt delivery settles both.
    _self_ipis("qemu-svm", 2000, 2100, ICOUNT),
    _self_ipis("bochs-vmx", 0, 100, "--append", "apicv=on", how=", by the CPU"),
    # By itself, HyPike has Bochs's CPU deliver none: see hypervisor/x86/vmx/vmx_caps.c.
    _self_ipis("bochs-vmx", 2000, 2100),
    _button("qemu-svm", ICOUNT),
    _button("bochs-vmx"),
]
