#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measures what a virtual machine costs: runs guests/bench on the emulated machines and puts the
figures beside KVM's and beside the goals. And what a message between partitions costs
(tests/system/native/ports/costs.c). `make bench` calls this.

All figures are executed instructions, never time: QEMU counts them with -icount, Bochs always.
"""
# @req TOOL-010 `make bench` shows each measurement on each machine with KVM's figure and the goal,
#               and fails where one is missing.
# @req TOOL-011 A path that has become more than 15 % longer than recorded fails the tests.
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

import bench_kvm
import bench_linux

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KVM_FILE = os.path.join(SOURCE, "guests", "bench", "kvm.json")
LIMITS_FILE = os.path.join(SOURCE, "guests", "bench", "limits.json")
MARKERS = ("<!-- bench: written by tools/bench.py -->", "<!-- bench end -->")
TOLERANCE = 1.15
TIMEOUT = 900

# Name for `hypike boot --on`, title, options.
MACHINES = {
    "qemu": ("AMD-V, QEMU", ["--icount"]),
    "bochs": ("VT-x, Bochs", []),
    "bochs-amd": ("AMD-V, Bochs", []),
}

# Bochs's virtual-interrupt delivery isn't used by itself (hypervisor/x86/vmx/vmx_caps.c); Intel's is.
AS_INTEL = {"bochs": ["--append", "apicv=on"]}

# An exit that the driver settles. QEMU's AMD-V doesn't save the next RIP: there it is worked out.
DRIVER = {"qemu": 400, "bochs": 200, "bochs-amd": 200}


def everywhere(goal):
    return dict.fromkeys(MACHINES, goal)


MEMORY = everywhere(1100)
MESSAGE = everywhere(300)

# Name in the guest's output, title, name in kvm.json, goals.
ROWS = [
    ("cpuid", "CPUID", "cpuid", DRIVER),
    ("hypercall", "hypercall", "hypercall", DRIVER),
    ("msr-read", "MSR, read", None, DRIVER),
    ("msr-write", "MSR, write", None, DRIVER),
    ("port-driver", "port settled in the driver", "port-driver", DRIVER),
    ("port-vmm-out", "port settled in the VMM, write", "port-vmm", everywhere(700)),
    ("port-vmm-in", "port settled in the VMM, read", "port-vmm", everywhere(700)),
    ("memory-vmm-write", "memory-mapped, settled in the VMM, write", "memory-vmm", MEMORY),
    ("memory-vmm-read", "memory-mapped, settled in the VMM, read", "memory-vmm", MEMORY),
    ("eoi", "end of interrupt (EOI)", "eoi", everywhere(200)),
    ("self-ipi", "self-IPI: send, take, EOI", "self-ipi", everywhere(600)),
    ("timer-immediate", "TSC deadline in the past: set, take, EOI", "timer-immediate", {}),
    ("timer-latency", "timer: firing to handler's first instruction", None, {}),
    ("timer-latency-worst", "the same, worst of 256", None, {}),
    ("sampling-write", "sampling port: write 64 bytes", None, MESSAGE),
    ("sampling-read", "sampling port: read 64 bytes", None, MESSAGE),
    ("queuing-send", "queuing port: send 64 bytes", None, MESSAGE),
    ("queuing-receive", "queuing port: receive 64 bytes", None, MESSAGE),
    ("queuing-round-trip", "queuing port: to a partition that waits, and its answer", None, {}),
    ("window-start", "window: planned start to the program's first look at the clock, worst of 100",
     None, {}),
    ("window-start-native", "the same, beside a program that does its worst", None, {}),
    ("window-start-vm", "the same, beside a virtual machine that does its worst", None, {}),
]

# Systems of tests/system/isolation, and how their figure is called.
ISOLATION = {"idle": "window-start", "native": "window-start-native", "vm": "window-start-vm"}


def fail(message):
    sys.exit(f"bench: {message}")


# ---- measuring

def run(build, machine, *options):
    """Boots a machine and returns its output."""
    command = [os.path.join(build, "tools", "hypike"), "boot", "--on", machine,
               *MACHINES[machine][1], "--timeout", str(TIMEOUT), *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode:
        fail(f"{machine}: status {done.returncode} from {' '.join(command)}\n{done.stdout}")
    return done.stdout


def number(pattern, text, machine):
    match = re.search(pattern, text, re.MULTILINE)
    if not match:
        fail(f"{machine}: the output has no match for {pattern}\n{text}")
    return int(match.group(1))


def measure(build, machine):
    """Returns the figures of one machine."""
    output = run(build, machine, *AS_INTEL.get(machine, []), "--vmm-option", "--test-device",
                 "--kernel", os.path.join(build, "guests", "bench", "bench.elf"))
    output += run(build, machine, os.path.join(build, "tests", "system", "native", "ports", "costs.img"))
    for name, figure in ISOLATION.items():
        text = run(build, machine, os.path.join(build, "tests", "system", "isolation", name + ".img"))
        late = number(r"bench window-start (\d+)", text, machine)
        output += f"bench {figure} {late}\n"
    figures = {name: int(value) for name, value in
               re.findall(r"^(?:costs\| )?bench ([\w-]+) (\d+)\r?$", output, re.MULTILINE)}
    missing = [name for name, *_ in ROWS if name not in figures]
    if missing:
        fail(f"{machine}: no figure for {', '.join(missing)}\n{output}")
    return {"instructions": figures,
            "host_pages": number(r"^vmm: host pages (\d+)", output, machine),
            "nested_table_pages": number(r"^vmm: nested table pages (\d+)", output, machine)}


def measure_linux(build, machines, quick):
    """Bochs's AMD-V shows nothing that QEMU's doesn't, and takes minutes."""
    return bench_linux.measure(build, run, [machine for machine in machines
                                            if machine != "bochs-amd"], quick)


