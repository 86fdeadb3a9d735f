# SPDX-License-Identifier: BSD-2-Clause
"""What Debian's Linux costs in a virtual machine, beside the same kernel and initramfs on the same
emulated machine without a hypervisor. guests/bench/linux.c counts inside; the VMM's summary names
the exits. Part of tools/bench.py.
"""
# @req TOOL-012 `make bench` shows what Linux costs: its start, the exits of it by kind, processes, disk
#               and network; with the goals, and beside the machine without HyPike.
import concurrent.futures
import os
import re
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH = os.path.join(SOURCE, "guests", "bench")
# The self-tests of Linux's cryptography have nothing to do with a hypervisor.
QUIET = "console=ttyS0 quiet cryptomgr.notests"
DISK_SIZE = 16 << 20
NATIVE = "without"

# Name, title, goal as a factor of the same without HyPike, unit.
FACTORS = [
    ("linux-boot", "start to /init", 1.05),
    ("linux-fork", "fork, exit, wait", None),
    ("linux-switch", "switch between two processes, by a pipe", None),
]
EXITS_GOAL = 3000
# KVM's factors for the start to /init.
KVM = "KVM and QEMU 1.19, KVM and kvmtool 1.11"


def path(build, *names):
    return os.path.join(build, *names)


def prepare(build):
    """The initramfs with our program; says so where Linux isn't there."""
    debian = path(build, "debian")
    if not os.path.exists(path(debian, "linux")):
        sys.exit(f"bench: {debian}/linux is missing: tools/fetch-guests.sh {build} linux")
    modules = path(debian, "linux-modules")
    with open(path(modules, "order"), encoding="utf-8") as file:
        order = file.read().split()
    files = [("bin/bench", path(build, "guests", "bench", "bench-linux")),
             ("etc/disk", path(BENCH, "linux-disk.sh")), ("etc/net", path(BENCH, "linux-net.sh")),
             ("etc/drivers", path(SOURCE, "guests", "linux", "scripts", "drivers")),
             ("lib/modules/order", path(modules, "order"))]
    files += [(f"lib/modules/{name}.ko", path(modules, f"{name}.ko")) for name in order]
    command = [sys.executable, path(SOURCE, "tools", "initramfs.py"),
               "--busybox", path(debian, "busybox"),
               "--init", path(SOURCE, "guests", "linux", "init"), "-o", initramfs(build)]
    for name, file in files:
        command += ["--file", f"{name}={file}"]
    subprocess.run(command, check=True)


def initramfs(build):
    return path(build, "bench-linux.cpio")


def guest(build, words):
    """Options of `hypike boot` for one Linux machine."""
    return ["--memory", "256M", "--kernel", path(build, "debian", "linux"),
            "--module", initramfs(build), "--cmdline", f"{QUIET} {words}"]


def exits(output):
    """Kind to exits that the driver settled and that the VMM was handed."""
    return {kind.strip(): [int(driver), int(vmm)] for kind, driver, vmm in
            re.findall(r"^vmm:   ([a-z ]+?) +(\d+) +(\d+)\r?$", output, re.MULTILINE)}


def start(build, machine, run):
    """From the VM's start to /init: instructions, exits, and those before the guest's first."""
    output = run(build, machine, *guest(build, "rdinit=/bin/bench -- boot"))
    found = figures(output)
    kinds = exits(output)
    first = re.search(r"^vmm: first instruction after (\d+)\.(\d+) s", output, re.MULTILINE)
    mhz = re.search(r"^hypike: \d+ CPUs?, (\d+) MHz", output, re.MULTILINE)
    if not (kinds.get("all") and first and mhz):
        sys.exit(f"bench: {machine}: Linux's output is not as expected\n{output}")
    found["linux-first"] = int(first.group(1) + first.group(2)) * int(mhz.group(1))
    found["linux-exits"] = sum(kinds["all"])
    return found, kinds


def figures(output):
    return {name: int(value) for name, value in
            re.findall(r"^(?:\w+\| )?bench (linux-[\w-]+) (\d+)\r?$", output, re.MULTILINE)}


def carried(output, name):
    """The figure of a program that may have failed: then its output says why."""
    if name not in figures(output):
        sys.exit(f"bench: no figure for {name}\n{output}")
    return figures(output)


def disk(build, machine, run):
    image = path(build, "bench-disk.img")
    with open(image, "wb") as file:
        file.truncate(DISK_SIZE)
    return carried(run(build, machine, *guest(build, "virtio script=disk"), "--disk", image),
                   "linux-disk")


