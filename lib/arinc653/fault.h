/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fault.h
 * Errors on their way to the error handler, or, where there is none, to the health monitor.
 */
#ifndef LIB_ARINC653_FAULT_H
#define LIB_ARINC653_FAULT_H

#include <arinc653/error.h>

#include "lib/arinc653/process_table.h"

/**
 * An error of a process: the error handler starts. Under the guard.
 * @return false: there is no handler for it; then fault_report(), and not under the guard
 */
bool fault_raise(struct process *process, ERROR_CODE_TYPE code, const APEX_BYTE *message,
		 ERROR_MESSAGE_SIZE_TYPE length);
/** Let the health monitor do what is configured for the partition; that may be its end. */
void fault_report(ERROR_CODE_TYPE code, const void *message, size_t size);
/** Take the faults that the kernel has for the handler. The monitor, not under the guard. */
void fault_take(void);
/** The handler has come to its end. @return whether there is more for it. Under the guard. */
bool fault_handled(void);

#endif
