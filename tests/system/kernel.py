# SPDX-License-Identifier: BSD-2-Clause
"""The kernel with native partitions: programs of tests/system/native."""
import re

from runner.case import boot

BOTH = ("normal", "paranoid")
NORMAL = ("normal",)

# Exception vectors, as a faulted partition's status is 128 plus one.
DE, DB, BP, UD, GP, PF, MF = 0, 1, 3, 6, 13, 14, 16
FAULTS = {
    "ud": UD, "int3": BP, "de": DE, "cli": GP, "hlt": GP, "in": GP, "rdmsr": GP, "mov-cr3": GP,
    "mov-dr7": GP, "lgdt": GP, "swapgs": GP, "int-timer": GP, "sysret": GP, "null": PF,
    "read-kernel": PF, "read-direct-map": PF, "read-stack-area": PF, "read-hole": PF,
    "noncanonical": GP, "write-text": PF, "write-rodata": PF, "write-info": PF, "write-file": PF,
    "exec-data": PF, "exec-stack": PF, "exec-ram": PF, "exec-kernel": PF, "eat-stack": PF,
    "beyond-gdt": GP, "kernel-segment": GP, "far-jump": GP, "single-step": DB, "x87": MF,
}


def _image(image, machine, cpus, *options, builds=NORMAL, timeout=60, name=None, **rest):
    return boot(f"{name or image}, {cpus} CPU" + ("s" if cpus > 1 else "") +
                (", icount" if "--icount" in options else ""),
                machine, "--cpus", str(cpus), *options,
                "{build}/tests/system/native/" + image + ".img",
                timeout=timeout, builds=builds, **rest)


def _program(name, machine, cpus, *options, **rest):
    return _image(name, machine, cpus, *options, tap=1, expect=(r"^hypike: exit status 0$",), **rest)


def _faults(machine, cpus, image="faults", **rest):
    def check(text, _work):
        for name, vector in FAULTS.items():
            if not re.search(rf"^hypike: partition {name}: .* in its program at [0-9a-f]+, ", text, re.M):
                return f"no message about {name}"
            if not re.search(rf"^hypike: partition {name} exited with status {128 + vector}$", text,
                             re.M):
                return f"{name} didn't end with status {128 + vector}"
        return None
    return _image(image, machine, cpus, status=1, check=check,
                  expect=(r"^survivor\| ok 1 ", r"^survivor\| ok 2 ",
                          r"^hypike: partition survivor exited with status 0$",
                          rf"^hypike: exit status {128 + MF}$"),
                  forbid=("came through", "hypike: panic"), **rest)


def _flood(text, _work):
    numbers = [int(n) for n in re.findall(r"^line (\d+) of 1200$", text, re.M)]
    return None if numbers == list(range(1200)) else f"{len(numbers)} lines, not all in order"


# Partitions that cannot be made, and what the kernel says about each.
IMPOSSIBLE = {
    "too-much-ram": r"too little memory for its RAM of 921600 KiB: \d+ KiB are left, \d+ KiB in one",
    "absent-cpu": r"none of its CPUs \(mask 8000\) is in this machine of 1",
    "small-kernel": r"its kernel memory of 64 KiB is too small: it needs \d+ KiB",
    "many-files": "more than 32 files",
}


