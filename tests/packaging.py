#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of what `make install` and `make deb` leave, as TAP: tests/packaging.py BUILD install|deb.

`install` installs a build tree into an empty directory and uses the command, its manual page, its
completion and the library from there. `deb` builds the packages and installs them in a Debian of their
own (debootstrap; as root).

@verifies TOOL-060
@verifies TOOL-061
"""
# @req TOOL-060 What `make install` installs works from any prefix: command, parts, manual page,
#               completion, the VMM as a library with header and pkg-config file.
# @req TOOL-061 `make deb` builds packages that install in a Debian with nothing else and run there.
import glob
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
YAML = "system.yaml"


def run(*command, cwd=None, env=None, timeout=300):
    """@return (status, all output)."""
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, check=False,
                          timeout=timeout, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def need(*command, **rest):
    """@return the output of a command that must succeed."""
    status, output = run(*command, **rest)
    if status != 0:
        raise AssertionError(f"{' '.join(command)}: status {status}\n{output}")
    return output


# ---- make install

def command_works(prefix, work):
    """The installed command builds an image of the parts that were installed with it."""
    tool = os.path.join(prefix, "bin", "hypike")
    need(tool, "new", cwd=work)
    need(tool, "check", YAML, cwd=work)
    need(tool, "build", YAML, "-o", "system.iso", cwd=work)
    assert os.path.getsize(os.path.join(work, "system.iso")) > 100000


def boots(prefix, work):
    output = need(os.path.join(prefix, "bin", "hypike"), "boot", "--on", "qemu", "--timeout", "100",
                  os.path.join(work, YAML), cwd=work)
    assert "exit status 0" in output, output


def model(prefix, _):
    """The model's program is installed as well."""
    output = need(os.path.join(prefix, "bin", "hypike"), "run", "--accel", "model", "--cmdline", "tests=boot",
                  "--kernel", os.path.join(prefix, "lib/hypike/guests/dummy/dummy.elf"))
    assert "ok 1 - multiboot-info" in output, output


def manual_page(prefix, _):
    page = need("mandoc", "-T", "utf8", os.path.join(prefix, "share/man/man1/hypike.1"))
    for command in ("boot", "run", "check"):
        assert command in page


def completion(prefix, _):
    script = os.path.join(prefix, "share/bash-completion/completions/hypike")
    words = need("bash", "-c", f"""PATH={prefix}/bin:$PATH; . {script}
        COMP_WORDS=(hypike ru); COMP_CWORD=1; _hypike; echo "${{COMPREPLY[@]}}" """)
    assert "run" in words.split(), words


def library(prefix, work):
    """A program of somebody else's, by pkg-config alone."""
    found = glob.glob(os.path.join(prefix, "lib", "*", "pkgconfig"))
    env = {"PKG_CONFIG_PATH": found[0],
           "PKG_CONFIG_SYSROOT_DIR": prefix.removesuffix("/usr/local")}
    flags = need("pkg-config", "--cflags", "--libs", "hypike-vmm", env=env).split()
    program = os.path.join(work, "embed")
    need("cc", "-Wall", "-Wextra", "-Werror", os.path.join(SOURCE, "examples/embed/embed.c"), "-o",
         program, *flags)
    symbols = need("nm", "--defined-only", "--extern-only",
                   glob.glob(os.path.join(prefix, "lib", "*", "libhypike-vmm.a"))[0])
    public = [line.split()[-1] for line in symbols.splitlines() if " T " in line]
    assert public and all(name.startswith("hypike_vmm_") for name in public), public
    status, output = run(program)
    assert status == 2 and "Usage" in output, output
    status, output = run(program, "/nonexistent")
    assert status == 1 and "embed: " in output, (status, output)


INSTALLED = [("the installed command builds an image", command_works),
             ("that image boots", boots), ("a kernel runs on the model", model), ("manual page", manual_page),
             ("completion", completion), ("the VMM as a library", library)]


def install(build):
    with tempfile.TemporaryDirectory() as work:
        need("meson", "install", "-C", build, "--no-rebuild", "--quiet",
             env={"DESTDIR": os.path.join(work, "root")})
        found = glob.glob(os.path.join(work, "root", "**", "bin", "hypike"), recursive=True)
        prefix = os.path.dirname(os.path.dirname(found[0]))
        return tap([(name, lambda check=check: check(prefix, work)) for name, check in INSTALLED])


# ---- make deb

def in_chroot(root, *command):
    return need("chroot", root, *command, timeout=900,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                     "LC_ALL": "C", "TMPDIR": "/tmp"})


def bootstrap(root):
    need("debootstrap", "--variant=minbase", "bookworm", root, timeout=900)
    for name in ("/etc/apt/apt.conf", "/etc/apt/sources.list"):
        if os.path.exists(name):
            shutil.copy(name, root + name)
    for name in ("apt.conf.d", "sources.list.d"):
        shutil.copytree(os.path.join("/etc/apt", name), os.path.join(root, "etc/apt", name),
                        dirs_exist_ok=True)


def deb_installs(packages, root):
    for package in packages:
        shutil.copy(package, os.path.join(root, "tmp"))
    in_chroot(root, "apt-get", "update", "-q")
    in_chroot(root, "apt-get", "install", "-qy", "--no-install-recommends",
              *("/tmp/" + os.path.basename(package) for package in packages))


def deb_runs(root):
    """What needs neither an emulator nor KVM."""
    in_chroot(root, "hypike", "new", "/tmp")
    in_chroot(root, "hypike", "check", "/tmp/system.yaml")
    in_chroot(root, "hypike", "build", "/tmp/system.yaml", "--system-image", "-o", "/tmp/system.img")
    in_chroot(root, "hypike", "run", "--dry-run", "--kernel",
              "/usr/lib/hypike/guests/dummy/dummy.elf")


def deb_leaves(root):
    in_chroot(root, "apt-get", "purge", "-qy", "hypike", "libhypike-vmm-dev")
    assert not os.path.exists(os.path.join(root, "usr/lib/hypike"))
    assert not os.path.exists(os.path.join(root, "usr/bin/hypike"))


def deb_is_as_debian_wants(packages):
    found = need("lintian", "--allow-root", "--fail-on", "none", *packages)
    assert not found, found


def deb(build):
    need("make", "-C", SOURCE, "deb", f"BUILD={os.path.relpath(build, SOURCE)}", timeout=1800)
    packages = glob.glob(os.path.join(build, "packages", "*.deb"))
    with tempfile.TemporaryDirectory() as root:
        bootstrap(root)
        return tap([("lintian finds nothing", lambda: deb_is_as_debian_wants(packages)),
                    ("the packages install in a Debian with nothing else",
                     lambda: deb_installs(packages, root)),
                    ("the command runs there", lambda: deb_runs(root)),
                    ("purged, nothing is left", lambda: deb_leaves(root))])


def tap(points):
    """Runs the points in turn and prints what came of them."""
    failed = 0
    print(f"1..{len(points)}")
    for number, (name, check) in enumerate(points, 1):
        try:
            check()
            print(f"ok {number} - {name}", flush=True)
        except (AssertionError, OSError, IndexError, subprocess.TimeoutExpired) as reason:
            failed += 1
            print(f"not ok {number} - {name}")
            print("\n".join("# " + line for line in str(reason).splitlines()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit({"install": install, "deb": deb}[sys.argv[2]](os.path.abspath(sys.argv[1])))
