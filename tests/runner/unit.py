# SPDX-License-Identifier: BSD-2-Clause
"""The unit tests, as meson knows them."""
import json
import subprocess

from .case import Case

MESON = "/usr/bin/meson"


def cases(build_path, build):
    """Returns a Case for every test that meson lists in a build tree."""
    listing = subprocess.run([MESON, "introspect", "--tests", build_path], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    for test in json.loads(listing):
        yield Case(test["name"], "unit", [_plain(word) for word in test["cmd"]],
                   tap=1 if test["protocol"] == "tap" else 0, timeout=test["timeout"],
                   env=test["env"], build=build)


def _plain(word):
    return word.replace("{", "{{").replace("}", "}}")
