/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/arinc653/memory.h"

#include "lib/string.h"

#define GRAINS (ARINC653_STACK_MEMORY / STACK_GRAIN)

static uint8_t stacks[GRAINS][STACK_GRAIN] __attribute__((aligned(STACK_GRAIN)));
static int8_t owners[GRAINS];
static uint32_t grains_used;
static uint8_t messages[ARINC653_MESSAGE_MEMORY] __attribute__((aligned(16)));
static uint32_t message_bytes_used;

uint8_t *memory_stack(uint32_t size, uint32_t owner)
{
	uint8_t *stack = stacks[grains_used];
	uint32_t grains = size / STACK_GRAIN;

	if (grains > GRAINS - grains_used)
		return NULL;
	memset(&owners[grains_used], (int)owner, grains);
	grains_used += grains;
	return stack;
}

int32_t memory_stack_owner(const void *address)
{
	uintptr_t offset = (uintptr_t)address - (uintptr_t)stacks;

	return offset < sizeof(stacks) ? owners[offset / STACK_GRAIN] : -1;
}

uint8_t *memory_messages(uint32_t size, uint32_t count)
{
	uint8_t *room = messages + message_bytes_used;
	uint64_t bytes = ((uint64_t)size * count + 15) & ~UINT64_C(15);

	if (bytes > sizeof(messages) - message_bytes_used)
		return NULL;
	message_bytes_used += (uint32_t)bytes;
	return room;
}

void memory_try_read(const void *address, size_t size)
{
	const volatile uint8_t *at = address;

	for (size_t i = 0; i < size; i += STACK_GRAIN)
		(void)at[i];
	if (size > 0)
		(void)at[size - 1];
}

void memory_try_write(void *address, size_t size)
{
	volatile uint8_t *at = address;

	for (size_t i = 0; i < size; i += STACK_GRAIN)
		at[i] = at[i];
	if (size > 0)
		at[size - 1] = at[size - 1];
}

int name_same(const char *a, const char *b)
{
	return strncmp(a, b, MAX_NAME_LENGTH) == 0;
}

void name_copy(char *to, const char *from)
{
	size_t length = strnlen(from, MAX_NAME_LENGTH);

	memcpy(to, from, length);
	memset(to + length, 0, MAX_NAME_LENGTH - length);
}
