/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file info.h
 * The page that a program is started with (struct hypike_info) and the strings it points to.
 */
#ifndef KERNEL_INFO_H
#define KERNEL_INFO_H

#include "kernel/partition.h"

/** Pages that it takes. */
uint64_t info_pages(const struct partition *partition, const struct system_image *image);
/** Say in it how the partition was started this time. */
void info_update(struct partition *partition);
/** Fill and map it, read-only, at USER_INFO. */
void info_make(struct partition *partition, const struct system_image *image);

#endif
