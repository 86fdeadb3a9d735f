/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks of a VM: raw files and block devices, and overlay files. An overlay has the sectors that were written,
 * each where the disk has it, and behind them a bit for each sector that it has and a header. The bits are
 * written when the guest flushes, behind the sectors: what was flushed is there whatever happens, and what
 * wasn't is there or isn't, as on a disk with a cache.
 *
 * @req VMM-605 A disk that one VM writes to is open to no other; one that is read can be read by many.
 * @req VMM-606 What the guest has flushed is in the file; an overlay file leaves the disk as it is, goes on
 *              where it was left, and is refused on another disk.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/platform.h"
#include "vmm/platform/linux/linux.h"

#define DISKS  8u
#define SECTOR 512u
/** What O_DIRECT wants of offset, size and memory, on every disk there is. */
#define ALIGNMENT 4096u

struct overlay_header {
	char magic[16];
	uint64_t size;	       /**< of the disk */
	int64_t time, time_ns; /**< when the disk was changed last */
};

static const char overlay_magic[16] = "HyPike overlay 1";

struct disk {
	char *name;
	int fd;	    /**< through the page cache */
	int direct; /**< the same past it; -1: not asked for */
	int overlay; /**< -1: none */
	uint64_t size, sectors;
	bool writable;
	uint8_t *written; /**< the overlay's bits */
	bool changed;	  /**< since they were in the file */
};

static struct disk disks[DISKS];
static uint32_t disk_count;

/* ----------------------------------------------------------------------------------------- transfers */

/** Where a transfer goes on. @return false: it failed, or (reading) the file ends. */
static bool goes_on(ssize_t n, uint64_t *where, uint8_t **data, size_t *size)
{
	if (n < 0)
		return errno == EINTR;
	*where += (uint64_t)n;
	*data += n;
	*size -= (size_t)n;
	return n > 0;
}

/** Behind the end of a file there are zeros. */
static bool file_read(int fd, uint64_t where, uint8_t *to, size_t size)
{
	ssize_t n = 0;

	while (size > 0) {
		n = pread(fd, to, size, (off_t)where);
		if (!goes_on(n, &where, &to, &size))
			break;
	}
	if (n < 0)
		return false;
	memset(to, 0, size);
	return true;
}

static bool file_write(int fd, uint64_t where, const uint8_t *from, size_t size)
{
	uint8_t *data = (uint8_t *)(uintptr_t)from;

	while (size > 0) {
		if (!goes_on(pwrite(fd, data, size, (off_t)where), &where, &data, &size))
			return false;
	}
	return true;
}

static int fd_for(const struct disk *disk, uint64_t where, const void *memory, size_t size)
{
	const uint64_t odd = (where | size | (uintptr_t)memory) % ALIGNMENT;

	return disk->direct >= 0 && odd == 0 ? disk->direct : disk->fd;
}

/* ------------------------------------------------------------------------------------------ overlays */

static bool has(const struct disk *disk, uint64_t sector)
{
	return disk->written[sector / 8] >> (sector % 8) & 1;
}

static size_t bits_size(const struct disk *disk)
{
	return (size_t)((disk->sectors + 7) / 8);
}

static uint64_t bits_at(const struct disk *disk)
{
	return disk->sectors * SECTOR;
}

/** Sectors from `sector` on, `count` at the most, that all are in the overlay or all aren't. */
static uint64_t run(const struct disk *disk, uint64_t sector, uint64_t count)
{
	const bool first = has(disk, sector);
	uint64_t n = 1;

	while (n < count && has(disk, sector + n) == first)
		n++;
	return n;
}

static bool overlay_read(const struct disk *disk, uint64_t where, uint8_t *to, size_t size)
{
	uint64_t sector = where / SECTOR, count = size / SECTOR;

	while (count > 0) {
		const uint64_t n = run(disk, sector, count);
		const size_t bytes = (size_t)(n * SECTOR);
		const int fd = has(disk, sector) ? disk->overlay
						 : fd_for(disk, sector * SECTOR, to, bytes);
		if (!file_read(fd, sector * SECTOR, to, bytes))
			return false;
		sector += n;
		count -= n;
		to += bytes;
	}
	return true;
}

static bool overlay_write(struct disk *disk, uint64_t where, const uint8_t *from, size_t size)
{
	if (!file_write(disk->overlay, where, from, size))
		return false;
	for (uint64_t i = where / SECTOR; i < (where + size) / SECTOR; i++)
		disk->written[i / 8] |= (uint8_t)(1u << (i % 8));
	disk->changed = true;
	return true;
}

