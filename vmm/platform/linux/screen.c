/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's screen, keyboard and mouse for the program that the VMM is in (hypike/vmm.h). */
#include <hypike/vmm.h>

#include "vmm/machine/machine.h"
#include "vmm/main.h"
#include "vmm/vm.h"

bool hypike_vmm_screen_size(unsigned int *width, unsigned int *height)
{
	struct vm *vm = vmm_running();

	if (vm == NULL)
		return false;
	platform_mutex_lock(&vm->lock);
	const struct display_size size = display_size(vm->machine->display());
	platform_mutex_unlock(&vm->lock);
	*width = size.width;
	*height = size.height;
	return true;
}

bool hypike_vmm_screen_draw(uint32_t *pixels, unsigned int width, unsigned int height,
			    unsigned int *first, unsigned int *end)
{
	struct vm *vm = vmm_running();
	struct display_rows rows = {0, 0};

	if (vm == NULL)
		return false;
	platform_mutex_lock(&vm->lock);
	const struct display *display = vm->machine->display();
	const struct display_size size = display_size(display);
	const bool same = size.width == width && size.height == height;
	if (same)
		rows = display_draw(display, pixels, width);
	platform_mutex_unlock(&vm->lock);
	*first = rows.first;
	*end = rows.end;
	return same;
}

void hypike_vmm_key(unsigned int key, bool pressed)
{
	struct vm *vm = vmm_running();

	if (vm == NULL)
		return;
	platform_mutex_lock(&vm->lock);
	vm->machine->key((uint8_t)key, pressed);
	platform_mutex_unlock(&vm->lock);
}

void hypike_vmm_mouse(int x, int y, int wheel, unsigned int buttons)
{
	const struct ps2_motion motion = {x, y, wheel, (uint8_t)buttons};
	struct vm *vm = vmm_running();

	if (vm == NULL)
		return;
	platform_mutex_lock(&vm->lock);
	vm->machine->mouse(&motion);
	platform_mutex_unlock(&vm->lock);
}