def measure_all(build, machines, twice):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [list(pool.map(lambda machine: measure(build, machine), machines))
                for _ in range(2 if twice else 1)]
    if twice and runs[0] != runs[1]:
        fail(f"two runs differ:\n{runs[0]}\n{runs[1]}")
    return dict(zip(machines, runs[0]))


# ---- sizes

def image_size(path):
    """Text (with constants), data and bss, in bytes."""
    out = subprocess.run(["size", path], check=True, stdout=subprocess.PIPE, text=True).stdout
    text, data, bss = (int(word) for word in out.splitlines()[1].split()[:3])
    return {"text": text, "data": data, "bss": bss}


STRINGS_AND_COMMENTS = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*',
                                  re.DOTALL)


def code_lines(path):
    """Lines without comments and blank ones."""
    with open(path, encoding="utf-8") as file:
        text = STRINGS_AND_COMMENTS.sub(lambda m: "\n" * m.group().count("\n")
                                        if m.group()[0] == "/" else '""', file.read())
    return sum(1 for line in text.splitlines() if line.strip())


def ring0_files(build):
    """What ninja compiled into the kernel, and the headers that these include."""
    def ninja(*arguments):
        return subprocess.run(["/usr/bin/ninja", "-C", build, "-t", *arguments], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.splitlines()

    inputs = ninja("inputs", "kernel/hypike-debug.elf")
    objects = [name for name in inputs if name.endswith(".o")]
    names = inputs + [line.strip() for line in ninja("deps", *objects) if line[:1] == " "]
    paths = {os.path.realpath(os.path.join(build, name)) for name in names}
    return sorted(path for path in paths if path.startswith(SOURCE + os.sep)
                  and not path.startswith(os.path.realpath(build) + os.sep)
                  and path.endswith((".c", ".S", ".h")))


def ring0_lines(build):
    """Lines of ring-0 code by top folder, and of the headers they use."""
    lines = {}
    for path in ring0_files(build):
        where = "headers" if path.endswith(".h") else os.path.relpath(path, SOURCE).split(os.sep)[0]
        lines[where] = lines.get(where, 0) + code_lines(path)
    return lines


# ---- showing

def kvm_figure(kvm, machine, name):
    """KVM's figure without mitigations where there is one, as HyPike has none."""
    figures = kvm["machines"].get(machine, {}).get(name, {})
    return figures.get("mitigations_off", figures.get("default"))


def judged(result):
    """Adds KVM's figure, the factor and the goal to each measurement: what is shown and written."""
    with open(KVM_FILE, encoding="utf-8") as file:
        kvm = json.load(file)
    for name, _, kvm_name, goals in ROWS:
        for machine, own in result["machines"].items():
            value = own["instructions"][name]
            other, goal = kvm_figure(kvm, machine, kvm_name), goals.get(machine)
            yield name, machine, {
                "instructions": value, "kvm": other,
                "factor": round(other / max(value, 1), 1) if other else None,
                "goal": goal, "reached": value <= goal if goal else None}


def cell(value):
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:,}"


