# SPDX-License-Identifier: BSD-2-Clause
"""What `hypike run` costs on KVM: in a Debian Linux with kvm_amd on QEMU's emulated AMD-V (tests/kvm.py),
where time counts executed instructions, those of KVM and of that Linux among them; beside QEMU as the VMM
of the same guest, there. Part of tools/bench.py.
"""
# @req TOOL-013 `make bench` shows what a virtual machine on KVM costs: round trips, Linux's start, memory
#               beyond the guest's, the start to the first instruction; with the goals, and beside QEMU.
import os
import re
import subprocess
import sys
import tempfile

import bench_linux

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIMEOUT = 1200
QEMU = "/usr/bin/qemu-system-x86_64"
# What QEMU loads into the machine, and where Debian has it.
FIRMWARE = {"bios-microvm.bin": "seabios", "bios-256k.bin": "seabios", "linuxboot_dma.bin": "qemu",
            "pvh.bin": "qemu", "kvmvapic.bin": "qemu"}
GUEST_KIB = 128 << 10

# Name in the guest's output, title, name in kvm.json, goal.
ROWS = [
    ("port-driver", "port without a device: KVM's and Linux's own share of the next two", None, None),
    ("port-vmm-out", "port settled in the VMM, write", "port-vmm", 3500),
    ("port-vmm-in", "port settled in the VMM, read", "port-vmm", 3500),
    ("memory-vmm-write", "memory-mapped, settled in the VMM, write", "memory-vmm", 5500),
    ("memory-vmm-read", "memory-mapped, settled in the VMM, read", "memory-vmm", 5500),
]
BOOT_GOAL = 1.08
MEMORY_GOAL = 5 << 10
VMMS = {"hypike": "HyPike", "pc": "QEMU pc", "microvm": "QEMU microvm"}

# The start that KVM's figures elsewhere are of (1,616 million instructions without a hypervisor).
BOOT_MEMORY = "512M"
BOOT = "console=ttyS0 quiet rdinit=/bin/bench -- boot"
SHELL = "console=ttyS0 quiet cryptomgr.notests"


def vmm(name, memory, words):
    """The command that starts that Linux."""
    if name == "hypike":
        return f"hypike run --kernel linux -m {memory} --initrd bench.cpio --summary --cmdline '{words}'"
    machine = "pc" if name == "pc" else "microvm,rtc=on"
    return (f"timeout 10 ./qemu -L . -nodefaults -no-user-config -display none -no-reboot -accel kvm -cpu host "
            f"-M {machine} -m {memory} -serial stdio -kernel linux -initrd bench.cpio -append '{words}'")


def whole(name):
    """From the command to its end, by Linux's clock, in hundredths of a second."""
    return (f"read a b </proc/uptime; {vmm(name, BOOT_MEMORY, BOOT)}; read c d </proc/uptime; "
            f"echo; echo bench linux-whole $((${{c%.*}}${{c#*.}} - ${{a%.*}}${{a#*.}}))")


def memory(name):
    """What the VMM's process has in memory, in KiB, without the guest's, which is the largest piece."""
    count = ("awk '/^Size:/ {size = $2} /^Pss:/ && size < " + str(GUEST_KIB) +
             " {sum += $2} END {print \"\\nbench kvm-memory\", sum}' /proc/$!/smaps")
    return f"{vmm(name, f'{GUEST_KIB}K', SHELL)} & sleep 2.5; {count}; kill $!; wait"


def commands():
    yield "trips", "hypike run --kernel bench.elf --summary --vmm-option --test-device --cmdline test-device"
    for name in VMMS:
        yield f"whole-{name}", whole(name)
        yield f"memory-{name}", memory(name)


def run(build):
    """The output of that Linux, in which our commands run."""
    files = {"bench.elf": ("guests", "bench", "bench.elf"), "linux": ("debian", "linux"),
             "bench.cpio": ("bench-linux.cpio",)}
    with tempfile.TemporaryDirectory(prefix="hypike-bench-") as work:
        command = [sys.executable, os.path.join(SOURCE, "tests", "kvm.py"),
                   "--hypike", os.path.join(build, "tools", "hypike"),
                   "--debian", os.path.join(build, "debian"), "--work", work, "--lib", f"qemu={QEMU}"]
        for name, where in files.items():
            command += ["--file", f"{name}={os.path.join(build, *where)}"]
        for name, folder in FIRMWARE.items():
            command += ["--file", f"{name}=/usr/share/{folder}/{name}"]
        command += ["--", *(f"{name}:{text}" for name, text in commands())]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace",
                                  check=False, timeout=TIMEOUT)
        except subprocess.TimeoutExpired as late:
            sys.exit(f"bench: KVM: not done after {TIMEOUT} s\n{late.stdout}")
    return done.stdout


