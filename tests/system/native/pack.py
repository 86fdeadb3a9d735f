#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a system image (include/hypike/system.h) of native partitions, for tests: also of systems that `hypike build`
refuses, so that the kernel has to.

pack.py -o IMAGE NAME:PROGRAM.elf [option=value ...] ...
Options of the partition before them: ram, kernel, cpus, threads, vcpus, priority, flags, kind, args,
file=PATH (repeatable). Sizes take K and M.
Of the system, anywhere (names of partitions as given): plan=NAME,FRAME_NS
window=PLAN,CPU,PARTITION,OFFSET_NS,DURATION_NS[,FLAGS]  channel=NAME,KIND,MAX_MESSAGE
port=PARTITION,NAME,CHANNEL,DIRECTION[,DEPTH[,REFRESH_NS]]  region=NAME,SIZE
share=REGION,PARTITION,FLAGS  device=PARTITION,KIND,BASE,SIZE
health=PARTITION|-,ERROR,ACTION[,ARGUMENT]  trace=RECORDS
Kinds, directions, errors and actions by their numbers in system.h.
"""
import struct
import sys

PAGE = 4096
PARTITION = {"ram": 0, "kernel": 0, "cpus": 0xFFFFFFFFFFFFFFFF, "threads": 16, "vcpus": 0,
             "priority": 32, "flags": 0, "kind": 2, "args": "", "watchdog": 0}
SYSTEM = ("plan", "window", "channel", "port", "region", "share", "device", "health", "trace")


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
    system = {key: [] for key in SYSTEM}
    for word in words:
        if "=" not in word:
            name, program = word.split(":", 1)
            partitions.append(dict(PARTITION, name=name, program=program, files=[]))
            continue
        key, value = word.split("=", 1)
        if key in SYSTEM:
            system[key].append(value.split(","))
        elif key == "file":
            partitions[-1]["files"].append(value)
        else:
            partitions[-1][key] = value if key == "args" else number(value)
    return partitions, system


def tables(partitions, system):
    """(type, entry size, entries) of the tables that are there."""
    def index(rows, name):
        return [row[0] for row in rows].index(name)

    def partition(name):
        return 0xFFFFFFFF if name == "-" else [p["name"] for p in partitions].index(name)

    def numbers(values, count):
        return [number(value) for value in values] + [0] * (count - len(values))

    windows = sorted((index(system["plan"], w[0]), number(w[1]), number(w[3]), w)
                     for w in system["window"])
    rows = {kind: [] for kind in range(4, 13)}
    for plan, (name, frame) in enumerate(system["plan"]):
        mine = [i for i, w in enumerate(windows) if w[0] == plan]
        rows[4].append(struct.pack("<32sQII", name.encode(), number(frame),
                                   mine[0] if mine else 0, len(mine)))
    for _, cpu, offset, w in windows:
        duration, flags = numbers(w[4:], 2)
        rows[5].append(struct.pack("<QQIIII", offset, duration, cpu, partition(w[2]), flags, 0))
    for name, kind, size in system["channel"]:
        rows[6].append(struct.pack("<32sII", name.encode(), number(kind), number(size)))
    for owner, name, channel, *rest in system["port"]:
        direction, depth, refresh = numbers(rest, 3)
        rows[7].append(struct.pack("<32sIIIIQ", name.encode(), partition(owner),
                                   index(system["channel"], channel), direction, depth, refresh))
    for name, size in system["region"]:
        rows[8].append(struct.pack("<32sQ", name.encode(), number(size)))
    for region, owner, flags in system["share"]:
        rows[9].append(struct.pack("<IIII", index(system["region"], region), partition(owner),
                                   number(flags), 0))
    for owner, *rest in system["device"]:
        rows[10].append(struct.pack("<IIQQ", partition(owner), *numbers(rest, 3)))
    for owner, *rest in system["health"]:
        rows[11].append(struct.pack("<IIII", partition(owner), *numbers(rest, 3)))
    for (records,) in system["trace"]:
        rows[12].append(struct.pack("<II", number(records), 0))
    return [(kind, len(entries[0]), entries) for kind, entries in rows.items() if entries]


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

    def build(self, partitions, system):
        rows = []
        for p in partitions:
            program = self.file(p["program"])
            first = len(self.files)
            for number_of_file, path in enumerate(p["files"]):
                self.file(path, f"-{number_of_file}" if number_of_file else "")
            rows.append(struct.pack("<32sQQQ10IQQ", p["name"].encode(), p["ram"], p["kernel"],
                                    p["cpus"], p["kind"], p["flags"], program,
                                    self.string(p["args"]), first, len(p["files"]), p["threads"],
                                    p["vcpus"], p["priority"], 0, p["watchdog"], 0))
        files, data = [], b""
        for name, content in self.files:
            files.append((name, crc32c(content), len(data), len(content)))
            data += content + bytes(-len(content) % PAGE)
        all_tables = [(1, 1, [self.strings]), (2, 24, None), (3, len(rows[0]), rows)]
        all_tables += tables(partitions, system)
        at, directory = 40 + 24 * len(all_tables), b""
        for kind, size, entries in all_tables:
            count = (len(self.strings) if kind == 1 else
                     len(files) if kind == 2 else len(entries))
            at = align(at, 8)
            directory += struct.pack("<IIQII", kind, size, at, count, 0)
            at += size * count
        meta = at
        data_at = align(meta, PAGE)
        body = struct.pack("<IQQII", 1, data_at + len(data), meta, len(all_tables), 0) + directory
        for kind, size, entries in all_tables:
            if kind == 2:
                entries = [struct.pack("<IIQQ", name, crc, data_at + offset, length)
                           for name, crc, offset, length in files]
            body += bytes(-(len(body) + 12) % 8) + b"".join(entries)
        head = b"HyPikeSy" + struct.pack("<I", crc32c(body)) + body
        return head + bytes(data_at - len(head)) + data


def main():
    if len(sys.argv) < 4 or sys.argv[1] != "-o":
        sys.exit(__doc__)
    with open(sys.argv[2], "wb") as out:
        out.write(Image().build(*parse(sys.argv[3:])))


main()
