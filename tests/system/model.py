# SPDX-License-Identifier: BSD-2-Clause
"""`hypike run --accel model`: the VMM and the hypervisor driver in one Linux process, whose processor is an
interpreter. Every run is the same, to the instruction; the second program has the sanitizers in all of it.
@verifies TOOL-137 VMM-620 VMM-621 VMM-622 VMM-600"""
import re

from runner.case import Case

DUMMY = ("--kernel", "{build}/guests/dummy/dummy.elf", "--module", "{build}/guests/dummy/initramfs.cpio")
ATTACK = ("--kernel", "{build}/guests/attack/attack.elf", "--vmm-option", "--rng")
ROM = ("-m", "2M", "--reboots", "1", "--firmware", "{build}/guests/real/real.rom")

PROGRAMS = {"": "{build}/tools/hypike", ", sanitized": "{build}/tools/hypike-model-sanitized"}
# The command frees nothing at its end.
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=0"}


def _cases(name, *options, programs=("", ", sanitized"), **rest):
    return [Case(name + program, "model", [PROGRAMS[program], "run", "--accel", "model", *options],
                 builds=("normal",), env=ENVIRONMENT, **rest) for program in programs]


def _act(act, **rest):
    return _cases(f"attack, {act}", *ATTACK, "--cmdline", f"act={act}", **rest)


def _twice(text, _work):
    """The dummy kernel measures in ticks, which are instructions: two runs have to say the same."""
    runs = re.split(r"^# HyPike dummy kernel", text, flags=re.M)[1:]
    return None if len(runs) == 2 and runs[0] == runs[1] else "two runs are not the same"


CASES = [
    *_cases("dummy", *DUMMY, tap=1, timeout=120),
    *_cases("dummy, 2 CPUs", *DUMMY, "--cpus", "2", tap=1, timeout=120,
            expect=(r"2 of 2 CPUs", r"^ok \d+ - tlb-shootdown$", r"^ok \d+ - ipi-relay$")),
    *_cases("dummy, 4 CPUs", *DUMMY, "--cpus", "4", tap=1, timeout=120, programs=("",)),
    *[case for act in ("device", "pci", "board", "virtio", "memory")
      for case in _act(act, tap=1, timeout=120)],
    *_act("triple-idt", programs=("",), status=204, expect=(r"^vmm: vCPU 0: triple fault",)),
    *_act("halt", programs=("",), status=205, expect=(r"halted with interrupts off",)),
    *_act("reset-cf9", programs=("",), status=206, expect=(r"reset by the guest",)),
    *_cases("real-mode ROM", *ROM, tap=1,
            expect=(r"^vmm: reset by the guest", r"^# this line came by REP OUTSB")),
    *_cases("GNU Mach", "--kernel", "{debian}/gnumach", "--cmdline", "gnumach console=com0",
            "--vmm-option", "--timeout-ms 600", "-m", "32M", timeout=120, status=207,
            expect=(r"^GNU Mach 1\.8", r"^RTC time is 20", r"No bootstrap code")),
    Case("dummy, the same twice", "model",
         ["/bin/sh", "-c", 'for i in 1 2; do "$0" "$@" || exit; done', PROGRAMS[""], "run", "--accel", "model",
          "--cpus", "2", *DUMMY], builds=("normal",), timeout=120, check=_twice),
]

# A ROM whose first instruction is EMMS.
UNKNOWN = ("head -c 4080 /dev/zero >{work}/rom && printf '\\017\\167\\364%13s' >>{work}/rom && "
           "exec {build}/tools/hypike run --accel model -m 2M --firmware {work}/rom")
CASES.append(Case("an instruction that is not modelled", "model", ["/bin/sh", "-c", UNKNOWN], status=209,
                  builds=("normal",),
                  expect=(r"no such instruction: 16-bit code at fffffff0: 0f 77$", r"is not emulated")))

# Debian's gdb: steps, a breakpoint of each kind; the guest's own debug registers work behind it.
SCRIPT = """
file {build}/guests/dummy/dummy64.elf
target remote $target
stepi
printf "32-bit step %d\\n", $pc - (long)&boot_entry
break timer_init
continue
backtrace 1
hbreak test_run_all
continue
printf "there %d\\n", $pc == (long)&test_run_all
delete
detach
"""
CASES.append(Case("dummy under gdb", "model",
                  ["/usr/bin/python3", "{source}/tests/debugger.py", SCRIPT, PROGRAMS[""], "run", "--accel", "model",
                   "--gdb", "unix:$target,wait", *DUMMY], builds=("normal",), timeout=120,
                  expect=(r"^32-bit step 1$", r"^#0 +timer_init", r"^there 1$",
                          r"^ok 1 - multiboot-info", r"^hypike: exit code 0$")))

# While a watchpoint is gdb's, the guest's own stop nothing: so without the tests of those.
WATCH = """
file {build}/guests/dummy/dummy64.elf
target remote $target
watch ticks[0]
continue
printf "watched: %d\\n", ticks[0]
delete
detach
"""
CASES.append(Case("dummy under gdb, watched", "model",
                  ["/usr/bin/python3", "{source}/tests/debugger.py", WATCH, PROGRAMS[""], "run", "--accel", "model",
                   "--gdb", "unix:$target,wait", *DUMMY, "--cmdline", "tests=timer"], builds=("normal",), timeout=120,
                  expect=(r"^New value = 1$", r"^watched: 1$", r"^hypike: exit code 0$")))
