/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/main.h"

#include "lib/string.h"
#include "vmm/boot/boot.h"
#include "vmm/exit_trace.h"
#include "vmm/machine/machine.h"
#include "vmm/options.h"
#include "vmm/status.h"
#include "vmm/summary.h"
#include "vmm/vm.h"

/** One process, one VM. */
static struct vm vm;
static struct options options;
static struct vm *running; /* atomic */

struct vm *vmm_running(void)
{
	return __atomic_load_n(&running, __ATOMIC_ACQUIRE);
}

/** What was asked to be shown at the end. The vCPUs have ended: nobody else has the lock. */
static void show(void)
{
	struct console *console = &vm.console;

	if (options.screen)
		vm.machine->screen(&vm, console_putc, console);
	if (options.trace_absent)
		bus_list_absent(&vm.bus, console_putc, console);
	if (!options.no_summary)
		summary_print(&vm);
}

static int help(void)
{
	platform_console_write(options_help, strlen(options_help));
	return 0;
}

int vmm_main(const char *args)
{
	const char *wrong = options_parse(args, &options);

	if (options.help)
		return help();
	if (wrong) {
		struct console *console = &vm.console;
		console_init(console, &vm.timers);
		vm_log(&vm, "%s: %s", options.culprit, wrong);
		console_flush(console);
		return VMM_STATUS_OPTIONS;
	}
	int status = vm_create(&vm, &options);
	if (status == 0)
		status = boot_guest(&vm, &options);
	if (status == 0) {
		if (options.trace_exits)
			exit_trace_start(&vm);
		__atomic_store_n(&running, &vm, __ATOMIC_RELEASE);
		status = vm_run(&vm);
		show();
	}
	console_flush(&vm.console);
	return status;
}
