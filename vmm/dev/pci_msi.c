/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI (PCI Local Bus Specification 3.0, 6.8.1): one message, 64-bit address, maskable. It takes the place of the
 * interrupt pin: asking for the pin sends it, once until the device asks no more.
 *
 * @req VMM-118 A device with MSI sends its message instead of driving its interrupt pin while MSI is on; one
 *              that is masked is pending until it is unmasked or the device's request ends.
 */
#include "lib/string.h"
#include "vmm/dev/pci_internal.h"

/* Offsets in the capability (figure 6-9), and bits of message control (6.8.1.3). */
#define MSI_CONTROL	 2u
#define MSI_ADDRESS	 4u
#define MSI_ADDRESS_HIGH 8u
#define MSI_DATA	 12u
#define MSI_MASK	 16u
#define MSI_PENDING	 20u
#define MSI_SIZE	 24u

#define MSI_ENABLE   0x0001u
#define MSI_64BIT    0x0080u
#define MSI_MASKABLE 0x0100u

static const uint8_t *capability(const struct pci_device *pci)
{
	return pci->config + pci->msi;
}

bool pci_msi_enabled(const struct pci_device *pci)
{
	return pci->msi != 0 && (pci_load16(capability(pci) + MSI_CONTROL) & MSI_ENABLE) != 0;
}

static void send(const struct pci_device *pci)
{
	const struct pci_upstream *up = &pci->bus->up;
	const uint8_t *cap = capability(pci);

	up->msi(up->ctx,
		(uint64_t)pci_load32(cap + MSI_ADDRESS_HIGH) << 32 | pci_load32(cap + MSI_ADDRESS),
		pci_load16(cap + MSI_DATA));
}

void pci_msi_drive(struct pci_device *pci)
{
	if (pci->msi == 0)
		return;
	const bool masked = (capability(pci)[MSI_MASK] & 1u) != 0;
	const bool due = pci->intx && pci_msi_enabled(pci) && !pci->msi_sent;

	if (!pci->intx || !pci_msi_enabled(pci))
		pci->msi_sent = false;
	pci->config[pci->msi + MSI_PENDING] = due && masked;
	if (due && !masked && pci->bus) {
		pci->msi_sent = true;
		send(pci);
	}
}

void pci_msi(struct pci_device *pci)
{
	const uint8_t body[MSI_SIZE - 2] = {MSI_64BIT, MSI_MASKABLE >> 8};
	uint8_t writable[MSI_SIZE] = {[MSI_CONTROL] = MSI_ENABLE, [MSI_ADDRESS] = 0xfc, [MSI_MASK] = 1};

	memset(writable + MSI_ADDRESS + 1, 0xff, MSI_DATA + 2 - (MSI_ADDRESS + 1));
	pci->msi = (uint16_t)pci_capability(pci, PCI_CAP_MSI, body, sizeof(body), writable + 2);
}
