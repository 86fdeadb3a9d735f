# SPDX-License-Identifier: BSD-2-Clause
"""A real VNC client types and compares the picture: the VMM's text screen, and, on KVM and on HyPike in QEMU, Linux's,
then its framebuffer. @verifies VMM-640 VMM-652"""
from runner.case import SCALE, Case

CLIENT = ("/usr/bin/perl", "{source}/tests/vnc.pl")

# Linux has the text screen until its driver bochs sets the mode. What was on both comes out of the Linux with KVM as
# text.
RUN = ("hypike run -m 256M --vnc 5900 --screenshot shown.png --kernel linux --initrd linux.cpio "
       "--cmdline 'console=ttyS0 quiet cryptomgr.notests script=display'")
SHOOT = "until grep -q 'text: drawn' log; do sleep 1; done; hypike screenshot linux text.png && echo text: shot"
VM = f"relay 5900 & touch log; ({SHOOT}) & ({RUN}; echo $? >status) | tee log; (exit $(cat status))"

# The same on HyPike: all of it on this computer.
HYPIKE_RUN = ("{build}/tools/hypike run --accel hypike -m 256M --vnc PORT --screenshot shown.png --name linux "
              "--kernel {debian}/linux-full --initrd {debian}/linux-full.cpio "
              "--cmdline 'console=ttyS0 quiet cryptomgr.notests script=display'")
HYPIKE_VM = (f"export XDG_RUNTIME_DIR=$PWD; touch log; ({SHOOT.replace('hypike', '{build}/tools/hypike')}) & "
             f"({HYPIKE_RUN}; echo $? >status) | tee log; exit $(cat status)")

CASES = [
    Case("VNC client", "unit",
         [*CLIENT, "60", "640x400,-,shown.png", "--", "{build}/tests/unit/tools/vnc-guest", "PORT", "shown.png"],
         tap=1, timeout=120, builds=("normal",)),
    Case("VNC client, Linux's text screen and framebuffer", "kvm-qemu",
         [*CLIENT, str(int(390 * SCALE)), "640x400,text: shot,text.png", "1024x768,display: drawn,shown.png", "--",
          "/usr/bin/python3",
          "{source}/tests/kvm.py", "--hypike", "{build}/tools/hypike", "--debian", "{debian}", "--work", "{work}",
          "--channel", "PORT", "--lib", "tools/hypike-vnc.so={build}/tools/hypike-vnc.so",
          "--file", "linux={debian}/linux-full",
          "--file", "linux.cpio={debian}/linux-full.cpio", "--", f"vm:{VM}",
          *(f"{name}:echo {name}.png:; base64 {name}.png; echo" for name in ("text", "shown"))],
         expect=(r"^# text: typed hello, world 42$", r"^# display: 0 bochs-drmdrmfb, 1024,768",
                 r"^# display: typed hello, world 42$",
                 "^# check: the kernel has not complained", r"^# kvm: vm ends with status 0$"),
         tap=1, timeout=400, builds=("normal",)),
    Case("VNC client, Linux's text screen and framebuffer", "qemu-svm",
         [*CLIENT, str(int(200 * SCALE)), "640x400,text: shot,text.png", "1024x768,display: drawn,shown.png", "--",
          "/bin/sh", "-c", HYPIKE_VM],
         expect=(r"^# text: typed hello, world 42$", r"^# display: 0 bochs-drmdrmfb, 1024,768",
                 r"^# display: typed hello, world 42$", "^# check: the kernel has not complained"),
         tap=1, timeout=220, builds=("normal",)),
]
