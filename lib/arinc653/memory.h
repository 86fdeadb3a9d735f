/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file memory.h
 * Memory of fixed size, given out during initialisation and never back: stacks and message space.
 * And memory of the caller's, tried out before anything depends on it.
 */
#ifndef LIB_ARINC653_MEMORY_H
#define LIB_ARINC653_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <arinc653/types.h>

/** All stacks of a partition's processes together; a program may be compiled with another value. */
#ifndef ARINC653_STACK_MEMORY
#define ARINC653_STACK_MEMORY (1u << 18)
#endif
/** All messages of its buffers and blackboards together. */
#ifndef ARINC653_MESSAGE_MEMORY
#define ARINC653_MESSAGE_MEMORY (1u << 17)
#endif

#define STACK_GRAIN 4096u

/** @return the lowest byte of a stack of `size` bytes (a multiple of STACK_GRAIN), or NULL: too many. */
uint8_t *memory_stack(uint32_t size, uint32_t owner);
/** @return whose stack `address` is in: `owner` of memory_stack(), or -1. */
int32_t memory_stack_owner(const void *address);
/** @return room for `count` messages of `size` bytes, or NULL. */
uint8_t *memory_messages(uint32_t size, uint32_t count);

/** Touch memory that will be read or written while others are locked out: if it faults, then now. */
void memory_try_read(const void *address, size_t size);
void memory_try_write(void *address, size_t size);

/** @return whether the names are the same. */
int name_same(const char *a, const char *b);
/** Copy a name of at most MAX_NAME_LENGTH characters. */
void name_copy(char *to, const char *from);

#endif
