/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * I/O ports of partitions, by the I/O permission bit map of the task state segment (SDM 1 19.5.2). No
 * partition has any when one of its threads gets the CPU: the first I/O instruction faults, and then the
 * map is put in place until the next thread switch. So whoever has no ports pays nothing for them.
 *
 * A VM exit of VT-x shortens the segment in the CPU (SDM 3C 28.5.2), which shows in the same fault.
 */
#include "kernel/address.h"
#include "kernel/cpu.h"
#include "kernel/device.h"
#include "kernel/end.h"
#include "kernel/memory.h"
#include "kernel/partition.h"
#include "kernel/trap.h"
#include "kernel/user.h"
#include "lib/string.h"

/* A bit for each port, 0: allowed. By partition; NULL: it has none. */
static uint8_t *maps[SYSTEM_MAX_PARTITION];

static uint8_t *new_map(const char *name)
{
	uint64_t phys = memory_alloc(IO_MAP_SIZE, HV_PAGE_SIZE);

	if (phys == 0)
		end_refuse("partition %s: too little memory for its map of I/O ports", name);
	memset(phys_to_virt(phys), 0xff, IO_MAP_SIZE);
	return phys_to_virt(phys);
}

void device_ports_create(const struct system_image *image)
{
	for (uint32_t i = 0; i < image->device_count; i++) {
		const struct system_device *device = &image->devices[i];
		uint8_t **map = &maps[device->partition];

		if (device->kind != SYSTEM_DEVICE_PORTS)
			continue;
		if (*map == NULL)
			*map = new_map(image->partitions[device->partition].name);
		for (uint64_t port = device->base; port < device->base + device->size; port++)
			(*map)[port / 8] &= (uint8_t)~(1u << port % 8);
	}
}

/* ---- which ports an instruction uses ---- */

struct io {
	uint32_t port, size;
};

#define LONGEST 15u /* instruction */

/* What of the instruction can be read; the rest is zero. */
static void fetch(uint8_t code[LONGEST], uint64_t rip)
{
	memset(code, 0, LONGEST);
	if (!user_read(code, rip, LONGEST))
		user_read(code, rip, LONGEST - (size_t)((rip + LONGEST) & HV_PAGE_MASK));
}

static bool is_prefix(uint8_t byte)
{
	static const uint8_t prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};

	return memchr(prefixes, byte, sizeof(prefixes)) != NULL || (byte & 0xf0) == 0x40;
}

/* SDM 2: IN, OUT, INS, OUTS. In pairs, a byte and a (double) word. @return false: another one */
static bool decode(const struct trap_frame *frame, struct io *io)
{
	uint8_t code[LONGEST];
	bool word = false;
	size_t at = 0;

	fetch(code, frame->rip);
	for (; at < LONGEST - 2 && is_prefix(code[at]); at++)
		word |= code[at] == 0x66;
	io->size = (code[at] & 1) == 0 ? 1 : word ? 2 : 4;
	switch (code[at] & ~1) {
	case 0xe4: /* IN, OUT with a constant */
	case 0xe6:
		io->port = code[at + 1];
		return true;
	case 0xec: /* IN, OUT, INS, OUTS with DX */
	case 0xee:
	case 0x6c:
	case 0x6e:
		io->port = (uint16_t)frame->rdx;
		return true;
	default:
		return false;
	}
}

static bool allowed(const uint8_t *map, const struct io *io)
{
	for (uint32_t port = io->port; port < io->port + io->size; port++)
		if (port >= 8 * IO_MAP_SIZE || (map[port / 8] >> port % 8 & 1) != 0)
			return false;
	return true;
}

bool device_ports_fault(const struct trap_frame *frame)
{
	const struct partition *partition = partition_self();
	const uint8_t *map = maps[partition->index];
	struct cpu *cpu = cpu_self();
	struct io io;

	if (map == NULL || !decode(frame, &io) || !allowed(map, &io))
		return false;
	memcpy(cpu->tss->io_map, map, IO_MAP_SIZE);
	cpu->tss->io_map_base = offsetof(struct tss, io_map);
	gdt_load_tss(cpu);
	return true;
}
