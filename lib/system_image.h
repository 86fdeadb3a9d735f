/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file system_image.h
 * Reads a system image (include/hypike/system.h). The kernel at boot and the `hypike` command use
 * the same check; after it, everything that the image says about itself is true: offsets lie
 * inside, strings end, indices exist.
 */
#ifndef LIB_SYSTEM_IMAGE_H
#define LIB_SYSTEM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hypike/system.h>

/** A checked image; the pointers point into it. */
struct system_image {
	const uint8_t *base;
	uint64_t size; /**< total_size: no byte behind it belongs to the image */
	const struct system_partition *partitions;
	uint32_t partition_count;
	const struct system_file *files;
	uint32_t file_count;
	const char *strings;
	uint32_t strings_size;
	/* Tables that may be absent: then the count is 0. */
	const struct system_plan *plans;
	const struct system_window *windows;
	const struct system_channel *channels;
	const struct system_port *ports;
	const struct system_region *regions;
	const struct system_share *shares;
	const struct system_device *devices;
	const struct system_health *health;
	const struct system_trace *trace;
	uint32_t plan_count, window_count, channel_count, port_count, region_count, share_count;
	uint32_t device_count, health_count, trace_count;
};

/** Why an image was refused: `<table>[<entry>]: <reason>`. */
struct system_image_error {
	const char *reason; /**< "checksum is wrong" */
	const char *table;  /**< "header", "directory", "partitions", "windows" ... */
	uint32_t entry;	    /**< which entry of the table; 0 for the header */
};

/**
 * Check an image as a whole and open it.
 *
 * @param bytes  the image, 8-byte aligned; it must not change afterwards.
 * @param size   how many bytes are there; may exceed the image's own size.
 * @param image  filled in when true is returned.
 * @param error  filled in when false is returned.
 *
 * @req LIB-301 A damaged, truncated or inconsistent system image is refused with a reason that
 *              names the table and the entry.
 * @req LIB-302 Whatever bytes are given, the check reads none outside them.
 */
bool system_image_open(const void *bytes, uint64_t size, struct system_image *image,
		       struct system_image_error *error);

/** @return the string at an offset that the image holds (a name, an argument string). */
const char *system_image_string(const struct system_image *image, uint32_t offset);

/** @return the bytes of a file of the image; `file->size` of them. */
const void *system_image_data(const struct system_image *image, const struct system_file *file);

/** @return the partition's file of that name, or NULL. */
const struct system_file *system_image_find(const struct system_image *image,
					    const struct system_partition *partition,
					    const char *name);

#endif
