/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gdb's `monitor` commands: what the protocol has no packets for.
 *
 * @req GDB-040 `monitor` tells registers and statistics, chooses physical addresses, resets and ends the VM.
 */
#include "vmm/debug/debug.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "vmm/status.h"
#include "vmm/summary.h"
#include "vmm/vm.h"

#define LINE_ROOM 512u /* what a line of ours may take of an answer */

/** Text for the user: packets of `O` and digits, a line's end in each. */
static void put(void *ctx, char c)
{
	struct vm *vm = ctx;
	struct answer *answer = &vm->debug.answer;

	if (answer->length == 1)
		answer_char(answer, 'O');
	answer_byte(answer, (uint8_t)c);
	if (c != '\n' || answer_room(answer) >= LINE_ROOM)
		return;
	debug_send(vm);
	answer_begin(answer);
}

static void flush(struct vm *vm)
{
	if (vm->debug.answer.length > 1)
		debug_send(vm);
	answer_begin(&vm->debug.answer);
}

static bool help(struct vm *vm, const char *rest)
{
	(void)rest;
	lib_fprintf(put, vm,
		    "help               this text\n"
		    "registers          of the vCPU that is looked at\n"
		    "statistics         exits by kind, entries, times\n"
		    "physical [on|off]  memory by guest-physical addresses\n"
		    "reset              boot the guest anew; breakpoints stay\n"
		    "quit               end the VM\n");
	return true;
}

static bool registers(struct vm *vm, const char *rest)
{
	(void)rest;
	vm->log = (struct text_sink){put, vm};
	vcpu_print(&vm->vcpu[vm->debug.current]);
	vm->log.put = NULL;
	return true;
}

static bool statistics(struct vm *vm, const char *rest)
{
	(void)rest;
	vm->log = (struct text_sink){put, vm};
	summary_print(vm);
	vm->log.put = NULL;
	return true;
}

static bool physical(struct vm *vm, const char *rest)
{
	struct debug *d = &vm->debug;

	if (strcmp(rest, "on") == 0 || strcmp(rest, "off") == 0)
		d->physical = rest[1] == 'n';
	else if (*rest != '\0')
		lib_fprintf(put, vm, "on or off\n");
	lib_fprintf(put, vm, "addresses are %s\n", d->physical ? "guest-physical" : "virtual");
	return true;
}

static bool reset(struct vm *vm, const char *rest)
{
	(void)rest;
	flush(vm);
	vm->debug.resetting = true;
	vm->resets++;
	vm_stop(vm, VMM_STATUS_RESET, "reset by the debugger");
	return false;
}

static bool quit(struct vm *vm, const char *rest)
{
	(void)rest;
	vm_stop(vm, VMM_STATUS_QUIT, "ended by the debugger");
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct vm *vm, const char *rest);
} commands[] = {
	{"help", help},		{"registers", registers}, {"statistics", statistics},
	{"physical", physical}, {"reset", reset},	  {"quit", quit},
};

/** @return what is behind the first word, which gets an end. */
static char *cut_word(char *text)
{
	while (*text != '\0' && *text != ' ')
		text++;
	while (*text == ' ')
		*text++ = '\0';
	return text;
}

bool debug_monitor(struct vm *vm, char *text)
{
	const size_t count = sizeof(commands) / sizeof(commands[0]);
	const char *rest = cut_word(text);
	size_t i = 0;
	bool now = true;

	/* As gdb does with its own: as much of a word as is needed. */
	while (i < count && strncmp(text, commands[i].name, strlen(text)) != 0)
		i++;
	if (i < count)
		now = commands[i].run(vm, rest);
	else
		lib_fprintf(put, vm, "there is no %s; monitor help tells what there is\n", text);
	if (now)
		flush(vm);
	return now;
}