def _cases():
    """@verifies KRN-004
    @verifies KRN-011"""
    for program in ("threads", "control", "waiting", "fpu", "pointers"):
        yield _program(program, "qemu-svm", 1, "--icount", builds=BOTH)
        for cpus in (2, 4):
            yield _program(program, "qemu-svm", cpus, builds=BOTH if cpus == 4 else NORMAL)
        yield _program(program, "bochs-vmx", 1, builds=BOTH, timeout=120)
        yield _program(program, "bochs-vmx", 2, timeout=180)
    for machine in ("bochs-svm", "iso-bios", "iso-uefi"):
        yield _image("hello", machine, 2, expect=("^hello from ring 3$", "^hypike: exit status 0$"),
                     timeout=180)
    yield _image("hello", "iso-bios", 1, "--multiboot", "2",
                 expect=("^hello from ring 3$", "^hypike: exit status 0$"), timeout=180)
    yield _image("echo", "qemu-svm", 1, status=1, builds=BOTH, dialog=(("ready", "hello\r"),
                                                                       ("HELLO", "end\r")),
                 expect=("^ready$", "^HELLO$", "^END$", "^hypike: exit status 7$"))
    # Keys: to the first, by Ctrl-A n to the next; then to one that is shown alone.
    for machine in ("qemu-svm", "bochs-vmx"):
        yield _image("echoes", machine, 1, status=1, timeout=120,
                     dialog=(("right| ready", "a\x10b\rend\r\x01n"), ("left exited", "c\rend\r")),
                     expect=(r"^left\| ready$", r"keys go to right", r"^left\| A\x10B$",
                             r"^left\| END$", r"^right\| C$", r"^right\| END$",
                             "^hypike: exit status 7$"), forbid=(r"^right\| A", r"^left\| C"))
    yield _image("echoes", "qemu-svm", 1, "--console", "right", status=124, timeout=5,
                 name="one of two consoles", dialog=(("ready", "only\rend\r"),),
                 expect=(r"^ready$", r"^ONLY$", r"^END$"), forbid=("left", "hypike: partition"))
    for machine in ("qemu-svm", "bochs-vmx"):
        yield _image("flood", machine, 1, check=_flood, expect=("^hypike: exit status 0$",),
                     timeout=120)
    for name, message in IMPOSSIBLE.items():
        yield boot(name, "qemu-svm", "--cpus", "1", "--host-memory", "128M",
                   "{build}/tests/system/native/" + name + ".img", status=1, builds=NORMAL,
                   expect=(f"^hypike: partition {name}: {message}", "^hypike: exit status 1$"))
    for cpus in (3, 16):
        yield _image("hello", "qemu-svm", cpus,
                     expect=(rf"^hypike: {cpus} CPUs, ", "^hello from ring 3$"), timeout=120)
    for model in ("max,-xsave", "max,-smep,-smap,-umip,-pdpe1gb", "Nehalem"):
        yield boot(f"fpu on {model}", "qemu-svm", "--cpus", "2", "--cpu", model,
                   "{build}/tests/system/native/fpu.img", tap=1, builds=NORMAL)
    yield boot("on max,-nx", "qemu-svm", "--cpu", "max,-nx",
               "{build}/tests/system/native/hello.img", status=1, builds=NORMAL,
               expect=("this CPU cannot protect pages from execution",))
    yield _image("hello", "bochs-vmx", 4, timeout=240,
                 expect=("^hypike: 4 CPUs, ", "^hello from ring 3$", "^hypike: exit status 0$"))
    yield _faults("qemu-svm", 1, builds=BOTH)
    yield _faults("qemu-svm", 4, "faults-spread", builds=BOTH)
    yield _faults("bochs-vmx", 4, "faults-spread", timeout=300)
    yield _faults("bochs-vmx", 1, timeout=120)


# What a crash of each kind prints first, and a function that must be in its call chain.
PANICS = {
    "ud": ("invalid opcode", "ud"), "pf": ("page fault", "pf"), "gp": ("general protection", "gp"),
    "df": ("double fault", "df"), "stack": ("double fault", "stack"),
    "mc": ("machine check", "mc"), "write-text": ("page fault", "write_text"),
    "write-alias": ("page fault", "write_alias"), "exec-data": ("page fault", "exec_data"),
    "assert": (r".*panic_test.c:\d+: not true: ", "assertion"),
    "locked": ("with the console held", "locked"),
    "other-cpu": ("on the last CPU, called by CPU 0", "other_cpu"),
}


def _panic(machine, what):
    message, function = PANICS[what]
    cpu = 1 if what == "other-cpu" else 0
    first = rf"^hypike: panic on CPU {cpu}: {message}"
    chain = rf"^  [0-9a-f]{{16}} {function}\+"
    if what == "exec-data":  # its address is no function; its caller's is lost with the jump
        chain = "^  cr0 "
    return boot(f"panic={what}", machine, "--cpus", "2", "--append", f"panic={what}",
                "{build}/tests/system/native/hello.img", status=4, builds=("paranoid",),
                expect=(first, chain), forbid=("hello",), timeout=60)


def _panics():
    """@verifies KRN-060"""
    for what in PANICS:
        yield _panic("qemu-svm", what)
    for what in ("df", "stack", "other-cpu"):
        yield _panic("bochs-vmx", what)
    yield boot("panic=nmi", "qemu-svm", "--append", "panic=nmi",
               "{build}/tests/system/native/hello.img", builds=("paranoid",),
               expect=("^hypike: 1 NMI taken$", "^hello from ring 3$"))


CASES = [*_cases(), *_panics()]
