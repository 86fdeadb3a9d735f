# SPDX-License-Identifier: BSD-2-Clause
"""What `hypike run` costs on KVM: in a Debian Linux with kvm_amd on QEMU's emulated AMD-V (tests/kvm.py),
where time counts executed instructions, those of KVM and of that Linux among them. Part of tools/bench.py.
"""
# @req TOOL-013 `make bench` shows what a virtual machine on KVM costs: round trips, Linux's start, memory
#               beyond the guest's, the start to the first instruction; with the goals, and QEMU's figures.
import os
import re
import subprocess
import sys
import tempfile

import bench_linux

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIMEOUT = 1200
GUEST_KIB = 128 << 10

# Name in the guest's output, title, name in kvm.json, goal.
ROWS = [
    ("port-vmm-out", "port settled in the VMM, write", "port-vmm", 3500),
    ("port-vmm-in", "port settled in the VMM, read", "port-vmm", 3500),
    ("memory-vmm-write", "memory-mapped, settled in the VMM, write", "memory-vmm", 5500),
    ("memory-vmm-read", "memory-mapped, settled in the VMM, read", "memory-vmm", 5500),
]
BOOT_GOAL = 1.08
BOOT_ELSEWHERE = "QEMU 1.19, kvmtool 1.11"
MEMORY_GOAL = 5 << 10

QUIET = bench_linux.QUIET
RUN = "hypike run --kernel"
# What the VMM's process has in memory, in KiB, without the guest's, which is the largest piece.
MEMORY = ("awk '/^Size:/ {size = $2} /^Pss:/ && size < " + str(GUEST_KIB) +
          " {sum += $2} END {print \"\\nbench kvm-memory\", sum}' /proc/$!/smaps")
COMMANDS = [
    ("trips", f"{RUN} bench.elf --summary --vmm-option --test-device --cmdline test-device"),
    ("linux", f"{RUN} linux -m 256M --initrd bench.cpio --cmdline '{QUIET} rdinit=/bin/bench -- boot'"),
    ("memory", f"{RUN} linux -m {GUEST_KIB}K --initrd bench.cpio --timeout 3 --cmdline '{QUIET}' & "
               f"sleep 2.5; {MEMORY}; wait"),
]


def run(build):
    """The output of that Linux, in which our commands run."""
    files = {"bench.elf": ("guests", "bench", "bench.elf"), "linux": ("debian", "linux"),
             "bench.cpio": ("bench-linux.cpio",)}
    with tempfile.TemporaryDirectory(prefix="hypike-bench-") as work:
        command = [sys.executable, os.path.join(SOURCE, "tests", "kvm.py"),
                   "--hypike", os.path.join(build, "tools", "hypike"),
                   "--debian", os.path.join(build, "debian"), "--work", work]
        for name, where in files.items():
            command += ["--file", f"{name}={os.path.join(build, *where)}"]
        command += ["--", *(f"{name}:{text}" for name, text in COMMANDS)]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace",
                                  check=False, timeout=TIMEOUT)
        except subprocess.TimeoutExpired as late:
            sys.exit(f"bench: KVM: not done after {TIMEOUT} s\n{late.stdout}")
    return done.stdout


def measure(build):
    """Figures by name, all in instructions but the memory. Needs bench_linux.prepare()."""
    output = run(build)
    figures = {name: int(value) for name, value in
               re.findall(r"^bench ([\w-]+) (\d+)\r?$", output, re.MULTILINE)}
    first = re.search(r"^vmm: first instruction after (\d+)\.(\d+) s", output, re.MULTILINE)
    missing = [name for name in [*(name for name, *_ in ROWS), "linux-boot", "kvm-memory"]
               if name not in figures]
    if missing or not first:
        sys.exit(f"bench: KVM: no figure for {', '.join(missing) or 'the start'}\n{output}")
    figures["kvm-first"] = int(first.group(1) + first.group(2)) * 1000 # of microseconds, at 1 GHz
    return figures


# ---- showing

def rows(figures, native, other):
    """Title, figure, the same elsewhere, goal; and whether it is reached. `native`: Linux's start without a
    hypervisor, in instructions, or None; `other`: QEMU's figures as VMM, by name."""
    for name, title, elsewhere, goal in ROWS:
        yield title, f"{figures[name]:,}", f"{other[elsewhere]:,}", f"{goal:,}", figures[name] <= goal
    if native:
        factor = figures["linux-boot"] / native
        yield ("Linux: start to /init, as a factor of the same without a hypervisor", f"{factor:.2f}",
               BOOT_ELSEWHERE, BOOT_GOAL, factor <= BOOT_GOAL)
    yield ("memory beyond the guest's, with Linux at its shell", f"{figures['kvm-memory']:,} KiB", "-",
           f"{MEMORY_GOAL:,} KiB", figures["kvm-memory"] <= MEMORY_GOAL)
    yield "VM start to the guest's first instruction", f"{figures['kvm-first']:,}", "-", "-", True


def markdown(figures, native, other):
    lines = ["| `hypike run` on KVM (AMD-V, QEMU), instructions | HyPike | QEMU | goal |", "|---|--:|--:|--:|"]
    lines += [f"| {title} | {own}{bench_linux.mark(good)} | {elsewhere} | {goal} |"
              for title, own, elsewhere, goal, good in rows(figures, native, other)]
    return "\n".join(lines)
