#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A real VNC viewer (Debian's gvnccapture) at a server that wants a password, as TAP.

Usage: tests/vnc_password.py VNC-GUEST WORK
@verifies VMM-641
"""
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
import time

import tree

HOST = "127.0.0.1"
PASSWORD = "a secret"

# Viewers look for the authority that they trust in the user's directory, wherever HOME points: in a name space of its
# own it is this one.
VIEWER = ("mount -t tmpfs none /root && mkdir -p /root/.pki/CA && cp cert.pem /root/.pki/CA/cacert.pem && "
          "exec timeout --foreground {seconds} gvnccapture localhost:{display} {picture}")


def certificate():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
                    "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, stderr=subprocess.DEVNULL)


def free_port():
    """Of a display: viewers count from 5900."""
    for port in range(5950, 6000):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
                return port
            except OSError:
                continue
    raise OSError("no port is free")


def security_types(port):
    with socket.create_connection((HOST, port), timeout=20) as server:
        server.sendall(server.recv(12))
        return list(server.recv(server.recv(1)[0]))


def wait_for_silence(terminal):
    """Echo goes off behind the prompt, and what was typed before is lost with it."""
    for _ in range(100):
        if not termios.tcgetattr(terminal)[3] & termios.ECHO:
            return
        time.sleep(0.05)


def view(port, password, picture, seconds):
    """@return what the viewer says."""
    command = VIEWER.format(display=port - 5900, picture=picture, seconds=seconds)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("unshare", ["unshare", "--map-root-user", "--mount", "sh", "-c", command])
    text, answers = b"", [(b"Username: ", b"somebody\n"), (b"Password: ", password.encode() + b"\n")]
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        text += piece
        if not piece:
            break
        if answers and answers[0][0] in text:
            if answers[0][0].startswith(b"Password"):
                wait_for_silence(terminal)
            os.write(terminal, answers.pop(0)[1])
    os.waitpid(pid, 0)
    return text.decode(errors="replace")


def size_of(picture):
    if not os.path.exists(picture):
        return None
    with open(picture, "rb") as file:
        return struct.unpack(">II", file.read(24)[16:])


def viewers(port):
    types = security_types(port)
    yield "VeNCrypt alone is offered", None if types == [19] else str(types)
    said = view(port, PASSWORD, "right.png", 60)
    yield "who knows the password sees the screen", None if size_of("right.png") == (640, 400) else said
    # The server says nothing more to one who is wrong.
    for number, wrong in enumerate(("a secre", "a secret!")):
        said = view(port, wrong, f"wrong{number}.png", 5)
        seen = size_of(f"wrong{number}.png") is not None or "Password: " not in said
        yield f"who says '{wrong}' doesn't", said if seen else None


def main():
    guest, work = (os.path.abspath(path) for path in sys.argv[1:])
    os.chdir(work)
    certificate()
    port = free_port()
    with subprocess.Popen([guest, str(port), "end.png", PASSWORD, "key.pem", "cert.pem"],
                          stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout.readline() == "ready\n"
        points = list(viewers(port))
        server.kill()
    return tree.print_tap(points)


if __name__ == "__main__":
    sys.exit(main())
