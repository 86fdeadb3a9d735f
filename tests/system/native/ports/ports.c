/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports: what a program can do with its own, and with a partner's (echoer.c) on the other side. Most channels
 * begin and end in this partition. meson.build has the configuration.
 * @verifies KRN-210
 * @verifies KRN-212
 * @verifies KRN-213
 * @verifies KRN-214
 * @verifies KRN-041
 */
#include <hypike/system.h>

#include "kernel/layout.h"
#include "lib/hypike/program.h"
#include "lib/hypike/syscall.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

#define SIZE  64u /* of the small channels' messages */
#define BIG   8192u
#define DEPTH 4u  /* of the queue to ourselves */

static uint32_t my_priority;

static hypike_port_t port(const char *name)
{
	struct hypike_port_info info = {0};

	if (hypike_port_open(name, &info) != HV_OK)
		check(false, "port %s can be opened", name);
	return info.port;
}

static uint32_t messages(hypike_port_t number)
{
	struct hypike_port_status status = {0};

	hypike_port_status(number, &status);
	return status.messages;
}

static void fill(uint8_t *message, size_t size, uint8_t value)
{
	memset(message, value, size);
}

static bool is_filled(const uint8_t *message, size_t size, uint8_t value)
{
	for (size_t i = 0; i < size; i++)
		if (message[i] != value)
			return false;
	return true;
}

/* Send and receive a message of one byte, without waiting. */
static hv_status_t put(hypike_port_t to, uint8_t value)
{
	return hypike_queuing_send(to, &value, 1, 0, HYPIKE_FIFO);
}

static int64_t get(hypike_port_t from)
{
	uint8_t value[SIZE];
	int64_t size = hypike_queuing_receive(from, value, sizeof(value), 0, HYPIKE_FIFO);

	return size < 0 ? size : value[0];
}

/* ---- opening ---- */

static void test_open(void)
{
	struct hypike_port_info info = {0};
	const char longest[] = "a-name-of-thirty-two-characters.";

	check(hypike_port_open("q.in", &info) == HV_OK && info.kind == SYSTEM_CHANNEL_QUEUING &&
		      info.direction == SYSTEM_PORT_DESTINATION && info.max_message == SIZE &&
		      info.depth == DEPTH,
	      "a queuing destination tells what it is");
	check(hypike_port_open("s.in", &info) == HV_OK && info.kind == SYSTEM_CHANNEL_SAMPLING &&
		      info.direction == SYSTEM_PORT_DESTINATION && info.refresh == 20 * MS,
	      "a sampling destination tells what it is");
	check(hypike_port_open("m.out", &info) == HV_OK &&
		      info.direction == SYSTEM_PORT_SOURCE && info.depth == 2,
	      "a source's depth is its smallest destination's");
	check(hypike_port_open("nobody", &info) == HV_E_NOENT &&
		      hypike_port_open("", &info) == HV_E_NOENT &&
		      hypike_port_open(longest, &info) == HV_E_NOENT &&
		      hypike_port_open("to-ports", &info) == HV_E_NOENT,
	      "no port by another name, nor another partition's");
}

/* ---- sampling ---- */

static void test_sampling_once(hypike_port_t out, hypike_port_t in)
{
	struct hypike_sample sample = {0};
	uint8_t message[SIZE];

	check(hypike_sampling_read(in, message, SIZE, &sample) == HV_E_STATE && messages(in) == 0,
	      "no message before the first is written");
	fill(message, SIZE, 7);
	check(hypike_sampling_write(out, message, SIZE) == HV_OK && messages(in) == 1,
	      "a message is written");
	fill(message, SIZE, 8);
	hypike_sampling_write(out, message, 40);
	fill(message, SIZE, 0);
	check(hypike_sampling_read(in, message, SIZE, &sample) == HV_OK && sample.size == 40 &&
		      is_filled(message, 40, 8) && is_filled(message + 40, SIZE - 40, 0),
	      "the latest is read, as long as it is");
	check(hypike_sampling_read(in, message, SIZE, &sample) == HV_OK && sample.size == 40,
	      "and again");
	check(hypike_sampling_read(in, message, 39, &sample) == HV_E_RANGE &&
		      hypike_sampling_read(in, message, 40, &sample) == HV_OK,
	      "not into a buffer that is too small");
}

