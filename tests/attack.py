#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots the attack guest in a VM that has every device there is:
tests/attack.py BUILD [linux=DEBIAN] [act=NAME] [OPTION...]

The second serial line has a native program behind it. Beside all this runs a dummy kernel, which must not
notice anything; or Linux out of the directory DEBIAN (tools/fetch-guests.sh), with its check script. Files
are made in the working directory; OPTIONs go to `hypike boot`.
"""
import os
import sys

SYSTEM = """
cpus: 1
partitions:
  attack:
    kind: vm
    memory: 64M
    kernel: {build}/guests/attack/attack.elf
    cmdline: "{act}"
    disks: [{{file: disk.img, mode: overlay}}]
    rng: true
    virtio-console: true
    network: [{{cable: cable, mac: "02:00:00:00:00:01"}}]
    serial2: {{in: answers, out: words}}
    vmm-options: ["--trace-absent", "--display"]
{watch}  shout:
    kind: native
    program: {build}/examples/shout.elf
    service: true
    priority: 20
channels:
  words: {{kind: queuing, max-message: 64, depth: 8, from: attack.words, to: [shout.in]}}
  answers: {{kind: queuing, max-message: 64, depth: 8, from: shout.out, to: [attack.answers]}}
shared:
  cable: {{size: 64K, map: {{attack: rw, shout: rw}}}}
"""

DUMMY = """
  watch:
    kind: vm
    memory: 64M
    priority: 24
    kernel: {build}/guests/dummy/dummy.elf
    service: true
    cmdline: tests=boot,cpu,trap,ring3,paging,process loop=10
    modules: ["{build}/guests/dummy/initramfs.cpio"]
"""

LINUX = """
  watch:
    kind: vm
    memory: 96M
    priority: 24
    kernel: {debian}/linux
    cmdline: console=ttyS0 quiet cryptomgr.notests script=check
    modules: ["{debian}/linux.cpio"]
"""


def main():
    build, *options = sys.argv[1:]
    debian = options.pop(0)[len("linux="):] if options and options[0].startswith("linux=") else ""
    act = options.pop(0) if options and options[0].startswith("act=") else ""
    with open("disk.img", "wb") as file:
        file.write(bytes(range(256)) * 256)
    with open("system.yaml", "w", encoding="utf-8") as file:
        watch = (LINUX if debian else DUMMY).format(build=build, debian=debian)
        file.write(SYSTEM.format(build=build, act=act, watch=watch))
    hypike = f"{build}/tools/hypike"
    os.execv(hypike, [hypike, "boot", "system.yaml", *options])


if __name__ == "__main__":
    main()
