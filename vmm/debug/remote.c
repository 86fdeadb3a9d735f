/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of the GDB remote protocol (GDB manual, appendix E). Threads are vCPUs: number 1 is
 * vCPU 0. An empty answer says that a packet isn't known.
 *
 * @req GDB-002 Packets that mean nothing change nothing: an empty or an error answer.
 * @req GDB-003 All vCPUs are threads: listed by name, looked at and run one by one.
 */
#include "vmm/debug/debug.h"

#include "lib/string.h"
#include "lib/x86/regs.h"
#include "vmm/status.h"
#include "vmm/vm.h"

#define ERROR_FORM   "E16" /* EINVAL */
#define ERROR_MEMORY "E0e" /* EFAULT */

/** What of a packet is behind the name of its command. */
typedef void (*handler_t)(struct vm *vm, const char *rest);

static struct answer *answer_of(struct vm *vm)
{
	return &vm->debug.answer;
}

static void say(struct vm *vm, const char *text)
{
	answer_text(answer_of(vm), text);
}

static void ok(struct vm *vm)
{
	say(vm, "OK");
}

static void error(struct vm *vm, unsigned int number)
{
	answer_char(answer_of(vm), 'E');
	answer_byte(answer_of(vm), (uint8_t)number);
}

void debug_send(struct vm *vm)
{
	struct answer *answer = answer_of(vm);

	answer_end(answer);
	platform_debug_write(answer->text, answer->length);
}

/* ---------------------------------------------------------------------------------------- threads */

/** Of threads: a number, 0 for any, -1 for all. @return false where it is none of ours. */
static bool thread_take(const struct vm *vm, const char **at, uint32_t *vcpu, bool *all)
{
	uint64_t number;

	*all = packet_word(at, "-1");
	if (*all)
		return true;
	if (!packet_number(at, &number) || number > vm->vcpu_count)
		return false;
	*vcpu = number == 0 ? vm->debug.last : (uint32_t)number - 1;
	return true;
}

static void put_thread(struct vm *vm, uint32_t vcpu)
{
	answer_number(answer_of(vm), vcpu + 1);
}

/** H: what thread other packets are about. That of c and s is vCont's affair. */
static void select_thread(struct vm *vm, const char *rest)
{
	const bool general = packet_char(&rest, 'g');
	uint32_t vcpu = vm->debug.current;
	bool all;

	if ((!general && !packet_char(&rest, 'c')) || !thread_take(vm, &rest, &vcpu, &all)) {
		say(vm, ERROR_FORM);
		return;
	}
	if (general)
		vm->debug.current = vcpu;
	ok(vm);
}

static void thread_alive(struct vm *vm, const char *rest)
{
	uint32_t vcpu;
	bool all;

	say(vm, thread_take(vm, &rest, &vcpu, &all) ? "OK" : ERROR_FORM);
}

static void current_thread(struct vm *vm, const char *rest)
{
	(void)rest;
	say(vm, "QC");
	put_thread(vm, vm->debug.current);
}

static void first_threads(struct vm *vm, const char *rest)
{
	(void)rest;
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		answer_char(answer_of(vm), i == 0 ? 'm' : ',');
		put_thread(vm, i);
	}
}

static void more_threads(struct vm *vm, const char *rest)
{
	(void)rest;
	say(vm, "l");
}

static const char *mode_of(const struct hv_x86_regs *regs)
{
	if (regs->activity == HV_ACTIVITY_WAIT_SIPI)
		return "waits for its start";
	if (regs->activity == HV_ACTIVITY_HALT)
		return "halted";
	if (!(regs->cr0 & CR0_PE))
		return "real mode";
	if (regs->efer & EFER_LMA)
		return regs->seg[HV_CS].attr & HV_SEG_L ? "64-bit" : "compatibility mode";
	return regs->seg[HV_CS].attr & HV_SEG_DB ? "32-bit" : "16-bit";
}