/* An emulator may stand still for a while just here: then once more. */
static bool write_and_read(hypike_port_t out, hypike_port_t in, struct hypike_sample *sample)
{
	uint8_t message[SIZE] = {0};

	for (unsigned int i = 0; i < 20; i++) {
		hypike_sampling_write(out, message, SIZE);
		hypike_sampling_read(in, message, SIZE, sample);
		if (sample->valid == 1)
			return sample->age < 20 * MS;
	}
	return false;
}

static void test_age(hypike_port_t out, hypike_port_t in)
{
	struct hypike_port_status status = {0};
	struct hypike_sample sample = {0};
	uint8_t message[SIZE] = {0};
	uint64_t before, after;

	check(write_and_read(out, in, &sample), "a new message is valid");
	hypike_port_status(in, &status);
	check(status.valid == 1, "the port remembers that");
	before = hypike_time();
	hypike_sampling_write(out, message, SIZE);
	after = hypike_time();
	sleep_ms(25);
	hypike_sampling_read(in, message, SIZE, &sample);
	hypike_port_status(in, &status);
	check(sample.valid == 0 && status.valid == 0, "one older than its refresh period isn't");
	check(sample.age >= 20 * MS && sample.age <= hypike_time() - before &&
		      hypike_time() - after >= sample.age - (after - before) - 1,
	      "its age is right");
	check(write_and_read(out, in, &sample), "the next is valid again");
}

/* One writes all the time, another CPU reads: never a mixture. */
#define READS 100u

static uint32_t written, stop_writing;

static void writer(void *arg)
{
	static uint8_t message[BIG];
	hypike_port_t out = port("big.out");

	(void)arg;
	while (load(&stop_writing) == 0) {
		fill(message, BIG, (uint8_t)load(&written));
		hypike_sampling_write(out, message, BIG);
		store(&written, load(&written) + 1);
		hypike_yield(); /* there may be one CPU only */
	}
	store(&stop_writing, 2);
}

static void test_whole_messages(void)
{
	static uint8_t message[BIG];
	hypike_port_t in = port("big.in");
	struct hypike_sample sample;
	bool whole = true;
	uint32_t reads = 0;
	uint64_t end = hypike_time() + 5000 * MS;

	spawn(writer, NULL, my_priority, hypike_info()->cpu_count - 1);
	while (load(&written) < 3)
		sleep_ms(1);
	while (reads < READS && hypike_time() < end) {
		if (hypike_sampling_read(in, message, BIG, &sample) == HV_OK)
			reads++;
		whole &= sample.size == BIG && is_filled(message, BIG, message[0]);
		hypike_yield();
	}
	store(&stop_writing, 1);
	check(whole, "big messages come whole while they are replaced");
	check(wait_for(&stop_writing, 2) && reads == READS, "and they come");
}

static void test_sampling(void)
{
	hypike_port_t out = port("s.out"), in = port("s.in");

	test_sampling_once(out, in);
	test_age(out, in);
	test_whole_messages();
}

/* ---- queuing ---- */

