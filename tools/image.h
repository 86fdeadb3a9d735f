/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file image.h
 * Writes a model as a system image (include/hypike/system.h).
 */
#ifndef TOOLS_IMAGE_H
#define TOOLS_IMAGE_H

#include "tools/model.h"

/**
 * Check an image as the kernel will.
 * @return false after report() of the reason.
 *
 * @req TOOL-003 A damaged system image is refused before boot, by table, entry and reason.
 */
bool image_check(const char *path, const struct bytes *image);

/**
 * @param model a loaded model.
 * @param image gets the bytes; they have passed the check that the kernel will make.
 * @return false after report() where the system cannot be expressed.
 *
 * @req TOOL-001 The image that the command writes passes the kernel's own check before it is
 *               written; what the format cannot hold is refused before boot.
 */
bool image_make(const struct model *model, struct bytes *image);

/** @return bytes of RAM that the partitions of a checked image own together. */
uint64_t image_memory(const struct bytes *image);

#endif
