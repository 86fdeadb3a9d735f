/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio devices with rings that break the rules (VIRTIO 1.2): the device asks for a reset, and after one
 * works again. Each attack is made on each kind of device that there is.
 */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"
#include "guests/attack/pci.h"
#include "guests/attack/virtio.h"

#include "lib/string.h"

/* 4.1.2: vendor 1AF4h, and 1040h + type. */
#define VIRTIO_ID(type) (0x10401af4u + ((type) << 16))

/* 4.1.4.3: fields of the common configuration; BAR 0 has it at 0, and notifications at 3000h. */
#define STATUS_PAGE    0x1000u
#define NOTIFY_PAGE    0x3000u
#define DRIVER_SELECT  8u
#define DRIVER_FEATURE 12u
#define STATUS	       20u
#define QUEUE_SELECT   22u
#define QUEUE_SIZE     24u
#define QUEUE_VECTOR   26u
#define QUEUE_ENABLE   28u
#define QUEUE_DESC     32u
#define QUEUE_DRIVER   40u
#define QUEUE_DEVICE   48u

#define STATUS_FEATURES_OK 11u
#define STATUS_DRIVER_OK   15u
#define STATUS_NEEDS_RESET 64u

#define INDIRECT  (1u << 28)
#define VERSION_1 1u /* of the upper half */
#define PACKED	  4u

#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u
#define PACKED_AVAIL  0x80u

#define SLOTS 8u

struct desc {
	uint64_t address;
	uint32_t size;
	uint16_t flags, next; /* packed ring: id, flags */
};

/** A page of rings: descriptors, what is available, what is used; then data. */
struct rings {
	struct desc desc[SLOTS];
	struct {
		uint16_t flags, index, ring[SLOTS], event;
	} avail;
	uint8_t pad[0x200 - 16 * SLOTS - 6 - 2 * SLOTS];
	struct {
		uint16_t flags, index;
		struct {
			uint32_t id, size;
		} ring[SLOTS];
	} used;
	uint8_t pad2[0x200 - 4 - 8 * SLOTS];
	uint8_t data[0xc00];
};

/** A kind of device, and how to see that it works: a request that it serves. */
struct kind {
	uint32_t id;
	unsigned queue;	   /**< that the driver fills with requests */
	unsigned requests; /**< descriptors of one request */
	struct {
		unsigned offset; /**< in `data` */
		uint32_t size, flags;
	} request[3];
	uint32_t answer; /**< bytes that the device writes */
};

static const struct kind rng = {.id = VIRTIO_ID(4),
				.requests = 1,
				.request = {{0, 64, DESC_WRITE}},
				.answer = 64};
/* 5.3.6: an end of line is sent. */
static const struct kind console = {
	.id = VIRTIO_ID(3), .queue = 1, .requests = 1, .request = {{0, 1, 0}}};
/* 5.2.6: sector 0 is read: header, data, status. */
static const struct kind block = {
	.id = VIRTIO_ID(2),
	.requests = 3,
	.request = {{0x800, 16, DESC_NEXT}, {0, 512, DESC_NEXT | DESC_WRITE}, {0x900, 1, DESC_WRITE}},
	.answer = 513};
/* 5.1.6: a frame of 60 bytes to nobody. */
static const struct kind net = {
	.id = VIRTIO_ID(1), .queue = 1, .requests = 1, .request = {{0x800, 12 + 60, 0}}};

static const struct kind *kind; /* the act's, chosen when it is asked whether the act applies */
static unsigned slot;		/* of the device */
static volatile uint8_t *common, *notify;
static uint64_t where; /* of the page of rings */
static volatile struct rings *rings;

/* ------------------------------------------------------------------------------------------ a driver */

static const char *choose(const struct kind *what)
{
	kind = what;
	slot = pci_find(what->id);
	return slot != 0 ? NULL : "no such virtio device";
}

static const char *on_rng(void)
{
	return choose(&rng);
}

static const char *on_console(void)
{
	return choose(&console);
}

static const char *on_block(void)
{
	return choose(&block);
}

