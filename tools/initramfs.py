#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes an initramfs for Linux guests: busybox, a list of files, and an /init that runs a script.

Usage: tools/initramfs.py --busybox FILE [--file PATH=FILE]... [--init FILE] -o INITRAMFS

The archive is cpio's "newc" format (Linux: Documentation/driver-api/early-userspace/buffer-format.rst),
uncompressed: the same input gives the same bytes.
"""
import argparse
import sys

DIRECTORIES = ("bin", "dev", "etc", "lib", "mnt", "proc", "root", "sys", "tmp")
S_IFDIR, S_IFREG, S_IFCHR, S_IFLNK = 0o040000, 0o100000, 0o020000, 0o120000


class Archive:
    """A cpio archive in memory."""

    def __init__(self):
        self._bytes = bytearray()
        self._inode = 0

    def _pad(self):
        self._bytes += bytes(-len(self._bytes) % 4)

    def add(self, name, mode, data=b"", device=(0, 0)):
        """Adds one entry; its directory must be there."""
        self._inode += 1
        encoded = name.encode() + b"\0"
        # inode, mode, uid, gid, links, mtime, size, dev major and minor, rdev major and minor,
        # length of the name, checksum
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
        self._bytes += b"070701" + b"".join(b"%08X" % field for field in fields)
        self._bytes += encoded
        self._pad()
        self._bytes += data
        self._pad()

    def directory(self, name):
        self.add(name, S_IFDIR | 0o755)

    def file(self, name, data, mode=0o755):
        self.add(name, S_IFREG | mode, data)

    def link(self, name, target):
        self.add(name, S_IFLNK | 0o777, target.encode())

    def finish(self):
        self.add("TRAILER!!!", 0)
        return bytes(self._bytes)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def parents(name):
    """All directories above a file, the highest first."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def build(busybox, init, files):
    archive = Archive()
    known = set(DIRECTORIES)
    for name in DIRECTORIES:
        archive.directory(name)
    archive.add("dev/console", S_IFCHR | 0o600, device=(5, 1))
    archive.file("bin/busybox", busybox)
    archive.link("bin/sh", "busybox")
    archive.file("init", init)
    for name, data in files:
        for directory in parents(name):
            if directory not in known:
                known.add(directory)
                archive.directory(directory)
        archive.file(name, data)
    return archive.finish()


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--busybox", required=True, metavar="FILE")
    parser.add_argument("--init", required=True, metavar="FILE", help="becomes /init")
    parser.add_argument("--file", action="append", default=[], metavar="PATH=FILE",
                        help="put FILE there")
    parser.add_argument("-o", "--output", required=True, metavar="INITRAMFS")
    return parser.parse_args()


def main():
    args = options()
    files = []
    for text in args.file:
        name, _, path = text.partition("=")
        files.append((name.lstrip("/"), read(path)))
    with open(args.output, "wb") as file:
        file.write(build(read(args.busybox), read(args.init), files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
