/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-port.c
 * Ports against a model: random messages, bad addresses, what happens in the middle of a copy, and
 * threads that wait.
 *
 * @verifies KRN-210 KRN-211 KRN-212 KRN-213 KRN-214
 */
#include "tests/unit/kernel/process.h"

#include <string.h>

#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/memory.h"
#include "kernel/partition.h"
#include "kernel/port.h"
#include "kernel/user.h"

#define SIZE	100u
#define THREADS 3u

/* ---- the kernel around it ---- */

struct partition *partitions;
uint32_t partition_count;
uint64_t clock_tsc_khz = 1000000;

static struct partition two[2];
static struct thread threads[2][THREADS];
static uint8_t *bad_address;   /* no program may use it */
static void (*in_copy)(void); /* called in the middle of a copy */
static void (*in_park)(uint64_t deadline);
static uint32_t woken, notified;

bool user_copy(void *to, const void *from, size_t size)
{
	void (*hook)(void) = in_copy;
	size_t half = size / 2;

	if (to == bad_address || from == bad_address)
		return false;
	memcpy(to, from, half);
	in_copy = NULL;
	if (hook != NULL)
		hook();
	memcpy((uint8_t *)to + half, (const uint8_t *)from + half, size - half);
	return true;
}

void thread_park(uint64_t deadline)
{
	struct thread *self = process_cpu.current;

	in_park(deadline);
	process_cpu.current = self;
}

void thread_unpark(struct thread *thread)
{
	assert_non_null(thread);
	woken++;
}

void thread_notify(struct thread *thread, uint64_t bits)
{
	assert_ptr_equal(thread, &threads[1][1]);
	assert_int_equal(bits, 6);
	notified++;
}

/* ---- the system: one channel of each kind from partition 0 to two ports of partition 1 ---- */

static const struct system_channel channels[] = {
	{"q", SYSTEM_CHANNEL_QUEUING, SIZE},
	{"s", SYSTEM_CHANNEL_SAMPLING, SIZE},
	{"nobody", SYSTEM_CHANNEL_QUEUING, SIZE},
};

enum { Q_OUT, S_OUT, N_OUT }; /* partition 0 */
enum { Q_IN_3, Q_IN_5, S_IN }; /* partition 1 */

static const struct system_port ports[] = {
	{"q-3", 1, 0, SYSTEM_PORT_DESTINATION, 3, 0},
	{"q", 0, 0, SYSTEM_PORT_SOURCE, 0, 0},
	{"q-5", 1, 0, SYSTEM_PORT_DESTINATION, 5, 0},
	{"s", 0, 1, SYSTEM_PORT_SOURCE, 0, 0},
	{"s", 1, 1, SYSTEM_PORT_DESTINATION, 0, 1000},
	{"n", 0, 2, SYSTEM_PORT_SOURCE, 0, 0},
};

static const struct system_image image = {
	.channels = channels, .channel_count = 3, .ports = ports, .port_count = 6};

static int setup(void **state)
{
	struct boot_info info = {.ram_count = 1, .ram = {{0x100000, 0x4000000}}};

	(void)state;
	process_memory_reset();
	memory_init(&info, 0x200000);
	partitions = two;
	partition_count = 2;
	for (uint32_t i = 0; i < 2; i++) {
		two[i] = (struct partition){
			.index = i, .cpus = 3, .thread_limit = THREADS, .threads = threads[i]};
		for (uint32_t j = 0; j < THREADS; j++)
			threads[i][j] = (struct thread){
				.partition = &two[i], .index = j, .priority = j};
	}
	process_cpu.current = &threads[0][0];
	process_tsc = 1000000;
	in_copy = NULL;
	in_park = NULL;
	woken = notified = 0;
	ports_create(&image);
	return 0;
}

static struct port *port(uint32_t partition, uint32_t number)
{
	return port_find(&two[partition], number);
}

static void fill(uint8_t *message, size_t size, uint64_t number)
{
	for (size_t i = 0; i < size; i++)
		message[i] = (uint8_t)(number * 31 + i);
}