static void test_order(hypike_port_t out, hypike_port_t in)
{
	struct hypike_port_status status = {0};
	bool good = true;

	check(get(in) == HV_E_STATE, "an empty queue says so");
	for (uint8_t i = 1; i <= DEPTH; i++)
		good &= put(out, i) == HV_OK && messages(in) == i && messages(out) == i;
	check(good, "a queue takes as many messages as it is deep");
	check(put(out, 99) == HV_E_FULL && put(out, 99) == HV_E_FULL, "and no more");
	hypike_port_status(in, &status);
	check(status.overflows == 2 && status.waiting == 0, "what was refused is counted");
	for (uint8_t i = 1; i <= DEPTH; i++)
		good &= get(in) == i;
	check(good && get(in) == HV_E_STATE, "they come out in order, once");
	for (unsigned int i = 0; i < 3 * DEPTH + 1; i++)
		good &= put(out, (uint8_t)i) == HV_OK && put(out, (uint8_t)~i) == HV_OK &&
			get(in) == (uint8_t)i && get(in) == (uint8_t)~i;
	check(good, "round and round");
}

static void test_sizes(hypike_port_t out, hypike_port_t in)
{
	uint8_t message[SIZE];
	bool good = true;

	for (size_t size = 1; size <= SIZE; size++) {
		uint8_t value = (uint8_t)(size * 3);

		fill(message, SIZE, value);
		good &= hypike_queuing_send(out, message, size, 0, HYPIKE_FIFO) == HV_OK;
		fill(message, SIZE, 0);
		good &= hypike_queuing_receive(in, message, size - 1, 0, HYPIKE_FIFO) ==
			HV_E_RANGE;
		good &= hypike_queuing_receive(in, message, size, 0, HYPIKE_FIFO) ==
				(int64_t)size &&
			is_filled(message, size, value) &&
			is_filled(message + size, SIZE - size, 0);
	}
	check(good, "messages of each size; none is lost to a small buffer");
}

static void test_clear(hypike_port_t out, hypike_port_t in)
{
	put(out, 1);
	put(out, 2);
	check(hypike_queuing_clear(in) == HV_OK && messages(in) == 0 && get(in) == HV_E_STATE,
	      "a queue can be cleared");
	check(put(out, 3) == HV_OK && get(in) == 3, "and goes on");
	check(hypike_queuing_clear(out) == HV_E_DENIED, "by its destination only");
}

/* @return whether a wait of 5 ms, for a message or for room, ends when it should. */
static bool waits(hypike_port_t number, bool send)
{
	uint8_t message[SIZE] = {0};
	int64_t result = 0;
	uint64_t end;

	/* Where an emulator stands still, the time may be over before the call. */
	for (unsigned int i = 0; i < 20 && result != HV_E_TIMEOUT; i++) {
		end = hypike_time() + 5 * MS;
		if (send)
			result = hypike_queuing_send(number, message, 1, end, HYPIKE_FIFO);
		else
			result = hypike_queuing_receive(number, message, SIZE, end, HYPIKE_FIFO);
		if (hypike_time() < end || result >= 0)
			return false;
	}
	return result == HV_E_TIMEOUT;
}

static void test_deadlines(hypike_port_t out, hypike_port_t in)
{
	uint8_t message[SIZE];
	uint64_t now = hypike_time();

	check(waits(in, false), "a wait for a message ends at its deadline, not before");
	check(hypike_queuing_receive(in, message, SIZE, now, HYPIKE_FIFO) == HV_E_STATE,
	      "a deadline in the past: no wait");
	for (uint8_t i = 0; i < DEPTH; i++)
		put(out, i);
	check(waits(out, true), "a wait for room ends at its deadline, not before");
	check(hypike_queuing_send(out, message, 1, now, HYPIKE_FIFO) == HV_E_FULL,
	      "a deadline in the past: no wait");
	hypike_queuing_clear(in);
}

/* ---- waiting threads ---- */

#define WAITERS 4u

struct waiter {
	enum hypike_discipline discipline;
	bool sends;
	uint8_t value; /* received, or to be sent */
	uint32_t order;
};

static struct waiter waiters[WAITERS];
static uint32_t served;

