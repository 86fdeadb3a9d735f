/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file virtio_driver.h
 * The driver's side of a virtqueue, split or packed, in a piece of memory that stands for the guest's.
 * Written from VIRTIO 1.2's driver requirements, on its own: a mistake in the device's side shows.
 */
#ifndef TESTS_UNIT_VMM_VIRTIO_DRIVER_H
#define TESTS_UNIT_VMM_VIRTIO_DRIVER_H

#include "vmm/dev/virtio/queue.h"

#define VDRIVER_MEMORY	 (1u << 20)
#define VDRIVER_READONLY 0x80000u /**< from here 64 KiB that the guest may not write */
#define VDRIVER_SLOTS	 256u

struct vdriver_buffer {
	uint64_t address;
	uint32_t size;
	bool write;
};

struct vdriver {
	struct virtq_setup setup;
	uint64_t tables; /**< where indirect tables are, one per slot */
	uint16_t avail, used;
	bool avail_wrap, used_wrap;
	uint16_t free;		       /**< descriptors that nobody uses */
	uint16_t added;		       /**< since the last vdriver_kick() */
	uint16_t next[VDRIVER_SLOTS];  /**< split: of a free descriptor */
	uint16_t first_free;
	bool id_taken[VDRIVER_SLOTS];
	uint16_t slots[VDRIVER_SLOTS]; /**< by id: descriptors in use */
};

/** The guest's memory. */
extern uint8_t vdriver_memory[VDRIVER_MEMORY];
extern const struct virtio_memory vdriver_view;

/** A queue whose areas begin at `where`, in zeroed memory; takes less than 64 KiB. */
void vdriver_init(struct vdriver *d, const struct virtq_setup *kind, uint64_t where);
/** Add a buffer. @return its id, -1: no room. */
int vdriver_add(struct vdriver *d, const struct vdriver_buffer *buffers, unsigned int count,
		bool indirect);
/** Publish what was added. @return whether the device wants to be notified. */
bool vdriver_kick(struct vdriver *d);
/** Take the next used buffer. @return false: there is none. */
bool vdriver_used(struct vdriver *d, uint16_t *id, uint32_t *written);

enum vdriver_wish { VDRIVER_NEVER, VDRIVER_ALWAYS, VDRIVER_NEXT, VDRIVER_AFTER };
/** Say when to be interrupted; VDRIVER_NEXT, VDRIVER_AFTER: with event index, when the next or the
 *  `skip`th descriptor behind it was used. */
void vdriver_interrupts(struct vdriver *d, enum vdriver_wish wish, uint16_t skip);

/** Descriptors, to be spoiled. */
struct virtq_desc *vdriver_desc(struct vdriver *d, unsigned int index);
struct virtq_packed_desc *vdriver_packed(struct vdriver *d, unsigned int index);
uint16_t *vdriver_avail_index(struct vdriver *d);
uint16_t *vdriver_avail_entry(struct vdriver *d, unsigned int index);

#endif
