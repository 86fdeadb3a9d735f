/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a partition begins, at boot and at each restart: in its own time, with its own priority, in pieces
 * of a page between which anybody else may run.
 *
 * @req KRN-071 A partition begins with its RAM cleared, or after a warm restart as it was, and with its
 *              program as it is in the system image; nothing of its VM is left.
 * @req KRN-072 Starting a partition takes none of another's time, whatever its size.
 */
#include "kernel/address.h"
#include "kernel/cpu.h"
#include "kernel/device.h"
#include "kernel/health_notify.h"
#include "kernel/info.h"
#include "kernel/paging.h"
#include "kernel/partition.h"
#include "kernel/port.h"
#include "kernel/shared.h"
#include "kernel/sys_hv.h"
#include "kernel/trace.h"
#include "kernel/watchdog.h"
#include "lib/string.h"

/* ---- memory ---- */

static void clear_ram(struct partition *partition)
{
	uint8_t *ram = phys_to_virt(partition->ram_phys);

	for (uint64_t at = 0; at < partition->ram_size; at += HV_PAGE_SIZE) {
		memset(ram + at, 0, HV_PAGE_SIZE);
		host_poll();
	}
	partition->scrubbed = true;
}

/* Where the kernel sees a page of the program's. */
static uint8_t *page_at(const struct partition *partition, uint64_t at)
{
	return phys_to_virt(paging_lookup(partition->root, at, false));
}

/* The part of the segment's file bytes that falls into the page at `at`; the rest is zero. */
static void fill_page(uint8_t *page, uint64_t at, const struct elf_segment *segment)
{
	uint64_t from = at > segment->address ? at : segment->address;
	uint64_t end = segment->address + segment->file_size;
	uint64_t to = at + HV_PAGE_SIZE < end ? at + HV_PAGE_SIZE : end;

	memset(page, 0, HV_PAGE_SIZE);
	if (from < to)
		memcpy(page + (from - at), segment->bytes + (from - segment->address), to - from);
}

static void load_segment(struct partition *partition, const struct elf_segment *segment)
{
	uint64_t at = segment->address & ~(uint64_t)HV_PAGE_MASK;

	for (; at < segment->address + segment->size; at += HV_PAGE_SIZE) {
		fill_page(page_at(partition, at), at, segment);
		host_poll();
	}
}

static void clear_stack(struct partition *partition)
{
	uint64_t at = USER_STACK_TOP - USER_STACK_SIZE;

	for (; at < USER_STACK_TOP; at += HV_PAGE_SIZE) {
		memset(page_at(partition, at), 0, HV_PAGE_SIZE);
		host_poll();
	}
}

/* ---- what others hold of it ---- */

/* Nothing yet at the first start; but messages may have come already. */
static void forget(struct partition *partition)
{
	if (partition->starts <= 1)
		return;
	for (unsigned int i = 0; i < HYPIKE_CHANNELS; i++)
		console_bind(&partition->channel[i], NULL, 0);
	devices_reset_partition(partition);
	health_bind(partition, NULL, 0);
	ports_reset_partition(partition);
	shared_reset_partition(partition);
	hv_partition_reset(partition);
	pool_reset(&partition->pool, partition->own_pages);
}

/* From here on it may make threads; unless it is to end already, which host_poll() has found or the way
 * to ring 3 will. */
static void is_running(struct partition *partition)
{
	host_lock(&partition->lock);
	if (partition->state == PARTITION_STARTING) {
		partition->state = PARTITION_RUNNING;
		trace(TRACE_PARTITION, partition->index, HYPIKE_RUNNING, partition->starts - 1);
	}
	host_unlock(&partition->lock);
}

void partition_begin(void)
{
	struct partition *partition = partition_self();

	forget(partition);
	host_poll();
	if (!partition->warm)
		clear_ram(partition);
	for (uint32_t i = 0; i < partition->program.count; i++)
		load_segment(partition, &partition->program.segment[i]);
	clear_stack(partition);
	info_update(partition);
	watchdog_begin(partition);
	is_running(partition);
	thread_enter_user(partition->program.entry, USER_STACK_TOP, USER_INFO);
}
