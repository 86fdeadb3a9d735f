/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/info.h"

#include "kernel/address.h"
#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/paging.h"
#include "lib/string.h"

static const char *args_of(const struct partition *partition, const struct system_image *image)
{
	return system_image_string(image, partition->config->args);
}

static const struct system_file *file_of(const struct partition *partition,
					 const struct system_image *image, uint32_t i)
{
	return &image->files[partition->config->first_file + i];
}

uint64_t info_pages(const struct partition *partition, const struct system_image *image)
{
	uint64_t size = sizeof(struct hypike_info) + strlen(args_of(partition, image)) + 1;

	for (uint32_t i = 0; i < partition->config->file_count; i++)
		size += strlen(system_image_string(image, file_of(partition, image, i)->name)) + 1;
	return page_up(size) / HV_PAGE_SIZE;
}

/* Where the next string goes, in the kernel's view and in the program's. */
struct writer {
	char *at;
	uint64_t user;
};

static const char *put_string(struct writer *writer, const char *text)
{
	size_t size = strlen(text) + 1;
	const char *user = (const char *)(uintptr_t)writer->user;

	memcpy(writer->at, text, size);
	writer->at += size;
	writer->user += size;
	return user;
}

static void put_files(struct hypike_info *info, struct writer *writer,
		      const struct partition *partition, const struct system_image *image)
{
	uint64_t at = USER_FILES;

	info->file_count = partition->config->file_count;
	for (uint32_t i = 0; i < info->file_count; i++) {
		const struct system_file *file = file_of(partition, image, i);

		info->file[i] = (struct hypike_file){
			.name = put_string(writer, system_image_string(image, file->name)),
			.data = (const void *)(uintptr_t)at,
			.size = file->size,
		};
		at += page_up(file->size);
	}
}

static void fill(struct hypike_info *info, const struct partition *partition,
		 const struct system_image *image)
{
	struct writer writer = {(char *)(info + 1), USER_INFO + sizeof(*info)};

	*info = (struct hypike_info){
		.magic = HYPIKE_INFO_MAGIC,
		.version = 1,
		.cpu_count = cpu_count,
		.cpu_mask = partition->cpus,
		.tsc_khz = clock_tsc_khz,
		.tsc_boot = clock_tsc_boot,
		.ram = partition->ram_size != 0 ? (void *)USER_RAM : NULL,
		.ram_size = partition->ram_size,
		.priority = partition->priority,
		.hidden = partition->hidden,
		.index = partition->index,
		.rights = partition->config->flags,
		.partition_count = partition_count,
		.watchdog = partition->config->watchdog,
	};
	memcpy(info->partition, partition->name, HYPIKE_NAME_MAX);
	info->args = put_string(&writer, args_of(partition, image));
	put_files(info, &writer, partition, image);
}

void info_make(struct partition *partition, const struct system_image *image)
{
	uint64_t pages = info_pages(partition, image);
	void *info;

	if (partition->config->file_count > HYPIKE_MAX_FILES)
		end_refuse("partition %s: more than %u files", partition->name, HYPIKE_MAX_FILES);
	info = host_pages_alloc(&partition->pool, (unsigned int)pages);
	if (info == NULL ||
	    !paging_map(partition->root, &partition->pool, USER_INFO, virt_to_phys(info),
			pages * HV_PAGE_SIZE, MAP_USER))
		end_refuse("partition %s: its kernel memory is too small for its information page",
			   partition->name);
	fill(info, partition, image);
	partition->info = info;
}

void info_update(struct partition *partition)
{
	partition->info->start = partition->start;
	partition->info->warm = partition->warm;
	partition->info->restarts = partition->starts - 1;
}
