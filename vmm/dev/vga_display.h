/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vga_display.h
 * A linear framebuffer: Bochs's VBE extensions ("DISPI", Bochs's iodev/display/vga.h and QEMU's
 * docs/specs/standard-vga), as PCI display 1234h:1111h, which Linux's driver bochs and others know. The
 * picture's memory is in BAR 0, the registers at ports 1CEh and 1CFh and in BAR 2. 32 bits a pixel alone.
 */
#ifndef VMM_DEV_VGA_DISPLAY_H
#define VMM_DEV_VGA_DISPLAY_H

#include "vmm/dev/pci.h"

#define VGA_DISPLAY_MEMORY UINT64_C(0x1000000) /**< bytes of the picture's memory */
#define VGA_DISPLAY_MAX_X  2560u
#define VGA_DISPLAY_MAX_Y  1600u

/** Registers by their index. */
enum vbe_register {
	VBE_ID = 0,
	VBE_XRES,
	VBE_YRES,
	VBE_BPP,
	VBE_ENABLE,
	VBE_BANK,
	VBE_VIRT_WIDTH,
	VBE_VIRT_HEIGHT,
	VBE_X_OFFSET,
	VBE_Y_OFFSET,
	VBE_MEMORY_64K,
	VBE_REGISTERS
};

#define VBE_ID_5	0xb0c5u
#define VBE_ENABLED	0x01u
#define VBE_GETCAPS	0x02u
#define VBE_LINEAR	0x40u
#define VBE_NOCLEAR	0x80u

struct vga_display {
	struct pci_device pci;
	struct device ports; /**< answers at 1CEh and 1CFh */
	uint8_t *memory;     /**< VGA_DISPLAY_MEMORY bytes: the picture */
	/** Let the guest have the memory at `where` without exits, or (on false) take it away. May be NULL. */
	bool (*map)(void *ctx, uint64_t where, bool on);
	void *ctx;
	uint64_t mapped; /**< where it is so now, or PCI_UNMAPPED */
	uint16_t index;
	uint16_t reg[VBE_REGISTERS];
};

/** What is shown of the memory. */
struct vga_picture {
	const uint8_t *pixels; /**< the first one; 4 bytes each: blue, green, red, nothing */
	uint32_t width, height;
	uint32_t pitch; /**< bytes from a line to the next */
};

void vga_display_init(struct vga_display *vga, void *memory);
/** @return whether a mode is set: then the picture, all of it in the memory. */
bool vga_display_picture(const struct vga_display *vga, struct vga_picture *picture);

#endif
