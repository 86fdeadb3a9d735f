/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of virtio devices, each with a driver of the tests.
 *
 * @verifies VMM-084 VMM-500 VMM-503 VMM-504 VMM-510 VMM-512 VMM-513
 */
#include "tests/unit/vmm/virtio_guest.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/dev/virtio/net_link.h"
#include "vmm/dev/virtio/virtio_block.h"
#include "vmm/dev/virtio/virtio_console.h"
#include "vmm/dev/virtio/virtio_net.h"
#include "vmm/dev/virtio/virtio_rng.h"

static struct bench bench;
static struct vguest guest;

/** Without, and with packed rings. */
static const uint64_t features[] = {
	VIRTIO_BIT(VIRTIO_F_VERSION_1),
	VGUEST_FEATURES,
	VGUEST_FEATURES | VIRTIO_BIT(VIRTIO_F_RING_PACKED),
};
#define FEATURES (sizeof(features) / sizeof(features[0]))

static int setup(void **state)
{
	(void)state;
	mock_reset();
	memset(&bench, 0, sizeof(bench));
	memset(vdriver_memory, 0, sizeof(vdriver_memory));
	return 0;
}

/* ------------------------------------------------------------------------------------------ console */

static struct virtio_console console;
static char printed[4096];
static size_t printed_size;
static unsigned int rooms;

static void print(void *ctx, uint8_t byte)
{
	(void)ctx;
	printed[printed_size++ % sizeof(printed)] = (char)byte;
}

static void take_room(void *ctx, uint32_t value)
{
	(void)ctx;
	(void)value;
	rooms++;
}

static void console_start(uint64_t wanted)
{
	printed_size = rooms = 0;
	virtio_console_init(&console, &bench.timers);
	console.out = (struct byte_sink){print, NULL};
	console.room = (struct command){take_room, NULL};
	vguest_start(&guest, &bench, &console.dev, wanted);
}

/** What a device tells of itself. */
static struct {
	const char *name;
	uint64_t value;
} asked;

static void answer(void *ctx, const char *name, uint64_t value)
{
	(void)ctx;
	if (strcmp(name, asked.name) == 0)
		asked.value = value;
}

static uint64_t counted(const struct virtio_device *dev, const char *name)
{
	const struct counter_sink sink = {answer, NULL};

	asked.name = name;
	asked.value = UINT64_MAX;
	dev->class->counters(dev, &sink);
	return asked.value;
}

static void a_console_prints(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < FEATURES; i++) {
		console_start(features[i]);
		for (unsigned int n = 0; n < 50; n++)
			assert_int_equal(vguest_request(&guest, 1, "hello", 5, 0, 1 + n % 5), 0);
		assert_int_equal(printed_size, 250);
		assert_memory_equal(printed, "hellohello", 10);
		virtio_config_write(&console.dev, 8, 4, '!');
		assert_int_equal(printed[250], '!');
		virtio_config_write(&console.dev, 10, 4, '!'); /* beyond its end */
		assert_int_equal(printed_size, 251);
		assert_int_equal(counted(&console.dev, "bytes sent"), 251);
	}
}

static void a_console_takes_keys(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < FEATURES; i++) {
		console_start(features[i]);
		assert_int_equal(virtio_console_room(&console), VIRTIO_CONSOLE_KEYS);
		vguest_add(&guest, 0, NULL, 0, 3, 2);
		vguest_kick(&guest, 0);
		virtio_console_receive(&console, 'a');
		assert_int_equal(vguest_used(&guest, 0), 1);
		assert_int_equal(vguest_room[0], 'a');
		assert_int_equal(guest.interrupts[0], 1);
		for (unsigned int n = 0; n < VIRTIO_CONSOLE_KEYS + 3; n++) /* three are lost */
			virtio_console_receive(&console, (uint8_t)('0' + n));
		assert_int_equal(virtio_console_room(&console), 0);
		assert_int_equal(vguest_request(&guest, 0, NULL, 0, 5, 2), 5);
		assert_memory_equal(vguest_room, "01234", 5);
		assert_int_equal(virtio_console_room(&console), 5);
		assert_true(rooms > 0);
		assert_int_equal(vguest_request(&guest, 0, NULL, 0, 100, 50), VIRTIO_CONSOLE_KEYS - 5);
		assert_int_equal(vguest_room[0], '5');
		assert_int_equal(counted(&console.dev, "bytes received"), VIRTIO_CONSOLE_KEYS + 1);
		virtio_set_status(&console.dev, 0);
		assert_false(virtio_console_open(&console));
		virtio_console_receive(&console, 'x'); /* kept for the next driver */
	}
}

