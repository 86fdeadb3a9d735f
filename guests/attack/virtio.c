/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio devices with rings that break the rules (VIRTIO 1.2): the device asks for a reset, and after one
 * works again. On the entropy device, which has one queue, to be filled with random bytes.
 */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"

#include "lib/string.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define ENTROPY	       0x10441af4u

/* 4.1.4.3: fields of the common configuration; BAR 0 has it at 0, and notifications at 3000h. */
#define NOTIFY_PAGE    0x3000u
#define DRIVER_SELECT  8u
#define DRIVER_FEATURE 12u
#define STATUS	       20u
#define QUEUE_SELECT   22u
#define QUEUE_SIZE     24u
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

static volatile uint8_t *common, *notify;
static uint64_t where; /* of the page of rings */
static volatile struct rings *rings;

/* ------------------------------------------------------------------------------------------ a driver */

static uint32_t config_read(unsigned slot, unsigned offset)
{
	outl(CONFIG_ADDRESS, 0x80000000u | slot << 11 | offset);
	return inl(CONFIG_DATA);
}

static void config_write(unsigned slot, unsigned offset, uint32_t value)
{
	outl(CONFIG_ADDRESS, 0x80000000u | slot << 11 | offset);
	outl(CONFIG_DATA, value);
}

static unsigned entropy_slot(void)
{
	for (unsigned slot = 1; slot < 32; slot++)
		if (config_read(slot, 0) == ENTROPY)
			return slot;
	return 0;
}

static const char *no_device(void)
{
	return entropy_slot() != 0 ? NULL : "no virtio entropy device";
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
	put16(QUEUE_SELECT, 0);
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
	const unsigned slot = entropy_slot();
	const uint64_t bar = config_read(slot, 0x10) & ~0xfu;

	config_write(slot, 4, 6); /* memory, bus master */
	common = (volatile uint8_t *)machine_window(bar & ~(SIZE_2M - 1), SIZE_2M,
						    PTE_RW | PTE_XD | PTE_PCD) +
		 (bar & (SIZE_2M - 1));
	notify = common + NOTIFY_PAGE;
	if (where == 0)
		where = page_alloc();
	rings = (volatile struct rings *)(uintptr_t)where;
	memset((void *)(uintptr_t)rings, 0, sizeof(*rings));
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

/** The device has asked for a reset; after it, it fills 64 bytes as if nothing had been. */
static void check_stopped(void)
{
	uint32_t sum = 0;

	ACT_CHECK(common[STATUS] & STATUS_NEEDS_RESET);
	begin(0);
	describe(0, data(), 64, DESC_WRITE, 0);
	rings->avail.index = 1;
	ring();
	ACT_CHECK(common[STATUS] == STATUS_DRIVER_OK);
	ACT_CHECK(rings->used.index == 1 && rings->used.ring[0].size == 64);
	for (unsigned i = 0; i < 64; i++)
		sum += rings->data[i];
	ACT_CHECK(sum != 0);
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
		*(volatile uint16_t *)(notify + 4 * (i % 64)) = (uint16_t)i;
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
	for (unsigned i = 0; i < 3000; i++) {
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
	const unsigned slot = entropy_slot();

	begin(0);
	const uint32_t bar = config_read(slot, 0x10);
	rings->data[0] = 0x5a;
	config_write(slot, 0x10, target != 0 ? (uint32_t)target : (uint32_t)(where & ~0x3fffu));
	ACT_CHECK(rings->data[0] == 0x5a);
	config_write(slot, 0x10, bar);
	ACT_CHECK(common[STATUS] == STATUS_DRIVER_OK);
	describe(0, 0, 0, DESC_WRITE, 0);
	rings->avail.index = 1;
	ring();
	check_stopped();
}

#define ACT(title, text, function, value) \
	{title, text, function, value, OUT_DONE, no_device, NULL}

const struct act acts_virtio[] = {
	ACT("virtio-queue-outside", "rings behind the end of memory", queue_nowhere, 0xb0000000),
	ACT("virtio-queue-wraps", "rings at the end of the address space", queue_nowhere,
	    0xfffffffffffffff0),
	ACT("virtio-queue-rom", "rings in read-only memory", queue_nowhere, 0xf0000),
	ACT("virtio-queue-apic", "rings in the local APIC's page", queue_nowhere, 0xfee00000),
	ACT("virtio-buffer-outside", "a buffer behind the end of memory", buffer_at, 0xb0000000),
	ACT("virtio-buffer-wraps", "a buffer that wraps", buffer_at, 0xfffffffffffff800),
	ACT("virtio-buffer-rom", "random bytes into read-only memory", buffer_at, 0xf0000),
	ACT("virtio-buffer-bar", "a buffer in the device's own registers", buffer_at, 0xc0000000),
	ACT("virtio-buffer-apic", "a buffer in the local APIC's page", buffer_at, 0xfee00000),
	ACT("virtio-loop", "a chain without an end", ring_loop, 0),
	ACT("virtio-index", "more buffers available than there are", numbers_outside, 0),
	ACT("virtio-next", "a chain that goes on outside of the table", numbers_outside, 1),
	ACT("virtio-head", "a chain that begins outside of the table", numbers_outside, 2),
	ACT("virtio-table-in-table", "an indirect table in an indirect table", table_in_table, 0),
	ACT("virtio-packed-endless", "a packed ring that is one chain", packed_endless, 0),
	ACT("virtio-storm", "notifications about nothing", storm, 0),
	ACT("virtio-registers", "anything into any register", registers, 1),
	ACT("virtio-bar-ram", "the device's registers over the rings", bar_moves, 0),
	ACT("virtio-bar-apic", "the device's registers over the local APIC", bar_moves, 0xfee00000),
	{.name = NULL},
};
