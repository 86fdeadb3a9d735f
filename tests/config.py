#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of configuration files, as TAP: tests/config.py BUILD PART, with PART one of

broken    every file of tests/config/broken is refused with the messages of its .txt, to the letter
          (--record writes those anew)
schema    the published JSON Schema is the tool's, takes the examples, and refuses every broken file
          that has something wrong in its structure
examples  every example is well-formed; pictures of it are text and SVG
docs      what docs/configuration.md shows is well-formed, and its way to a program of one's own works
install   an installed command finds its parts
manual    the manual page is sound and has every option; bash completes commands, options, files

@verifies TOOL-110
@verifies TOOL-111
@verifies TOOL-113
@verifies TOOL-114
@verifies TOOL-116
"""
import glob
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

from tool import Tap

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BROKEN = os.path.join(SOURCE, "tests", "config", "broken")
EXAMPLES = os.path.join(SOURCE, "examples")
SCHEMA = os.path.join(SOURCE, "tools", "schema", "hypike.schema.json")

# Broken in a way that can't be seen in one place: names, sums, times, files.
BEYOND_SCHEMA = {
    "channel-nowhere", "channel-ports", "file-firmware", "file-missing", "file-no-program", "firmware",
    "frame-divisor",
    "key-twice", "keys-twice", "many-partitions", "many-windows", "memory-sum", "network",
    "never-runs", "no-partitions", "period-left-out", "period-missed", "period-unsound",
    "period-without-plan", "syntax-alias", "trace", "warnings", "window-beyond-frame",
    "window-cpu", "window-nobody", "window-overlap", "wrong-kind",
}


def run(tool, *arguments, cwd=None):
    return subprocess.run([tool, *arguments], cwd=cwd, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)


def names(folder):
    return sorted(os.path.basename(path)[:-5] for path in glob.glob(os.path.join(folder, "*.yaml")))


def said_about(tool, name):
    """What `check` says, and its status; only the files called file-* are about other files."""
    options = [] if name.startswith("file-") else ["--description-only"]
    done = run(tool, "check", *options, name + ".yaml", cwd=BROKEN)
    return done.stderr + f"status {done.returncode}\n".encode()


def broken(build, tap, record=False):
    os.environ["HYPIKE_DIR"] = os.path.abspath(build)  # it lies elsewhere than the command proper
    # Built with AddressSanitizer: a leak or a stray byte is a failure, too.
    tool = os.path.join(build, "tests", "unit", "tools", "hypike-asan")
    files = names(BROKEN)
    tap.point("there are twenty and more", None if len(files) >= 20 else f"{len(files)} files")
    for name in files:
        path = os.path.join(BROKEN, name + ".txt")
        said = said_about(tool, name)
        if record:
            with open(path, "wb") as file:
                file.write(said)
        with open(path, "rb") as file:
            expected = file.read()
        sound = b"runtime error" not in said and b"Sanitizer" not in said
        tap.point(name, None if said == expected and sound else
                  f"said:\n{said.decode(errors='replace')}expected:\n"
                  f"{expected.decode(errors='replace')}")
    done = run(tool, "check", "--json", "--description-only", "unknown-keys.yaml", cwd=BROKEN)
    result = json.loads(done.stdout)
    tap.point("as JSON", None if done.returncode == 3 and result["errors"] == 6 and not result["ok"]
              and result["complaints"][0]["line"] == 3 else done.stdout.decode())
    done = run(tool, "check", "--strict", "--description-only", "warnings.yaml", cwd=BROKEN)
    tap.point("--strict", None if done.returncode == 3 else f"status {done.returncode}")
    done = run(tool, "check", "nowhere.yaml", cwd=BROKEN)
    tap.point("no such file", None if done.returncode == 3 and
              done.stderr == b"hypike: nowhere.yaml: No such file or directory\n"
              else done.stderr.decode())


def structure_problem(validator, name, wants_error):
    import yaml
    folder = BROKEN if wants_error is not None else EXAMPLES
    with open(os.path.join(folder, name + ".yaml"), "rb") as file:
        try:
            document = yaml.safe_load(file)
        except (yaml.YAMLError, ValueError) as error:
            return None if wants_error else f"no YAML: {error}"
    error = next(iter(validator.iter_errors(document)), None)
    if bool(error) == bool(wants_error):
        return None
    return f"the schema finds: {error.message}" if error else "the schema finds nothing wrong"


def schema(build, tap):
    import jsonschema
    done = run(os.path.join(build, "tools", "hypike"), "check", "--schema")
    with open(SCHEMA, "rb") as file:
        published = file.read()
    tap.point("the published schema is the tool's", None if done.stdout == published else
              "`hypike check --schema' prints another: write it into tools/schema")
    document = json.loads(published)
    jsonschema.Draft202012Validator.check_schema(document)
    validator = jsonschema.Draft202012Validator(document)
    for name in names(EXAMPLES):
        tap.point(f"example {name}", structure_problem(validator, name, None))
    for name in names(BROKEN):
        tap.point(f"broken {name}",
                  structure_problem(validator, name, name not in BEYOND_SCHEMA))


def picture_problem(tool, name, work):
    path = os.path.join(EXAMPLES, name + ".yaml")
    svg = os.path.join(work, name + ".svg")
    done = run(tool, "check", "--description-only", "--picture", "--svg", svg, path)
    if done.returncode:
        return done.stderr.decode()
    if not re.search(rb"^Memory\n( +\S+  .*\n)+ +\S+  together", done.stdout, re.M):
        return "no memory in:\n" + done.stdout.decode()
    root = xml.etree.ElementTree.parse(svg).getroot()
    if not root.tag.endswith("}svg") or len(list(root.iter())) < 10:
        return "hardly an SVG picture"
    return None


def examples(build, tap):
    os.environ["HYPIKE_DIR"] = os.path.abspath(build)
    tool = os.path.join(build, "tests", "unit", "tools", "hypike-asan")
    for name in names(EXAMPLES):
        tap.point(name, picture_problem(tool, name, os.getcwd()))


def complete(tool, *words):
    """What bash offers for the last of the words."""
    script = (f"shopt -s extglob; source {SOURCE}/tools/completion/hypike; "
              'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hypike; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", tool, *words], check=True,
                          stdout=subprocess.PIPE, text=True)
    return set(done.stdout.split())


def manual(build, tap):
    tool = os.path.join(build, "tools", "hypike")
    path = os.path.join(build, "tools", "hypike.1")
    lint = subprocess.run(["mandoc", "-T", "lint", path], stdout=subprocess.PIPE, text=True,
                          check=False).stdout
    tap.point("mandoc has nothing to say", lint)
    text = subprocess.run(["mandoc", "-T", "ascii", path], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    text = re.sub(".\b", "", text)
    commands = re.findall(r"^  (\w+)  ", run(tool, "--help").stdout.decode(), re.M)
    tap.point("commands", None if "check" in commands and len(commands) >= 5 else str(commands))
    tap.point("bash completes commands", None if complete(tool, "") == {*commands, "--help"}
              else str(complete(tool, "")))
    for command in commands:
        options = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)",
                                 run(tool, command, "--help").stdout.decode(), re.M))
        part = text.split(f"hypike {command}\n", 1)[1]
        missing = [option for option in options
                   if not re.search(rf"{option}(?![\w-])", part)]
        tap.point(f"the manual's options of {command}", ", ".join(missing))
        offered = complete(tool, command, "--")
        tap.point(f"bash completes options of {command}",
                  None if offered == options else f"{offered ^ options}")
    for key in ("partitions.NAME.kernel", "plans.NAME.cpus.NAME.windows.duration",
                "channels.NAME.max-message", "trace.records"):
        tap.point(f"the manual's key {key}", None if key in text else "missing")
    for name in ("b.yaml", "c.txt"):
        with open(name, "w", encoding="ascii"):
            pass
    offered = complete(tool, "check", "")
    tap.point("bash completes files", None if "b.yaml" in offered and "c.txt" not in offered
              else str(offered))
    tap.point("bash completes machines", None if complete(tool, "boot", "--on", "") ==
              {"qemu", "bochs", "bochs-amd"} else str(complete(tool, "boot", "--on", "")))


def indented(text):
    """The indented blocks of a page."""
    return ["\n".join(line[4:] for line in block.strip("\n").splitlines()) + "\n"
            for block in re.findall(r"(?:^(?:    .*)?\n)+", text, re.M) if block.strip()]


OWN_PROGRAM = """\
partitions:
  own: {kind: native, program: hello.elf, args: rounds=2}
