# SPDX-License-Identifier: BSD-2-Clause
"""What a test is. The files in tests/system/ make lists of these; runner/unit.py makes them from
meson's own list of unit tests."""
import dataclasses
import os
import re
import signal
import subprocess
import threading
import time
from typing import Callable, Optional

from . import tap

# A slow machine may need more time for everything.
SCALE = float(os.environ.get("HYPIKE_TEST_SCALE", "1"))

MACHINES = ("tree", "tool", "unit", "bare-qemu", "bare-bochs", "bare-bochs-amd",
            "qemu-svm", "bochs-vmx", "bochs-svm", "iso-bios", "iso-uefi", "kvm", "kvm-qemu",
            "kvm-bochs", "model")

# How `hypike boot` is told which machine it is.
BOOT = {
    "bare-qemu": ["--on", "qemu"],
    "bare-bochs": ["--on", "bochs"],
    "bare-bochs-amd": ["--on", "bochs-amd"],
    "qemu-svm": ["--on", "qemu"],
    "bochs-vmx": ["--on", "bochs"],
    "bochs-svm": ["--on", "bochs-amd"],
    "iso-bios": ["--on", "qemu", "--loader", "bios"],
    "iso-uefi": ["--on", "qemu", "--loader", "uefi"],
}


@dataclasses.dataclass
class Case:
    """One program to run and what it must do.

    name      unique together with machine and build
    machine   one of MACHINES: the column under which its points are counted
    command   argument vector; "{build}" stands for the build tree, "{source}" for the source tree,
              "{debian}" for guests out of Debian packages, "{work}" for an empty directory of the
              test's own
    tap       number of TAP plans in the output; 0: the test is one point
    status    exit status that it must end with; None: any, `check` judges
    expect    regular expressions, each of which must match somewhere in the output, in this order
    forbid    regular expressions that must not match
    dialog    pairs (regular expression, text): when the first matches, type the second; a third
              element is how many seconds to wait before that
    check     called with (output, work directory); returns a reason for failure, or None
    skip      called with the paths of {build}, {source}, {debian}; returns a reason not to run here, or None
    builds    "normal", "paranoid": which build trees it runs from
    long      takes minutes: runs with `make test-long` (tests/run --long) instead of `make test`
    """
    name: str
    machine: str
    command: list
    tap: int = 0
    status: Optional[int] = 0
    expect: tuple = ()
    forbid: tuple = ()
    dialog: tuple = ()
    timeout: float = 60
    check: Optional[Callable] = None
    skip: Optional[Callable] = None
    builds: tuple = ("normal", "paranoid")
    long: bool = False
    env: dict = dataclasses.field(default_factory=dict)
    build: str = "normal"

    def __post_init__(self):
        assert self.machine in MACHINES, self.machine

    @property
    def title(self):
        """As printed and matched by -k."""
        return f"{self.machine} {self.name}" + (" [paranoid]" if self.build == "paranoid" else "")

    @property
    def slug(self):
        """As a file name."""
        return re.sub(r"[^\w.-]+", "-", self.title).strip("-")


# QEMU's clock counts instructions, 8 ns each: runs are all the same, however busy this machine is,
# and waiting is short.
ICOUNT = "--icount=3"

# What to leave out where time is this machine's own, which may be busy: timers.
UNTIMED = ("--cmdline", "tests=boot,cpu,trap,ring3,paging,smp")

# The dummy kernel with its programs, for boot().
DUMMY = ("--kernel", "{build}/guests/dummy/dummy.elf",
         "--module", "{build}/guests/dummy/initramfs.cpio")


def boot(name, machine, *options, timeout=60, **rest):
    """A Case that boots a machine with `hypike boot`."""
    command = ["{build}/tools/hypike", "boot", *BOOT[machine],
               "--timeout", str(timeout * SCALE), *options]
    return Case(name, machine, command, timeout=timeout + 15, **rest)


@dataclasses.dataclass
class Outcome:
    """What came of a case."""
    case: Case
    points: list
    output: str
    seconds: float

    def count(self, result):
        return sum(point.result == result for point in self.points)


class _Process:
    """A running test: its output so far, and the dialog with it."""

    def __init__(self, case, command, work):
        self.output = bytearray()
        self._dialog = list(case.dialog)
        self._seen = 0
        self._process = subprocess.Popen(
            command, cwd=work, env={**os.environ, "TERM": "dumb", "TMPDIR": work, **case.env},
            stdin=subprocess.PIPE if case.dialog else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                return
            self.output += data
            self._talk()

    def _talk(self):
        while self._dialog:
            match = re.search(self._dialog[0][0].encode(), bytes(self.output[self._seen:]))
            if not match:
                return
            self._seen += match.end()
            _, text, *pause = self._dialog.pop(0)
            time.sleep(sum(pause))
            try:
                self._process.stdin.write(text.encode())
                self._process.stdin.flush()
            except BrokenPipeError:
                return

    def wait(self, timeout):
        """Returns the exit status, or None when time was over."""
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            status = None
        # A grandchild that keeps the pipe open must not hold us.
        self._reader.join(5)
        return status

    def unsaid(self):
        return len(self._dialog)


def _problems(case, status, text, work, points_failed):
    if status is None:
        yield f"hung: killed after {case.timeout * SCALE:.0f} s"
    elif case.status is not None and status != case.status and not points_failed:
        yield f"exit status {status}, expected {case.status}"
    at = 0
    for pattern in case.expect:
        match = re.compile(pattern, re.MULTILINE).search(text, at)
        if not match:
            yield f"output has no (further) match for: {pattern}"
        else:
            at = match.end()
    for pattern in case.forbid:
        if re.search(pattern, text, re.MULTILINE):
            yield f"output has a match for: {pattern}"
    reason = case.check(text, work) if case.check else None
    if reason:
        yield reason


def _judge(case, status, text, work, unsaid):
    stream = tap.Stream()
    if case.tap:
        stream.feed(text)
    points = stream.points
    # Failed points are counted one by one; that the program then reports failure is no news.
    failed = any(point.result == tap.FAILED for point in points)
    problems = list(_problems(case, status, text, work, failed))
    if case.tap:
        problems += stream.finish(case.tap)
    if unsaid:
        problems.append(f"{unsaid} lines of the dialog were never asked for")
    if problems:
        points.append(tap.Point("the run", tap.FAILED, "; ".join(problems)))
    elif not case.tap:
        points.append(tap.Point("the run", tap.PASSED))
    return points


def _plain(text):
    """Without what only moves the cursor or colours: firmware and GRUB do that."""
    return re.sub(r"\x1b\[[0-9;=?]*[A-Za-z]", "", text).replace("\r", "")


def run(case, paths, work):
    """Run a case to its end. paths: {"source": ..., "build": ...}."""
    started = time.monotonic()
    reason = case.skip(paths) if case.skip else None
    if reason:
        return Outcome(case, [tap.Point("the run", tap.SKIPPED, reason)], "", 0.0)
    command = [word.format(work=work, **paths) for word in case.command]
    try:
        process = _Process(case, command, work)
    except OSError as error:
        return Outcome(case, [tap.Point("the run", tap.FAILED, str(error))], str(error), 0.0)
    status = process.wait(case.timeout * SCALE)
    text = _plain(process.output.decode(errors="replace"))
    points = _judge(case, status, text, work, process.unsaid())
    return Outcome(case, points, text, time.monotonic() - started)