/* -------------------------------------------------------------------------------------------- block */

#define IMAGE_SIZE (100u * 512u - 12u)

static struct virtio_block block;
static uint8_t image[IMAGE_SIZE], overlay[200 * 512];

static void block_start(uint64_t wanted, bool writable)
{
	for (unsigned int i = 0; i < sizeof(image); i++)
		image[i] = (uint8_t)(i * 7 + i / 512);
	memset(overlay, 0, sizeof(overlay));
	assert_true(virtio_block_overlay_size(IMAGE_SIZE) <= sizeof(overlay));
	virtio_block_init(&block, &bench.timers, image, IMAGE_SIZE, "a-very-long-name.squashfs",
			  writable ? overlay : NULL);
	vguest_start(&guest, &bench, &block.dev, wanted);
}

/** A request: header and data out, room for data and status. @return the status. */
static int block_request(uint32_t type, uint64_t sector, const void *data, uint32_t size, uint32_t in,
			 uint32_t piece)
{
	static uint8_t out[0x8000];
	const struct virtio_block_header header = {.type = type, .sector = sector};

	memcpy(out, &header, sizeof(header));
	memcpy(out + sizeof(header), data ? data : "", size);
	int64_t written = vguest_request(&guest, 0, out, (uint32_t)sizeof(header) + size, in + 1, piece);
	int status = vguest_room[in];
	assert_int_equal(written, status == VIRTIO_BLOCK_OK ? in + 1 : 1);
	return status;
}

static void a_disk_is_read(void **state)
{
	uint64_t capacity;

	(void)state;
	for (unsigned int i = 0; i < FEATURES; i++) {
		uint32_t piece = i == 0 ? 512 : 300;
		block_start(features[i] | VIRTIO_BIT(VIRTIO_BLOCK_F_RO), false);
		capacity = virtio_config_read(&block.dev, 0, 8);
		assert_int_equal(capacity, 100);
		for (unsigned int n = 0; n < 96; n++) {
			assert_int_equal(block_request(VIRTIO_BLOCK_IN, n, NULL, 0, 1024, piece), 0);
			assert_memory_equal(vguest_room, image + 512 * n, 1024);
		}
		assert_int_equal(block_request(VIRTIO_BLOCK_IN, 99, NULL, 0, 512, piece), 0);
		assert_memory_equal(vguest_room, image + 99 * 512, 500);
		assert_memory_equal(vguest_room + 500, "\0\0\0\0\0\0\0\0\0\0\0", 12);
		assert_int_equal(block_request(VIRTIO_BLOCK_IN, 99, NULL, 0, 1024, piece), 1);
		assert_int_equal(block_request(VIRTIO_BLOCK_IN, 100, NULL, 0, 512, piece), 1);
		assert_int_equal(block_request(VIRTIO_BLOCK_IN, UINT64_MAX, NULL, 0, 512, piece), 1);
		assert_int_equal(block_request(VIRTIO_BLOCK_IN, UINT64_MAX / 512, NULL, 0, 512, piece), 1);
		assert_int_equal(block_request(VIRTIO_BLOCK_IN, 1, NULL, 0, 511, piece), 1);
		assert_int_equal(block_request(VIRTIO_BLOCK_OUT, 1, image, 512, 0, 512), 1);
		assert_int_equal(block_request(VIRTIO_BLOCK_FLUSH, 0, NULL, 0, 0, 512), 0);
		assert_int_equal(block_request(VIRTIO_BLOCK_GET_ID, 0, NULL, 0, 20, 512), 0);
		assert_memory_equal(vguest_room, "a-very-long-name.squ", 20);
		assert_int_equal(block_request(VIRTIO_BLOCK_GET_ID, 0, NULL, 0, 19, 512), 1);
		assert_int_equal(block_request(VIRTIO_BLOCK_DISCARD, 0, image, 16, 0, 512), 2);
		assert_int_equal(block_request(VIRTIO_BLOCK_WRITE_ZEROES, 0, image, 16, 0, 512), 2);
		assert_int_equal(block_request(0xffffffff, 0, NULL, 0, 0, 512), 2);
		assert_int_equal(counted(&block.dev, "read requests"), 97);
		assert_int_equal(counted(&block.dev, "bytes read"), 96 * 1024 + 512);
		assert_int_equal(counted(&block.dev, "write requests"), 0);
		assert_int_equal(counted(&block.dev, "flushes"), 1);
		assert_int_equal(counted(&block.dev, "other requests"), 1);
		assert_int_equal(counted(&block.dev, "failed requests"), 10);
	}
}

