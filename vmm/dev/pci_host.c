/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host bridge: configuration mechanism 1 (PCI Local Bus Specification 3.0, 3.2.2.3.2) and
 * memory-mapped configuration space (PCI Express Base Specification 2.0, 7.2.2) of bus 0.
 *
 * @req VMM-112 Configuration space of absent devices, functions and buses reads all ones.
 */
#include "vmm/dev/pci_internal.h"

/* CONFIG_ADDRESS. */
#define ADDRESS_ENABLE	 0x80000000u
#define ADDRESS_WRITABLE 0x80fffffcu
#define ADDRESS_BUS(a)	 ((a) >> 16 & 0xffu)
#define ADDRESS_DEVFN(a) ((a) >> 8 & 0xffu)

/* An ECAM address: 15 to 19 device, 12 to 14 function, 0 to 11 register. */
#define ECAM_DEVFN(a)	 ((unsigned int)((a) >> 12 & 0xffu))
#define ECAM_REGISTER(a) ((unsigned int)((a)&0xfffu))

/** `where`: CF8h, CFCh, ECAM. */
enum place { PLACE_ADDRESS = 0, PLACE_DATA = 4, PLACE_ECAM = 0x10000000 };

/** @return the device, or NULL where there is none. */
static struct pci_device *find(const struct pci_bus *bus, unsigned int devfn)
{
	return (devfn & 7) == 0 ? bus->slot[devfn >> 3] : NULL;
}

static uint32_t config_read(const struct pci_bus *bus, unsigned int devfn, unsigned int where,
			    unsigned int size)
{
	struct pci_device *pci = find(bus, devfn);

	if (!pci || where % size != 0)
		return UINT32_MAX;
	return where < PCI_CONFIG_SIZE ? pci_device_read(pci, where, size) : 0;
}

static void config_write(const struct pci_bus *bus, unsigned int devfn, unsigned int where,
			 unsigned int size, uint32_t value)
{
	struct pci_device *pci = find(bus, devfn);

	if (pci && where % size == 0 && where < PCI_CONFIG_SIZE)
		pci_device_write(pci, where, size, value);
}

uint32_t pci_config_read(struct pci_bus *bus, unsigned int slot, unsigned int where,
			 unsigned int size)
{
	return config_read(bus, slot << 3, where, size);
}

void pci_config_write(struct pci_bus *bus, unsigned int slot, unsigned int where, unsigned int size,
		      uint32_t value)
{
	config_write(bus, slot << 3, where, size, value);
}

/* ------------------------------------------------------------------------------------------ the guest */

static bool selected(const struct pci_bus *bus)
{
	return (bus->address & ADDRESS_ENABLE) && ADDRESS_BUS(bus->address) == 0;
}

static unsigned int data_register(const struct pci_bus *bus, uint64_t where)
{
	return (bus->address & 0xfcu) + (unsigned int)(where & 3);
}

static struct pci_bus *host_bus(struct device *dev)
{
	return (struct pci_bus *)(void *)((char *)dev - offsetof(struct pci_bus, host));
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	const struct pci_bus *bus = host_bus(dev);

	if (where >= PLACE_ECAM)
		return config_read(bus, ECAM_DEVFN(where), ECAM_REGISTER(where), size);
	if (where >= PLACE_DATA)
		return selected(bus) ? config_read(bus, ADDRESS_DEVFN(bus->address),
						   data_register(bus, where), size)
				     : UINT32_MAX;
	return size == 4 ? bus->address : UINT32_MAX;
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct pci_bus *bus = host_bus(dev);

	if (where >= PLACE_ECAM)
		config_write(bus, ECAM_DEVFN(where), ECAM_REGISTER(where), size, (uint32_t)value);
	else if (where >= PLACE_DATA && selected(bus))
		config_write(bus, ADDRESS_DEVFN(bus->address), data_register(bus, where), size,
			     (uint32_t)value);
	else if (where == PLACE_ADDRESS && size == 4)
		bus->address = (uint32_t)value & ADDRESS_WRITABLE;
}

static void reset(struct device *dev)
{
	host_bus(dev)->address = 0;
}

static const struct device_field fields[] = {
	{"address", offsetof(struct pci_bus, address) - offsetof(struct pci_bus, host), 1, 4,
	 DEVICE_FIELD_VALUE},
};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = 0xcf8, .size = 4, .width = 4, .base = PLACE_ADDRESS},
	{.space = DEVICE_PORTS, .first = 0xcfc, .size = 4, .width = 4, .base = PLACE_DATA},
};

static const struct device_class host_class = {
	.name = "pci",
	.read = read,
	.write = write,
	.reset = reset,
	.ranges = ranges,
	.fields = fields,
	.range_count = sizeof(ranges) / sizeof(ranges[0]),
	.field_count = sizeof(fields) / sizeof(fields[0]),
};

static void bridge_reset(struct device *dev)
{
	struct pci_device *pci = (struct pci_device *)dev;

	pci_reset(pci);
	reset(&pci->bus->host);
}

static const struct device_class bridge_class = {
	.name = "pci_bridge",
	.reset = bridge_reset,
};

/** A host bridge without registers of its own, so one of no known chip set. */
static const struct pci_identity bridge_identity = {
	.vendor = 0x8086,
	.device = 0x0d57,
	.class_code = 0x060000,
};

void pci_bus_init(struct pci_bus *bus, struct bus *memory, const struct pci_upstream *up)
{
	*bus = (struct pci_bus){.host = {.class = &host_class}, .memory = memory, .up = *up};
	pci_host_bridge(bus, &bridge_identity, NULL);
}

void pci_host_bridge(struct pci_bus *bus, const struct pci_identity *identity,
		     const struct pci_hooks *hooks)
{
	bus->slot[0] = NULL;
	pci_init(&bus->bridge, &bridge_class, identity);
	bus->bridge.hooks = hooks;
	pci_attach(bus, &bus->bridge, 0);
}

hv_status_t pci_bus_attach(struct pci_bus *bus, uint64_t ecam)
{
	const struct device_range range = {.first = ecam,
					   .size = PCI_ECAM_SIZE,
					   .base = PLACE_ECAM,
					   .space = DEVICE_MEMORY,
					   .width = 4};
	hv_status_t status = bus_attach(bus->memory, &bus->host);

	if (status == HV_OK && ecam != 0)
		status = bus_attach_range(bus->memory, &bus->host, &range);
	return status;
}
