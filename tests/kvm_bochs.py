# SPDX-License-Identifier: BSD-2-Clause
"""The machine of tests/kvm.py that is Bochs: booted from an ISO by GRUB, with a serial line that is its console and
another one that is a client's channel."""
import os
import re
import socket
import subprocess
import sys
import threading
import tty

# Of Bochs's CPUs one that has nearly all of VT-x, as machine bochs-vmx.
CPU = "corei7_skylake_x"
# Instructions in a second of its clock. With few, exits take so much of a second that nothing can be measured in a VM;
# with many, a serial line takes for ever.
IPS, IPS_CHANNEL = 500000000, 50000000
# Its CPUID names a rate of the TSC that it doesn't have. With XSAVE a VM's vector registers aren't kept:
# docs/testing.md.
CMDLINE = "{given} tsc_early_khz={khz} tsc=reliable noxsave"

RC = """config_interface: textconfig
display_library: term
vga: update_freq=1, realtime=0
memory: guest=1024, host=1024
romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model={cpu}, count=1, ips={ips}
clock: sync=none, time0=1000000000
ata0-master: type=cdrom, path="{work}/boot.iso", status=inserted
boot: cdrom
com1: enabled=1, mode=term, dev={console}
com2: enabled=1, mode=term, dev={channel}
plugin_ctrl: speaker=false
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
log: "{work}/bochs.log"
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
"""
OFF = "ACPI control: soft power off"


def grub_iso(args, archive, cmdline):
    """A loader that has its commands built in, and what it loads."""
    work = args.work
    with open(f"{work}/grub.cfg", "w", encoding="ascii") as file:
        file.write(f"linux /kernel {cmdline}\ninitrd /initrd\nboot\n")
    subprocess.run(["grub-mkimage", "-O", "i386-pc-eltorito", "-p", "/", "-d", "/usr/lib/grub/i386-pc",
                    "-c", f"{work}/grub.cfg", "-o", f"{work}/core.img", "iso9660", "linux", "biosdisk"], check=True)
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-b", "boot.img", "-no-emul-boot", "-boot-load-size", "4",
                    "-boot-info-table", "--grub2-boot-info", "-graft-points", "-o", f"{work}/boot.iso",
                    f"/boot.img={work}/core.img", f"/kernel={args.debian}/linux", f"/initrd={archive}"],
                   stderr=subprocess.DEVNULL, check=True)


class Line:
    """A serial line of Bochs's: this end of it, and the name of the other."""

    def __init__(self):
        self.end, self._other = os.openpty()
        tty.setraw(self._other)
        self.name = os.ttyname(self._other)

    def copy_to(self, descriptor):
        """Until there is nothing more."""
        while data := read(self.end):
            os.write(descriptor, data)


def read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""


class Channel:
    """Whoever connects to a socket is connected with one line; another is told when he comes and goes."""

    def __init__(self, path, line, told):
        self.line, self.told, self.client = line, told, None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        for work in (self.serve, self.answer):
            threading.Thread(target=work, daemon=True).start()

    def serve(self):
        while True:
            self.client, _ = self.listener.accept()
            os.write(self.told, b"up\n")
            while data := read(self.client.fileno()):
                os.write(self.line, data)
            os.write(self.told, b"down\n")

    def answer(self):
        while data := read(self.line):
            try:
                self.client.sendall(data)
            except (AttributeError, OSError):  # nobody is there (any more)
                pass


def run(args, archive, cmdline):
    """Prints what comes from the console. @return 0 when Linux has switched it off"""
    ips = IPS_CHANNEL if args.channel else IPS
    grub_iso(args, archive, CMDLINE.format(given=cmdline, khz=ips // 1000))
    console, second = Line(), Line()
    with open(f"{args.work}/bochsrc", "w", encoding="ascii") as file:
        file.write(RC.format(cpu=CPU, ips=ips, work=args.work, console=console.name, channel=second.name))
    with open(f"{args.work}/bochs-commands", "w", encoding="ascii") as file:
        file.write("c\n")
    if args.channel:
        Channel(args.channel, second.end, console.end)
    threading.Thread(target=console.copy_to, args=(sys.stdout.fileno(),), daemon=True).start()
    subprocess.run(["bochs", "-q", "-f", f"{args.work}/bochsrc", "-rc", f"{args.work}/bochs-commands"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={**os.environ, "TERM": "xterm"}, check=False)
    with open(f"{args.work}/bochs.log", encoding="ascii", errors="replace") as file:
        panics = re.findall(r">>PANIC<< (.*)", file.read())
    if OFF in panics:
        return 0
    print(f"kvm: Bochs has ended: {panics}")
    return 1