static const char *on_net(void)
{
	return choose(&net);
}

static void put16(unsigned field, uint16_t value)
{
	*(volatile uint16_t *)(common + field) = value;
}

static void put32(unsigned field, uint32_t value)
{
	*(volatile uint32_t *)(common + field) = value;
}

static void put64(unsigned field, uint64_t value)
{
	put32(field, (uint32_t)value);
	put32(field + 4, (uint32_t)(value >> 32));
}

static void features(uint32_t low, uint32_t high)
{
	common[STATUS] = 0;
	common[STATUS] = 3;
	put32(DRIVER_SELECT, 0);
	put32(DRIVER_FEATURE, low);
	put32(DRIVER_SELECT, 1);
	put32(DRIVER_FEATURE, high);
	common[STATUS] = STATUS_FEATURES_OK;
}

static void queue(uint64_t desc, uint64_t driver, uint64_t device)
{
	put16(QUEUE_SELECT, (uint16_t)kind->queue);
	put16(QUEUE_SIZE, SLOTS);
	put64(QUEUE_DESC, desc);
	put64(QUEUE_DRIVER, driver);
	put64(QUEUE_DEVICE, device);
	put16(QUEUE_ENABLE, 1);
	common[STATUS] = STATUS_DRIVER_OK;
}

/** As a good driver begins: rings, empty. */
static void begin(uint32_t high)
{
	const uint64_t bar = pci_read(slot, PCI_BAR(0)) & ~0xfu;

	pci_write(slot, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	common = (volatile uint8_t *)machine_window(bar & ~(SIZE_2M - 1), SIZE_2M,
						    PTE_RW | PTE_XD | PTE_PCD) +
		 (bar & (SIZE_2M - 1));
	notify = common + NOTIFY_PAGE + 4 * kind->queue;
	if (where == 0)
		where = page_alloc();
	rings = (volatile struct rings *)(uintptr_t)where;
	memset((void *)(uintptr_t)rings, 0, sizeof(*rings));
	memset((void *)(uintptr_t)rings->data, '\n', 0x800); /* what a console may show */
	features(INDIRECT, VERSION_1 | high);
	queue(where, where + offsetof(struct rings, avail), where + offsetof(struct rings, used));
}

/** Ring, and wait until the device says something. */
static void ring(void)
{
	*(volatile uint16_t *)notify = 0;
	for (unsigned i = 0; i < 100000 && rings->used.index == 0; i++)
		if (common[STATUS] & STATUS_NEEDS_RESET)
			return;
}

static void describe(unsigned n, uint64_t address, uint32_t size, uint32_t flags, unsigned next)
{
	rings->desc[n].address = address;
	rings->desc[n].size = size;
	rings->desc[n].flags = (uint16_t)flags;
	rings->desc[n].next = (uint16_t)next;
}

static uint64_t data(void)
{
	return where + offsetof(struct rings, data);
}

/** After a reset it serves a request as if nothing had been. */
static void check_works(void)
{
	uint32_t sum = 0;

	begin(0);
	for (unsigned i = 0; i < kind->requests; i++)
		describe(i, data() + kind->request[i].offset, kind->request[i].size,
			 kind->request[i].flags, i + 1);
	rings->data[0x900] = 0xff;
	rings->avail.index = 1;
	ring();
	ACT_CHECK(common[STATUS] == STATUS_DRIVER_OK);
	ACT_CHECK(rings->used.index == 1 && rings->used.ring[0].size == kind->answer);
	for (unsigned i = 0; i < 64; i++)
		sum += rings->data[i];
	ACT_CHECK(kind != &rng || sum != 64 * '\n');
	ACT_CHECK(kind != &block || rings->data[0x900] == 0);
}

/** The device has asked for a reset, and works after one. */
static void check_stopped(void)
{
	ACT_CHECK(common[STATUS] & STATUS_NEEDS_RESET);
	check_works();
}

/* ------------------------------------------------------------------------------ for acts about others */

const char *virtio_rng_chosen(void)
{
	return choose(&rng);
}

unsigned virtio_rng_slot(void)
{
	return slot;
}

void virtio_rng_begin(uint16_t vector)
{
	begin(0);
	features(INDIRECT, VERSION_1);
	put16(QUEUE_SELECT, 0);
	put16(QUEUE_VECTOR, vector);
	queue(where, where + offsetof(struct rings, avail), where + offsetof(struct rings, used));
}

uint8_t virtio_rng_status(void)
{
	return common[STATUS_PAGE];
}

bool virtio_rng_request(void)
{
	const uint16_t before = rings->used.index;

	describe(0, data(), 64, DESC_WRITE, 0);
	rings->avail.index++;
	*(volatile uint16_t *)notify = 0;
	for (unsigned i = 0; i < 100000 && rings->used.index == before; i++)
		if (common[STATUS] != STATUS_DRIVER_OK)
			return false;
	return rings->used.index != before;
}

/* --------------------------------------------------------------------------------------------- acts */

/** A queue where no queue can be: each of its parts. */
static void queue_nowhere(uint64_t address)
{
	for (unsigned part = 0; part < 3; part++) {
		begin(0);
		features(INDIRECT, VERSION_1);
		queue(part == 0 ? address : where, part == 1 ? address : where + 0x200,
		      part == 2 ? address : where + 0x400);
		/* Tables that are only read may be in read-only memory. */
		ACT_CHECK((common[STATUS] & STATUS_NEEDS_RESET) ||
			  (address == 0xf0000 && part != 2));
	}
	check_stopped();
}

/** A buffer that isn't memory of the guest's. */
static void buffer_at(uint64_t address)
{
	begin(0);
	describe(0, address, 4096, DESC_WRITE, 0);
	rings->avail.index = 1;
	ring();
	check_stopped();
}

static void ring_loop(uint64_t arg)
{
	(void)arg;
	begin(0);
	for (unsigned i = 0; i < SLOTS; i++)
		describe(i, data(), 16, DESC_NEXT | DESC_WRITE, (i + 1) % SLOTS);
	rings->avail.index = 1;
	ring();
	check_stopped();
}

/** Available, next, head: numbers that point outside. */
static void numbers_outside(uint64_t what)
{
	begin(0);
	describe(0, data(), 16, DESC_WRITE | (what == 1 ? DESC_NEXT : 0), 0x7fff);
	rings->avail.ring[0] = what == 2 ? 0xffff : 0;
	rings->avail.index = what == 0 ? 0x8000 : 1;
	ring();
	check_stopped();
}

static void table_in_table(uint64_t arg)
{
	(void)arg;
	begin(0);
	describe(0, where + 16, 16, DESC_INDIRECT, 0);
	describe(1, where, 16, DESC_INDIRECT, 0);
	rings->avail.index = 1;
	ring();
	check_stopped();
}

static void packed_endless(uint64_t arg)
{
	(void)arg;
	begin(PACKED);
	for (unsigned i = 0; i < SLOTS; i++)
		describe(i, data(), 16, 0, PACKED_AVAIL | DESC_WRITE | DESC_NEXT);
	ring();
	check_stopped();
}

/** Notifications about nothing, to queues that there are and aren't. */
static void storm(uint64_t arg)
{
	(void)arg;
	begin(0);
	for (unsigned i = 0; i < 2000; i++)
		*(volatile uint16_t *)(common + NOTIFY_PAGE + 4 * (i % 64)) = (uint16_t)i;
	describe(0, where + 16, 0, DESC_INDIRECT, 0);
	rings->avail.index = 1;
	ring();
	check_stopped();
}

/** Anything into any register. */
static void registers(uint64_t arg)
{
	uint32_t seed = (uint32_t)arg;

	begin(0);
	for (unsigned i = 0; i < 800; i++) {
		seed = seed * 1664525u + 1013904223u;
		*(volatile uint32_t *)(common + (seed >> 20 & 0x3c)) = seed >> (seed & 31);
		*(volatile uint8_t *)(common + (seed >> 12 & 0x3f)) = (uint8_t)(seed >> 24);
	}
	begin(0);
	describe(0, UINT64_MAX - 8, 16, DESC_WRITE, 0);
	rings->avail.index = 1;
	ring();
	check_stopped();
}

/** The device's registers over memory and over the local APIC: the guest's memory stays what it is. */
static void bar_moves(uint64_t target)
{
	begin(0);
	const uint32_t bar = pci_read(slot, PCI_BAR(0));

	rings->data[0] = 0x5a;
	pci_write(slot, PCI_BAR(0), target != 0 ? (uint32_t)target : (uint32_t)(where & ~0x3fffu));
	ACT_CHECK(rings->data[0] == 0x5a);
	pci_write(slot, PCI_BAR(0), bar);
	ACT_CHECK(common[STATUS] == STATUS_DRIVER_OK);
	describe(0, 0, 0, DESC_WRITE, 0);
	rings->avail.index = 1;
	ring();
	check_stopped();
}

/** Tables one over the other: what the device writes is what it reads next. */
static void overlap(uint64_t arg)
{
	begin(0);
	features(INDIRECT, VERSION_1 | (uint32_t)arg);
	queue(where, where, where);
	for (unsigned i = 0; i < SLOTS; i++)
		describe(i, where, 64, DESC_WRITE, 0);
	for (unsigned i = 0; i < 100; i++)
		*(volatile uint16_t *)notify = (uint16_t)kind->queue;
	check_works();
}

/** A reset while requests are under way: nothing of them comes after it. */
static void reset_in_flight(uint64_t arg)
{
	(void)arg;
	for (unsigned n = 0; n < 12; n++) {
		begin(0);
		for (unsigned i = 0; i < SLOTS; i++) {
			describe(i, data(), 512, kind->request[0].flags & DESC_WRITE, 0);
			rings->avail.ring[i] = (uint16_t)i;
		}
		rings->avail.index = SLOTS;
		*(volatile uint16_t *)notify = 0;
		common[STATUS] = 0;
		ACT_CHECK(common[STATUS] == 0);
		const uint16_t used = rings->used.index;

		memset((void *)(uintptr_t)rings->data, '\n', 0x200);
		for (unsigned i = 0; i < 40; i++)
			ACT_CHECK(common[STATUS] == 0);
		ACT_CHECK(rings->used.index == used && rings->data[7] == '\n');
	}
	check_works();
}

/** Descriptors that change after they were made available. */
static void changes(uint64_t arg)
{
	(void)arg;
	begin(0);
	for (unsigned i = 1; i < 400; i++) {
		const bool wrong = (i & 15) == 0;

		describe(i % SLOTS, data(), 64, kind->request[0].flags & DESC_WRITE, 0);
		rings->avail.ring[i % SLOTS] = (uint16_t)(i % SLOTS);
		rings->avail.index = (uint16_t)i;
		*(volatile uint16_t *)notify = (uint16_t)kind->queue;
		describe(i % SLOTS, wrong ? UINT64_MAX - 16 : data(), wrong ? UINT32_MAX : 1,
			 i & 7, i % SLOTS);
		if (common[STATUS] & STATUS_NEEDS_RESET)
			begin(0);
	}
	check_works();
}

/** The index goes back, after something was served. */
static void index_back(uint64_t arg)
{
	(void)arg;
	check_works();
	rings->avail.index = 0;
	*(volatile uint16_t *)notify = (uint16_t)kind->queue;
	for (unsigned i = 0; i < 100000 && !(common[STATUS] & STATUS_NEEDS_RESET); i++)
		cpu_pause();
	check_stopped();
}

/** Features that don't go together or weren't offered: they aren't accepted, and no queue begins. */
static void wrong_features(uint64_t arg)
{
	static const struct {
		uint32_t low, high;
	} wrong[] = {{0, 0},	    {INDIRECT, 0},	   {0, PACKED}, {UINT32_MAX, VERSION_1},
		     {0, UINT32_MAX}, {0, VERSION_1 | 1u << 6}, {1u << 24, VERSION_1}};

	(void)arg;
	begin(0);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		features(wrong[i].low, wrong[i].high);
		ACT_CHECK((common[STATUS] & 8) == 0);
		queue(where, where + 0x200, where + 0x400);
		ACT_CHECK((common[STATUS] & 4) == 0);
		ACT_CHECK(common[QUEUE_ENABLE] == 0);
		*(volatile uint16_t *)notify = (uint16_t)kind->queue;
	}
	/* What was accepted stays: a later choice is none. */
	features(INDIRECT, VERSION_1);
	put32(DRIVER_FEATURE, UINT32_MAX);
	ACT_CHECK(common[STATUS] & 8);
	check_works();
}

