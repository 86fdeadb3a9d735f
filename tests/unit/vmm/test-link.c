/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's end of a link over a stand-in for HyPike's system calls: what is sent to it is what a test says.
 * @verifies VMM-650 VMM-651 VMM-660
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* With their state: there is one link in a process, and each test wants its own. */
#include "vmm/platform/hypike/link.c"
#include "vmm/platform/hypike/link_disk.c"
#include "vmm/platform/hypike/link_net.c"

/* Who controls the machine has tests of his own. */

static bool no_control(uint8_t number, const uint8_t *payload, size_t size)
{
	(void)number;
	(void)payload;
	(void)size;
	return false;
}

#define NO_CONTROL(name)                                                                           \
	bool link_control_##name(uint8_t number, const uint8_t *payload, size_t size)              \
	{                                                                                          \
		return no_control(number, payload, size);                                          \
	}
NO_CONTROL(command)
NO_CONTROL(key)
NO_CONTROL(motion)
NO_CONTROL(ask_stats)
NO_CONTROL(ask_screen)
NO_CONTROL(last)

bool link_control_pump(void)
{
	return false;
}

static struct {
	uint8_t in[65536], out[65536];
	size_t in_size, in_done, out_size, taken;
	void (*entry)(void *arg);
	jmp_buf idle; /* where to go on when the link's thread waits */
	uint64_t notified; /* bits of the event thread */
	char said[256];
	struct hypike_info info;
} fake;

hv_status_t hypike_channel_write(enum hypike_channel channel, const void *bytes, size_t size)
{
	assert_int_equal(channel, HYPIKE_CHANNEL_LINK);
	assert_true(size <= sizeof(fake.out) - fake.out_size);
	if (size > 0)
		memcpy(fake.out + fake.out_size, bytes, size);
	fake.out_size += size;
	return HV_OK;
}

int64_t hypike_channel_read(enum hypike_channel channel, void *bytes, size_t size)
{
	const size_t left = fake.in_size - fake.in_done, piece = size < 16 ? size : 16;
	const size_t count = left < piece ? left : piece;

	assert_int_equal(channel, HYPIKE_CHANNEL_LINK);
	memcpy(bytes, fake.in + fake.in_done, count);
	fake.in_done += count;
	return (int64_t)count;
}

hv_status_t hypike_channel_bind(enum hypike_channel channel, hypike_thread_t thread, uint64_t bits)
{
	(void)channel;
	(void)thread;
	(void)bits;
	return HV_OK;
}

hv_status_t hypike_notify(hypike_thread_t thread, uint64_t bits)
{
	if (thread == EVENT_THREAD)
		fake.notified |= bits;
	return HV_OK;
}

hv_status_t hypike_wait(uint64_t mask, uint64_t deadline, uint64_t *bits)
{
	(void)mask;
	*bits = 0;
	if (deadline != HYPIKE_FOREVER)
		return HV_E_TIMEOUT;
	longjmp(fake.idle, 1);
}

uint64_t hypike_time(void)
{
	return 0;
}

const struct hypike_info *hypike_info(void)
{
	return &fake.info;
}

hv_status_t hypike_thread_create(void (*entry)(void *), void *arg, void *stack, size_t stack_size,
				 uint32_t priority, uint32_t cpu, hypike_thread_t *thread)
{
	(void)arg;
	(void)stack;
	(void)stack_size;
	(void)priority;
	(void)cpu;
	fake.entry = entry;
	*thread = 1;
	return HV_OK;
}

void hypike_thread_exit(void)
{
	longjmp(fake.idle, 1);
}

void *platform_memory(uint64_t size)
{
	static uint8_t pool[1 << 20] __attribute__((aligned(4096)));
	uint8_t *const memory = pool + fake.taken;

	fake.taken += (size + 4095) / 4096 * 4096;
	return fake.taken <= sizeof(pool) ? memory : NULL;
}

void platform_console_write(const void *text, size_t size)
{
	assert_true(strlen(fake.said) + size < sizeof(fake.said));
	strncat(fake.said, text, size);
}

hv_status_t hypike_futex_wake(const uint32_t *address, uint32_t count)
{
	(void)address;
	(void)count;
	return HV_OK;
}

/* Whoever waits for an answer gets the one that the test has prepared. */
static void run_thread(void);

hv_status_t hypike_futex_wait(const uint32_t *address, uint32_t expected, uint64_t deadline)
{
	(void)address;
	(void)expected;
	(void)deadline;
	run_thread();
	return HV_OK;
}

void hypike_alive(void)
{
}

static const uint8_t content[21 * 512 - 100] = {1, 2, 3};

bool platform_file(const char *name, struct platform_file *file)
{
	*file = (struct platform_file){content, sizeof(content)};
	return strcmp(name, "disk.img") == 0;
}

/* ---- what the command says ---- */

static void send_bytes(const void *bytes, size_t size)
{
	memcpy(fake.in + fake.in_size, bytes, size);
	fake.in_size += size;
}

