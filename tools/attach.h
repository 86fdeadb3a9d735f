/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file attach.h
 * One file that boots: HyPike's kernel with a system image in it, as a further segment of the ELF file
 * that the boot loader puts behind the kernel. The kernel finds it by struct system_attachment.
 */
#ifndef TOOLS_ATTACH_H
#define TOOLS_ATTACH_H

#include "tools/util.h"

/**
 * @param path   of the kernel, for messages.
 * @param kernel its bytes.
 * @param system a checked system image.
 * @param out    gets the bytes of the ELF file.
 * @return false after report() of the reason.
 *
 * @req TOOL-020 A system is built into one Multiboot ELF file that holds kernel and system image, without
 *               a compiler or linker.
 */
bool attach_make(const char *path, const struct bytes *kernel, const struct bytes *system,
		 struct bytes *out);

/**
 * Find the system image in such a file.
 * @param system gets its bytes, which are the file's.
 * @return false where the file is no kernel or has no system image in it; nothing is reported.
 */
bool attach_find(const struct bytes *file, struct bytes *system);

#endif
