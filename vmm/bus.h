/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bus.h
 * Which device answers at which port or address. A port is found by one load from a table of 64 Ki
 * bytes, memory by the region hit last or a binary search. What nobody answers reads all ones, is
 * lost when written, and is counted.
 */
#ifndef VMM_BUS_H
#define VMM_BUS_H

#include <hypike/types.h>

#include "vmm/dev/device.h"

#define BUS_PORTS	65536u
#define BUS_SLOTS	256u /**< what a byte of the port table can name */
#define BUS_DEVICE_SLOTS 128u /**< port ranges of devices at the most, slot 0 not counted */
#define BUS_REGIONS	64u  /**< memory ranges at the most */
#define BUS_NO_REGION BUS_REGIONS /**< of a cache: no region, ever */
#define BUS_ABSENT_PAGES 32u /**< pages of absent memory whose accesses are told apart */

/** Something that answers at ports. Slot 0 stands for "nobody, never asked before". */
struct bus_slot {
	struct device *dev;
	uint64_t (*read)(struct device *dev, uint64_t where, unsigned int size);
	void (*write)(struct device *dev, uint64_t where, unsigned int size, uint64_t value);
	uint32_t offset; /**< `where` of a port is port + offset, modulo 2^32 */
	uint16_t first, last;
	uint32_t width;		/**< 0: nobody */
	uint32_t reads, writes; /**< only of absent ports: devices count theirs */
};

struct bus_region {
	uint64_t first;
	uint64_t size; /**< 0: not in use */
	struct device *dev;
	uint64_t (*read)(struct device *dev, uint64_t where, unsigned int size);
	void (*write)(struct device *dev, uint64_t where, unsigned int size, uint64_t value);
	uint32_t base;
	uint32_t width;
};

/** Accesses to a page where nobody answers. */
struct bus_absent {
	uint64_t page; /**< its first address */
	uint32_t reads, writes;
};

/** Sees accesses to memory, after they were made. */
struct bus_tap {
	void (*see)(void *ctx, bool write, uint64_t address, unsigned int size, uint64_t value);
	void *ctx;
};

struct bus {
	uint32_t slots;	  /**< device slots in use, slot 0 included */
	uint32_t absent;  /**< slots of absent ports, behind BUS_DEVICE_SLOTS */
	uint32_t regions; /**< sorted by address */
	uint64_t absent_lost;	/**< accesses to absent ports for which no slot was left */
	uint64_t absent_memory; /**< accesses to absent memory, in bytes and pieces as they are split up */
	uint64_t absent_memory_lost; /**< of those, to pages that aren't in `absent_page` */
	uint32_t absent_pages;
	struct bus_absent absent_page[BUS_ABSENT_PAGES];
	struct bus_slot slot[BUS_SLOTS];
	struct bus_region region[BUS_REGIONS + 1]; /**< the last is none, ever */
	struct bus_tap tap; /**< of accesses by caches that are BUS_NO_REGION, and then stay so */
	uint8_t port[BUS_PORTS];
};

/** The empty bus. */
void bus_init(struct bus *bus);
/** Let the device answer in all ranges of its class. HV_E_EXISTS where another does already. */
hv_status_t bus_attach(struct bus *bus, struct device *dev);
/** Let it answer in one more range. */
hv_status_t bus_attach_range(struct bus *bus, struct device *dev, const struct device_range *range);
/** Let nobody answer any more in the range of memory that begins at `first`; it was attached so. */
void bus_detach_memory(struct bus *bus, uint64_t first);

/** What a device answers at a port, or is told there. */
static inline uint32_t bus_slot_read(const struct bus_slot *slot, uint32_t port, unsigned int size)
{
	struct device *const dev = slot->dev;

	dev->reads++;
	return (uint32_t)slot->read(dev, port + slot->offset, size);
}

static inline void bus_slot_write(const struct bus_slot *slot, uint32_t port, unsigned int size,
				  uint32_t value)
{
	struct device *const dev = slot->dev;

	dev->writes++;
	slot->write(dev, port + slot->offset, size, value);
}

