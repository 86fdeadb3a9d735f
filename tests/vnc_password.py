#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A real VNC viewer (Debian's gvnccapture) at a server that wants a password, as TAP.

Usage: tests/vnc_password.py VNC-GUEST HYPIKE KERNEL WORK
@verifies VMM-641 VMM-642
"""
import hashlib
import os
import pty
import re
import socket
import ssl
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


def received(server, size):
    data = b""
    while len(data) < size:
        piece = server.recv(size - len(data))
        if not piece:
            raise OSError("the server has closed")
        data += piece
    return data


def server_certificate(port):
    """What it proves itself by: RFB 3.8, security type 19 (VeNCrypt 0.2), then X509Plain, as viewers do it."""
    with socket.create_connection((HOST, port), timeout=20) as server:
        server.sendall(received(server, 12))
        received(server, received(server, 1)[0])
        server.sendall(bytes([19]))
        server.sendall(received(server, 2))
        assert received(server, 1) == b"\0"
        received(server, 4 * received(server, 1)[0])
        server.sendall(struct.pack(">I", 262))
        assert received(server, 1) == b"\1"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(server) as session:
            return session.getpeercert(binary_form=True)


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


def certificate_of_a_run(hypike, kernel):
    """A machine that waits for a debugger, so that it shows its screen and does nothing else."""
    with open("password", "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(PASSWORD + "\n")
    port = free_port()
    command = [hypike, "run", "--accel", "model", "--kernel", kernel, "--serial", "none", "--gdb", "unix:gdb,wait",
               "--vnc", f"{port},password-file=password"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as run:
        said = run.stderr.readline() + run.stderr.readline()
        fingerprint = re.search(r"fingerprint\nhypike: ([0-9A-F:]{95})$", said)
        yield "the fingerprint of its certificate is said", None if fingerprint else said
        try:
            yield from viewers_of_a_run(port, fingerprint[1])
        finally:
            run.kill()


def viewers_of_a_run(port, fingerprint):
    shown = first_certificate(port)
    seen = hashlib.sha256(shown).hexdigest().upper()
    yield "the server's has that fingerprint", None if seen == fingerprint.replace(":", "") else seen
    with open("cert.pem", "w", encoding="ascii") as file:
        file.write(ssl.DER_cert_to_PEM_cert(shown))
    said = view(port, PASSWORD, "run.png", 60)
    yield "who trusts it and knows the password sees the screen", None if size_of("run.png") == (640, 400) else said
    said = view(port, "another", "run-wrong.png", 5)
    yield "who doesn't know it doesn't", said if size_of("run-wrong.png") is not None else None


def first_certificate(port):
    """As soon as it serves."""
    for _ in range(200):
        try:
            return server_certificate(port)
        except ConnectionRefusedError:
            time.sleep(0.1)
    return b""


def main():
    guest, hypike, kernel, work = (os.path.abspath(path) for path in sys.argv[1:])
    os.chdir(work)
    certificate()
    port = free_port()
    with subprocess.Popen([guest, str(port), "end.png", PASSWORD, "key.pem", "cert.pem"],
                          stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout.readline() == "ready\n"
        points = list(viewers(port))
        server.kill()
    points += certificate_of_a_run(hypike, kernel)
    return tree.print_tap(points)


if __name__ == "__main__":
    sys.exit(main())
