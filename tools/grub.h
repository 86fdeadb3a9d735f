/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file grub.h
 * Bootable CD images with GRUB, for machines whose firmware has to find the kernel itself.
 */
#ifndef TOOLS_GRUB_H
#define TOOLS_GRUB_H

#include "tools/machine.h"

/**
 * Write an ISO that boots the request's kernel without asking: on UEFI where the request's loader
 * says so, else on a BIOS machine.
 * @param name of the ISO in the request's directory.
 * @return false after report() of the reason.
 */
bool grub_iso_make(const struct machine_request *request, const char *name);

/**
 * Write an ISO from which both BIOS and UEFI machines boot one Multiboot kernel, without asking.
 * @return false after report() of the reason.
 *
 * @req TOOL-021 A system can be built into an ISO image that BIOS and UEFI machines boot.
 */
bool grub_iso_build(const char *kernel, const char *iso);

#endif
