/* SPDX-License-Identifier: BSD-2-Clause */
/** @file npt.c Nested page tables: one walker and one editor for both vendors' formats. */
#include "hypervisor/x86/npt.h"

#define NPT_ENTRIES 512u
#define NPT_LEVELS  4u
/** Host-physical addresses have at most 52 bits (SDM vol. 3, 4.1.4). */
#define HPA_LIMIT (UINT64_C(1) << 52)

/** Where a walk ends: at a leaf, or at the empty entry that stands for everything below it. */
struct place {
	uint64_t *entry;
	uint64_t value;
	uint32_t level; /**< 1: 4 KiB … 4 */
};

static inline uint32_t level_shift(uint32_t level)
{
	return HV_PAGE_SHIFT + 9u * (level - 1u);
}

static inline uint64_t level_size(uint32_t level)
{
	return UINT64_C(1) << level_shift(level);
}

static inline uint64_t *table_of(const struct npt *npt, uint64_t entry)
{
	return (uint64_t *)(uintptr_t)(npt->offset + (entry & NPT_ADDRESS_MASK));
}

/** Every entry is empty, a leaf (marked so) or a table; at level 1 there are no tables. */
static inline struct place walk(const struct npt *npt, uint64_t where)
{
	uint64_t *table = npt->root_table;

	/* Unrolled: all lookups of the driver come through here. */
#pragma GCC unroll 4
	for (uint32_t level = NPT_LEVELS; level > 1u; level--) {
		uint64_t *entry = &table[(where >> level_shift(level)) & (NPT_ENTRIES - 1u)];
		uint64_t value = __atomic_load_n(entry, __ATOMIC_ACQUIRE);

		if (value == 0 || (value & NPT_SOFT_LEAF) != 0)
			return (struct place){entry, value, level};
		table = table_of(npt, value);
	}
	uint64_t *entry = &table[(where >> HV_PAGE_SHIFT) & (NPT_ENTRIES - 1u)];

	return (struct place){entry, __atomic_load_n(entry, __ATOMIC_ACQUIRE), 1u};
}

/* ------------------------------------------------------------------------------------ lookups */

hv_status_t npt_lookup(const struct npt *npt, gpa_t where, struct npt_leaf *leaf)
{
	struct place place;
	uint64_t inside;

	if (where.raw >= NPT_LIMIT)
		return HV_E_FAULT;
	place = walk(npt, where.raw);
	if (place.value == 0)
		return HV_E_FAULT;
	leaf->size = level_size(place.level);
	inside = leaf->size - 1u;
	leaf->address = hpa((place.value & NPT_ADDRESS_MASK & ~inside) | (where.raw & inside));
	leaf->prot = (uint32_t)(place.value >> NPT_SOFT_PROT_SHIFT) & HV_PROT_ALL;
	return HV_OK;
}

void *npt_pointer(const struct npt *npt, gpa_t where, uint32_t prot)
{
	struct place place;
	uint64_t inside;

	if (where.raw >= NPT_LIMIT)
		return NULL;
	place = walk(npt, where.raw);
	if (place.value == 0 || (prot & ~(uint32_t)(place.value >> NPT_SOFT_PROT_SHIFT)) != 0)
		return NULL;
	inside = level_size(place.level) - 1u;
	return host_phys_to_virt(
		hpa((place.value & NPT_ADDRESS_MASK & ~inside) | (where.raw & inside)));
}

/* ------------------------------------------------------------------------------------- entries */

static uint64_t rights(const struct npt_format *format, uint32_t prot)
{
	uint64_t bits = 0;

	if (prot == 0)
		return 0;
	bits |= (prot & HV_PROT_READ) != 0 ? format->read : 0;
	bits |= (prot & HV_PROT_WRITE) != 0 ? format->write : 0;
	bits |= (prot & HV_PROT_EXEC) != 0 ? format->exec : format->no_exec;
	return bits;
}

static uint64_t make_leaf(const struct npt *npt, uint64_t address, uint32_t level, uint32_t prot)
{
	const struct npt_format *format = npt->format;

	return address | format->memory_wb | format->leaf | rights(format, prot) |
	       (level > 1u ? format->large : 0) | NPT_SOFT_LEAF |
	       (uint64_t)prot << NPT_SOFT_PROT_SHIFT;
}

