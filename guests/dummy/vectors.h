/* SPDX-License-Identifier: BSD-2-Clause */
/** @file vectors.h Interrupt vectors with a fixed use. Usable from assembly. */
#ifndef GUESTS_DUMMY_VECTORS_H
#define GUESTS_DUMMY_VECTORS_H

#define TRAP_VECTORS	 256
#define TRAP_EXCEPTIONS	 32
#define TRAP_SYSCALL	 0x80 /**< INT 80h: system call of ring 3 */
#define TRAP_USER_RETURN 0x81 /**< INT 81h: end of try_call_user() */

#endif
