/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The health monitor's table, and its log over memory of any contents.
 * @verifies KRN-070
 * @verifies KRN-074
 */
#include "tests/unit/kernel/process.h"

#include <string.h>

#include "kernel/health_log.h"
#include "kernel/health_table.h"

/* ---- table ---- */

static const struct system_health rows[] = {
	{1, SYSTEM_ERROR_NUMERIC, SYSTEM_ACTION_RESTART_COLD, 2},
	{1, SYSTEM_ERROR_HANG, SYSTEM_ACTION_RESTART_WARM, 0},
	{SYSTEM_NONE, SYSTEM_ERROR_NUMERIC, SYSTEM_ACTION_IGNORE, 0},
	{SYSTEM_NONE, SYSTEM_ERROR_APPLICATION, SYSTEM_ACTION_RESTART_WARM, 1},
	{SYSTEM_NONE, SYSTEM_ERROR_NMI, SYSTEM_ACTION_SWITCH_PLAN, 3},
	{SYSTEM_NONE, SYSTEM_ERROR_HARDWARE_FAULT, SYSTEM_ACTION_RESTART_MODULE, 0},
};
static const struct system_image image = {.health = rows,
					  .health_count = sizeof(rows) / sizeof(rows[0])};

static void check_take(uint32_t partition, uint32_t error, uint32_t action)
{
	uint32_t argument;

	assert_int_equal(health_table_take(partition, error, &argument), action);
}

static void table(void **state)
{
	uint32_t argument;

	(void)state;
	health_table_init(&image);
	/* The partition's entry, as often as it says, then a stop. */
	check_take(1, SYSTEM_ERROR_NUMERIC, SYSTEM_ACTION_RESTART_COLD);
	check_take(1, SYSTEM_ERROR_NUMERIC, SYSTEM_ACTION_RESTART_COLD);
	check_take(1, SYSTEM_ERROR_NUMERIC, SYSTEM_ACTION_STOP);
	check_take(1, SYSTEM_ERROR_NUMERIC, SYSTEM_ACTION_STOP);
	for (unsigned int i = 0; i < 100; i++)
		check_take(1, SYSTEM_ERROR_HANG, SYSTEM_ACTION_RESTART_WARM);
	/* The module's, counted for each partition. */
	check_take(0, SYSTEM_ERROR_NUMERIC, SYSTEM_ACTION_IGNORE);
	for (uint32_t partition = 0; partition < SYSTEM_MAX_PARTITION; partition++) {
		check_take(partition, SYSTEM_ERROR_APPLICATION, SYSTEM_ACTION_RESTART_WARM);
		check_take(partition, SYSTEM_ERROR_APPLICATION, SYSTEM_ACTION_STOP);
	}
	/* The kernel's. */
	check_take(0, SYSTEM_ERROR_MEMORY_VIOLATION, SYSTEM_ACTION_STOP);
	check_take(0, SYSTEM_ERROR_ILLEGAL_REQUEST, SYSTEM_ACTION_LOG);
	assert_true(health_table_default(0, SYSTEM_ERROR_EXIT));
	assert_false(health_table_default(0, SYSTEM_ERROR_NUMERIC));
	/* What only a partition can have is never done to the module. */
	check_take(SYSTEM_NONE, SYSTEM_ERROR_MEMORY_VIOLATION, SYSTEM_ACTION_LOG);
	check_take(SYSTEM_NONE, SYSTEM_ERROR_APPLICATION, SYSTEM_ACTION_LOG);
	check_take(SYSTEM_NONE, SYSTEM_ERROR_HARDWARE_FAULT, SYSTEM_ACTION_RESTART_MODULE);
	assert_int_equal(health_table_take(SYSTEM_NONE, SYSTEM_ERROR_NMI, &argument),
			 SYSTEM_ACTION_SWITCH_PLAN);
	assert_int_equal(argument, 3);
	/* Errors that don't exist. */
	check_take(0, 0, SYSTEM_ACTION_LOG);
	check_take(0, SYSTEM_ERROR_COUNT, SYSTEM_ACTION_LOG);
	check_take(0, UINT32_MAX, SYSTEM_ACTION_LOG);
}

/* ---- log ---- */

