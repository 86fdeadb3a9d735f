/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-071 A guest sets a mode of 32 bits a pixel by the DISPI registers, at their ports or in BAR 2,
 *              and what it draws into BAR 0 is the picture; a mode that doesn't fit into the memory, or
 *              of another depth, isn't set.
 */
#include "vmm/dev/vga_display.h"

#include "lib/string.h"

#define BAR_MEMORY    0u
#define BAR_REGISTERS 2u

/* BAR 2: VGA's registers would be at 400h. */
#define REGISTERS_SIZE 0x1000u
#define DISPI_FIRST    0x500u
#define DISPI_END      (DISPI_FIRST + 2 * VBE_REGISTERS)

#define BYTES 4u /* of a pixel */
#define BPP   32u

static struct vga_display *of_ports(struct device *dev)
{
	return (struct vga_display *)(void *)((char *)dev - offsetof(struct vga_display, ports));
}

/* -------------------------------------------------------------------------------------- registers */

static uint32_t pitch(const struct vga_display *vga)
{
	return vga->reg[VBE_VIRT_WIDTH] * BYTES;
}

static bool mode_fits(uint32_t width, uint32_t height)
{
	return width > 0 && height > 0 && width <= VGA_DISPLAY_MAX_X && height <= VGA_DISPLAY_MAX_Y &&
	       (uint64_t)width * height * BYTES <= VGA_DISPLAY_MEMORY;
}

/** Lines that the memory has room for at this width. */
static uint16_t lines(uint32_t width)
{
	const uint64_t n = VGA_DISPLAY_MEMORY / ((uint64_t)width * BYTES);

	return (uint16_t)(n < UINT16_MAX ? n : UINT16_MAX);
}

static void enable(struct vga_display *vga, uint16_t value)
{
	uint16_t *reg = vga->reg;
	const bool on = (value & VBE_ENABLED) != 0;

	if (on && !mode_fits(reg[VBE_XRES], reg[VBE_YRES]))
		value &= (uint16_t)~VBE_ENABLED;
	else if (on && !(reg[VBE_ENABLE] & VBE_ENABLED)) {
		reg[VBE_VIRT_WIDTH] = reg[VBE_XRES];
		reg[VBE_VIRT_HEIGHT] = lines(reg[VBE_XRES]);
		reg[VBE_X_OFFSET] = reg[VBE_Y_OFFSET] = 0;
		if (!(value & VBE_NOCLEAR))
			memset(vga->memory, 0, (size_t)reg[VBE_XRES] * reg[VBE_YRES] * BYTES);
	}
	reg[VBE_ENABLE] = value;
}

static uint16_t register_read(const struct vga_display *vga, unsigned int index)
{
	static const uint16_t most[] = {
		[VBE_XRES] = VGA_DISPLAY_MAX_X, [VBE_YRES] = VGA_DISPLAY_MAX_Y, [VBE_BPP] = BPP};

	if (index >= VBE_REGISTERS)
		return 0;
	if ((vga->reg[VBE_ENABLE] & VBE_GETCAPS) && index >= VBE_XRES && index <= VBE_BPP)
		return most[index];
	return vga->reg[index];
}

static void register_write(struct vga_display *vga, unsigned int index, uint16_t value)
{
	const bool on = (vga->reg[VBE_ENABLE] & VBE_ENABLED) != 0;

	switch (index) {
	case VBE_ID:
		if (value >= 0xb0c0 && value <= VBE_ID_5)
			vga->reg[VBE_ID] = value;
		break;
	case VBE_XRES:
	case VBE_YRES:
		if (!on)
			vga->reg[index] = value;
		break;
	case VBE_ENABLE:
		enable(vga, value);
		break;
	case VBE_VIRT_WIDTH:
		if (on && value >= vga->reg[VBE_XRES] && lines(value) >= vga->reg[VBE_YRES]) {
			vga->reg[VBE_VIRT_WIDTH] = value;
			vga->reg[VBE_VIRT_HEIGHT] = lines(value);
		}
		break;
	case VBE_X_OFFSET:
	case VBE_Y_OFFSET:
		vga->reg[index] = value;
		break;
	default: /* depth, bank, size of the memory: as they are */
		break;
	}
}

static uint64_t ports_read(struct device *dev, uint64_t where, unsigned int size)
{
	const struct vga_display *vga = of_ports(dev);

	if (size != 2)
		return UINT32_MAX;
	return where == 0 ? vga->index : register_read(vga, vga->index);
}

static void ports_write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct vga_display *vga = of_ports(dev);

	if (size == 2 && where == 0)
		vga->index = (uint16_t)value;
	else if (size == 2 && where == 1)
		register_write(vga, vga->index, (uint16_t)value);
}

