/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer entry: a driver that does anything to a virtio device of each kind. The input is the first
 * byte's choice of device and ring, then guest memory with rings and tables, then acts: writes to
 * memory, notifications, registers, and a memory that changes while the device reads it.
 * sources: @tests/unit/vmm/fuzz-virtio.sources
 * runs: 4000
 *
 * @verifies VMM-500 VMM-501 VMM-502 VMM-503 VMM-504 VMM-505 VMM-510 VMM-512
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vmm/mock.h"
#include "vmm/dev/virtio/virtio_block.h"
#include "vmm/dev/virtio/virtio_console.h"
#include "vmm/dev/virtio/virtio_net.h"
#include "vmm/dev/virtio/virtio_pci.h"
#include "vmm/dev/virtio/virtio_rng.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY	 8192u	/* of the guest: rings below, data above */
#define READONLY 0x1c00u /* the last KiB isn't the guest's to write */
#define DISK	 4000u
#define ACT	 8u

static struct timer_queue timers;
static struct bus bus;
static struct pci_bus pci;
static struct virtio_pci vpci;
static uint8_t *memory;		     /* a block of its own, so that ASan sees its end */
static uint8_t *image, *overlay;
static const uint8_t *input;
static size_t left;

static union {
	struct virtio_device dev;
	struct virtio_console console;
	struct virtio_block block;
	struct virtio_net net;
	struct virtio_rng rng;
} device;

static unsigned int two_bytes(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static void *ram(void *ctx, uint64_t address, uint64_t size, bool write)
{
	(void)ctx;
	/* The other CPU of the guest: something changes whenever the device looks. */
	if (left >= ACT && (input[0] & 0xe0) == 0xe0) {
		memory[two_bytes(input + 1) % MEMORY] = input[3];
		input += 4;
		left -= 4;
	}
	if (size > MEMORY || address > MEMORY - size || (write && address + size > READONLY))
		return NULL;
	return memory + address;
}

static void msi(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	(void)address;
	(void)data;
}

static void put(void *ctx, uint8_t byte)
{
	(void)ctx;
	(void)byte;
}

static bool frame_back(void *ctx, const void *frame, size_t size)
{
	(void)ctx;
	if (size < NET_FRAME_MIN || size > NET_FRAME_MAX)
		abort();
	return virtio_net_receive(&device.net, frame, size);
}

/* ------------------------------------------------------------------------------------------ devices */

static void console_make(void)
{
	virtio_console_init(&device.console, &timers);
	device.console.out = (struct byte_sink){put, NULL};
}

static void disk_make(void)
{
	virtio_block_init(&device.block, &timers, image, DISK, "disk", NULL);
}

static void overlay_make(void)
{
	memset(overlay, 0, virtio_block_overlay_size(DISK));
	virtio_block_init(&device.block, &timers, image, DISK, "disk", overlay);
}

static void net_make(void)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};

	virtio_net_init(&device.net, &timers, mac);
	device.net.port.send = frame_back;
}

static void rng_make(void)
{
	virtio_rng_init(&device.rng, &timers, 1);
}

static void (*const makers[])(void) = {console_make, disk_make, overlay_make, net_make, rng_make};
#define MAKERS (sizeof(makers) / sizeof(makers[0]))

/* --------------------------------------------------------------------------------------------- acts */

static void store(unsigned int where, unsigned int size, uint64_t value)
{
	uint32_t hit = 0;

	bus_memory_write(&bus, &hit, 0xc0000000u + where, size, value);
}

static void load(unsigned int where, unsigned int size)
{
	uint32_t hit = 0;

	bus_memory_read(&bus, &hit, 0xc0000000u + where, size);
}

