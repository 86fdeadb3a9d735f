# SPDX-License-Identifier: BSD-2-Clause
"""Linux with virtio devices: tests/virtio.py makes the systems, guests/linux/scripts has what runs inside.

@verifies VMM-084
@verifies VMM-500
@verifies VMM-505
@verifies VMM-510
@verifies VMM-511
@verifies VMM-512
@verifies LIB-041
"""
import hashlib

from runner.case import BOOT, ICOUNT, SCALE, Case

SCRIPT = ["/usr/bin/python3", "{source}/tests/virtio.py", "{build}", "{debian}"]

# What tests/virtio.py puts into the disk, and what the network carries.
DATA = hashlib.md5(b"".join(hashlib.sha256(n.to_bytes(4, "little")).digest()
                            for n in range(65536))).hexdigest()
SENT = hashlib.md5(b"y" * 1000000).hexdigest()
# What the devices have counted, by the same names on HyPike and on KVM.
COUNTED = (r"^vmm:   virtio-console .*doorbells \d+, interrupts \d+, bytes sent \d+",
           r"^vmm:   virtio-rng .*bytes received \d+",
           r"^vmm:   virtio-block   .*interrupts \d+, read requests \d+, bytes read [4-9]\d{6}",
           r"^vmm:   virtio-block 2 .*, write requests \d+, bytes written \d+, flushes \d+")
OFF = (r"^vmm: switched off by the guest", r"^hypike: exit status 0$")


def _case(name, machine, what, *options, timeout=150, **rest):
    return Case(name, machine, [*SCRIPT, what, *BOOT[machine], "--timeout", str(timeout * SCALE),
                                *options], timeout=timeout + 15, builds=("normal",), **rest)


def _disk(machine, *options, name="Linux with virtio disks, console and rng", timeout=150):
    return _case(name, machine, "disk", *options, timeout=timeout, expect=(
        r"^disk: disk\.img, 8192 sectors, read-only 1", f"^disk: data {DATA}",
        "^disk: vda is not written to", f"^disk: vdb's data {DATA}",
        "^disk: vdb kept what was written", "^disk: read from end to end", "^disk: virtio_rng",
        "^disk: this is the virtio console", r"virtio\d-req", "^check: the kernel has not complained",
        OFF[0], *COUNTED, OFF[1]))


CASES = [
    _disk("qemu-svm", ICOUNT),
    _disk("qemu-svm", ICOUNT, "--split", name="Linux with virtio disks, split rings"),
    _disk("bochs-vmx", timeout=400),
    _case("a shell on the virtio console", "qemu-svm", "hvc", ICOUNT,
          dialog=((r"hvc0\$ ", "echo $((6 * 7)) from $(tty)\n"), (r"hvc0\$ ", "exit\n")),
          expect=("^42 from /dev/hvc0", "^hvc: it has ended", *OFF)),
    _case("Linux and a native program", "qemu-svm", "line", ICOUNT, expect=(
        r"^linux\| line: MESSAGE 1 FROM LINUX$", r"^linux\| line: MESSAGE 20 FROM LINUX$",
        r"^linux\| .* ttyS1", r"^linux\| vmm: switched off by the guest", r"^hypike: exit status 0$")),
    _case("two Linux VMs and a switch", "qemu-svm", "net", ICOUNT, expect=(
        r"^vm1\| 3 packets transmitted, 3 packets received", rf"^vm2\| net: got {SENT}",
        r"^vm1\| 2 packets transmitted, 0 packets received",
        r"^vm1\| vmm:   virtio-net .*frames sent \d+, bytes sent 1\d{6}, .*frames received \d+, bytes received \d+",
        r"^hypike: exit status 0$"), timeout=240),
]
