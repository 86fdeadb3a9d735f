/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding the device for a port or an address. */
#include "vmm/bus.h"

#include "lib/printf.h"
#include "lib/string.h"

void bus_init(struct bus *bus)
{
	memset(bus, 0, sizeof(*bus));
	bus->slots = 1;
}

/* ------------------------------------------------------------------------------------- attaching */

static hv_status_t attach_ports(struct bus *bus, struct device *dev,
				const struct device_range *range)
{
	if (range->size == 0 || !hv_range_ok(range->first, range->size, BUS_PORTS))
		return HV_E_INVALID;
	if (bus->slots == BUS_DEVICE_SLOTS)
		return HV_E_FULL;
	for (uint64_t i = 0; i < range->size; i++) {
		if (bus->port[range->first + i] != 0 && !range->over)
			return HV_E_EXISTS;
	}
	uint32_t n = bus->slots++;
	bus->slot[n] = (struct bus_slot){.dev = dev,
					 .read = dev->class->read,
					 .write = dev->class->write,
					 .first = (uint16_t)range->first,
					 .last = (uint16_t)(range->first + range->size - 1),
					 .offset = range->base - (uint32_t)range->first,
					 .width = range->width};
	memset(&bus->port[range->first], (int)n, (size_t)range->size);
	return HV_OK;
}

static uint64_t region_last(const struct bus_region *region)
{
	return region->first + region->size - 1;
}

static hv_status_t attach_memory(struct bus *bus, struct device *dev,
				 const struct device_range *range)
{
	uint64_t end;
	uint32_t at = 0;

	if (range->size == 0 || !hv_add_ok(range->first, range->size - 1, &end))
		return HV_E_INVALID;
	if (bus->regions == BUS_REGIONS)
		return HV_E_FULL;
	while (at < bus->regions && region_last(&bus->region[at]) < range->first)
		at++;
	if (at < bus->regions && bus->region[at].first <= end)
		return HV_E_EXISTS;
	memmove(&bus->region[at + 1], &bus->region[at],
		(bus->regions - at) * sizeof(bus->region[0]));
	bus->region[at] = (struct bus_region){.first = range->first,
					      .size = range->size,
					      .dev = dev,
					      .read = dev->class->read,
					      .write = dev->class->write,
					      .base = range->base,
					      .width = range->width};
	bus->regions++;
	return HV_OK;
}

hv_status_t bus_attach_range(struct bus *bus, struct device *dev, const struct device_range *range)
{
	bool width_ok = range->width == 1 || range->width == 2 || range->width == 4 ||
			(range->width == 8 && range->space == DEVICE_MEMORY);

	if (!width_ok)
		return HV_E_INVALID;
	return range->space == DEVICE_PORTS ? attach_ports(bus, dev, range)
					    : attach_memory(bus, dev, range);
}

void bus_detach_memory(struct bus *bus, uint64_t first)
{
	for (uint32_t i = 0; i < bus->regions; i++) {
		if (bus->region[i].first != first)
			continue;
		bus->regions--;
		memmove(&bus->region[i], &bus->region[i + 1],
			(bus->regions - i) * sizeof(bus->region[0]));
		/* Caches may still name it: nothing is there. */
		memset(&bus->region[bus->regions], 0, sizeof(bus->region[0]));
		return;
	}
}

hv_status_t bus_attach(struct bus *bus, struct device *dev)
{
	hv_status_t status = HV_OK;

	for (uint32_t i = 0; i < dev->class->range_count && status == HV_OK; i++)
		status = bus_attach_range(bus, dev, &dev->class->ranges[i]);
	return status;
}

/* ----------------------------------------------------------------------------------------- ports */

/** The record of an absent port, made at its first access; NULL when there is no room for more. */
static struct bus_slot *absent_slot(struct bus *bus, uint16_t port)
{
	uint32_t n = bus->port[port];

	if (n == 0) {
		if (BUS_DEVICE_SLOTS + bus->absent == BUS_SLOTS)
			return NULL;
		n = BUS_DEVICE_SLOTS + bus->absent++;
		bus->port[port] = (uint8_t)n;
		bus->slot[n] = (struct bus_slot){.first = port, .last = port};
	}
	return &bus->slot[n];
}

static void absent_count(struct bus *bus, uint16_t port, bool write)
{
	struct bus_slot *slot = absent_slot(bus, port);

	if (!slot)
		bus->absent_lost++;
	else if (write)
		slot->writes++;
	else
		slot->reads++;
}

static uint32_t read_byte(struct bus *bus, uint16_t port)
{
	const struct bus_slot *slot = bus_port_find(bus, port, 1);

	if (slot)
		return bus_slot_read(slot, port, 1) & 0xff;
	absent_count(bus, port, false);
	return 0xff;
}

static void write_byte(struct bus *bus, uint16_t port, uint32_t value)
{
	const struct bus_slot *slot = bus_port_find(bus, port, 1);

	if (slot)
		bus_slot_write(slot, port, 1, value & 0xff);
	else
		absent_count(bus, port, true);
}

uint32_t bus_port_read_slow(struct bus *bus, uint32_t port, unsigned int size)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= read_byte(bus, (uint16_t)(port + i)) << (8 * i);
	return value;
}

void bus_port_write_slow(struct bus *bus, uint32_t port, unsigned int size, uint32_t value)
{
	for (unsigned int i = 0; i < size; i++)
		write_byte(bus, (uint16_t)(port + i), value >> (8 * i));
}