/** All kinds of writes to the notification area: each width, and offsets in between. */
static void doorbells(uint64_t arg)
{
	(void)arg;
	begin(0);
	for (unsigned i = 0; i < 200; i++) {
		volatile uint8_t *const at = common + NOTIFY_PAGE + (i * 7 & 0xff8);

		*at = (uint8_t)i;
		*(volatile uint16_t *)(at + (i & 3)) = (uint16_t)i;
		*(volatile uint32_t *)at = i;
		*(volatile uint64_t *)at = ~(uint64_t)i;
	}
	check_works();
}

/** The device may not be a bus master: it finds no rings, or no buffers. */
static void no_master(uint64_t arg)
{
	(void)arg;
	begin(0);
	pci_write(slot, PCI_COMMAND, PCI_COMMAND_MEMORY);
	describe(0, data(), 64, DESC_WRITE, 0);
	rings->avail.index = 1;
	ring();
	ACT_CHECK(rings->used.index == 0 && rings->data[5] == '\n');
	check_stopped();
}

/** Where configuration space has the access to registers (4.1.4.9), or 0. */
static unsigned window(void)
{
	unsigned at = pci_read(slot, PCI_CAPABILITIES) & 0xfc;

	for (unsigned n = 0; n < 48 && at != 0; n++) {
		const uint32_t head = pci_read(slot, at);

		if ((head & 0xff) == 9 && head >> 24 == 5)
			return at;
		at = head >> 8 & 0xfc;
	}
	return 0;
}

