/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X (PCI Local Bus Specification 3.0, 6.8.2): the table at the start of its BAR, the pending bits
 * behind it.
 *
 * @req VMM-111 An MSI-X message raised while its vector or the function is masked is sent when it is
 *              unmasked, and shows in the pending bit array until then.
 */
#include "lib/string.h"
#include "vmm/dev/pci_internal.h"

#define MSIX_BAR_SIZE 0x1000u
#define MSIX_PBA      0x800u

/* Message control (6.8.2.3), at capability + 2. */
#define MSIX_ENABLE	   0x8000u
#define MSIX_FUNCTION_MASK 0x4000u

#define MSIX_VECTOR_MASKED 1u

static uint16_t control(const struct pci_device *pci)
{
	return pci_load16(pci->config + pci->msix.capability + 2);
}

bool pci_msix_enabled(const struct pci_device *pci)
{
	return pci->msix.count != 0 && (control(pci) & MSIX_ENABLE);
}

/** Send what is pending and may be sent. */
static void deliver(struct pci_msix *msix)
{
	struct pci_device *pci = msix->pci;
	const struct pci_upstream *up;

	if ((control(pci) & (MSIX_ENABLE | MSIX_FUNCTION_MASK)) != MSIX_ENABLE || !pci->bus)
		return;
	up = &pci->bus->up;
	for (uint32_t left = msix->pending; left != 0; left &= left - 1) {
		const unsigned int n = (unsigned int)__builtin_ctz(left);
		const uint32_t *entry = msix->table[n];
		if (entry[PCI_MSIX_CONTROL] & MSIX_VECTOR_MASKED)
			continue;
		msix->pending &= ~(1u << n);
		pci->interrupts++;
		up->msi(up->ctx,
			(uint64_t)entry[PCI_MSIX_ADDRESS_HIGH] << 32 | entry[PCI_MSIX_ADDRESS],
			entry[PCI_MSIX_DATA]);
	}
}

bool pci_msix_raise(struct pci_device *pci, unsigned int vector)
{
	if (vector >= pci->msix.count || !pci_msix_enabled(pci))
		return false;
	pci->msix.pending |= 1u << vector;
	deliver(&pci->msix);
	return true;
}

static void changed(struct pci_device *pci)
{
	deliver(&pci->msix);
	if (pci->hooks && pci->hooks->msix_changed)
		pci->hooks->msix_changed(pci);
}

void pci_msix_update(struct pci_device *pci)
{
	struct pci_msix *msix = &pci->msix;

	if (msix->count == 0 || msix->seen == control(pci))
		return;
	msix->seen = control(pci);
	changed(pci);
}

void pci_msix_reset(struct pci_device *pci)
{
	memset(pci->msix.table, 0, sizeof(pci->msix.table));
	for (unsigned int i = 0; i < PCI_MSIX_MAX; i++)
		pci->msix.table[i][PCI_MSIX_CONTROL] = MSIX_VECTOR_MASKED;
	pci->msix.pending = 0;
}

/* --------------------------------------------------------------------------------- table in the BAR */

static uint32_t read_word(const struct pci_msix *msix, uint32_t offset)
{
	if (offset < msix->count * 16u)
		return msix->table[offset / 16][offset / 4 % PCI_MSIX_WORDS];
	return offset == MSIX_PBA ? msix->pending : 0;
}

/** Accesses other than of whole aligned words are undefined: they read as zero (6.8.2). */
static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	const struct pci_msix *msix = (const struct pci_msix *)dev;
	const uint32_t offset = PCI_WHERE_OFFSET(where);
	uint64_t value;

	if (size < 4 || offset % 4 != 0)
		return 0;
	value = read_word(msix, offset);
	if (size == 8)
		value |= (uint64_t)read_word(msix, offset + 4) << 32;
	return value;
}

static void write_word(struct pci_msix *msix, uint32_t offset, uint32_t value)
{
	static const uint32_t writable[PCI_MSIX_WORDS] = {~3u, ~0u, ~0u, MSIX_VECTOR_MASKED};
	const unsigned int word = offset / 4 % PCI_MSIX_WORDS;

	if (offset >= msix->count * 16u)
		return;
	msix->table[offset / 16][word] = value & writable[word];
	if (word == PCI_MSIX_CONTROL)
		changed(msix->pci);
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct pci_msix *msix = (struct pci_msix *)dev;
	const uint32_t offset = PCI_WHERE_OFFSET(where);

	if (size < 4 || offset % 4 != 0)
		return;
	write_word(msix, offset, (uint32_t)value);
	if (size == 8)
		write_word(msix, offset + 4, (uint32_t)(value >> 32));
}

static const struct device_class class = {
	.name = "msix",
	.read = read,
	.write = write,
};

void pci_msix(struct pci_device *pci, unsigned int bar, unsigned int vectors)
{
	/* Message control, table's and pending bits' place, each as offset | BAR. */
	const uint32_t body[3] = {0, bar, MSIX_PBA | bar};
	const uint8_t writable[10] = {[1] = (MSIX_ENABLE | MSIX_FUNCTION_MASK) >> 8};
	uint8_t bytes[10];

	memcpy(bytes, (const uint8_t *)body + 2, sizeof(bytes));
	bytes[0] = (uint8_t)(vectors - 1);
	pci_bar(pci, bar, MSIX_BAR_SIZE, 0);
	pci->bar[bar].dev = &pci->msix.dev;
	pci->msix.dev.class = &class;
	pci->msix.pci = pci;
	pci->msix.capability =
		(uint16_t)pci_capability(pci, PCI_CAP_MSIX, bytes, sizeof(bytes), writable);
	pci->msix.count = (uint16_t)(pci->msix.capability ? vectors : 0);
	pci_msix_reset(pci);
}
