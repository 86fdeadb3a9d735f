/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI: configuration space both ways, BARs, capabilities, virtio's registers and MSI-X tables. */
#include "guests/conform/conform.h"

#include "guests/attack/machine.h"
#include "guests/attack/pci.h"

#define ECAM	      0xe0000000u
#define ABSENT	      0xffffffffu
#define HEADER	      0x40u
#define VIRTIO	      0x1af4u
#define CAP_VENDOR    0x09u
#define CAP_MSIX      0x11u
#define VIRTIO_COMMON 1u
#define VIRTIO_DEVICE 4u

static void header(unsigned slot)
{
	step("pci.%x.header", slot);
	for (unsigned offset = 0; offset < HEADER; offset += 4)
		value("%x", pci_read(slot, offset));
	step_end();
}

/** Widths, and what lies beside a register's start. */
static void widths(unsigned slot)
{
	step("pci.%x.widths", slot);
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | slot << 11);
	for (uint16_t i = 0; i < 4; i++)
		value("%x", inb((uint16_t)(CONFIG_DATA + i)));
	for (uint16_t i = 0; i < 4; i++)
		value("%x", inw((uint16_t)(CONFIG_DATA + i)));
	value("%x %x", inl(CONFIG_DATA + 1), inl(CONFIG_ADDRESS));
	step_end();
}

static void bars(unsigned slot)
{
	step("pci.%x.bars", slot);
	for (unsigned n = 0; n < 6; n++) {
		const uint32_t before = pci_read(slot, PCI_BAR(n));

		pci_write(slot, PCI_BAR(n), ABSENT);
		value("%x", pci_read(slot, PCI_BAR(n)));
		pci_write(slot, PCI_BAR(n), before);
	}
	pci_write(slot, 0x30, ABSENT);
	value("%x", pci_read(slot, 0x30));
	pci_write(slot, 0x30, 0);
	step_end();
}

/** What of command, status, line and identification can be written. */
static void writable(unsigned slot)
{
	static const uint8_t offsets[] = {0x00, PCI_COMMAND, 0x08, 0x0c, 0x2c, 0x34, 0x3c};

	step("pci.%x.writable", slot);
	for (unsigned i = 0; i < sizeof(offsets); i++) {
		const uint32_t before = pci_read(slot, offsets[i]);

		pci_write(slot, offsets[i], ABSENT);
		value("%x", pci_read(slot, offsets[i]));
		pci_write(slot, offsets[i], before);
	}
	step_end();
}

static void capabilities(unsigned slot)
{
	unsigned at = (pci_read(slot, PCI_COMMAND) >> 20 & 1) != 0 ? pci_read(slot, PCI_CAPABILITIES) & 0xfc : 0;

	step("pci.%x.capabilities", slot);
	for (; at != 0; at = pci_read(slot, at) >> 8 & 0xfc)
		for (unsigned i = 0; i < 5; i++)
			value("%x", pci_read(slot, at + 4 * i));
	step_end();
}

/** The same registers where they lie in memory. */
static void ecam(unsigned slot)
{
	volatile uint32_t *const space = (volatile uint32_t *)(uintptr_t)(ECAM + (slot << 15));
	volatile uint8_t *const bytes = (volatile uint8_t *)(uintptr_t)space;

	step("pci.%x.ecam", slot);
	value("%x %x %x %x %x", space[0], space[4], space[0x3fc / 4], bytes[1],
	      *(volatile uint16_t *)(uintptr_t)(bytes + 2));
	bytes[0x3c] = 7;
	value("%x", space[0x3c / 4]);
	bytes[0x3c] = 0xff;
	value("%lx", *(volatile uint64_t *)(uintptr_t)space);
	step_end();
}

/* ------------------------------------------------------------------------------------------ virtio */

/** @return offset of the capability, or 0; `kind` is of virtio's. */
static unsigned capability(unsigned slot, uint8_t id, unsigned kind)
{
	unsigned at = pci_read(slot, PCI_CAPABILITIES) & 0xfc;

	for (; at != 0; at = pci_read(slot, at) >> 8 & 0xfc) {
		const uint32_t head = pci_read(slot, at);

		if ((head & 0xff) == id && (id != CAP_VENDOR || head >> 24 == kind))
			return at;
	}
	return 0;
}