/** The CPU may walk the table at the same time: an entry changes in one piece. */
static inline void set_entry(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static uint64_t *table_new(struct npt *npt)
{
	uint64_t *table = host_pages_alloc(npt->pool, 1);

	if (table == NULL)
		return NULL;
	if ((uint64_t)(uintptr_t)table - host_virt_to_phys(table).raw != npt->offset) {
		host_log("npt: pool pages are not at one offset from their physical address\n");
		host_pages_free(npt->pool, table, 1);
		return NULL;
	}
	npt->pages++;
	return table;
}

static uint64_t table_entry(const struct npt *npt, const uint64_t *table)
{
	return ((uint64_t)(uintptr_t)table - npt->offset) | npt->format->table;
}

/** Replace a large leaf by a table of 512 leaves that say the same. */
static hv_status_t split(struct npt *npt, const struct place *place)
{
	uint32_t level = place->level - 1u;
	uint32_t prot = (uint32_t)(place->value >> NPT_SOFT_PROT_SHIFT) & HV_PROT_ALL;
	uint64_t first = place->value & NPT_ADDRESS_MASK & ~(level_size(place->level) - 1u);
	uint64_t *table = table_new(npt);

	if (table == NULL)
		return HV_E_NOMEM;
	for (uint32_t i = 0; i < NPT_ENTRIES; i++)
		table[i] = make_leaf(npt, first + i * level_size(level), level, prot);
	set_entry(place->entry, table_entry(npt, table));
	return HV_OK;
}

/* ------------------------------------------------------------------------------- init and exit */

hv_status_t npt_init(struct npt *npt, const struct npt_format *format, struct host_pool *pool)
{
	*npt = (struct npt){.format = format, .pool = pool};
	npt->root_table = host_pages_alloc(pool, 1);
	if (npt->root_table == NULL)
		return HV_E_NOMEM;
	npt->offset = (uint64_t)(uintptr_t)npt->root_table - host_virt_to_phys(npt->root_table).raw;
	npt->pages = 1;
	npt->max_leaf_level = format->has_1g() ? 3u : 2u;
	return HV_OK;
}

/* The time that it takes grows with the VM's memory, so others may run after each table. */
void npt_exit(struct npt *npt)
{
	uint64_t *table[NPT_LEVELS + 1u] = {[NPT_LEVELS] = npt->root_table};
	uint32_t next[NPT_LEVELS + 1u] = {0};
	uint32_t level = NPT_LEVELS;

	if (npt->root_table == NULL)
		return;
	while (level <= NPT_LEVELS) {
		uint64_t value;

		if (level == 1u || next[level] == NPT_ENTRIES) {
			host_pages_free(npt->pool, table[level], 1);
			host_poll();
			level++;
			continue;
		}
		value = table[level][next[level]++];
		if (value != 0 && (value & NPT_SOFT_LEAF) == 0) {
			level--;
			table[level] = table_of(npt, value);
			next[level] = 0;
		}
	}
	npt->root_table = NULL;
	npt->pages = 0;
}

/* ------------------------------------------------------------------------------------- changes */

static bool range_valid(gpa_t where, uint64_t size)
{
	return ((where.raw | size) & HV_PAGE_MASK) == 0 && hv_range_ok(where.raw, size, NPT_LIMIT);
}

static bool prot_valid(uint32_t prot)
{
	return prot == 0 || ((prot & HV_PROT_READ) != 0 && (prot & ~HV_PROT_ALL) == 0);
}

static inline uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/** Is the range free, as far as `steps` leaves can reach? A hole covers one leaf or more. */
static hv_status_t check_free(const struct npt *npt, uint64_t where, uint64_t size, uint32_t steps)
{
	uint64_t end = where + size;

	for (; where < end && steps > 0; steps--) {
		struct place place = walk(npt, where);

		if (place.value != 0)
			return HV_E_EXISTS;
		where = (where | (level_size(place.level) - 1u)) + 1u;
	}
	return HV_OK;
}

/** Highest level at which one leaf can start here. */
static uint32_t leaf_level(const struct npt *npt, uint64_t where, uint64_t from, uint64_t size)
{
	uint32_t level = npt->max_leaf_level;

	while (level > 1u &&
	       (((where | from) & (level_size(level) - 1u)) != 0 || size < level_size(level)))
		level--;
	return level;
}

/** Make tables below the empty entry `place` down to `level`. */
static hv_status_t descend(struct npt *npt, struct place *place, uint64_t where, uint32_t level)
{
	while (place->level > level) {
		uint64_t *table = table_new(npt);

		if (table == NULL)
			return HV_E_NOMEM;
		set_entry(place->entry, table_entry(npt, table));
		place->level--;
		place->entry =
			&table[(where >> level_shift(place->level)) & (NPT_ENTRIES - 1u)];
	}
	return HV_OK;
}

/** One run of leaves inside one table: at most `steps`. @return how many, 0: no memory for a table. */
static uint32_t map_run(struct npt *npt, uint64_t where, uint64_t from, uint64_t size,
			uint32_t prot, uint32_t steps)
{
	struct place place = walk(npt, where);
	uint32_t count = 0;
	uint64_t page;
	uint64_t room;

	if (descend(npt, &place, where, leaf_level(npt, where, from, size)) != HV_OK)
		return 0;
	page = level_size(place.level);
	room = NPT_ENTRIES - ((where >> level_shift(place.level)) & (NPT_ENTRIES - 1u));
	room = min64(min64(room, size / page), steps);
	while (count < room && place.entry[count] == 0) {
		set_entry(&place.entry[count],
			  make_leaf(npt, from + count * page, place.level, prot));
		count++;
	}
	return count;
}

/**
 * @req HV-060 A VM reaches the memory that was mapped for it, with the rights given, and nothing else; an
 *      operation that fails leaves its tables in order.
 * @req HV-061 One call changes at most as many leaves as it is told to.
 */
hv_status_t npt_map(struct npt *npt, gpa_t where, hpa_t from, uint64_t size, uint32_t prot,
		    uint32_t steps, uint64_t *done)
{
	*done = 0;
	if (!range_valid(where, size) || !prot_valid(prot) || (from.raw & HV_PAGE_MASK) != 0 ||
	    !hv_range_ok(from.raw, size, HPA_LIMIT))
		return HV_E_INVALID;
	if (check_free(npt, where.raw, size, steps) != HV_OK)
		return HV_E_EXISTS;
	while (*done < size && steps > 0) {
		uint64_t at = where.raw + *done;
		uint32_t count = map_run(npt, at, from.raw + *done, size - *done, prot, steps);

		if (count == 0)
			return HV_E_NOMEM;
		*done += count * level_size(walk(npt, at).level);
		steps -= count;
	}
	return HV_OK;
}

/** What npt_unmap() and npt_protect() do to a leaf. */
struct edit {
	bool remove;
	uint32_t prot;
};

static bool already(const struct edit *edit, uint64_t value)
{
	return !edit->remove &&
	       ((uint32_t)(value >> NPT_SOFT_PROT_SHIFT) & HV_PROT_ALL) == edit->prot;
}

static void apply(const struct npt *npt, const struct place *place, const struct edit *edit)
{
	uint64_t address = place->value & NPT_ADDRESS_MASK & ~(level_size(place->level) - 1u);

	set_entry(place->entry,
		  edit->remove ? 0 : make_leaf(npt, address, place->level, edit->prot));
}

static hv_status_t change(struct npt *npt, uint64_t where, uint64_t size, const struct edit *edit,
			  uint32_t steps, uint64_t *done)
{
	for (; *done < size && steps > 0; steps--) {
		uint64_t at = where + *done;
		struct place place = walk(npt, at);
		uint64_t page = level_size(place.level);
		uint64_t piece = min64(page - (at & (page - 1u)), size - *done);

		if (place.value == 0 && !edit->remove)
			return HV_E_FAULT;
		if (place.value != 0 && !already(edit, place.value)) {
			if (piece != page) {
				if (split(npt, &place) != HV_OK)
					return HV_E_NOMEM;
				continue;
			}
			apply(npt, &place, edit);
		}
		*done += piece;
	}
	return HV_OK;
}

hv_status_t npt_unmap(struct npt *npt, gpa_t where, uint64_t size, uint32_t steps, uint64_t *done)
{
	static const struct edit edit = {.remove = true};

	*done = 0;
	if (!range_valid(where, size))
		return HV_E_INVALID;
	return change(npt, where.raw, size, &edit, steps, done);
}

hv_status_t npt_protect(struct npt *npt, gpa_t where, uint64_t size, uint32_t prot, uint32_t steps,
			uint64_t *done)
{
	const struct edit edit = {.prot = prot};

	*done = 0;
	if (!range_valid(where, size) || !prot_valid(prot))
		return HV_E_INVALID;
	return change(npt, where.raw, size, &edit, steps, done);
}
