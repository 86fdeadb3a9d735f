/* SPDX-License-Identifier: BSD-2-Clause */
/* The PCI bus and what every device on it does. @verifies VMM-110 VMM-111 VMM-112 VMM-118 */
#include "tests/unit/vmm/bench.h"

#include <string.h>

#include "vmm/dev/pci.h"
#include "vmm/dev/reset_ports.h"

#define ECAM UINT64_C(0xe0000000)
#define SLOT 3u
#define FIRST_CAP 0x40u

#define BAR_SIZE  0x4000u
#define MSIX_CTRL (FIRST_CAP + 8 + 2)
#define MSIX_PBA  0x800u

static struct bus memory;
static struct pci_bus bus;
static struct pci_device card;
static struct reset_ports reset_ports;
static uint32_t hit;
static bool pin_level[PCI_PINS];
static uint64_t last_where, last_value;
static unsigned int rings, written;
static uint8_t ram[0x1000];

static uint64_t card_read(struct device *dev, uint64_t where, unsigned int size)
{
	(void)dev;
	(void)size;
	return where * 3;
}

static void card_write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	(void)dev;
	(void)size;
	last_where = where;
	last_value = value;
}

static void card_reset(struct device *dev)
{
	pci_reset((struct pci_device *)dev);
}

static const struct device_class card_class = {
	.name = "card", .read = card_read, .write = card_write, .reset = card_reset};

static void config_reading(struct pci_device *pci, unsigned int where, unsigned int size)
{
	if (where <= FIRST_CAP + 4 && where + size > FIRST_CAP + 4)
		pci->config[FIRST_CAP + 4] = 0x77;
}

static void config_written(struct pci_device *pci, unsigned int where, unsigned int size)
{
	(void)pci;
	(void)size;
	written = where;
}

static const struct pci_hooks hooks = {config_reading, config_written, NULL};

static void msi(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	hv_msi(0, address, data);
}

static void *find_ram(void *ctx, uint64_t address, uint64_t size, bool write)
{
	(void)ctx;
	(void)write;
	return hv_range_ok(address, size, sizeof(ram)) ? ram + address : NULL;
}

static bool signal_for(void *ctx, const struct command *ring, uint8_t *signal)
{
	(void)ctx;
	(void)ring;
	*signal = 5;
	return true;
}

static bool doorbell(void *ctx, const struct hv_doorbell *bell, bool on)
{
	(void)ctx;
	rings += on;
	return (on ? hv_doorbell_add(0, bell) : hv_doorbell_remove(0, bell)) == HV_OK;
}

static void pin(void *ctx, unsigned int n, bool level)
{
	(void)ctx;
	pin_level[n] = level;
}

static int setup(void **state)
{
	static const struct pci_identity identity = {.vendor = 0x1234,
						     .device = 0x5678,
						     .subsystem_vendor = 0x1234,
						     .subsystem = 9,
						     .class_code = 0x020001,
						     .revision = 4,
						     .pin = 1};
	const struct pci_upstream up = {NULL, msi, find_ram, signal_for, doorbell};
	static const uint8_t body[6] = {8, 1}, writable[6] = {[2] = 0xff};

	(void)state;
	mock_reset();
	memset(pin_level, 0, sizeof(pin_level));
	hit = rings = written = 0;
	bus_init(&memory);
	pci_bus_init(&bus, &memory, &up);
	for (uint16_t i = 0; i < PCI_PINS; i++)
		wire_connect(&bus.pin[i], pin, NULL, i);
	assert_int_equal(pci_bus_attach(&bus, ECAM), HV_OK);
	reset_ports_init(&reset_ports);
	assert_int_equal(bus_attach(&memory, &reset_ports.dev), HV_OK);
	pci_init(&card, &card_class, &identity);
	pci_bar(&card, 0, BAR_SIZE, PCI_BAR_64 | PCI_BAR_PREFETCH);
	assert_int_equal(pci_capability(&card, PCI_CAP_VENDOR, body, sizeof(body), writable),
			 FIRST_CAP);
	pci_msix(&card, 4, 3);
	pci_msi(&card);
	card.hooks = &hooks;
	assert_int_equal(pci_attach(&bus, &card, SLOT), HV_OK);
	pci_bus_reset(&bus);
	return 0;
}

static uint32_t address(unsigned int slot, unsigned int where)
{
	return 0x80000000u | slot << 11 | (where & 0xfc);
}

