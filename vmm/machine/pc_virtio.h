/* SPDX-License-Identifier: BSD-2-Clause */
/** @file pc_virtio.h The virtio devices of machine `pc`: those that the options ask for. */
#ifndef VMM_MACHINE_PC_VIRTIO_H
#define VMM_MACHINE_PC_VIRTIO_H

#include "vmm/dev/pci.h"
#include "vmm/vm.h"

/** Make them and put them on the bus; what can't be made is said on the console. */
hv_status_t pc_virtio_init(struct vm *vm, struct pci_bus *bus);
/** Is there a console device with a driver that takes the keys? */
bool pc_virtio_wants_keys(void);
/** How many it takes now. */
unsigned int pc_virtio_room(void);
void pc_virtio_key(uint8_t key);
/** The slot of disk number i. */
unsigned int pc_virtio_disk_slot(unsigned int i);

#endif
