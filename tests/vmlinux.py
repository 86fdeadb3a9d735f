#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots the ELF file inside a bzImage by its PVH entry: tests/vmlinux.py BUILD BZIMAGE [OPTION...]

The payload is where the setup header says ("The Linux/x86 Boot Protocol", payload_offset). `vmlinux` is made in the
working directory; OPTIONs go to `hypike boot`.
"""
import gzip
import lzma
import os
import struct
import subprocess
import sys

SECTOR = 512
SETUP_SECTS, PAYLOAD = 0x1F1, 0x248


def lz4(packed):
    return subprocess.run(["lz4", "-d", "-c", "-"], input=packed, stdout=subprocess.PIPE,
                          check=True).stdout


KINDS = ((b"\x02\x21\x4c\x18", lz4), (b"\xfd7zXZ\x00", lzma.decompress),
         (b"\x1f\x8b", gzip.decompress))


def payload(image):
    start = (image[SETUP_SECTS] + 1) * SECTOR
    offset, length = struct.unpack_from("<2I", image, PAYLOAD)
    return image[start + offset:start + offset + length]


def unpack(packed):
    for magic, decompress in KINDS:
        if packed.startswith(magic):
            # The last four bytes are the size, for the kernel's own unpacker.
            return decompress(packed[:-4])
    sys.exit(f"tests/vmlinux.py: unknown compression {packed[:6].hex()}")


def main():
    build, bzimage, *options = sys.argv[1:]
    with open(bzimage, "rb") as file:
        vmlinux = unpack(payload(file.read()))
    with open("vmlinux", "wb") as file:
        file.write(vmlinux)
    print(f"vmlinux has {len(vmlinux)} bytes", flush=True)
    os.execv(f"{build}/tools/hypike",
             ["hypike", "boot", "--kernel", "vmlinux", *options])


if __name__ == "__main__":
    main()
