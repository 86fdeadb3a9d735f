#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same guest on AMD-V, VT-x and KVM, step by step and exit by exit: tests/conform.py BUILD DEBIAN [FILE...]

Runs guests/conform with --trace-exits on HyPike on QEMU's AMD-V (svm), on HyPike on Bochs's VT-x (vmx), and with
`hypike run` in a Linux with KVM on QEMU's AMD-V (kvm), in the working directory; or takes what they printed from
three files. Compares them, and prints TAP. The table of docs/conformance.md lists the differences that there are: one
that isn't listed, and one listed that isn't there, is a failure.

@verifies CNF-001
@verifies VMM-009
"""
import collections
import fnmatch
import os
import re
import subprocess
import sys

from tool import Tap

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MACHINES = ("svm", "vmx", "kvm")
VMM_OPTIONS = ("--trace-exits", "--test-device", "--rng", "--display", "--no-summary", "--rtc 1000000000")
TIMEOUT = 300
SHOWN = 40  # differences

# One step: what the guest printed, and the exits before that.
Step = collections.namedtuple("Step", "value exits")
# A row of the table. `who` sees something else than the others, or each something else ("each").
Row = collections.namedtuple("Row", "steps what who line")


def command(machine, build, debian):
    options = [word for option in VMM_OPTIONS for word in ("--vmm-option", option)]
    kernel = f"{build}/guests/conform/conform.elf"
    if machine == "kvm":
        quoted = " ".join(f"'{word}'" for word in options)
        return [sys.executable, f"{SOURCE}/tests/kvm.py", "--hypike", f"{build}/tools/hypike", "--debian", debian,
                "--work", ".", "--file", f"conform.elf={kernel}", "--",
                f"conform:hypike run -m 48M --kernel conform.elf {quoted}"]
    emulator = ["--on", "qemu", "--icount=3"] if machine == "svm" else ["--on", "bochs"]
    scale = float(os.environ.get("HYPIKE_TEST_SCALE", "1"))
    return [f"{build}/tools/hypike", "boot", *emulator, "--timeout", str(TIMEOUT * scale), "--memory", "48M",
            "--kernel", kernel, *options]


def run_all(build, debian):
    """The three side by side: Bochs takes the longest."""
    running = {}
    for machine in reversed(MACHINES):
        with open(machine + ".txt", "wb") as file:
            running[machine] = subprocess.Popen(command(machine, build, debian), stdin=subprocess.DEVNULL,
                                                stdout=file, stderr=subprocess.STDOUT)
    for process in running.values():
        process.wait()
    return [machine + ".txt" for machine in MACHINES]


def steps_of(path):
    """{name: Step}, in order."""
    steps, exits = {}, []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            match = re.match(r"(?:\w+\| )?(exit|step) (.*?)\s*$", line)
            if not match:
                continue
            if match[1] == "exit":
                exits.append(match[2])
                continue
            name, _, value = match[2].partition(" =")
            while name in steps:  # once more
                name += "'"
            steps[name] = Step(value.strip(), masked(value.split(), exits))
            exits = []
    return steps


def masked(values, exits):
    """With a `*` among the values, exits are compared without theirs; with `**`, without how many there are."""
    if "**" in values:
        return tuple(sorted({line.rsplit(" ", 1)[0] for line in exits}))
    if "*" in values:
        return tuple(line.rsplit(" ", 1)[0] for line in exits)
    return tuple(exits)


def who_differs(seen):
    svm, vmx, kvm = seen
    if svm == vmx == kvm:
        return None
    if svm == vmx:
        return "kvm"
    if svm == kvm:
        return "vmx"
    return "svm" if vmx == kvm else "each"


def differences(machines):
    """Yields (step, value or exits, who, what each saw)."""
    for name in dict.fromkeys(name for steps in machines for name in steps):
        seen = [steps.get(name, Step("no such step", ())) for steps in machines]
        for what in Step._fields:
            values = [getattr(step, what) for step in seen]
            if who_differs(values):
                yield name, what, who_differs(values), values


def rows_of(path):
    """The rows of tables whose columns are: steps, what, who, reason."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = re.match(r"\| (`.*`) \| (value|exits) \| (svm|vmx|kvm|each) \| .+ \|$", line.strip())
            if match:
                rows.append(Row(re.findall(r"`(.*?)`", match[1]), match[2], match[3], number))
    return rows


def split_exits(values):
    """Only from where they differ, and not too much of it."""
    start = 0
    while all(start < len(value) for value in values) and len({value[start] for value in values}) == 1:
        start += 1
    return [f"[{start}] " + "; ".join(value[start:start + 6]) for value in values]


def show(found):
    name, what, who, values = found
    if what == "exits":
        values = split_exits(values)
    return f"{name}: {what} of {who}\n" + "\n".join(f"    {machine}: {value}" for machine, value
                                                    in zip(MACHINES, values))


def compare(machines, rows):
    """@return differences that aren't listed, and patterns of the list that nothing matches."""
    unlisted, used = [], set()
    for found in differences(machines):
        hits = [(row.line, pattern) for row in rows for pattern in row.steps
                if (row.what, row.who) == found[1:3] and fnmatch.fnmatchcase(found[0], pattern)]
        used.update(hits)
        if not hits:
            unlisted.append(show(found))
    unused = [f"docs/conformance.md:{row.line}: {pattern} ({row.what}, {row.who})" for row in rows
              for pattern in row.steps if (row.line, pattern) not in used]
    return unlisted, unused


def main():
    build, debian, *files = sys.argv[1:]
    tap = Tap()
    files = files or run_all(build, debian)
    machines = [steps_of(path) for path in files]
    for machine, path, steps in zip(MACHINES, files, machines):
        print(f"# {machine}: {len(steps)} steps, {sum(len(step.exits) for step in steps.values())} exits")
        with open(path, encoding="utf-8", errors="replace") as file:
            tail = "".join(file.readlines()[-20:])
        tap.point(f"{machine} comes to its end", "" if "end" in steps and steps["end"].value == "1" else tail)
    rows = rows_of(os.path.join(SOURCE, "docs", "conformance.md"))
    unlisted, unused = compare(machines, rows)
    if unlisted[SHOWN:] and not os.environ.get("HYPIKE_TEST_LOG"):
        unlisted[SHOWN:] = [f"and {len(unlisted) - SHOWN} more"]
    tap.point("differences are those that are listed", "\n".join(unlisted))
    tap.point("listed differences are there", "\n".join(unused))
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
