# SPDX-License-Identifier: BSD-2-Clause
"""`make demo`, as a person sees it: four systems, a fault, a restart, a plan switch; and the trace of it
is as the plan says."""
import os

from runner.case import Case


def _files(_text, work):
    for name in ("timeline.html", "timeline.svg", "demo.trace"):
        path = os.path.join(work, "demo", name)
        if not os.path.exists(path) or os.path.getsize(path) < 4096:
            return f"no {name}"
    return None


CASES = [
    Case("the demo", "bochs-vmx", ["{source}/tools/demo.sh", "{build}"], timeout=400,
         env={"ON": "bochs", "OUT": "demo"}, check=_files, builds=("normal",),
         expect=(r"^hypike: health: pong: memory violation at .*: cold restart$",
                 r"^pong\| plays on after restart 1$", r"^ping\| asks for plan 2 of 2$",
                 r"^ping\| served 14, back ", r"^hypike: exit status 0$",
                 r"^as planned: the latest window", r"^What happened when: ")),
]