static bool overlay_flush(struct disk *disk)
{
	if (!disk->changed)
		return true;
	disk->changed = fdatasync(disk->overlay) != 0 ||
			!file_write(disk->overlay, bits_at(disk), disk->written, bits_size(disk)) ||
			fdatasync(disk->overlay) != 0;
	return !disk->changed;
}

static struct overlay_header header_of(const struct disk *disk)
{
	struct overlay_header header = {.size = disk->size};
	struct stat stat;

	memcpy(header.magic, overlay_magic, sizeof(header.magic));
	if (fstat(disk->fd, &stat) == 0 && S_ISREG(stat.st_mode)) {
		header.time = stat.st_mtim.tv_sec;
		header.time_ns = stat.st_mtim.tv_nsec;
	}
	return header;
}

static const char *overlay_make(struct disk *disk)
{
	const uint64_t header_at = bits_at(disk) + bits_size(disk);
	const struct overlay_header header = header_of(disk);

	if (ftruncate(disk->overlay, (off_t)header_at) != 0 ||
	    !file_write(disk->overlay, header_at, (const uint8_t *)&header, sizeof(header)))
		return strerror(errno);
	return NULL;
}

static const char *overlay_load(struct disk *disk, uint64_t size)
{
	const uint64_t header_at = bits_at(disk) + bits_size(disk);
	const struct overlay_header wanted = header_of(disk);
	struct overlay_header header;

	if (size != header_at + sizeof(header) ||
	    !file_read(disk->overlay, header_at, (uint8_t *)&header, sizeof(header)) ||
	    memcmp(header.magic, wanted.magic, sizeof(header.magic)) != 0 ||
	    header.size != wanted.size)
		return "this is no overlay of that disk";
	if (header.time != wanted.time || header.time_ns != wanted.time_ns)
		return "the disk has changed since this overlay was begun";
	return file_read(disk->overlay, bits_at(disk), disk->written, bits_size(disk))
		       ? NULL
		       : strerror(errno);
}

/* ------------------------------------------------------------------------------------------ opening */

/** Open for all or for us alone, for as long as the descriptor is open (fcntl(2), "OFD locks"). */
static const char *lock(int fd, bool alone)
{
	struct flock lock = {.l_type = (short)(alone ? F_WRLCK : F_RDLCK), .l_whence = SEEK_SET};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return NULL;
	return errno == EAGAIN || errno == EACCES ? "another program has it open for writing, or reads it"
						  : strerror(errno);
}

static const char *measure(struct disk *disk)
{
	struct stat stat;

	if (fstat(disk->fd, &stat) != 0)
		return strerror(errno);
	disk->size = (uint64_t)stat.st_size;
	if (S_ISBLK(stat.st_mode) && ioctl(disk->fd, BLKGETSIZE64, &disk->size) != 0)
		return strerror(errno);
	if (!S_ISREG(stat.st_mode) && !S_ISBLK(stat.st_mode))
		return "neither a file nor a block device";
	disk->sectors = disk->size / SECTOR + (disk->size % SECTOR != 0);
	return disk->size > INT64_MAX / 2 ? "too large" : NULL;
}

