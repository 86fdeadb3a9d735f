#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots Linux with virtio devices: tests/virtio.py BUILD DEBIAN disk|hvc|net|line [OPTION...]

DEBIAN has `linux` and `linux.cpio` (tools/fetch-guests.sh). Files are made in the working directory; OPTIONs
go to `hypike boot`, but for --split: VMMs with split rings alone, as they say.
"""
import hashlib
import os
import subprocess
import sys

DATA = b"".join(hashlib.sha256(n.to_bytes(4, "little")).digest() for n in range(65536))  # 2 MiB


def run(*command):
    subprocess.run(command, check=True)


def disk_make():
    """An image with one file, the same each time."""
    os.makedirs("files", exist_ok=True)
    with open("files/data", "wb") as file:
        file.write(DATA)
    run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", "files", "disk.img",
        "4M")


def vm(name, debian, cmdline, more, split):
    """A partition of the configuration."""
    options = '\n    vmm-options: ["--virtio-split"]' if split else ""
    return f"""
  {name}:
    kind: vm
    memory: 96M
    kernel: {debian}/linux
    cmdline: console=ttyS0 quiet cryptomgr.notests virtio {cmdline}
    modules: ["{debian}/linux.cpio"]{options}
{more}"""


def disk(_build, debian, split):
    disk_make()
    return "partitions:" + vm("linux", debian, "script=disk", """
    disks: [disk.img, {file: disk.img, mode: overlay}]
    rng: true
    virtio-console: true
""", split)


def hvc(_build, debian, split):
    return "partitions:" + vm("linux", debian, "script=hvc", "    virtio-console: true\n", split)


def net(build, debian, split):
    text = "partitions:"
    for me, peer in ((1, 2), (2, 1)):
        text += vm(f"vm{me}", debian, f"script=net me={me} peer={peer}",
                   f'    network: [{{cable: cable{me}, mac: "02:00:00:00:00:0{me}"}}]\n', split)
    ports = " ".join(f"cable{n},mac=02:00:00:00:00:0{n}" for n in (1, 2))
    text += f"""
  switch:
    kind: native
    memory: 1M
    priority: 20
    program: {build}/services/switch.elf
    args: {ports} report=1000 idle=30000
shared:
"""
    for n in (1, 2):
        text += f"  cable{n}: {{size: 64K, map: {{vm{n}: rw, switch: rw}}}}\n"
    return text


def line(build, debian, split):
    """No virtio: the second serial line, with a native program behind it."""
    return "partitions:" + vm("linux", debian, "script=line", """
    serial2: {in: answers, out: words}
""", split) + f"""
  shout:
    kind: native
    program: {build}/examples/shout.elf
    service: true
channels:
  words: {{kind: queuing, max-message: 64, depth: 8, from: linux.words, to: [shout.in]}}
  answers: {{kind: queuing, max-message: 64, depth: 8, from: shout.out, to: [linux.answers]}}
"""


def main():
    build, debian, what, *options = sys.argv[1:]
    split = "--split" in options
    options = [option for option in options if option != "--split"]
    hypike = f"{build}/tools/hypike"
    text = {"disk": disk, "hvc": hvc, "net": net, "line": line}[what](build, debian, split)
    with open("system.yaml", "w", encoding="utf-8") as file:
        file.write(f"cpus: 1\nmemory: 400M\n{text}")
    run(hypike, "build", "--system-image", "-o", "system.img", "system.yaml")
    os.execv(hypike, [hypike, "boot", "system.img", "--host-memory", "448M", *options])


if __name__ == "__main__":
    main()
