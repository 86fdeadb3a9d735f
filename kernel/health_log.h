/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file health_log.h
 * The health monitor's log: a ring of records in memory that nobody clears at a warm reboot. Each record
 * has a checksum of its own, and what the memory holds is believed only where that is right.
 */
#ifndef KERNEL_HEALTH_LOG_H
#define KERNEL_HEALTH_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hypike/sys.h>

#define HEALTH_LOG_MAGIC UINT64_C(0x4c48656b69507948)

/** At the start of the memory. */
struct health_log_head {
	uint32_t crc; /**< CRC-32C of what follows */
	uint32_t boot; /**< number of this boot, from 1 */
	uint64_t magic;
	uint32_t restarted; /**< 1: the health monitor has asked for the next boot */
	uint32_t reserved;
};

struct health_log_record {
	uint32_t crc; /**< CRC-32C of `entry` */
	uint32_t reserved;
	struct hypike_health_entry entry;
};

struct health_log {
	struct health_log_head *head;
	struct health_log_record *records;
	uint32_t count;
	uint64_t next;	/**< number of the next entry */
	bool restarted; /**< the boot that began with health_log_open() was asked for */
};

/**
 * Take over what is in the memory, whatever it is; a new boot begins.
 *
 * @req KRN-074 What happened is still known after a warm reboot of the machine. No contents of the log's
 *              memory, whatever they are, mislead the kernel.
 */
void health_log_open(struct health_log *log, void *memory, size_t size);
/** Write an entry; its number and boot are set here. */
void health_log_add(struct health_log *log, const struct hypike_health_entry *entry);
/**
 * Read the oldest entry whose number is at least `number`.
 * @return false: there is none
 */
bool health_log_get(const struct health_log *log, uint64_t number,
		    struct hypike_health_entry *entry);
/** The next boot is one that the health monitor wants. */
void health_log_restarts(struct health_log *log);

#endif
