#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A machine and Debian's gdb, together: tests/debugger.py OPTIONS SCRIPT HYPIKE boot ARGUMENT...

OPTIONS is what --gdb gets behind its address. When the VM is there, gdb runs the script, which finds
the address in $target; with `target-again` in it, what follows is another gdb's. What gdb says comes out
first, then what the machine said, and its exit status.
"""
import os
import subprocess
import sys
import tempfile
import threading
import time

START = "set pagination off\nset confirm off\nset width 0\nset style enabled off\nset remotetimeout 60\n"


class Machine:
    def __init__(self, command):
        self.output = b""
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return
            self.output += data

    def wait_for(self, text):
        while text not in self.output:
            if not self.reader.is_alive():
                return False
            time.sleep(0.02)
        return True

    def end(self):
        status = self.process.wait()
        self.reader.join()
        return status


def run_gdb(script, socket, work):
    path = os.path.join(work, "script")
    with open(path, "w", encoding="utf-8") as file:
        file.write(START + script.replace("$target", socket))
    return subprocess.run(["gdb", "-nx", "-batch", "-x", path], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def main():
    options, script, *command = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="hypike-gdb-") as work:
        socket = os.path.join(work, "socket")
        machine = Machine([command[0], command[1], "--gdb", f"unix:{socket}{options}", *command[2:]])
        if machine.wait_for(b"[gdb: target remote"):
            for part in script.split("target-again\n"):
                print(run_gdb(part, socket, work), flush=True)
        status = machine.end()
        print(machine.output.decode("utf-8", "replace"))
        print(f"hypike: exit code {status}")


if __name__ == "__main__":
    sys.exit(main())