static const char *open_base(struct disk *disk, const char *path, unsigned int flags)
{
	const bool alone = (flags & HYPIKE_VMM_DISK_WRITE) != 0;
	const int mode = (alone ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK;

	disk->fd = open(path, mode);
	if (disk->fd < 0)
		return strerror(errno);
	const char *why = measure(disk);
	if (!why)
		why = lock(disk->fd, alone);
	if (why || !(flags & HYPIKE_VMM_DISK_DIRECT))
		return why;
	disk->direct = open(path, mode | O_DIRECT);
	return disk->direct < 0 ? strerror(errno) : NULL;
}

static const char *open_overlay(struct disk *disk, const char *path)
{
	struct stat stat;

	disk->overlay = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (disk->overlay < 0 || fstat(disk->overlay, &stat) != 0)
		return strerror(errno);
	const char *why = S_ISREG(stat.st_mode) ? lock(disk->overlay, true) : "not a regular file";
	if (why)
		return why;
	disk->written = calloc(1, bits_size(disk) + 1);
	if (!disk->written)
		return strerror(ENOMEM);
	return stat.st_size == 0 ? overlay_make(disk) : overlay_load(disk, (uint64_t)stat.st_size);
}

static void disk_close(struct disk *disk)
{
	const int fds[] = {disk->fd, disk->direct, disk->overlay};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	free(disk->written);
	free(disk->name);
}

const char *hypike_vmm_disk(const char *name, const char *path, unsigned int flags,
			    const char *overlay)
{
	struct disk disk = {.fd = -1, .direct = -1, .overlay = -1};

	if (disk_count == DISKS)
		return "too many disks";
	if (overlay)
		flags &= ~HYPIKE_VMM_DISK_WRITE;
	const char *why = open_base(&disk, path, flags);
	if (!why && overlay)
		why = open_overlay(&disk, overlay);
	disk.writable = overlay || (flags & HYPIKE_VMM_DISK_WRITE);
	disk.name = strdup(name);
	if (!why && !disk.name)
		why = strerror(ENOMEM);
	if (why)
		disk_close(&disk);
	else
		disks[disk_count++] = disk;
	return why;
}

/* --------------------------------------------------------------------------------- for the VMM */

bool platform_disk(const char *name, struct platform_disk *disk)
{
	for (uint32_t i = 0; i < disk_count; i++) {
		if (strcmp(disks[i].name, name) == 0) {
			*disk = (struct platform_disk){
				.size = disks[i].size, .number = i, .writable = disks[i].writable,
				.id = disks[i].name};
			return true;
		}
	}
	return false;
}

static bool inside(const struct disk *disk, uint64_t where, size_t size)
{
	return hv_range_ok(where, size, disk->sectors * SECTOR) && (where | size) % SECTOR == 0;
}

bool platform_disk_read(const struct platform_disk *handle, uint64_t where, void *to, size_t size)
{
	const struct disk *disk = &disks[handle->number];

	if (!inside(disk, where, size))
		return false;
	return disk->overlay >= 0 ? overlay_read(disk, where, to, size)
				  : file_read(fd_for(disk, where, to, size), where, to, size);
}

bool platform_disk_write(const struct platform_disk *handle, uint64_t where, const void *from,
			 size_t size)
{
	struct disk *disk = &disks[handle->number];

	if (!disk->writable || !inside(disk, where, size))
		return false;
	return disk->overlay >= 0 ? overlay_write(disk, where, from, size)
				  : file_write(fd_for(disk, where, from, size), where, from, size);
}

/** O_DIRECT goes past our cache, not past the drive's. */
enum platform_flush platform_disk_flush(const struct platform_disk *handle)
{
	struct disk *disk = &disks[handle->number];

	if (!disk->writable)
		return PLATFORM_FLUSH_DONE;
	const bool done = disk->overlay >= 0 ? overlay_flush(disk) : fdatasync(disk->fd) == 0;
	return done ? PLATFORM_FLUSH_DONE : PLATFORM_FLUSH_FAILED;
}

/** None is done later. */
hv_status_t platform_disk_bind(const struct platform_disk *handle, uint8_t signal)
{
	(void)handle;
	(void)signal;
	return HV_E_UNSUPPORTED;
}

enum platform_flush platform_disk_flushed(const struct platform_disk *handle)
{
	(void)handle;
	return PLATFORM_FLUSH_DONE;
}

/* --------------------------------------------------------------- for who runs the VM elsewhere */

uint64_t hypike_vmm_disk_size(const char *name)
{
	struct platform_disk disk;

	return platform_disk(name, &disk) ? disk.size : 0;
}

bool hypike_vmm_disk_read(const char *name, uint64_t where, void *to, uint64_t size)
{
	struct platform_disk disk;

	return platform_disk(name, &disk) && platform_disk_read(&disk, where, to, size);
}

bool hypike_vmm_disk_write(const char *name, uint64_t where, const void *from, uint64_t size)
{
	struct platform_disk disk;

	return platform_disk(name, &disk) && platform_disk_write(&disk, where, from, size);
}

bool hypike_vmm_disk_flush(const char *name)
{
	struct platform_disk disk;

	return platform_disk(name, &disk) && platform_disk_flush(&disk) == PLATFORM_FLUSH_DONE;
}

void linux_disks_close(void)
{
	while (disk_count > 0) {
		struct disk *disk = &disks[--disk_count];
		if (disk->overlay >= 0)
			overlay_flush(disk);
		disk_close(disk);
	}
}
