/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware: a ROM that ends at 4 GiB, whose last 128 KiB also lie below 1 MiB. vCPU 0 stays as a reset leaves it:
 * in real mode at F000:FFF0, its code segment based at FFFF0000 (SDM vol. 3, 10.1.4).
 *
 * @req BOOT-020 A firmware image is mapped read-only up to 4 GiB, its end up to 1 MiB, and entered at the reset
 *               vector in real mode; one that is missing, empty, no multiple of 4 KiB or larger than 16 MiB is
 *               refused with a message.
 */
#include "vmm/boot/boot.h"

#include "lib/kernel_check.h"
#include "lib/string.h"
#include "vmm/machine/pc_firmware.h"
#include "vmm/status.h"

#define SHADOW_START 0xe0000u
#define SHADOW_END   0x100000u

/** The ROM is mapped once, and stays over reboots. */
static int rom_map(struct vm *vm, const char *name, const struct platform_file *file)
{
	uint8_t *rom = platform_memory(file->size);

	if (!rom) {
		vm_log(vm, "%s: too little memory for this firmware", name);
		return VMM_STATUS_MEMORY;
	}
	memcpy(rom, file->data, (size_t)file->size);
	hv_status_t status = vm_map(vm, VM_HIGH_START - file->size, rom, file->size,
				    HV_PROT_READ | HV_PROT_EXEC);
	if (status != HV_OK) {
		vm_log(vm, "%s: cannot map it: error %d", name, status);
		return VMM_STATUS_HYPERVISOR;
	}
	return 0;
}

static void shadow_fill(struct vm *vm, const struct platform_file *file)
{
	const uint64_t room = SHADOW_END - SHADOW_START;
	const uint64_t size = file->size < room ? file->size : room;

	memset(vm->ram + SHADOW_START, 0, (size_t)(room - size));
	memcpy(vm->ram + SHADOW_END - size, (const uint8_t *)file->data + file->size - size,
	       (size_t)size);
}

int boot_firmware(struct vm *vm, const struct options *options)
{
	const char *name = options->firmware;
	struct platform_file file;

	if (options->kernel || options->modules > 0 || options->cmdline[0] != '\0') {
		vm_log(vm, "--firmware: beside it, there is no kernel, module or command line");
		return VMM_STATUS_OPTIONS;
	}
	if (!platform_file(name, &file))
		return boot_refuse(vm, name, "no such file in this partition");
	const char *why = firmware_check(file.size);
	if (!why && vm->ram_size < PC_FIRMWARE_MIN_RAM)
		why = "a VM with firmware needs at least 2M of memory";
	if (why)
		return boot_refuse(vm, name, why);
	if (vm->restarts == 0) {
		int failed = rom_map(vm, name, &file);
		if (failed)
			return failed;
	}
	shadow_fill(vm, &file);
	return 0;
}
