#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A terminal is as it was when a command on it has been ended: tests/terminal.py [--confined] SIGNAL COMMAND...

With --confined, by a signal to each of its confined threads in turn, as their own faults and forbidden calls are; %n
in a word of the command is the number of the try.
"""
import ctypes
import os
import pty
import signal
import sys
import termios
import time

WAIT = 20.0
SETTLED = 0.3  # without a new thread
TGKILL = 234


def is_raw(terminal):
    return not termios.tcgetattr(terminal)[3] & termios.ICANON


def wait_until(what):
    end = time.monotonic() + WAIT
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


def confined(process):
    """Its threads with a filter (proc(5)), but KVM's own, in which no program runs."""
    threads = []
    for thread in sorted(os.listdir(f"/proc/{process}/task"), key=int):
        with open(f"/proc/{process}/task/{thread}/status", encoding="ascii", errors="replace") as file:
            text = file.read()
            if "\nSeccomp:\t2\n" in text and not text.startswith("Name:\tkvm-"):
                threads.append(int(thread))
    return threads


def settled(process):
    """Its confined threads, once there come no more."""
    last, since = [], time.monotonic()
    while time.monotonic() - since < SETTLED or not last:
        now = confined(process)
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.05)
    return last


def end(command, number, which=None):
    """How many threads there were to choose from, and whether the terminal was put back."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    if not wait_until(lambda: is_raw(terminal)):
        print("it never had the terminal for itself")
        sys.exit(1)
    threads = [child] if which is None else settled(child)
    thread = threads[which or 0]
    with open(f"/proc/{child}/task/{thread}/comm", encoding="utf-8", errors="replace") as file:
        name = file.read().strip()
    ctypes.CDLL(None).syscall(TGKILL, child, thread, int(number))
    _, status = os.waitpid(child, 0)
    restored = not is_raw(terminal)
    os.close(terminal)
    by = os.WTERMSIG(status)
    print(f"{name}: ended by signal {by}, restored {restored}")
    return len(threads), by == number and restored


def main():
    words = sys.argv[1:]
    each = words[0] == "--confined"
    number, command = getattr(signal, words[each]), words[each + 1:]
    done, right = 0, True
    while True:
        now = [word.replace("%n", str(done)) for word in command]
        count, good = end(now, number, done if each else None)
        done, right = done + 1, right and good
        if done >= count:
            return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