/** Threads with names, as XML. */
static void thread_list(struct vm *vm, const char *rest)
{
	struct answer *answer = answer_of(vm);
	uint64_t offset;

	if (!packet_char(&rest, ':') || !packet_number(&rest, &offset)) {
		say(vm, ERROR_FORM);
		return;
	}
	if (offset != 0) { /* all of it went out at once */
		say(vm, "l");
		return;
	}
	say(vm, "l<?xml version=\"1.0\"?><threads>");
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		say(vm, "<thread id=\"");
		put_thread(vm, i);
		say(vm, "\" name=\"vCPU ");
		if (i >= 10)
			answer_char(answer, (char)('0' + i / 10));
		answer_char(answer, (char)('0' + i % 10));
		say(vm, "\">");
		say(vm, mode_of(hv_x86_regs(vm->vcpu[i].page)));
		say(vm, "</thread>");
	}
	say(vm, "</threads>");
}

/* -------------------------------------------------------------------------------------- registers */

/* g and G have those that are wanted at every stop; gdb asks for each of the others when it wants it. */

static void read_all(struct vm *vm, const char *rest)
{
	(void)rest;
	for (uint32_t i = 0; i < DEBUG_GENERAL; i++)
		debug_register_read(vm, vm->debug.current, i, answer_of(vm));
}

static void write_all(struct vm *vm, const char *rest)
{
	for (uint32_t i = 0; i < DEBUG_GENERAL; i++) {
		if (!debug_register_write(vm, vm->debug.current, i, &rest)) {
			say(vm, ERROR_FORM);
			return;
		}
	}
	ok(vm);
}

static void read_one(struct vm *vm, const char *rest)
{
	uint64_t number;

	if (!packet_number(&rest, &number) || number >= debug_register_count())
		say(vm, ERROR_FORM);
	else
		debug_register_read(vm, vm->debug.current, (uint32_t)number, answer_of(vm));
}

static void write_one(struct vm *vm, const char *rest)
{
	uint64_t number;

	if (!packet_number(&rest, &number) || number >= debug_register_count() ||
	    !packet_char(&rest, '=') ||
	    !debug_register_write(vm, vm->debug.current, (uint32_t)number, &rest))
		say(vm, ERROR_FORM);
	else
		ok(vm);
}

/* ----------------------------------------------------------------------------------------- memory */

static bool range_take(const char **at, uint64_t *address, uint64_t *length)
{
	return packet_number(at, address) && packet_char(at, ',') && packet_number(at, length);
}

static void read_memory(struct vm *vm, const char *rest)
{
	uint8_t bytes[PACKET_OUT / 2];
	uint64_t address, length;
	size_t size, done;

	if (!range_take(&rest, &address, &length)) {
		say(vm, ERROR_FORM);
		return;
	}
	size = length < sizeof(bytes) ? (size_t)length : sizeof(bytes);
	done = debug_read(vm, address, bytes, size);
	if (done == 0 && length != 0)
		say(vm, ERROR_MEMORY);
	else
		answer_bytes(answer_of(vm), bytes, done);
}

static void write_bytes(struct vm *vm, uint64_t address, const void *bytes, size_t size)
{
	say(vm, debug_write(vm, address, bytes, size) == size ? "OK" : ERROR_MEMORY);
}

static void write_memory(struct vm *vm, const char *rest)
{
	uint8_t bytes[PACKET_IN / 2];
	uint64_t address, length;

	if (!range_take(&rest, &address, &length) || !packet_char(&rest, ':') ||
	    length > sizeof(bytes) || !packet_bytes(&rest, bytes, (size_t)length))
		say(vm, ERROR_FORM);
	else
		write_bytes(vm, address, bytes, (size_t)length);
}

static void write_binary(struct vm *vm, const char *rest)
{
	const struct packet *packet = &vm->debug.packet;
	uint64_t address, length;

	if (!range_take(&rest, &address, &length) || !packet_char(&rest, ':') ||
	    length != packet->length - (size_t)(rest - packet->text))
		say(vm, ERROR_FORM);
	else
		write_bytes(vm, address, rest, (size_t)length);
}

/* ------------------------------------------------------------------------------------ breakpoints */

static void breakpoint(struct vm *vm, const char *rest,
		       unsigned int (*change)(struct vm *vm, enum debug_type type, uint64_t linear,
					      uint64_t length))
{
	uint64_t type, address, length;
	unsigned int failed;

	if (!packet_number(&rest, &type) || type >= DEBUG_TYPES || !packet_char(&rest, ',') ||
	    !range_take(&rest, &address, &length)) {
		say(vm, ERROR_FORM);
		return;
	}
	/* A CPU that stops at reads alone there is not: gdb uses accesses then. */
	if (type == DEBUG_READ)
		return;
	failed = change(vm, (enum debug_type)type, address, length);
	if (failed)
		error(vm, failed);
	else
		ok(vm);
}