def parts(output):
    """The output of each command, by its name."""
    return dict(re.findall(r"^kvm: (\S+) begins\r?$(.*?)^kvm: \1 ends", output, re.MULTILINE | re.DOTALL))


def found(text):
    return {name: int(value) for name, value in re.findall(r"^bench ([\w-]+) (\d+)\r?$", text, re.MULTILINE)}


def native(build, boot):
    """The same start without a hypervisor."""
    output = boot(build, "qemu", "--bare", "--memory", BOOT_MEMORY, "--kernel", os.path.join(build, "debian", "linux"),
                  "--module", bench_linux.initramfs(build), "--cmdline", BOOT)
    return bench_linux.carried(output, "linux-boot")["linux-boot"]


def measure(build, boot):
    """Figures: those of round trips by name, those of each VMM by its name; in instructions but the memory.
    Needs bench_linux.prepare(). `boot` boots a machine and returns its output."""
    output = run(build)
    part = parts(output)
    figures = {"trips": found(part.get("trips", "")), "native": native(build, boot)}
    for name in VMMS:
        figures[name] = {**found(part.get(f"whole-{name}", "")), **found(part.get(f"memory-{name}", ""))}
        if "linux-whole" in figures[name]:
            figures[name]["linux-whole"] *= 10_000_000 # at 1 GHz
    first = re.search(r"^vmm: first instruction after (\d+)\.(\d+) s", part.get("whole-hypike", ""), re.MULTILINE)
    missing = [name for name, *_ in ROWS if name not in figures["trips"]]
    missing += [f"{name}: {what}" for name in VMMS for what in ("linux-boot", "linux-whole", "kvm-memory")
                if what not in figures[name]]
    if missing or not first:
        sys.exit(f"bench: KVM: no figure for {', '.join(missing) or 'the start'}\n{output}")
    figures["hypike"]["kvm-first"] = int(first.group(1) + first.group(2)) * 1000 # of microseconds, at 1 GHz
    return figures


# ---- showing

def rows(figures, other):
    """Title, figure, the same of QEMU's machines, goal; and whether it is reached. `other`: QEMU's figures by name."""
    for name, title, elsewhere, goal in ROWS:
        value = figures["trips"][name]
        yield (title, [f"{value:,}", f"{other[elsewhere]:,}" if elsewhere else "-", "-"], f"{goal:,}" if goal else "-",
               goal is None or value <= goal)
    factors = [figures[name]["linux-boot"] / figures["native"] for name in VMMS]
    yield (f"Linux ({BOOT_MEMORY}): start to /init, as a factor of the same without a hypervisor",
           [f"{factor:.2f}" for factor in factors], BOOT_GOAL, factors[0] <= BOOT_GOAL)
    yield ("the same Linux, from the command to its end, with switching off: million instructions",
           [f"{figures[name]['linux-whole'] // 1_000_000:,}" for name in VMMS], "-", True)
    yield ("memory beyond the guest's, with Linux at its shell",
           [f"{figures[name]['kvm-memory']:,} KiB" for name in VMMS],
           f"{MEMORY_GOAL:,} KiB", figures["hypike"]["kvm-memory"] <= MEMORY_GOAL)
    yield "VM start to Linux's first instruction", [f"{figures['hypike']['kvm-first']:,}", "-", "-"], "-", True


def markdown(figures, other):
    lines = ["| `hypike run` on KVM (AMD-V, QEMU), instructions | " + " | ".join(VMMS.values()) + " | goal |",
             "|---|--:|--:|--:|--:|"]
    for title, values, goal, good in rows(figures, other):
        lines.append(f"| {title} | {values[0]}{bench_linux.mark(good)} | {values[1]} | {values[2]} | {goal} |")
    lines += ["", "All three run in the same Linux. Debian 12 has no kvmtool: its factor for this start was measured "
              "elsewhere, as 1.11, where QEMU pc's was 1.19."]
    return "\n".join(lines)