/** @return where the structure is that a capability of virtio's, or MSI-X's table, points to. */
static volatile uint8_t *structure(unsigned slot, unsigned bar, uint32_t offset)
{
	const uint64_t where = (pci_read(slot, PCI_BAR(bar)) & ~0xfu) + offset;

	return (volatile uint8_t *)machine_window(where & ~(SIZE_4K - 1), SIZE_4K, PTE_RW | PTE_XD | PTE_PCD) +
	       (where & (SIZE_4K - 1));
}

static void dump(const volatile uint8_t *at, unsigned size)
{
	for (unsigned i = 0; i < size; i += 4)
		value("%x", *(const volatile uint32_t *)(at + i));
}

static void virtio_common(unsigned slot)
{
	const unsigned cap = capability(slot, CAP_VENDOR, VIRTIO_COMMON);
	volatile uint8_t *const at = structure(slot, pci_read(slot, cap + 4) & 7, pci_read(slot, cap + 8));

	step("virtio.%x.common", slot);
	dump(at, 0x38);
	for (unsigned i = 0; i < 0x20; i += 2)
		value("%x", *(volatile uint16_t *)(at + i));
	step_end();
	step("virtio.%x.features", slot);
	for (uint32_t i = 0; i < 3; i++) {
		*(volatile uint32_t *)at = i;
		value("%x", *(volatile uint32_t *)(at + 4));
	}
	step_end();
	step("virtio.%x.status", slot);
	static const uint8_t states[] = {1, 3, 11, 0xff, 0};
	for (unsigned i = 0; i < sizeof(states); i++) {
		at[20] = states[i];
		value("%x", at[20]);
	}
	step_end();
	step("virtio.%x.odd", slot);
	value("%x %lx %x", *(volatile uint16_t *)(at + 3), *(volatile uint64_t *)(at + 16), at[0x37]);
	*(volatile uint32_t *)(at + 22) = ABSENT;
	*(volatile uint64_t *)(at + 32) = X86_U64(0x123456789abc);
	value("%lx %x", *(volatile uint64_t *)(at + 32), *(volatile uint32_t *)(at + 22));
	at[20] = 0;
	step_end();
}

static void virtio_table(unsigned slot)
{
	const unsigned cap = capability(slot, CAP_MSIX, 0);
	const uint32_t table = pci_read(slot, cap + 4);
	volatile uint8_t *const at = structure(slot, table & 7, table & ~7u);

	step("virtio.%x.msix", slot);
	dump(at, 0x20);
	for (unsigned i = 0; i < 0x10; i += 4)
		*(volatile uint32_t *)(at + i) = 0xfee01230 + i;
	dump(at, 0x10);
	*(volatile uint64_t *)at = 0;
	at[12] = 1;
	value("%lx %x %x", *(volatile uint64_t *)(at + 8), at[12], *(volatile uint16_t *)(at + 13));
	pci_write(slot, cap, 0xffff0000);
	value("%x", pci_read(slot, cap));
	pci_write(slot, cap, 0);
	step_end();
}

static void device(unsigned slot)
{
	header(slot);
	widths(slot);
	writable(slot);
	bars(slot);
	capabilities(slot);
	ecam(slot);
	if ((pci_read(slot, 0) & 0xffff) != VIRTIO)
		return;
	pci_write(slot, PCI_COMMAND, PCI_COMMAND_MEMORY);
	virtio_common(slot);
	virtio_table(slot);
	pci_write(slot, PCI_COMMAND, 0);
}

void conform_pci(void)
{
	for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
		if (pci_read(slot, 0) != ABSENT) {
			device(slot);
			continue;
		}
		step("pci.%x.absent", slot);
		value("%x %x", pci_read(slot, 8), *(volatile uint32_t *)(uintptr_t)(ECAM + (slot << 15)));
		step_end();
	}
	step("pci.elsewhere");
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | 0x10000);
	value("%x", inl(CONFIG_DATA));
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | 0x100);
	value("%x", inl(CONFIG_DATA));
	outl(CONFIG_ADDRESS, 0);
	value("%x", inl(CONFIG_DATA));
	outb(CONFIG_ADDRESS, 1);
	outw(CONFIG_ADDRESS, 0x8000);
	value("%x %x %x", inl(CONFIG_ADDRESS), inw(CONFIG_ADDRESS), inb(CONFIG_ADDRESS + 2));
	step_end();
}
