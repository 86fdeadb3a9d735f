/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event thread's part: bytes from the channel become packets, stops become answers.
 *
 * @req GDB-004 The first packet attaches: the VM stops, and packets are answered once it has. An interrupt
 *              (03h) stops it again.
 */
#include "vmm/debug/debug.h"

#include "lib/string.h"
#include "vmm/status.h"
#include "vmm/vm.h"

/* -------------------------------------------------------------------------------------------- stops */

/** The vCPU that stopped of its own; where none did, the one that is looked at, for the user. */
static void choose(struct vm *vm)
{
	struct debug *d = &vm->debug;

	d->last = d->current;
	d->reason = (struct debug_stop){.signal = d->interrupted ? DEBUG_SIGINT : DEBUG_SIGTRAP};
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		struct debug_stop *stop = &d->vcpu[i].stop;
		if (stop->signal == 0)
			continue;
		d->last = i;
		d->reason = *stop;
		*stop = (struct debug_stop){.signal = 0};
		break;
	}
	d->current = d->last;
	d->interrupted = false;
}

static void stopped(struct vm *vm)
{
	struct debug *d = &vm->debug;

	d->state = DEBUG_STOPPED;
	choose(vm);
	if (!d->awaiting && !d->resetting)
		return;
	answer_begin(&d->answer);
	if (d->resetting)
		answer_text(&d->answer, "OK");
	else
		debug_report_stop(vm);
	d->awaiting = d->resetting = false;
	debug_send(vm);
}

static bool is_stopped(struct vm *vm)
{
	struct debug *d = &vm->debug;

	if (d->state == DEBUG_RUNNING)
		debug_stop_all(vm);
	if (d->state == DEBUG_STOPPING && debug_all_parked(vm))
		stopped(vm);
	return d->state == DEBUG_STOPPED;
}

/* -------------------------------------------------------------------------------------------- bytes */

static void send_char(char c)
{
	platform_debug_write(&c, 1);
}

/** A new debugger knows of nothing that was said before. */
static void attach(struct debug *d)
{
	d->attached = true;
	d->no_ack = false;
}

static void whole(struct vm *vm)
{
	struct debug *d = &vm->debug;

	/* Said for one that went away: to nobody, where there is none. */
	if (!d->attached && strcmp(d->packet.text, "D") == 0)
		return;
	if (!d->no_ack)
		send_char('+');
	if (!d->attached)
		attach(d);
	if (d->state == DEBUG_RUNNING)
		d->awaiting = false; /* who speaks doesn't wait */
	d->whole = true;
}

static void take(struct vm *vm, uint8_t byte)
{
	struct debug *d = &vm->debug;

	switch (packet_take(&d->packet, byte)) {
	case PACKET_WHOLE:
		whole(vm);
		break;
	case PACKET_DAMAGED:
		if (!d->no_ack)
			send_char('-');
		break;
	case PACKET_AGAIN:
		if (d->attached && !d->no_ack && d->answer.length > 0)
			platform_debug_write(d->answer.text, d->answer.length);
		break;
	case PACKET_INTERRUPT:
		if (!d->attached || d->state != DEBUG_RUNNING)
			break;
		d->interrupted = true;
		debug_stop_all(vm);
		break;
	case PACKET_NOTHING:
		break;
	}
}

void debug_serve(struct vm *vm, bool input)
{
	struct debug *d = &vm->debug;
	uint8_t byte;

	d->input = d->input || input;
	if (d->state == DEBUG_STOPPING && debug_all_parked(vm))
		stopped(vm);
	while (d->input && !vm->stopped) {
		if (d->whole) {
			if (!is_stopped(vm))
				return; /* the last that parks wakes us */
			d->whole = false;
			debug_handle(vm);
		} else if (platform_debug_read(&byte, 1) == 1) {
			take(vm, byte);
		} else {
			d->input = false;
		}
	}
}

void debug_ended(struct vm *vm)
{
	struct debug *d = &vm->debug;

	if (!d->attached)
		return;
	answer_begin(&d->answer);
	answer_char(&d->answer, 'W');
	answer_byte(&d->answer, (uint8_t)vm->status);
	debug_send(vm);
}
