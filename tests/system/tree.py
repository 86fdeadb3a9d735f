# SPDX-License-Identifier: BSD-2-Clause
"""Checks of the source tree, which need no machine."""
from runner.case import Case

SCRIPT = ["/usr/bin/python3", "{source}/tests/tree.py"]

CASES = [
    Case("every header compiles alone", "tree", [*SCRIPT, "headers"], tap=1, timeout=120,
         builds=("normal",)),
    Case("every source names its licence", "tree", [*SCRIPT, "licences"], tap=1,
         builds=("normal",)),
    Case("every source keeps to its columns", "tree", [*SCRIPT, "text"], tap=1,
         builds=("normal",)),
    Case("every test names requirements that exist", "tree",
         ["/usr/bin/python3", "{source}/tools/reqs.py", "{work}"], builds=("normal",)),
    Case("the table of guests says what the tests do", "tree",
         ["/usr/bin/python3", "{source}/tests/guests.py"], builds=("normal",)),
    Case("the reference manual has no warning", "tree",
         ["{source}/tools/docs.sh", "{work}"], timeout=120, builds=("normal",)),
    Case("clang builds everything without a warning", "tree",
         [*SCRIPT, "clang", "{build}/clang"], tap=1, timeout=600, builds=("normal",)),
]
