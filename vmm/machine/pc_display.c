/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/machine/pc_display.h"

#include "vmm/options.h"

#define SLOT_DISPLAY 1u

static struct {
	struct vga_display vga;
	struct display display;
} screen;

/** RAM there already stays what it is: then the framebuffer is reached by exits, or not at all. */
static bool map(void *ctx, uint64_t where, bool on)
{
	const hv_vm_t handle = ((struct vm *)ctx)->handle;

	if (on)
		return hv_map(handle, gpa(where), screen.vga.memory, VGA_DISPLAY_MEMORY,
			      HV_PROT_READ | HV_PROT_WRITE) == HV_OK;
	return hv_unmap(handle, gpa(where), VGA_DISPLAY_MEMORY) == HV_OK;
}

static hv_status_t linear_init(struct vm *vm, struct pci_bus *pci)
{
	void *memory = platform_memory(VGA_DISPLAY_MEMORY);

	if (!memory) {
		vm_log(vm, "--display: too little memory for a framebuffer of 16 MiB");
		return HV_E_NOMEM;
	}
	vga_display_init(&screen.vga, memory);
	screen.vga.map = map;
	screen.vga.ctx = vm;
	screen.display.linear = &screen.vga;
	hv_status_t status = pci_attach(pci, &screen.vga.pci, SLOT_DISPLAY);
	return status == HV_OK ? bus_attach(&vm->bus, &screen.vga.ports) : status;
}

hv_status_t pc_display_init(struct vm *vm, struct pci_bus *pci, const struct vga_text *text,
			    struct i8042 *kbc)
{
	screen.display = (struct display){.text = text};
	kbc->has_mouse = vm->options->display;
	return vm->options->display ? linear_init(vm, pci) : HV_OK;
}

void pc_display_devices(void (*see)(void *ctx, const struct device *dev), void *ctx)
{
	if (screen.display.linear != NULL) /* its PCI device is on the bus */
		see(ctx, &screen.vga.ports);
}

const struct display *pc_display(void)
{
	return &screen.display;
}
