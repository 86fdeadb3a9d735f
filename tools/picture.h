/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file picture.h
 * A checked system as a picture: who has which memory, and who runs when.
 */
#ifndef TOOLS_PICTURE_H
#define TOOLS_PICTURE_H

#include "tools/model.h"

/**
 * For a terminal.
 *
 * @req TOOL-113 Memory map and schedule of a system are shown as text and as SVG.
 */
void picture_text(const struct model *model, FILE *out);
/** The same as a self-contained SVG image. */
void picture_svg(const struct model *model, FILE *out);

/** A piece of memory in the picture. */
struct picture_memory {
	const char *name;
	const char *what;
	uint64_t size;
	size_t color; /**< the partition's index, or beyond all */
};

/** @return the pieces, `count` of them, to be freed. */
struct picture_memory *picture_memory(const struct model *model, size_t *count);
/** @return time that a plan gives a partition on a CPU, in a frame. */
uint64_t picture_time(const struct model_plan *plan, uint32_t cpu, uint32_t partition);
/** @return a size as a person writes it: 64M. */
const char *picture_size(uint64_t bytes, char text[32]);

#endif
