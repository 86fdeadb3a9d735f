#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a Linux costs that does nothing, and how its clocks go, as TAP: tests/quiet.py BUILD DEBIAN OPTION...

Two runs by QEMU's instruction clock, which are alike but for how long the guest sleeps; the difference of what HyPike
and the guest say is that of the sleep alone. OPTIONs go to `hypike boot`.

@verifies HV-075
@verifies HV-131
@verifies VMM-117
"""
import os
import re
import subprocess
import sys

from tool import Tap

SHORT, LONG = 1, 21  # seconds
WAKEUPS = 15  # a second: what Linux's own timers come to
HZ = 250  # of Debian's kernels
PPM = 100e-6
QEMU_MHZ = 1000.0  # with -icount, a tick of the TSC is a nanosecond


def boot(build, debian, seconds, options):
    scale = float(os.environ.get("HYPIKE_TEST_SCALE", "1"))
    command = [f"{build}/tools/hypike", "boot", "--on", "qemu", "--icount=3", *options,
               "--timeout", str(150 * scale), "--memory", "128M", "--kernel", f"{debian}/linux",
               "--module", f"{debian}/linux.cpio", "--cmdline",
               f"console=ttyS0 quiet cryptomgr.notests script=quiet seconds={seconds:02}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True, errors="replace")
    print("".join(f"# {line}\n" for line in done.stdout.splitlines()), end="")
    return done.stdout


class Run:
    """What was said in a run."""

    def __init__(self, text):
        slept = re.search(r"quiet: slept (\d+) (\d+) (\d+) (\d+)", text)
        self.start, self.jiffies, self.end, self.jiffies_end = map(int, slept.groups())
        self.interrupts = int(re.search(r"quiet: interrupts (\d+)", text).group(1))
        self.mhz = float(re.search(r"quiet: TSC ([\d.]+) MHz", text).group(1))
        self.source = re.search(r"quiet: clock source (\S+)", text).group(1)
        self.healthy = "quiet: the kernel has not complained" in text
        self.wall = float(re.search(r"^vmm: .*wall time ([\d.]+) s", text, re.MULTILINE).group(1))
        exits = re.findall(r"^vmm:   ([a-z ]+?) +(\d+) +(\d+)\s*$", text, re.MULTILINE)
        self.settled = {kind: int(driver) for kind, driver, _ in exits}
        self.handed = {kind: int(vmm) for kind, _, vmm in exits}


def more(short, long, kinds):
    return {kind: long.get(kind, 0) - short.get(kind, 0) for kind in kinds}


def check_exits(short, long, seconds):
    """Only what a timer takes: halt, the deadline's MSR, the host's timer."""
    kinds = set(long.settled) - {"all"}
    settled = more(short.settled, long.settled, kinds)
    handed = more(short.handed, long.handed, kinds)
    halts = settled.pop("halt")
    deadlines = settled.pop("msr")
    settled.pop("host interrupt", None)
    interrupts = long.interrupts - short.interrupts
    if not 0 < halts <= WAKEUPS * seconds:
        return f"{halts} halts in {seconds} s"
    if deadlines > 2 * halts + 10:
        return f"{deadlines} MSR exits for {halts} halts"
    if sum(map(abs, settled.values())) > 20:
        return f"other exits settled by the driver: {settled}"
    if sum(map(abs, handed.values())) > 10:
        return f"exits to the VMM: {handed}"
    # Most interrupts are ended without an exit: KVM's paravirtual end of interrupt.
    if settled["local apic"] * 4 > interrupts:
        return f"{settled['local apic']} exits of the local APIC for {interrupts} interrupts"
    return None


def check_rate(short, long):
    """Guest's clock, HyPike's, and the machine's."""
    guest = (long.end - short.end) / 1e9
    host = long.wall - short.wall
    if abs(host - guest) > PPM * guest:
        return f"{guest} s in the guest are {host} s of HyPike's"
    if abs(long.mhz - QEMU_MHZ) > PPM * QEMU_MHZ:
        return f"the guest takes {QEMU_MHZ} MHz for {long.mhz} MHz"
    return None


def check_ticks(run):
    ticks = run.jiffies_end - run.jiffies
    expected = (run.end - run.start) * HZ / 1e9
    return None if abs(ticks - expected) <= 2 else f"{ticks} ticks, not {expected}"


def check_health(run):
    if run.source not in ("tsc", "kvm-clock"):
        return f"clock source {run.source}"
    return None if run.healthy else "the kernel has complained"


def main():
    build, debian, *options = sys.argv[1:]
    tap = Tap()
    short, long = (Run(boot(build, debian, seconds, options)) for seconds in (SHORT, LONG))
    tap.point("a guest that sleeps exits for its timers alone",
              check_exits(short, long, LONG - SHORT))
    tap.point("its clock is HyPike's and the machine's within 100 ppm", check_rate(short, long))
    tap.point("no tick is lost", check_ticks(long))
    tap.point("its kernel is content with its clocks", check_health(long))
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
