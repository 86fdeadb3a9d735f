#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots Linux in company: tests/linux.py work|windows|attacked BUILD DEBIAN [OPTION...]

work      a Linux with a disk, both consoles and a network, and a second one that answers there
windows   two Linuxes and a dummy kernel, each in its time windows
attacked  a Linux that checks a file over and over, beside virtual machines that do what is forbidden

DEBIAN has the kernels and their initramfs (tools/fetch-guests.sh). Files are made in the working directory;
what --help doesn't list goes to `hypike boot`.
"""
import argparse
import os
import subprocess
import sys

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
"""

NETWORK = '    network: [{{cable: cable-{name}, mac: "02:00:00:00:00:0{number}"}}]\n'

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

# With `stolen-time: hidden` its clock stands still in other partitions' windows, so that it can be strict.
DUMMY = """
  dummy:
    kind: vm
    memory: 32M
    kernel: {build}/guests/dummy/dummy.elf
    cmdline: tests=boot,cpu,ring3,paging,device,timer,process,apic loop=10
    modules: ["{build}/guests/dummy/initramfs.cpio"]
    stolen-time: hidden
    service: true
"""

PLANS = """
plans:
  main:
    frame: 10ms
    cpus:
      0:
        windows:
          - {partition: one, duration: 4ms}
          - {partition: dummy, duration: 2ms}
          - {partition: two, duration: 4ms}
trace:
  records: 64K
"""

BAD = """
  {name}:
    kind: vm
    memory: 16M
    kernel: {build}/guests/{kernel}
    cmdline: "{cmdline}"
    vmm-options: ["--test-device", "--rng"]
    restart: {{kind: cold, limit: 1000}}
    service: true
"""


def linux(options, name, cmdline, memory="96M", vcpus=1, kernel="linux", priority=16):
    return VM.format(name=name, cmdline=cmdline, memory=memory, vcpus=vcpus, kernel=kernel,
                     priority=priority, debian=options.debian)


def work(options):
    """One at work, one that answers, the switch between them."""
    disk_make()
    return "".join((
        linux(options, "linux", f"script=work load={options.load}", "224M", options.vcpus,
              options.kernel),
        NETWORK.format(name="linux", number=1),
        "    disks: [disk.img]\n    virtio-console: true\n    rng: true\n",
        # Who never halts keeps those of its priority from running.
        linux(options, "peer", "virtio script=peer", priority=17),
        NETWORK.format(name="peer", number=2), SWITCH.format(build=options.build)))


def windows(options):
    return "".join((linux(options, "one", "script=check"), linux(options, "two", "script=check"),
                    DUMMY.format(build=options.build), PLANS))


def attacked(options):
    """Those that do no good have a third of its CPU; they go on until it has ended."""
    disk_make()
    bad = (("attack", "attack/attack.elf", ""), ("fuzz1", "fuzz/fuzz.elf", "seed=1 count=5000"),
           ("fuzz2", "fuzz/fuzz.elf", "seed=2 count=5000"))
    text = linux(options, "linux", "virtio script=sums") + "    disks: [disk.img]\n"
    for name, kernel, cmdline in bad:
        text += BAD.format(name=name, kernel=kernel, cmdline=cmdline, build=options.build)
    turns = "".join(f"""
          - {{partition: linux, duration: 2ms}}
          - {{partition: {name}, duration: 1ms}}""" for name, *_ in bad)
    return text + f"plans:\n  main:\n    frame: 9ms\n    cpus:\n      0:\n        windows:{turns}\n"


SYSTEMS = {"work": (work, ["--console", "linux"]), "windows": (windows, []), "attacked": (attacked, [])}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("what", choices=SYSTEMS)
    parser.add_argument("build")
    parser.add_argument("debian")
    parser.add_argument("--kernel", default="linux", help="work: its name in DEBIAN")
    parser.add_argument("--cpus", type=int, default=1, help="CPUs of the machine")
    parser.add_argument("--vcpus", type=int, default=1, help="work: CPUs of the Linux at work")
    parser.add_argument("--load", type=int, default=1, help="work: processes on each of them")
    parser.add_argument("--check", metavar="TIME",
                        help="record a trace; no window may begin later than that")
    return parser.parse_known_args()


def main():
    options, rest = parse_arguments()
    hypike = f"{options.build}/tools/hypike"
    make, more = SYSTEMS[options.what]
    with open("system.yaml", "w", encoding="utf-8") as file:
        file.write(f"cpus: {options.cpus}\npartitions:" + make(options))
    run(hypike, "build", "--system-image", "-o", "system.img", "system.yaml")
    # The image doesn't say for how many CPUs it is.
    boot = [hypike, "boot", "system.img", "--cpus", str(options.cpus), *more, *rest]
    if not options.check:
        os.execv(hypike, boot)
    status = subprocess.run([*boot, "--trace", "trace"], check=False).returncode
    run(hypike, "trace", "--check", "system.yaml", "--bound", options.check, "trace")
    return status


if __name__ == "__main__":
    sys.exit(main())
