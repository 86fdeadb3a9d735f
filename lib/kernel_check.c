/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/kernel_check.h"

#include <stddef.h>

#include "lib/linux_boot.h"
#include "lib/multiboot2_load.h"
#include "lib/multiboot_load.h"

enum kernel_kind kernel_kind(const void *image, uint64_t size)
{
	if (linux_recognise(image, size))
		return KERNEL_LINUX;
	return multiboot2_recognise(image, size) ? KERNEL_MULTIBOOT2 : KERNEL_MULTIBOOT;
}

static const char *check_multiboot(const void *image, uint64_t size, uint64_t memory_size,
				   uint64_t *end)
{
	struct multiboot_plan plan;
	const char *why = multiboot_plan(image, size, memory_size, &plan);

	*end = why ? 0 : plan.end;
	return why;
}

static const char *check_multiboot2(const void *image, uint64_t size, uint64_t memory_size,
				    uint64_t *end)
{
	struct multiboot2_plan plan;
	const char *why = multiboot2_plan(image, size, memory_size, &plan);

	*end = why ? 0 : plan.plan.end;
	return why;
}

static const char *check_linux(const void *image, uint64_t size, uint64_t memory_size,
			       uint64_t *end)
{
	struct linux_plan plan;
	const char *why = linux_plan(image, size, memory_size, &plan);

	*end = why ? 0 : plan.end;
	return why;
}

const char *kernel_check(const void *image, uint64_t size, uint64_t memory_size, uint64_t *end)
{
	static const char *(*const checks[])(const void *, uint64_t, uint64_t, uint64_t *) = {
		[KERNEL_MULTIBOOT] = check_multiboot,
		[KERNEL_LINUX] = check_linux,
		[KERNEL_MULTIBOOT2] = check_multiboot2,
	};

	return checks[kernel_kind(image, size)](image, size, memory_size, end);
}

const char *firmware_check(uint64_t size)
{
	if (size == 0 || size % 4096 != 0)
		return "the size of a firmware image is a multiple of 4 KiB";
	return size > FIRMWARE_MAX ? "firmware larger than 16 MiB" : NULL;
}
