/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/shared.h"

#include "kernel/address.h"
#include "kernel/end.h"
#include "kernel/memory.h"
#include "kernel/paging.h"
#include "kernel/partition.h"
#include "lib/string.h"

struct region {
	const struct system_region *config;
	uint64_t phys;
	uint64_t address; /* in every partition */
	struct share *first;
};

/* A region in a partition. */
struct share {
	struct region *region;
	struct share *next; /* of the same region */
	bool writable;
	/* Guards the others, against other CPUs. */
	struct host_lock lock;
	struct thread *bound; /* NULL: nobody */
	uint64_t bits;
};

static struct region regions[SYSTEM_MAX_REGION];
static struct share shares[SYSTEM_MAX_SHARE]; /* those of a partition stand together */
static uint32_t first_share[SYSTEM_MAX_PARTITION + 1];

/* ---- making them ---- */

static uint64_t alignment_of(uint64_t size)
{
	return size >= HV_2M ? HV_2M : HV_PAGE_SIZE;
}

static void make_region(struct region *region, const struct system_region *config, uint64_t address)
{
	*region = (struct region){.config = config, .address = address};
	if (config->size > USER_DEVICES - address)
		end_refuse("region %s: no address is left for its %lu KiB", config->name,
			   config->size / 1024);
	region->phys = memory_alloc(config->size, alignment_of(config->size));
	if (region->phys == 0)
		end_refuse("region %s: too little memory for its %lu KiB: %lu KiB are left, "
			   "%lu KiB in one piece",
			   config->name, config->size / 1024, memory_left() / 1024,
			   memory_largest(alignment_of(config->size)) / 1024);
	memset(phys_to_virt(region->phys), 0, config->size);
}

static void make_regions(const struct system_image *image)
{
	uint64_t address = USER_SHARED;

	for (uint32_t i = 0; i < image->region_count; i++) {
		make_region(&regions[i], &image->regions[i], address);
		address = align_up(address + image->regions[i].size, HV_2M);
	}
}

static void make_share(struct share *share, const struct system_share *config)
{
	struct region *region = &regions[config->region];

	*share = (struct share){
		.region = region,
		.next = region->first,
		.writable = (config->flags & SYSTEM_SHARE_WRITE) != 0,
	};
	region->first = share;
}

void shared_create(const struct system_image *image)
{
	uint32_t count = 0;

	make_regions(image);
	for (uint32_t owner = 0; owner < SYSTEM_MAX_PARTITION; owner++) {
		first_share[owner] = count;
		for (uint32_t i = 0; i < image->share_count; i++)
			if (image->shares[i].partition == owner)
				make_share(&shares[count++], &image->shares[i]);
	}
	first_share[SYSTEM_MAX_PARTITION] = count;
}

uint64_t shared_tables(uint32_t partition, uint64_t leaf)
{
	uint64_t sum = 0;

	for (uint32_t i = first_share[partition]; i < first_share[partition + 1]; i++)
		sum += paging_tables(shares[i].region->config->size, leaf) + 1;
	return sum;
}

bool shared_map(struct partition *partition)
{
	for (uint32_t i = first_share[partition->index]; i < first_share[partition->index + 1]; i++) {
		const struct region *region = shares[i].region;

		if (!paging_map(partition->root, &partition->pool, region->address, region->phys,
				region->config->size,
				MAP_USER | (shares[i].writable ? MAP_WRITE : 0)))
			return false;
	}
	return true;
}

/* ---- finding them ---- */

struct share *shared_find(const struct partition *partition, uint64_t number)
{
	uint32_t first = first_share[partition->index];

	return number < first_share[partition->index + 1] - first ? &shares[first + number] : NULL;
}

hv_status_t shared_open(const struct partition *partition, const char name[SYSTEM_NAME_SIZE],
			struct hypike_shared *shared)
{
	const struct share *share;

	for (uint32_t i = 0; (share = shared_find(partition, i)) != NULL; i++) {
		const struct region *region = share->region;

		if (memcmp(region->config->name, name, SYSTEM_NAME_SIZE) != 0)
			continue;
		*shared = (struct hypike_shared){
			.data = (void *)(uintptr_t)region->address,
			.size = region->config->size,
			.region = i,
			.writable = share->writable,
		};
		return HV_OK;
	}
	return HV_E_NOENT;
}

uint64_t shared_lookup(const struct partition *partition, uint64_t address, uint64_t size)
{
	const struct share *share;

	for (uint32_t i = 0; (share = shared_find(partition, i)) != NULL; i++) {
		const struct region *region = share->region;

		if (share->writable && address >= region->address &&
		    hv_range_ok(address - region->address, size, region->config->size))
			return region->phys + (address - region->address);
	}
	return UINT64_MAX;
}

uint32_t shared_region(const struct share *share)
{
	return (uint32_t)(share->region - regions);
}

/* ---- notifications ---- */

static void notify_one(struct share *share)
{
	host_lock(&share->lock);
	if (share->bound != NULL)
		thread_notify(share->bound, share->bits);
	host_unlock(&share->lock);
}

void shared_notify(struct share *share)
{
	for (struct share *other = share->region->first; other != NULL; other = other->next)
		if (other != share)
			notify_one(other);
}

void shared_bind(struct share *share, struct thread *thread, uint64_t bits)
{
	host_lock(&share->lock);
	share->bound = thread;
	share->bits = bits;
	host_unlock(&share->lock);
}

void shared_reset_partition(const struct partition *partition)
{
	struct share *share;

	for (uint32_t i = 0; (share = shared_find(partition, i)) != NULL; i++)
		shared_bind(share, NULL, 0);
}