static void insert(struct vm *vm, const char *rest)
{
	breakpoint(vm, rest, debug_insert);
}

static void take_out(struct vm *vm, const char *rest)
{
	breakpoint(vm, rest, debug_remove);
}

/* ----------------------------------------------------------------------------- going on, stopping */

static void put_watch(struct vm *vm, const struct debug_stop *stop)
{
	say(vm, stop->type == DEBUG_WRITE ? "watch:" : "awatch:");
	answer_number(answer_of(vm), stop->address);
	answer_char(answer_of(vm), ';');
}

/**
 * Is RIP the linear address? Where it isn't, gdb knows of no breakpoint there, and would silently go on
 * from one that it is told of: to it, this is a trap of the program's.
 */
static bool rip_is_linear(struct vm *vm)
{
	const struct hv_x86_regs *regs = hv_x86_regs(vm->vcpu[vm->debug.last].page);

	return (regs->efer & EFER_LMA) != 0 || regs->seg[HV_CS].base == 0;
}

void debug_report_stop(struct vm *vm)
{
	const struct debug *d = &vm->debug;
	const struct debug_stop *stop = &d->reason;

	answer_char(answer_of(vm), 'T');
	answer_byte(answer_of(vm), stop->signal);
	say(vm, "thread:");
	put_thread(vm, d->last);
	answer_char(answer_of(vm), ';');
	if (!stop->at_breakpoint)
		return;
	if (stop->type >= DEBUG_WRITE)
		put_watch(vm, stop);
	else if (!rip_is_linear(vm))
		return;
	else if (stop->type == DEBUG_SOFTWARE && d->says_swbreak)
		say(vm, "swbreak:;");
	else if (stop->type == DEBUG_EXECUTE && d->says_hwbreak)
		say(vm, "hwbreak:;");
}

static void ask_stop(struct vm *vm, const char *rest)
{
	(void)rest;
	debug_report_stop(vm);
}

static void resume_one_way(struct vm *vm, enum debug_action mine, enum debug_action others)
{
	uint8_t action[HV_MAX_VCPUS];

	memset(action, (int)others, sizeof(action));
	action[vm->debug.current] = (uint8_t)mine;
	debug_resume(vm, action);
}

/** c, s: an address to go on at isn't asked for by anybody. */
static void go_on(struct vm *vm, const char *rest)
{
	if (*rest != '\0')
		say(vm, ERROR_FORM);
	else
		resume_one_way(vm, DEBUG_CONTINUE, DEBUG_CONTINUE);
}

static void step(struct vm *vm, const char *rest)
{
	if (*rest != '\0')
		say(vm, ERROR_FORM);
	else
		resume_one_way(vm, DEBUG_STEP, DEBUG_STAY);
}

/** One `action[:thread]`, for those that none was named for yet. */
static bool action_take(const struct vm *vm, const char **at, uint8_t action[HV_MAX_VCPUS])
{
	const bool stepping = **at == 's' || **at == 'S';
	const bool with_signal = **at == 'C' || **at == 'S';
	const uint8_t what = stepping ? DEBUG_STEP : DEBUG_CONTINUE;
	uint64_t signal;
	uint32_t vcpu = 0;
	bool all = true;

	if (!stepping && **at != 'c' && **at != 'C')
		return false;
	(*at)++;
	if (with_signal && !packet_number(at, &signal)) /* signals are nothing to a CPU */
		return false;
	if (packet_char(at, ':') && !thread_take(vm, at, &vcpu, &all))
		return false;
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		if ((all || i == vcpu) && action[i] == DEBUG_STAY)
			action[i] = what;
	}
	return true;
}

static void vcont(struct vm *vm, const char *rest)
{
	uint8_t action[HV_MAX_VCPUS] = {DEBUG_STAY};

	if (*rest != ';') {
		say(vm, ERROR_FORM);
		return;
	}
	while (packet_char(&rest, ';')) {
		if (!action_take(vm, &rest, action)) {
			say(vm, ERROR_FORM);
			return;
		}
	}
	if (*rest != '\0')
		say(vm, ERROR_FORM);
	else
		debug_resume(vm, action);
}

