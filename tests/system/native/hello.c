/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest program: one line on the console. */
#include <hypike/sys.h>

#include "lib/hypike/program.h"

int main(void)
{
	static const char text[] = "hello from ring 3\n";

	return hypike_console_write(text, sizeof(text) - 1) == HV_OK ? 0 : 1;
}
