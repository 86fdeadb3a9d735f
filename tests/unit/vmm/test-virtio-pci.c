/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI transport, with a driver that looks for everything where VIRTIO 1.2, 4.1 says.
 *
 * @verifies VMM-503 VMM-505
 */
#include "tests/unit/vmm/bench.h"

#include <string.h>

#include "tests/unit/vmm/virtio_driver.h"
#include "vmm/dev/virtio/virtio_console.h"
#include "vmm/dev/virtio/virtio_pci.h"

#define SLOT  5u
#define FIRST 0xc0000000u

static struct bench bench;
static struct pci_bus bus;
static struct virtio_console console;
static struct virtio_pci vpci;
static struct vdriver rx, tx;

static unsigned int messages, bells;
static uint64_t message_address;
static uint32_t message_data;
static struct command rings[PCI_BELLS];
static struct hv_doorbell doorbell[PCI_BELLS];
static unsigned int signals;
static char printed[64];
static unsigned int printed_size;

static void msi(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	messages++;
	message_address = address;
	message_data = data;
}

static void *ram(void *ctx, uint64_t address, uint64_t size, bool write)
{
	(void)ctx;
	return vdriver_view.at(NULL, address, size, write);
}

static bool signal_take(void *ctx, const struct command *ring, uint8_t *signal)
{
	(void)ctx;
	*signal = (uint8_t)signals;
	rings[signals++] = *ring;
	return true;
}

static bool bell(void *ctx, const struct hv_doorbell *record, bool on)
{
	(void)ctx;
	if (on)
		doorbell[record->signal] = *record;
	bells += on ? 1u : 0u - 1u;
	return true;
}

static void print(void *ctx, uint8_t byte)
{
	(void)ctx;
	printed[printed_size++ % sizeof(printed)] = (char)byte;
}

static int setup(void **state)
{
	static const struct pci_upstream up = {NULL, msi, ram, signal_take, bell};
	static const uint8_t lines[PCI_PINS] = {10, 11, 10, 11};

	(void)state;
	mock_reset();
	memset(&bench, 0, sizeof(bench));
	memset(vdriver_memory, 0, sizeof(vdriver_memory));
	messages = bells = signals = printed_size = 0;
	bus_init(&bench.bus);
	pci_bus_init(&bus, &bench.bus, &up);
	for (uint16_t i = 0; i < PCI_PINS; i++)
		wire_connect(&bus.pin[i], bench_wire, &bench, i);
	virtio_console_init(&console, &bench.timers);
	console.out = (struct byte_sink){print, NULL};
	virtio_pci_init(&vpci, &console.dev);
	assert_int_equal(virtio_pci_attach(&vpci, &bus, SLOT), HV_OK);
	assert_int_equal(virtio_pci_attach(&vpci, &bus, SLOT), HV_E_EXISTS);
	pci_bus_reset(&bus);
	pci_assign(&bus, FIRST, FIRST + 0x1000000, lines);
	return 0;
}

/* ---------------------------------------------------------------------------------- what a driver does */

static uint32_t config(unsigned int where, unsigned int size)
{
	return pci_config_read(&bus, SLOT, where, size);
}

/** Where the capability of a type is in configuration space, 0: nowhere. */
static unsigned int cap_find(unsigned int type)
{
	for (unsigned int at = config(PCI_CAPABILITIES, 1); at != 0; at = config(at + 1, 1)) {
		if (config(at, 1) == PCI_CAP_VENDOR && config(at + 3, 1) == type)
			return at;
	}
	return 0;
}

/** Guest-physical address of what a capability points to. */
static uint64_t cap_address(unsigned int type)
{
	unsigned int at = cap_find(type);

	assert_int_not_equal(at, 0);
	return (config(PCI_BAR0 + 4 * config(at + 4, 1), 4) & ~0xfu) + config(at + 8, 4);
}

static uint64_t load(uint64_t address, unsigned int size)
{
	uint32_t hit = 0;
	uint64_t value = bus_memory_read(&bench.bus, &hit, address, size);

	return size == 8 ? value : value & ((UINT64_C(1) << 8 * size) - 1);
}

static void store(uint64_t address, unsigned int size, uint64_t value)
{
	uint32_t hit = 0;

	bus_memory_write(&bench.bus, &hit, address, size, value);
}

static uint64_t common(unsigned int where, unsigned int size)
{
	return load(cap_address(1) + where, size);
}

static void common_set(unsigned int where, unsigned int size, uint64_t value)
{
	store(cap_address(1) + where, size, value);
}

