#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots a disk by SeaBIOS and GRUB: tests/firmware.py BUILD DEBIAN dummy|linux [OPTION...]

The disk has an MBR, GRUB behind it, and a FAT partition with GRUB's configuration and the kernel. DEBIAN has
`seabios`, for `linux` also `linux` and `linux.cpio` (tools/fetch-guests.sh). Files are made in the working
directory; OPTIONs go to `hypike boot`.
"""
import os
import struct
import subprocess
import sys

SECTOR = 512
PARTITION = 2048  # first sector
GRUB = "/usr/lib/grub/i386-pc"
MODULES = ["biosdisk", "part_msdos", "fat", "normal", "configfile", "echo", "linux", "multiboot",
           "serial", "terminal"]

CONFIG = """serial --unit=0 --speed=115200
terminal_output serial
echo GRUB has read its configuration
{commands}
boot
"""

# The self-tests of Linux's cryptography are half of its start and nothing that HyPike has to do with.
LINUX = """linux /linux console=ttyS0 quiet cryptomgr.notests script=check
initrd /linux.cpio"""
DUMMY = """multiboot /dummy.elf tests=boot
module /initramfs.cpio initramfs.cpio"""


def run(*command):
    subprocess.run(command, check=True)


def grub_make():
    """GRUB's boot sector, and what it loads from the sectors behind it."""
    run("grub-mkimage", "-O", "i386-pc", "-d", GRUB, "-o", "core.img", "-p", "(hd0,msdos1)/",
        *MODULES)
    with open(f"{GRUB}/boot.img", "rb") as boot, open("core.img", "rb") as core:
        return boot.read(440), core.read()


def disk_make(files, commands):
    """Files are pairs (path, name on the disk)."""
    boot, core = grub_make()
    assert len(core) < (PARTITION - 1) * SECTOR
    with open("grub.cfg", "w", encoding="ascii") as file:
        file.write(CONFIG.format(commands=commands))
    files = [*files, ("grub.cfg", "grub.cfg")]
    sectors = sum(os.path.getsize(path) // SECTOR for path, _ in files) + 8192
    with open("disk.img", "wb") as disk:
        disk.truncate((PARTITION + sectors) * SECTOR)
        disk.write(boot)
        disk.seek(446)  # one entry: active, FAT by LBA
        disk.write(struct.pack("<BBBBBBBBII", 0x80, 0, 0, 0, 0x0c, 0, 0, 0, PARTITION, sectors))
        disk.seek(510)
        disk.write(b"\x55\xaa")
        disk.write(core)
    where = f"disk.img@@{PARTITION * SECTOR}"
    run("mformat", "-i", where, "-T", str(sectors), "-h", "16", "-s", "63", "::")
    for path, name in files:
        run("mcopy", "-i", where, path, f"::/{name}")


def main():
    build, debian, what, *options = sys.argv[1:]
    if what == "linux":
        disk_make([(f"{debian}/linux", "linux"), (f"{debian}/linux.cpio", "linux.cpio")], LINUX)
    else:
        disk_make([(f"{build}/guests/dummy/dummy.elf", "dummy.elf"),
                   (f"{build}/guests/dummy/initramfs.cpio", "initramfs.cpio")], DUMMY)
    sys.stdout.flush()
    os.execv(f"{build}/tools/hypike", ["hypike", "boot", "--firmware", f"{debian}/seabios",
                                       "--disk", "disk.img", *options])


if __name__ == "__main__":
    main()