/** Accesses that the fast path below doesn't settle. */
uint32_t bus_port_read_slow(struct bus *bus, uint32_t port, unsigned int size);
void bus_port_write_slow(struct bus *bus, uint32_t port, unsigned int size, uint32_t value);

/** @return the slot where the access reaches one device whole, or NULL. */
static inline const struct bus_slot *bus_port_find(const struct bus *bus, uint16_t port,
						   unsigned int size)
{
	const struct bus_slot *slot = &bus->slot[bus->port[port]];

	return size <= slot->width && port + size - 1u <= slot->last ? slot : NULL;
}

/**
 * Access to a port; `size` is 1, 2 or 4. The value is as wide as the access.
 * @req VMM-001 An access wider than a device, or across the end of its ports, is split into bytes,
 *              as the ISA bus does; ports wrap at 64 Ki.
 */
static inline uint32_t bus_port_read(struct bus *bus, uint16_t port, unsigned int size)
{
	const struct bus_slot *slot = bus_port_find(bus, port, size);

	if (__builtin_expect(slot != NULL, 1))
		return bus_slot_read(slot, port, size);
	return bus_port_read_slow(bus, port, size);
}

static inline void bus_port_write(struct bus *bus, uint16_t port, unsigned int size, uint32_t value)
{
	const struct bus_slot *slot = bus_port_find(bus, port, size);

	if (__builtin_expect(slot != NULL, 1))
		bus_slot_write(slot, port, size, value);
	else
		bus_port_write_slow(bus, port, size, value);
}

/** What a device answers at an address, or is told there. */
static inline uint64_t bus_region_read(const struct bus_region *region, uint64_t address,
				       unsigned int size)
{
	struct device *const dev = region->dev;

	dev->reads++;
	return region->read(dev, region->base + (address - region->first), size);
}

static inline void bus_region_write(const struct bus_region *region, uint64_t address,
				    unsigned int size, uint64_t value)
{
	struct device *const dev = region->dev;

	dev->writes++;
	region->write(dev, region->base + (address - region->first), size, value);
}

/** Accesses that the fast path below doesn't settle. */
uint64_t bus_memory_read_slow(struct bus *bus, uint32_t *hit, uint64_t address, unsigned int size);
void bus_memory_write_slow(struct bus *bus, uint32_t *hit, uint64_t address, unsigned int size,
			   uint64_t value);

/** @return true where the access reaches the region's device whole. */
static inline bool bus_region_takes(const struct bus_region *region, uint64_t address,
				    unsigned int size)
{
	uint64_t offset = address - region->first;

	return offset < region->size && size <= region->width && (size & (size - 1)) == 0 &&
	       size <= region->size - offset;
}

/**
 * Access to memory that isn't RAM; `size` is 1 to 8. `hit` is the caller's cache, 0 at the start. The
 * bytes of a value behind `size` mean nothing where it is read, and are 0 where it is written.
 */
static inline uint64_t bus_memory_read(struct bus *bus, uint32_t *hit, uint64_t address,
				       unsigned int size)
{
	const struct bus_region *region = &bus->region[*hit];

	if (__builtin_expect(bus_region_takes(region, address, size), 1))
		return bus_region_read(region, address, size);
	return bus_memory_read_slow(bus, hit, address, size);
}

static inline void bus_memory_write(struct bus *bus, uint32_t *hit, uint64_t address,
				    unsigned int size, uint64_t value)
{
	const struct bus_region *region = &bus->region[*hit];

	if (__builtin_expect(bus_region_takes(region, address, size), 1))
		bus_region_write(region, address, size, value);
	else
		bus_memory_write_slow(bus, hit, address, size, value);
}

/** Print the ports, and pages of memory, that were asked for in vain. */
void bus_list_absent(const struct bus *bus, void (*put)(void *ctx, char c), void *ctx);

#endif
