/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands that the user types at the console behind Ctrl-].
 *
 * @req VMM-082 At the console, Ctrl-] and a key end the VM, reset it, show its registers and statistics, send a
 *              break, press the power button; any other key lists them.
 */
#include "vmm/escape.h"

#include "vmm/machine/machine.h"
#include "vmm/status.h"
#include "vmm/summary.h"

static void quit(struct vm *vm)
{
	vm_stop(vm, VMM_STATUS_QUIT, "ended by the user");
}

static void power_button(struct vm *vm)
{
	vm_log(vm, "power button pressed");
	vm->machine->button(vm);
}

/** Not one of those that --reboots allows the guest. */
static void reset(struct vm *vm)
{
	vm->resets++;
	vm_stop(vm, VMM_STATUS_RESET, "reset by the user");
}

/** Each vCPU's own thread shows them, once it is out of the guest. */
static void registers(struct vm *vm)
{
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		vcpu_attend(&vm->vcpu[i], VCPU_SHOW);
}

static void send_break(struct vm *vm)
{
	vm->machine->send_break(vm);
}

static void help(struct vm *vm);

static const struct {
	char key;
	void (*run)(struct vm *vm);
	const char *what;
} commands[] = {
	{'h', help, "this list"},
	{'q', quit, "end the VM"},
	{'z', reset, "reset it"},
	{'p', power_button, "press its power button"},
	{'r', registers, "show the registers of its vCPUs"},
	{'s', summary_print, "show its exits, and what its devices have done"},
	{'b', send_break, "send a break over the serial line"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(struct vm *vm)
{
	vm_log(vm, "Ctrl-] and:");
	for (size_t i = 0; i < COMMANDS; i++)
		vm_log(vm, "  %c       %s", commands[i].key, commands[i].what);
	vm_log(vm, "  Ctrl-]  send one");
}

void escape_key(void *ctx, uint32_t key)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if ((uint32_t)commands[i].key == key) {
			commands[i].run(ctx);
			return;
		}
	}
	help(ctx);
}
