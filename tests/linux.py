#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots a Linux that works, with a disk, both consoles and a network, next to a second one that answers there.

DEBIAN has the kernels and their initramfs (tools/fetch-guests.sh). Files are made in the working directory;
what is not described below goes to `hypike boot`.
"""
import argparse
import os

from virtio import disk_make, run

VM = """
  {name}:
    kind: vm
    memory: {memory}
    vcpus: {vcpus}
    kernel: {debian}/{kernel}
    cmdline: console=ttyS0 quiet cryptomgr.notests {cmdline}
    modules: ["{debian}/{kernel}.cpio"]
    priority: {priority}
    network: [{{cable: cable-{name}, mac: "02:00:00:00:00:0{number}"}}]
"""

SWITCH = """
  switch:
    kind: native
    memory: 1M
    priority: 20
    program: {build}/services/switch.elf
    args: cable-linux,mac=02:00:00:00:00:01 cable-peer,mac=02:00:00:00:00:02 idle=60000
    service: true
shared:
  cable-linux: {{size: 64K, map: {{linux: rw, switch: rw}}}}
  cable-peer: {{size: 64K, map: {{peer: rw, switch: rw}}}}
"""


def work(options):
    """A configuration: one at work, one that answers, the switch between them."""
    disk_make()
    text = f"cpus: {options.cpus}\npartitions:"
    text += VM.format(name="linux", number=1, priority=16, memory="224M", vcpus=options.vcpus,
                      kernel=options.kernel, cmdline=f"script=work load={options.load}",
                      debian=options.debian)
    text += "    disks: [disk.img]\n    virtio-console: true\n    rng: true\n"
    # Who never halts keeps those of its priority from running.
    text += VM.format(name="peer", number=2, priority=17, memory="96M", vcpus=1, kernel="linux",
                      cmdline="virtio script=peer", debian=options.debian)
    return text + SWITCH.format(build=options.build)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("build")
    parser.add_argument("debian")
    parser.add_argument("--kernel", default="linux", help="its name in DEBIAN")
    parser.add_argument("--cpus", type=int, default=1, help="CPUs of the machine")
    parser.add_argument("--vcpus", type=int, default=1, help="CPUs of the Linux that works")
    parser.add_argument("--load", type=int, default=1, help="processes on each of them")
    return parser.parse_known_args()


def main():
    options, rest = parse_arguments()
    hypike = f"{options.build}/tools/hypike"
    with open("system.yaml", "w", encoding="utf-8") as file:
        file.write(work(options))
    run(hypike, "build", "--system-image", "-o", "system.img", "system.yaml")
    os.execv(hypike, [hypike, "boot", "system.img", "--console", "linux", *rest])


if __name__ == "__main__":
    main()
