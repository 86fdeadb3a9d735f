/* SPDX-License-Identifier: BSD-2-Clause */
/** @file virtio.h A small virtio driver, for attacks that need a device which interrupts. */
#ifndef GUESTS_ATTACK_VIRTIO_H
#define GUESTS_ATTACK_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

/** Chooses the entropy device. For struct act's `skip`: @return why not, or NULL. */
const char *virtio_rng_chosen(void);
/** @return its slot on the PCI bus. */
unsigned virtio_rng_slot(void);
/** Starts it, its queue's interrupt being MSI-X vector `vector`. */
void virtio_rng_begin(uint16_t vector);
/** @return its interrupt status, which reading takes. */
uint8_t virtio_rng_status(void);
/** Has it fill a buffer. @return whether it did. */
bool virtio_rng_request(void);

#endif