static void wait_at_port(void *arg)
{
	struct waiter *waiter = arg;
	uint8_t message[SIZE] = {waiter->value};
	int64_t result;

	if (waiter->sends)
		result = hypike_queuing_send(port("q.out"), message, 1, HYPIKE_FOREVER,
					     waiter->discipline);
	else
		result = hypike_queuing_receive(port("q.in"), message, SIZE,
						hypike_time() + 2000 * MS, waiter->discipline);
	waiter->value = result >= 0 ? message[0] : 255;
	waiter->order = __atomic_add_fetch(&served, 1, __ATOMIC_SEQ_CST);
}

/* Threads of rising priority begin to wait, one after the other. */
static void start_waiters(hypike_port_t at, enum hypike_discipline discipline, bool sends)
{
	struct hypike_port_status status = {0};

	store(&served, 0);
	for (uint32_t i = 0; i < WAITERS; i++) {
		waiters[i] = (struct waiter){discipline, sends, (uint8_t)(10 + i), 0};
		spawn(wait_at_port, &waiters[i], my_priority - WAITERS + i, 0);
		do {
			sleep_ms(1);
			hypike_port_status(at, &status);
		} while (status.waiting != i + 1);
	}
}

/* What the i-th to be served was: the threads in order, or in the reverse. */
static uint32_t expected(uint32_t i, enum hypike_discipline discipline)
{
	return discipline == HYPIKE_FIFO ? i : WAITERS - 1 - i;
}

static void test_waiting_receivers(hypike_port_t out, hypike_port_t in,
				   enum hypike_discipline discipline, const char *name)
{
	bool good = true;

	start_waiters(in, discipline, false);
	for (uint8_t i = 0; i < WAITERS; i++) {
		put(out, (uint8_t)(40 + i));
		good &= wait_for(&served, i + 1u) &&
			waiters[expected(i, discipline)].value == 40 + i;
	}
	check(good && messages(in) == 0, "receivers wait in order of %s", name);
}

static void test_waiting_senders(hypike_port_t out, hypike_port_t in,
				 enum hypike_discipline discipline, const char *name)
{
	bool good = true;

	for (uint8_t i = 0; i < DEPTH; i++)
		put(out, i);
	start_waiters(out, discipline, true);
	for (uint8_t i = 0; i < DEPTH; i++)
		good &= get(in) == i && wait_for(&served, i + 1u);
	for (uint8_t i = 0; i < WAITERS; i++)
		good &= get(in) == (int64_t)(10 + expected(i, discipline));
	check(good && get(in) == HV_E_STATE, "senders wait in order of %s", name);
}

/* Who comes later doesn't get what was promised to one who waited, though that one hasn't run yet. */
static void test_no_overtaking(hypike_port_t out, hypike_port_t in)
{
	start_waiters(in, HYPIKE_FIFO, false);
	for (uint8_t i = 0; i < WAITERS; i++)
		put(out, i);
	check(get(in) == HV_E_STATE && wait_for(&served, WAITERS),
	      "nobody overtakes those who wait");
}

/* ---- one to many ---- */

static void test_one_to_many(void)
{
	hypike_port_t out = port("m.out"), a = port("m.a"), b = port("m.b");

	check(put(out, 1) == HV_OK && messages(a) == 1 && messages(b) == 1,
	      "a message goes to all destinations");
	put(out, 2);
	check(put(out, 3) == HV_E_FULL && messages(a) == 2 && messages(b) == 2,
	      "or to none, where one is full");
	check(get(a) == 1 && messages(b) == 2 && put(out, 3) == HV_OK && get(a) == 2 &&
		      get(b) == 1 && get(b) == 2 && get(b) == 3 && get(a) == 3,
	      "each destination takes at its own pace");
}

/* ---- notifications ---- */

