/* SPDX-License-Identifier: BSD-2-Clause */
/** @file fpu.h State of x87, SSE and AVX in a page of memory. */
#ifndef GUESTS_DUMMY_FPU_H
#define GUESTS_DUMMY_FPU_H

/** Fills the area with the state of a new thread. */
void fpu_init_area(void *area);
void fpu_save(void *area);
void fpu_restore(const void *area);

#endif
