#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the manual page from what the command itself says: manual.py HYPIKE OUTPUT

Commands and options come from `--help`, keys of configurations from `check --schema`: the page can't
say anything else than the command.
"""
import json
import re
import subprocess
import sys
import textwrap

OPTION = re.compile(r"^  (?:(-\w), )?(--[\w-]+)(\S*(?: \S+(?: A\")?)?)  +(\S.*)$")
SHORT_GAP = re.compile(r"^  (--[\w-]+) ([A-Z]+) (\S.*)$")


def ask(tool, *arguments):
    return subprocess.run([tool, *arguments], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def plain(text):
    """As roff takes it: no backslash means anything."""
    text = text.replace("\\", "\\e").replace("`", "\\(oq").replace("'", "\\(cq")
    return "\\&" + text if text[:1] == "." else text


def prose(text):
    """Lines of at most 78 characters; a sentence begins a line."""
    sentences = re.split(r"(?<=[.?!]) +(?=[A-Z`])", " ".join(text.split()))
    return [plain(line) for sentence in sentences
            for line in textwrap.wrap(sentence, 68, break_on_hyphens=False)]


def upper_first(text):
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ".?!" else ".")


def option_line(line):
    """(letter, name, argument, text) of a line that describes an option, or None."""
    match = SHORT_GAP.match(line)
    if match and "  " not in line[2:].split(match.group(3))[0]:
        return None, match.group(1), " " + match.group(2), match.group(3)
    match = OPTION.match(line)
    return match.groups() if match else None


class Help:
    """A help text as mdoc: paragraphs, headings, lists of options."""

    def __init__(self, text):
        self.out = []
        self.text = []
        self.in_list = False
        for line in text.splitlines():
            self.take(line)
        self.end_list()

    def flush(self):
        self.out += prose(" ".join(self.text))
        self.text = []

    def end_list(self):
        self.flush()
        if self.in_list:
            self.out.append(".El")
        self.in_list = False

    def take(self, line):
        option = option_line(line)
        if option:
            self.take_option(*option)
        elif line.startswith("Usage:") or line.startswith("       hypike"):
            self.out += [".D1 " + plain(line[7:].strip())]
        elif self.in_list and re.match(r"    \w", line):
            self.flush()
            self.out += [".br"] + prose(line)
        elif not line.strip():
            self.end_list()
            self.out.append(".Pp")
        else:
            if not line.startswith("    "):
                self.end_list()
            self.text.append(line.strip())

    def take_option(self, letter, name, argument, text):
        self.flush()
        if not self.in_list:
            if self.out and self.out[-1] == ".Pp":
                self.out.pop()
            self.out.append(".Bl -tag -width Ds")
        self.in_list = True
        label = (f"Fl {letter[1:]} , " if letter else "") + "Fl " + plain(name[1:])
        if argument:
            label += (" Ns " if not argument.startswith(" ") else " ") + "Ar " + \
                plain(argument.strip()).replace('"', "\\(dq")
        self.out.append(".It " + label)
        self.text.append(text)

    def lines(self):
        """Without paragraphs that begin nothing."""
        lines = []
        for number, line in enumerate(self.out):
            after = self.out[number + 1] if number + 1 < len(self.out) else ".Bl"
            if line != ".Pp" or (lines and not after.startswith((".Bl", ".Pp", ".Ss"))):
                lines.append(line)
        return lines


def commands(tool):
    """Pairs of a command's name and what it does."""
    return re.findall(r"^  (\w+) +(\S.*)$", ask(tool, "--help"), re.M)


def type_of(value):
    """A value's type in a few words."""
    if "enum" in value:
        return " | ".join(value["enum"])
    if "anyOf" in value:
        first = type_of(value["anyOf"][0])
        return ", or ".join(part for part in (first, "list" if "array" in str(value) else "") if part)
    if "ms|s" in value.get("pattern", ""):
        return "time"
    if "KMG" in value.get("pattern", ""):
        return "range" if "(-" in value["pattern"] else "size"
    kind = value.get("type")
    if kind == "integer":
        return f"{value.get('minimum', 0)} to {value['maximum']}" if "maximum" in value else "number"
    if "string" in kind:
        return "text"
    return "true | false" if kind == "boolean" else ""


def children(value):
    """The keys below a value, with the path that leads to them: {name}. for a name of the user's."""
    if "properties" in value:
        yield "", value["properties"]
    if "additionalProperties" in value and value["additionalProperties"]:
        for prefix, keys in children(value["additionalProperties"]):
            yield "NAME." + prefix, keys
    for way in value.get("anyOf", []):
        items = way.get("items", way)
        if "properties" in items or "anyOf" in items:
            yield from children(items)
            return


def names_below(value):
    """The names that a map may have as keys, where they are known: errors."""
    names = value.get("propertyNames", {}).get("enum", [])
    return f"NAME is one of {', '.join(names)}." if names else ""


def keys(value, prefix):
    for name, key in value.items():
        kind = type_of(key)
        yield [f".It Cm {prefix}{name}" + (f" Pq {plain(kind)}" if kind else ""),
               *prose(upper_first(key.get("description", ""))),
               *prose(names_below(key))]
        for path, below in children(key):
            yield from keys(below, f"{prefix}{name}.{path}")


def page(tool):
    out = [".\\\" SPDX-License-Identifier: BSD-2-Clause",
           ".\\\" Written by tools/manual.py from what the command says.",
           ".Dd $Mdocdate$", ".Dt HYPIKE 1", ".Os", ".Sh NAME", ".Nm hypike",
           ".Nd several systems on one machine, isolated in memory and in time",
           ".Sh SYNOPSIS", ".Nm", ".Ar command", ".Op Ar option ...", ".Op Ar file",
           ".Sh DESCRIPTION", ".Nm",
           "checks and builds systems for the HyPike partitioning kernel,",
           "boots them on emulated machines, and shows what ran when.",
           "A system is described by a configuration file;",
           "see", ".Sx CONFIGURATION .", ".Pp", "The commands are:", ".Bl -tag -width Ds"]
    for name, what in commands(tool):
        out += [f".It Cm {name}", *prose(upper_first(what))]
    out += [".El"]
    for name, _ in commands(tool):
        out += [f".Ss hypike {name}", *Help(ask(tool, name, "--help")).lines()]
    out += [".Sh CONFIGURATION",
            "A configuration is a YAML file.",
            "Sizes have a unit, K, M or G; times ns, us, ms or s.",
            "Paths are relative to the file;", ".Pa hypike:PART",
            "is a part of HyPike.", "NAME stands for a name that you choose,",
            "for a CPU's number, or for an error's name.", ".Bl -tag -width Ds"]
    for entry in keys(json.loads(ask(tool, "check", "--schema"))["properties"], ""):
        out += entry
    out += [".El", ".Sh ENVIRONMENT", ".Bl -tag -width Ds", ".It Ev HYPIKE_DIR",
            "Where the parts of HyPike are, in place of beside the command.",
            ".It Ev TMPDIR", "Where temporary files go.", ".El", ".Sh EXIT STATUS",
            *prose(ask(tool, "--help").split("Exit status: ")[1]),
            ".Sh EXAMPLES", "A first system, checked, run and built:", ".Bd -literal -offset indent",
            "hypike new", "hypike check --picture system.yaml", "hypike boot system.yaml",
            "hypike build --iso system.yaml -o system.iso", ".Ed"]
    return out


def main():
    tool, target = sys.argv[1:]
    lines = page(tool)
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


main()