static bool is(const uint8_t *message, size_t size, uint64_t number)
{
	uint8_t wanted[SIZE];

	fill(wanted, size, number);
	return memcmp(message, wanted, size) == 0;
}

static uint64_t user(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static hv_status_t send(uint64_t number, uint64_t size)
{
	uint8_t message[SIZE];

	fill(message, size, number);
	return queuing_send(port(0, Q_OUT), user(message), size, 0, HYPIKE_FIFO);
}

/* ---- names ---- */

static void names_are_of_a_partition(void **state)
{
	static const char q[SYSTEM_NAME_SIZE] = "q", q5[SYSTEM_NAME_SIZE] = "q-5",
			  s[SYSTEM_NAME_SIZE] = "s";

	(void)state;
	assert_int_equal(port_number(&two[0], q), Q_OUT);
	assert_int_equal(port_number(&two[1], q), HV_E_NOENT);
	assert_int_equal(port_number(&two[1], q5), Q_IN_5);
	assert_int_equal(port_number(&two[0], s), S_OUT);
	assert_int_equal(port_number(&two[1], s), S_IN);
	assert_null(port_find(&two[1], 3));
	assert_null(port_find(&two[0], UINT64_MAX));
}

/* ---- queuing ---- */

static uint64_t size_of(uint64_t number)
{
	return 1 + number * 7 % SIZE;
}

/* Both destinations see all messages in order, whatever happens between. */
static void random_messages(void **state)
{
	static const uint64_t depth[2] = {3, 5};
	uint64_t sent = 0, taken[2] = {0, 0};
	uint8_t message[SIZE];

	(void)state;
	random_seed(7);
	for (unsigned int round = 0; round < 100000; round++) {
		uint32_t to = (uint32_t)random_below(2);
		uint64_t room = random_below(3) == 0 ? random_below(SIZE) : SIZE;
		bool full = sent - taken[0] == depth[0] || sent - taken[1] == depth[1];
		bool empty = sent == taken[to];
		int64_t result;

		switch (random_below(5)) {
		case 0:
		case 1:
			assert_int_equal(send(sent, size_of(sent)), full ? HV_E_FULL : HV_OK);
			sent += !full;
			break;
		case 2:
			assert_int_equal(queuing_send(port(0, Q_OUT), user(bad_address), 4, 0, 0),
					 full ? HV_E_FULL : HV_E_FAULT);
			assert_int_equal(queuing_receive(port(1, to), user(bad_address), SIZE, 0, 0),
					 empty ? HV_E_STATE : HV_E_FAULT);
			break;
		case 3:
			if (random_below(50) == 0) {
				queuing_clear(port(1, to));
				taken[to] = sent;
			}
			break;
		default:
			result = queuing_receive(port(1, to), user(message), room, 0, 0);
			if (empty) {
				assert_int_equal(result, HV_E_STATE);
			} else if (size_of(taken[to]) > room) {
				assert_int_equal(result, HV_E_RANGE);
			} else {
				assert_int_equal(result, size_of(taken[to]));
				assert_true(is(message, (size_t)result, taken[to]));
				taken[to]++;
			}
		}
		assert_int_equal(queuing_count(port(1, 0)), sent - taken[0]);
		assert_int_equal(queuing_count(port(1, 1)), sent - taken[1]);
	}
	assert_true(sent > 1000 && taken[0] > 1000 && taken[1] > 1000);
}

/* Another CPU sends and receives while a copy is under way. */
static void busy(void)
{
	uint8_t message[SIZE];

	queuing_receive(port(1, Q_IN_5), user(message), SIZE, 0, 0);
	queuing_count(port(1, Q_IN_3));
}

static void others_go_on_during_a_copy(void **state)
{
	uint8_t message[SIZE];

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		assert_int_equal(send(i, SIZE), HV_OK);
		in_copy = busy;
		assert_int_equal(queuing_receive(port(1, Q_IN_3), user(message), SIZE, 0, 0), SIZE);
		assert_true(is(message, SIZE, i));
		in_copy = busy;
		assert_int_equal(send(i, 10), HV_OK);
		assert_int_equal(queuing_receive(port(1, Q_IN_3), user(message), SIZE, 0, 0), 10);
		queuing_clear(port(1, Q_IN_5));
	}
}