"""


def docs(build, tap):
    tool = os.path.join(build, "tools", "hypike")
    with open(os.path.join(SOURCE, "docs", "configuration.md"), encoding="utf-8") as file:
        page = file.read()
    parts = page.split("### Partitions")[1].split("### Errors")[0]
    with open("docs.yaml", "w", encoding="utf-8") as file:
        file.write("".join(indented(parts)))
    done = run(tool, "check", "--description-only", "docs.yaml")
    run(tool, "check", "--description-only", "--svg", "docs.svg", "docs.yaml")
    with open("docs.svg", "rb") as ours, \
            open(os.path.join(SOURCE, "docs", "schedule.svg"), "rb") as shown:
        tap.point("the page's picture is of it", None if ours.read() == shown.read() else
                  "`hypike check --svg' draws another: put it into docs/schedule.svg")
    tap.point("the page's configuration", None if done.returncode == 0 else done.stderr.decode())
    command = next(block for block in indented(page) if block.startswith("gcc "))
    target = os.path.abspath("hello.elf")
    done = subprocess.run(["sh", "-c", command.replace("-o hello.elf", f"-o {target}")], cwd=SOURCE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    tap.point("a program of one's own is built", done.stdout)
    with open("own.yaml", "w", encoding="ascii") as file:
        file.write(OWN_PROGRAM)
    done = run(tool, "boot", "--icount=3", "--timeout", "50", "own.yaml")
    tap.point("and runs", None if b"hello from partition own, 2 of 2" in done.stdout
              and done.returncode == 0 else (done.stdout + done.stderr).decode())


def install(build, tap):
    """What `meson install' puts there is a system of its own: nothing of the build tree is used."""
    target = os.path.abspath("root")
    done = subprocess.run(["/usr/bin/meson", "install", "-C", build, "--no-rebuild", "--quiet",
                           "--destdir", target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    tap.point("installs", None if done.returncode == 0 else done.stdout)
    tools = glob.glob(os.path.join(target, "**", "bin", "hypike"), recursive=True)
    pages = glob.glob(os.path.join(target, "**", "man1", "hypike.1"), recursive=True)
    tap.point("the command and its page", None if len(tools) == len(pages) == 1
              else f"{tools} {pages}")
    run(tools[0], "new", "fresh")
    done = run(tools[0], "boot", "--icount=3", "--timeout", "50", "fresh/system.yaml")
    tap.point("boots its first system", None if done.returncode == 0 and
              b"hello| hello from partition hello, 5 of 5" in done.stdout
              else (done.stdout + done.stderr).decode())


def main():
    build, part, *options = sys.argv[1:]
    build = os.path.abspath(build)
    tap = Tap()
    if part == "broken":
        broken(build, tap, "--record" in options)
    else:
        {"schema": schema, "examples": examples, "manual": manual,
         "docs": docs, "install": install}[part](build, tap)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