#define RECORDS 10u
#define SIZE	(sizeof(struct health_log_head) + RECORDS * sizeof(struct health_log_record))

/* The bytes behind it belong to nobody. */
static struct {
	_Alignas(8) uint8_t bytes[SIZE];
	uint8_t behind[64];
} memory;

static void add(struct health_log *log, uint32_t error)
{
	struct hypike_health_entry entry = {.error = error, .name = "p", .message = "m"};

	health_log_add(log, &entry);
}

static uint32_t count(const struct health_log *log, uint32_t boot)
{
	struct hypike_health_entry entry;
	uint32_t sum = 0;

	for (uint64_t n = 0; health_log_get(log, n, &entry); n = entry.number + 1)
		sum += entry.boot == boot;
	return sum;
}

static void log_over_boots(void **state)
{
	struct hypike_health_entry entry;
	struct health_log log;

	(void)state;
	memset(&memory, 0, sizeof(memory));
	health_log_open(&log, memory.bytes, SIZE);
	assert_int_equal(log.count, RECORDS);
	assert_false(health_log_get(&log, 0, &entry));
	for (uint32_t i = 0; i < 4; i++)
		add(&log, i + 1);
	health_log_restarts(&log);
	health_log_open(&log, memory.bytes, SIZE);
	assert_true(log.restarted);
	assert_int_equal(log.head->boot, 2);
	assert_int_equal(count(&log, 1), 4);
	assert_int_equal(count(&log, 2), 0);
	for (uint32_t i = 0; i < 8; i++)
		add(&log, 20 + i);
	health_log_open(&log, memory.bytes, SIZE);
	assert_false(log.restarted);
	assert_int_equal(count(&log, 1), RECORDS - 8);
	assert_int_equal(count(&log, 2), 8);
	/* The oldest that is left answers for those that are gone. */
	assert_true(health_log_get(&log, 0, &entry));
	assert_int_equal(entry.number, 2);
	assert_int_equal(entry.error, 3);
	assert_true(health_log_get(&log, 11, &entry));
	assert_int_equal(entry.error, 27);
	assert_false(health_log_get(&log, 12, &entry));
	assert_false(health_log_get(&log, UINT64_MAX, &entry));
}

/* A flipped bit costs the record that it is in, at the most, or all where it is in the head. */
static void log_damaged(void **state)
{
	static uint8_t good[SIZE];
	struct health_log log;

	(void)state;
	memset(&memory, 0, sizeof(memory));
	health_log_open(&log, memory.bytes, SIZE);
	for (uint32_t i = 0; i < RECORDS; i++)
		add(&log, 1);
	memcpy(good, memory.bytes, SIZE);
	for (size_t at = 0; at < SIZE; at++) {
		memcpy(memory.bytes, good, SIZE);
		memory.bytes[at] ^= (uint8_t)(1u << at % 8);
		health_log_open(&log, memory.bytes, SIZE);
		assert_true(count(&log, 1) >= RECORDS - 1 ||
			    (at < sizeof(struct health_log_head) && count(&log, 1) == 0));
		add(&log, 2);
		assert_int_equal(count(&log, log.head->boot), 1);
	}
}

/* Any contents, those with good checksums too. */
static void log_hostile(void **state)
{
	struct health_log log;

	(void)state;
	memset(memory.behind, 0x5a, sizeof(memory.behind));
	for (uint64_t round = 0; round < 3000; round++) {
		random_seed(round);
		for (size_t i = 0; i < SIZE; i++)
			memory.bytes[i] = (uint8_t)random64();
		if (round % 2 == 0) {
			health_log_open(&log, memory.bytes, SIZE);
			for (uint32_t i = 0; i < RECORDS; i++) {
				log.next = random64() >> random64() % 64;
				add(&log, (uint32_t)random64());
			}
		}
		health_log_open(&log, memory.bytes, SIZE);
		count(&log, 1);
		add(&log, 7);
		assert_int_equal(count(&log, log.head->boot), 1);
	}
	for (size_t i = 0; i < sizeof(memory.behind); i++)
		assert_int_equal(memory.behind[i], 0x5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(log_over_boots),
		cmocka_unit_test(log_damaged),
		cmocka_unit_test(log_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