static void a_channel_without_destinations_takes_all(void **state)
{
	uint8_t message[SIZE] = {0};

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(queuing_send(port(0, N_OUT), user(message), SIZE, 0, 0), HV_OK);
}

/* ---- waiting ---- */

/* The first time one wakes for no reason, just before. */
static void time_passes(uint64_t deadline)
{
	process_tsc = process_tsc < deadline - 1 ? deadline - 1 : deadline;
}

static void one_sends(uint64_t deadline)
{
	(void)deadline;
	process_cpu.current = &threads[0][0];
	assert_int_equal(send(42, 8), HV_OK);
}

/* A message comes, but before its waiter runs somebody else tries to take it. */
static void one_sends_and_one_takes(uint64_t deadline)
{
	uint8_t message[SIZE];

	one_sends(deadline);
	process_cpu.current = &threads[1][2];
	assert_int_equal(queuing_receive(port(1, Q_IN_3), user(message), SIZE, 0, 0), HV_E_STATE);
}

static void a_waiter_gets_what_comes(void **state)
{
	void (*const ways[])(uint64_t) = {one_sends, one_sends_and_one_takes};
	uint8_t message[SIZE];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		process_cpu.current = &threads[1][0];
		in_park = ways[i];
		assert_int_equal(queuing_receive(port(1, Q_IN_3), user(message), SIZE, UINT64_MAX,
						 HYPIKE_PRIORITY),
				 8);
		assert_true(is(message, 8, 42));
		assert_int_equal(port(1, Q_IN_3)->queued, 0);
	}
	assert_int_equal(woken, 2);
}

