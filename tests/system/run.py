# SPDX-License-Identifier: BSD-2-Clause
"""`hypike run`: virtual machines on Linux, by KVM. Machine kvm-qemu is a Debian Linux with kvm_amd on QEMU's
emulated AMD-V, kvm-bochs the same with kvm_intel on Bochs's VT-x; machine kvm is the /dev/kvm of this computer, where
that runs guests: where it doesn't, its tests are counted as skipped, with the reason.
@verifies VMM-600 VMM-601 VMM-602 VMM-603 VMM-604 TOOL-130 TOOL-131 TOOL-132 TOOL-133 TOOL-134 VMM-607 VMM-608
VMM-119"""
import hashlib
import re
import subprocess

from runner.case import Case
from system.virtio import COUNTED, DATA

FILES = {
    "dummy.elf": "{build}/guests/dummy/dummy.elf",
    "initramfs.cpio": "{build}/guests/dummy/initramfs.cpio",
    "attack.elf": "{build}/guests/attack/attack.elf",
    "gnumach": "{debian}/gnumach",
    "linux": "{debian}/linux",
    "linux.cpio": "{debian}/linux.cpio",
}

ATTACK_FILE = FILES["attack.elf"]

# Statuses of a VMM: vmm/status.h.
TRIPLE_FAULT, HALTED, RESET, TIMEOUT, PANIC = 204, 205, 206, 207, 210

DUMMY = "hypike run --kernel dummy.elf --module initramfs.cpio"
BOOT_TEST = "hypike run --kernel dummy.elf --cmdline tests=boot"
ATTACK = "hypike run --kernel attack.elf --vmm-option --rng --cmdline"
LINUX = ("hypike run -m 256M --kernel linux --initrd linux.cpio --cmdline "
         "'console=ttyS0 quiet cryptomgr.notests script={script}'")


# QEMU's AMD-V delivers an interrupt that KVM injects once more where a timer of QEMU's is due before the guest's first
# exit (docs/testing.md): Linux then waits for its own lock. Without KVM's paravirtual end of interrupt that exit is an
# early one, and this rare; and the dummy kernel is not to count interrupts by the thousand. On VT-x, in Bochs, there is
# nothing of that, and all is tested.
FEW_INTERRUPTS = " --cmdline tests=boot,cpu,trap,ring3,paging,device,timer,process,smp"
NET_CMDLINE = "console=ttyS0 quiet cryptomgr.notests virtio"
MILLION_Y = hashlib.md5(b"y" * 1000000).hexdigest()
THIRD_Y = hashlib.md5(b"y" * 300000).hexdigest()
THIRD_Z = hashlib.md5(b"z" * 300000).hexdigest()


# A VM with every kind of thread, as root: what each may do still.
TAP = ("echo nameserver 127.0.0.1 >/etc/resolv.conf; "
       "hypike run -m 128M --kernel linux --initrd linux.cpio --net tap=tap0 --net user --vnc /tmp/vnc "
       "--serial unix=/tmp/console --cmdline '" + NET_CMDLINE + " nopv script=tap' & "
       "sleep 1; ip addr add 10.7.0.1/24 dev tap0; ip link set tap0 up; "
       "for task in /proc/$(pidof hypike)/task/*; do echo \"thread $(cat $task/comm):\" "
       "$(grep -E 'NoNewPrivs|CapEff|CapPrm|Seccomp:' $task/status); done; "
       "sleep 10 | timeout 200 nc -l -p 7000 | md5sum; "
       "wait %1; echo ended $?; grep ^Udp: /proc/net/snmp")


def _confined(text):
    """All but the one that opens files before and after, and that has no privileges either."""
    threads = re.findall(r"^thread (.*?): *(.*?)\s*$", text, re.M)
    names = {name for name, _ in threads}
    free = [name for name, status in threads if not status.endswith("Seccomp: 2")]
    if free != ["hypike"] or not {"events", "net", "vcpu 00"} <= names or len(threads) < 8:
        return f"threads that aren't confined: {free}, of {threads}"
    if not all(status.startswith("CapPrm: 0000000000000000 CapEff: 0000000000000000 NoNewPrivs: 1")
               for _, status in threads):
        return f"threads with privileges: {threads}"
    return None