def print_table(table, machines):
    """For a terminal: a block of columns for each machine."""
    columns = (("instructions", "HyPike", 6), ("kvm", "KVM", 6), ("factor", "factor", 6),
               ("goal", "goal", 5), ("reached", "met", 3))
    width = max(len(title) for _, title, *_ in ROWS)
    block = sum(wide for *_, wide in columns) + len(columns) - 1
    print(" | ".join([f"{'executed instructions':{width}}"]
                     + [f"{MACHINES[machine][0]:{block}}" for machine in machines]).rstrip())
    heads = " ".join(f"{head:>{wide}}" for _, head, wide in columns)
    print(" | ".join([" " * width] + [heads] * len(machines)))
    for name, title, *_ in ROWS:
        cells = [" ".join(f"{cell(table[name][machine][key]):>{wide}}" for key, _, wide in columns)
                 for machine in machines]
        print(" | ".join([f"{title:{width}}"] + cells))
    print("KVM: Debian's Linux 6.1 with mitigations=off where measured, QEMU 7.2 as VMM "
          "(guests/bench/kvm.json)")


def facts(result):
    """What is measured beside instructions: title and value."""
    for machine, own in result["machines"].items():
        yield (f"host memory of a VM with 1 vCPU and 64 MiB, {MACHINES[machine][0]}",
               f"{own['host_pages'] * 4} KiB, {own['nested_table_pages'] * 4} KiB of it "
               "nested page tables")
    for title, key in (("hypike.elf (kernel and driver)", "hypike"), ("vmm.elf", "vmm")):
        size = result["size"][key]
        yield title, (f"{size['text'] / 1024:.0f} KiB code and constants, "
                      f"{size['data'] / 1024:.1f} KiB data, {size['bss'] / 1024:.0f} KiB bss")
    lines = result["ring0_lines"]
    yield "lines of ring-0 code, without blanks and comments", (
        f"{sum(lines.values()):,}: " + ", ".join(f"{where} {count:,}"
                                                 for where, count in sorted(lines.items())))


def print_facts(result):
    print()
    for title, value in facts(result):
        print(f"{title + ':':66} {value}")


def markdown(table, result):
    """For the README: one column of HyPike's figures for each machine, KVM's where measured."""
    machines = list(result["machines"])
    with_kvm = [machine for machine in machines
                if any(table[name][machine]["kvm"] for name, *_ in ROWS)]
    heads, keys = ["executed instructions"], []
    for machine in machines:
        heads.append(MACHINES[machine][0])
        keys.append((machine, "instructions"))
        if machine in with_kvm:
            heads += ["KVM", "factor"]
            keys += [(machine, "kvm"), (machine, "factor")]
    lines = ["| " + " | ".join(heads + ["goal"]) + " |", "|---|" + "--:|" * (len(heads))]
    for name, title, _, goals in ROWS:
        cells = [title]
        for machine, key in keys:
            one = table[name][machine]
            missed = key == "instructions" and one["reached"] is False
            cells.append(cell(one[key]) + (" ✗" if missed else ""))
        unique = list(dict.fromkeys(goals.values()))
        cells.append(" / ".join(str(goals[machine]) for machine in machines)
                     if len(unique) > 1 else cell(unique[0] if unique else None))
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "✗: the goal is not reached.", ""]
    lines += [f"- {title}: {value}" for title, value in facts(result)]
    if result["linux"]:
        lines += ["", bench_linux.markdown(result["linux"], titles())]
    if result["kvm"]:
        lines += ["", kvm_markdown(result)]
    return "\n".join(lines)


