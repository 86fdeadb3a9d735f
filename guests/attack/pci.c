/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI bus: configuration space by accesses that no driver makes, BARs where no BAR belongs, messages
 * that no interrupt controller takes.
 */
#include "guests/attack/pci.h"

#include "guests/attack/act.h"
#include "guests/attack/apic.h"
#include "guests/attack/machine.h"
#include "guests/attack/virtio.h"

#define ECAM	  0xe0000000u
#define ECAM_SIZE 0x100000u
#define ECAM_SLOT 0x8000u
#define BARS	  2u

/* MSI-X (PCI 3.0, 6.8.2): the capability, and an entry of the table. */
#define CAP_MSIX	0x11u
#define MSIX_ENABLE	0x80000000u
#define MSIX_MASK	0x40000000u
#define ENTRY_MASKED	1u
#define ENTRY_WORDS	4u
#define MSIX_PBA	0x800u
#define MESSAGE_ADDRESS 0xfee00000u

/* MSI (6.8.1) with 64-bit address and mask. */
#define CAP_MSI	    0x05u
#define MSI_ENABLE  0x10000u
#define MSI_ADDRESS 4u
#define MSI_DATA    12u
#define MSI_MASK    16u
#define MSI_PENDING 20u

static volatile uint8_t *ecam(unsigned slot, unsigned offset)
{
	return (volatile uint8_t *)(uintptr_t)(ECAM + slot * ECAM_SLOT + offset);
}

static const char *no_bus(void)
{
	const char *const reason = unless_hypike();

	return reason != NULL ? reason : virtio_rng_chosen();
}

/* -------------------------------------------------------------------------------- configuration space */

/** CF8h to CFFh, and the ports around them, by all widths at all offsets: the address register takes
 *  nothing but whole words. */
static void config_sizes(uint64_t arg)
{
	const unsigned slot = virtio_rng_slot();
	const uint32_t id = pci_read(slot, 0);

	(void)arg;
	for (unsigned i = 0; i < 0x40; i++) {
		outb((uint16_t)(CONFIG_ADDRESS + (i & 3)), i % 4 == 1 ? 0 : (uint8_t)i);
		ACT_CHECK(inl(CONFIG_DATA) == id);
		outw((uint16_t)(CONFIG_ADDRESS + (i & 2)), 0xffff);
		ACT_CHECK(inl(CONFIG_DATA) == id);
		inw((uint16_t)(CONFIG_ADDRESS - 3 + (i & 7)));
		inl((uint16_t)(CONFIG_ADDRESS - 3 + (i & 7)));
	}
	ACT_CHECK(inw(CONFIG_DATA) == (id & 0xffff) && inw(CONFIG_DATA + 2) == id >> 16);
	ACT_CHECK(inb(CONFIG_DATA + 3) == id >> 24);
	ACT_CHECK(inw(CONFIG_DATA + 1) == 0xffff); /* not aligned: no such register */
	ACT_CHECK(inl(CONFIG_DATA + 2) == (0xffff0000 | id >> 16)); /* D00h, D01h: nobody */
	outl(CONFIG_ADDRESS, slot << 11);
	ACT_CHECK(inl(CONFIG_DATA) == UINT32_MAX);
}

/** Devices, functions and buses that there aren't. */
static void config_absent(uint64_t arg)
{
	(void)arg;
	for (unsigned devfn = 0; devfn < 256; devfn++) {
		outl(CONFIG_ADDRESS, CONFIG_ENABLE | 1u << 16 | devfn << 8);
		outl(CONFIG_DATA, UINT32_MAX);
		ACT_CHECK(inl(CONFIG_DATA) == UINT32_MAX);
		if ((devfn & 7) == 0)
			continue;
		outl(CONFIG_ADDRESS, CONFIG_ENABLE | devfn << 8);
		outl(CONFIG_DATA, 0);
		ACT_CHECK(inl(CONFIG_DATA) == UINT32_MAX);
		ACT_CHECK(*(volatile uint32_t *)ecam(devfn >> 3, (devfn & 7) << 12) == UINT32_MAX);
	}
	ACT_CHECK(*ecam(32, 0) == 0xff); /* behind bus 0 */
}

