# SPDX-License-Identifier: BSD-2-Clause
"""Restarts and the health monitor: programs of tests/system/native."""
import re

from runner.case import Case, boot

BOTH = ("normal", "paranoid")
NORMAL = ("normal",)


def _image(name, machine, cpus, *options, builds=NORMAL, timeout=60, **rest):
    return boot(f"{name}, {cpus} CPU" + ("s" if cpus > 1 else "") +
                (", icount" if "--icount" in options else ""),
                machine, "--cpus", str(cpus), *options,
                "{build}/tests/system/native/" + name + ".img",
                timeout=timeout, builds=builds, **rest)


# What each start finds (tests/system/native/restart.c): RAM as it was after a warm one.
def _begin(restarts, start, warm, prefix=""):
    ram = 1 if warm else 0
    return (f"^{prefix}begin {restarts}: start {start}, warm {warm}, ram {ram}, "
            "fresh 1, ")


SELF = (_begin(0, 0, 0), "ended with status 0; warm restart$", _begin(1, 1, 1),
        "ended with status 0; cold restart$", _begin(2, 1, 0), _begin(3, 1, 1), _begin(4, 1, 0),
        "^hypike: partition self exited with status 0$", "^hypike: exit status 0$")
CONTROLLED = (_begin(0, 0, 0, r"victim\| "), _begin(1, 0, 0, r"victim\| "),
              _begin(2, 0, 1, r"victim\| "), r"^control\| ok 4 ", r"^control\| ok 6 ",
              _begin(0, 0, 0, r"dormant\| "), "^hypike: exit status 0$")

# Instructions from the call to the first of the program, 8 MiB of RAM, 256 KiB of stack.
COLD_LIMIT, WARM_LIMIT = 1_300_000, 110_000


def _restart_time(text, _work):
    """@verifies KRN-072"""
    for kind, limit in (("cold", COLD_LIMIT), ("warm", WARM_LIMIT)):
        found = re.search(rf"control\| {kind} restart at (\d+)\n(?:.*\n)*?victim\| begin .* at (\d+)\n",
                          text)
        if not found:
            return f"no {kind} restart found"
        took = int(found[2]) - int(found[1])
        if took > limit:
            return f"a {kind} restart takes {took} instructions, more than {limit}"
    return None


def _restarts():
    yield _image("restart-self", "qemu-svm", 1, "--icount", builds=BOTH, expect=SELF)
    yield _image("restart-self", "qemu-svm", 4, builds=BOTH, expect=SELF)
    yield _image("restart-self", "bochs-vmx", 2, expect=SELF, timeout=120)
    yield _image("restart", "qemu-svm", 1, "--icount", tap=1, expect=CONTROLLED, check=_restart_time)
    yield _image("restart-spread", "qemu-svm", 2, tap=1, expect=CONTROLLED)
    yield _image("restart-spread", "qemu-svm", 4, tap=1, expect=CONTROLLED, builds=BOTH)
    yield _image("restart-spread", "bochs-vmx", 2, tap=1, expect=CONTROLLED, timeout=240)


# What each partition of the image goes through: its starts (why, warm), its last status.
NORMAL_START, HEALTH_START = 0, 2
ACTS = {
    "cold": ([0, 0, 0], 142), "warm": ([0, 1], 128), "overflow": ([0, 0], 142),
    "ignored": ([0], 0), "handled": ([0], 0), "unhandled": ([0], 142), "denied": ([0, 0], 164),
    "exits": ([0, 0, 0], 3), "hangs": ([0, 1], 0), "idles": ([0], 0), "says": ([0], 0),
    "late": ([0, 0], 161), "hurts": ([0], 162), "pretends": ([0], 0),
}
TOLD = ((r"handled\| fault: error 6, thread 2, message 'page fault'"), (r"handled\| goes on"),
        (r"says\| fault: error 2, thread 2, message 'it hurts'"), (r"says\| came through"),
        (r"ignored\| goes on"), (r"pretends\| ok 1 "),
        "hypike: health: overflow: stack overflow at ", "hypike: health: hangs: hang at 0 ")
LOGGED = 19  # entries that the watcher reads


def _acts(text, _work):
    for name, (warm, status) in ACTS.items():
        begins = re.findall(rf"^{name}\| begin (\d+), start (\d+), warm (\d+)$", text, re.M)
        expected = [(str(i), str(HEALTH_START if i else NORMAL_START), str(w))
                    for i, w in enumerate(warm)]
        if begins != expected:
            return f"{name} began {begins}, not {expected}"
        if f"\nhypike: partition {name} exited with status {status}\n" not in text:
            return f"{name} didn't end with status {status}"
    for line in TOLD:
        if not re.search("^" + line, text, re.M):
            return f"no line {line}"
    entries = [int(n) for n in re.findall(r"^watcher\| log (\d+): boot 1, ", text, re.M)]
    return None if entries == list(range(LOGGED)) else f"the log has the entries {entries}"


