/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file virtio_pci.h
 * Virtio over PCI (VIRTIO 1.2, 4.1), without the legacy interface. BAR 0 has a page each for the common
 * configuration, the interrupt status, the device's configuration and the notifications, BAR 1 the
 * MSI-X table, with a vector per queue and one for changes of the configuration.
 */
#ifndef VMM_DEV_VIRTIO_VIRTIO_PCI_H
#define VMM_DEV_VIRTIO_VIRTIO_PCI_H

#include "vmm/dev/pci.h"
#include "vmm/dev/virtio/virtio.h"

#define VIRTIO_PCI_COMMON 0x0000u
#define VIRTIO_PCI_ISR	  0x1000u
#define VIRTIO_PCI_CONFIG 0x2000u
#define VIRTIO_PCI_NOTIFY 0x3000u
#define VIRTIO_PCI_SIZE	  0x4000u

/** Bytes from one queue's notification address to the next. */
#define VIRTIO_PCI_NOTIFY_STEP 4u

#define VIRTIO_PCI_NO_VECTOR 0xffffu

struct virtio_pci;

/** A queue's doorbell. */
struct virtio_pci_bell {
	struct virtio_pci *vpci;
	unsigned int queue;
};

struct virtio_pci {
	struct pci_device pci;
	struct device_class class; /**< with the name of the device behind it */
	struct virtio_device *device;
	uint64_t accepted; /**< features that the driver has written so far */
	uint32_t feature_select, accept_select;
	uint32_t window; /**< where in configuration space the access capability is (4.1.4.9) */
	uint16_t queue_select;
	uint16_t config_vector;
	uint16_t vector[VIRTIO_QUEUES];
	uint64_t rung; /**< its doorbells; several rings may come as one */
	uint8_t isr;
	struct virtio_pci_bell bell[VIRTIO_QUEUES];
};

/** Make `device` (after virtio_init()) a PCI device. */
void virtio_pci_init(struct virtio_pci *vpci, struct virtio_device *device);
/** Put it on the bus, with doorbells. */
hv_status_t virtio_pci_attach(struct virtio_pci *vpci, struct pci_bus *bus, unsigned int slot);

#endif
