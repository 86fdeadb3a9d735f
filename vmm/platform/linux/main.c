/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM as a library (hypike/vmm.h). */
#include "vmm/main.h"

#include <hypike/vmm.h>

int hypike_vmm_run(const char *options)
{
	return vmm_main(options);
}
