#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Control of a machine that `hypike run` has started, from beside it, as TAP; its console on a pseudo-terminal
and at a socket; `hypike console` on a real terminal; what bash completes.

Usage: tests/controlled.py ACCEL HYPIKE KERNEL WORK
@verifies TOOL-131 TOOL-144 TOOL-147 VMM-652
"""
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import time

import tree

SCALE = float(os.environ.get("HYPIKE_TEST_SCALE", "1"))
WAIT = 30 * SCALE
COMPLETION = os.path.join(tree.SOURCE, "tools", "completion", "hypike")


class Hypike:
    """The command, with a folder of its own for the sockets."""

    def __init__(self, accel, program, kernel, work):
        self.accel = accel
        self.program = program
        self.run_words = [program, "run", "--accel", accel, "--kernel", kernel]
        self.work = work
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": work, "ASAN_OPTIONS": "detect_leaks=0"}

    def start(self, name, *words):
        """@return a machine that runs, in the background."""
        log = open(os.path.join(self.work, name + ".log"), "wb")
        with log:
            return subprocess.Popen([*self.run_words, "--name", name, *words], stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=log, env=self.environment)

    def ask(self, *words):
        """@return status and output of a command."""
        done = subprocess.run([self.program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=self.environment, check=False, timeout=2 * WAIT)
        return done.returncode, done.stdout.decode(errors="replace")

    def says(self, *words):
        """@return its output, or what is wrong as an exception."""
        status, text = self.ask(*words)
        if status != 0:
            raise Wrong(f"{words}: status {status}: {text}")
        return text

    def log(self, name):
        with open(os.path.join(self.work, name + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def status(self, name):
        machines = [machine for machine in json.loads(self.says("ps", "--json")) if machine["name"] == name]
        return machines[0] if machines else {"state": "gone"}


class Wrong(Exception):
    """What a test has found."""


def wait_until(what, message):
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise Wrong(f"{message}: not within {WAIT:.0f} s")


class Listener:
    """Reads what comes from a descriptor."""

    def __init__(self, fd):
        self.fd = fd
        self.text = ""

    def read(self, seconds=0.0):
        end = time.monotonic() + seconds
        while select.select([self.fd], [], [], max(0.0, end - time.monotonic()))[0]:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            self.text += piece.decode(errors="replace")
        return self.text

    def wait(self, pattern):
        return wait_until(lambda: re.search(pattern, self.read(0.05), re.M), f"{pattern}, after {self.text[-500:]!r}")

    def beats(self):
        return len(re.findall(r"^heartbeat \d", self.read(), re.M))


def is_raw(terminal):
    return not termios.tcgetattr(terminal)[3] & termios.ICANON


def on_terminal(hypike, name):
    """`hypike console` on a terminal of its own."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(hypike.program, [hypike.program, "console", name], hypike.environment)
    listener = Listener(terminal)
    listener.wait("this is the console; Ctrl-] d leaves it")
    wait_until(lambda: is_raw(terminal), "each key counts")
    listener.wait(r"heartbeat \d")
    os.write(terminal, b"\x1dh")
    listener.wait("reset it")
    os.write(terminal, b"\x1dd")
    _, status = os.waitpid(child, 0)
    if status != 0 or is_raw(terminal):
        raise Wrong(f"status {status}, the terminal is raw: {is_raw(terminal)}")
    os.close(terminal)


def completed(hypike, *words):
    """@return what bash makes of `hypike WORDS...` and the tabulator key."""
    script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hypike; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["/bin/bash", "-c", script, "bash", COMPLETION, hypike.program, *words],
                          stdout=subprocess.PIPE, env=hypike.environment, check=True, text=True)
    return done.stdout.split()


def expect(condition, message):
    if not condition:
        raise Wrong(message)


def stats(hypike):
    return json.loads(hypike.says("stats", "--json", "one"))


def has_stats(hypike):
    first = stats(hypike)
    time.sleep(0.3)
    second = stats(hypike)
    port = [now["exits"]["port"]["driver"] + now["exits"]["port"]["vmm"] for now in (first, second)]
    sent = [now["devices"]["i16550"]["bytes sent"] for now in (first, second)]
    expect(0 < port[0] <= port[1] and 0 < sent[0] < sent[1] and 0 < first["time_ns"] < second["time_ns"] and
           0 <= first["first_ns"] < first["time_ns"] and first["entries"] > 0, f"{first} {second}")


def pauses(hypike, console):
    hypike.says("pause", "one")
    expect(hypike.status("one")["state"] == "paused", "it isn't paused")
    console.read(0.3)
    before = console.beats()
    stood = stats(hypike)
    console.read(1.5)
    expect(console.beats() == before, "it has gone on")
    expect(stats(hypike)["time_ns"] == stood["time_ns"], "its time has gone on")
    expect(size_of(picture(hypike)) == (640, 400), "it has no picture")
    hypike.says("pause", "one")
    resumed = time.monotonic()
    hypike.says("resume", "one")
    expect(hypike.status("one")["state"] == "running", "it isn't resumed")
    gone_by = stats(hypike)["time_ns"] - stood["time_ns"]
    # The model's time is its own.
    expect(hypike.accel == "model" or gone_by < (time.monotonic() - resumed + 0.5) * 1e9,
           f"{gone_by} ns have gone by, the pause with them")
    wait_until(lambda: console.beats() > before, "it goes on")


def picture(hypike):
    """@return what is on the screen, as PNG."""
    path = os.path.join(hypike.work, "one.png")
    hypike.says("screenshot", "one", path)
    with open(path, "rb") as file:
        return file.read()