def net(build, machine, run):
    """Two machines and the switch between them, on one CPU: all of them count."""
    text = "cpus: 1\npartitions:\n"
    for me in (1, 2):
        text += f"""  vm{me}:
    kind: vm
    memory: 96M
    kernel: {os.path.abspath(path(build, "debian", "linux"))}
    cmdline: {QUIET} virtio script=net me={me}
    modules: ["{os.path.abspath(initramfs(build))}"]
    network: [{{cable: cable{me}, mac: "02:00:00:00:00:0{me}"}}]
"""
    text += f"""  switch:
    kind: native
    memory: 1M
    priority: 20
    program: {os.path.abspath(path(build, "services", "switch.elf"))}
    args: cable1,mac=02:00:00:00:00:01 cable2,mac=02:00:00:00:00:02 report=100000 idle=5000
shared:
  cable1: {{size: 64K, map: {{vm1: rw, switch: rw}}}}
  cable2: {{size: 64K, map: {{vm2: rw, switch: rw}}}}
"""
    system = path(build, "bench-net.yaml")
    with open(system, "w", encoding="utf-8") as file:
        file.write(text)
    return carried(run(build, machine, system, "--host-memory", "448M"), "linux-net")


def tasks(build, machine, run, *options):
    """What processes cost; and the start again, which isn't asked for."""
    return figures(run(build, machine, *options, *guest(build, "rdinit=/bin/bench -- tasks")))


def measure(build, run, machines, quick):
    """Figures by machine. `quick`: the start alone."""
    prepare(build)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        starts = {machine: pool.submit(start, build, machine, run) for machine in machines[::-1]}
        more = []
        if not quick and "qemu" in machines:
            more = [pool.submit(what, build, "qemu", run) for what in (disk, net, tasks)]
            native = pool.submit(tasks, build, "qemu", run, "--bare")
        result = {}
        for machine in machines:
            found, kinds = starts[machine].result()
            result[machine] = {"figures": found, "exits": kinds}
        if more:
            result[NATIVE] = {"figures": native.result()}
            for one in more:
                result["qemu"]["figures"].update(
                    {name: value for name, value in one.result().items() if name != "linux-boot"})
            check(result)
    return result


def check(result):
    """No figure may be missing."""
    for where, names in (("qemu", ("linux-boot", "linux-first", "linux-exits", "linux-fork",
                                   "linux-switch", "linux-disk", "linux-net")),
                         (NATIVE, [name for name, *_ in FACTORS])):
        missing = [name for name in names if name not in result[where]["figures"]]
        if missing:
            sys.exit(f"bench: Linux, {where}: no figure for {', '.join(missing)}")


# ---- showing

def mark(good):
    return "" if good else " ✗"


def factor_rows(result):
    """Title, figure, the same without HyPike, factor, goal; and whether it is reached."""
    own, native = result["qemu"]["figures"], result[NATIVE]["figures"]
    for name, title, goal in FACTORS:
        factor = own[name] / native[name]
        yield title, f"{own[name]:,}", f"{native[name]:,}", f"{factor:.2f}", goal, \
            goal is None or factor <= goal


def other_rows(result, titles):
    """What has no counterpart without a hypervisor: title, figure on each machine, goal."""
    machines = [machine for machine in titles if machine in result]
    yield "VM start to the guest's first instruction", [
        f"{result[machine]['figures']['linux-first']:,}" for machine in machines], "-"
    alls = [result[machine]["figures"]["linux-exits"] for machine in machines]
    yield "exits until /init and switched off, all", [
        f"{count:,}{mark(count <= EXITS_GOAL)}" for count in alls], f"{EXITS_GOAL:,}"
    kinds = sorted({kind for machine in machines for kind in result[machine]["exits"]} - {"all"})
    for kind in kinds:
        pairs = [result[machine]["exits"].get(kind, [0, 0]) for machine in machines]
        yield f"- {kind}: settled in the driver, handed to the VMM", [
            f"{driver:,}, {vmm:,}" for driver, vmm in pairs], "-"
    for name, title in (("linux-disk", "virtio disk: bytes read for 1,000 instructions"),
                        ("linux-net", "virtio network, VM to VM: bytes for 1,000 instructions")):
        values = [result[machine]["figures"].get(name) for machine in machines]
        if any(values):
            yield title, [f"{value:,}" if value else "-" for value in values], "-"


def markdown(result, titles):
    lines = []
    if NATIVE in result:
        lines += [f"| Debian's Linux, instructions | {titles['qemu']} | without HyPike | factor | goal |",
                  "|---|--:|--:|--:|--:|"]
        lines += [f"| {title} | {own} | {native} | {factor}{mark(good)} | {goal or '-'} |"
                  for title, own, native, factor, goal, good in factor_rows(result)]
        lines += ["", f"Elsewhere, for a start of the same kernel that takes 1,616 million: {KVM}.", ""]
    machines = [machine for machine in titles if machine in result]
    lines += ["| Debian's Linux | " + " | ".join(titles[machine] for machine in machines) + " | goal |",
              "|---|" + "--:|" * (len(machines) + 1)]
    lines += [f"| {title} | " + " | ".join(values) + f" | {goal} |"
              for title, values, goal in other_rows(result, titles)]
    return "\n".join(lines)
