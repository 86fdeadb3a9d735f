/* SPDX-License-Identifier: BSD-2-Clause */
/** @file pci.h PCI devices of the machine, by configuration mechanism 1 (PCI 3.0, 3.2.2.3.2). */
#ifndef GUESTS_ATTACK_PCI_H
#define GUESTS_ATTACK_PCI_H

#include <stdint.h>

#include "lib/x86/cpu.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u

#define PCI_COMMAND	   0x04u
#define PCI_BAR(n)	   (0x10u + 4 * (n))
#define PCI_CAPABILITIES   0x34u
#define PCI_COMMAND_MEMORY 2u
#define PCI_COMMAND_MASTER 4u
#define PCI_SLOTS	   32u

static inline uint32_t pci_read(unsigned slot, unsigned offset)
{
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | slot << 11 | offset);
	return inl(CONFIG_DATA);
}

static inline void pci_write(unsigned slot, unsigned offset, uint32_t value)
{
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | slot << 11 | offset);
	outl(CONFIG_DATA, value);
}

/** @return the slot of the first device with these vendor and device IDs, or 0. */
static inline unsigned pci_find(uint32_t id)
{
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++)
		if (pci_read(slot, 0) == id)
			return slot;
	return 0;
}

#endif