/** All of memory-mapped configuration space, by all widths, aligned and not; nothing of it is kept. */
static void ecam_sizes(uint64_t arg)
{
	const unsigned slot = virtio_rng_slot();
	const uint32_t id = pci_read(slot, 0);

	(void)arg;
	for (unsigned offset = 0; offset < ECAM_SLOT / 8; offset += offset < 0x110 ? 1 : 251) {
		volatile uint8_t *const at = ecam(slot, offset);

		*at;
		*(volatile uint16_t *)at;
		*(volatile uint32_t *)at;
		*(volatile uint64_t *)at;
		if (offset >= 0x40 || offset == 0 || offset == 8)
			*(volatile uint64_t *)at = UINT64_MAX;
	}
	ACT_CHECK(*(volatile uint64_t *)ecam(slot, 0xff8) == 0);
	pci_write(slot, 0x44, 0);
	ACT_CHECK(pci_read(slot, 0) == id && *(volatile uint32_t *)ecam(slot, 0) == id);
}

/** Anything into all registers of all devices; then as it was. */
static void config_anything(uint64_t arg)
{
	uint32_t kept[0x40], seed = (uint32_t)arg;

	for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
		if (pci_read(slot, 0) == UINT32_MAX)
			continue;
		for (unsigned i = 0; i < 0x40; i++)
			kept[i] = pci_read(slot, 4 * i);
		for (unsigned i = 0; i < 500; i++) {
			seed = seed * 1664525u + 1013904223u;
			/* BARs not: they would be over memory that is in use. */
			if ((seed >> 26) < 4 || (seed >> 26) > 9)
				pci_write(slot, seed >> 24 & 0xfc, seed);
		}
		for (unsigned i = 0; i < 0x40; i++)
			pci_write(slot, 4 * i, kept[i]);
		ACT_CHECK(pci_read(slot, 0) == kept[0] && pci_read(slot, 8) == kept[2]);
	}
}

/* ----------------------------------------------------------------------------------------------- BARs */

static const uint32_t places[] = {
	0x00000000, 0x00001000, 0x00100000, 0x000b8000, 0x000f0000, 0x80000000, 0xb0000000, 0xc0000000,
	0xd0000000, 0xe0000000, 0xe00f8000, 0xfec00000, 0xfee00000, 0xfffff000, 0xffffffff,
};
#define PLACES ((unsigned)(sizeof(places) / sizeof(places[0])))

/** Each BAR of each device everywhere: over RAM, ROM, other devices, interrupt controllers, at the
 *  end of the address space. What was there before stays there. */