static void send_message(uint8_t kind, uint8_t number, const void *payload, size_t size)
{
	const struct link_header header = {(uint16_t)size, kind, number};

	send_bytes(&header, sizeof(header));
	send_bytes(payload, size);
}

static void send_hello(void)
{
	struct link_hello hello = {.version = LINK_VERSION};

	memcpy(hello.magic, LINK_MAGIC, sizeof(LINK_MAGIC));
	send_message(LINK_HELLO, 0, &hello, sizeof(hello));
}

/* Let the link's thread run until it waits, or has ended. */
static void run_thread(void)
{
	if (setjmp(fake.idle) == 0)
		fake.entry(NULL);
}

/* The next message that the VMM has sent; NULL: there is none. */
static const struct link_reader *next_message(size_t *at)
{
	static struct link_reader reader;

	if (*at == 0)
		memset(&reader, 0, sizeof(reader));
	*at += link_reader_take(&reader, fake.out + *at, fake.out_size - *at);
	assert_false(reader.broken);
	return reader.whole ? &reader : NULL;
}

/* ---- tests ---- */

static int begin(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(nets, 0, sizeof(nets));
	memset(disks, 0, sizeof(disks));
	link = NULL;
	return 0;
}

static void nobody_answers(void **state)
{
	(void)state;
	assert_false(link_open()); /* no right to */
	fake.info.rights = SYSTEM_PARTITION_LINK;
	assert_false(link_open());
	assert_non_null(strstr(fake.said, "nobody answers"));
	assert_false(link_open());
}

static struct frame_ring plug_in(struct frame_ring *in)
{
	struct platform_region region;
	struct frame_ring out;

	fake.info.rights = SYSTEM_PARTITION_LINK;
	fake.info.cpu_mask = 1;
	send_hello();
	assert_false(link_number("cable", &(uint8_t){0}));
	assert_false(link_number(LINK_NAME "7", &(uint8_t){0}));
	assert_true(link_net_region(2, &region));
	assert_true(frame_cable(&out, in, region.data, region.size, FRAME_SIDE_A));
	assert_int_equal(link_net_bind(&region, 5), HV_OK);
	assert_true(link_up());
	return out;
}

static void frames_pass(void **state)
{
	uint8_t frame[FRAME_MAX] = {1, 2, 3}, got[FRAME_SLOT];
	const struct link_reader *message;
	struct frame_ring in, out = plug_in(&in);
	size_t at = 0;
	uint32_t taken = 0;

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		send_message(LINK_FRAME, 2, frame, sizeof(frame));
	send_message(LINK_FRAME, 1, frame, 60); /* nobody has that card */
	assert_true(frame_put(&out, frame, 100));
	run_thread();
	assert_int_equal(fake.notified, 1u << 5);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(frame_get(&in, got), sizeof(frame));
	assert_int_equal(frame_get(&in, got), 0);
	assert_memory_equal(got, frame, 3);
	message = next_message(&at);
	assert_int_equal(message->header.kind, LINK_HELLO);
	while ((message = next_message(&at)) != NULL && message->header.kind == LINK_TAKEN)
		taken += *(const uint32_t *)(const void *)message->payload;
	assert_int_equal(message->header.kind, LINK_FRAME);
	assert_int_equal(message->header.number, 2);
	assert_int_equal(message->header.size, 100);
	while ((message = next_message(&at)) != NULL)
		taken += *(const uint32_t *)(const void *)message->payload;
	assert_in_range(taken, fake.in_size - 512, fake.in_size);
}

static void flood_is_lost(void **state)
{
	uint8_t frame[60] = {0}, got[FRAME_SLOT];
	struct frame_ring in;
	size_t count = 0;

	(void)state;
	plug_in(&in);
	for (unsigned int i = 0; i < 500; i++)
		send_message(LINK_FRAME, 2, frame, sizeof(frame));
	run_thread();
	assert_true(link_up());
	while (frame_get(&in, got) > 0)
		count++;
	assert_in_range(count, 20, 100);
}

/* Sectors that were written to the command's disk since `*at`, up to the next flush. @return its number; 0: none */
static uint32_t write_back(uint8_t copy[21 * 512], size_t *at)
{
	const struct link_reader *message;
	uint64_t where;

	while ((message = next_message(at)) != NULL) {
		if (message->header.kind == LINK_FLUSH)
			return *(const uint32_t *)(const void *)message->payload;
		if (message->header.kind != LINK_WRITE)
			continue;
		assert_int_equal(message->header.number, 1);
		memcpy(&where, message->payload, sizeof(where));
		assert_true(where + message->header.size - 8 <= 21 * 512);
		memcpy(copy + where, message->payload + 8, message->header.size - 8u);
	}
	return 0;
}

