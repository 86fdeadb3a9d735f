#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Packs files into a newc cpio archive, with a MANIFEST of their CRC-32C in front.

Usage: pack.py ARCHIVE FILE...

The same files give the same archive: names are base names, in the order given, times are zero.
"""
import os
import sys

POLYNOMIAL = 0x82F63B78  # CRC-32C, reflected
MODE_FILE = 0o100755


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def padded(data):
    return data + bytes(-len(data) % 4)


def entry(number, name, data, mode=MODE_FILE):
    name = name.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    header = b"070701" + b"".join(b"%08x" % f for f in fields)
    return padded(header + name) + padded(data)


def main(archive, paths):
    files = []
    for path in paths:
        with open(path, "rb") as f:
            files.append((os.path.basename(path), f.read()))
    manifest = "".join(f"{crc32c(data):08x} {name}\n" for name, data in files)
    files.insert(0, ("MANIFEST", manifest.encode()))
    with open(archive, "wb") as f:
        for number, (name, data) in enumerate(files, 1):
            f.write(entry(number, name, data))
        f.write(entry(0, "TRAILER!!!", b"", 0))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
