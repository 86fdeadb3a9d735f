/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtqueues against a driver, and against one that breaks the rules.
 *
 * @verifies VMM-500 VMM-501 VMM-502
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vmm/virtio_driver.h"

#define RINGS 0x1000u
#define DATA  0x40000u

static struct vdriver driver;
static struct virtq queue;
static struct virtio_chain chain;

static const struct virtq_setup kinds[] = {
	{.size = 8},
	{.size = 8, .event_index = true},
	{.size = 8, .event_index = true, .indirect = true},
	{.size = 1, .indirect = true},
	{.size = 64, .indirect = true},
	{.size = 8, .packed = true},
	{.size = 7, .packed = true, .event_index = true},
	{.size = 5, .packed = true, .event_index = true, .indirect = true},
	{.size = 1, .packed = true, .indirect = true},
	{.size = 64, .packed = true, .indirect = true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void start(const struct virtq_setup *kind)
{
	memset(vdriver_memory, 0, sizeof(vdriver_memory));
	vdriver_init(&driver, kind, RINGS);
	assert_true(virtq_enable(&queue, &vdriver_view, &driver.setup));
}

static unsigned int number(unsigned int below)
{
	static uint32_t state = 1;

	state = state * 1664525u + 1013904223u;
	return (state >> 8) % below;
}

/* ------------------------------------------------------------------------------------- good drivers */

/** What a request of the test's looks like: some bytes, and room for their complement. */
struct request {
	uint64_t at;
	uint32_t size;
	bool open;
};

static struct request requests[VDRIVER_SLOTS];
static unsigned int in_flight;

static bool request_add(unsigned int place)
{
	struct request request = {DATA + place * 0x100u, 1 + number(40), true};
	uint32_t cut = number(request.size), back = number(request.size);
	struct vdriver_buffer buffers[4];
	unsigned int n = 0;

	for (uint32_t i = 0; i < request.size; i++)
		vdriver_memory[request.at + i] = (uint8_t)number(256);
	if (cut > 0)
		buffers[n++] = (struct vdriver_buffer){request.at, cut, false};
	buffers[n++] = (struct vdriver_buffer){request.at + cut, request.size - cut, false};
	if (back > 0)
		buffers[n++] = (struct vdriver_buffer){request.at + 0x80, back, true};
	buffers[n++] = (struct vdriver_buffer){request.at + 0x80 + back, request.size - back, true};
	bool indirect = driver.setup.indirect && (n > driver.setup.size || number(2));
	int id = vdriver_add(&driver, buffers, n, indirect);
	if (id < 0)
		return false;
	requests[id] = request;
	in_flight++;
	return true;
}

static void request_serve(void)
{
	uint8_t bytes[64];
	size_t n = virtio_read(&chain, bytes, sizeof(bytes));

	assert_int_equal(n, chain.out_size);
	assert_int_equal(virtio_left(&chain), 0);
	assert_int_equal(virtio_room(&chain), n);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)~bytes[i];
	assert_int_equal(virtio_write(&chain, bytes, n / 2), n / 2);
	assert_int_equal(virtio_write(&chain, bytes + n / 2, sizeof(bytes) - n / 2), n - n / 2);
	assert_int_equal(virtio_room(&chain), 0);
	assert_int_equal(chain.written, n);
	virtq_put(&queue, &chain, chain.written);
}

static void request_check(uint16_t id, uint32_t written)
{
	struct request *request = &requests[id];

	assert_true(request->open);
	assert_int_equal(written, request->size);
	for (uint32_t i = 0; i < written; i++)
		assert_int_equal(vdriver_memory[request->at + 0x80 + i],
				 (uint8_t)~vdriver_memory[request->at + i]);
	request->open = false;
	in_flight--;
}

/** Driver and device by turns; an event that is not told must have been told before. */
static void requests_are_served(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < KINDS; k++) {
		unsigned int served = 0, place = 0;
		bool rung = false, interrupted = false;
		start(&kinds[k]);
		virtq_listen(&queue);
		vdriver_interrupts(&driver, VDRIVER_ALWAYS, 0);
		if (driver.setup.event_index)
			vdriver_interrupts(&driver, VDRIVER_NEXT, 0);
		for (unsigned int round = 0; round < 20000; round++) {
			uint16_t id;
			uint32_t written;
			for (unsigned int n = number(4); n > 0 && request_add(place % 64); n--)
				place++;
			rung |= vdriver_kick(&driver);
			if (rung && number(3)) {
				rung = false;
				do {
					virtq_quiet(&queue);
					while (virtq_take(&queue, &chain)) {
						request_serve();
						served++;
					}
				} while (virtq_listen(&queue));
				interrupted |= virtq_wants_interrupt(&queue);
			}
			while (interrupted && vdriver_used(&driver, &id, &written))
				request_check(id, written);
			if (interrupted && driver.setup.event_index)
				vdriver_interrupts(&driver, VDRIVER_NEXT, 0);
			interrupted = false;
			assert_false(queue.broken);
		}
		assert_true(served > 5000);
		assert_true(in_flight <= driver.setup.size);
		in_flight = 0;
	}
}