def size_of(png):
    return struct.unpack(">II", png[16:24]) if png[:8] == b"\x89PNG\r\n\x1a\n" else None


def resets(hypike, console):
    before = len(re.findall("^heartbeat 1 ", console.read(), re.M))
    hypike.says("reset", "one")
    wait_until(lambda: len(re.findall("^heartbeat 1 ", console.read(0.1), re.M)) > before, "it begins anew")
    expect(stats(hypike)["resets"] == before, stats(hypike))
    hypike.says("pause", "one")
    hypike.says("reset", "one")
    wait_until(lambda: len(re.findall("^heartbeat 1 ", console.read(0.1), re.M)) > before + 1, "so it does when paused")


def first_machine(hypike):
    """One whose console is a terminal."""
    machine = hypike.start("one", "--cmdline", "tests=boot loop=10", "--serial", "pty")
    terminal = wait_until(lambda: re.search(r"the console is (/dev/pts/\d+)", hypike.log("one")), "a terminal")
    console = Listener(os.open(terminal[1], os.O_RDWR | os.O_NOCTTY))

    def listed():
        wait_until(lambda: hypike.status("one")["state"] == "running", "it runs")
        expect(re.search(r"^one +\d+ running +64M +1 ", hypike.says("ps"), re.M), hypike.says("ps"))

    def commands():
        os.write(console.fd, b"\x1dh")
        console.wait("press its power button")

    def ended():
        hypike.says("stop", "--grace", "0", "--force", "one")
        expect(machine.wait(WAIT) == 208, f"status {machine.returncode}")
        expect(hypike.status("one")["state"] == "gone", "it is still listed")

    yield "ps lists it", listed
    yield "its console is at the pseudo-terminal", lambda: console.wait("heartbeat 3 ")
    yield "which takes the machine's command keys", commands
    yield "hypike console, on a real terminal", lambda: on_terminal(hypike, "one")
    yield "bash completes its name", lambda: expect(
        completed(hypike, "console", "") == ["one"] and completed(hypike, "stop", "o") == ["one"] and
        completed(hypike, "pause", "x") == [], completed(hypike, "console", ""))
    yield "its statistics", lambda: has_stats(hypike)
    yield "what is on its screen", lambda: expect(size_of(picture(hypike)) == (640, 400), "no such picture")
    yield "paused, it stands still, and goes on where it was", lambda: pauses(hypike, console)
    yield "the guest has found nothing odd", lambda: expect("BAD" not in console.text, console.text)
    yield "reset, also where it is paused", lambda: resets(hypike, console)
    yield "stop: it doesn't look at its button", lambda: expect(
        hypike.ask("stop", "--grace", "1", "one")[0] == 1, "it has ended")
    yield "stop --force ends it with status 208", ended
    machine.kill()


def second_machine(hypike):
    """One whose console is a socket."""
    path = os.path.join(hypike.work, "console")
    machine = hypike.start("two", "--cmdline", "tests=boot loop=10", "--serial", "unix=" + path, "--timeout", "8")
    wait_until(lambda: os.path.exists(path), "a socket")
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    console = Listener(client.fileno())

    def keys():
        client.send(b"\x1dq")
        expect(machine.wait(WAIT) == 208, f"status {machine.returncode}")
        console.wait("ended by the user")

    yield "its console is at the socket", lambda: console.wait("heartbeat 2 ")
    yield "whose keys end it", keys
    yield "nothing of that was in the terminal", lambda: expect("heartbeat" not in hypike.log("two"),
                                                                 hypike.log("two"))
    machine.kill()


def third_machine(hypike):
    """One that waits for its power button."""
    shown = os.path.join(hypike.work, "shown.png")
    console = os.path.join(hypike.work, "three")
    machine = hypike.start("three", "--cmdline", "tests=boot button", "--serial", "file=" + console, "--json",
                           "--screenshot", shown)

    def stops():
        def waits():
            with open(console, encoding="utf-8", errors="replace") as file:
                return "press the power button" in file.read()
        wait_until(lambda: os.path.exists(console) and waits(), "it waits")
        hypike.says("stop", "three")
        expect(machine.wait(WAIT) == 0, f"status {machine.returncode}")

    def last():
        with open(shown, "rb") as file:
            expect(size_of(file.read()) == (640, 400), "no such picture")

    def events():
        lines = [json.loads(line) for line in hypike.log("three").splitlines() if line.startswith("{")]
        expect([line["event"] for line in lines] == ["start", "end"] and lines[0]["name"] == "three" and
               lines[1]["status"] == 0, hypike.log("three"))

    yield "stop presses the power button, and it switches itself off", stops
    yield "what was on its screen then", last
    yield "--json has its name", events
    machine.kill()


def fourth_machine(hypike):
    """One that takes too long."""
    shown = os.path.join(hypike.work, "late.png")
    machine = hypike.start("four", "--cmdline", "tests=boot loop=10", "--timeout", "1.5", "--screenshot", shown,
                           "--serial", "none")

    def ends():
        expect(machine.wait(WAIT) == 207, f"status {machine.returncode}")
        with open(shown, "rb") as file:
            expect(size_of(file.read()) == (640, 400), "no such picture")

    yield "--timeout ends it, and what was on its screen is there", ends
    machine.kill()


def tried(points):
    for name, test in points:
        try:
            test()
            yield name, None
        except (Wrong, OSError, subprocess.SubprocessError) as wrong:
            yield name, str(wrong) or repr(wrong)


def main():
    hypike = Hypike(*sys.argv[1:])
    found = [point for points in (first_machine, second_machine, third_machine, fourth_machine)
             for point in tried(points(hypike))]
    return tree.print_tap(found)


if __name__ == "__main__":
    sys.exit(main())