/** BAR, offset and width of an access as nobody means them. */
static void window_access(uint64_t arg)
{
	static const uint32_t odd[] = {0,      1,	 2,	     3,	     5,		8,	     0x1000,
				       0x2fff, 0x3ffc,	 0x3fff,     0x4000, 0x7fffffff, 0x80000000, UINT32_MAX};
	const unsigned count = sizeof(odd) / sizeof(odd[0]), at = window();

	(void)arg;
	ACT_CHECK(at != 0);
	begin(0);
	for (unsigned i = 0; i < count * count; i++) {
		pci_write(slot, at + 4, i % 4 == 3 ? 0xff : i % 2);
		pci_write(slot, at + 8, odd[i % count]);
		pci_write(slot, at + 12, odd[i / count]);
		pci_write(slot, at + 16, 0);
		pci_read(slot, at + 16);
	}
	/* And as it is meant: the number of queues. */
	pci_write(slot, at + 4, 0);
	pci_write(slot, at + 8, 18);
	pci_write(slot, at + 12, 2);
	ACT_CHECK((pci_read(slot, at + 16) & 0xffff) > kind->queue);
	check_works();
}

/** The device's own configuration, by all widths, and behind its end. */
static void own_config(uint64_t arg)
{
	(void)arg;
	begin(0);
	for (unsigned offset = 0; offset < 0x1000; offset += offset < 80 ? 1 : 61) {
		volatile uint8_t *const at = common + 0x2000 + offset;

		*(volatile uint64_t *)at = UINT64_MAX;
		*(volatile uint32_t *)at;
		*(volatile uint16_t *)at;
		*at = '\n';
	}
	check_works();
}