REBOOTED = (r"^victim\| begin 0, start 0", ": restart module$", "^hypike: the machine restarts$",
            "^hypike: health log of the last boot, 1 entry:$",
            "^hypike:   .* s, victim: memory violation at 400.* \\(8\\): restart module: page fault$",
            r"^victim\| a boot of the health monitor's$",
            r"^watcher\| log 0: boot \d+, victim, error 6, action 9$", "^hypike: exit status 0$")


def _health():
    """@verifies KRN-074
    @verifies KRN-077"""
    yield _image("health", "qemu-svm", 1, "--icount", status=1, check=_acts, builds=BOTH)
    yield _image("health", "bochs-vmx", 1, status=1, check=_acts, timeout=240)
    yield _image("health-halt", "qemu-svm", 2, status=1,
                 expect=(": halt module$", "^hypike: exit status 126$"))
    yield _image("health-plan", "qemu-svm", 1, "--icount", builds=BOTH,
                 expect=(": switch plan$", r"^watcher\| log 0: ", "^hypike: exit status 0$"))
    # Not on Bochs, whose BIOS ends with "Keyboard error:21" after any reset but the first.
    for cpus in ("1", "4"):
        yield Case(f"health-reboot, {cpus} CPU" + ("s" if cpus != "1" else ""), "qemu-svm",
                   [*QEMU, "-serial", "stdio", "-smp", cpus, "-kernel", "{build}/kernel/hypike.elf",
                    "-initrd", "{build}/tests/system/native/health-reboot.img"],
                   timeout=60, builds=NORMAL, status=1, expect=REBOOTED)
    # The first to nobody's account, the second to the program's that runs; the third is fatal.
    yield Case("machine checks and NMI", "qemu-svm",
               [*QEMU, "-serial", "mon:stdio", "-kernel", "{build}/kernel/hypike.elf",
                "-initrd", "{build}/tests/system/native/health-hardware.img"],
               timeout=60, builds=NORMAL, status=1,
               # Each when the line before is out: in the kernel, one is fatal.
               dialog=(("warm 0\\r?\\n", "\x01cnmi\n", 1),
                       ("\\(1\\): log\\r?\\n", "mce 0 1 0xb400000000000000 5 0x1234 0\n", 1)),
               # The monitor's prompt may stand within a line.
               expect=("\\(1\\): log$",
                       "partition victim ended with status 167; cold restart$",
                       "begin 1, start 2, warm 0$", "^hypike: exit status 0$"))


# How the four VMMs begin: cold ones with a new guest, the warm one with what the guest counted.
# Instructions from one wake-up of the neighbour, each millisecond, to the next: all restarts are going on.
VMM_LONGEST = 1_005_000


def _vmm_faults(text, _work):
    """@verifies KRN-076"""
    for name in ("crash", "warm", "triple", "hang"):
        warm = int(name == "warm")
        begins = re.findall(rf"^{name}\| begin (\d), start (\d), warm (\d), counted (\d)$", text,
                            re.M)
        expected = [("0", "0", "0", "0")] + [(str(i), "2", str(warm), str(warm))
                                            for i in (1, 2, 3)]
        if begins != expected:
            return f"{name} began {begins}"
        if f"\nhypike: partition {name} exited with status 0\n" not in text:
            return f"{name} had no good end"
    longest = re.search(r"^neighbour\| longest wait (\d+) ns$", text, re.M)
    return None if longest else "the neighbour came to no end"


def _undisturbed(text, work):
    longest = int(re.search(r"^neighbour\| longest wait (\d+) ns$", text, re.M)[1])
    return _vmm_faults(text, work) or (
        None if longest <= VMM_LONGEST else f"the neighbour waited {longest} instructions")


def _vmms():
    yield _image("vmm-faults", "qemu-svm", 1, "--icount", check=_undisturbed)
    yield _image("vmm-faults", "qemu-svm", 1, check=_vmm_faults, builds=("paranoid",))
    yield _image("vmm-faults", "qemu-svm", 4, check=_vmm_faults)
    yield _image("vmm-faults", "bochs-vmx", 2, check=_vmm_faults, timeout=240)


# `hypike boot` ends with the first reset.
QEMU = ("qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-display", "none", "-nodefaults",
        "-m", "128M", "-device", "isa-debug-exit,iobase=0xf4,iosize=4")

CASES = [*_restarts(), *_health(), *_vmms()]
