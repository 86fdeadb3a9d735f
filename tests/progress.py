#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""`hypike run` where KVM isn't used, as TAP: what takes long is shown on a terminal, and nowhere else; with --json
stdout has JSON alone. The emulator is a script that says nothing for three seconds.

Usage: tests/progress.py HYPIKE KERNEL WORK
@verifies TOOL-145 TOOL-146
"""
import json
import os
import pty
import subprocess
import sys

import tree

SHOWN = "starting the emulator ... 1 s"


def slow_emulator(work):
    path = os.path.join(work, "qemu-system-x86_64")
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nsleep 3\nexit 0\n")
    os.chmod(path, 0o755)
    return {**os.environ, "PATH": work + ":" + os.environ["PATH"]}


def on_terminal(command, environment):
    """@return what the terminal got."""
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                          env=environment) as program:
        os.close(slave)
        text = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:
                break
            if not piece:
                break
            text += piece
        program.wait()
    os.close(master)
    return text.decode(errors="replace")


def points(hypike, kernel, work):
    command = [hypike, "run", "--accel", "hypike", "--kernel", kernel]
    environment = slow_emulator(work)
    text = on_terminal(command, environment)
    yield "it is shown on a terminal", None if SHOWN in text else text
    after = text[text.rfind("starting the emulator"):]
    yield "and wiped", None if "\r" + " " * 79 + "\r" in after else text
    done = subprocess.run(command, env=environment, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield "nowhere else", done.stdout if "starting" in done.stdout or "\r" in done.stdout else None


def only_json(hypike, kernel):
    done = subprocess.run([hypike, "run", "--accel", "hypike", "--json", "--kernel", kernel, "--cmdline",
                           "act=triple-idt", "--summary"], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        events = [json.loads(line) for line in done.stdout.splitlines()]
    except ValueError:
        return done.stdout
    good = ([event["event"] for event in events] == ["start", "end"] and
            events[1]["status"] == done.returncode == 204 and events[1]["reason"] == "triple-fault" and
            "triple fault" in done.stderr)
    return None if good else done.stdout + done.stderr


def main():
    hypike, kernel, work = sys.argv[1:]
    found = list(points(hypike, kernel, work))
    found.append(("--json has JSON alone on stdout, the console is on stderr", only_json(hypike, kernel)))
    return tree.print_tap(found)


if __name__ == "__main__":
    sys.exit(main())
