/* SPDX-License-Identifier: BSD-2-Clause */
/* For platforms whose files are all in memory: they have no disks beside them. */
#include "vmm/platform.h"

bool platform_disk(const char *name, struct platform_disk *disk)
{
	(void)name;
	(void)disk;
	return false;
}

bool platform_disk_read(const struct platform_disk *disk, uint64_t where, void *to, size_t size)
{
	(void)disk;
	(void)where;
	(void)to;
	(void)size;
	return false;
}

bool platform_disk_write(const struct platform_disk *disk, uint64_t where, const void *from,
			 size_t size)
{
	(void)disk;
	(void)where;
	(void)from;
	(void)size;
	return false;
}

enum platform_flush platform_disk_flush(const struct platform_disk *disk)
{
	(void)disk;
	return PLATFORM_FLUSH_FAILED;
}

hv_status_t platform_disk_bind(const struct platform_disk *disk, uint8_t signal)
{
	(void)disk;
	(void)signal;
	return HV_E_NOENT;
}

enum platform_flush platform_disk_flushed(const struct platform_disk *disk)
{
	(void)disk;
	return PLATFORM_FLUSH_FAILED;
}
