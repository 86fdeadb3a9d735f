/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_one.h
 * trace() compiled as in the kernel, to be stepped through.
 */
#ifndef TESTS_UNIT_KERNEL_TRACE_ONE_H
#define TESTS_UNIT_KERNEL_TRACE_ONE_H

#include <stdint.h>

/** INT3, INT3, trace(), INT3. */
void trace_between_traps(uint32_t event, uint32_t partition, uint64_t a, uint32_t b);

#endif