static void test_bind(void)
{
	hypike_port_t out = port("q.out"), in = port("q.in"), s_out = port("s.out"),
		      s_in = port("s.in");
	uint8_t value = 1;
	uint64_t bits = 0;

	hypike_port_bind(in, 0, 1);
	hypike_port_bind(out, 0, 2);
	hypike_port_bind(s_in, 0, 4);
	put(out, 1);
	check(hypike_wait(7, 0, &bits) == HV_OK && bits == 1, "a message's arrival is notified");
	get(in);
	check(hypike_wait(7, 0, &bits) == HV_OK && bits == 2, "so is that there is room");
	hypike_sampling_write(s_out, &value, 1);
	check(hypike_wait(7, 0, &bits) == HV_OK && bits == 4, "and a sampling port's new message");
	hypike_port_bind(in, 0, 0);
	hypike_port_bind(out, 0, 0);
	hypike_port_bind(s_in, 0, 0);
	put(out, 1);
	get(in);
	check(hypike_wait(7, 0, &bits) == HV_E_TIMEOUT, "until nobody is bound any more");
	check(hypike_port_bind(in, 31, 1) == HV_E_NOENT && hypike_port_bind(999, 0, 1) == HV_E_NOENT,
	      "no thread or port that isn't there");
}

/* ---- what is refused ---- */

/* Addresses at which a program can neither read nor write. */
static const uint64_t nowhere[] = {
	0,	       USER_FIRST - 8, USER_STACK_TOP,	   USER_DEVICES - 64, USER_DEVICES,
	USER_LIMIT - 8, USER_LIMIT,    0x7ffffffffffffff8, 0x0000800000000000, DIRECT_MAP + LOAD_PHYS,
	DEVICE_AREA,   KERNEL_BASE + LOAD_PHYS, UINT64_MAX - 63, UINT64_MAX - 7, UINT64_MAX,
};
#define NOWHERES (sizeof(nowhere) / sizeof(nowhere[0]))

static void test_addresses(hypike_port_t out, hypike_port_t in)
{
	const hypike_port_t s_out = port("s.out"), s_in = port("s.in");
	static uint8_t name[32] = "q.in", message[SIZE];
	bool refused = true;

	put(out, 77);
	for (unsigned int i = 0; i < NOWHERES; i++) {
		const uint64_t bad = nowhere[i];

		refused &= syscall6(SYS_PORT_OPEN, bad, word(message), 0, 0, 0, 0) == HV_E_FAULT &&
			   syscall6(SYS_PORT_OPEN, word(name), bad, 0, 0, 0, 0) == HV_E_FAULT &&
			   syscall6(SYS_PORT_STATUS, in, bad, 0, 0, 0, 0) == HV_E_FAULT &&
			   syscall6(SYS_SAMPLING_WRITE, s_out, bad, 8, 0, 0, 0) == HV_E_FAULT &&
			   syscall6(SYS_SAMPLING_READ, s_in, bad, SIZE, word(message), 0, 0) ==
				   HV_E_FAULT &&
			   syscall6(SYS_SAMPLING_READ, s_in, word(message), SIZE, bad, 0, 0) ==
				   HV_E_FAULT &&
			   syscall6(SYS_QUEUING_SEND, out, bad, 8, 0, 0, 0) == HV_E_FAULT &&
			   syscall6(SYS_QUEUING_RECEIVE, in, bad, SIZE, 0, 0, 0) == HV_E_FAULT &&
			   syscall6(SYS_SHARED_OPEN, bad, word(message), 0, 0, 0, 0) == HV_E_FAULT;
	}
	check(refused, "bad addresses are refused");
	check(hypike_queuing_receive(in, (void *)(uintptr_t)main, SIZE, 0, HYPIKE_FIFO) ==
			      HV_E_FAULT &&
		      messages(in) == 1 && get(in) == 77,
	      "nothing is written to the program's text, and no message is lost");
}

