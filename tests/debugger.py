#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A machine and Debian's gdb, together: tests/debugger.py SCRIPT COMMAND...

The command runs with the path of a socket in place of $target. When a VM is there, gdb runs the
script, where $target is that path, too, and $output a file with what the machine has said so far; with
`target-again` in it, what follows is another gdb's, and with `machine-again` another gdb's for the VM
that comes next. What gdb says comes out first, then what the machine said, and its exit status.
"""
import os
import subprocess
import sys
import tempfile
import threading
import time

START = "set pagination off\nset confirm off\nset width 0\nset style enabled off\nset remotetimeout 60\n"


class Machine:
    def __init__(self, command, path):
        self.output, self.seen = b"", 0
        self.file = open(path, "wb", buffering=0)  # pylint: disable=consider-using-with
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
            self.file.write(data)

    def wait_for(self, text):
        """The next time that it says so. @return False: it has ended"""
        while text not in self.output[self.seen:]:
            if not self.reader.is_alive():
                return False
            time.sleep(0.02)
        self.seen = self.output.index(text, self.seen) + len(text)
        return True

    def end(self):
        status = self.process.wait()
        self.reader.join()
        return status


def run_gdb(script, socket, output, work):
    path = os.path.join(work, "script")
    with open(path, "w", encoding="utf-8") as file:
        file.write(START + script.replace("$target", socket).replace("$output", output))
    return subprocess.run(["gdb", "-nx", "-batch", "-x", path], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def main():
    script, *command = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="hypike-gdb-") as work:
        socket, output = os.path.join(work, "socket"), os.path.join(work, "output")
        machine = Machine([word.replace("$target", socket) for word in command], output)
        for session in script.split("machine-again\n"):
            if not machine.wait_for(b"[gdb: target remote"):
                break
            for part in session.split("target-again\n"):
                print(run_gdb(part, socket, output, work), flush=True)
        status = machine.end()
        print(machine.output.decode("utf-8", "replace"))
        print(f"hypike: exit code {status}")


if __name__ == "__main__":
    sys.exit(main())