static void bars_everywhere(uint64_t arg)
{
	volatile uint32_t *const page = (volatile uint32_t *)page_alloc();
	volatile uint32_t *const version = (volatile uint32_t *)(uintptr_t)0xfee00030;
	const uint32_t rom = *(volatile uint32_t *)0xf0000;

	(void)arg;
	*page = 0x12345678;
	for (unsigned i = 0; i < PCI_SLOTS * BARS * (PLACES + 1); i++) {
		const unsigned slot = i / (PLACES + 1) / BARS, bar = PCI_BAR(i / (PLACES + 1) % BARS);
		const unsigned n = i % (PLACES + 1);
		const uint32_t before = pci_read(slot, bar);

		if (before == 0 || before == UINT32_MAX)
			continue;
		pci_write(slot, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		pci_write(slot, bar, n < PLACES ? places[n] : (uint32_t)(uintptr_t)page);
		ACT_CHECK(*page == 0x12345678 && *(volatile uint32_t *)0xf0000 == rom);
		ACT_CHECK(*(volatile uint32_t *)ecam(0, 0) == pci_read(0, 0));
		ACT_CHECK(*version != 0 && *version != UINT32_MAX);
		pci_write(slot, bar, before);
		ACT_CHECK(pci_read(slot, bar) == before);
	}
	page_free((uintptr_t)page);
	virtio_rng_begin(0xffff);
	ACT_CHECK(virtio_rng_request());
}

/** Two devices want the same place: one has it, and when it goes the other can. */
static void bars_fight(uint64_t arg)
{
	const unsigned slot = virtio_rng_slot();
	const uint32_t first = pci_read(slot, PCI_BAR(0)), second = pci_read(slot, PCI_BAR(1));

	(void)arg;
	for (unsigned i = 0; i < 200; i++) {
		pci_write(slot, PCI_BAR(1), first + (i & 3) * 0x1000);
		*(volatile uint32_t *)(uintptr_t)(first + 0x3000) = i;
		pci_write(slot, PCI_BAR(0), i & 1 ? second : first);
		pci_write(slot, PCI_BAR(1), i & 2 ? second : 0);
		pci_write(slot, PCI_COMMAND, i & 4 ? 0 : PCI_COMMAND_MEMORY);
	}
	pci_write(slot, PCI_COMMAND, 0);
	pci_write(slot, PCI_BAR(0), first);
	pci_write(slot, PCI_BAR(1), second);
	pci_write(slot, PCI_COMMAND, PCI_COMMAND_MEMORY);
	virtio_rng_begin(0xffff);
	ACT_CHECK(virtio_rng_request());
}

/* ---------------------------------------------------------------------------------------------- MSI-X */

/** @return where the capability is, or 0. */
static unsigned capability(uint8_t id)
{
	const unsigned slot = virtio_rng_slot();
	unsigned at = pci_read(slot, PCI_CAPABILITIES) & 0xfc;

	while (at != 0 && (pci_read(slot, at) & 0xff) != id)
		at = pci_read(slot, at) >> 8 & 0xfc;
	return at;
}

static unsigned msix(void)
{
	return capability(CAP_MSIX);
}

static volatile uint32_t *table(void)
{
	return (volatile uint32_t *)(uintptr_t)(pci_read(virtio_rng_slot(), PCI_BAR(1)) & ~0xfu);
}

static void set_entry(unsigned n, uint64_t address, uint32_t data, uint32_t control)
{
	volatile uint32_t *const entry = table() + ENTRY_WORDS * n;

	entry[0] = (uint32_t)address;
	entry[1] = (uint32_t)(address >> 32);
	entry[2] = data;
	entry[3] = control;
}

/* Messages to anywhere, of any kind but INIT. */
static const uint64_t addresses[] = {
	0, 0x1000, 0xfec00000, MESSAGE_ADDRESS, MESSAGE_ADDRESS | 0xff << 12,
	MESSAGE_ADDRESS | 0x7f << 12, MESSAGE_ADDRESS | 0xc, MESSAGE_ADDRESS | 0xff << 12 | 4,
	MESSAGE_ADDRESS | X86_U64(0xffffff00) << 32, 0xfef00000, UINT64_MAX,
};
static const uint32_t data[] = {0,	0x0f,	0x10,  0xff,  0x141, 0x8041,	 0xc041,     0x200,
				0x300,	0x341,	0x600, 0x700, 0x741, 0x80000041, 0xffff0041, 0xfffff8ff};

/** The machine doesn't care, or gets its interrupt. */
static void msix_messages(uint64_t arg)
{
	const unsigned slot = virtio_rng_slot(), at = msix();

	(void)arg;
	ACT_CHECK(at != 0);
	apic_begin();
	virtio_rng_begin(0);
	pci_write(slot, at, MSIX_ENABLE);
	for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		for (unsigned j = 0; j < sizeof(data) / sizeof(data[0]); j++) {
			set_entry(0, addresses[i], data[j], 0);
			ACT_CHECK(virtio_rng_request());
		}
	}
	pci_write(slot, at, 0);
	apic_end();
}

/** A masked message waits, is seen to wait, and comes once. */
static void msix_masks(uint64_t arg)
{
	const unsigned slot = virtio_rng_slot(), at = msix();
	volatile uint32_t *const pending = table() + MSIX_PBA / 4;

	(void)arg;
	apic_begin();
	virtio_rng_begin(0);
	pci_write(slot, at, MSIX_ENABLE);
	set_entry(0, MESSAGE_ADDRESS, APIC_TEST_VECTOR, ENTRY_MASKED);
	for (unsigned i = 0; i < 50; i++)
		ACT_CHECK(virtio_rng_request());
	ACT_CHECK(*pending == 1 && apic_taken() == 0);
	*pending = 0; /* read-only */
	pci_write(slot, at, MSIX_ENABLE | MSIX_MASK);
	set_entry(0, MESSAGE_ADDRESS, APIC_TEST_VECTOR, 0);
	ACT_CHECK(*pending == 1 && apic_taken() == 0);
	pci_write(slot, at, MSIX_ENABLE);
	ACT_CHECK(apic_taken() == 1 && *pending == 0);
	pci_write(slot, at, 0);
	apic_end();
}

