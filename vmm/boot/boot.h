/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file boot.h
 * Loading a guest's kernel and setting up its first vCPU, as the boot protocol asks.
 */
#ifndef VMM_BOOT_BOOT_H
#define VMM_BOOT_BOOT_H

#include "vmm/options.h"
#include "vmm/vm.h"

/**
 * Load kernel and modules per options into a machine after its reset, by the protocol that the kernel's
 * content asks for.
 * @return an enum vmm_status, 0 for success; the reason is on the console as "vmm: FILE: reason".
 */
int boot_guest(struct vm *vm, const struct options *options);

/** The same by one protocol. */
int boot_multiboot(struct vm *vm, const struct options *options);
int boot_multiboot2(struct vm *vm, const struct options *options);
int boot_linux(struct vm *vm, const struct options *options);
/** Firmware in place of a kernel. */
int boot_firmware(struct vm *vm, const struct options *options);

/* ---------------------------------------------------------------------- what the protocols share */

/** Print "FILE: reason"; what stands behind a blank in `file` isn't printed. @return VMM_STATUS_LOAD. */
int boot_refuse(struct vm *vm, const char *file, const char *reason);
/** The hypervisor refused something about vCPU 0's state. @return VMM_STATUS_HYPERVISOR. */
int boot_failed(struct vm *vm, hv_status_t status);
/** Find the kernel's file. @return an enum vmm_status, as boot_guest() does. */
int boot_kernel_file(struct vm *vm, const struct options *options, struct platform_file *file);
/** Find the file of module n, whose option is "NAME arguments". */
int boot_module_file(struct vm *vm, const char *module, struct platform_file *file);
/** End of the memory below 4 GiB. */
uint64_t boot_memory_end(const struct vm *vm);

/** A flat segment of 4 GiB. */
void boot_set_segment(struct hv_x86_segment *segment, uint16_t selector, uint32_t attr);
#define BOOT_ATTR_CODE32 (0xbu | HV_SEG_S | HV_SEG_P | HV_SEG_DB | HV_SEG_G)
#define BOOT_ATTR_CODE64 (0xbu | HV_SEG_S | HV_SEG_P | HV_SEG_L | HV_SEG_G)
#define BOOT_ATTR_DATA	 (0x3u | HV_SEG_S | HV_SEG_P | HV_SEG_DB | HV_SEG_G)
/* The same as descriptors (SDM vol. 3, 3.4.5). */
#define BOOT_GDT_CODE32 UINT64_C(0x00cf9b000000ffff)
#define BOOT_GDT_CODE64 UINT64_C(0x00af9b000000ffff)
#define BOOT_GDT_DATA	UINT64_C(0x00cf93000000ffff)

static inline uint64_t boot_page_up(uint64_t address)
{
	return (address + HV_PAGE_MASK) & ~(uint64_t)HV_PAGE_MASK;
}

#endif
