/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI devices: configuration space, BARs, interrupt pins, doorbells. MSI is in pci_msi.c, MSI-X in
 * pci_msix.c, the host bridge in pci_host.c.
 *
 * @req VMM-110 A PCI device's BARs can be sized, moved and switched off at any time; where a BAR would
 *              lie over another device it answers nowhere.
 */
#include "vmm/dev/pci.h"

#include "lib/string.h"
#include "vmm/dev/pci_internal.h"

static void store16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void store32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

uint16_t pci_load16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

uint32_t pci_load32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint16_t command(const struct pci_device *pci)
{
	return pci_load16(pci->config + PCI_COMMAND);
}

/* ----------------------------------------------------------------------------------------- making */

void pci_init(struct pci_device *pci, const struct device_class *class,
	      const struct pci_identity *identity)
{
	uint8_t *start = pci->start;

	memset(pci, 0, sizeof(*pci));
	pci->dev.class = class;
	pci->free = PCI_CONFIG_FREE;
	store16(start + PCI_VENDOR_ID, identity->vendor);
	store16(start + PCI_DEVICE_ID, identity->device);
	start[PCI_REVISION] = identity->revision;
	start[PCI_CLASS] = (uint8_t)identity->class_code;
	store16(start + PCI_CLASS + 1, (uint16_t)(identity->class_code >> 8));
	store16(start + PCI_SUBSYSTEM_VENDOR, identity->subsystem_vendor);
	store16(start + PCI_SUBSYSTEM_ID, identity->subsystem);
	start[PCI_INTERRUPT_PIN] = identity->pin;
	store16(pci->mask + PCI_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	pci->mask[PCI_CACHE_LINE] = 0xff;
	pci->mask[PCI_LATENCY] = 0xff;
	pci->mask[PCI_INTERRUPT_LINE] = 0xff;
	for (unsigned int i = 0; i < PCI_BARS; i++)
		pci->bar[i].mapped = PCI_UNMAPPED;
	memcpy(pci->config, start, PCI_CONFIG_SIZE);
}

void pci_bar(struct pci_device *pci, unsigned int index, uint64_t size, uint32_t flags)
{
	const unsigned int at = PCI_BAR0 + 4 * index;

	pci->bar[index].size = size;
	pci->bar[index].dev = &pci->dev;
	pci->mask[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
	store32(pci->start + at, flags);
	store32(pci->mask + at, 0u - (uint32_t)size);
	if (flags & PCI_BAR_64)
		store32(pci->mask + at + 4, UINT32_MAX);
	memcpy(pci->config, pci->start, PCI_CONFIG_SIZE);
}

unsigned int pci_capability(struct pci_device *pci, uint8_t id, const void *body, size_t size,
			    const void *writable)
{
	const unsigned int at = pci->free;

	if (size > PCI_CONFIG_SIZE - 2 || at > PCI_CONFIG_SIZE - 2 - size)
		return 0;
	pci->start[at] = id;
	memcpy(pci->start + at + 2, body, size);
	if (writable)
		memcpy(pci->mask + at + 2, writable, size);
	pci->start[pci->last ? pci->last + 1u : PCI_CAPABILITIES] = (uint8_t)at;
	pci->start[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
	pci->last = (uint16_t)at;
	pci->free = (uint16_t)((at + 2 + size + 3) & ~(size_t)3);
	memcpy(pci->config, pci->start, PCI_CONFIG_SIZE);
	return at;
}

/* -------------------------------------------------------------------------------------- doorbells */

static struct hv_doorbell bell_record(const struct pci_bell *bell)
{
	return (struct hv_doorbell){.address = bell->address,
				    .space = HV_DOORBELL_MEMORY,
				    .size = bell->size,
				    .signal = bell->signal};
}

/** Have the doorbells of a BAR where it is now. */
static void bells_move(struct pci_device *pci, unsigned int index)
{
	const struct pci_upstream *up = &pci->bus->up;

	for (unsigned int i = 0; i < pci->bells; i++) {
		struct pci_bell *bell = &pci->bell[i];
		if (bell->bar != index)
			continue;
		struct hv_doorbell record = bell_record(bell);
		if (bell->on)
			up->doorbell(up->ctx, &record, false);
		bell->on = false;
		if (pci->bar[index].mapped == PCI_UNMAPPED)
			continue;
		bell->address = pci->bar[index].mapped + bell->offset;
		record = bell_record(bell);
		bell->on = up->doorbell(up->ctx, &record, true);
	}
}

bool pci_doorbell(struct pci_device *pci, const struct pci_bell_request *request)
{
	const struct pci_upstream *up = &pci->bus->up;
	uint8_t signal;

	if (pci->bells == PCI_BELLS || !up->doorbell ||
	    !up->signal(up->ctx, &request->ring, &signal))
		return false;
	pci->bell[pci->bells++] = (struct pci_bell){.offset = request->offset,
						    .bar = (uint8_t)request->bar,
						    .size = (uint8_t)request->size,
						    .signal = signal};
	bells_move(pci, request->bar);
	return true;
}

/* -------------------------------------------------------------------------------------------- BARs */

/** Where the guest wants the BAR. */
static uint64_t bar_target(const struct pci_device *pci, unsigned int index)
{
	const uint8_t *bar = pci->config + PCI_BAR0 + 4 * index;
	uint64_t address = pci_load32(bar) & ~0xfu;

	if (pci_load32(bar) & PCI_BAR_64)
		address |= (uint64_t)pci_load32(bar + 4) << 32;
	if (!(command(pci) & PCI_COMMAND_MEMORY) || address == 0)
		return PCI_UNMAPPED;
	return address;
}

static void bar_place(struct pci_device *pci, unsigned int index, uint64_t target)
{
	struct pci_bar *bar = &pci->bar[index];
	const struct device_range range = {.first = target,
					   .size = bar->size,
					   .base = (uint32_t)PCI_WHERE(index, 0),
					   .space = DEVICE_MEMORY,
					   .width = 8};

	if (bar->mapped != PCI_UNMAPPED)
		bus_detach_memory(pci->bus->memory, bar->mapped);
	bar->mapped = PCI_UNMAPPED;
	if (target != PCI_UNMAPPED &&
	    bus_attach_range(pci->bus->memory, bar->dev, &range) == HV_OK)
		bar->mapped = target;
	bells_move(pci, index);
}

static void bars_update(struct pci_device *pci)
{
	for (unsigned int i = 0; i < PCI_BARS; i++) {
		if (pci->bar[i].size == 0)
			continue;
		const uint64_t target = bar_target(pci, i);
		if (target != pci->bar[i].mapped)
			bar_place(pci, i, target);
	}
}

/* -------------------------------------------------------------------------------- interrupts, DMA */

void pci_drive(struct pci_device *pci)
{
	struct pci_bus *bus = pci->bus;
	const bool level = pci->intx && !(command(pci) & PCI_COMMAND_INTX_DISABLE) &&
			   !pci_msix_enabled(pci) && !pci_msi_enabled(pci);

	pci_msi_drive(pci);
	pci->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTX;
	if (pci->intx)
		pci->config[PCI_STATUS] |= PCI_STATUS_INTX;
	if (level == pci->intx_driven || !bus || pci->config[PCI_INTERRUPT_PIN] == 0)
		return;
	pci->intx_driven = level;
	const unsigned int pin = pci_swizzle(pci->slot, pci->config[PCI_INTERRUPT_PIN] - 1u);
	bus->asserted[pin] ^= 1u << pci->slot;
	wire_set(&bus->pin[pin], bus->asserted[pin] != 0);
}

void pci_intx(struct pci_device *pci, bool level)
{
	if (level == pci->intx)
		return;
	pci->intx = level;
	pci->interrupts += level;
	pci_drive(pci);
}

void *pci_dma(struct pci_device *pci, uint64_t address, uint64_t size, bool write)
{
	if (!(command(pci) & PCI_COMMAND_MASTER))
		return NULL;
	return pci->bus->up.ram(pci->bus->up.ctx, address, size, write);
}

/* ------------------------------------------------------------------------------ configuration space */

uint32_t pci_device_read(struct pci_device *pci, unsigned int where, unsigned int size)
{
	uint32_t value = 0;

	if (pci->hooks && pci->hooks->config_reading)
		pci->hooks->config_reading(pci, where, size);
	memcpy(&value, pci->config + where, size);
	return value;
}

/** The registers have changed by more than a device's own. */
static void config_changed(struct pci_device *pci)
{
	bars_update(pci);
	pci_msix_update(pci);
	pci_drive(pci);
}

void pci_device_write(struct pci_device *pci, unsigned int where, unsigned int size, uint32_t value)
{
	for (unsigned int i = where; i < where + size; i++, value >>= 8)
		pci->config[i] = (uint8_t)((pci->config[i] & ~pci->mask[i]) |
					   ((uint8_t)value & pci->mask[i]));
	config_changed(pci);
	if (pci->hooks && pci->hooks->config_written)
		pci->hooks->config_written(pci, where, size);
}

void pci_reset(struct pci_device *pci)
{
	pci->intx = pci->msi_sent = false;
	memcpy(pci->config, pci->start, PCI_CONFIG_SIZE);
	pci_msix_reset(pci);
	if (pci->bus)
		config_changed(pci);
}

void pci_loaded(struct pci_device *pci)
{
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE; i++)
		pci->config[i] = (uint8_t)((pci->start[i] & ~pci->mask[i]) |
					   (pci->config[i] & pci->mask[i]));
	config_changed(pci);
}

/* ------------------------------------------------------------------------------------- on the bus */

hv_status_t pci_attach(struct pci_bus *bus, struct pci_device *pci, unsigned int slot)
{
	if (slot >= PCI_SLOTS)
		return HV_E_INVALID;
	if (bus->slot[slot])
		return HV_E_EXISTS;
	bus->slot[slot] = pci;
	pci->bus = bus;
	pci->slot = (uint8_t)slot;
	return HV_OK;
}

void pci_bus_reset(struct pci_bus *bus)
{
	for (unsigned int i = 0; i < PCI_SLOTS; i++) {
		if (bus->slot[i])
			bus->slot[i]->dev.class->reset(&bus->slot[i]->dev);
	}
}

/** Place all BARs of one size. @return the first address that is free. */
static uint64_t assign_size(struct pci_bus *bus, uint64_t size, uint64_t first, uint64_t end)
{
	for (unsigned int i = 0; i < PCI_SLOTS * PCI_BARS; i++) {
		struct pci_device *pci = bus->slot[i / PCI_BARS];
		if (!pci || pci->bar[i % PCI_BARS].size != size || end - first < size)
			continue;
		pci_config_write(bus, i / PCI_BARS, PCI_BAR0 + 4 * (i % PCI_BARS), 4,
				 (uint32_t)first);
		first += size;
	}
	return first;
}

void pci_assign(struct pci_bus *bus, uint64_t first, uint64_t end, const uint8_t line[PCI_PINS])
{
	/* From the largest down, so that everything is aligned to its size. */
	for (uint64_t size = PCI_BAR_MAX; size >= 16; size /= 2)
		first = assign_size(bus, size, first, end);
	for (unsigned int i = 0; i < PCI_SLOTS; i++) {
		const struct pci_device *pci = bus->slot[i];
		if (!pci)
			continue;
		pci_config_write(bus, i, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		const uint8_t pin = pci->config[PCI_INTERRUPT_PIN];
		if (pin != 0)
			pci_config_write(bus, i, PCI_INTERRUPT_LINE, 1,
					 line[pci_swizzle(i, pin - 1u)]);
	}
}
