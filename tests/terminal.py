#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A terminal is as it was when a command on it has been ended: tests/terminal.py SIGNAL COMMAND..."""
import os
import pty
import signal
import sys
import termios
import time

WAIT = 20.0


def is_raw(terminal):
    return not termios.tcgetattr(terminal)[3] & termios.ICANON


def wait_until(what):
    end = time.monotonic() + WAIT
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


def main():
    number = getattr(signal, sys.argv[1])
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.argv[2], sys.argv[2:])
    if not wait_until(lambda: is_raw(terminal)):
        print("it never had the terminal for itself")
        return 1
    os.kill(child, number)
    _, status = os.waitpid(child, 0)
    restored = not is_raw(terminal)
    print(f"ended by signal {os.WTERMSIG(status)}, restored {restored}")
    return 0 if os.WTERMSIG(status) == number and restored else 1


if __name__ == "__main__":
    sys.exit(main())
