/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer entry: two PCI devices whose guest does anything to their configuration, memory, MSI
 * and MSI-X tables. Each eight bytes of input are an act. Whatever BARs are set to, no two devices answer at one
 * address, a doorbell is where its BAR is, and what is masked sends nothing.
 * sources: @tests/unit/vmm/fuzz-pci.sources
 * runs: 2000
 *
 * @verifies VMM-110 VMM-111 VMM-112 VMM-118
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vmm/mock.h"
#include "vmm/dev/pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ACT	8u
#define ECAM	0xe0000000u
#define DEVICES 2u
#define VECTORS 5u

static struct bus bus;
static struct pci_bus pci;
static struct pci_device *device[DEVICES];
static uint64_t bell_at[DEVICES]; /* where the hypervisor has it, or PCI_UNMAPPED */
static bool raised;		  /* a message may come now */

/* ------------------------------------------------------------------------- what the machine does */

static void msi(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	(void)address;
	(void)data;
	if (!raised)
		abort();
}

static bool signal(void *ctx, const struct command *ring, uint8_t *number)
{
	(void)ctx;
	*number = (uint8_t)(size_t)ring->ctx;
	return true;
}

static bool doorbell(void *ctx, const struct hv_doorbell *bell, bool on)
{
	uint64_t *at = &bell_at[bell->signal];

	(void)ctx;
	if (bell->signal >= DEVICES || on != (*at == PCI_UNMAPPED) || (!on && *at != bell->address))
		abort();
	*at = on ? bell->address : PCI_UNMAPPED;
	return true;
}

static void ring(void *ctx, uint32_t value)
{
	(void)ctx;
	(void)value;
}

/* ------------------------------------------------------------------------------------ the devices */

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	const struct pci_device *self = (const struct pci_device *)dev;

	if (PCI_WHERE_BAR(where) >= PCI_BARS ||
	    PCI_WHERE_OFFSET(where) + size > self->bar[PCI_WHERE_BAR(where)].size)
		abort();
	return where;
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	(void)value;
	read(dev, where, size);
}

static void reset(struct device *dev)
{
	pci_reset((struct pci_device *)dev);
}

static void device_make(unsigned int n)
{
	static const struct device_class class = {
		.name = "any", .read = read, .write = write, .reset = reset};
	const struct pci_identity identity = {.vendor = 0x1234, .pin = (uint8_t)(n + 1)};
	const struct pci_bell_request request = {
		.bar = 0, .offset = 0x100, .size = 2, .ring = {ring, (void *)(size_t)n}};

	device[n] = malloc(sizeof(struct pci_device));
	pci_init(device[n], &class, &identity);
	pci_bar(device[n], 0, n ? 16384 : 4096, n ? PCI_BAR_64 : 0);
	pci_bar(device[n], 2, n ? 256 : PCI_BAR_MAX, n ? 0 : PCI_BAR_64 | PCI_BAR_PREFETCH);
	pci_msix(device[n], 4, n ? PCI_MSIX_MAX : VECTORS);
	pci_msi(device[n]);
	bell_at[n] = PCI_UNMAPPED;
	if (pci_attach(&pci, device[n], n + 1) != HV_OK || !pci_doorbell(device[n], &request))
		abort();
}

/* --------------------------------------------------------------------------------------------- acts */

/** Regions are in order and apart, and bells where their BARs are. */
static void check(void)
{
	for (uint32_t i = 1; i < bus.regions; i++) {
		const struct bus_region *one = &bus.region[i - 1];
		if (one->first + (one->size - 1) < one->first ||
		    one->first + (one->size - 1) >= bus.region[i].first)
			abort();
	}
	for (unsigned int n = 0; n < DEVICES; n++) {
		const uint64_t bar = device[n]->bar[0].mapped;
		if (bell_at[n] != (bar == PCI_UNMAPPED ? PCI_UNMAPPED : bar + 0x100))
			abort();
	}
}

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static unsigned int size_of(uint8_t byte)
{
	static const uint8_t sizes[] = {1, 2, 4, 8};

	return sizes[byte & 3];
}