/** One buffer in and out again; @return what virtq_wants_interrupt() says. */
static bool one(void)
{
	const struct vdriver_buffer buffer = {DATA, 4, true};
	uint32_t written;
	uint16_t id;

	assert_true(vdriver_add(&driver, &buffer, 1, false) >= 0);
	vdriver_kick(&driver);
	assert_true(virtq_take(&queue, &chain));
	virtq_put(&queue, &chain, 0);
	bool wanted = virtq_wants_interrupt(&queue);
	assert_true(vdriver_used(&driver, &id, &written));
	assert_int_equal(written, 0);
	return wanted;
}

static void interrupts_can_be_refused(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < KINDS; k++) {
		start(&kinds[k]);
		vdriver_interrupts(&driver, VDRIVER_NEVER, 0);
		for (unsigned int i = 0; i < 40; i++)
			assert_false(one());
		assert_false(virtq_wants_interrupt(&queue));
	}
}

static void interrupts_can_be_put_off(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < KINDS; k++) {
		if (!kinds[k].event_index)
			continue;
		start(&kinds[k]);
		for (unsigned int i = 0; i < 30; i++) {
			vdriver_interrupts(&driver, VDRIVER_AFTER, 3);
			assert_false(one());
			assert_false(one());
			assert_false(one());
			assert_true(one());
			assert_false(one());
		}
	}
}

static void notifications_can_be_refused(void **state)
{
	const struct vdriver_buffer buffer = {DATA, 4, false};

	(void)state;
	for (unsigned int k = 0; k < KINDS; k++) {
		start(&kinds[k]);
		assert_false(virtq_listen(&queue));
		vdriver_add(&driver, &buffer, 1, false);
		assert_true(vdriver_kick(&driver)); /* the first one is told … */
		assert_true(virtq_listen(&queue));
		virtq_quiet(&queue);
		assert_true(virtq_take(&queue, &chain));
		virtq_put(&queue, &chain, 0);
		uint16_t id;
		uint32_t written;
		assert_true(vdriver_used(&driver, &id, &written));
		vdriver_add(&driver, &buffer, 1, false);
		assert_false(vdriver_kick(&driver)); /* … the second not: nobody listened again … */
		assert_true(virtq_listen(&queue));   /* … and whoever does, is told */
	}
}

static void a_status_goes_to_the_last_byte(void **state)
{
	const struct vdriver_buffer buffers[] = {{DATA, 4, false}, {DATA + 4, 8, true}, {DATA + 20, 3, true}};

	(void)state;
	start(&kinds[0]);
	memset(vdriver_memory + DATA, 0xcc, 64);
	vdriver_add(&driver, buffers, 3, false);
	vdriver_kick(&driver);
	assert_true(virtq_take(&queue, &chain));
	assert_int_equal(chain.in_size, 11);
	virtio_write_last(&chain, 7);
	assert_int_equal(vdriver_memory[DATA + 21], 0xcc);
	assert_int_equal(vdriver_memory[DATA + 22], 7);
	assert_int_equal(vdriver_memory[DATA + 23], 0xcc);
	virtio_chain_start(&chain);
	virtio_write_last(&chain, 7); /* nowhere to write: nothing happens */
}

/* ---------------------------------------------------------------------------------- hostile drivers */

