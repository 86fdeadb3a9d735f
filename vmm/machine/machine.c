/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/machine/machine.h"

#include "lib/string.h"

static const struct machine *const machines[] = {
	&machine_pc,
};

const struct machine *machine_find(const char *name)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (strcmp(machines[i]->name, name) == 0)
			return machines[i];
	}
	return NULL;
}