static void an_overlay_is_written(void **state)
{
	static uint8_t copy[100 * 512], data[4096];
	uint64_t bytes;

	(void)state;
	for (unsigned int i = 0; i < FEATURES; i++) {
		block_start(features[i], true);
		assert_false(virtio_offered(&block.dev) & VIRTIO_BIT(VIRTIO_BLOCK_F_RO));
		bytes = 0;
		memset(copy, 0, sizeof(copy));
		memcpy(copy, image, sizeof(image));
		for (unsigned int n = 0; n < 500; n++) {
			uint32_t size = 512 * (1 + bench_random() % 4);
			uint64_t sector = bench_random() % (101 - size / 512);
			if (bench_random() % 2) {
				for (uint32_t k = 0; k < size; k++)
					data[k] = (uint8_t)bench_random();
				memcpy(copy + sector * 512, data, size);
				bytes += size;
				assert_int_equal(block_request(VIRTIO_BLOCK_OUT, sector, data, size, 0, 512), 0);
			} else {
				assert_int_equal(block_request(VIRTIO_BLOCK_IN, sector, NULL, 0, size, 400), 0);
				assert_memory_equal(vguest_room, copy + sector * 512, size);
			}
		}
		assert_int_equal(block_request(VIRTIO_BLOCK_OUT, 99, data, 1024, 0, 512), 1);
		assert_int_equal(block_request(VIRTIO_BLOCK_OUT, 98, data, 1000, 0, 512), 1);
		assert_int_equal(counted(&block.dev, "bytes written"), bytes);
		assert_int_equal(image[1000], (uint8_t)(1000 * 7 + 1)); /* itself it stays as it was */
	}
}

