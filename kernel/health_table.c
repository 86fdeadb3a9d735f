/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/health_table.h"

#define MODULE SYSTEM_MAX_PARTITION /* the last row is the module's */

/* Configured entries; NULL where there is none. And how often each partition was restarted by one. */
static const struct system_health *table[SYSTEM_MAX_PARTITION + 1][SYSTEM_ERROR_COUNT];
static uint32_t restarts[SYSTEM_MAX_PARTITION + 1][SYSTEM_ERROR_COUNT];

/* What happens without configuration: what makes it senseless to go on stops the partition. */
static const uint8_t defaults[SYSTEM_ERROR_COUNT] = {
	[SYSTEM_ERROR_DEADLINE_MISSED] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_APPLICATION] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_NUMERIC] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_ILLEGAL_REQUEST] = SYSTEM_ACTION_LOG,
	[SYSTEM_ERROR_STACK_OVERFLOW] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_MEMORY_VIOLATION] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_HARDWARE_FAULT] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_POWER_FAIL] = SYSTEM_ACTION_LOG,
	[SYSTEM_ERROR_INSTRUCTION] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_GUEST_FAULT] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_VMM_FAULT] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_HANG] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_PARTITION_INIT] = SYSTEM_ACTION_STOP,
	[SYSTEM_ERROR_WINDOW_LATE] = SYSTEM_ACTION_LOG,
	[SYSTEM_ERROR_PORT_OVERFLOW] = SYSTEM_ACTION_LOG,
	[SYSTEM_ERROR_NMI] = SYSTEM_ACTION_LOG,
	[SYSTEM_ERROR_EXIT] = SYSTEM_ACTION_STOP,
};

static uint32_t row_of(uint32_t partition)
{
	return partition < SYSTEM_MAX_PARTITION ? partition : MODULE;
}

void health_table_init(const struct system_image *image)
{
	for (uint32_t i = 0; i < image->health_count; i++) {
		const struct system_health *entry = &image->health[i];

		table[row_of(entry->partition)][entry->error] = entry;
	}
}

static const struct system_health *find(uint32_t row, uint32_t error)
{
	return table[row][error] != NULL ? table[row][error] : table[MODULE][error];
}

bool health_table_default(uint32_t partition, uint32_t error)
{
	return error >= SYSTEM_ERROR_COUNT || find(row_of(partition), error) == NULL;
}

/* An action that only a partition can have, for an error that has none. */
static uint32_t fit(uint32_t row, uint32_t action)
{
	return row == MODULE && action >= SYSTEM_ACTION_NOTIFY && action <= SYSTEM_ACTION_STOP
		       ? SYSTEM_ACTION_LOG
		       : action;
}

static bool is_restart(uint32_t action)
{
	return action == SYSTEM_ACTION_RESTART_WARM || action == SYSTEM_ACTION_RESTART_COLD;
}

uint32_t health_table_take(uint32_t partition, uint32_t error, uint32_t *argument)
{
	uint32_t row = row_of(partition);
	const struct system_health *entry;

	*argument = 0;
	if (error == 0 || error >= SYSTEM_ERROR_COUNT)
		return SYSTEM_ACTION_LOG;
	entry = find(row, error);
	if (entry == NULL)
		return fit(row, defaults[error]);
	*argument = entry->argument;
	if (is_restart(entry->action) && row != MODULE && entry->argument != 0 &&
	    __atomic_fetch_add(&restarts[row][error], 1, __ATOMIC_RELAXED) >= entry->argument)
		return SYSTEM_ACTION_STOP;
	return fit(row, entry->action);
}