/* ------------------------------------------------------------------------------------------- BARs */

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	const struct vga_display *vga = (const struct vga_display *)dev;
	const uint32_t offset = PCI_WHERE_OFFSET(where);
	uint64_t value = 0;

	if (PCI_WHERE_BAR(where) == BAR_MEMORY)
		memcpy(&value, vga->memory + offset, size);
	else if (offset >= DISPI_FIRST && offset < DISPI_END && size == 2)
		value = register_read(vga, (offset - DISPI_FIRST) / 2);
	return value;
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct vga_display *vga = (struct vga_display *)dev;
	const uint32_t offset = PCI_WHERE_OFFSET(where);

	if (PCI_WHERE_BAR(where) == BAR_MEMORY)
		memcpy(vga->memory + offset, &value, size);
	else if (offset >= DISPI_FIRST && offset < DISPI_END && size == 2 && offset % 2 == 0)
		register_write(vga, (offset - DISPI_FIRST) / 2, (uint16_t)value);
}

/** The memory is where BAR 0 is. Where it can't be mapped, accesses come to read() and write(). */
static void memory_follow(struct vga_display *vga)
{
	const uint64_t target = vga->pci.bar[BAR_MEMORY].mapped;

	if (!vga->map || target == vga->mapped)
		return;
	if (vga->mapped != PCI_UNMAPPED)
		vga->map(vga->ctx, vga->mapped, false);
	vga->mapped = PCI_UNMAPPED;
	if (target != PCI_UNMAPPED && vga->map(vga->ctx, target, true))
		vga->mapped = target;
}

static void config_written(struct pci_device *pci, unsigned int where, unsigned int size)
{
	(void)where;
	(void)size;
	memory_follow((struct vga_display *)pci);
}

static const struct pci_hooks hooks = {.config_written = config_written};

/* ---------------------------------------------------------------------------------- reset and making */

static void reset(struct device *dev)
{
	struct vga_display *vga = (struct vga_display *)dev;

	pci_reset(&vga->pci);
	memory_follow(vga);
	vga->index = 0;
	memset(vga->reg, 0, sizeof(vga->reg));
	vga->reg[VBE_ID] = VBE_ID_5;
	vga->reg[VBE_BPP] = BPP;
	vga->reg[VBE_MEMORY_64K] = (uint16_t)(VGA_DISPLAY_MEMORY >> 16);
}

static const struct device_range port_ranges[] = {
	/* A word at 1CFh ends at 1D0h. */
	{.space = DEVICE_PORTS, .first = 0x1ce, .size = 3, .width = 2},
};

static const struct device_class port_class = {
	.name = "vga_display_ports",
	.read = ports_read,
	.write = ports_write,
	.ranges = port_ranges,
	.range_count = 1,
};

static const struct device_class class = {
	.name = "vga_display",
	.read = read,
	.write = write,
	.reset = reset,
};

void vga_display_init(struct vga_display *vga, void *memory)
{
	static const struct pci_identity identity = {.vendor = 0x1234,
						     .device = 0x1111,
						     .subsystem_vendor = 0x1af4,
						     .subsystem = 0x1100,
						     .class_code = 0x030000,
						     .revision = 2};

	*vga = (struct vga_display){.memory = memory, .mapped = PCI_UNMAPPED};
	vga->ports.class = &port_class;
	pci_init(&vga->pci, &class, &identity);
	pci_bar(&vga->pci, BAR_MEMORY, VGA_DISPLAY_MEMORY, PCI_BAR_PREFETCH);
	pci_bar(&vga->pci, BAR_REGISTERS, REGISTERS_SIZE, 0);
	vga->pci.hooks = &hooks;
}

bool vga_display_picture(const struct vga_display *vga, struct vga_picture *picture)
{
	const uint16_t *reg = vga->reg;
	const uint64_t first = (uint64_t)reg[VBE_Y_OFFSET] * pitch(vga) + reg[VBE_X_OFFSET] * BYTES;

	if (!(reg[VBE_ENABLE] & VBE_ENABLED))
		return false;
	*picture = (struct vga_picture){.pixels = vga->memory,
					.width = reg[VBE_XRES],
					.height = reg[VBE_YRES],
					.pitch = pitch(vga)};
	/* An offset that would show what is behind the memory shows its start. */
	if (first + (uint64_t)(picture->height - 1) * picture->pitch + picture->width * BYTES <=
	    VGA_DISPLAY_MEMORY)
		picture->pixels += first;
	return true;
}