static void test_arguments(hypike_port_t out, hypike_port_t in)
{
	const hypike_port_t s_out = port("s.out"), s_in = port("s.in");
	struct hypike_sample sample;
	uint8_t message[SIZE + 1] = {0};

	check(hypike_queuing_send(in, message, 1, 0, HYPIKE_FIFO) == HV_E_DENIED &&
		      hypike_queuing_receive(out, message, SIZE, 0, HYPIKE_FIFO) == HV_E_DENIED &&
		      hypike_sampling_write(s_in, message, 1) == HV_E_DENIED &&
		      hypike_sampling_read(s_out, message, SIZE, &sample) == HV_E_DENIED,
	      "the other direction");
	check(hypike_sampling_write(out, message, 1) == HV_E_INVALID &&
		      hypike_sampling_read(in, message, SIZE, &sample) == HV_E_INVALID &&
		      hypike_queuing_send(s_out, message, 1, 0, HYPIKE_FIFO) == HV_E_INVALID &&
		      hypike_queuing_receive(s_in, message, SIZE, 0, HYPIKE_FIFO) == HV_E_INVALID &&
		      hypike_queuing_clear(s_in) == HV_E_INVALID,
	      "the other kind");
	check(hypike_queuing_send(out, message, 0, 0, HYPIKE_FIFO) == HV_E_INVALID &&
		      hypike_queuing_send(out, message, SIZE + 1, 0, HYPIKE_FIFO) == HV_E_INVALID &&
		      hypike_queuing_send(out, message, SIZE_MAX, 0, HYPIKE_FIFO) == HV_E_INVALID &&
		      hypike_sampling_write(s_out, message, 0) == HV_E_INVALID &&
		      hypike_sampling_write(s_out, message, SIZE + 1) == HV_E_INVALID,
	      "sizes that no message has");
	check(syscall6(SYS_QUEUING_SEND, out, word(message), 1, 0, 2, 0) == HV_E_INVALID &&
		      syscall6(SYS_QUEUING_RECEIVE, in, word(message), SIZE, 0, UINT64_MAX, 0) ==
			      HV_E_INVALID,
	      "disciplines that there aren't");
	check(hypike_queuing_send(9999, message, 1, 0, HYPIKE_FIFO) == HV_E_NOENT &&
		      syscall6(SYS_QUEUING_SEND, (UINT64_C(1) << 32) + out, word(message), 1, 0, 0,
			       0) == HV_E_NOENT &&
		      hypike_sampling_write(UINT32_MAX, message, 1) == HV_E_NOENT &&
		      hypike_queuing_clear(UINT32_MAX) == HV_E_NOENT,
	      "ports that there aren't");
}

/* ---- a thread that is stopped while it waits ---- */

static void wait_for_ever(void *arg)
{
	uint8_t message[SIZE];

	(void)arg;
	hypike_queuing_receive(port("q.in"), message, SIZE, HYPIKE_FOREVER, HYPIKE_FIFO);
}

static void test_stopped_waiter(hypike_port_t out, hypike_port_t in)
{
	struct hypike_port_status status = {0};
	hypike_thread_t thread = spawn(wait_for_ever, NULL, my_priority - 1, 0);

	while (status.waiting == 0) {
		sleep_ms(1);
		hypike_port_status(in, &status);
	}
	/* It has been promised the message, but hasn't run: its priority is lower. */
	put(out, 5);
	hypike_thread_stop(thread);
	sleep_ms(2);
	hypike_port_status(in, &status);
	check(status.waiting == 0 && get(in) == 5, "a stopped thread's message goes to others");
}

/* ---- many threads on all CPUs ---- */

#define CROWD 4u
#define EACH  200u

static uint32_t seen[CROWD * EACH], crowd_done;

static void send_many(void *arg)
{
	uint32_t first = (uint32_t)(uintptr_t)arg;
	hypike_port_t out = port("q.out");

	for (uint32_t i = first; i < first + EACH; i++)
		hypike_queuing_send(out, &i, sizeof(i), HYPIKE_FOREVER, i & 1);
	__atomic_fetch_add(&crowd_done, 1, __ATOMIC_SEQ_CST);
}