/** Queues that there aren't: nothing is read there, nothing is kept. */
static void queues_absent(uint64_t arg)
{
	(void)arg;
	begin(0);
	for (unsigned n = 2; n < 0x10000; n = n * 3 + 1) {
		put16(QUEUE_SELECT, (uint16_t)n);
		put16(QUEUE_SIZE, 8);
		put64(QUEUE_DESC, where);
		put16(QUEUE_VECTOR, 0);
		put16(QUEUE_ENABLE, 1);
		ACT_CHECK(*(volatile uint16_t *)(common + QUEUE_SIZE) == 0);
		ACT_CHECK(*(volatile uint16_t *)(common + QUEUE_ENABLE) == 0);
	}
	check_works();
}

#define ACT(device, title, text, function, value) \
	{"virtio-" #device "-" title, text, function, value, OUT_DONE, on_##device, NULL}

#define ACTS(device)                                                                               \
	ACT(device, "queue-outside", "rings behind the end of memory", queue_nowhere, 0xb0000000), \
	ACT(device, "queue-wraps", "rings at the end of the address space", queue_nowhere,	   \
	    0xfffffffffffffff0),								   \
	ACT(device, "queue-rom", "rings in read-only memory", queue_nowhere, 0xf0000),		   \
	ACT(device, "queue-apic", "rings in the local APIC's page", queue_nowhere, 0xfee00000),	   \
	ACT(device, "queue-ioapic", "rings in the I/O APIC", queue_nowhere, 0xfec00000),	   \
	ACT(device, "queue-bar", "rings in a device's registers", queue_nowhere, 0xc0000000),	   \
	ACT(device, "queue-overlap", "rings that overlap", overlap, 0),				   \
	ACT(device, "packed-overlap", "packed rings that overlap", overlap, PACKED),		   \
	ACT(device, "buffer-outside", "a buffer behind the end of memory", buffer_at, 0xb0000000), \
	ACT(device, "buffer-wraps", "a buffer that wraps", buffer_at, 0xfffffffffffff800),	   \
	ACT(device, "buffer-rom", "a buffer in read-only memory to write to", buffer_at, 0xf0000), \
	ACT(device, "buffer-bar", "a buffer in a device's registers", buffer_at, 0xc0000000),	   \
	ACT(device, "buffer-apic", "a buffer in the local APIC's page", buffer_at, 0xfee00000),	   \
	ACT(device, "loop", "a chain without an end", ring_loop, 0),				   \
	ACT(device, "index", "more buffers available than there are", numbers_outside, 0),	   \
	ACT(device, "index-back", "an index that goes back", index_back, 0),			   \
	ACT(device, "next", "a chain that goes on outside of the table", numbers_outside, 1),	   \
	ACT(device, "head", "a chain that begins outside of the table", numbers_outside, 2),	   \
	ACT(device, "table-in-table", "an indirect table in an indirect table", table_in_table,	   \
	    0),											   \
	ACT(device, "packed-endless", "a packed ring that is one chain", packed_endless, 0),	   \
	ACT(device, "changes", "descriptors that change after they are available", changes, 0),	   \
	ACT(device, "reset-in-flight", "a reset while requests are under way", reset_in_flight,	   \
	    0),											   \
	ACT(device, "no-master", "rings of a device that may not be a bus master", no_master, 0),  \
	ACT(device, "storm", "notifications about nothing", storm, 0),				   \
	ACT(device, "doorbells", "notifications of all widths", doorbells, 0),			   \
	ACT(device, "registers", "anything into any register", registers, 1),			   \
	ACT(device, "features", "features that don't go together", wrong_features, 0),		   \
	ACT(device, "queues-absent", "queues that there aren't", queues_absent, 0),		   \
	ACT(device, "window", "registers by configuration space, anywhere", window_access, 0),	   \
	ACT(device, "config", "the device's configuration by all widths", own_config, 0),	   \
	ACT(device, "bar-ram", "the device's registers over the rings", bar_moves, 0),		   \
	ACT(device, "bar-apic", "the device's registers over the local APIC", bar_moves,	   \
	    0xfee00000)

const struct act acts_virtio[] = {ACTS(rng), ACTS(console), ACTS(block), ACTS(net), {.name = NULL}};
