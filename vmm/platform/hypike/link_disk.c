/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bit for each sector says that it has been written and not sent. The link's thread clears it before it sends the
 * sector: one that is written meanwhile is sent once more. A flush is sent when the thread has been through all
 * sectors since it was asked for: what was written before is on the link before it.
 *
 * @req VMM-660 What the guest has flushed is in the command's file before the guest hears so; at the VM's end all that
 *              was written is. What could not be written fails every flush from then on.
 */
#include "vmm/platform/hypike/link_disk.h"

#include "lib/string.h"
#include "vmm/platform.h"
#include "vmm/platform/hypike/link.h"

#define SECTOR	 512u
#define AT_ONCE	 8u /* sectors */
#define BITS	 64u

_Static_assert(sizeof(uint64_t) + AT_ONCE * SECTOR <= LINK_MAX, "fits into a message");

static struct disk {
	uint8_t *data; /**< NULL: there is none of this number */
	uint64_t *dirty;
	uint64_t sectors;
	uint64_t at;	   /**< where the link's thread is */
	uint64_t left;	   /**< sectors that it has to look at, until the flush `sweeping` can be sent */
	uint32_t wanted, sweeping, sent, done; /**< numbers of flushes: asked for, being prepared, sent, answered */
	bool failed;
	bool bound;
	uint64_t signal;
} disks[LINK_NUMBERS];

static bool exists(const struct disk *disk)
{
	return __atomic_load_n(&disk->data, __ATOMIC_ACQUIRE) != NULL;
}

/* ------------------------------------------------------------------------------------- the link's thread */

static bool is_dirty(const struct disk *disk, uint64_t sector)
{
	return __atomic_load_n(&disk->dirty[sector / BITS], __ATOMIC_ACQUIRE) >> (sector % BITS) & 1;
}

/** @return the first sector from `from` on that is to be sent; disk->sectors: there is none. */
static uint64_t next_dirty(const struct disk *disk, uint64_t from)
{
	uint64_t sector = from;

	while (sector < disk->sectors && !is_dirty(disk, sector)) {
		const bool word_clean = sector % BITS == 0 &&
					__atomic_load_n(&disk->dirty[sector / BITS], __ATOMIC_ACQUIRE) == 0;
		sector += word_clean ? BITS : 1;
	}
	return sector < disk->sectors ? sector : disk->sectors;
}

static void clean(struct disk *disk, uint64_t sector)
{
	__atomic_and_fetch(&disk->dirty[sector / BITS], ~(UINT64_C(1) << sector % BITS), __ATOMIC_SEQ_CST);
}

static void go_to(struct disk *disk, uint64_t sector)
{
	const uint64_t passed = sector - disk->at;

	disk->left -= passed < disk->left ? passed : disk->left;
	disk->at = sector == disk->sectors ? 0 : sector;
}

static void send_sectors(struct disk *disk, uint8_t number, uint64_t first)
{
	const uint64_t where = first * SECTOR;
	uint64_t end = first;

	while (end < disk->sectors && end - first < AT_ONCE && is_dirty(disk, end))
		clean(disk, end++);
	link_send(LINK_WRITE, number, &where, sizeof(where), disk->data + where,
		  (size_t)(end - first) * SECTOR);
	go_to(disk, end);
}

static bool send_one(struct disk *disk, uint8_t number)
{
	const uint32_t wanted = __atomic_load_n(&disk->wanted, __ATOMIC_ACQUIRE);

	if (disk->sweeping == disk->sent && wanted != disk->sent) {
		disk->sweeping = wanted;
		disk->left = disk->sectors;
	}
	const uint64_t next = next_dirty(disk, disk->at);
	go_to(disk, next);
	if (next < disk->sectors && (disk->left > 0 || disk->sweeping == disk->sent)) {
		send_sectors(disk, number, next);
		return true;
	}
	if (disk->sweeping != disk->sent && disk->left == 0) {
		disk->sent = disk->sweeping;
		link_send(LINK_FLUSH, number, &disk->sent, sizeof(disk->sent), NULL, 0);
		return true;
	}
	return disk->sweeping != disk->sent || next_dirty(disk, 0) < disk->sectors;
}

bool link_disk_pump(void)
{
	bool more = false;

	for (uint8_t i = 0; i < LINK_NUMBERS; i++)
		if (exists(&disks[i]))
			more |= send_one(&disks[i], i);
	return more;
}

static void tell(struct disk *disk)
{
	hypike_futex_wake(&disk->done, 1);
	if (__atomic_load_n(&disk->bound, __ATOMIC_ACQUIRE))
		hypike_notify(EVENT_THREAD, disk->signal);
}