static void a_queue_needs_its_areas(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < KINDS; k++) {
		struct virtq_setup good, bad;
		start(&kinds[k]);
		good = driver.setup;
		const uint64_t wrong[] = {VDRIVER_MEMORY, VDRIVER_MEMORY - 2, UINT64_MAX - 15,
					  UINT64_C(1) << 63, good.desc + 1};
		for (unsigned int i = 0; i < 5; i++) {
			bad = good;
			bad.desc = wrong[i];
			assert_false(virtq_enable(&queue, &vdriver_view, &bad));
			bad = good;
			bad.driver = wrong[i];
			assert_false(virtq_enable(&queue, &vdriver_view, &bad));
			bad = good;
			bad.device = wrong[i];
			assert_false(virtq_enable(&queue, &vdriver_view, &bad));
			assert_true(queue.broken);
			assert_false(virtq_take(&queue, &chain));
			assert_false(virtq_listen(&queue));
			assert_false(virtq_wants_interrupt(&queue));
			virtq_put(&queue, &chain, 0);
		}
		bad = good;
		bad.device = VDRIVER_READONLY;
		assert_false(virtq_enable(&queue, &vdriver_view, &bad));
		bad = good;
		bad.desc = VDRIVER_READONLY;
		assert_int_equal(virtq_enable(&queue, &vdriver_view, &bad), !good.packed);
	}
}

static void sizes_are_checked(void **state)
{
	static const uint16_t sizes[] = {0, 3, 257, 512, 32768, 65535};

	(void)state;
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct virtq_setup setup = {.desc = 0x1000, .driver = 0x4000, .device = 0x6000,
					    .size = sizes[i]};
		assert_false(virtq_enable(&queue, &vdriver_view, &setup));
		setup.packed = true;
		assert_int_equal(virtq_enable(&queue, &vdriver_view, &setup), sizes[i] == 3);
	}
}

/** A driver adds two good buffers, then `spoil` them. The queue must break, and stay so. */
static void breaks(const struct virtq_setup *kind, void (*spoil)(void))
{
	const struct vdriver_buffer buffers[] = {{DATA, 4, false}, {DATA + 4, 8, true}};

	start(kind);
	assert_true(vdriver_add(&driver, buffers, 2, false) >= 0);
	spoil();
	vdriver_kick(&driver);
	if (!kind->packed && *vdriver_avail_index(&driver) == 1)
		spoil();
	assert_false(virtq_take(&queue, &chain));
	assert_true(queue.broken);
	vdriver_init(&driver, &driver.setup, RINGS);
	assert_false(virtq_take(&queue, &chain));
	assert_true(virtq_enable(&queue, &vdriver_view, &driver.setup)); /* by a reset alone */
	assert_false(virtq_take(&queue, &chain));
	assert_false(queue.broken);
}

static void split_loop(void)
{
	vdriver_desc(&driver, 1)->flags = VIRTQ_DESC_NEXT | VIRTQ_DESC_WRITE;
	vdriver_desc(&driver, 1)->next = 1;
}

static void split_loop_of_all(void)
{
	for (uint16_t i = 0; i < 8; i++)
		*vdriver_desc(&driver, i) = (struct virtq_desc){
			DATA, 4, VIRTQ_DESC_NEXT, (uint16_t)((i + 1) % 8)};
}

static void split_next_outside(void)
{
	vdriver_desc(&driver, 0)->next = 8;
}

static void split_next_far_outside(void)
{
	vdriver_desc(&driver, 0)->next = 0xffff;
}

static void split_head_outside(void)
{
	*vdriver_avail_entry(&driver, 0) = 8;
}

static void split_index_too_far(void)
{
	*vdriver_avail_index(&driver) = 9;
}

static void split_index_backwards(void)
{
	*vdriver_avail_index(&driver) = 0xffff;
}

static void split_wrong_order(void)
{
	vdriver_desc(&driver, 0)->flags |= VIRTQ_DESC_WRITE;
	vdriver_desc(&driver, 1)->flags = 0;
}

static void split_nothing(void)
{
	vdriver_desc(&driver, 1)->size = 0;
}

static void split_address_outside(void)
{
	vdriver_desc(&driver, 0)->address = VDRIVER_MEMORY - 3;
}

static void split_address_wraps(void)
{
	vdriver_desc(&driver, 0)->address = UINT64_MAX - 1;
}

static void split_size_wraps(void)
{
	vdriver_desc(&driver, 1)->size = UINT32_MAX;
}

static void split_reads_only(void)
{
	vdriver_desc(&driver, 1)->address = VDRIVER_READONLY + 16;
}

static void split_indirect_unasked(void)
{
	*vdriver_desc(&driver, 0) = (struct virtq_desc){DATA, 16, VIRTQ_DESC_INDIRECT, 0};
	*(struct virtq_desc *)(void *)(vdriver_memory + DATA) = (struct virtq_desc){DATA, 4, 0, 0};
}

