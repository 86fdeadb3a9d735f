/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file process.h
 * Programs of the initial RAM disk, each run in ring 3 in an address space of its own.
 *
 * @req DUM-011 Programs are ELF64 files in a newc cpio archive, passed as the first module.
 */
#ifndef GUESTS_DUMMY_PROCESS_H
#define GUESTS_DUMMY_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/dummy/cpio.h"
#include "guests/dummy/sched.h"

#define USER_STACK_TOP UINT64_C(0x7ffff000)
#define USER_STACK_PAGES 4
#define USER_SHARED    UINT64_C(0x50000000) /**< a page that all processes see */

/** Sets what the processes need: exceptions in ring 3 end the process. */
void process_init(void);

/** @return whether the machine has the initial RAM disk, and in it that file. */
bool initramfs_find(const char *name, struct cpio_file *file);

/** Starts a program with three arguments. @return NULL where that is not possible. */
struct thread *process_start(const char *program, const uint64_t args[3], unsigned cpu);

/** Starts a program on this CPU and waits for its end, at most that many ticks. */
bool process_run(const char *program, uint64_t arg0, uint64_t arg1, uint64_t ticks,
		 struct thread_end *end);

/** @return the shared page, cleared. */
volatile uint64_t *process_clear_shared(void);

#endif
