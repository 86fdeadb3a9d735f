/* SPDX-License-Identifier: BSD-2-Clause */
/** @file pc_display.h What machine `pc` shows, and with --display its framebuffer and mouse. */
#ifndef VMM_MACHINE_PC_DISPLAY_H
#define VMM_MACHINE_PC_DISPLAY_H

#include "vmm/dev/i8042.h"
#include "vmm/dev/pci.h"
#include "vmm/dev/vga_text.h"
#include "vmm/display.h"
#include "vmm/vm.h"

/** The text screen is always there; where the options ask for it, add a framebuffer and a mouse. */
hv_status_t pc_display_init(struct vm *vm, struct pci_bus *pci, const struct vga_text *text,
			    struct i8042 *kbc);
/** Show its device, where there is one that isn't on the PCI bus. */
void pc_display_devices(void (*see)(void *ctx, const struct device *dev), void *ctx);
/** What is shown. */
const struct display *pc_display(void);

#endif
