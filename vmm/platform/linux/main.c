/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM as a library (hypike/vmm.h). The event thread is one of its own: when the VM runs, it is confined as
 * others are, and the caller, who opens files before and after, is not.
 */
#include "vmm/main.h"

#include <hypike/vmm.h>

#include "vmm/platform/linux/events.h"
#include "vmm/platform/linux/linux.h"
#include "vmm/status.h"

struct run {
	const char *options;
	int status;
};

static void *event_thread(void *arg)
{
	struct run *run = arg;

	events_confine();
	run->status = vmm_main(run->options);
	return NULL;
}

int hypike_vmm_run(const char *options)
{
	struct run run = {options, VMM_STATUS_HYPERVISOR};

	linux_thread_whole("events", event_thread, &run);
	linux_disks_close();
	return run.status;
}
