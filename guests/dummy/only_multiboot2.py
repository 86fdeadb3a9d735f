#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Takes the Multiboot 1 header out of a kernel that has both: only_multiboot2.py IN OUT."""
import struct
import sys

MAGIC = 0x1BADB002


def main():
    with open(sys.argv[1], "rb") as file:
        kernel = bytearray(file.read())
    for at in range(0, 8192, 4):
        magic, flags, checksum = struct.unpack_from("<3I", kernel, at)
        if magic == MAGIC and (magic + flags + checksum) % 2**32 == 0:
            kernel[at:at + 12] = bytes(12)
            break
    else:
        sys.exit(f"{sys.argv[1]}: no Multiboot 1 header")
    with open(sys.argv[2], "wb") as file:
        file.write(kernel)


if __name__ == "__main__":
    main()