static void vcont_ask(struct vm *vm, const char *rest)
{
	(void)rest;
	say(vm, "vCont;c;C;s;S");
}

static void detach(struct vm *vm, const char *rest)
{
	(void)rest;
	ok(vm);
	debug_send(vm);
	debug_detach(vm);
}

static void kill_vm(struct vm *vm, const char *rest)
{
	(void)rest;
	ok(vm);
	debug_send(vm);
	vm->debug.awaiting = false;
	vm_stop(vm, VMM_STATUS_QUIT, "ended by the debugger");
}

/* ---------------------------------------------------------------------------------------- queries */

static void supported(struct vm *vm, const char *rest)
{
	struct debug *d = &vm->debug;

	d->says_swbreak = strstr(rest, "swbreak+") != NULL;
	d->says_hwbreak = strstr(rest, "hwbreak+") != NULL;
	say(vm, "PacketSize=");
	answer_number(answer_of(vm), PACKET_IN);
	say(vm, ";QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+;vContSupported+;"
		"swbreak+;hwbreak+");
}

static void no_ack(struct vm *vm, const char *rest)
{
	(void)rest;
	vm->debug.no_ack = true;
	ok(vm);
}

/** offset,length behind the name of the description. */
static void features(struct vm *vm, const char *rest)
{
	struct answer *answer = answer_of(vm);
	uint64_t offset, length;

	if (!packet_word(&rest, "target.xml:") || !range_take(&rest, &offset, &length)) {
		say(vm, "E00");
		return;
	}
	answer_char(answer, 'm');
	if (!debug_description(offset, length, answer))
		answer->text[1] = 'l';
}

static void attached(struct vm *vm, const char *rest)
{
	(void)rest;
	say(vm, "1");
}

static void symbols(struct vm *vm, const char *rest)
{
	(void)rest;
	ok(vm); /* none wanted */
}

static void command(struct vm *vm, const char *rest)
{
	char text[256];
	const size_t size = strlen(rest) / 2;

	if (size >= sizeof(text) || !packet_bytes(&rest, text, size) || *rest != '\0') {
		say(vm, ERROR_FORM);
		return;
	}
	text[size] = '\0';
	if (debug_monitor(vm, text))
		ok(vm);
}

/* --------------------------------------------------------------------------------------- dispatch */

/** By the beginning of a packet: longer ones first. */
static const struct {
	const char *name;
	handler_t handle;
	bool silent; /**< it answers by itself, or later */
} commands[] = {
	{"qSupported", supported, false},
	{"QStartNoAckMode", no_ack, false},
	{"qXfer:features:read:", features, false},
	{"qXfer:threads:read:", thread_list, false},
	{"qfThreadInfo", first_threads, false},
	{"qsThreadInfo", more_threads, false},
	{"qAttached", attached, false},
	{"qSymbol:", symbols, false},
	{"qRcmd,", command, false},
	{"qC", current_thread, false},
	{"vCont?", vcont_ask, false},
	{"vCont", vcont, false},
	{"vKill", kill_vm, true},
	{"?", ask_stop, false},
	{"D", detach, true},
	{"G", write_all, false},
	{"H", select_thread, false},
	{"M", write_memory, false},
	{"P", write_one, false},
	{"T", thread_alive, false},
	{"X", write_binary, false},
	{"Z", insert, false},
	{"c", go_on, false},
	{"g", read_all, false},
	{"k", kill_vm, true},
	{"m", read_memory, false},
	{"p", read_one, false},
	{"s", step, false},
	{"z", take_out, false},
};

void debug_handle(struct vm *vm)
{
	struct debug *d = &vm->debug;
	const char *rest = d->packet.text;

	d->awaiting = false;
	answer_begin(&d->answer);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!packet_word(&rest, commands[i].name))
			continue;
		commands[i].handle(vm, rest);
		if (commands[i].silent)
			return;
		break;
	}
	/* Those that let the VM run are answered when it has stopped. */
	if (!d->awaiting && !d->resetting)
		debug_send(vm);
}
