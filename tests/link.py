#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""`hypike run` on HyPike in QEMU, as TAP: a Linux there reaches this computer's network and is reached at a forwarded
port; what it writes to its disks is in their files, or in an overlay's. Its shell is typed to on the console meanwhile.

Usage: tests/link.py HYPIKE DEBIAN
@verifies TOOL-151 TOOL-152 VMM-651 VMM-660
"""
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time

import tree

UP, DOWN = b"y" * 150000, b"z" * 80000
PROMPT = b"/ # "


class Machine:
    """A run of hypike whose console is a pipe."""

    def __init__(self, hypike, debian, *options):
        self.program = subprocess.Popen(  # pylint: disable=consider-using-with
            [hypike, "run", "--accel", "hypike", "-m", "96M", "--kernel", debian + "/linux", "--initrd",
             debian + "/linux.cpio", "--cmdline", "console=ttyS0 quiet cryptomgr.notests virtio", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.text = b""

    def read_to(self, what):
        """@return what came before it; None: it never came."""
        begin = len(self.text)
        while what not in self.text[begin:]:
            piece = os.read(self.program.stdout.fileno(), 4096)
            if not piece:
                return None
            self.text += piece
        return self.text[begin:].decode("utf-8", "replace")

    def type(self, command):
        """@return what it says"""
        self.program.stdin.write(command.encode() + b"\n")
        self.program.stdin.flush()
        return self.read_to(PROMPT) or ""

    def end(self):
        """@return the status"""
        self.program.stdin.write(b"poweroff -f\n")
        self.program.stdin.flush()
        self.read_to(b"no such text")
        return self.program.wait()


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def listen():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    got = []

    def receive():
        connection, _ = listener.accept()
        with connection:
            while piece := connection.recv(65536):
                got.append(piece)
    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    return listener.getsockname()[1], thread, got


def send(port):
    """To the guest, as soon as somebody listens there."""
    for _ in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(DOWN)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)
            return
        except OSError:
            time.sleep(0.2)


def network(machine, forwarded):
    """@return points: a name, and None or what was wrong"""
    port, thread, got = listen()
    machine.type("ip addr add 10.0.2.15/24 dev eth0; ip link set lo up; ip link set eth0 up")
    said = machine.type("ping -c 2 10.0.2.2 | grep packets")
    yield "the network answers", None if "2 packets received" in said else said
    begin = time.monotonic()
    machine.type(f"head -c {len(UP)} /dev/zero | tr '\\000' y | nc 10.0.2.2 {port}")
    thread.join(10)
    print(f"# {len(UP) / 1024 / (time.monotonic() - begin):.0f} KiB/s out of the machine")
    yield "what it sends arrives", None if b"".join(got) == UP else f"{sum(map(len, got))} bytes did"
    begin = time.monotonic()
    threading.Thread(target=send, args=[forwarded], daemon=True).start()
    said = machine.type("nc -l -p 22 | md5sum")
    print(f"# {len(DOWN) / 1024 / (time.monotonic() - begin):.0f} KiB/s into it")
    yield "what is sent to its port arrives", None if hashlib.md5(DOWN).hexdigest() in said else said


def read(name):
    with open(name, "rb") as file:
        return file.read()


def disks_make():
    content = b"".join(hashlib.sha256(n.to_bytes(4, "little")).digest() for n in range(32000))
    for name in ("written.img", "kept.img"):
        with open(name, "wb") as file:
            file.write(content)
    if os.path.exists("overlay"):
        os.remove("overlay")
    return content


def disks(machine, content, command):
    """@return points"""
    said = machine.type("md5sum /dev/vda /dev/vdb")
    yield "the disks have what is in the files", (
        None if said.count(hashlib.md5(content).hexdigest()) == 2 else said)
    wanted = b"w" * 200000
    said = machine.type(f"head -c {len(wanted)} /dev/zero | tr '\\000' w | dd of=/dev/vda bs=1000 seek=100 "
                        "conv=notrunc; echo overlay >/dev/vdb; sync")
    file = read("written.img")
    good = file == content[:100000] + wanted + content[100000 + len(wanted):] and read("overlay")[:7] == b"overlay"
    yield "what was written and flushed is in the files", None if good else said
    done = subprocess.run([*command, "--disk", "written.img"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    yield "a second machine may not write to them", (
        None if done.returncode == 202 and "another program has it open" in done.stdout else done.stdout)
    machine.type("echo last >/dev/vda") # no more flush


def points(hypike, debian):
    forwarded = free_port()
    content = disks_make()
    machine = Machine(hypike, debian, "--net", f"user,forward=tcp:{forwarded}:22", "--disk", "written.img",
                      "--disk", "kept.img,overlay=overlay")
    if machine.read_to(PROMPT) is None:
        yield "Linux has a shell", machine.text[-2000:].decode("utf-8", "replace")
        return
    yield from network(machine, forwarded)
    yield from disks(machine, content, [hypike, "run", "--accel", "hypike", "--kernel", debian + "/linux"])
    status = machine.end()
    yield "it ends well", None if status == 0 else f"status {status}"
    yield "at its end all that was written is in the file", None if read("written.img")[:5] == b"last\n" else "no"
    yield "a disk under an overlay is as it was", None if read("kept.img") == content else "it isn't"


def main():
    return tree.print_tap(list(points(*sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
