#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the `hypike` command, as TAP: tests/tool.py BUILD input|console|kernel.

`input` gives it files and options that it must refuse by name; `console` runs it on a terminal;
`kernel` boots HyPike's kernel, behind the command's back, with system images that it must refuse.

@verifies TOOL-001
@verifies TOOL-002
@verifies TOOL-003
@verifies TOOL-004
@verifies TOOL-005
@verifies LIB-301
"""
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

OK, SYSTEM, USAGE, INPUT, EMULATOR, TIMEOUT = 0, 1, 2, 3, 4, 124

MULTIBOOT_MAGIC = 0x1BADB002
ELF_HEADER, PROGRAM_HEADER = 52, 32
CODE_AT = 0x1000  # in the file
SYSTEM_PAGE = 4096


def multiboot_header(flags=0, checksum=None):
    if checksum is None:
        checksum = -(MULTIBOOT_MAGIC + flags) & 0xFFFFFFFF
    return struct.pack("<III", MULTIBOOT_MAGIC, flags, checksum)


# cli; 1: hlt; jmp 1b
HALT = b"\xFA\xF4\xEB\xFD"

# Sends back each character that comes by COM1, ends with status 0 after a `q`.
ECHO = bytes.fromhex("66BAFB03 B003 EE"     # mov $0x3fb, %dx; mov $3, %al; out %al, %dx
                     "66BAFD03 EC A801"     # 1: mov $0x3fd, %dx; in %dx, %al; test $1, %al
                     "74F7"                 # jz 1b
                     "66BAF803 EC EE"       # mov $0x3f8, %dx; in %dx, %al; out %al, %dx
                     "3C71 75ED"            # cmp $'q', %al; jne 1b
                     "31C0 66BAF400 EE"     # xor %eax, %eax; mov $0xf4, %dx; out %al, %dx
                     "F4 EBFD")             # 2: hlt; jmp 2b


def elf(segments=((0x100000, 0x1000),), header=None, entry=0x10000C, program=HALT):
    """A Multiboot kernel as an ELF32, with these (address, size) segments; it ends at once unless
    told otherwise."""
    code = (header or multiboot_header()) + program
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    out = ident + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, entry, ELF_HEADER, 0, 0, ELF_HEADER,
                              PROGRAM_HEADER, len(segments), 40, 0, 0)
    for address, size in segments:
        out += struct.pack("<IIIIIIII", 1, CODE_AT, address, address, size, size, 5, 0x1000)
    out = out.ljust(CODE_AT, b"\0") + code
    return out.ljust(CODE_AT + max(size for _, size in segments), b"\0")


class Tap:
    """Prints points, and the plan at the end."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def point(self, name, problem):
        self.count += 1
        self.failed += bool(problem)
        print(f"{'not ok' if problem else 'ok'} {self.count} - {name}")
        for line in str(problem or "").splitlines():
            print("# " + line)
        sys.stdout.flush()

    def finish(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


class Refusals:
    """Calls the command and compares status and message."""

    def __init__(self, tool, tap):
        self.tool = tool
        self.tap = tap

    def write(self, name, data):
        with open(name, "wb") as file:
            file.write(data)
        return name

    def expect(self, name, status, message, *arguments):
        done = subprocess.run([self.tool, *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)
        problem = None
        if done.returncode != status:
            problem = f"status {done.returncode}, expected {status}: {done.stderr}"
        elif not re.search(message, done.stderr if status else done.stdout + done.stderr):
            problem = f"said: {done.stderr}expected: {message}"
        self.tap.point(name, problem)

    def pack(self, name, message, *arguments, status=INPUT):
        """Refused before anything is written or booted."""
        if os.path.exists("out.img"):
            os.remove("out.img")
        self.expect(name, status, message, "pack", "--vmm", "vmm", "-o", "out.img", *arguments)
        if status != OK and os.path.exists("out.img"):
            self.tap.point(name + ": nothing written", "out.img is there")


def test_usage(say):
    say.expect("no command", USAGE, "Usage: hypike COMMAND")
    say.expect("unknown command", USAGE, "hypike: fly: no such command", "fly")
    say.expect("help", OK, "boot .*\n *build .*\n *check .*\n *console .*\n *cpuid .*\n *new .*\n *pack", "--help")
    say.expect("help of boot", OK, "Ctrl-A x", "boot", "--help")
    say.expect("help of pack", OK, "--output", "pack", "--help")
    say.expect("unknown option", USAGE, "unrecognized option '--fly'", "boot", "--fly")
    say.expect("no kernel", USAGE, "give FILE, --kernel KERNEL or --firmware ROM", "boot")
    say.expect("no value", USAGE, "requires an argument", "boot", "--kernel")
    say.expect("stray word", USAGE, "good is the whole system", "boot", "--kernel", "good", "good")
    say.expect("unknown machine", USAGE, "no such machine; there are qemu, bochs, bochs-amd",
               "boot", "--on", "mars", "--kernel", "good")
    say.expect("no CPUs", USAGE, "--cpus 0: no number", "boot", "--cpus", "0")
    say.expect("word for a number", USAGE, "--timeout soon", "boot", "--timeout", "soon")
    say.expect("second kernel", USAGE, "good is the kernel already", "boot", "--kernel", "good",
               "--kernel", "good")
    say.expect("memory without unit", USAGE, "--memory 64X", "boot", "--memory", "64X")
    say.expect("memory wraps", USAGE, "--memory", "boot", "--memory", "99999999999G")
    say.expect("negative memory", USAGE, "--memory -1M", "boot", "--memory", "-1M")
    say.expect("vcpus", USAGE, "--vcpus 99: no number", "boot", "--vcpus", "99")
    say.expect("pin", USAGE, "--pin 1,x", "boot", "--pin", "1,x")
    say.expect("name", USAGE, "--vm a b: a name has", "boot", "--vm", "a b")
    say.expect("icount on Bochs", USAGE, "--icount is for QEMU", "boot", "--on", "bochs",
               "--icount", "--kernel", "good")


def test_kernels(say):
    good = elf()
    bad_sum = elf(header=multiboot_header(checksum=1))
    flags = elf(header=multiboot_header(flags=1 << 5))
    overlap = elf(segments=((0x100000, 0x2000), (0x101000, 0x1000)))
    outside = elf(segments=((0x100000, 0x1000), (0x10000000, 0x1000)))
    for name, data in {"good": good, "empty": b"", "plain": b"no kernel\n" * 2000,
                       "sum": bad_sum, "flags": flags, "cut": good[:CODE_AT + 16],
                       "cut-header": good[:60], "overlap": overlap, "outside": outside,
                       "entry": elf(entry=0x50), "module": bytes(3 << 20)}.items():
        say.write(name, data)
    say.pack("a good kernel", "", "--kernel", "good", status=OK)
    say.pack("missing file", "hypike: nowhere: No such file", "--kernel", "nowhere")
    say.pack("directory", r"hypike: \.: not a regular file", "--kernel", ".")
    say.pack("empty file", "hypike: empty: ", "--kernel", "empty")
    say.pack("no Multiboot header", "hypike: plain: .*no Multiboot header", "--kernel", "plain")
    say.pack("bad checksum", "hypike: sum: .*(checksum|Multiboot header)", "--kernel", "sum")
    say.pack("unknown flags", "hypike: flags: .*(flag|feature)", "--kernel", "flags")
    say.pack("truncated ELF", "hypike: cut: ", "--kernel", "cut")
    say.pack("truncated ELF header", "hypike: cut-header: ", "--kernel", "cut-header")
    say.pack("segments overlap", "hypike: overlap: .*overlap", "--kernel", "overlap")
    say.pack("segment outside memory", "hypike: outside: .*outside", "--kernel", "outside")
    say.pack("entry outside", "hypike: entry: .*entry", "--kernel", "entry")
    say.pack("too little memory", "hypike: good: .*outside", "--kernel", "good", "--memory", "1M")
    say.pack("far too little memory", "vm1: memory must be", "--kernel", "good", "--memory", "4K")
    say.pack("odd memory", "vm1: .*not whole pages", "--kernel", "good", "--memory", "5000001")
    say.pack("module missing", "hypike: nowhere: No such file", "--kernel", "good", "--module",
             "nowhere with arguments")
    say.pack("module too large", "hypike: module: module too large", "--kernel", "good",
             "--module", "module", "--memory", "3M")
    say.pack("firmware beside a kernel", "vm1: there is no --kernel beside --firmware",
             "--kernel", "good", "--firmware", "good")
    say.pack("firmware with a command line", "vm1: there is no --cmdline beside --firmware",
             "--firmware", "good", "--cmdline", "quiet")
    say.pack("firmware of an odd size", "the size of a firmware image is a multiple of 4 KiB",
             "--firmware", "plain")
    say.pack("second machine without kernel", "two: no kernel", "--kernel", "good", "--vm", "two")
    say.pack("two machines of one name", "partitions.1.: the name is used twice", "--vm", "one",
             "--kernel", "good", "--vm", "one", "--kernel", "good")
    say.pack("every problem is named", "nowhere(.|\n)*plain", "--kernel", "nowhere", "--vm", "b",
             "--kernel", "plain")
    say.expect("missing VMM", INPUT, "hypike: novmm: No such file", "boot", "--vmm", "novmm",
               "--kernel", "good")
    say.expect("missing kernel of HyPike", INPUT, "hypike: nokernel: No such file", "boot",
               "--vmm", "vmm", "--hypike", "nokernel", "--kernel", "good")


def test_images(say):
    say.pack("an image for some CPUs", "", "--kernel", "good", "--pin", "0,2", status=OK)
    os.replace("out.img", "cpus.img")
    say.pack("an image", "", "--kernel", "good", "--module", "module a b", "--cmdline", 'a "b"',
             status=OK)
    with open("out.img", "rb") as file:
        image = file.read()
    say.write("short.img", image[:-4096])
    say.write("tables.img", image[:200] + b"\xff" + image[201:])
    say.write("bytes.img", image[:-4096] + b"\x01" + image[-4095:])
    say.write("hypike.elf", elf())
    boot = ("boot", "--dry-run", "--hypike", "hypike.elf")
    say.expect("a good image", OK, "qemu-system-x86_64.* -smp 1", *boot, "out.img")
    say.expect("as many CPUs as it names", OK, "-smp 3 ", *boot, "cpus.img")
    say.expect("other CPUs", OK, "-smp 2 ", *boot, "--cpus", "2", "cpus.img")
    say.expect("truncated image", INPUT, r"short.img: header\[0\]: .*truncated", *boot, "short.img")
    say.expect("damaged tables", INPUT, r"tables.img: header\[0\]: .*checksum", *boot, "tables.img")
    say.expect("damaged file", INPUT, r"bytes.img: files\[2\]: .*checksum", *boot, "bytes.img")
    say.expect("no image", INPUT, r"good: header\[0\]: .*magic", *boot, "good")
    say.expect("an image and more", USAGE, "is the whole system", *boot, "out.img",
               "--kernel", "good")


NATIVE = "partitions:\n  one: {kind: native, program: program.elf}\n"
VM = "partitions:\n  one: {kind: vm, kernel: good, memory: %s}\n"


def test_build(say):
    """@verifies TOOL-020"""
    for name, text in {"vm.yaml": VM % "4M", "small.yaml": VM % "1M", "native.yaml": NATIVE,
                       "huge.yaml": "memory: 16M\n" + VM % "13M"}.items():
        say.write(name, text.encode())
    say.write("cut.elf", elf()[:40])
    build = ("build", "-o", "out.elf", "--hypike")
    say.expect("build: not HyPike's kernel", INPUT, "hypike: good: this is no kernel of HyPike",
               *build, "good", "vm.yaml")
    say.expect("build: no ELF file", INPUT, "hypike: plain: this is no kernel", *build, "plain",
               "vm.yaml")
    say.expect("build: cut off", INPUT, "hypike: cut.elf: this is no kernel", *build, "cut.elf",
               "vm.yaml")
    say.expect("build: no kernel", INPUT, "hypike: nowhere: No such file", *build, "nowhere",
               "vm.yaml")
    say.expect("build: missing program", INPUT,
               r"native.yaml:2:32: error: program.elf: No such file", *build, "good", "native.yaml")
    say.expect("build: too little memory", INPUT, "small.yaml:2:27: error: good: .*outside", *build,
               "good", "small.yaml")
    say.expect("build: more than the machine", INPUT, "huge.yaml:1:9: error: .* need 1.M, the "
               "machine has 16M", *build, "good", "huge.yaml")
    say.expect("build: nothing written", INPUT, "No such file", "check", "out.elf")
    say.expect("build: no output", USAGE, "-o IMAGE", "build", "vm.yaml")
    say.expect("build: ISO and system image", USAGE, "-o IMAGE", "build", "--iso",
               "--system-image", "-o", "out.elf", "vm.yaml")
    say.expect("build: the system alone", OK, "", "build", "--system-image", "-o", "out.img",
               "vm.yaml")
    say.expect("new: a file is there", INPUT, "", "new", "good")
    say.expect("new", OK, "fresh/system.yaml is written", "new", "fresh")
    say.expect("new: nothing is overwritten", INPUT, "fresh/system.yaml: File exists", "new",
               "fresh")


def run_input(tool, tap):
    say = Refusals(tool, tap)
    say.write("vmm", elf())
    say.write("good", elf())
    test_usage(say)
    test_kernels(say)
    test_images(say)
    test_build(say)


class Terminal:
    """The command on a terminal of its own, with a guest that never ends."""

    def __init__(self, *command):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, preexec_fn=self._take_terminal)

    def _take_terminal(self):
        os.setsid()
        os.close(os.open(os.ttyname(self.slave), os.O_RDWR))  # becomes the controlling one

    def wait_for(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text not in self.output:
            ready, _, _ = select.select([self.master], [], [], end - time.monotonic())
            if not ready:
                return f"never said {text}: {self.output}"
            self.output += os.read(self.master, 4096)
        return None

    def type(self, text):
        os.write(self.master, text)

    def finish(self, status):
        """Wait for the end; returns what is wrong, if anything."""
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "did not end"
        if self.process.returncode != status:
            return f"status {self.process.returncode}, expected {status}: {self.output}"
        if termios.tcgetattr(self.slave) != self.before:
            return "the terminal was not restored"
        return None

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)

    def children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]


