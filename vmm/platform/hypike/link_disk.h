/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file link_disk.h
 * Disks of the command's (`hypike run --disk`), named LINK_NAME, number, a colon and the file: what the guest writes is
 * in memory at once and goes over the link to the file from there.
 */
#ifndef VMM_PLATFORM_HYPIKE_LINK_DISK_H
#define VMM_PLATFORM_HYPIKE_LINK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The command's answers, and what goes to it: see link.c. */
bool link_disk_take(uint8_t number, const uint8_t *payload, size_t size);
bool link_disk_pump(void);
/** The link has ended: whoever waits for it is told. */
void link_disk_tell(void);
/** The VM has ended: wait until all that it wrote is in the files, and say so where it isn't. */
void link_disk_finish(void);

#endif