static void receive_many(void *arg)
{
	hypike_port_t in = port("q.in");
	uint32_t value[SIZE / 4];

	(void)arg;
	for (uint32_t i = 0; i < EACH; i++)
		if (hypike_queuing_receive(in, value, SIZE, HYPIKE_FOREVER, i & 1) ==
			    sizeof(value[0]) &&
		    value[0] < CROWD * EACH)
			__atomic_fetch_add(&seen[value[0]], 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&crowd_done, 1, __ATOMIC_SEQ_CST);
}

static void test_crowd(void)
{
	uint32_t cpus = hypike_info()->cpu_count;
	bool once = true;

	for (uint32_t i = 0; i < CROWD; i++) {
		spawn(send_many, (void *)(uintptr_t)(i * EACH), my_priority - 1, i % cpus);
		spawn(receive_many, NULL, my_priority - 1, (i + 1) % cpus);
	}
	once &= wait_for(&crowd_done, 2 * CROWD);
	for (uint32_t i = 0; i < CROWD * EACH; i++)
		once &= seen[i] == 1;
	check(once && messages(port("q.in")) == 0, "each of many messages arrives once");
}

/* ---- the partner ---- */

/* One that is a guest gets a number by shared memory first, and inverts it. */
static void test_board(void)
{
	struct hypike_shared board;
	volatile uint32_t *word;
	uint64_t bits;

	if (hypike_shared_open("board", &board) != HV_OK)
		return;
	word = board.data;
	hypike_shared_bind(board.region, 0, 1);
	word[0] = 0x12345678;
	/* The guest may not have bound its interrupt yet. */
	do
		hypike_shared_notify(board.region);
	while (hypike_wait(1, hypike_time() + 10 * MS, &bits) != HV_OK && word[1] == 0);
	check(word[1] == ~UINT32_C(0x12345678), "shared memory, to a guest and back");
}

#define ROUNDS 200u

static void test_partner(void)
{
	hypike_port_t out = port("to-echoer"), in = port("from-echoer");
	struct hypike_sample sample = {0};
	uint32_t value[SIZE / 4], i;
	bool good = true;

	for (i = 0; i < ROUNDS && good; i++) {
		good &= hypike_queuing_send(out, &i, sizeof(i), hypike_time() + 2000 * MS,
					    HYPIKE_FIFO) == HV_OK;
		good &= hypike_queuing_receive(in, value, SIZE, hypike_time() + 2000 * MS,
					       HYPIKE_FIFO) == sizeof(i) &&
			value[0] == ~i;
	}
	check(good, "%u messages to another partition and back", ROUNDS);
	good = hypike_sampling_read(port("count"), value, SIZE, &sample) == HV_OK;
	check(good && sample.size == 4 && value[0] == ROUNDS && sample.valid == 1,
	      "and it has counted them");
	i = UINT32_MAX;
	hypike_queuing_send(out, &i, sizeof(i), 0, HYPIKE_FIFO);
}

int main(void)
{
	hypike_port_t out = port("q.out"), in = port("q.in");

	my_priority = hypike_info()->priority;
	test_open();
	test_sampling();
	test_order(out, in);
	test_sizes(out, in);
	test_clear(out, in);
	test_deadlines(out, in);
	test_waiting_receivers(out, in, HYPIKE_FIFO, "arrival");
	test_waiting_receivers(out, in, HYPIKE_PRIORITY, "priority");
	test_waiting_senders(out, in, HYPIKE_FIFO, "arrival");
	test_waiting_senders(out, in, HYPIKE_PRIORITY, "priority");
	test_no_overtaking(out, in);
	test_one_to_many();
	test_bind();
	test_addresses(out, in);
	test_arguments(out, in);
	test_stopped_waiter(out, in);
	test_crowd();
	test_board();
	test_partner();
	return check_done();
}