/** Configuration by ports or by memory. */
static void config_do(const uint8_t *act)
{
	const unsigned int size = size_of(act[1]), slot = act[3] & 3u;
	const uint64_t at = ECAM + (slot << 15) + (act[2] | (act[3] & 0x80 ? 0x400u : 0));
	uint32_t hit = 0;

	if (act[1] & 8) {
		bus_port_write(&bus, 0xcf8, 4, 0x80000000u | slot << 11 | (act[2] & 0xfcu));
		if (act[1] & 16)
			bus_port_read(&bus, (uint16_t)(0xcfc + (act[2] & 3)), size > 4 ? 1 : size);
		else
			bus_port_write(&bus, (uint16_t)(0xcfc + (act[2] & 3)), size > 4 ? 1 : size,
				       word(act + 4));
	} else if (act[1] & 16) {
		bus_memory_read(&bus, &hit, at, size);
	} else {
		bus_memory_write(&bus, &hit, at, size, (uint64_t)word(act + 4) << (act[3] & 0x60) / 4);
	}
}

/** Somewhere in a BAR, or just behind its end. */
static void memory_do(const uint8_t *act)
{
	const struct pci_bar *bar = &device[act[1] & 1]->bar[(act[1] >> 1 & 3) * 2 % PCI_BARS];
	const uint64_t at = bar->mapped + (act[2] | (act[3] & 0x3fu) << 8) % (bar->size + 8 > 8 ? bar->size + 8 : 8);
	uint32_t hit = act[3] >> 6;

	if (act[1] & 16)
		bus_memory_read(&bus, &hit, at, size_of(act[1] >> 6));
	else
		bus_memory_write(&bus, &hit, at, size_of(act[1] >> 6),
				 word(act + 4) * UINT64_C(0x100000001));
}

static void state_do(struct pci_device *dev, const uint8_t *act)
{
	switch (act[2] & 3) {
	case 0:
		pci_bus_reset(&pci);
		break;
	case 1:
		dev->config[act[3]] = act[4]; /* as if it had been saved so */
		pci_loaded(dev);
		break;
	default:
		pci_intx(dev, act[3] & 1);
		break;
	}
}

static void act_do(const uint8_t *act)
{
	struct pci_device *dev = device[act[1] & 1];

	raised = true;
	switch (act[0] & 7) {
	case 0:
	case 1:
	case 2:
		config_do(act);
		break;
	case 3:
	case 4:
		memory_do(act);
		break;
	case 5: {
		const unsigned int vector = act[2] % (PCI_MSIX_MAX + 2);
		const bool masked = vector < PCI_MSIX_MAX && (dev->msix.table[vector][PCI_MSIX_CONTROL] & 1);
		raised = pci_msix_enabled(dev) && !masked;
		pci_msix_raise(dev, vector);
		break;
	}
	case 6:
		state_do(dev, act);
		break;
	default: /* a BAR as a driver sets it, to somewhere near others */
		pci_config_write(&pci, 1 + (act[1] & 1u), PCI_COMMAND, 2, act[2]);
		pci_config_write(&pci, 1 + (act[1] & 1u), PCI_BAR0 + 4 * (act[3] % PCI_BARS), 4,
				 0xc0000000u + ((uint32_t)act[4] << 10));
		break;
	}
	raised = false;
	check();
}

/* ---------------------------------------------------------------------------------------- libFuzzer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pci_upstream up = {
		.msi = msi, .signal = signal, .doorbell = doorbell};
	static const uint8_t lines[PCI_PINS] = {0};

	bus_init(&bus);
	pci_bus_init(&pci, &bus, &up);
	if (pci_bus_attach(&pci, ECAM) != HV_OK)
		abort();
	for (unsigned int n = 0; n < DEVICES; n++)
		device_make(n);
	pci_bus_reset(&pci);
	pci_assign(&pci, 0xc0000000u, 0xe0000000u, lines);
	for (size_t at = 0; at + ACT <= size; at += ACT)
		act_do(data + at);
	for (unsigned int n = 0; n < DEVICES; n++)
		free(device[n]);
	return 0;
}
