#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a text file as a C string: text_to_c.py INPUT OUTPUT NAME"""
import json
import sys

source, target, name = sys.argv[1:]
with open(source, encoding="ascii") as file:
    # JSON's way of writing ASCII text is C's.
    lines = [json.dumps(line) for line in file]
with open(target, "w", encoding="ascii") as file:
    file.write(f"static const char {name}[] =\n\t" + "\n\t".join(lines) + ";\n")
