/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file health_table.h
 * Which action an error has.
 */
#ifndef KERNEL_HEALTH_TABLE_H
#define KERNEL_HEALTH_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/system_image.h"

/** Index the configuration's table. */
void health_table_init(const struct system_image *image);

/**
 * Look up what is to be done, and count it: a restart that has been done as often as it may becomes
 * the stop that is to follow.
 *
 * @param argument where to put the action's argument
 * @return enum system_action
 */
uint32_t health_table_take(uint32_t partition, uint32_t error, uint32_t *argument);

/** @return true where neither the partition's nor the module's table has the error. */
bool health_table_default(uint32_t partition, uint32_t error);

#endif
