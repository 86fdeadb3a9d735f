/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/virtio_driver.h"

#include <stdlib.h>
#include <string.h>

uint8_t vdriver_memory[VDRIVER_MEMORY] __attribute__((aligned(4096)));

static void *memory_at(void *ctx, uint64_t address, uint64_t size, bool write)
{
	(void)ctx;
	if (size > VDRIVER_MEMORY || address > VDRIVER_MEMORY - size)
		return NULL;
	if (write && address < VDRIVER_READONLY + 0x10000 && address + size > VDRIVER_READONLY)
		return NULL;
	return vdriver_memory + address;
}

const struct virtio_memory vdriver_view = {memory_at, NULL};

static void *at(uint64_t address)
{
	return vdriver_memory + address;
}

struct virtq_desc *vdriver_desc(struct vdriver *d, unsigned int index)
{
	return (struct virtq_desc *)at(d->setup.desc) + index;
}

struct virtq_packed_desc *vdriver_packed(struct vdriver *d, unsigned int index)
{
	return (struct virtq_packed_desc *)at(d->setup.desc) + index;
}

uint16_t *vdriver_avail_index(struct vdriver *d)
{
	return (uint16_t *)at(d->setup.driver) + 1;
}

uint16_t *vdriver_avail_entry(struct vdriver *d, unsigned int index)
{
	return (uint16_t *)at(d->setup.driver) + 2 + index;
}

void vdriver_init(struct vdriver *d, const struct virtq_setup *kind, uint64_t where)
{
	const struct virtq_setup setup = *kind; /* may be d's own */
	uint32_t size = setup.size;

	memset(d, 0, sizeof(*d));
	memset(vdriver_memory + where, 0, 0x10000);
	d->setup = setup;
	d->setup.desc = where;
	d->setup.driver = where + 16 * size;
	d->setup.device = (d->setup.driver + 6 + 2 * size + 63) & ~UINT64_C(63);
	d->tables = where + 0x2000;
	d->avail_wrap = d->used_wrap = true;
	d->free = setup.size;
	for (uint16_t i = 0; i < size; i++)
		d->next[i] = (uint16_t)(i + 1);
}

/* ------------------------------------------------------------------------------------- split ring */

static uint16_t split_slot(struct vdriver *d)
{
	uint16_t slot = d->first_free;

	d->first_free = d->next[slot];
	d->free--;
	return slot;
}

/** Write `count` descriptors, the first into `slot`; `table`: in a row. */
static void split_write(struct vdriver *d, struct virtq_desc *table, uint16_t slot, bool row,
			const struct vdriver_buffer *buffers, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		bool more = i + 1 < count;
		uint16_t next = !more ? 0 : row ? (uint16_t)(slot + 1) : split_slot(d);
		table[slot] = (struct virtq_desc){
			.address = buffers[i].address,
			.size = buffers[i].size,
			.flags = (uint16_t)((more ? VIRTQ_DESC_NEXT : 0) |
					    (buffers[i].write ? VIRTQ_DESC_WRITE : 0)),
			.next = next};
		slot = next;
	}
}

static int split_add(struct vdriver *d, const struct vdriver_buffer *buffers, unsigned int count,
		     bool indirect)
{
	uint16_t head = split_slot(d);

	if (indirect) {
		uint64_t table = d->tables + head * 256u;
		split_write(d, at(table), 0, true, buffers, count);
		*vdriver_desc(d, head) = (struct virtq_desc){.address = table,
							     .size = 16 * count,
							     .flags = VIRTQ_DESC_INDIRECT};
	} else {
		split_write(d, vdriver_desc(d, 0), head, false, buffers, count);
	}
	d->slots[head] = (uint16_t)(indirect ? 1 : count);
	*vdriver_avail_entry(d, (uint16_t)(d->avail + d->added) % d->setup.size) = head;
	d->added++;
	return head;
}

static bool split_kick(struct vdriver *d)
{
	uint16_t old = d->avail;
	const uint16_t *used = at(d->setup.device);

	d->avail = (uint16_t)(d->avail + d->added);
	d->added = 0;
	__atomic_store_n(vdriver_avail_index(d), d->avail, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!d->setup.event_index)
		return !(used[0] & 1);
	uint16_t event = used[2 + 4 * d->setup.size];
	return (uint16_t)(d->avail - event - 1) < (uint16_t)(d->avail - old);
}

static bool split_used(struct vdriver *d, uint16_t *id, uint32_t *written)
{
	const uint16_t *used = at(d->setup.device);

	if (__atomic_load_n(&used[1], __ATOMIC_ACQUIRE) == d->used)
		return false;
	const uint32_t *entry = (const uint32_t *)(const void *)used + 1 +
				2 * (d->used % d->setup.size);
	*id = (uint16_t)entry[0];
	*written = entry[1];
	d->used++;
	uint16_t slot = *id;
	for (uint16_t i = 0; i < d->slots[*id]; i++) { /* back to the free ones */
		uint16_t next = vdriver_desc(d, slot)->next;
		d->next[slot] = d->first_free;
		d->first_free = slot;
		d->free++;
		slot = next;
	}
	return true;
}

/* ------------------------------------------------------------------------------------ packed ring */

static uint16_t packed_id(struct vdriver *d)
{
	for (uint16_t id = 0; id < d->setup.size; id++) {
		if (!d->id_taken[id]) {
			d->id_taken[id] = true;
			return id;
		}
	}
	abort();
}

