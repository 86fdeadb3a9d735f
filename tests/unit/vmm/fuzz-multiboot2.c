/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer entry: whatever the image, a Multiboot 2 plan that is given lies in file, memory and where its
 * relocation tag allows. The first word chooses the memory size, and whether a good header is put around
 * the image's tags.
 * sources: lib/multiboot2_load.c lib/multiboot_load.c lib/multiboot_image.c
 *
 * @verifies LIB-221 LIB-222
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/multiboot2.h"
#include "lib/multiboot2_load.h"
#include "tests/unit/vmm/fuzz_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void header_put(uint8_t *image, size_t size, uint32_t where, uint32_t length)
{
	const uint32_t words[4] = {MULTIBOOT2_HEADER_MAGIC, 0, length,
				   0u - MULTIBOOT2_HEADER_MAGIC - length};

	if (size >= sizeof(words) && where <= size - sizeof(words))
		memcpy(image + where, words, sizeof(words));
}

static void check(const struct multiboot2_plan *plan, uint64_t size, uint64_t memory)
{
	require(plan->plan.count >= 1 && plan->plan.count <= MULTIBOOT_MAX_SEGMENTS);
	for (uint32_t n = 0; n < plan->plan.count; n++)
		check_segment(&plan->plan, n, size, memory);
	require(plan->plan.entry >= plan->plan.start && plan->plan.entry < plan->plan.end);
	if (!plan->relocatable)
		return;
	require(plan->plan.start >= plan->min && plan->plan.end - 1 <= plan->max);
	require(plan->align == 0 || plan->plan.start % plan->align == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct multiboot2_plan plan;
	uint32_t choice[2];

	if (size < sizeof(choice))
		return 0;
	memcpy(choice, data, sizeof(choice));
	size -= sizeof(choice);
	uint8_t *image = malloc(size ? size : 1);
	memcpy(image, data + sizeof(choice), size);
	if (choice[0] & 1)
		header_put(image, size, choice[1] & 0x78, choice[1] >> 8 & 0xfff);
	const uint64_t memory = (uint64_t)choice[0] << 2;
	if (multiboot2_plan(image, size, memory, &plan) == NULL)
		check(&plan, size, memory);
	multiboot2_recognise(image, size);
	free(image);
	return 0;
}
