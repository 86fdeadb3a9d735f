/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM as a library (hypike/vmm.h). */
#include "vmm/main.h"

#include <hypike/vmm.h>

#include "vmm/platform/linux/linux.h"

int hypike_vmm_run(const char *options)
{
	const int status = vmm_main(options);

	linux_disks_close();
	return status;
}