static uint32_t get(unsigned int slot, unsigned int where, unsigned int size)
{
	bus_port_write(&memory, 0xcf8, 4, address(slot, where));
	return bus_port_read(&memory, (uint16_t)(0xcfc + (where & 3)), size);
}

static void set(unsigned int slot, unsigned int where, unsigned int size, uint32_t value)
{
	bus_port_write(&memory, 0xcf8, 4, address(slot, where));
	bus_port_write(&memory, (uint16_t)(0xcfc + (where & 3)), size, value);
}

static uint32_t read32(uint64_t where)
{
	return (uint32_t)bus_memory_read(&memory, &hit, where, 4);
}

static void write32(uint64_t where, uint32_t value)
{
	bus_memory_write(&memory, &hit, where, 4, value);
}

/* ------------------------------------------------------------------------------- configuration space */

static void what_is_there(void **state)
{
	(void)state;
	assert_int_equal(get(SLOT, PCI_VENDOR_ID, 4), 0x56781234);
	assert_int_equal(get(SLOT, PCI_REVISION, 4), 0x02000104);
	assert_int_equal(get(SLOT, PCI_SUBSYSTEM_VENDOR, 4), 0x00091234);
	assert_int_equal(get(SLOT, PCI_DEVICE_ID + 1, 1), 0x56);
	assert_int_equal(get(0, PCI_REVISION, 4) >> 16, 0x0600);
	assert_int_equal(get(SLOT, PCI_CAPABILITIES, 1), FIRST_CAP);
	assert_int_equal(get(SLOT, FIRST_CAP, 4), 0x01084809);
	assert_int_equal(get(SLOT, FIRST_CAP + 8, 1), PCI_CAP_MSIX);
	assert_true(get(SLOT, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES);
	assert_int_equal(read32(ECAM + (SLOT << 15)), 0x56781234);
	assert_int_equal(read32(ECAM + (SLOT << 15) + 0x100), 0);
}

static void what_is_not_there(void **state)
{
	(void)state;
	assert_int_equal(get(SLOT + 1, 0, 4), UINT32_MAX);
	bus_port_write(&memory, 0xcf8, 4, address(SLOT, 0) | 1u << 8); /* function 1 */
	assert_int_equal(bus_port_read(&memory, 0xcfc, 4), UINT32_MAX);
	bus_port_write(&memory, 0xcf8, 4, address(SLOT, 0) | 1u << 16); /* bus 1 */
	assert_int_equal(bus_port_read(&memory, 0xcfc, 4), UINT32_MAX);
	bus_port_write(&memory, 0xcf8, 4, address(SLOT, 0) & ~0x80000000u);
	assert_int_equal(bus_port_read(&memory, 0xcfc, 4), UINT32_MAX);
	assert_int_equal(read32(ECAM + (SLOT << 15) + (1u << 12)), UINT32_MAX);
	assert_int_equal(read32(ECAM + (30u << 15)), UINT32_MAX);
}

static void the_address_register(void **state)
{
	(void)state;
	bus_port_write(&memory, 0xcf8, 4, UINT32_MAX);
	assert_int_equal(bus_port_read(&memory, 0xcf8, 4), 0x80fffffc);
	bus_port_write(&memory, 0xcf8, 2, 0);
	assert_int_equal(bus_port_read(&memory, 0xcf8, 4), 0x80fffffc);
	/* The reset control register lies in it, for bytes. */
	bus_port_write(&memory, 0xcf9, 1, 2);
	assert_int_equal(bus_port_read(&memory, 0xcf9, 1), 2);
	assert_int_equal(bus_port_read(&memory, 0xcf8, 4), 0x80fffffc);
}

static void what_can_be_written(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 256; i += 4)
		set(SLOT, i, 4, UINT32_MAX);
	assert_int_equal(get(SLOT, PCI_VENDOR_ID, 4), 0x56781234);
	assert_int_equal(get(SLOT, PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
							    PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(get(SLOT, PCI_INTERRUPT_LINE, 2), 0x01ff);
	assert_int_equal(get(SLOT, MSIX_CTRL, 2), 0xc002);
	set(SLOT, FIRST_CAP + 4, 2, 0x1234);
	assert_int_equal(written, FIRST_CAP + 4);
	assert_int_equal(get(SLOT, FIRST_CAP + 4, 2), 0x0077); /* the hook put it there */
	pci_bus_reset(&bus);
	assert_int_equal(get(SLOT, PCI_COMMAND, 2), 0);
	assert_int_equal(get(SLOT, MSIX_CTRL, 2), 2);
}

/* -------------------------------------------------------------------------------------------- BARs */

static void bars_are_sized(void **state)
{
	(void)state;
	set(SLOT, PCI_BAR0, 4, UINT32_MAX);
	set(SLOT, PCI_BAR0 + 4, 4, UINT32_MAX);
	assert_int_equal(get(SLOT, PCI_BAR0, 4), (0u - BAR_SIZE) | PCI_BAR_64 | PCI_BAR_PREFETCH);
	assert_int_equal(get(SLOT, PCI_BAR0 + 4, 4), UINT32_MAX);
	set(SLOT, PCI_BAR0 + 8, 4, UINT32_MAX);
	assert_int_equal(get(SLOT, PCI_BAR0 + 8, 4), 0);
}

static void place(uint64_t where)
{
	set(SLOT, PCI_BAR0, 4, (uint32_t)where);
	set(SLOT, PCI_BAR0 + 4, 4, (uint32_t)(where >> 32));
}

static void bars_are_moved(void **state)
{
	const uint64_t low = 0xc0000000, high = UINT64_C(0x1200000000);

	(void)state;
	place(low);
	assert_int_equal(read32(low + 4), UINT32_MAX);
	set(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(read32(low + 4), 12);
	place(high);
	assert_int_equal(read32(low + 4), UINT32_MAX);
	write32(high + BAR_SIZE - 4, 99);
	assert_int_equal(last_where, PCI_WHERE(0, BAR_SIZE - 4));
	assert_int_equal(last_value, 99);
	set(SLOT, PCI_COMMAND, 2, 0);
	assert_int_equal(read32(high), UINT32_MAX);
	assert_int_equal(memory.regions, 1); /* ECAM */
}

/** Over another device: it answers nowhere, until it is moved away. */
static void bars_dont_cover_others(void **state)
{
	(void)state;
	set(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	place(ECAM + 0x80000);
	assert_int_equal(card.bar[0].mapped, PCI_UNMAPPED);
	assert_int_equal(read32(ECAM + (SLOT << 15)), 0x56781234);
	place(0xc0000000);
	assert_int_equal(read32(0xc0000004), 12);
	place(0xfffffffffffff000);
	place(0xffffffffffffc000);
	assert_int_equal(bus_memory_read(&memory, &hit, UINT64_MAX - 3, 4), 3 * (BAR_SIZE - 4));
}

static void firmware_places_bars(void **state)
{
	static const uint8_t line[PCI_PINS] = {10, 11, 12, 13};

	(void)state;
	pci_assign(&bus, 0xc0000000, 0xe0000000, line);
	assert_int_equal(card.bar[0].mapped, 0xc0000000);
	assert_int_equal(card.bar[4].mapped, 0xc0000000 + BAR_SIZE);
	assert_int_equal(get(SLOT, PCI_INTERRUPT_LINE, 1), line[pci_swizzle(SLOT, 0)]);
	pci_bus_reset(&bus);
	pci_assign(&bus, 0xc0000000, 0xc0000000 + BAR_SIZE, line);
	assert_int_equal(card.bar[4].mapped, PCI_UNMAPPED);
}

static void doorbells_follow(void **state)
{
	const struct pci_bell_request request = {.bar = 0, .offset = 0x3000, .size = 2};

	(void)state;
	assert_true(pci_doorbell(&card, &request));
	assert_int_equal(rings, 0);
	set(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	place(0xc0000000);
	assert_int_equal(mock_bell.address, 0xc0003000);
	assert_int_equal(mock_bell.signal, 5);
	place(0xc8000000);
	assert_int_equal(mock_bell.address, 0xc8003000);
	assert_int_equal(rings, 2);
	set(SLOT, PCI_COMMAND, 2, 0);
	assert_int_equal(mock_bell.address, 0);
}

/* -------------------------------------------------------------------------------------- interrupts */

static void the_interrupt_pin(void **state)
{
	const unsigned int n = pci_swizzle(SLOT, 0);

	(void)state;
	pci_intx(&card, true);
	assert_true(pin_level[n]);
	assert_true(get(SLOT, PCI_STATUS, 2) & PCI_STATUS_INTX);
	set(SLOT, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	assert_false(pin_level[n]);
	assert_true(get(SLOT, PCI_STATUS, 2) & PCI_STATUS_INTX);
	set(SLOT, PCI_COMMAND, 2, 0);
	assert_true(pin_level[n]);
	set(SLOT, MSIX_CTRL, 2, 0x8000);
	assert_false(pin_level[n]);
	set(SLOT, MSIX_CTRL, 2, 0);
	pci_intx(&card, false);
	assert_false(pin_level[n]);
}

static void an_interrupt_line_is_shared(void **state)
{
	static struct pci_device other;
	const struct pci_identity identity = {.vendor = 1, .pin = 1};

	(void)state;
	pci_init(&other, &card_class, &identity);
	assert_int_equal(pci_attach(&bus, &other, SLOT), HV_E_EXISTS);
	assert_int_equal(pci_attach(&bus, &other, SLOT + PCI_PINS), HV_OK);
	pci_intx(&card, true);
	pci_intx(&other, true);
	pci_intx(&card, false);
	assert_true(pin_level[pci_swizzle(SLOT, 0)]);
	pci_intx(&other, false);
	assert_false(pin_level[pci_swizzle(SLOT, 0)]);
}

static const uint64_t table = 0xc1000000;

static void msix_setup(void)
{
	set(SLOT, PCI_BAR0 + 16, 4, (uint32_t)table);
	set(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(read32(table + 16 + 12), 1); /* masked after a reset */
	bus_memory_write(&memory, &hit, table + 16, 8, UINT64_C(0x1fee0100f));
	write32(table + 16 + 8, 0x4041);
	write32(table + 16 + 12, UINT32_MAX - 1);
	assert_int_equal(bus_memory_read(&memory, &hit, table + 16, 8), UINT64_C(0x1fee0100c));
	assert_int_equal(bus_memory_read(&memory, &hit, table + 16 + 8, 8), 0x4041);
}

static void msix_messages(void **state)
{
	(void)state;
	msix_setup();
	assert_false(pci_msix_raise(&card, 1));
	set(SLOT, MSIX_CTRL, 2, 0x8000);
	assert_true(pci_msix_raise(&card, 1));
	assert_int_equal(mock_msi_count, 1);
	assert_true(mock_msis[0].address == UINT64_C(0x1fee0100c));
	assert_int_equal(mock_msis[0].data, 0x4041);
	assert_false(pci_msix_raise(&card, 3));
	assert_int_equal(mock_msi_count, 1);
}

static void msix_masks(void **state)
{
	(void)state;
	msix_setup();
	set(SLOT, MSIX_CTRL, 2, 0x8000);
	write32(table + 16 + 12, 1);
	assert_true(pci_msix_raise(&card, 1));
	assert_true(pci_msix_raise(&card, 1));
	assert_int_equal(mock_msi_count, 0);
	assert_int_equal(read32(table + MSIX_PBA), 2);
	write32(table + MSIX_PBA, 0); /* read-only */
	set(SLOT, MSIX_CTRL, 2, 0xc000);
	write32(table + 16 + 12, 0);
	assert_int_equal(mock_msi_count, 0);
	set(SLOT, MSIX_CTRL, 2, 0x8000);
	assert_int_equal(mock_msi_count, 1);
	assert_int_equal(read32(table + MSIX_PBA), 0);
}

/* ------------------------------------------------------------------------------------------- MSI */

#define MSI (FIRST_CAP + 8 + 12) /* behind MSI-X */

static void msi_setup(void)
{
	assert_int_equal(get(SLOT, MSI, 1), PCI_CAP_MSI);
	assert_int_equal(get(SLOT, MSI + 2, 2), 0x0180); /* one message, 64 bits, maskable */
	set(SLOT, MSI + 4, 4, UINT32_MAX);
	assert_int_equal(get(SLOT, MSI + 4, 4), 0xfffffffc);
	set(SLOT, MSI + 4, 4, 0xfee01000);
	set(SLOT, MSI + 8, 4, 1);
	set(SLOT, MSI + 12, 2, 0x4061);
	set(SLOT, MSI + 2, 2, 1);
}

/** A message for each request, instead of the pin. */
static void msi_in_place_of_the_pin(void **state)
{
	const unsigned int n = pci_swizzle(SLOT, 0);

	(void)state;
	msi_setup();
	pci_intx(&card, true);
	assert_false(pin_level[n]);
	assert_int_equal(mock_msi_count, 1);
	assert_true(mock_msis[0].address == UINT64_C(0x1fee01000));
	assert_int_equal(mock_msis[0].data, 0x4061);
	set(SLOT, PCI_INTERRUPT_LINE, 1, 5); /* nothing to do with it */
	pci_intx(&card, true);
	assert_int_equal(mock_msi_count, 1);
	pci_intx(&card, false);
	pci_intx(&card, true);
	assert_int_equal(mock_msi_count, 2);
	set(SLOT, MSI + 2, 2, 0);
	assert_true(pin_level[n]); /* still asked for: now by the pin */
	set(SLOT, MSI + 2, 2, 1);
	assert_false(pin_level[n]);
	assert_int_equal(mock_msi_count, 3);
	pci_bus_reset(&bus);
	assert_int_equal(get(SLOT, MSI + 2, 2), 0x0180);
	assert_int_equal(get(SLOT, MSI + 4, 4), 0);
}

static void msi_masked(void **state)
{
	(void)state;
	msi_setup();
	set(SLOT, MSI + 16, 4, UINT32_MAX);
	assert_int_equal(get(SLOT, MSI + 16, 4), 1);
	pci_intx(&card, true);
	assert_int_equal(mock_msi_count, 0);
	assert_int_equal(get(SLOT, MSI + 20, 4), 1);
	set(SLOT, MSI + 20, 4, 0); /* read-only */
	assert_int_equal(get(SLOT, MSI + 20, 4), 1);
	set(SLOT, MSI + 16, 4, 0);
	assert_int_equal(mock_msi_count, 1);
	assert_int_equal(get(SLOT, MSI + 20, 4), 0);
	pci_intx(&card, false);
	set(SLOT, MSI + 16, 4, 1);
	pci_intx(&card, true);
	pci_intx(&card, false); /* the request goes away while it is masked */
	assert_int_equal(get(SLOT, MSI + 20, 4), 0);
	set(SLOT, MSI + 16, 4, 0);
	assert_int_equal(mock_msi_count, 1);
}

/** MSI-X and MSI are never on together in a guest that keeps to 6.8.2: MSI-X has its own messages then. */
static void msi_beside_msix(void **state)
{
	(void)state;
	msix_setup();
	msi_setup();
	set(SLOT, MSIX_CTRL, 2, 0x8000);
	assert_true(pci_msix_raise(&card, 1));
	assert_int_equal(mock_msi_count, 1);
	assert_int_equal(mock_msis[0].data, 0x4041);
}

static void dma_needs_a_bus_master(void **state)
{
	(void)state;
	assert_null(pci_dma(&card, 0, 16, true));
	set(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_ptr_equal(pci_dma(&card, 16, 16, true), ram + 16);
	assert_null(pci_dma(&card, sizeof(ram) - 8, 16, true));
}

static void anything_goes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		const uint32_t random = bench_random();
		const unsigned int size = 1u << (random >> 2 & 3);
		const uint64_t where = random & 1 ? ECAM + (SLOT << 15) + (random >> 8 & 0x1ff)
						  : table + (random >> 8 & 0xfff);
		if (random & 2)
			bus_memory_write(&memory, &hit, where, size, bench_random());
		else
			bus_memory_read(&memory, &hit, where, size);
		if (random % 64 == 0)
			set(SLOT, PCI_BAR0 + 16, 4, (uint32_t)table);
		pci_msix_raise(&card, random >> 24 & 3);
		pci_intx(&card, random >> 26 & 1);
		mock_msi_count = 0;
	}
	pci_bus_reset(&bus);
	assert_int_equal(memory.regions, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_there, setup),
		cmocka_unit_test_setup(what_is_not_there, setup),
		cmocka_unit_test_setup(the_address_register, setup),
		cmocka_unit_test_setup(what_can_be_written, setup),
		cmocka_unit_test_setup(bars_are_sized, setup),
		cmocka_unit_test_setup(bars_are_moved, setup),
		cmocka_unit_test_setup(bars_dont_cover_others, setup),
		cmocka_unit_test_setup(firmware_places_bars, setup),
		cmocka_unit_test_setup(doorbells_follow, setup),
		cmocka_unit_test_setup(the_interrupt_pin, setup),
		cmocka_unit_test_setup(an_interrupt_line_is_shared, setup),
		cmocka_unit_test_setup(msix_messages, setup),
		cmocka_unit_test_setup(msix_masks, setup),
		cmocka_unit_test_setup(msi_in_place_of_the_pin, setup),
		cmocka_unit_test_setup(msi_masked, setup),
		cmocka_unit_test_setup(msi_beside_msix, setup),
		cmocka_unit_test_setup(dma_needs_a_bus_master, setup),
		cmocka_unit_test_setup(anything_goes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
