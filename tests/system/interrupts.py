# SPDX-License-Identifier: BSD-2-Clause
"""Interrupts of PCI devices without MSI-X, by I/O APIC and by 8259, and the power button's.
@verifies VMM-030 VMM-083 VMM-114 VMM-116 VMM-505"""
from runner.case import DUMMY, ICOUNT, boot

OFF = (r"^vmm: switched off by the guest", r"^hypike: exit status 0")


def _intx(name, options, line, end=OFF, status=0):
    return boot(f"Linux with a disk, {name}", "qemu-svm", ICOUNT, "--memory", "128M",
                "--kernel", "{debian}/linux", "--module", "{debian}/linux.cpio",
                "--disk", "{build}/guests/dummy/initramfs.cpio",
                "--cmdline", f"console=ttyS0 quiet cryptomgr.notests virtio script=intx {options}",
                expect=(r"^intx: [1-9]\d* sectors, [0-9a-f]{64}", line,
                        r"^intx: the kernel has not complained", *end),
                status=status, timeout=120, builds=("normal",))


def _button(machine, *options):
    """The user presses the power button at the console; the guest has waited for its interrupt."""
    return boot("power button", machine, *options, "--console", "vm1", *DUMMY, "--cmdline",
                "tests=none button",
                dialog=((r"press the power button", "\x1dp"),),
                expect=(r"press the power button", r"vmm: power button pressed",
                        r"the power button was pressed", r"vmm: switched off by the guest"),
                timeout=60, builds=("normal",))


CASES = [
    _intx("no MSI-X", "pci=nomsi", r"^ *1[6-9]: +[1-9]\d* +IO-APIC +1[6-9]-fasteoi +virtio"),
    _intx("noapic", "pci=nomsi noapic", r"^ *1[01]: +[1-9]\d* +XT-PIC +virtio"),
    _intx("no APIC, no ACPI", "pci=nomsi noapic nolapic acpi=off end=reboot",
          r"^ *1[01]: +[1-9]\d* +XT-PIC +virtio", (r"^vmm: reset by the guest",), 1),
    _button("qemu-svm", ICOUNT),
    _button("bochs-vmx"),
]
