#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes assembly with the names of all functions of a linked kernel, for the call chain of a panic.

symbols.py NM ELF OUTPUT. The table goes behind the text, so linking it in moves no function."""
import subprocess
import sys


def functions(nm, elf):
    lines = subprocess.run([nm, "-n", elf], check=True, capture_output=True, text=True).stdout
    seen = {}
    for line in lines.splitlines():
        address, kind, name = line.split()
        if kind in "tT" and int(address, 16) >> 63:
            seen.setdefault(int(address, 16), name)
    return sorted(seen.items())


def main():
    nm, elf, output = sys.argv[1:]
    with open(output, "w", encoding="ascii") as out:
        found = functions(nm, elf)
        out.write('\t.section .symbols, "a"\n\t.balign 8\n\t.global symbol_count, symbol_table\n'
                  f"symbol_count:\n\t.long {len(found)}\nsymbol_table:\n")
        for i, (address, _name) in enumerate(found):
            out.write(f"\t.long {address & 0x7fffffff:#x}, name{i} - symbol_table\n")
        for i, (_address, name) in enumerate(found):
            out.write(f'name{i}:\t.asciz "{name}"\n')
        out.write('\t.section .note.GNU-stack, "", @progbits\n')


main()
