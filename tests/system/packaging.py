# SPDX-License-Identifier: BSD-2-Clause
"""What `make install` and `make deb` leave."""
from runner.case import Case

SCRIPT = ["/usr/bin/python3", "{source}/tests/packaging.py", "{build}"]

CASES = [
    Case("make install", "tool", [*SCRIPT, "install"], tap=1, timeout=180, builds=("normal",)),
    Case("make deb, in a Debian of its own", "tool", [*SCRIPT, "deb"], tap=1, timeout=1500,
         builds=("normal",), long=True),
]