static void split_indirect_behind(void)
{
	*vdriver_desc(&driver, 1) = (struct virtq_desc){DATA, 16, VIRTQ_DESC_INDIRECT, 0};
}

static const struct {
	const char *name;
	void (*spoil)(void);
} split_rules[] = {
	{"loop", split_loop},
	{"loop of all", split_loop_of_all},
	{"next outside", split_next_outside},
	{"next far outside", split_next_far_outside},
	{"head outside", split_head_outside},
	{"index too far", split_index_too_far},
	{"index backwards", split_index_backwards},
	{"wrong order", split_wrong_order},
	{"nothing", split_nothing},
	{"address outside", split_address_outside},
	{"address wraps", split_address_wraps},
	{"size wraps", split_size_wraps},
	{"read-only", split_reads_only},
	{"indirect, not negotiated", split_indirect_unasked},
	{"indirect behind direct", split_indirect_behind},
};

static void split_rules_hold(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(split_rules) / sizeof(split_rules[0]); i++) {
		print_message("# %s\n", split_rules[i].name);
		breaks(&kinds[0], split_rules[i].spoil);
	}
}

static void packed_endless(void)
{
	for (uint16_t i = 0; i < 8; i++)
		*vdriver_packed(&driver, i) = (struct virtq_packed_desc){
			DATA, 4, 0, VIRTQ_DESC_AVAIL | VIRTQ_DESC_NEXT};
}

static void packed_wrong_order(void)
{
	vdriver_packed(&driver, 0)->flags |= VIRTQ_DESC_WRITE;
	vdriver_packed(&driver, 1)->flags = VIRTQ_DESC_AVAIL;
}

static void packed_nothing(void)
{
	vdriver_packed(&driver, 0)->size = 0;
}

static void packed_address_outside(void)
{
	vdriver_packed(&driver, 1)->address = VDRIVER_MEMORY - 7;
}

static void packed_address_wraps(void)
{
	vdriver_packed(&driver, 0)->address = UINT64_MAX;
}

static void packed_reads_only(void)
{
	vdriver_packed(&driver, 1)->address = VDRIVER_READONLY - 1;
}

static void packed_indirect_unasked(void)
{
	vdriver_packed(&driver, 0)->size = 16;
	vdriver_packed(&driver, 0)->flags = VIRTQ_DESC_AVAIL | VIRTQ_DESC_INDIRECT;
}

static void packed_indirect_behind(void)
{
	vdriver_packed(&driver, 1)->flags |= VIRTQ_DESC_INDIRECT;
}

static void (*const packed_rules[])(void) = {
	packed_endless,	      packed_wrong_order, packed_nothing,	   packed_address_outside,
	packed_address_wraps, packed_reads_only,  packed_indirect_unasked, packed_indirect_behind,
};

static void packed_rules_hold(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(packed_rules) / sizeof(packed_rules[0]); i++)
		breaks(&kinds[5], packed_rules[i]);
}

/* Indirect tables, both kinds: the table is at DATA. */

static void table_put(uint64_t address, uint32_t size, uint32_t flags)
{
	if (driver.setup.packed)
		*vdriver_packed(&driver, 0) = (struct virtq_packed_desc){
			address, size, 0,
			(uint16_t)(flags | VIRTQ_DESC_INDIRECT | VIRTQ_DESC_AVAIL)};
	else
		*vdriver_desc(&driver, 0) = (struct virtq_desc){
			address, size, (uint16_t)(flags | VIRTQ_DESC_INDIRECT), 1};
}

static void table_entry(unsigned int index, uint64_t address, uint32_t size, uint16_t flags)
{
	struct virtq_desc *table = (void *)(vdriver_memory + DATA);

	table[index] = (struct virtq_desc){address, size, flags, (uint16_t)(index + 1)};
	if (driver.setup.packed) /* flags are elsewhere */
		((struct virtq_packed_desc *)(void *)table)[index] =
			(struct virtq_packed_desc){address, size, 0, flags};
}

static void table_of_nothing(void)
{
	table_put(DATA, 0, 0);
}

static void table_of_a_part(void)
{
	table_put(DATA, 24, 0);
}

static void table_too_large(void)
{
	for (unsigned int i = 0; i < VIRTIO_SEGMENTS + 1; i++)
		table_entry(i, DATA, 4, driver.setup.packed ? 0 : (uint16_t)VIRTQ_DESC_NEXT);
	table_put(DATA, 16 * (VIRTIO_SEGMENTS + 1), 0);
}

