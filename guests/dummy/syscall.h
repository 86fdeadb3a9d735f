/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file syscall.h
 * System calls of ring 3: number in RAX, arguments in RDI, RSI, RDX; result in RAX, negative: error.
 * By SYSCALL and by INT 80h alike. Shared with the programs in user/.
 *
 * @req DUM-012 Ring 3 reaches the kernel by SYSCALL and by INT 80h.
 */
#ifndef GUESTS_DUMMY_SYSCALL_H
#define GUESTS_DUMMY_SYSCALL_H

#include <stdint.h>

enum syscall_number {
	SYS_EXIT,    /**< (status) */
	SYS_WRITE,   /**< (text, length): at most 256 bytes; @return length */
	SYS_YIELD,
	SYS_GETID,   /**< @return the thread's id */
	SYS_CPU,     /**< @return the index of the CPU */
	SYS_TICKS,   /**< @return ticks since the start */
	SYS_SLEEP,   /**< (ticks) */
	SYS_MAP,     /**< (address): a new page, writable, not executable */
	SYS_UNMAP,   /**< (address) */
	SYS_SET_FS,  /**< (base) */
	SYS_COUNT
};

enum syscall_error {
	SYS_E_NUMBER = -1,
	SYS_E_ADDRESS = -2,
	SYS_E_ARGUMENT = -3,
	SYS_E_EXISTS = -4,
};

/** Prepares INT 80h, once. */
void syscall_init(void);
/** Prepares SYSCALL on the CPU that calls it. */
void syscall_init_cpu(void);

#endif
