/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does everything fit into the machine's memory? What the kernel keeps for a partition is estimated, a
 * little below what it really takes (kernel/partition_build.c): what is refused here can't be.
 */
#include "tools/check.h"

#include "tools/picture.h"

#define PAGE UINT64_C(4096)
/* Kernel, its tables, what a PC has below 1 MiB. */
#define KERNEL_MEMORY (UINT64_C(3) << 20)
/* Stack and state of a thread; stack, tables and first page of a program. */
#define THREAD_PAGES 5
#define PROGRAM_PAGES 80
/* A VM's own, and each vCPU's. */
#define VM_PAGES   64
#define VCPU_PAGES 24

static uint64_t threads_of(const struct model_partition *partition)
{
	if (partition->threads != 0)
		return partition->threads;
	return partition->kind == SYSTEM_PARTITION_NATIVE ? MODEL_NATIVE_THREADS
							  : partition->vcpus + 1;
}

static uint64_t kernel_memory(const struct model_partition *partition)
{
	uint64_t pages = PROGRAM_PAGES + threads_of(partition) * THREAD_PAGES;

	if (partition->kernel_memory != 0)
		return partition->kernel_memory;
	if (partition->kind == SYSTEM_PARTITION_VMM)
		pages += VM_PAGES + partition->vcpus * VCPU_PAGES +
			 partition->memory / PAGE / 512;
	return pages * PAGE;
}

static uint64_t ram_of(const struct model_partition *partition)
{
	if (partition->memory != 0)
		return partition->memory;
	return partition->kind == SYSTEM_PARTITION_VMM ? MODEL_MEMORY_DEFAULT
						       : MODEL_NATIVE_MEMORY_DEFAULT;
}

static uint64_t file_size(const struct model_file *file)
{
	return (file->bytes.size + PAGE - 1) / PAGE * PAGE;
}

static uint64_t partition_sum(const struct model_partition *partition)
{
	uint64_t sum = ram_of(partition) + kernel_memory(partition);

	for (size_t i = 0; i < partition->file_count; i++)
		sum += file_size(&partition->files[i]);
	return sum + file_size(&partition->own_program);
}

uint64_t check_memory_sum(const struct model *model)
{
	uint64_t sum = KERNEL_MEMORY + file_size(&model->vmm);

	for (size_t i = 0; i < model->partition_count; i++)
		sum += partition_sum(&model->partitions[i]);
	for (size_t i = 0; i < model->region_count; i++)
		sum += model->regions[i].size;
	return sum;
}

bool check_memory(const struct model *model)
{
	const uint64_t sum = check_memory_sum(model);
	char has[32];

	return model->memory == 0 || sum <= model->memory ||
	       model_error(model, model->root, "memory",
			   "the partitions, what they share, their files and the kernel need %lluM, "
			   "the machine has %s",
			   (unsigned long long)((sum + (1 << 20) - 1) >> 20),
			   picture_size(model->memory, has));
}
