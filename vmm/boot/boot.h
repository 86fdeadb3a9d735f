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
 * Load kernel and modules per options into a machine after its reset.
 * @return an enum vmm_status, 0 for success; the reason is on the console as "vmm: FILE: reason".
 */
int boot_multiboot(struct vm *vm, const struct options *options);

#endif
