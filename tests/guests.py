#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The table of guests in docs/guests.md, made of the list of tests so that it can't say more than they do:
tests/guests.py          status 1 where the table isn't what the tests are
tests/guests.py --write  renews it
"""
import os
import re
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests"))
sys.dont_write_bytecode = True
PAGE = os.path.join(SOURCE, "docs", "guests.md")
BEGIN, END = "<!-- tests: written by tests/guests.py -->\n", "<!-- tests end -->\n"

# Guest, boot protocol, what a test sees, the names of such tests. What is tested where, and on how many
# CPUs, comes from these.
ROWS = (
    ("Linux, cloud kernel", "Linux, 64 bits", "userspace, all CPUs loaded, sleeps; off by ACPI",
     r"Linux, \d CPUs?|Linux"),
    ("", "", "serial and virtio console typed at, a file on a virtio disk checked by processes on all CPUs, "
     "64 MiB by `dd`, `ping` of a second Linux; off by ACPI", r"Linux at work, cloud kernel, .*"),
    ("", "", "reboots", r"Linux reboots"),
    ("", "", "virtio disks read and written, entropy, console; split and packed rings",
     r"Linux with virtio disks.*|Linux with disks"),
    ("", "", "two of them on a network: TCP", r"two Linux VMs and a switch|two Linux on a wire"),
    ("", "", "the host's network, as a user without rights", r"Linux on the user's network"),
    ("", "", "sleeps: no exit but its timers'", r"Linux that sleeps"),
    ("", "", "a native program at its second serial line", r"Linux and a native program"),
    ("", "", "two of them and the dummy kernel, in time windows that are kept",
     r"two Linux VMs and a dummy kernel in their windows"),
    ("", "", "its sums beside machines that attack", r"Linux does its sums beside attackers"),
    ("", "PVH: its `vmlinux`", "userspace; off by ACPI", r"Linux by its PVH entry"),
    ("Linux, standard kernel", "Linux, 64 bits", "as above: consoles, disk, network, load; off by ACPI",
     r"Linux at work, standard kernel, .*"),
    ("", "", "reboots", r"Linux, standard kernel, reboots"),
    ("Linux on SeaBIOS and GRUB", "BIOS, from a virtio disk", "userspace", r"SeaBIOS, GRUB, Linux"),
    ("memtest86+", "Linux", "tests without an error, read from the screen", r"memtest86\+.*"),
    ("GNU Mach", "Multiboot 1", "to where it misses its modules", r"GNU Mach(, consoles)?"),
    ("GRUB invaders", "Multiboot 1, a.out kludge", "its picture on the text screen", r"GRUB invaders"),
    ("real-mode ROM (`guests/real`)", "reset vector",
     "real, unreal and protected mode, shadow memory, a reset", r"real-mode ROM"),
    ("dummy kernel", "Multiboot 1", "its tests of the machine",
     r"dummy, \d CPUs?|dummy, \d vCPUs? on .*|dummy's SMP tests.*|dummy, 1 and 2 vCPUs"),
    ("", "Multiboot 2", "the same", r"dummy by Multiboot 2, .*"),
    ("", "BIOS, GRUB", "the same", r"SeaBIOS, GRUB, dummy kernel, .*"),
    ("attack guest (`guests/attack`)", "Multiboot 1", "what is forbidden, also to every device",
     r"attack, .*|attack"),
)

MACHINES = {"qemu-svm": "QEMU, AMD-V", "bochs-vmx": "Bochs, VT-x", "bochs-svm": "Bochs, AMD-V",
            "kvm-qemu": "KVM, AMD-V", "kvm-bochs": "KVM, VT-x"}


def all_cases():
    from runner import case  # pylint: disable=import-outside-toplevel
    import importlib  # pylint: disable=import-outside-toplevel
    import pkgutil  # pylint: disable=import-outside-toplevel
    import system  # pylint: disable=import-outside-toplevel
    assert case
    for module in sorted(pkgutil.iter_modules(system.__path__), key=lambda module: module.name):
        yield from importlib.import_module("system." + module.name).CASES


def vcpus(case):
    """How many the guest has, one after the other: --vcpus, its name, or what hypike boot takes if not told."""
    words = [str(word) for word in case.command]
    found = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--vcpus"]
    named = re.search(r"(?:(\d) and )?(\d) v?CPUs?\b", case.name)
    return {int(found[0])} if found else {int(n) for n in named.groups() if n} if named else {1}


def where(pattern, machine, cases):
    """In a table's cell: the numbers of vCPUs that are tested on a machine."""
    mine = [case for case in cases if case.machine == machine and re.fullmatch(pattern, case.name)]
    counts = {}
    for case in mine:
        for count in vcpus(case):
            counts[count] = counts.get(count, True) and case.long
    return ", ".join(f"*{count}*" if long else str(count) for count, long in sorted(counts.items()))


def table(cases):
    lines = ["| Guest | Boot protocol | What is seen | " + " | ".join(MACHINES.values()) + " |",
             "|---|---|---|" + "--:|" * len(MACHINES)]
    for guest, protocol, what, pattern in ROWS:
        cells = [where(pattern, machine, cases) for machine in MACHINES]
        if not any(cells):
            sys.exit(f"tests/guests.py: no test is called {pattern}")
        lines.append("| " + " | ".join((guest, protocol, what, *cells)) + " |")
    return "\n".join(line.replace("  ", " ") for line in lines) + "\n"


def main():
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    before, rest = page.split(BEGIN)
    old, after = rest.split(END)
    new = table(list(all_cases()))
    if sys.argv[1:] == ["--write"]:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(before + BEGIN + new + END + after)
    elif new != old:
        print("docs/guests.md isn't what the tests are; tests/guests.py --write renews it. They say:")
        print(new)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
