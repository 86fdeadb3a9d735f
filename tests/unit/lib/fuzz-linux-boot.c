/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer entry: whatever the image, a plan that is given lies in file and memory, and an initrd
 * beside it. The first word chooses memory size and what is put into the image to get it far.
 * sources: lib/linux_boot.c
 *
 * @verifies LIB-211 LIB-212
 */
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/linux_boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check(const struct linux_plan *plan, uint64_t size, uint64_t memory)
{
	bool entry = false;

	require(plan->count >= 1 && plan->count <= LINUX_MAX_SEGMENTS);
	for (uint32_t n = 0; n < plan->count; n++) {
		const struct linux_segment *s = &plan->segment[n];
		require(s->file_size <= s->memory_size && s->memory_size > 0);
		require(s->zeros <= s->memory_size - s->file_size);
		require(s->offset <= size && s->file_size <= size - s->offset);
		require(s->address >= LINUX_LOAD_START && s->memory_size <= memory &&
			s->address <= memory - s->memory_size);
		entry |= plan->entry >= s->address && plan->entry - s->address < s->file_size;
		for (uint32_t i = 0; i < n; i++)
			require(s->address + s->memory_size <= plan->segment[i].address ||
				plan->segment[i].address + plan->segment[i].memory_size <=
					s->address);
	}
	require(entry);
	require(plan->header_end <= size && plan->header_end <= LINUX_HEADER_MAX);
}

static void put(uint8_t *image, size_t size, size_t where, uint64_t value, size_t bytes)
{
	if (where + bytes <= size)
		memcpy(image + where, &value, bytes);
}

/** Enough of a header that the rest is looked at. */
static void help(uint8_t *image, size_t size, uint32_t choice)
{
	if (choice & 1) {
		put(image, size, LINUX_BOOT_FLAG, 0xaa55, 2);
		put(image, size, LINUX_MAGIC, 0x53726448, 4);
		put(image, size, LINUX_VERSION, 0x20f, 2);
		put(image, size, LINUX_LOADFLAGS, 1, 1);
		put(image, size, LINUX_XLOADFLAGS, 1, 2);
		if (choice & 2)
			put(image, size, LINUX_PREF_ADDRESS, 0x100000, 8);
	} else if (choice & 2) {
		put(image, size, 0, 0x00010102464c457f, 8);
		put(image, size, offsetof(Elf64_Ehdr, e_machine), EM_X86_64, 2);
		put(image, size, offsetof(Elf64_Ehdr, e_phentsize), sizeof(Elf64_Phdr), 2);
		put(image, size, offsetof(Elf64_Ehdr, e_phoff), sizeof(Elf64_Ehdr), 8);
		put(image, size, offsetof(Elf64_Ehdr, e_phnum), choice >> 2 & 7, 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct linux_plan plan;
	uint32_t choice;
	uint64_t where;

	if (size < sizeof(choice))
		return 0;
	memcpy(&choice, data, sizeof(choice));
	size -= sizeof(choice);
	uint8_t *image = malloc(size ? size : 1);
	memcpy(image, data + sizeof(choice), size);
	help(image, size, choice);
	const uint64_t memory = (uint64_t)choice << 2;
	if (linux_plan(image, size, memory, &plan) == NULL) {
		require(linux_recognise(image, size));
		check(&plan, size, memory);
		if (linux_initrd_place(&plan, choice >> 8, memory, &where) == NULL)
			require(where >= plan.end && where + (choice >> 8) <= memory &&
				where % 4096 == 0);
	}
	free(image);
	return 0;
}
