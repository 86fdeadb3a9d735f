/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making the partitions: each gets one contiguous block of RAM and one pool of pages, and everything
 * that the kernel will ever need for it comes out of that pool, now or later. What is in the memory is
 * the partition's own business, in its own time (partition_start.c).
 */
#include "kernel/address.h"
#include "kernel/cpu.h"
#include "kernel/device.h"
#include "kernel/elf.h"
#include "kernel/end.h"
#include "kernel/health.h"
#include "kernel/info.h"
#include "kernel/memory.h"
#include "kernel/paging.h"
#include "kernel/partition.h"
#include "kernel/shared.h"
#include "kernel/runq.h"
#include "lib/string.h"

/* Pages for a VM beside its nested tables, and for each vCPU: control blocks, bitmaps, APIC page. */
#define VM_PAGES   64u
#define VCPU_PAGES 24u

_Noreturn static void refuse(const struct partition *partition, const char *reason)
{
	end_refuse("partition %s: %s", partition->name, reason);
}

/* ---- how much ---- */

static uint64_t pages_of(uint64_t bytes)
{
	return page_up(bytes) / HV_PAGE_SIZE;
}

static uint64_t program_pages(const struct elf_program *program)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < program->count; i++)
		sum += pages_of(program->segment[i].size) + 1;
	return sum;
}

static uint64_t file_bytes(const struct partition *partition, const struct system_image *image)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < partition->config->file_count; i++)
		sum += page_up(image->files[partition->config->first_file + i].size);
	return sum;
}

static uint64_t thread_pages(uint32_t limit)
{
	return pages_of((uint64_t)limit * sizeof(struct thread)) +
	       limit * (STACK_SIZE / HV_PAGE_SIZE + pages_of(host_fpu_size()));
}

static uint64_t table_pages(const struct partition *partition, const struct system_image *image,
			    const struct elf_program *program)
{
	return 8 + paging_tables(program_pages(program) * HV_PAGE_SIZE, HV_PAGE_SIZE) +
	       paging_tables(file_bytes(partition, image), HV_PAGE_SIZE) +
	       paging_tables(partition->ram_size, HV_2M) +
	       shared_tables(partition->index, HV_2M) + devices_tables(partition->index);
}

static uint64_t vm_pages(const struct partition *partition)
{
	const struct system_partition *config = partition->config;
	uint32_t vcpus = config->vcpu_limit != 0 ? config->vcpu_limit : 1;

	if (config->kind != SYSTEM_PARTITION_VMM)
		return 0;
	return VM_PAGES + vcpus * (VCPU_PAGES + pages_of(host_fpu_size())) +
	       paging_tables(config->ram_size, HV_PAGE_SIZE) +
	       shared_tables(partition->index, HV_PAGE_SIZE);
}

static uint64_t pool_pages(const struct partition *partition, const struct system_image *image,
			   const struct elf_program *program)
{
	uint64_t pages = program_pages(program) + USER_STACK_SIZE / HV_PAGE_SIZE +
			 thread_pages(partition->thread_limit) +
			 table_pages(partition, image, program) +
			 info_pages(partition, image) + vm_pages(partition);

	if (partition->config->kernel_size != 0) {
		if (partition->config->kernel_size / HV_PAGE_SIZE < pages)
			end_refuse("partition %s: its kernel memory of %lu KiB is too small: "
				   "it needs %lu KiB",
				   partition->name, partition->config->kernel_size / 1024,
				   pages * (HV_PAGE_SIZE / 1024));
		pages = partition->config->kernel_size / HV_PAGE_SIZE;
	}
	return pages + pool_overhead((uint32_t)pages) + 1;
}

/* ---- memory ---- */

static uint64_t take_memory(const struct partition *partition, const char *what, uint64_t size,
			    uint64_t alignment)
{
	uint64_t phys = memory_alloc(size, alignment);

	if (phys == 0)
		end_refuse("partition %s: too little memory for its %s of %lu KiB: %lu KiB are left, "
			   "%lu KiB in one piece",
			   partition->name, what, size / 1024, memory_left() / 1024,
			   memory_largest(alignment) / 1024);
	return phys;
}

static void map(struct partition *partition, uint64_t virt, uint64_t phys, uint64_t size,
		unsigned int rights)
{
	if (!paging_map(partition->root, &partition->pool, virt, phys, size, rights | MAP_USER))
		refuse(partition, "its kernel memory is too small for its page tables");
}

static void *take_page(struct partition *partition)
{
	void *page = host_pages_alloc(&partition->pool, 1);

	if (page == NULL)
		refuse(partition, "its kernel memory is too small for its program");
	return page;
}

static void make_memory(struct partition *partition, uint64_t pages)
{
	uint64_t size = pages * HV_PAGE_SIZE;

	if (pages > UINT32_MAX)
		refuse(partition, "its memory is larger than any machine's");
	pool_init(&partition->pool,
		  take_memory(partition, "kernel memory", size, HV_PAGE_SIZE), (uint32_t)pages);
	partition->root = paging_new_root(&partition->pool);
	if (partition->root == 0)
		refuse(partition, "its kernel memory is too small for its page tables");
	if (partition->ram_size == 0)
		return;
	partition->ram_phys = take_memory(partition, "RAM", partition->ram_size, HV_2M);
	map(partition, USER_RAM, partition->ram_phys, partition->ram_size, MAP_WRITE);
}

/* ---- program, files, stack ---- */