/** The table by all widths, and behind its end. */
static void msix_table(uint64_t arg)
{
	volatile uint8_t *const start = (volatile uint8_t *)table();

	(void)arg;
	for (unsigned offset = 0; offset < 0x1000; offset += 3) {
		*(volatile uint64_t *)(start + offset) = UINT64_MAX;
		*(volatile uint16_t *)(start + offset) = 0x5555;
		*(start + offset) = 0xaa;
		*(volatile uint64_t *)(start + offset);
	}
	for (unsigned n = 0; n < 0x800 / 16; n++)
		set_entry(n, MESSAGE_ADDRESS, 0, ENTRY_MASKED);
	ACT_CHECK(*(volatile uint32_t *)(start + 0x7f0) == 0);
}

/* ------------------------------------------------------------------------------------------------ MSI */

static void set_message(unsigned at, uint64_t address, uint32_t value, uint32_t mask)
{
	const unsigned slot = virtio_rng_slot();

	pci_write(slot, at + MSI_ADDRESS, (uint32_t)address);
	pci_write(slot, at + MSI_ADDRESS + 4, (uint32_t)(address >> 32));
	pci_write(slot, at + MSI_DATA, value);
	pci_write(slot, at + MSI_MASK, mask);
}

/** @return whether the device says that it interrupts; it may take a moment behind the used buffer. */
static bool interrupts(void)
{
	for (unsigned i = 0; i < 100000; i++)
		if (virtio_rng_status() == 1)
			return true;
	return false;
}

/** The same by MSI, which asks for the interrupt status to be read before the next. */
static void msi_messages(uint64_t arg)
{
	const unsigned slot = virtio_rng_slot(), at = capability(CAP_MSI);

	(void)arg;
	ACT_CHECK(at != 0);
	apic_begin();
	virtio_rng_begin(0xffff);
	pci_write(slot, at, MSI_ENABLE);
	for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		for (unsigned j = 0; j < sizeof(data) / sizeof(data[0]); j++) {
			set_message(at, addresses[i], data[j], 0);
			ACT_CHECK(virtio_rng_request() && interrupts());
		}
	}
	pci_write(slot, at, 0);
	apic_end();
}

/** One message until the status is read; a masked one waits, is seen to wait, and comes once. */
static void msi_masks(uint64_t arg)
{
	const unsigned slot = virtio_rng_slot(), at = capability(CAP_MSI);

	(void)arg;
	apic_begin();
	virtio_rng_begin(0xffff);
	virtio_rng_status();
	set_message(at, MESSAGE_ADDRESS, APIC_TEST_VECTOR, 1);
	pci_write(slot, at, MSI_ENABLE);
	for (unsigned i = 0; i < 50; i++)
		ACT_CHECK(virtio_rng_request());
	ACT_CHECK(pci_read(slot, at + MSI_PENDING) == 1 && apic_taken() == 0);
	pci_write(slot, at + MSI_PENDING, 0); /* read-only */
	ACT_CHECK(pci_read(slot, at + MSI_PENDING) == 1);
	pci_write(slot, at + MSI_MASK, 0);
	ACT_CHECK(apic_taken() == 1 && pci_read(slot, at + MSI_PENDING) == 0);
	ACT_CHECK(virtio_rng_request() && apic_taken() == 1);
	ACT_CHECK(interrupts());
	ACT_CHECK(virtio_rng_request() && apic_taken() == 2);
	pci_write(slot, at, 0);
	apic_end();
}

#define ACT(name, what, fn, arg) {name, what, fn, arg, OUT_DONE, no_bus, NULL}

const struct act acts_pci[] = {
	ACT("pci-config-sizes", "PCI configuration ports by all widths", config_sizes, 0),
	ACT("pci-config-absent", "PCI devices, functions and buses that there aren't", config_absent, 0),
	ACT("pci-ecam-sizes", "PCI configuration memory by all widths", ecam_sizes, 0),
	ACT("pci-config-anything", "anything into PCI configuration", config_anything, 1),
	ACT("pci-bars", "BARs over everything that there is", bars_everywhere, 0),
	ACT("pci-bars-fight", "BARs over each other", bars_fight, 0),
	ACT("msix-messages", "MSI-X messages to anywhere, of any kind", msix_messages, 0),
	ACT("msix-masks", "MSI-X messages while they are masked", msix_masks, 0),
	ACT("msix-table", "the MSI-X table by all widths", msix_table, 0),
	ACT("msi-messages", "MSI messages to anywhere, of any kind", msi_messages, 0),
	ACT("msi-masks", "an MSI message while it is masked", msi_masks, 0),
	{.name = NULL},
};
