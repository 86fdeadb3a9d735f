/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer entry: whatever the image, a plan that is given lies in file and memory. The first word
 * chooses the memory size, and whether a good header is put into the image.
 * sources: lib/multiboot_load.c lib/multiboot_image.c lib/multiboot2_load.c
 *
 * @verifies LIB-201 LIB-202
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/multiboot.h"
#include "lib/multiboot_load.h"
#include "tests/unit/vmm/fuzz_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void header_put(uint8_t *image, size_t size, uint32_t where, uint32_t flags)
{
	const uint32_t words[3] = {MULTIBOOT_HEADER_MAGIC, flags,
				   0u - MULTIBOOT_HEADER_MAGIC - flags};

	where &= 0x1ffc;
	if (size >= sizeof(words) && where <= size - sizeof(words))
		memcpy(image + where, words, sizeof(words));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct multiboot_plan plan;
	uint32_t choice[2];

	if (size < sizeof(choice))
		return 0;
	memcpy(choice, data, sizeof(choice));
	size -= sizeof(choice);
	uint8_t *image = malloc(size ? size : 1);
	memcpy(image, data + sizeof(choice), size);
	if (choice[0] & 1)
		header_put(image, size, choice[1], choice[1] & 0x10003);
	uint64_t memory = (uint64_t)choice[0] << 2;
	if (multiboot_plan(image, size, memory, &plan) == NULL) {
		require(plan.count >= 1 && plan.count <= MULTIBOOT_MAX_SEGMENTS);
		for (uint32_t n = 0; n < plan.count; n++)
			check_segment(&plan, n, size, memory);
		require(plan.entry >= plan.start && plan.entry < plan.end);
	}
	free(image);
	return 0;
}