static void make_segment(struct partition *partition, const struct elf_segment *segment)
{
	unsigned int rights = (segment->write ? MAP_WRITE : 0) | (segment->exec ? MAP_EXEC : 0);
	uint64_t at = segment->address & ~(uint64_t)HV_PAGE_MASK;

	for (; at < segment->address + segment->size; at += HV_PAGE_SIZE)
		map(partition, at, virt_to_phys(take_page(partition)), HV_PAGE_SIZE, rights);
}

static void make_stack(struct partition *partition)
{
	uint64_t at = USER_STACK_TOP - USER_STACK_SIZE;

	for (; at < USER_STACK_TOP; at += HV_PAGE_SIZE)
		map(partition, at, virt_to_phys(take_page(partition)), HV_PAGE_SIZE, MAP_WRITE);
}

static void map_files(struct partition *partition, const struct system_image *image)
{
	uint64_t at = USER_FILES;

	for (uint32_t i = 0; i < partition->config->file_count; i++) {
		const struct system_file *file = &image->files[partition->config->first_file + i];

		map(partition, at, virt_to_phys(system_image_data(image, file)),
		    page_up(file->size), 0);
		at += page_up(file->size);
	}
}

/* ---- threads ---- */

static void make_threads(struct partition *partition)
{
	uint32_t limit = partition->thread_limit;
	uint32_t fpu_pages = (uint32_t)pages_of(host_fpu_size());

	partition->threads = host_pages_alloc(
		&partition->pool, (uint32_t)pages_of((uint64_t)limit * sizeof(struct thread)));
	for (uint32_t i = 0; partition->threads != NULL && i < limit; i++) {
		struct thread *thread = &partition->threads[i];

		thread->stack_top = paging_map_stack(&partition->pool);
		thread->fpu.area = host_pages_alloc(&partition->pool, fpu_pages);
		if (thread->stack_top == 0 || thread->fpu.area == NULL)
			refuse(partition, "its kernel memory is too small for its threads");
	}
	if (partition->threads == NULL)
		refuse(partition, "its kernel memory is too small for its threads");
}

static uint64_t online_cpus(void)
{
	return (UINT64_C(1) << cpu_count) - 1;
}

/* What the check of the image lets through, the kernel has room for. */
_Static_assert(SYSTEM_MAX_PRIORITY == HYPIKE_PRIORITIES - 1, "one range of priorities");
_Static_assert(SYSTEM_MAX_THREAD == HYPIKE_TASK_THREADS, "one limit of threads");

static void take_config(struct partition *partition, const struct system_partition *config)
{
	*partition = (struct partition){
		.config = config,
		.name = config->name,
		.index = (uint32_t)(partition - partitions),
		.priority = config->priority,
		.cpus = config->cpus & online_cpus(),
		.ram_size = config->ram_size,
		.thread_limit = config->thread_limit,
	};
	if (partition->cpus == 0)
		end_refuse("partition %s: none of its CPUs (mask %lx) is in this machine of %u",
			   partition->name, config->cpus, cpu_count);
	console_attach(partition->channel, partition->index,
		       (config->flags & SYSTEM_PARTITION_PREFIX) != 0 || partition_count > 1
			       ? partition->name
			       : NULL);
	if ((config->flags & SYSTEM_PARTITION_LINK) != 0)
		console_expect_bulk();
	if ((config->flags & SYSTEM_PARTITION_INPUT) != 0)
		console_input_to(&partition->channel[HYPIKE_CHANNEL_CONSOLE]);
}

static void build(struct partition *partition, const struct system_image *image)
{
	const struct system_file *file = &image->files[partition->config->program];
	struct elf_program *program = &partition->program;
	const char *reason = elf_check(system_image_data(image, file), file->size, program);

	if (reason != NULL)
		end_refuse("partition %s: program %s: %s", partition->name,
			   system_image_string(image, file->name), reason);
	make_memory(partition, pool_pages(partition, image, program));
	for (uint32_t i = 0; i < program->count; i++)
		make_segment(partition, &program->segment[i]);
	make_stack(partition);
	map_files(partition, image);
	if (!shared_map(partition))
		refuse(partition, "its kernel memory is too small for its shared regions");
	if (!devices_map(partition))
		refuse(partition, "its kernel memory is too small for its device memory");
	if (!paging_prepare(partition->root, &partition->pool, USER_VCPUS,
			    (uint64_t)HV_MAX_VCPUS * HV_PAGE_SIZE))
		refuse(partition, "its kernel memory is too small for its page tables");
	info_make(partition, image);
	make_threads(partition);
	partition->own_pages = partition->pool.used;
}

/* ---- public ---- */

void partitions_create(const struct system_image *image)
{
	uint64_t size = page_up(image->partition_count * sizeof(struct partition));
	uint64_t phys = memory_alloc(size, HV_PAGE_SIZE);

	if (phys == 0)
		end_refuse("too little memory for %u partitions", image->partition_count);
	partitions = phys_to_virt(phys);
	partition_count = image->partition_count;
	for (uint32_t i = 0; i < partition_count; i++) {
		take_config(&partitions[i], &image->partitions[i]);
		build(&partitions[i], image);
	}
	runqs_create(image);
	if (partition_count == 1)
		console_input_to(&partitions[0].channel[HYPIKE_CHANNEL_CONSOLE]);
}

void partitions_start(void)
{
	for (uint32_t i = 0; i < partition_count; i++)
		if ((partitions[i].config->flags & SYSTEM_PARTITION_DORMANT) == 0)
			partition_restart(&partitions[i], PARTITION_COLD, 0,
					  health_restarted_module() ? HYPIKE_START_MODULE
								    : HYPIKE_START_NORMAL);
}