def console_case(tap, name, command, act, status, ready=b"Ctrl-A x ends"):
    """act(terminal) does something once the command says `ready`; it returns what is wrong, or
    None."""
    terminal = Terminal(*command)
    problem = terminal.wait_for(ready)
    deadline = time.monotonic() + 10
    while not problem and not terminal.is_raw():
        if time.monotonic() > deadline:
            problem = "the terminal never became raw"
        time.sleep(0.01)
    if not problem:
        problem = act(terminal)
    tap.point(name, terminal.finish(status) or problem)


def gone(pid):
    """Has the process ended?"""
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            return True
        time.sleep(0.05)
    return False


def test_orphans(tap, endless):
    """The emulator dies with the command, even when that is killed without a word."""
    with subprocess.Popen(endless, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        path = f"/proc/{process.pid}/task/{process.pid}/children"
        emulator = []
        for _ in range(200):
            with open(path, encoding="ascii") as file:
                emulator = file.read().split()
            if emulator:
                break
            time.sleep(0.05)
        time.sleep(0.5)
        process.kill()
    tap.point("no emulator outlives the command",
              None if emulator and gone(int(emulator[0])) else f"{emulator} is still there")


def help_and_end(terminal):
    terminal.type(b"\x01h")
    problem = terminal.wait_for(b"Ctrl-A a: send")
    terminal.type(b"\x01x")
    return problem


def interrupt_and_end(terminal):
    terminal.type(b"\x03")
    time.sleep(0.3)
    terminal.type(b"\x01x")


def echoes(terminal):
    """Type, see it come back, and end the guest."""
    terminal.type(b"hello, guest")
    problem = terminal.wait_for(b"hello, guest")
    terminal.type(b"q")
    return problem


def test_keys(tap, tool):
    """From the terminal through HyPike's serial line to the guest's, and back."""
    with open("echo", "wb") as file:
        file.write(elf(program=ECHO))
    for machine in ("qemu", "bochs", "bochs-amd"):
        echo = (tool, "boot", "--on", machine, "--kernel", "echo")
        console_case(tap, f"{machine}: keys reach the guest", echo, echoes, OK, ready=b"hypike: 1 CPU")


def run_console(tool, tap):
    with open("endless", "wb") as file:
        file.write(elf())
    for machine in ("qemu", "bochs"):
        endless = (tool, "boot", "--bare", "--on", machine, "--kernel", "endless")
        console_case(tap, f"{machine}: Ctrl-A x ends it", endless,
                     lambda terminal: terminal.type(b"\x01x"), OK)
    endless = (tool, "boot", "--bare", "--kernel", "endless")
    console_case(tap, "Ctrl-A h helps, Ctrl-A x ends it", endless,
                 help_and_end, OK)
    console_case(tap, "Ctrl-C goes to the guest", endless, interrupt_and_end, OK)
    console_case(tap, "SIGTERM restores the terminal", endless,
                 lambda terminal: terminal.process.terminate(), 128 + signal.SIGTERM)
    console_case(tap, "SIGHUP restores the terminal", endless,
                 lambda terminal: terminal.process.send_signal(signal.SIGHUP), 128 + signal.SIGHUP)
    console_case(tap, "SIGSEGV restores the terminal", endless,
                 lambda terminal: terminal.process.send_signal(signal.SIGSEGV), -signal.SIGSEGV)
    console_case(tap, "a killed emulator is reported", endless,
                 lambda terminal: os.kill(terminal.children()[0], signal.SIGKILL), EMULATOR)
    console_case(tap, "a timeout restores the terminal", (*endless, "--timeout", "1"),
                 lambda terminal: None, TIMEOUT)
    test_orphans(tap, endless)
    test_keys(tap, tool)


def boot_kernel(tool, *modules):
    """Boot HyPike's kernel as if it were any kernel, with whatever modules."""
    command = [tool, "boot", "--bare", "--timeout", "20", "--kernel",
               os.path.join(os.path.dirname(tool), "../kernel/hypike.elf")]
    for module in modules:
        command += ["--module", module]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def refused_by_kernel(tap, tool, name, message, *modules):
    status, output = boot_kernel(tool, *modules)
    problem = None
    if status in (OK, TIMEOUT):
        problem = f"status {status}\n{output}"
    elif not re.search(message, output):
        problem = f"expected: {message}\nsaid: {output}"
    tap.point(name, problem)


def run_kernel(tool, tap):
    say = Refusals(tool, tap)
    say.write("vmm", b"another file")
    say.write("good", elf())
    say.pack("an image", "", "--kernel", "good", status=OK)
    with open("out.img", "rb") as file:
        image = file.read()
    header = bytearray(image)
    header[300] ^= 0x10
    file_bytes = bytearray(image)
    file_bytes[-SYSTEM_PAGE] ^= 0x10
    version = bytearray(image)
    version[12] = 9
    say.write("header.img", header)
    say.write("file.img", file_bytes)
    say.write("version.img", version)
    say.write("short.img", image[:-SYSTEM_PAGE])
    say.write("other.img", b"not an image" * 1000)
    cases = (("no image", "module", ()),
             ("damaged tables", r"header\[0\]: the checksum of the tables is wrong", ["header.img"]),
             ("damaged file", r"files\[1\]: the checksum of the bytes is wrong", ["file.img"]),
             ("other version", r"header\[0\]: unknown version", ["version.img"]),
             ("truncated image", r"header\[0\]: the image is truncated", ["short.img"]),
             ("something else", r"header\[0\]: this is not a system image", ["other.img"]))
    for name, message, modules in cases:
        refused_by_kernel(tap, tool, "the kernel refuses: " + name, message, *modules)


def main():
    build, what = sys.argv[1:]
    tap = Tap()
    tool = os.path.join(os.path.abspath(build), "tools", "hypike")
    with tempfile.TemporaryDirectory(prefix="hypike-test-") as work:
        os.chdir(work)
        os.environ["TMPDIR"] = work  # a killed command cannot clean up
        {"input": run_input, "console": run_console, "kernel": run_kernel}[what](tool, tap)
        os.chdir("/")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
