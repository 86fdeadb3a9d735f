# SPDX-License-Identifier: BSD-2-Clause
"""A real VNC client types and compares the picture: the VMM's text screen, and Linux on its framebuffer, on KVM.
@verifies VMM-640"""
from runner.case import SCALE, Case

CLIENT = ("/usr/bin/perl", "{source}/tests/vnc.pl")

# Linux's driver bochs sets the mode; the picture that it has at its end comes out of the Linux with KVM as text.
RUN = ("hypike run -m 256M --vnc 5900 --screenshot shown.png --kernel linux --initrd linux.cpio "
       "--cmdline 'console=ttyS0 quiet cryptomgr.notests script=display'")

CASES = [
    Case("VNC client", "unit",
         [*CLIENT, "640x400", "-", "60", "{build}/tests/unit/tools/vnc-guest", "PORT", "shown.png"],
         tap=1, timeout=120, builds=("normal",)),
    Case("VNC client, Linux on the framebuffer", "kvm-qemu",
         [*CLIENT, "1024x768", "display: drawn", str(int(390 * SCALE)), "/usr/bin/python3",
          "{source}/tests/kvm.py", "--hypike", "{build}/tools/hypike", "--debian", "{debian}", "--work", "{work}",
          "--channel", "PORT", "--lib", "tools/hypike-vnc.so={build}/tools/hypike-vnc.so",
          "--file", "linux={debian}/linux-full",
          "--file", "linux.cpio={debian}/linux-full.cpio", "--", f"vm:relay 5900 & {RUN}",
          "picture:echo shown.png:; base64 shown.png; echo"],
         expect=(r"^# display: 0 bochs-drmdrmfb, 1024,768", r"^# display: typed hello, world 42$",
                 "^# check: the kernel has not complained", r"^# kvm: vm ends with status 0$"),
         tap=1, timeout=400, builds=("normal",)),
]