static void packed_write(struct virtq_packed_desc *desc, const struct vdriver_buffer *buffer,
			 uint16_t id)
{
	desc->address = buffer->address;
	desc->size = buffer->size;
	desc->id = id;
}

static int packed_add(struct vdriver *d, const struct vdriver_buffer *buffers, unsigned int count,
		      bool indirect)
{
	uint16_t id = packed_id(d), first = d->avail, first_flags = 0;
	unsigned int slots = indirect ? 1 : count;

	for (unsigned int i = 0; i < slots; i++) {
		struct virtq_packed_desc *desc = vdriver_packed(d, d->avail);
		uint32_t flags = d->avail_wrap ? VIRTQ_DESC_AVAIL : VIRTQ_DESC_USED;
		if (indirect) {
			struct vdriver_buffer table = {d->tables + id * 256u, 16 * count, false};
			struct virtq_packed_desc *to = at(table.address);
			for (unsigned int n = 0; n < count; n++) {
				packed_write(&to[n], &buffers[n], 0xdead);
				to[n].flags = buffers[n].write ? VIRTQ_DESC_WRITE : 0;
			}
			packed_write(desc, &table, id);
			flags |= VIRTQ_DESC_INDIRECT;
		} else {
			packed_write(desc, &buffers[i], i + 1 == count ? id : 0xdead);
			flags |= buffers[i].write ? VIRTQ_DESC_WRITE : 0;
			flags |= i + 1 < count ? VIRTQ_DESC_NEXT : 0;
		}
		if (i == 0)
			first_flags = (uint16_t)flags;
		else
			desc->flags = (uint16_t)flags;
		if (++d->avail == d->setup.size) {
			d->avail = 0;
			d->avail_wrap = !d->avail_wrap;
		}
	}
	d->slots[id] = (uint16_t)slots;
	d->free = (uint16_t)(d->free - slots);
	d->added = (uint16_t)(d->added + slots);
	__atomic_store_n(&vdriver_packed(d, first)->flags, first_flags, __ATOMIC_SEQ_CST);
	return id;
}

static bool packed_kick(struct vdriver *d)
{
	const uint16_t *event = at(d->setup.device);
	uint16_t added = d->added;

	d->added = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (event[1] != 2)
		return event[1] == 0;
	uint16_t place = event[0] & 0x7fff;
	if ((event[0] >> 15) != d->avail_wrap)
		place = (uint16_t)(place - d->setup.size);
	return (uint16_t)(d->avail - place - 1) < added;
}

static bool packed_used(struct vdriver *d, uint16_t *id, uint32_t *written)
{
	const struct virtq_packed_desc *desc = vdriver_packed(d, d->used);
	uint16_t flags = __atomic_load_n(&desc->flags, __ATOMIC_ACQUIRE);

	if (!!(flags & VIRTQ_DESC_AVAIL) != d->used_wrap || !!(flags & VIRTQ_DESC_USED) != d->used_wrap)
		return false;
	*id = desc->id;
	*written = flags & VIRTQ_DESC_WRITE ? desc->size : 0;
	d->used = (uint16_t)(d->used + d->slots[*id]);
	d->free = (uint16_t)(d->free + d->slots[*id]);
	d->id_taken[*id] = false;
	if (d->used >= d->setup.size) {
		d->used = (uint16_t)(d->used - d->setup.size);
		d->used_wrap = !d->used_wrap;
	}
	return true;
}

/* ------------------------------------------------------------------------------------------ either */

int vdriver_add(struct vdriver *d, const struct vdriver_buffer *buffers, unsigned int count,
		bool indirect)
{
	if (d->free < (indirect ? 1 : count))
		return -1;
	return d->setup.packed ? packed_add(d, buffers, count, indirect)
			       : split_add(d, buffers, count, indirect);
}

bool vdriver_kick(struct vdriver *d)
{
	return d->setup.packed ? packed_kick(d) : split_kick(d);
}

bool vdriver_used(struct vdriver *d, uint16_t *id, uint32_t *written)
{
	return d->setup.packed ? packed_used(d, id, written) : split_used(d, id, written);
}

static void packed_interrupts(struct vdriver *d, enum vdriver_wish wish, uint16_t skip)
{
	uint16_t *event = at(d->setup.driver);
	uint16_t place = (uint16_t)(d->used + (wish == VDRIVER_AFTER ? skip : 0));
	bool wrap = d->used_wrap;

	if (place >= d->setup.size) {
		place = (uint16_t)(place - d->setup.size);
		wrap = !wrap;
	}
	event[0] = (uint16_t)(place | wrap << 15);
	event[1] = wish == VDRIVER_NEVER ? 1 : wish == VDRIVER_ALWAYS ? 0 : 2;
}

void vdriver_interrupts(struct vdriver *d, enum vdriver_wish wish, uint16_t skip)
{
	uint16_t *avail = at(d->setup.driver);

	if (d->setup.packed) {
		packed_interrupts(d, wish, skip);
	} else if (!d->setup.event_index) {
		avail[0] = wish == VDRIVER_NEVER;
	} else if (wish != VDRIVER_NEVER) { /* "never" is a place that is far away */
		avail[2 + d->setup.size] = (uint16_t)(d->used + (wish == VDRIVER_AFTER ? skip : 0));
	} else {
		avail[2 + d->setup.size] = (uint16_t)(d->used - 1);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
