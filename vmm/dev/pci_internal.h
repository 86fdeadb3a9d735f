/* SPDX-License-Identifier: BSD-2-Clause */
/** @file pci_internal.h Between the files of the PCI bus. */
#ifndef VMM_DEV_PCI_INTERNAL_H
#define VMM_DEV_PCI_INTERNAL_H

#include "vmm/dev/pci.h"

uint16_t pci_load16(const uint8_t *at);
uint32_t pci_load32(const uint8_t *at);

/** A device's configuration space, as the guest reads and writes it; the access is inside. */
uint32_t pci_device_read(struct pci_device *pci, unsigned int where, unsigned int size);
void pci_device_write(struct pci_device *pci, unsigned int where, unsigned int size,
		      uint32_t value);
/** Drive the interrupt pin as the device and its registers say. */
void pci_drive(struct pci_device *pci);

/** Has the guest switched MSI on? */
bool pci_msi_enabled(const struct pci_device *pci);
/** The device's request, or a register, may have changed: send the message where it is time. */
void pci_msi_drive(struct pci_device *pci);

/** State after a reset; what the table says stays hidden until then. */
void pci_msix_reset(struct pci_device *pci);
/** The control word may have changed: send what was held back. */
void pci_msix_update(struct pci_device *pci);

#endif