/** A driver that begins as it should, with rings at places of its choice. */
static void start(unsigned int kind)
{
	const bool packed = kind & 8;
	const uint64_t features = VIRTIO_BIT(VIRTIO_F_VERSION_1) |
				  (packed ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0) |
				  (kind & 16 ? VIRTIO_BIT(VIRTIO_F_EVENT_IDX) : 0) |
				  (kind & 32 ? VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) : 0);

	virtio_set_status(&device.dev, 3);
	virtio_accept(&device.dev, features);
	virtio_set_status(&device.dev, 11);
	for (unsigned int i = 0; i < device.dev.class->queues; i++) {
		device.dev.queue[i].setup = (struct virtq_setup){.desc = 0x400u * i,
								 .driver = 0x400u * i + 0x100,
								 .device = 0x400u * i + 0x200,
								 .size = kind & 64 ? 16 : 4};
		virtio_queue_enable(&device.dev, i);
	}
	virtio_set_status(&device.dev, 15);
}

/** Make something available, the guest's memory being what it is. */
static void publish(unsigned int queue, uint8_t head)
{
	struct virtq *ring = &device.dev.queue[queue % VIRTIO_QUEUES].ring;

	if (!ring->ops || ring->broken)
		return;
	if (ring->ops == &virtq_split) {
		uint16_t *driver = (uint16_t *)(void *)ring->driver;
		driver[2 + (driver[1] % ring->size)] = head % (ring->size + 1u);
		driver[1]++;
	} else {
		uint8_t *flags = ring->desc + 16u * ring->avail + 15;
		*flags = (uint8_t)((*flags & 0x7f) | (ring->avail_wrap ? 0 : 0x80));
		flags[-1] = (uint8_t)((flags[-1] & 0x7f) | (ring->avail_wrap ? 0x80 : 0));
	}
	virtio_notify(&device.dev, queue % VIRTIO_QUEUES);
}

/** A descriptor that makes some sense. */
static void describe(const uint8_t *act)
{
	unsigned int at = (act[1] & 0x7fu) * 16u;
	uint64_t address = ((unsigned int)act[2] << 4 | (act[3] & 15u)) + 0x800u;
	uint32_t size = act[4] & 0x80 ? act[4] * 16u : act[4];
	uint16_t flags = act[5] & 7, next = act[6];

	memcpy(memory + at, &address, 8);
	memcpy(memory + at + 8, &size, 4);
	if (device.dev.features & VIRTIO_BIT(VIRTIO_F_RING_PACKED)) {
		memcpy(memory + at + 12, &next, 2);
		memcpy(memory + at + 14, &flags, 2);
	} else {
		memcpy(memory + at + 12, &flags, 2);
		memcpy(memory + at + 14, &next, 2);
	}
}

static void descriptor(unsigned int index, uint64_t address, uint32_t size, uint32_t flags)
{
	const uint8_t act[ACT] = {0,
				  (uint8_t)index,
				  (uint8_t)((address - 0x800) >> 4),
				  0,
				  (uint8_t)(size & 0x80 || size > 0xff ? 0x80 : size),
				  (uint8_t)flags,
				  (uint8_t)(index + 1)};
	unsigned int at = index * 16u;

	describe(act);
	memcpy(memory + at + 8, &size, 4);
}

/** A request as a driver would make it, of which only the numbers are odd: header, data, status. */
static void compose(const uint8_t *act)
{
	const struct virtio_block_header header = {.type = act[2] & 15, .sector = act[3] & 15};
	const unsigned int queue = act[1] & 1;
	struct virtq *ring = &device.dev.queue[queue].ring;
	const unsigned int first = 0x40 * queue + (ring->ops == &virtq_packed ? ring->avail : 0);
	const bool in = act[6] & 1;

	memcpy(memory + 0x1800, &header, sizeof(header));
	descriptor(first, 0x1800, 16, VIRTQ_DESC_NEXT);
	descriptor(first + 1, 0x1000, act[4] & 3 ? 512 : act[4] + 1u,
		   VIRTQ_DESC_NEXT | (in ? VIRTQ_DESC_WRITE : 0));
	descriptor(first + 2, 0x1400, 1, act[6] & 2 ? 0 : VIRTQ_DESC_WRITE);
	for (unsigned int i = 0; i < 3; i++) { /* next of a split ring, flags of a packed one */
		uint16_t next = (uint16_t)(first + i + 1 - 0x40 * queue);
		if (ring->ops == &virtq_split)
			memcpy(memory + (first + i) * 16 + 14, &next, 2);
	}
	publish(queue, 0);
}