static void features_accept(uint64_t features)
{
	for (uint32_t i = 0; i < 2; i++) {
		common_set(8, 4, i);
		common_set(12, 4, features >> 32 * i & 0xffffffff);
	}
}

static void queue_start(struct vdriver *d, uint16_t index, uint64_t where, bool packed)
{
	const struct virtq_setup kind = {.size = 16, .packed = packed};

	common_set(22, 2, index);
	assert_int_equal(common(24, 2), VIRTQ_MAX_SIZE);
	common_set(24, 2, 16);
	vdriver_init(d, &kind, where);
	common_set(32, 4, d->setup.desc);
	common_set(36, 4, 0);
	common_set(40, 4, d->setup.driver);
	common_set(44, 4, 0);
	common_set(48, 8, d->setup.device);
	common_set(26, 2, index + 1u);
	assert_int_equal(common(26, 2), index + 1u);
	assert_int_equal(common(28, 2), 0);
	common_set(28, 2, 1);
	assert_int_equal(common(28, 2), 1);
	assert_int_equal(common(32, 8), d->setup.desc);
}

static void driver_start(uint64_t features)
{
	pci_config_write(&bus, SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	common_set(20, 1, 0);
	assert_int_equal(common(20, 1), 0);
	common_set(20, 1, 3);
	features_accept(features);
	common_set(20, 1, 11);
	assert_int_equal(common(20, 1), 11);
	queue_start(&rx, 0, 0x1000, features & VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	queue_start(&tx, 1, 0x20000, features & VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	common_set(20, 1, 15);
}

static void msix_on(void)
{
	unsigned int at = config(PCI_CAPABILITIES, 1);

	while (config(at, 1) != PCI_CAP_MSIX)
		at = config(at + 1, 1);
	uint64_t table = config(PCI_BAR0 + 4 * (config(at + 4, 4) & 7), 4) & ~0xfu;
	for (unsigned int i = 0; i < 3; i++) {
		store(table + 16 * i, 4, 0xfee00000);
		store(table + 16 * i + 4, 4, 0);
		store(table + 16 * i + 8, 4, 0x40 + i);
		store(table + 16 * i + 12, 4, 0);
	}
	pci_config_write(&bus, SLOT, at + 2, 2, 0x8000);
}

/** Print "hi": no way to say it but by a doorbell's ring or an exiting write. */
static void say(bool by_bell)
{
	const struct vdriver_buffer buffer = {0x50000, 2, false};
	uint16_t id;
	uint32_t written;
	unsigned int before = printed_size;

	memcpy(vdriver_memory + 0x50000, "hi", 2);
	vdriver_add(&tx, &buffer, 1, false);
	assert_true(vdriver_kick(&tx));
	common_set(22, 2, 1);
	uint64_t address = cap_address(2) +
			   common(30, 2) * config(cap_find(2) + 16, 4);
	if (by_bell) {
		assert_int_equal(doorbell[1].address, address);
		assert_int_equal(doorbell[1].size, 2);
		assert_int_equal(doorbell[1].space, HV_DOORBELL_MEMORY);
		command_give(&rings[1], 0);
	} else {
		store(address, 2, 1);
	}
	assert_int_equal(printed_size, before + 2);
	assert_true(vdriver_used(&tx, &id, &written));
}

/* --------------------------------------------------------------------------------------------- tests */

static void it_is_found(void **state)
{
	(void)state;
	assert_int_equal(config(PCI_VENDOR_ID, 2), 0x1af4);
	assert_int_equal(config(PCI_DEVICE_ID, 2), 0x1043);
	assert_int_equal(config(PCI_REVISION, 1), 1);
	assert_int_equal(config(cap_find(1) + 12, 4), 56);
	assert_true(config(cap_find(4) + 12, 4) >= 12);
	assert_int_equal(cap_address(1) % 4, 0);
	assert_int_not_equal(cap_find(2), 0);
	assert_int_not_equal(cap_find(3), 0);
	assert_int_not_equal(cap_find(5), 0);
	assert_int_equal(bells, 2);
	common_set(0, 4, 0);
	assert_int_equal(common(4, 4), 1u << 28 | 1u << 29 | 1u << VIRTIO_CONSOLE_F_EMERG_WRITE);
	common_set(0, 4, 1);
	assert_int_equal(common(4, 4), 1 | 4);
	assert_int_equal(common(0, 8), (UINT64_C(5) << 32) | 1);
	common_set(0, 4, 2);
	assert_int_equal(common(4, 4), 0);
	assert_int_equal(common(18, 2), 2);
	assert_int_equal(common(20, 4), 0); /* status, generation, queue 0 */
	assert_int_equal(common(16, 2), VIRTIO_PCI_NO_VECTOR);
}

static void a_driver_comes_up(void **state)
{
	const uint64_t wanted = VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC);

	(void)state;
	for (unsigned int packed = 0; packed < 2; packed++) {
		driver_start(wanted | (packed ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0));
		assert_int_equal(common(20, 1), 15);
		say(false);
		say(true);
		assert_memory_equal(printed, "hihi", 4);
	}
}

static void a_pin_interrupts_without_msix(void **state)
{
	(void)state;
	driver_start(VIRTIO_BIT(VIRTIO_F_VERSION_1));
	say(true);
	assert_true(bench.level);
	assert_int_equal(load(cap_address(3), 1), 1);
	assert_false(bench.level);
	assert_int_equal(load(cap_address(3), 1), 0);
	virtio_config_changed(&console.dev);
	assert_true(bench.level);
	assert_int_equal(common(21, 1), 1);
	assert_int_equal(load(cap_address(3), 1), 2);
	assert_int_equal(messages, 0);
	say(true);
	common_set(20, 1, 0); /* a reset takes it back */
	assert_false(bench.level);
}

/** MSI in place of the pin: the interrupt status is as with the pin. */
static void a_message_instead_of_the_pin(void **state)
{
	unsigned int at = config(PCI_CAPABILITIES, 1);

	(void)state;
	while (config(at, 1) != PCI_CAP_MSI)
		at = config(at + 1, 1);
	pci_config_write(&bus, SLOT, at + 4, 4, 0xfee01000);
	pci_config_write(&bus, SLOT, at + 12, 2, 0x71);
	pci_config_write(&bus, SLOT, at + 2, 2, 1);
	driver_start(VIRTIO_BIT(VIRTIO_F_VERSION_1));
	say(true);
	assert_int_equal(messages, 1);
	assert_int_equal(message_address, 0xfee01000);
	assert_int_equal(message_data, 0x71);
	assert_false(bench.level);
	virtio_config_changed(&console.dev); /* nobody has looked yet: no further message */
	assert_int_equal(messages, 1);
	assert_int_equal(load(cap_address(3), 1), 3);
	say(true);
	assert_int_equal(messages, 2);
}

static void messages_interrupt(void **state)
{
	(void)state;
	msix_on();
	driver_start(VIRTIO_BIT(VIRTIO_F_VERSION_1));
	say(true);
	assert_int_equal(messages, 1);
	assert_int_equal(message_address, 0xfee00000);
	assert_int_equal(message_data, 0x42);
	assert_false(bench.level);
	virtio_config_changed(&console.dev); /* no vector */
	assert_int_equal(messages, 1);
	common_set(16, 2, 0);
	virtio_config_changed(&console.dev);
	assert_int_equal(message_data, 0x40);
	common_set(16, 2, 3); /* there are 0, 1, 2 */
	assert_int_equal(common(16, 2), VIRTIO_PCI_NO_VECTOR);
	assert_int_equal(load(cap_address(3), 1), 0);
}

static void what_makes_no_sense_does_nothing(void **state)
{
	(void)state;
	driver_start(VIRTIO_BIT(VIRTIO_F_VERSION_1));
	common_set(22, 2, 1);
	common_set(32, 4, 0x12345); /* it is enabled */
	common_set(24, 2, 8);
	assert_int_equal(common(24, 2), 16);
	common_set(28, 2, 0);
	assert_int_equal(common(28, 2), 1);
	common_set(20, 4, 0); /* wrong width: no reset */
	assert_int_equal(common(20, 1), 15);
	common_set(22, 2, 2); /* no such queue */
	common_set(24, 2, 8);
	common_set(28, 2, 1);
	common_set(32, 8, 1);
	for (unsigned int i = 24; i < 56; i += 2)
		assert_int_equal(common(i, 2), 0);
	common_set(8, 4, 7);
	common_set(12, 4, 0xffffffff);
	assert_int_equal(common(12, 4), 0);
	store(cap_address(3), 1, 0xff);
	store(cap_address(2) + 4 * 9, 2, 9);
	say(false);
}

static void a_mistake_asks_for_a_reset(void **state)
{
	const struct vdriver_buffer nowhere = {VDRIVER_MEMORY, 4, false};

	(void)state;
	driver_start(VIRTIO_BIT(VIRTIO_F_VERSION_1));
	vdriver_add(&tx, &nowhere, 1, false);
	vdriver_kick(&tx);
	command_give(&rings[1], 0);
	assert_int_equal(common(20, 1), 15 | VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(load(cap_address(3), 1), 2);
	common_set(20, 1, 15);
	assert_int_equal(common(20, 1), 15 | VIRTIO_STATUS_NEEDS_RESET);
	driver_start(VIRTIO_BIT(VIRTIO_F_VERSION_1));
	say(true);
}

static void a_device_that_is_no_master_touches_nothing(void **state)
{
	(void)state;
	driver_start(VIRTIO_BIT(VIRTIO_F_VERSION_1));
	const struct vdriver_buffer buffer = {0x50000, 4, false};
	vdriver_add(&tx, &buffer, 1, false);
	vdriver_kick(&tx);
	pci_config_write(&bus, SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	command_give(&rings[1], 0);
	assert_int_equal(printed_size, 0);
}

/** 4.1.4.9: for whoever can't map a BAR. */
static void registers_are_reached_through_configuration_space(void **state)
{
	unsigned int at = cap_find(5);

	(void)state;
	pci_config_write(&bus, SLOT, at + 4, 1, 0);
	pci_config_write(&bus, SLOT, at + 8, 4, VIRTIO_PCI_COMMON + 18);
	pci_config_write(&bus, SLOT, at + 12, 4, 2);
	assert_int_equal(config(at + 16, 4), 2); /* number of queues */
	pci_config_write(&bus, SLOT, at + 8, 4, VIRTIO_PCI_COMMON + 20);
	pci_config_write(&bus, SLOT, at + 12, 4, 1);
	pci_config_write(&bus, SLOT, at + 16, 4, 3);
	assert_int_equal(common(20, 1), 3);
	assert_int_equal(config(at + 16, 1), 3);
	pci_config_write(&bus, SLOT, at + 12, 4, 3); /* no size */
	pci_config_write(&bus, SLOT, at + 16, 4, 0);
	assert_int_equal(common(20, 1), 3);
	pci_config_write(&bus, SLOT, at + 12, 4, 1);
	pci_config_write(&bus, SLOT, at + 8, 4, VIRTIO_PCI_SIZE + 20); /* outside */
	pci_config_write(&bus, SLOT, at + 16, 4, 0);
	pci_config_write(&bus, SLOT, at + 8, 4, 20);
	pci_config_write(&bus, SLOT, at + 4, 1, 1); /* another BAR */
	pci_config_write(&bus, SLOT, at + 16, 4, 0);
	assert_int_equal(common(20, 1), 3);
}

/** Anything, anywhere in the BARs, with queues in random memory. */
static void it_survives_anything(void **state)
{
	(void)state;
	driver_start(VIRTIO_BIT(VIRTIO_F_VERSION_1));
	for (unsigned int i = 0; i < 200000; i++) {
		static const uint8_t sizes[4] = {1, 2, 4, 8};
		unsigned int size = sizes[bench_random() % 4];
		uint64_t where = bench_random() % 5 == 0 ? bench_random() % VIRTIO_PCI_SIZE
							 : bench_random() % 0x40 + 0x1000 * (bench_random() % 4);
		uint64_t value = bench_random() % 3 ? bench_random() % 32 : bench_random();
		store((config(PCI_BAR0, 4) & ~0xfu) + where, size, value);
		load((config(PCI_BAR0, 4) & ~0xfu) + where, size);
		if (bench_random() % 16 == 0)
			vdriver_memory[bench_random() % 0x8000] = (uint8_t)bench_random();
		if (bench_random() % 64 == 0)
			driver_start(VIRTIO_BIT(VIRTIO_F_VERSION_1));
		virtio_console_receive(&console, 'x');
		if (timer_next(&bench.timers) != UINT64_MAX)
			timer_run(&bench.timers, mock_now = timer_next(&bench.timers));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_is_found, setup),
		cmocka_unit_test_setup(a_driver_comes_up, setup),
		cmocka_unit_test_setup(a_pin_interrupts_without_msix, setup),
		cmocka_unit_test_setup(a_message_instead_of_the_pin, setup),
		cmocka_unit_test_setup(messages_interrupt, setup),
		cmocka_unit_test_setup(what_makes_no_sense_does_nothing, setup),
		cmocka_unit_test_setup(a_mistake_asks_for_a_reset, setup),
		cmocka_unit_test_setup(a_device_that_is_no_master_touches_nothing, setup),
		cmocka_unit_test_setup(registers_are_reached_through_configuration_space, setup),
		cmocka_unit_test_setup(it_survives_anything, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