def kvm_markdown(result):
    with open(KVM_FILE, encoding="utf-8") as file:
        kvm = json.load(file)
    other = {name: kvm_figure(kvm, "qemu", name) for name in kvm["machines"]["qemu"]}
    return bench_kvm.markdown(result["kvm"], other)


def titles():
    return {machine: title for machine, (title, _) in MACHINES.items()}


def write_readme(path, text):
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(MARKERS[0])
    after = rest.split(MARKERS[1])[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + MARKERS[0] + "\n" + text + "\n" + MARKERS[1] + after)


# ---- limits

# Of Linux, what is measured in seconds.
LINUX_LIMITS = [("linux-boot", "Linux: start to /init, in instructions"),
                ("linux-first", "Linux: VM start to the first instruction, in instructions"),
                ("linux-exits", "Linux: exits until /init")]


def limited(result):
    """What has a limit, of QEMU's: name, title, figure."""
    figures = result["machines"]["qemu"]["instructions"]
    for name, title, *_ in ROWS:
        yield name, title, figures[name]
    for name, title in LINUX_LIMITS:
        yield name, title, result["linux"]["qemu"]["figures"][name]


def record(result):
    """Limits are recorded on QEMU: with the tolerance they say what a change may cost."""
    with open(LIMITS_FILE, "w", encoding="utf-8") as file:
        json.dump({name: figure for name, _, figure in limited(result)}, file, indent=2)
        file.write("\n")


def check(result):
    """Returns the measurements that have become too long, as TAP."""
    with open(LIMITS_FILE, encoding="utf-8") as file:
        limits = json.load(file)
    rows = list(limited(result))
    print(f"1..{len(rows)}")
    bad = 0
    for at, (name, title, figure) in enumerate(rows, 1):
        good = name in limits and figure <= limits[name] * TOLERANCE
        bad += not good
        print(f"{'ok' if good else 'not ok'} {at} - {title}: {figure}, "
              f"recorded {limits.get(name, 'nothing')}")
    return bad


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="the build tree")
    parser.add_argument("--on", action="append", choices=list(MACHINES),
                        help="only this machine; repeatable")
    parser.add_argument("--twice", action="store_true", help="fail where two runs differ")
    parser.add_argument("--readme", metavar="FILE", help="put the table into that file as well")
    parser.add_argument("--kvm", action="store_true", help="what `hypike run` costs on KVM, and nothing else")
    parser.add_argument("--record", action="store_true",
                        help="make QEMU's figures the limits of --check")
    parser.add_argument("--check", action="store_true",
                        help="compare QEMU's figures with the recorded limits, as TAP")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    build = arguments.build
    if arguments.kvm:
        bench_linux.prepare(build)
        print(kvm_markdown({"kvm": bench_kvm.measure(build, run)}))
        return 0
    machines = ["qemu"] if arguments.check else arguments.on or list(MACHINES)
    result = {"machines": measure_all(build, machines, arguments.twice),
              "linux": measure_linux(build, machines, arguments.check)}
    if arguments.check:
        return 1 if check(result) else 0
    result["kvm"] = bench_kvm.measure(build, run) if "qemu" in machines else {}
    result["size"] = {"hypike": image_size(os.path.join(build, "kernel", "hypike.elf")),
                      "vmm": image_size(os.path.join(build, "vmm", "vmm.elf"))}
    result["ring0_lines"] = ring0_lines(build)
    table = {}
    for name, machine, one in judged(result):
        table.setdefault(name, {})[machine] = one
    print_table(table, machines)
    print_facts(result)
    print("\n" + bench_linux.markdown(result["linux"], titles()))
    if result["kvm"]:
        print("\n" + kvm_markdown(result))
    with open(os.path.join(build, "bench.json"), "w", encoding="utf-8") as file:
        json.dump({**result, "table": table}, file, indent=2)
        file.write("\n")
    if arguments.record:
        record(result)
    if arguments.readme:
        write_readme(arguments.readme, markdown(table, result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