static void a_disk_wants_room_for_a_status(void **state)
{
	const struct virtio_block_header header = {.type = VIRTIO_BLOCK_FLUSH};

	(void)state;
	block_start(VGUEST_FEATURES, true);
	assert_int_equal(vguest_request(&guest, 0, &header, 8, 1, 512), 1); /* half a header */
	assert_int_equal(vguest_room[0], VIRTIO_BLOCK_IOERR);
	assert_int_equal(vguest_request(&guest, 0, &header, 16, 0, 512), 0);
	assert_true(block.dev.status & VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(guest.config_interrupts, 1);
	assert_true(vguest_add(&guest, 0, &header, 16, 1, 512) >= 0);
	vguest_kick(&guest, 0);
	assert_int_equal(vguest_used(&guest, 0), -1); /* nothing until it is reset */
	vguest_start(&guest, &bench, &block.dev, VGUEST_FEATURES);
	assert_int_equal(block_request(VIRTIO_BLOCK_FLUSH, 0, NULL, 0, 0, 512), 0);
}

static unsigned int flushes;

static bool store_read(void *ctx, uint64_t where, void *to, size_t size)
{
	(void)ctx;
	memcpy(to, overlay + where, size);
	return true;
}

static bool store_write(void *ctx, uint64_t where, const void *from, size_t size)
{
	(void)ctx;
	memcpy(overlay + where, from, size);
	return true;
}

static enum virtio_block_status store_flush(void *ctx)
{
	(void)ctx;
	flushes++;
	return VIRTIO_BLOCK_LATER;
}

static void store_start(uint64_t wanted)
{
	static uint8_t buffer[1024];
	const struct virtio_block_store store = {.read = store_read, .write = store_write,
						 .flush = store_flush, .buffer = buffer,
						 .buffer_size = sizeof(buffer)};

	virtio_block_init_store(&block, &bench.timers, &store, 100 * 512, "x");
	vguest_start(&guest, &bench, &block.dev, wanted);
	flushes = 0;
}

static void a_flush_may_take_its_time(void **state)
{
	const struct virtio_block_header flush = {.type = VIRTIO_BLOCK_FLUSH};
	const struct virtio_block_header read = {.type = VIRTIO_BLOCK_IN, .sector = 1};

	(void)state;
	for (unsigned int i = 0; i < FEATURES; i++) {
		store_start(features[i]);
		assert_true(vguest_add(&guest, 0, &flush, sizeof(flush), 1, 512) >= 0);
		uint8_t *const first = vguest_room;
		*first = 0xee;
		vguest_kick(&guest, 0);
		assert_true(vguest_add(&guest, 0, &flush, sizeof(flush), 1, 512) >= 0);
		uint8_t *const second = vguest_room;
		assert_true(vguest_add(&guest, 0, &read, sizeof(read), 513, 512) >= 0);
		vguest_kick(&guest, 0);
		virtio_notify(&block.dev, 0);
		assert_int_equal(vguest_used(&guest, 0), -1);
		assert_int_equal(*first, 0xee);
		assert_int_equal(flushes, 1);
		virtio_block_flushed(&block, true);
		assert_int_equal(vguest_used(&guest, 0), 1);
		assert_int_equal(*first, VIRTIO_BLOCK_OK);
		assert_int_equal(vguest_used(&guest, 0), -1);
		assert_int_equal(flushes, 2);
		virtio_block_flushed(&block, false);
		assert_int_equal(vguest_used(&guest, 0), 1);
		assert_int_equal(*second, VIRTIO_BLOCK_IOERR);
		assert_int_equal(vguest_used(&guest, 0), 513);
		assert_int_equal(counted(&block.dev, "flushes"), 2);
		assert_int_equal(counted(&block.dev, "failed requests"), 1);
		virtio_block_flushed(&block, true); /* nobody waits */
		assert_int_equal(vguest_used(&guest, 0), -1);
	}
}

static void a_reset_forgets_a_flush(void **state)
{
	const struct virtio_block_header flush = {.type = VIRTIO_BLOCK_FLUSH};

	(void)state;
	store_start(VGUEST_FEATURES);
	assert_true(vguest_add(&guest, 0, &flush, sizeof(flush), 1, 512) >= 0);
	vguest_kick(&guest, 0);
	vguest_start(&guest, &bench, &block.dev, VGUEST_FEATURES);
	virtio_block_flushed(&block, true);
	assert_int_equal(vguest_used(&guest, 0), -1);
	assert_int_equal(block_request(VIRTIO_BLOCK_IN, 1, NULL, 0, 512, 512), 0);
}

/* ---------------------------------------------------------------------------------------------- rng */

static void random_is_chacha20(void **state)
{
	/* RFC 8439, 2.3.2. */
	static const uint32_t key[8] = {0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
					0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c};
	static const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0x00000000};
	static const uint32_t expected[16] = {
		0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033,
		0x9aaa2204, 0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
		0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
	uint32_t out[16];

	(void)state;
	random_chacha20(key, 1, nonce, out);
	assert_memory_equal(out, expected, sizeof(out));
}

static void random_bytes_are_given(void **state)
{
	static struct virtio_rng rng;
	uint8_t first[100];

	(void)state;
	for (unsigned int i = 0; i < FEATURES; i++) {
		virtio_rng_init(&rng, &bench.timers, 42);
		vguest_start(&guest, &bench, &rng.dev, features[i]);
		assert_int_equal(vguest_request(&guest, 0, NULL, 0, 100, 33), 100);
		if (i == 0)
			memcpy(first, vguest_room, 100);
		assert_memory_equal(first, vguest_room, 100); /* the seed's */
		assert_int_equal(vguest_request(&guest, 0, NULL, 0, 100, 33), 100);
		assert_memory_not_equal(first, vguest_room, 100);
		assert_int_equal(vguest_request(&guest, 0, NULL, 0, 10000, 10000), VIRTIO_RNG_MOST);
		assert_int_equal(vguest_request(&guest, 0, "x", 1, 0, 1), 0);
	}
	virtio_rng_init(&rng, &bench.timers, 0);
	vguest_start(&guest, &bench, &rng.dev, VGUEST_FEATURES);
	assert_int_equal(vguest_request(&guest, 0, NULL, 0, 100, 100), 100);
	assert_memory_not_equal(first, vguest_room, 100);
}

/* ---------------------------------------------------------------------------------------------- net */

static struct virtio_net net;
static uint8_t sent[NET_FRAME_MAX];
static size_t sent_size;
static unsigned int sent_frames, batches, net_rooms;

static bool net_send(void *ctx, const void *frame, size_t size)
{
	(void)ctx;
	memcpy(sent, frame, size);
	sent_size = size;
	sent_frames++;
	return true;
}

static void net_sent(void *ctx)
{
	(void)ctx;
	batches++;
}

static void net_room(void *ctx)
{
	(void)ctx;
	net_rooms++;
}

static void net_start(uint64_t wanted)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};

	sent_size = sent_frames = batches = net_rooms = 0;
	virtio_net_init(&net, &bench.timers, mac);
	net.port = (struct net_port){net_send, net_sent, net_room, NULL, NULL};
	vguest_start(&guest, &bench, &net.dev, wanted | VIRTIO_BIT(VIRTIO_NET_F_MAC));
}

