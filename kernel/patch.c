/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/patch.h"

#include "kernel/cpu.h"
#include "lib/string.h"

#define INSN_SIZE 3u /* of CLAC and STAC */

struct patch {
	int32_t where; /* relative to the member itself */
	uint8_t bytes[4];
};

void patch_smap(void)
{
	extern const struct patch smap_patch_start[], smap_patch_end[];

	for (const struct patch *p = smap_patch_start; cpu_features.smap && p < smap_patch_end; p++)
		memcpy((void *)((uintptr_t)&p->where + (uintptr_t)(intptr_t)p->where), p->bytes,
		       INSN_SIZE);
}
