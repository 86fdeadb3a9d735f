#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a guest sees of its CPU against what `hypike cpuid` lists, as TAP: tests/cpuid.py BUILD EMULATOR.

guests/cpuid prints it twice: in a VM, and on the emulator's bare machine, for features that a guest has if
the CPU has them.

@verifies HV-050
@verifies HV-051
@verifies TOOL-117
"""
import json
import os
import re
import subprocess
import sys

from tool import Tap

REGISTERS = ("eax", "ebx", "ecx", "edx")
# Leaves in which what isn't a listed feature is 0.
FEATURES_ALONE = (0x6, 0x7, 0x80000007)
READABLE = ("direct", "direct-read", "emulated", "fixed", "zero", "ignored", "vmm")
X2APIC = range(0x800, 0x900)  # not all of them can be read
PV_EOI = 0x4B564D04


def boot(build, emulator, *options):
    scale = float(os.environ.get("HYPIKE_TEST_SCALE", "1"))
    command = [f"{build}/tools/hypike", "boot", "--on", emulator, "--timeout", str(100 * scale),
               *options, "--kernel", f"{build}/guests/cpuid/cpuid.elf"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True, errors="replace")
    print("".join(f"# {line}\n" for line in done.stdout.splitlines()), end="")
    return done.stdout


def leaves_of(text):
    """{(leaf, subleaf): {register: value}}"""
    found = re.findall(r"cpuid (\w+) (\d+) (\w+) (\w+) (\w+) (\w+)", text)
    return {(int(leaf, 16), int(subleaf)): dict(zip(REGISTERS, (int(r, 16) for r in regs)))
            for leaf, subleaf, *regs in found}


def msrs_of(text):
    return [range(int(first, 16), int(last, 16) + 1)
            for first, last in re.findall(r"^msr (\w+) (\w+)\s*$", text, re.MULTILINE)]


def wrong_leaves(listing, guest):
    there = [range(row["first"], row["last"] + 1) for row in listing["leaves"]
             if row["guest"] != "off"]
    return [f"leaf {leaf:08x} isn't listed" for leaf, _ in guest
            if not any(leaf in leaves for leaves in there)]


def wrong_bit(feature, has, cpu_has):
    expected = {"cpu": cpu_has, "cpu-xsave": cpu_has, "cpu-avx": cpu_has, "own": True,
                "off": False}.get(feature["guest"])
    if expected is None or expected == has:
        return None
    return f"{feature['name']} is {'there' if has else 'not there'}: {feature['guest']}"


def wrong_features(listing, guest, cpu):
    """Bits of listed registers that are other than listed, named or not."""
    named = {}
    for feature in listing["features"]:
        place = (feature["leaf"], feature["subleaf"]), feature["register"]
        named.setdefault(place, {})[feature["bit"]] = feature
    for (leaf, register), features in named.items():
        value = guest.get(leaf, {}).get(register, 0)
        has = cpu.get(leaf, {}).get(register, 0)
        for bit in range(32):
            unnamed = {"name": f"{leaf[0]:08x} {register} {bit}", "guest": "off"}
            problem = wrong_bit(features.get(bit, unnamed), bool(value >> bit & 1),
                                bool(has >> bit & 1))
            if problem:
                yield problem
    for (leaf, subleaf), registers in guest.items():
        for register, value in registers.items():
            if leaf in FEATURES_ALONE and ((leaf, subleaf), register) not in named and value:
                yield f"{leaf:08x} {register} is {value:08x}"


def wrong_msrs(listing, guest, amd):
    rows = [row for row in listing["msrs"]
            if row["cpus"] in ("all", "amd" if amd else "intel") and row["guest"] in READABLE]
    there = [range(row["first"], row["last"] + 1) for row in rows]
    for msrs in guest:
        for msr in msrs:
            if not any(msr in listed for listed in there):
                yield f"MSR {msr:08x} isn't listed"
    for row in rows:
        for msr in range(row["first"], row["last"] + 1):
            if msr not in X2APIC and msr != PV_EOI and not any(msr in msrs for msrs in guest):
                yield f"{row['name']} ({msr:08x}) can't be read"


def main():
    build, emulator = sys.argv[1:]
    tap = Tap()
    clock = ("--icount=3",) if emulator == "qemu" else ()
    listing = json.loads(subprocess.run([f"{build}/tools/hypike", "cpuid", "--json"], check=True,
                                        stdout=subprocess.PIPE).stdout)
    text = boot(build, emulator, *clock)
    guest = leaves_of(text)
    cpu = leaves_of(boot(build, emulator, "--bare", *clock, "--cmdline", "bare"))
    amd = guest.get((0, 0), {}).get("ecx") == int.from_bytes(b"cAMD", "little")
    problems = {"the guest and the bare machine tell": [] if len(guest) > 10 and len(cpu) > 10
                else ["no leaves"],
                "leaves": wrong_leaves(listing, guest),
                "features": list(wrong_features(listing, guest, cpu)),
                "registers": list(wrong_msrs(listing, msrs_of(text), amd))}
    for name, wrong in problems.items():
        tap.point(name, "\n".join(wrong))
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