bool link_disk_take(uint8_t number, const uint8_t *payload, size_t size)
{
	struct disk *disk = &disks[number];
	struct link_flushed flushed;

	if (size != sizeof(flushed) || !exists(disk))
		return false;
	memcpy(&flushed, payload, sizeof(flushed));
	if (flushed.number != disk->sent || flushed.number == disk->done)
		return false;
	disk->failed |= flushed.failed != 0;
	__atomic_store_n(&disk->done, flushed.number, __ATOMIC_RELEASE);
	tell(disk);
	return true;
}

void link_disk_tell(void)
{
	for (unsigned int i = 0; i < LINK_NUMBERS; i++)
		if (exists(&disks[i]))
			tell(&disks[i]);
}

/* ---------------------------------------------------------------------------------------- for the VMM */

static struct disk *of(const struct platform_disk *handle)
{
	return &disks[handle->number];
}

/** All of the file in memory, and a bit for each sector. */
static bool take_memory(struct disk *disk, const struct platform_file *file)
{
	const uint64_t sectors = file->size / SECTOR + (file->size % SECTOR != 0);
	const uint64_t size = sectors * SECTOR, bits = (sectors + BITS - 1) / BITS * sizeof(uint64_t);
	uint8_t *const data = platform_memory(size + bits);

	if (!data)
		return false;
	memcpy(data, file->data, file->size);
	memset(data + file->size, 0, size + bits - file->size);
	disk->sectors = sectors;
	disk->dirty = (uint64_t *)(void *)(data + size);
	__atomic_store_n(&disk->data, data, __ATOMIC_RELEASE);
	return true;
}

bool platform_disk(const char *name, struct platform_disk *disk)
{
	const char *const file_name = name + sizeof(LINK_NAME "0:") - 1;
	struct platform_file file;
	uint8_t number;

	if (!link_number(name, &number) || file_name[-1] != ':' || exists(&disks[number]) ||
	    !platform_file(file_name, &file) || !link_open() || !take_memory(&disks[number], &file))
		return false;
	*disk = (struct platform_disk){.size = file.size, .number = number, .writable = true,
				       .later = true, .id = file_name};
	return true;
}

static bool inside(const struct disk *disk, uint64_t where, size_t size)
{
	return hv_range_ok(where, size, disk->sectors * SECTOR) && (where | size) % SECTOR == 0;
}

bool platform_disk_read(const struct platform_disk *handle, uint64_t where, void *to, size_t size)
{
	if (!inside(of(handle), where, size))
		return false;
	memcpy(to, of(handle)->data + where, size);
	return true;
}

bool platform_disk_write(const struct platform_disk *handle, uint64_t where, const void *from,
			 size_t size)
{
	struct disk *disk = of(handle);

	if (!inside(disk, where, size))
		return false;
	memcpy(disk->data + where, from, size);
	for (uint64_t i = where / SECTOR; i < (where + size) / SECTOR; i++)
		__atomic_or_fetch(&disk->dirty[i / BITS], UINT64_C(1) << i % BITS, __ATOMIC_SEQ_CST);
	link_kick();
	return true;
}

enum platform_flush platform_disk_flush(const struct platform_disk *handle)
{
	__atomic_add_fetch(&of(handle)->wanted, 1, __ATOMIC_ACQ_REL);
	link_kick();
	return platform_disk_flushed(handle);
}

hv_status_t platform_disk_bind(const struct platform_disk *handle, uint8_t signal)
{
	of(handle)->signal = UINT64_C(1) << signal;
	__atomic_store_n(&of(handle)->bound, true, __ATOMIC_RELEASE);
	return HV_OK;
}

enum platform_flush platform_disk_flushed(const struct platform_disk *handle)
{
	const struct disk *disk = of(handle);

	if (!link_up())
		return PLATFORM_FLUSH_FAILED;
	if (__atomic_load_n(&disk->done, __ATOMIC_ACQUIRE) != disk->wanted)
		return PLATFORM_FLUSH_LATER;
	return disk->failed ? PLATFORM_FLUSH_FAILED : PLATFORM_FLUSH_DONE;
}

void link_disk_finish(void)
{
	static const char lost[] = "vmm: not all that was written to a disk is in its file\n";

	for (uint32_t i = 0; i < LINK_NUMBERS; i++) {
		const struct platform_disk disk = {.number = i};
		if (!exists(&disks[i]))
			continue;
		enum platform_flush flush = platform_disk_flush(&disk);
		while (flush == PLATFORM_FLUSH_LATER) {
			const uint32_t done = __atomic_load_n(&disks[i].done, __ATOMIC_ACQUIRE);
			if (platform_disk_flushed(&disk) == PLATFORM_FLUSH_LATER)
				hypike_futex_wait(&disks[i].done, done, hypike_time() + UINT64_C(1000000000));
			hypike_alive();
			flush = platform_disk_flushed(&disk);
		}
		if (flush == PLATFORM_FLUSH_FAILED)
			platform_console_write(lost, sizeof(lost) - 1);
	}
}