static void frames_are_sent(void **state)
{
	uint8_t frame[12 + NET_FRAME_MAX + 1] = {0};

	(void)state;
	for (unsigned int i = 0; i < FEATURES; i++) {
		net_start(features[i]);
		assert_int_equal(virtio_config_read(&net.dev, 0, 4), 2);
		assert_int_equal(virtio_config_read(&net.dev, 4, 4), 0x10100);
		for (unsigned int size = NET_FRAME_MIN; size <= NET_FRAME_MAX; size += 47) {
			for (unsigned int k = 12; k < sizeof(frame); k++)
				frame[k] = (uint8_t)bench_random();
			assert_int_equal(vguest_request(&guest, 1, frame, 12 + size, 0, 500), 0);
			assert_int_equal(sent_size, size);
			assert_memory_equal(sent, frame + 12, size);
		}
		assert_int_equal(sent_frames, 33);
		assert_int_equal(batches, 33);
		vguest_request(&guest, 1, frame, 12 + NET_FRAME_MIN - 1, 0, 500);
		vguest_request(&guest, 1, frame, 12 + NET_FRAME_MAX + 1, 0, 500);
		vguest_request(&guest, 1, frame, 11, 0, 500);
		assert_int_equal(sent_frames, 33);
		assert_int_equal(counted(&net.dev, "frames sent"), 33);
		assert_int_equal(counted(&net.dev, "bytes sent"), 33 * (14 + 14 + 32 * 47) / 2);
		assert_int_equal(counted(&net.dev, "dropped sending"), 3);
		assert_true(virtio_alive(&net.dev));
	}
}

static void frames_are_received(void **state)
{
	uint8_t frame[NET_FRAME_MAX];

	(void)state;
	memset(frame, 0x5a, sizeof(frame));
	for (unsigned int i = 0; i < FEATURES; i++) {
		net_start(features[i]);
		assert_false(virtio_net_receive(&net, frame, 60));
		unsigned int before = net_rooms;
		for (unsigned int n = 0; n < 2; n++) {
			assert_true(vguest_add(&guest, 0, NULL, 0, 1530, 800) >= 0);
			vguest_kick(&guest, 0);
		}
		assert_true(net_rooms > before);
		assert_true(virtio_net_receive(&net, frame, NET_FRAME_MAX));
		assert_int_equal(vguest_used(&guest, 0), 12 + NET_FRAME_MAX);
		assert_int_equal(guest.interrupts[0], 1);
		assert_true(virtio_net_receive(&net, frame, 13)); /* no frame */
		assert_true(virtio_net_receive(&net, frame, 14));
		assert_int_equal(vguest_used(&guest, 0), 26);
		assert_memory_equal(vguest_room, "\0\0\0\0\0\0\0\0\0\0\1\0ZZ", 14);
		assert_false(virtio_net_receive(&net, frame, 60));
		virtio_net_link(&net, false);
		assert_int_equal(guest.config_interrupts, 1);
		assert_int_equal(virtio_config_read(&net.dev, 6, 2), 0);
		vguest_add(&guest, 0, NULL, 0, 50, 50);
		vguest_kick(&guest, 0);
		assert_true(virtio_net_receive(&net, frame, 60)); /* too small a buffer */
		assert_true(net.dev.status & VIRTIO_STATUS_NEEDS_RESET);
		assert_true(virtio_net_receive(&net, frame, 60)); /* lost */
		assert_int_equal(counted(&net.dev, "frames received"), 2);
		assert_int_equal(counted(&net.dev, "bytes received"), NET_FRAME_MAX + 14);
		assert_int_equal(counted(&net.dev, "dropped receiving"), 3);
	}
}