static void table_outside(void)
{
	table_put(VDRIVER_MEMORY - 16, 32, 0);
}

static void table_wraps(void)
{
	table_put(UINT64_MAX - 15, 32, 0);
}

static void table_and_next(void)
{
	table_entry(0, DATA, 4, 0);
	table_put(DATA, 16, VIRTQ_DESC_NEXT);
}

static void table_points_outside(void)
{
	table_entry(0, VDRIVER_MEMORY, 4, 0);
	table_put(DATA, 16, 0);
}

static void table_sum_wraps(void)
{
	for (unsigned int i = 0; i < 2; i++)
		table_entry(i, 0, UINT32_MAX, i == 0 ? VIRTQ_DESC_NEXT : 0);
	table_put(DATA, 32, 0);
}

static void (*const table_rules[])(void) = {
	table_of_nothing, table_of_a_part, table_too_large,	 table_outside,
	table_wraps,	  table_and_next,  table_points_outside, table_sum_wraps,
};

static void split_table_in_table(void)
{
	table_entry(0, DATA, 16, VIRTQ_DESC_INDIRECT);
	table_put(DATA, 16, 0);
}

static void split_table_loop(void)
{
	table_entry(0, DATA, 16, VIRTQ_DESC_NEXT);
	table_entry(1, DATA, 16, VIRTQ_DESC_NEXT);
	((struct virtq_desc *)(void *)(vdriver_memory + DATA))[1].next = 0;
	table_put(DATA, 32, 0);
}

static void split_table_runs_out(void)
{
	table_entry(0, DATA, 16, VIRTQ_DESC_NEXT);
	table_entry(1, DATA, 16, 0); /* behind the table's end */
	table_put(DATA, 16, 0);
}

static void tables_are_checked(void **state)
{
	static const struct virtq_setup split = {.size = 8, .indirect = true};
	static const struct virtq_setup packed = {.size = 8, .indirect = true, .packed = true};

	(void)state;
	for (unsigned int i = 0; i < sizeof(table_rules) / sizeof(table_rules[0]); i++) {
		breaks(&split, table_rules[i]);
		breaks(&packed, table_rules[i]);
	}
	breaks(&split, split_table_in_table);
	breaks(&split, split_table_loop);
	breaks(&split, split_table_runs_out);
}

/** A table at an odd address is unusual, not wrong. */
static void an_odd_table_is_read(void **state)
{
	static const struct virtq_setup split = {.size = 8, .indirect = true};
	const struct virtq_desc desc = {DATA, 16, VIRTQ_DESC_WRITE, 0};

	(void)state;
	start(&split);
	memcpy(vdriver_memory + DATA + 3, &desc, sizeof(desc));
	table_put(DATA + 3, 16, 0);
	*vdriver_avail_index(&driver) = 1;
	assert_true(virtq_take(&queue, &chain));
	assert_int_equal(chain.in_size, 16);
}

/** Overlapping buffers harm the guest alone. */
static void overlaps_are_the_guests_affair(void **state)
{
	const struct vdriver_buffer buffers[] = {{DATA, 8, false}, {DATA + 4, 8, true}, {RINGS, 4, true}};

	(void)state;
	for (unsigned int k = 0; k < 2; k++) {
		start(&kinds[k ? 5 : 0]);
		vdriver_add(&driver, buffers, 3, false);
		vdriver_kick(&driver);
		assert_true(virtq_take(&queue, &chain));
		assert_int_equal(virtio_write(&chain, "123456789abcdef", 15), 12);
		virtq_put(&queue, &chain, 12);
		assert_memory_equal(vdriver_memory + DATA + 4, "12345678", 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_served),
		cmocka_unit_test(interrupts_can_be_refused),
		cmocka_unit_test(interrupts_can_be_put_off),
		cmocka_unit_test(notifications_can_be_refused),
		cmocka_unit_test(a_status_goes_to_the_last_byte),
		cmocka_unit_test(a_queue_needs_its_areas),
		cmocka_unit_test(sizes_are_checked),
		cmocka_unit_test(split_rules_hold),
		cmocka_unit_test(packed_rules_hold),
		cmocka_unit_test(tables_are_checked),
		cmocka_unit_test(an_odd_table_is_read),
		cmocka_unit_test(overlaps_are_the_guests_affair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
