/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file check.h
 * Proves that a described system is well-formed, before anything is built or booted. Each check
 * complains about everything that it finds and goes on; things that could not be read are left alone.
 */
#ifndef TOOLS_CHECK_H
#define TOOLS_CHECK_H

#include "tools/model.h"

/** All of the checks below, and everything that follows from the description: indices, masks. */
void check_system(struct model *model);

/** @return the index of the partition of that name, or SYSTEM_NONE. */
uint32_t check_find_partition(const struct model *model, const char *name);
/** Complain about a partition's name that nobody has. @return the index, or SYSTEM_NONE. */
uint32_t check_partition_name(const struct model *model, const struct yaml_node *where,
			      const char *key, const char *name);
/** @return the index of the plan of that name, or SYSTEM_NONE. */
uint32_t check_find_plan(const struct model *model, const char *name);

/** Windows: repeated over the frame, in order, without overlap. Then the three below. */
void check_time(struct model *model);
/** Partitions that a plan leaves out on purpose. */
void check_without(const struct model *model, const struct model_plan *plan);
/** Periods and budgets. */
void check_periods(const struct model *model);
/** Who never runs; what nobody uses. */
void check_idle(const struct model *model);
/** Channels, their ports, shared memory. */
void check_communication(struct model *model);
/** Devices, CPUs, health monitor, trace, keys. */
void check_resources(struct model *model);
/** All memory together; with the files, where they are read. @return false after a complaint. */
bool check_memory(const struct model *model);
/** @return bytes of RAM that the machine needs at least. */
uint64_t check_memory_sum(const struct model *model);

/** @return a time as a person writes it: 10ms. */
const char *check_time_text(uint64_t nanoseconds, char text[32]);

#endif