static void others(const uint8_t *act)
{
	static const uint8_t bytes[NET_FRAME_MAX] = {1, 2, 3};

	switch (act[1] & 3) {
	case 0:
		if (device.dev.class->type == VIRTIO_CONSOLE)
			virtio_console_receive(&device.console, act[2]);
		break;
	case 1:
		if (device.dev.class->type == VIRTIO_NET)
			virtio_net_receive(&device.net, bytes, two_bytes(act + 2) % 1600u);
		break;
	case 2:
		mock_now += 1000000;
		timer_run(&timers, mock_now);
		break;
	default:
		pci_config_write(&pci, 1, act[2] & 0xfcu, 4, act[3] * 0x01000201u);
		pci_config_read(&pci, 1, act[3] & 0xfcu, 4);
		break;
	}
}

static void act_do(const uint8_t *act)
{
	static const uint8_t sizes[4] = {1, 2, 4, 8};
	uint64_t value;

	switch (act[0] & 7) {
	case 0:
		memcpy(&value, act, sizeof(value));
		memcpy(memory + two_bytes(act + 1) % (MEMORY - 8), &value, 1 + (act[0] >> 3 & 7));
		break;
	case 1:
	case 2:
		describe(act);
		break;
	case 3:
	case 4:
		publish(act[1], act[2]);
		break;
	case 5:
		value = (uint64_t)act[4] << (act[5] & 63);
		store(((act[1] & 3u) << 12 | act[2]), sizes[act[3] & 3], value);
		load(((act[1] & 3u) << 12 | act[2]), sizes[act[3] & 3]);
		break;
	case 6:
		others(act);
		break;
	default:
		if (act[1] & 0x10)
			compose(act);
		else
			virtio_notify(&device.dev, act[1]);
		break;
	}
}

/* ---------------------------------------------------------------------------------------- libFuzzer */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char *args[64];
	int n = *argc < 62 ? *argc : 62;

	memcpy(args, *argv, (size_t)n * sizeof(args[0]));
	args[n++] = "-len_control=0";
	args[n++] = "-max_len=600";
	*argv = args;
	*argc = n;
	memory = aligned_alloc(4096, MEMORY);
	image = malloc(DISK);
	overlay = malloc(virtio_block_overlay_size(DISK));
	memset(image, 0x5a, DISK);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pci_upstream up = {.msi = msi, .ram = ram};
	static const uint8_t lines[PCI_PINS] = {0};

	if (size < 1)
		return 0;
	memset(memory, 0, MEMORY);
	memset(&timers, 0, sizeof(timers));
	bus_init(&bus);
	pci_bus_init(&pci, &bus, &up);
	makers[(data[0] & 7) % MAKERS]();
	virtio_pci_init(&vpci, &device.dev);
	if (virtio_pci_attach(&vpci, &pci, 1) != HV_OK)
		abort();
	input = data + 1;
	left = 0; /* nothing changes under way so far */
	pci_bus_reset(&pci);
	pci_assign(&pci, 0xc0000000u, 0xd0000000u, lines);
	pci_config_write(&pci, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	start(data[0]);
	left = size - 1;
	while (left >= ACT) {
		const uint8_t *act = input;
		input += ACT;
		left -= ACT;
		act_do(act);
	}
	for (unsigned int i = 0; i < DISK; i++) {
		if (image[i] != 0x5a)
			abort();
	}
	return 0;
}