static void a_wait_ends_at_its_deadline(void **state)
{
	uint8_t message[SIZE];

	(void)state;
	in_park = time_passes;
	process_cpu.current = &threads[1][0];
	assert_int_equal(queuing_receive(port(1, Q_IN_3), user(message), SIZE, 2000000, 0),
			 HV_E_TIMEOUT);
	assert_int_equal(process_tsc, 2000000);
	assert_int_equal(port(1, Q_IN_3)->queued, 0);
	assert_int_equal(port(1, Q_IN_3)->waiting, 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(send(i, 8), HV_OK);
	process_cpu.current = &threads[0][0];
	assert_int_equal(queuing_send(port(0, Q_OUT), user(message), 8, 3000000, 0), HV_E_TIMEOUT);
	assert_int_equal(queuing_count(port(1, Q_IN_5)), 3);
}

/* The waiter is stopped after it was promised the message: the next has it. */
static void a_stopped_waiter_gives_back(void **state)
{
	struct port *in = port(1, Q_IN_3);
	uint8_t message[SIZE];
	struct port_waiter *waiter = port_waiter_of(&threads[1][0]);

	(void)state;
	/* As port_wait() leaves it when thread_park() doesn't return. */
	in->queued = in->waiting = 1;
	*waiter = (struct port_waiter){.thread = &threads[1][0], .port = in};
	list_append(&in->waiters, &waiter->node);
	assert_int_equal(send(9, 8), HV_OK);
	assert_true(waiter->granted);
	process_cpu.current = &threads[1][1];
	assert_int_equal(queuing_receive(in, user(message), SIZE, 0, 0), HV_E_STATE);
	port_thread_gone(&threads[1][0]);
	assert_int_equal(queuing_receive(in, user(message), SIZE, 0, 0), 8);
	port_thread_gone(&threads[1][0]);
}

static void a_restart_empties_its_own_queues(void **state)
{
	(void)state;
	port_bind(port(1, Q_IN_3), &threads[1][1], 6);
	assert_int_equal(send(1, 8), HV_OK);
	assert_int_equal(notified, 1);
	ports_reset_partition(&two[0]);
	assert_int_equal(queuing_count(port(1, Q_IN_3)), 1);
	ports_reset_partition(&two[1]);
	assert_int_equal(queuing_count(port(1, Q_IN_3)), 0);
	assert_int_equal(queuing_count(port(1, Q_IN_5)), 0);
	assert_int_equal(send(1, 8), HV_OK);
	assert_int_equal(notified, 1);
}

/* ---- sampling ---- */

static uint64_t latest;

static void write_one(void)
{
	uint8_t message[SIZE];

	fill(message, SIZE, ++latest);
	assert_int_equal(sampling_write(port(0, S_OUT), user(message), SIZE), HV_OK);
}

static void write_many(void)
{
	for (unsigned int i = 0; i < 10; i++)
		write_one();
}

/* A reader of another CPU in the middle of whose copy many are written, in the middle of ours. */
static void read_and_write(void)
{
	uint8_t message[SIZE];
	struct hypike_sample sample;
	uint64_t before = latest;

	in_copy = write_many;
	assert_int_equal(sampling_read(port(1, S_IN), user(message), SIZE, &sample), HV_OK);
	assert_true(is(message, SIZE, before));
}

static void messages_are_whole(void **state)
{
	uint8_t message[SIZE];
	struct hypike_sample sample;

	(void)state;
	assert_int_equal(sampling_read(port(1, S_IN), user(message), SIZE, &sample), HV_E_STATE);
	assert_false(sampling_written(port(1, S_IN)->channel));
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t before;

		write_one();
		before = latest;
		in_copy = i % 2 == 0 ? write_many : read_and_write;
		assert_int_equal(sampling_read(port(1, S_IN), user(message), SIZE, &sample), HV_OK);
		assert_true(is(message, SIZE, before));
		assert_int_equal(sampling_read(port(1, S_IN), user(message), SIZE - 1, &sample),
				 HV_E_RANGE);
		assert_int_equal(sampling_read(port(1, S_IN), user(bad_address), SIZE, &sample),
				 HV_E_FAULT);
		assert_int_equal(sampling_write(port(0, S_OUT), user(bad_address), SIZE),
				 HV_E_FAULT);
		assert_int_equal(sampling_read(port(1, S_IN), user(message), SIZE, &sample), HV_OK);
		assert_true(is(message, SIZE, latest));
	}
}

static void messages_age(void **state)
{
	uint8_t message[SIZE];
	struct hypike_sample sample;

	(void)state;
	write_one();
	process_tsc += 1000; /* 1 GHz: as many nanoseconds */
	assert_int_equal(sampling_read(port(1, S_IN), user(message), SIZE, &sample), HV_OK);
	assert_int_equal(sample.age, 1000);
	assert_int_equal(sample.valid, 1);
	process_tsc++;
	assert_int_equal(sampling_read(port(1, S_IN), user(message), SIZE, &sample), HV_OK);
	assert_int_equal(sample.valid, 0);
	process_tsc -= 2000; /* another CPU's clock is behind */
	assert_int_equal(sampling_read(port(1, S_IN), user(message), SIZE, &sample), HV_OK);
	assert_int_equal(sample.age, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(names_are_of_a_partition, setup),
		cmocka_unit_test_setup(random_messages, setup),
		cmocka_unit_test_setup(others_go_on_during_a_copy, setup),
		cmocka_unit_test_setup(a_channel_without_destinations_takes_all, setup),
		cmocka_unit_test_setup(a_waiter_gets_what_comes, setup),
		cmocka_unit_test_setup(a_wait_ends_at_its_deadline, setup),
		cmocka_unit_test_setup(a_stopped_waiter_gives_back, setup),
		cmocka_unit_test_setup(a_restart_empties_its_own_queues, setup),
		cmocka_unit_test_setup(messages_are_whole, setup),
		cmocka_unit_test_setup(messages_age, setup),
	};
	static uint8_t nowhere;

	bad_address = &nowhere;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
