#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a system image (include/hypike/system.h) of native partitions, for tests.

pack.py -o IMAGE NAME:PROGRAM.elf [option=value ...] ...
Options of the partition before them: ram, kernel, cpus, threads, vcpus, priority, flags, kind, args,
file=PATH (repeatable). Sizes take K and M.
"""
import struct
import sys

PAGE = 4096
PARTITION = {"ram": 0, "kernel": 0, "cpus": 0xFFFFFFFF, "threads": 16, "vcpus": 0,
             "priority": 32, "flags": 0, "kind": 2, "args": ""}


def crc32c(data):
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def number(text):
    scale = {"K": 1 << 10, "M": 1 << 20}.get(text[-1], 1)
    return int(text[:-1] if scale != 1 else text, 0) * scale


def parse(words):
    partitions = []
    for word in words:
        if "=" not in word:
            name, program = word.split(":", 1)
            partitions.append(dict(PARTITION, name=name, program=program, files=[]))
            continue
        key, value = word.split("=", 1)
        if key == "file":
            partitions[-1]["files"].append(value)
        else:
            partitions[-1][key] = value if key == "args" else number(value)
    return partitions


def align(n, to):
    return (n + to - 1) // to * to


class Image:
    def __init__(self):
        self.strings = b"\0"
        self.files = []

    def string(self, text):
        if not text:
            return 0
        self.strings += text.encode() + b"\0"
        return len(self.strings) - len(text.encode()) - 1

    def file(self, path, suffix=""):
        with open(path, "rb") as f:
            self.files.append((self.string(path.rsplit("/", 1)[-1] + suffix), f.read()))
        return len(self.files) - 1

    def build(self, partitions):
        rows = b""
        for p in partitions:
            program = self.file(p["program"])
            first = len(self.files)
            for number_of_file, path in enumerate(p["files"]):
                self.file(path, f"-{number_of_file}" if number_of_file else "")
            rows += struct.pack("<32sQQQ10I", p["name"].encode(), p["ram"], p["kernel"], p["cpus"],
                                p["kind"], p["flags"], program, self.string(p["args"]), first,
                                len(p["files"]), p["threads"], p["vcpus"], p["priority"], 0)
        strings_at = 40 + 3 * 24
        files_at = align(strings_at + len(self.strings), 8)
        rows_at = files_at + 24 * len(self.files)
        meta = rows_at + len(rows)
        at = align(meta, PAGE)
        table, data = b"", b""
        for name, content in self.files:
            table += struct.pack("<IIQQ", name, crc32c(content), at + len(data), len(content))
            data += content + bytes(-len(content) % PAGE)
        directory = (struct.pack("<IIQII", 1, 1, strings_at, len(self.strings), 0)
                     + struct.pack("<IIQII", 2, 24, files_at, len(self.files), 0)
                     + struct.pack("<IIQII", 3, 96, rows_at, len(partitions), 0))
        body = struct.pack("<IQQII", 1, at + len(data), meta, 3, 0) + directory
        body += self.strings
        body += bytes(files_at - 12 - len(body)) + table + rows
        head = b"HyPikeSy" + struct.pack("<I", crc32c(body)) + body
        return head + bytes(at - len(head)) + data


def main():
    if len(sys.argv) < 4 or sys.argv[1] != "-o":
        sys.exit(__doc__)
    with open(sys.argv[2], "wb") as out:
        out.write(Image().build(parse(sys.argv[3:])))


main()
