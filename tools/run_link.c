/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike run` on HyPike in QEMU: what of this computer its machine reaches over the link (link.h).
 *
 * @req TOOL-151 --net does the same for a machine on HyPike in QEMU as for one on KVM.
 * @req TOOL-152 What a machine on HyPike in QEMU writes to its disks is in their files, or overlay files, as on KVM:
 *               they are locked, and what was flushed stays.
 * @req TOOL-134 What `hypike run` cannot give a machine on HyPike in QEMU is refused before it starts, with the reason.
 */
#include <fcntl.h>
#include <errno.h>
#include <hypike/vmm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/link.h"
#include "tools/relay.h"
#include "tools/run.h"

#define FRAME  2048
#define SECTOR 512u
/* The machine has a disk in its memory three times: in the system's image, as the boot loader got it and as it was
 * copied from there, and to be written to. */
#define DISK_MAX (UINT64_C(512) << 20)

static struct net {
	struct link *link;
	uint8_t number;
	int fd;
} nets[LINK_NUMBERS];
static uint8_t net_count;

/* As many as come at once; what the link has no room for is lost. */
static void from_world(void *ctx)
{
	const struct net *net = ctx;
	uint8_t frame[FRAME];
	const ssize_t size = read(net->fd, frame, sizeof(frame));

	if (size > 0)
		link_send(net->link, LINK_FRAME, net->number, NULL, 0, frame, (size_t)size);
}

static bool to_world(void *ctx, uint8_t number, const uint8_t *frame, size_t size)
{
	(void)ctx;
	if (number >= net_count)
		return false;
	relay_frame(nets[number].fd, frame, size);
	return true;
}

static bool add_net(struct link *link, const char *text, struct strings *argv)
{
	struct net *net = &nets[net_count];
	char *option;

	if (net_count == LINK_NUMBERS)
		return report("--net %s: %u networks are the most", text, LINK_NUMBERS);
	*net = (struct net){link, net_count, run_net_open(text, LINK_NAME, &option)};
	if (net->fd < 0)
		return false;
	net_count++;
	strings_add(argv, "--vmm-option");
	strings_add(argv, "--net");
	strings_add(argv, "--vmm-option");
	strings_add(argv, "%s", option);
	link_watch(link, net->fd, from_world, net);
	return true;
}

/* ---- disks ---- */

static struct disk {
	char *name;	/* the VMM library's */
	char *copy;	/* of what is on it now; NULL: its file is that */
	bool failed;	/* something isn't on it that should be */
} disks[LINK_NUMBERS];
static uint8_t disk_count;

static bool take_write(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	struct disk *disk = &disks[number];
	uint64_t where;

	(void)ctx;
	if (number >= disk_count || size <= sizeof(where) || (size - sizeof(where)) % SECTOR != 0)
		return false;
	memcpy(&where, payload, sizeof(where));
	if (!hypike_vmm_disk_write(disk->name, where, payload + sizeof(where), size - sizeof(where)))
		disk->failed = true;
	return true;
}

static bool take_flush(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	struct disk *disk = &disks[number];
	struct link_flushed flushed;

	if (number >= disk_count || size != sizeof(flushed.number))
		return false;
	memcpy(&flushed.number, payload, sizeof(flushed.number));
	if (!hypike_vmm_disk_flush(disk->name))
		disk->failed = true;
	flushed.failed = disk->failed;
	return link_send(ctx, LINK_FLUSHED, number, &flushed, sizeof(flushed), NULL, 0);
}

/* All that is on a disk, in a file. */
static bool copy_disk(const char *name, int fd)
{
	const uint64_t size = hypike_vmm_disk_size(name);
	static uint8_t piece[65536];

	for (uint64_t at = 0; at < size; at += sizeof(piece)) {
		const uint64_t left = size - at, count = left < sizeof(piece) ? left : sizeof(piece);
		if (!hypike_vmm_disk_read(name, at, piece, (count + SECTOR - 1) / SECTOR * SECTOR) ||
		    write(fd, piece, count) != (ssize_t)count)
			return false;
	}
	return true;
}

/* What is on it is an overlay's, or a block device's. The guest sees the name of the file. */
static bool make_copy(struct disk *disk, const char *path)
{
	const char *parent = getenv("TMPDIR");
	char *directory = mkdtemp(string_format("%s/hypike-disk-XXXXXX", parent && *parent ? parent : "/tmp"));

	if (directory == NULL)
		return false;
	disk->copy = string_format("%s/%s", directory, path_base(path));
	const int fd = open(disk->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const bool ok = fd >= 0 && copy_disk(disk->name, fd);
	const int why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	return ok;
}

static bool is_file(const char *path)
{
	struct stat stat_of_it;

	return stat(path, &stat_of_it) == 0 && S_ISREG(stat_of_it.st_mode);
}

static bool size_fits(const char *text, const char *name)
{
	const uint64_t size = hypike_vmm_disk_size(name);

	return size <= DISK_MAX ||
	       report("--disk %s: it has %llu MiB, but on HyPike in QEMU a disk is in memory, and %llu MiB are "
		      "the most",
		      text, (unsigned long long)(size >> 20), (unsigned long long)(DISK_MAX >> 20));
}

static bool add_written_disk(const char *text, const struct run_disk *wanted, struct strings *argv)
{
	struct disk *disk = &disks[disk_count];

	if (disk_count == LINK_NUMBERS)
		return report("--disk %s: %u disks are the most", text, LINK_NUMBERS);
	disk->name = string_format("%u", disk_count);
	const char *why = hypike_vmm_disk(disk->name, wanted->path, wanted->flags, wanted->overlay);
	if (why != NULL)
		return report("--disk %s: %s", text, why);
	if (!size_fits(text, disk->name))
		return false;
	if ((wanted->overlay != NULL || !is_file(wanted->path)) && !make_copy(disk, wanted->path))
		return report("--disk %s: a copy of it: %s", text, strerror(errno));
	strings_add(argv, "--disk");
	strings_add(argv, "%s,link=%u", disk->copy ? disk->copy : wanted->path, disk_count++);
	return true;
}

static bool is_written(const struct run_disk *disk)
{
	return !disk->in_memory && (disk->overlay != NULL || (disk->flags & HYPIKE_VMM_DISK_WRITE) != 0);
}

static bool add_disk(const char *text, struct strings *argv)
{
	struct run_disk disk;

	if (!run_disk_parse(text, &disk))
		return false;
	if (is_written(&disk))
		return add_written_disk(text, &disk, argv);
	strings_add(argv, "--disk");
	strings_add(argv, "%s,%s", disk.path, disk.in_memory ? "overlay" : "ro");
	return true;
}

/* ---- all ---- */

bool run_link(const struct run *run, struct link *link, struct strings *argv)
{
	bool ok = true;

	for (size_t i = 0; i < run->disks.count && ok; i++)
		ok = add_disk(run->disks.item[i], argv);
	for (size_t i = 0; i < run->nets.count && ok; i++)
		ok = add_net(link, run->nets.item[i], argv);
	link_on(link, LINK_FRAME, to_world, NULL);
	link_on(link, LINK_WRITE, take_write, NULL);
	link_on(link, LINK_FLUSH, take_flush, link);
	if (!ok)
		run_link_end(link);
	return ok;
}

void run_link_end(struct link *link)
{
	for (uint8_t i = 0; i < disk_count; i++) {
		hypike_vmm_disk_flush(disks[i].name);
		if (disks[i].copy == NULL)
			continue;
		unlink(disks[i].copy);
		*strrchr(disks[i].copy, '/') = '\0';
		rmdir(disks[i].copy);
	}
	link_free(link);
}
