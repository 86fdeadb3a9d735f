/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring-3 VMM: lib/hypike's start-up code calls main(). */
#include "lib/hypike/program.h"
#include "vmm/main.h"
#include "vmm/platform.h"

int main(void)
{
	return vmm_main(platform_args());
}