/* ---------------------------------------------------------------------------------------- memory */

static const struct bus_region *region_find(const struct bus *bus, uint32_t *hit, uint64_t address)
{
	uint32_t low = 0, high = bus->regions;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (region_last(&bus->region[middle]) < address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == bus->regions || address < bus->region[low].first)
		return NULL;
	if (bus->tap.see == NULL)
		*hit = low;
	return &bus->region[low];
}

/** The record of a page, made at its first access; NULL when there is no room for more. */
static struct bus_absent *absent_page(struct bus *bus, uint64_t page)
{
	for (uint32_t i = 0; i < bus->absent_pages; i++) {
		if (bus->absent_page[i].page == page)
			return &bus->absent_page[i];
	}
	if (bus->absent_pages == BUS_ABSENT_PAGES)
		return NULL;
	bus->absent_page[bus->absent_pages] = (struct bus_absent){.page = page};
	return &bus->absent_page[bus->absent_pages++];
}

static void absent_memory_count(struct bus *bus, uint64_t address, bool write)
{
	struct bus_absent *page = absent_page(bus, address & ~UINT64_C(0xfff));

	bus->absent_memory++;
	if (!page)
		bus->absent_memory_lost++;
	else if (write)
		page->writes++;
	else
		page->reads++;
}

/** The largest naturally aligned piece, up to `size` and the region's width, at `address`. */
static unsigned int piece(const struct bus_region *region, uint64_t address, unsigned int size)
{
	unsigned int n = region ? region->width : 1;

	while (n > size || (address & (n - 1)) != 0)
		n /= 2;
	return n;
}

static uint64_t part_mask(unsigned int size)
{
	return size < 8 ? (UINT64_C(1) << (8 * size)) - 1 : UINT64_MAX;
}

static uint64_t part_read(struct bus *bus, const struct bus_region *region, uint64_t address,
			  unsigned int size)
{
	if (region && bus_region_takes(region, address, size))
		return bus_region_read(region, address, size);
	absent_memory_count(bus, address, false);
	return UINT64_MAX;
}

static void part_write(struct bus *bus, const struct bus_region *region, uint64_t address,
		       unsigned int size, uint64_t value)
{
	if (region && bus_region_takes(region, address, size))
		bus_region_write(region, address, size, value);
	else
		absent_memory_count(bus, address, true);
}

/** In one piece where a device takes it so, else in aligned pieces. */
static uint64_t memory_read(struct bus *bus, uint32_t *hit, uint64_t address, unsigned int size)
{
	const struct bus_region *region = region_find(bus, hit, address);
	uint64_t value = 0;

	if (region && bus_region_takes(region, address, size))
		return part_read(bus, region, address, size);
	for (unsigned int done = 0, n; done < size; done += n) {
		region = region_find(bus, hit, address + done);
		n = piece(region, address + done, size - done);
		value |= (part_read(bus, region, address + done, n) & part_mask(n)) << (8 * done);
	}
	return value;
}

static void memory_write(struct bus *bus, uint32_t *hit, uint64_t address, unsigned int size,
			 uint64_t value)
{
	const struct bus_region *region = region_find(bus, hit, address);

	if (region && bus_region_takes(region, address, size)) {
		part_write(bus, region, address, size, value);
		return;
	}
	for (unsigned int done = 0, n; done < size; done += n) {
		region = region_find(bus, hit, address + done);
		n = piece(region, address + done, size - done);
		part_write(bus, region, address + done, n, (value >> (8 * done)) & part_mask(n));
	}
}

uint64_t bus_memory_read_slow(struct bus *bus, uint32_t *hit, uint64_t address, unsigned int size)
{
	const uint64_t value = memory_read(bus, hit, address, size);

	if (bus->tap.see != NULL)
		bus->tap.see(bus->tap.ctx, false, address, size, value);
	return value;
}

void bus_memory_write_slow(struct bus *bus, uint32_t *hit, uint64_t address, unsigned int size,
			   uint64_t value)
{
	memory_write(bus, hit, address, size, value);
	if (bus->tap.see != NULL)
		bus->tap.see(bus->tap.ctx, true, address, size, value);
}

/* --------------------------------------------------------------------------------------- listing */

void bus_list_absent(const struct bus *bus, void (*put)(void *ctx, char c), void *ctx)
{
	for (uint32_t i = 0; i < bus->absent; i++) {
		const struct bus_slot *slot = &bus->slot[BUS_DEVICE_SLOTS + i];
		lib_fprintf(put, ctx, "absent: port %x: %u reads, %u writes\n", slot->first,
			    slot->reads, slot->writes);
	}
	if (bus->absent_lost)
		lib_fprintf(put, ctx, "absent: other ports: %llu accesses\n",
			    (unsigned long long)bus->absent_lost);
	for (uint32_t i = 0; i < bus->absent_pages; i++)
		lib_fprintf(put, ctx, "absent: memory %llx: %u reads, %u writes\n",
			    (unsigned long long)bus->absent_page[i].page, bus->absent_page[i].reads,
			    bus->absent_page[i].writes);
	if (bus->absent_memory_lost)
		lib_fprintf(put, ctx, "absent: other memory: %llu accesses\n",
			    (unsigned long long)bus->absent_memory_lost);
}
