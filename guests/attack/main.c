/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that does what is forbidden. Acts that it survives run one after the other and are reported in
 * TAP; with act=NAME on the command line only that one, which may be one that ends the machine.
 */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"
#include "guests/attack/modes.h"

#include <stdarg.h>

#include "lib/printf.h"
#include "lib/string.h"

#define NAME_MAX 48

static const struct act_group groups[] = {
	{"virt", acts_virt},
	{"register", acts_register},
	{"msr", acts_msr},
	{"memory", acts_memory},
	{"mode", acts_mode},
	{"device", acts_device},
	{"mmio", acts_mmio},
	{"pci", acts_pci},
	{"board", acts_board},
	{"virtio", acts_virtio},
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static bool failed;

void act_fails(const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	lib_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	failed = true;
	tap_note("%s", text);
}

static uint64_t outcome_of(bool faulted, const struct fault *fault)
{
	return faulted ? OUT(fault->vector & 31u) : OUT_DONE;
}

uint64_t act_try(void (*run)(uint64_t arg), uint64_t arg)
{
	struct fault fault = {0};
	const bool faulted = try_call(run, arg, &fault);

	return outcome_of(faulted, &fault);
}

static uint64_t perform(const struct act *act, struct fault *fault)
{
	bool faulted;

	if (act->user != NULL)
		faulted = try_call_user(act->user, act->arg, NULL, fault);
	else
		faulted = try_call(act->run, act->arg, fault);
	return outcome_of(faulted, fault);
}

static void run_act(const struct act *act)
{
	const char *const reason = act->skip != NULL ? act->skip() : NULL;
	struct fault fault = {0};

	if (reason != NULL) {
		tap_skip(act->name, reason);
		return;
	}
	failed = false;
	const uint64_t outcome = perform(act, &fault);

	machine_restore();
	if ((outcome & act->outcome) == 0 && outcome == OUT_DONE)
		act_fails("%s came through", act->what);
	else if ((outcome & act->outcome) == 0)
		act_fails("%s: exception %u, error %lx, at %lx, CR2 %lx", act->what, fault.vector,
			  fault.error, fault.rip, fault.cr2);
	if (!machine_healthy())
		act_fails("%s: the machine is not what it was", act->what);
	tap_result(!failed, act->name);
}

/* Calls fn for each act that `name` selects by its own or its group's name; NULL selects all. */
static unsigned each_act(const char *name, void (*fn)(const struct act *act))
{
	unsigned count = 0;

	for (size_t g = 0; g < GROUPS; g++) {
		const bool all = name == NULL || strcmp(name, groups[g].name) == 0;

		for (const struct act *act = groups[g].acts; act->name != NULL; act++) {
			if (!all && strcmp(name, act->name) != 0)
				continue;
			count++;
			if (fn != NULL)
				fn(act);
		}
	}
	return count;
}

static const struct ending *find_ending(const char *name)
{
	for (const struct ending *e = endings; e->name != NULL; e++) {
		if (strcmp(name, e->name) == 0)
			return e;
	}
	return NULL;
}

/* The status with which the VMM ends is the result; coming back from it is a failure. */
static _Noreturn void end_by(const struct ending *ending)
{
	print("ending: %s (%s)\n", ending->name, ending->what);
	cli();
	const uint64_t outcome = act_try(ending->run, ending->arg);

	machine_restore();
	print("ending: %s survived with outcome %lx\n", ending->name, outcome);
	guest_exit(99);
}

static void list_act(const struct act *act)
{
	print("%s: %s\n", act->name, act->what);
}

static void list(void)
{
	each_act(NULL, list_act);
	for (const struct ending *e = endings; e->name != NULL; e++)
		print("%s (ends the machine): %s\n", e->name, e->what);
}

void guest_main(const struct boot_info *boot)
{
	char text[NAME_MAX];
	const char *const name = cmdline_value("act", text, sizeof(text));
	const struct ending *const ending = name != NULL ? find_ending(name) : NULL;

	(void)boot;
	machine_init();
	mode_init();
	if (cmdline_flag("list")) {
		list();
		return;
	}
	if (ending != NULL)
		end_by(ending);
	const unsigned count = each_act(name, NULL);

	if (count == 0)
		panic("there is no act '%s'", name);
	tap_plan(count);
	each_act(name, run_act);
}
