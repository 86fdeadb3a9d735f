#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""KVM without KVM: Debian's Linux with kvm_amd on QEMU's emulated AMD-V, or with kvm_intel on Bochs's VT-x
(--on bochs), and `hypike` in it.

Usage: tests/kvm.py --hypike FILE --debian DIR --work DIR [--file NAME=FILE]... -- NAME:COMMAND...

Prints what comes from the serial line. Commands are run by a shell, in a directory with the files.
Time counts instructions, on one CPU: all runs are the same. With --channel, a client of this computer's can
reach a TCP port there: who connects to that socket, or port of 127.0.0.1 (QEMU only), is connected with the port that
`relay PORT` names.
"""
import argparse
import os
import re
import subprocess
import sys

import kvm_bochs

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Without XSAVE: QEMU executes a guest's XSETBV behind KVM's back, with the host's XCR0 (see cpuid.c).
CPU = "max,-xsave"
# What Debian's Linux has as modules, in the order of their dependencies.
KVM_MODULES = {"qemu": ("irqbypass", "kvm", "kvm-amd", "tun"), "bochs": ("irqbypass", "kvm", "kvm-intel", "tun")}
PARAMETERS = {"kvm-intel": "enable_apicv=0"}
CHANNEL_MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
                   "virtio_pci", "virtio_console")
CMDLINE = "console=ttyS0 quiet loglevel=1 cryptomgr.notests mitigations=off"


def libraries(program):
    """The files that a program needs to run, by their places."""
    listing = subprocess.run(["ldd", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.findall(r"(/\S+) \(0x", listing)


def disk(work):
    """A file system with one file; as for Linux in a VM of HyPike's."""
    import virtio  # pylint: disable=import-outside-toplevel
    before = os.getcwd()
    os.chdir(work)
    virtio.disk_make()
    os.chdir(before)
    return os.path.join(work, "disk.img")


def strip(path, stripped, *options):
    subprocess.run(["strip", *options, "-o", stripped, path], check=True)
    return stripped


def modules(args):
    """Files, and one with the order in which they go into the kernel. Without symbols that nobody needs and without
    signatures, which the kernel would look through and check for seconds."""
    wanted = [("linux-kvm", name) for name in KVM_MODULES[args.on]]
    if args.channel and args.on == "qemu":
        wanted += [("linux-modules", name) for name in CHANNEL_MODULES]
    order = os.path.join(args.work, "order")
    with open(order, "w", encoding="ascii") as file:
        file.write("".join(f"{name} {PARAMETERS.get(name, '')}\n" for _, name in wanted))
    return [("lib/modules/order", order)] + [
        (f"lib/modules/{name}.ko", strip(os.path.join(args.debian, folder, name + ".ko"),
                                         os.path.join(args.work, name + ".ko"), "--strip-unneeded"))
        for folder, name in wanted]


def initramfs(args):
    program = strip(args.hypike, os.path.join(args.work, "hypike"))
    commands = os.path.join(args.work, "commands")
    with open(commands, "w", encoding="ascii") as file:
        file.write("".join(command + "\n" for command in args.command))
    pairs = [("bin/hypike", program), ("etc/commands", commands)]
    for path in [args.hypike] + [text.partition("=")[2] for text in args.lib]:
        pairs += [pair for pair in ((name.lstrip("/"), name) for name in libraries(path))
                  if pair not in pairs]
    pairs += modules(args)
    pairs += [("bin/relay", os.path.join(SOURCE, "tests", "kvm", "relay-" + args.on))]
    pairs += [("files/" + name, path) for name, _, path in
              (text.partition("=") for text in args.file + args.lib)]
    if args.disk:
        pairs.append(("files/disk.img", disk(args.work)))
    archive = os.path.join(args.work, "kvm.cpio")
    subprocess.run([sys.executable, os.path.join(SOURCE, "tools", "initramfs.py"),
                    "--busybox", os.path.join(args.debian, "busybox"),
                    "--init", os.path.join(SOURCE, "tests", "kvm", "init"), "-o", archive,
                    *[word for name, path in pairs for word in ("--file", f"{name}={path}")]],
                   check=True)
    return archive


def channel(args):
    if not args.channel:
        return []
    where = "host=127.0.0.1,port=" if args.channel.isdigit() else "path="
    return ["-chardev", f"socket,id=channel,{where}{args.channel},server=on,wait=off",
            "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=channel"]


def qemu(args, archive):
    """What comes from outside, time and chance (RDRAND), is always the same."""
    return ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", CPU, "-m", "1G",
            "-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm", "-seed", "1",
            "-nodefaults", "-display", "none", "-vga", "none",
            "-serial", "stdio", "-no-reboot", "-kernel", os.path.join(args.debian, "linux"),
            "-initrd", archive, "-append", CMDLINE, *channel(args)]


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--on", choices=tuple(KVM_MODULES), default="qemu")
    parser.add_argument("--hypike", required=True, metavar="FILE")
    parser.add_argument("--debian", required=True, metavar="DIR", help="of tools/fetch-guests.sh")
    parser.add_argument("--work", required=True, metavar="DIR", help="for temporary files")
    parser.add_argument("--file", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--lib", action="append", default=[], metavar="NAME=FILE",
                        help="a file, and what it is linked with")
    parser.add_argument("--disk", action="store_true", help="an ext4 image disk.img is there, too")
    parser.add_argument("--channel", metavar="PATH|PORT", help="see above")
    parser.add_argument("command", nargs="+", metavar="NAME:COMMAND")
    return parser.parse_args()


def main():
    args = options()
    archive = initramfs(args)
    if args.on == "bochs":
        return kvm_bochs.run(args, archive, CMDLINE)
    return subprocess.run(qemu(args, archive), stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