static unsigned int told;

static void tell(void *ctx)
{
	(void)ctx;
	told++;
}

/** A card at a cable, whose other end is the test's. */
static void a_cable_carries_frames(void **state)
{
	static uint8_t region[0x20000] __attribute__((aligned(4096)));
	static struct net_link link;
	struct frame_ring out, in;
	uint8_t frame[12 + FRAME_MAX] = {0};

	(void)state;
	memset(region, 0, sizeof(region));
	told = 0;
	net_start(VGUEST_FEATURES);
	assert_false(net_link_init(&link, &net, &bench.timers, region, 4096, FRAME_SIDE_A));
	assert_true(net_link_init(&link, &net, &bench.timers, region, sizeof(region), FRAME_SIDE_A));
	link.notify = tell;
	assert_true(frame_cable(&out, &in, region, sizeof(region), FRAME_SIDE_B));
	for (unsigned int i = 0; i < 100; i++) {
		frame[12] = (uint8_t)i;
		vguest_request(&guest, 1, frame, 12 + 60, 0, 100);
		if (i < in.slots)
			continue;
		assert_int_equal(counted(&net.dev, "dropped sending"), i - in.slots + 1); /* nobody takes them */
		assert_int_equal(frame_lost(&in), i - in.slots + 1);
	}
	assert_int_equal(told, 1);
	for (unsigned int i = 0; i < in.slots; i++) {
		assert_int_equal(frame_get(&in, frame), 60);
		assert_int_equal(frame[0], i);
	}
	assert_true(frame_sleep(&in));
	vguest_request(&guest, 1, frame, 12 + 60, 0, 100);
	assert_int_equal(told, 2);
	/* Three frames come, the guest has room for two of them, then for the third. */
	for (unsigned int i = 0; i < 3; i++) {
		frame[0] = (uint8_t)(i + 1);
		assert_true(frame_put(&out, frame, 100));
		assert_true(i > 0 || vguest_add(&guest, 0, NULL, 0, 200, 200) >= 0);
		assert_true(i > 0 || vguest_add(&guest, 0, NULL, 0, 200, 200) >= 0);
	}
	assert_true(frame_tell(&out));
	vguest_kick(&guest, 0);
	net_link_ring(&link);
	assert_int_equal(vguest_used(&guest, 0), 112);
	assert_int_equal(vguest_used(&guest, 0), 112);
	assert_int_equal(vguest_room[12], 2);
	assert_int_equal(vguest_used(&guest, 0), -1);
	assert_int_equal(vguest_request(&guest, 0, NULL, 0, 200, 200), 112);
	assert_int_equal(vguest_room[12], 3);
	assert_true(frame_put(&out, frame, 100));
	assert_true(frame_tell(&out)); /* it sleeps again */
	assert_false(frame_put(&out, frame, FRAME_MIN - 1));
	assert_int_equal(counted(&net.dev, "dropped receiving"), 1);
	/* What a peer says that makes no sense. */
	out.shared->head = 1;
	net_link_ring(&link);
	assert_int_equal(link.in.broken, 1);
}

/* ------------------------------------------------------------------------------ rules of all devices */

