/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/machine.h"

#include <stdio.h>
#include <string.h>

static const struct machine *const machines[] = {
	&machine_qemu,
	&machine_bochs,
	&machine_bochs_amd,
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

const struct machine *machine_find(const char *name)
{
	for (size_t i = 0; i < MACHINES; i++)
		if (strcmp(machines[i]->name, name) == 0)
			return machines[i];
	return NULL;
}

const char *machine_names(void)
{
	static char names[128];

	names[0] = '\0';
	for (size_t i = 0; i < MACHINES; i++) {
		strncat(names, i ? ", " : "", sizeof(names) - strlen(names) - 1);
		strncat(names, machines[i]->name, sizeof(names) - strlen(names) - 1);
	}
	return names;
}

void machine_print_help(void)
{
	for (size_t i = 0; i < MACHINES; i++)
		printf("    %-10s %s\n", machines[i]->name, machines[i]->what);
}
