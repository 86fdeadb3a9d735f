/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file patch.h
 * Instructions that depend on the CPU, put into the text before it becomes read-only.
 */
#ifndef KERNEL_PATCH_H
#define KERNEL_PATCH_H

/** STAC and CLAC around accesses to ring-3 memory, where the CPU has SMAP. */
void patch_smap(void);

#endif
