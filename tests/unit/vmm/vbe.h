/* SPDX-License-Identifier: BSD-2-Clause */
/** @file vbe.h A driver of vmm/dev/vga_display.h, for tests. */
#ifndef TESTS_UNIT_VMM_VBE_H
#define TESTS_UNIT_VMM_VBE_H

#include "vmm/bus.h"
#include "vmm/dev/vga_display.h"

static inline void vbe_write(struct bus *bus, uint16_t index, uint16_t value)
{
	bus_port_write(bus, 0x1ce, 2, index);
	bus_port_write(bus, 0x1cf, 2, value);
}

/** A framebuffer of 32 bits a pixel. */
static inline void vbe_mode(struct bus *bus, uint16_t width, uint16_t height)
{
	vbe_write(bus, VBE_ENABLE, 0);
	vbe_write(bus, VBE_XRES, width);
	vbe_write(bus, VBE_YRES, height);
	vbe_write(bus, VBE_BPP, 32);
	vbe_write(bus, VBE_ENABLE, VBE_ENABLED | VBE_LINEAR);
}

#endif
