/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file symbols.h
 * Names of the kernel's functions (symbols.py).
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <stdint.h>

/** @return the function that an address lies in, and how far; NULL outside the kernel's text. */
const char *symbol_find(uint64_t address, uint64_t *offset);

#endif