def _in_linux(name, runs, files, *options, machine="kvm-qemu", check_more=None, **rest):
    """runs: name, shell command, and the status that it ends with."""
    def check(text, _work):
        for run, _command, status in runs:
            if not re.search(rf"^kvm: {run} ends with status {status}$", text, re.M):
                return f"{run} did not end with status {status}"
        return check_more(text) if check_more else None
    command = ["{source}/tests/kvm.py", "--on", machine.removeprefix("kvm-"), "--hypike", "{build}/tools/hypike",
               "--debian", "{debian}", "--work", "{work}", *options]
    for file in files:
        command += ["--file", f"{file}={FILES[file]}"]
    command += ["--", *(f"{run}:{text}" for run, text, _ in runs)]
    return Case(name, machine, command, check=check, builds=("normal",), **rest)


def _no_kvm(paths):
    done = subprocess.run([paths["build"] + "/tools/hypike", "run", "--probe"],
                          stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() if done.returncode else None


def cannot_open(paths):
    """There need not be all that a kernel needs."""
    said = _no_kvm(paths)
    return said if said and ("No such" in said or "denied" in said) else None


def _here(name, *options, **rest):
    return Case(name, "kvm", ["{build}/tools/hypike", "run", "--accel", "kvm", *options], skip=_no_kvm,
                builds=("normal",), **rest)


def _tool(name, *options, **rest):
    return Case(name, "tool", ["{build}/tools/hypike", "run", *options], builds=("normal",), **rest)


CASES = [
    _here("dummy", "--kernel", FILES["dummy.elf"], "--module", FILES["initramfs.cpio"], tap=1),
    _here("Linux", "-m", "256M", "--kernel", FILES["linux"], "--initrd", FILES["linux.cpio"],
          "--cmdline", "console=ttyS0 quiet cryptomgr.notests script=check",
          expect=(r"^init: check ended with status 0", r"^vmm: switched off by the guest")),
    # However it ends. It waits for a debugger, so no KVM has to be good at anything.
    *(Case(f"the terminal after {name}", "kvm",
           ["{source}/tests/terminal.py", name, "{build}/tools/hypike", "run", "--accel", "kvm",
            "--gdb", "unix:{work}/gdb,wait", "--kernel", FILES["dummy.elf"]],
           skip=cannot_open, builds=("normal",)) for name in ("SIGTERM", "SIGHUP", "SIGINT", "SIGUSR2")),
    *(Case(f"the terminal after {name} in each confined thread", "kvm",
           ["{source}/tests/terminal.py", "--confined", name, "{build}/tools/hypike", "run", "--accel", "kvm",
            "--gdb", "unix:{work}/gdb%n,wait", "--vnc", "{work}/vnc%n", "--net", "user", "--kernel",
            FILES["dummy.elf"]],
           skip=cannot_open, timeout=60, builds=("normal",)) for name in ("SIGSYS", "SIGSEGV")),
    # Whatever this computer's KVM is: the same machine, on HyPike.
    _tool("run on HyPike", "--accel", "hypike", "--kernel", ATTACK_FILE, "--cmdline", "act=triple-idt",
          expect=(r"triple fault", r"^hypike: exit status 204"), status=TRIPLE_FAULT, timeout=60),
    # What HyPike in QEMU cannot do is said, all of it, before anything starts; disks in memory it can.
    _tool("run on HyPike, what is refused", "--accel", "hypike", "--kernel", ATTACK_FILE,
          "--disk", "/dev/null", status=202, expect=("--disk /dev/null: neither a file nor a block device",)),
    Case("run on HyPike, a disk that is too large", "tool",
         ["/bin/sh", "-c", "truncate -s 513M large && {build}/tools/hypike run --accel hypike --kernel "
          "{build}/guests/attack/attack.elf --disk large"], status=202,
         expect=("--disk large: it has 513 MiB, but on HyPike in QEMU a disk is in memory, and 512 MiB are the most",),
         builds=("normal",)),
    Case("disks that nobody would write to", "tool",
         ["/bin/sh", "-c", "echo x >disk && {build}/tools/hypike boot --dry-run --kernel "
          "{build}/guests/attack/attack.elf --disk disk,link=0"], status=3,
         expect=("--disk disk,link: nobody would write to it",), builds=("normal",)),
    Case("run on HyPike, disks", "tool",
         ["/bin/sh", "-c", "PYTHONPATH={source}/tests python3 -c 'import virtio; virtio.disk_make()' && "
          "{build}/tools/hypike run --accel hypike -m 96M --kernel {debian}/linux --initrd {debian}/linux.cpio "
          "--disk disk.img,ro --disk disk.img,overlay --rng --virtio-console "
          "--cmdline 'console=ttyS0 quiet cryptomgr.notests virtio script=disk'"],
         expect=(f"^disk: data {DATA}", "^disk: vda is not written to", "^disk: vdb kept what was written",
                 "^check: the kernel has not complained", "^hypike: exit status 0"),
         timeout=200, builds=("normal",)),
    Case("run on HyPike, the link", "tool",
         ["/usr/bin/python3", "{source}/tests/link.py", "{build}/tools/hypike", "{debian}"],
         tap=1, timeout=200, builds=("normal",)),
    Case("progress, and --json on HyPike", "tool",
         ["/usr/bin/python3", "{source}/tests/progress.py", "{build}/tools/hypike", ATTACK_FILE, "{work}"],
         tap=1, timeout=60, builds=("normal",)),
    _tool("run, what is refused", "--accel", "none", "--kernel", "x", status=200,
          expect=("--accel none: there are auto, kvm, hypike and model",)),
    _tool("run without a kernel", status=200, expect=("give FILE or --kernel",)),
    _tool("run with a configuration", "--accel", "kvm", "--dry-run", "--cpus", "1",
          "{source}/tests/kvm/vm.yaml",
          expect=(r'^--memory "33554432" --vcpus "1" --cmdline "act=halt" --rng --no-summary '
                  r'--kernel "vm.yaml" --module "vm.yaml-1 a b"$',)),
    _tool("run with a configuration that is wrong", "{source}/tests/kvm/init", status=200,
          expect=("init:",)),
    _tool("run without its file", "--accel", "hypike", "--kernel", "/nowhere", status=202,
          expect=("/nowhere: No such file",)),
    *(_in_linux("dummy, 1 and 2 vCPUs",
                [("probe", "hypike run --probe", 0), ("dummy", DUMMY + tests, 0),
                 ("dummy-2", DUMMY + " --cpus 2" + tests, 0)],
                ("dummy.elf", "initramfs.cpio"), machine=machine, tap=2, timeout=300)
      for machine, tests in (("kvm-qemu", FEW_INTERRUPTS), ("kvm-bochs", ""))),
    _in_linux("attack",
              [(group, f"{ATTACK} act={group}", 0)
               for group in ("device", "memory")] +
              [("triple-idt", f"{ATTACK} act=triple-idt", TRIPLE_FAULT),
               ("halt", f"{ATTACK} act=halt", HALTED),
               ("reset", f"{ATTACK} act=reset-cf9", RESET)],
              ("attack.elf",), tap=2, timeout=300),
    _in_linux("attack, virtio", [("virtio", f"{ATTACK} act=virtio", 0)], ("attack.elf",), tap=1, timeout=300),
    # Small ones, together: another Linux for each would take longer than they do.
    _in_linux("GNU Mach, consoles",
              [("mach", "hypike run --kernel gnumach --cmdline console=com0 --timeout 2", TIMEOUT),
               ("file", BOOT_TEST + " --serial file=/tmp/out && grep -q '^1[.][.]' /tmp/out", 0),
               ("none", BOOT_TEST + " --serial none", 0),
               ("pty", BOOT_TEST + " --serial pty", 0),
               ("unix", f"({BOOT_TEST} --serial unix=/tmp/console --timeout 5 & sleep 1; "
                        "wait $!)", 0)],
              ("gnumach", "dummy.elf"),
              expect=(r"^GNU Mach 1\.8", r"No bootstrap code", "hypike: the console is /dev/pts/"),
              timeout=300),
    _in_linux("Linux", [("linux", LINUX.format(script="check"), 0),
                        ("panic", LINUX.format(script="panic virtio") + " --json", PANIC)],
              ("linux", "linux.cpio"),
              expect=(r"^init: Linux 6\.", r"^check: 1 of 1 CPUs run",
                      r"^check: clock source (tsc|kvm-clock)",
                      r"^check: the kernel has not complained",
                      r"^init: check ended with status 0",
                      r"^vmm: switched off by the guest",
                      r"^panic: .*/pvpanic-mmio/QEMU0001:00", r"sysrq triggered crash",
                      r"^vmm: the guest has panicked",
                      r'^{"event": "end", "status": 210, "reason": "panic"}'), timeout=300),
    # The second disk is written to, and stays so; what nobody writes to stays as it is.
    _in_linux("Linux with disks",
              [("copy", "cp disk.img copy.img && md5sum disk.img >sum", 0),
               ("linux", "hypike run -m 256M --kernel linux --initrd linux.cpio --rng "
                         "--virtio-console --disk disk.img,ro --disk copy.img --summary --cmdline "
                         "'console=ttyS0 quiet cryptomgr.notests virtio script=disk'", 0),
               ("same", "md5sum -c sum", 0), ("other", "cmp -s disk.img copy.img", 1),
               ("locked", "(hypike run -m 256M --kernel linux --disk copy.img --serial none --timeout 4 & "
                          "sleep 1; hypike run --kernel linux --disk copy.img)", 202)],
              ("linux", "linux.cpio"), "--disk", expect=(
                  r"^disk: disk\.img, 8192 sectors, read-only 1", f"^disk: data {DATA}",
                  "^disk: vda is not written to", f"^disk: vdb's data {DATA}",
                  "^disk: vdb kept what was written", "^disk: read from end to end",
                  "^disk: virtio_rng", "^disk: this is the virtio console",
                  "^check: the kernel has not complained", *COUNTED, "another program has it open"),
              timeout=400),
    # The user's network: to the host, and from one of its ports.
    _in_linux("Linux on the user's network",
              [("linux", "hypike run -m 128M --kernel linux --initrd linux.cpio --net "
                         "user,forward=tcp:2222:22 --cmdline '" + NET_CMDLINE + " script=user' & "
                         "sleep 10 | timeout 60 nc -l -p 7000 | md5sum; "
                         "head -c 300000 /dev/zero | tr '\\000' z | timeout 60 nc 127.0.0.1 2222; wait $!", 0)],
              ("linux", "linux.cpio"), expect=(
                  "^2 packets transmitted, 2 packets received", f"{MILLION_Y}  -",
                  f"user: got {THIRD_Z}"), timeout=400, machine="kvm-bochs"),
    _in_linux("Linux on a TAP interface, and what threads may do", [("linux", TAP, 0)], ("linux", "linux.cpio"),
              "--lib", "tools/hypike-vnc.so={build}/tools/hypike-vnc.so", timeout=400, check_more=_confined,
              # Nobody answers the question for a name: what counts is that it came.
              expect=("^thread", f"{THIRD_Y}  -", "^ended 0", r"^Udp: \d+ [1-9]")),
    _in_linux("two Linux on a wire",
              [("linux", "hypike run -m 96M --kernel linux --initrd linux.cpio --net "
                         "socket=/tmp/wire --cmdline '" + NET_CMDLINE + " nopv script=net me=2 peer=1' & "
                         "sleep 1; hypike run -m 96M --kernel linux --initrd linux.cpio --net "
                         "socket=/tmp/wire --cmdline '" + NET_CMDLINE + " nopv script=net me=1 peer=2'; "
                         "wait $!", 0)],
              ("linux", "linux.cpio"),
              expect=("^3 packets transmitted, 3 packets received",), timeout=400,
              check_more=lambda text: None if f"net: got {MILLION_Y}" in text else "not all came",
              long=True),
]
