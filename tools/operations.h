/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file operations.h
 * What can be done to the machine that this process runs, wherever it runs: by the VMM in this program, or on HyPike in
 * QEMU. Those that control it, show it and connect its console know it by this table alone.
 */
#ifndef TOOLS_OPERATIONS_H
#define TOOLS_OPERATIONS_H

#include <hypike/vmm.h>

/** As the functions of hypike/vmm.h of the same names; from any thread. */
struct operations {
	void (*info)(struct hypike_vmm_info *info);
	const char *(*power_button)(void);
	const char *(*end)(void);
	const char *(*reset)(void);
	const char *(*pause)(void);
	const char *(*resume)(void);
	const char *(*stats)(struct hypike_vmm_stats *stats);
	void (*console)(int input, int output);
	const char *(*console_attach)(int fd);
	bool (*screen_size)(unsigned int *width, unsigned int *height);
	bool (*screen_draw)(uint32_t *pixels, unsigned int width, unsigned int height, unsigned int *first,
			    unsigned int *end);
	/** Asks for a picture of this moment. @return false: it is on its way. NULL: there always is one */
	bool (*screen_ready)(void);
	void (*key)(unsigned int key, bool pressed);
	void (*mouse)(int x, int y, int wheel, unsigned int buttons);
};

#endif