static void features_are_negotiated(void **state)
{
	static struct virtio_rng rng;
	struct virtio_device *dev = &rng.dev;
	const uint8_t up = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER;

	(void)state;
	virtio_rng_init(&rng, &bench.timers, 1);
	vguest_start(&guest, &bench, dev, VGUEST_FEATURES);
	virtio_accept(dev, 0); /* too late */
	assert_true(virtio_has(dev, VIRTIO_F_EVENT_IDX));
	virtio_set_status(dev, 0);
	virtio_accept(dev, 0); /* legacy */
	virtio_set_status(dev, up | VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
	assert_int_equal(dev->status, up);
	dev->withheld = VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	virtio_accept(dev, VGUEST_FEATURES | VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	virtio_set_status(dev, up | VIRTIO_STATUS_FEATURES_OK);
	assert_int_equal(dev->status, up);
	virtio_accept(dev, VGUEST_FEATURES | VIRTIO_BIT(5)); /* not offered */
	virtio_set_status(dev, up | VIRTIO_STATUS_FEATURES_OK);
	assert_int_equal(dev->status, up);
	dev->queue[0].setup = guest.queue[0].setup;
	virtio_queue_enable(dev, 0); /* too early */
	assert_false(dev->queue[0].enabled);
	virtio_accept(dev, VGUEST_FEATURES);
	virtio_set_status(dev, up | VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(dev->status, up | VIRTIO_STATUS_FEATURES_OK);
	virtio_queue_enable(dev, 0);
	assert_true(dev->queue[0].enabled);
	vdriver_init(&guest.queue[0], &guest.queue[0].setup, 0x1000);
	vguest_add(&guest, 0, NULL, 0, 8, 8);
	vdriver_kick(&guest.queue[0]);
	virtio_notify(dev, 0); /* not up yet … */
	assert_int_equal(vguest_used(&guest, 0), -1);
	virtio_set_status(dev, dev->status | VIRTIO_STATUS_DRIVER_OK);
	assert_int_equal(vguest_used(&guest, 0), 8); /* … but served when it is */
	virtio_notify(dev, 1);
	virtio_notify(dev, 1000);
}

/** A queue that never gets empty: the guest adds a buffer for each that is served. */
static unsigned int endless;
static struct virtio_class endless_class;

static void endless_request(struct virtio_device *dev, unsigned int queue, struct virtio_chain *chain)
{
	(void)dev;
	(void)queue;
	(void)chain;
	endless++;
	assert_true(vguest_used(&guest, 0) >= -1);
	vguest_add(&guest, 0, "x", 1, 0, 1);
	vdriver_kick(&guest.queue[0]);
}

static void others_get_their_turn(void **state)
{
	static struct virtio_device dev;

	(void)state;
	endless_class = (struct virtio_class){.name = "endless", .queues = 1, .request = endless_request};
	virtio_init(&dev, &endless_class, &bench.timers);
	vguest_start(&guest, &bench, &dev, VGUEST_FEATURES);
	vguest_add(&guest, 0, "x", 1, 0, 1);
	vguest_kick(&guest, 0);
	assert_int_equal(endless, 64);
	assert_true(timer_next(&bench.timers) > mock_now);
	mock_now = timer_next(&bench.timers);
	timer_run(&bench.timers, mock_now);
	assert_int_equal(endless, 128);
	assert_true(timer_next(&bench.timers) > mock_now);
	virtio_set_status(&dev, 0);
	assert_int_equal(timer_next(&bench.timers), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_console_prints, setup),
		cmocka_unit_test_setup(a_console_takes_keys, setup),
		cmocka_unit_test_setup(a_disk_is_read, setup),
		cmocka_unit_test_setup(an_overlay_is_written, setup),
		cmocka_unit_test_setup(a_disk_wants_room_for_a_status, setup),
		cmocka_unit_test_setup(a_flush_may_take_its_time, setup),
		cmocka_unit_test_setup(a_reset_forgets_a_flush, setup),
		cmocka_unit_test_setup(random_is_chacha20, setup),
		cmocka_unit_test_setup(random_bytes_are_given, setup),
		cmocka_unit_test_setup(frames_are_sent, setup),
		cmocka_unit_test_setup(frames_are_received, setup),
		cmocka_unit_test_setup(a_cable_carries_frames, setup),
		cmocka_unit_test_setup(features_are_negotiated, setup),
		cmocka_unit_test_setup(others_get_their_turn, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