static void open_disk(struct platform_disk *disk)
{
	fake.info.rights = SYSTEM_PARTITION_LINK;
	fake.info.cpu_mask = 1;
	send_hello();
	assert_false(platform_disk("disk.img", disk));
	assert_false(platform_disk(LINK_NAME "1", disk));
	assert_false(platform_disk(LINK_NAME "1:other", disk));
	assert_true(platform_disk(LINK_NAME "1:disk.img", disk));
	assert_false(platform_disk(LINK_NAME "1:disk.img", disk));
	assert_string_equal(disk->id, "disk.img");
	assert_int_equal(disk->size, sizeof(content));
	assert_int_equal(platform_disk_bind(disk, 7), HV_OK);
}

static void send_flushed(uint32_t number, uint32_t failed)
{
	send_message(LINK_FLUSHED, 1, &(struct link_flushed){number, failed}, sizeof(struct link_flushed));
	run_thread();
}

static void a_disk_is_written_back(void **state)
{
	static uint8_t copy[21 * 512], mine[21 * 512], data[21 * 512];
	struct platform_disk disk;
	size_t at = 0;

	(void)state;
	open_disk(&disk);
	memcpy(copy, content, sizeof(content));
	memcpy(mine, content, sizeof(content));
	srand(2);
	for (uint32_t round = 1; round < 300; round++) {
		const size_t sector = (size_t)rand() % 21, count = 1 + (size_t)rand() % (21 - sector);
		memset(data, rand(), sizeof(data));
		memcpy(mine + sector * 512, data, count * 512);
		assert_true(platform_disk_write(&disk, sector * 512, data, count * 512));
		if (round % 3 == 0)
			run_thread();
		assert_int_equal(platform_disk_flush(&disk), PLATFORM_FLUSH_LATER);
		fake.notified = 0;
		run_thread();
		assert_int_equal(write_back(copy, &at), round);
		assert_memory_equal(copy, mine, sizeof(copy)); /* all that was written before the flush */
		assert_int_equal(platform_disk_flushed(&disk), PLATFORM_FLUSH_LATER);
		send_flushed(round, 0);
		assert_int_equal(fake.notified, 1u << 7);
		assert_int_equal(platform_disk_flushed(&disk), PLATFORM_FLUSH_DONE);
		fake.out_size = at = 0;
		fake.in_size = fake.in_done = 0;
	}
	assert_true(platform_disk_read(&disk, 0, data, sizeof(data)));
	assert_memory_equal(data, mine, sizeof(data));
	assert_false(platform_disk_write(&disk, 20 * 512, data, 1024));
	assert_false(platform_disk_read(&disk, UINT64_MAX - 511, data, 512));
	assert_false(platform_disk_read(&disk, 100, data, 512));
}

static void a_failure_stays(void **state)
{
	struct platform_disk disk;

	(void)state;
	open_disk(&disk);
	assert_int_equal(platform_disk_flush(&disk), PLATFORM_FLUSH_LATER);
	run_thread();
	send_flushed(1, 1);
	assert_int_equal(platform_disk_flushed(&disk), PLATFORM_FLUSH_FAILED);
	platform_disk_flush(&disk);
	run_thread();
	send_flushed(2, 0);
	assert_int_equal(platform_disk_flushed(&disk), PLATFORM_FLUSH_FAILED);
	assert_true(link_up());
	send_flushed(3, 0); /* an answer to what wasn't asked */
	assert_false(link_up());
	assert_int_equal(platform_disk_flushed(&disk), PLATFORM_FLUSH_FAILED);
	link_disk_finish();
	assert_non_null(strstr(fake.said, "not all that was written"));
}

static void nonsense(const void *bytes, size_t size)
{
	struct frame_ring in;

	begin(NULL);
	plug_in(&in);
	send_bytes(bytes, size);
	run_thread();
	assert_false(link_up());
	assert_non_null(strstr(fake.said, "is broken"));
}

static void nonsense_ends_it(void **state)
{
	static const uint8_t cases[][8] = {
		{0xff, 0xff, LINK_FRAME}, {4, 0, LINK_FRAME, 9}, {2, 0, LINK_FRAME, 2}, {0, 0, 200},
		{0, 0, 0},		  {0, 0, LINK_TAKEN},	 {0, 0, LINK_HELLO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		nonsense(cases[i], sizeof(cases[i]));
}

static void anything_ends_well(void **state)
{
	struct frame_ring in;

	(void)state;
	srand(1);
	for (unsigned int round = 0; round < 200; round++) {
		begin(NULL);
		plug_in(&in);
		for (unsigned int i = 0; i < 2000; i++)
			fake.in[fake.in_size++] = (uint8_t)(rand() % (round % 2 ? 256 : 32));
		run_thread();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_answers, begin, begin),
		cmocka_unit_test_setup_teardown(frames_pass, begin, begin),
		cmocka_unit_test_setup_teardown(flood_is_lost, begin, begin),
		cmocka_unit_test_setup_teardown(a_disk_is_written_back, begin, begin),
		cmocka_unit_test_setup_teardown(a_failure_stays, begin, begin),
		cmocka_unit_test_setup_teardown(nonsense_ends_it, begin, begin),
		cmocka_unit_test_setup_teardown(anything_ends_well, begin, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
