/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring-3 VMM: lib/hypike's start-up code calls main(). */
#include "lib/hypike/program.h"
#include "vmm/main.h"
#include "vmm/platform.h"
#include "vmm/platform/hypike/link_control.h"
#include "vmm/platform/hypike/link_disk.h"

int main(void)
{
	const int status = vmm_main(platform_args());

	link_disk_finish();
	link_control_close();
	return status;
}
