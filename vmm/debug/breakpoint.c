/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Breakpoints in memory (INT3) and in debug registers.
 *
 * @req GDB-020 What a breakpoint has replaced is what the debugger reads and writes there; the INT3 goes
 *              with the breakpoint, and comes again when the VM is booted anew.
 * @req GDB-021 Breakpoints that find no place, or that the CPU hasn't, are refused, nothing changed.
 */
#include "vmm/debug/debug.h"

#include "lib/x86/regs.h"
#include "vmm/vm.h"

#define INT3 0xccu

enum { ERROR_FORM = 0x16, ERROR_MEMORY = 0x0e, ERROR_ROOM = 0x1c }; /* EINVAL, EFAULT, ENOSPC */

static uint8_t *byte_at(const struct vm *vm, uint64_t physical)
{
	return vm_ram(vm, physical, 1, 0);
}

const struct debug_soft *debug_soft_at(const struct vm *vm, uint64_t physical)
{
	const struct debug *d = &vm->debug;

	for (uint32_t i = 0; d->softs != 0 && i < DEBUG_BREAKPOINTS; i++) {
		if (d->soft[i].used && d->soft[i].physical == physical)
			return &d->soft[i];
	}
	return NULL;
}

/** INT3s are only looked at while there are some: a guest's own cost it nothing otherwise. */
static void count(struct vm *vm, uint32_t softs)
{
	struct debug *d = &vm->debug;

	if ((d->softs != 0) != (softs != 0))
		hv_trap_exceptions(vm->handle, softs != 0 ? 1u << X86_BP : 0);
	d->softs = softs;
}

/* --------------------------------------------------------------------------------------- in memory */

static struct debug_soft *soft_find(struct debug *d, bool used, uint64_t linear)
{
	for (uint32_t i = 0; i < DEBUG_BREAKPOINTS; i++) {
		if (d->soft[i].used == used && (!used || d->soft[i].linear == linear))
			return &d->soft[i];
	}
	return NULL;
}

static unsigned int soft_insert(struct vm *vm, uint64_t linear)
{
	struct debug *d = &vm->debug;
	struct debug_soft *soft = soft_find(d, false, 0);
	const struct debug_soft *same;
	uint64_t physical;
	uint8_t *byte;

	if (soft_find(d, true, linear))
		return 0; /* it may be asked for twice */
	if (!soft)
		return ERROR_ROOM;
	if (!debug_translate(vm, &vm->vcpu[d->current], linear, &physical))
		return ERROR_MEMORY;
	byte = byte_at(vm, physical);
	if (!byte)
		return ERROR_MEMORY;
	same = debug_soft_at(vm, physical); /* by another name */
	*soft = (struct debug_soft){
		.linear = linear, .physical = physical, .byte = same ? same->byte : *byte, .used = true};
	*byte = INT3;
	count(vm, d->softs + 1);
	return 0;
}

static void soft_remove(struct vm *vm, struct debug_soft *soft)
{
	uint8_t *byte = byte_at(vm, soft->physical);

	soft->used = false;
	/* What the guest has put there itself stays. */
	if (byte && *byte == INT3 && !debug_soft_at(vm, soft->physical))
		*byte = soft->byte;
	count(vm, vm->debug.softs - 1);
}

void debug_insert_again(struct vm *vm)
{
	for (uint32_t i = 0; i < DEBUG_BREAKPOINTS; i++) {
		struct debug_soft *soft = &vm->debug.soft[i];
		uint8_t *byte = soft->used ? byte_at(vm, soft->physical) : NULL;
		if (!byte || *byte == INT3)
			continue;
		soft->byte = *byte;
		*byte = INT3;
	}
}

/* ------------------------------------------------------------------------------- debug registers */

static bool hard_fits(enum debug_type type, uint64_t linear, uint64_t length)
{
	if (type == DEBUG_EXECUTE)
		return true; /* what length it has is the debugger's affair */
	return (length == 1 || length == 2 || length == 4 || length == 8) && linear % length == 0;
}

static struct debug_hard *hard_find(struct debug *d, enum debug_type type, uint64_t linear,
				    uint64_t length)
{
	for (uint32_t i = 0; i < DEBUG_HARDWARE; i++) {
		struct debug_hard *hard = &d->hard[i];
		if (hard->used && hard->type == type && hard->linear == linear &&
		    hard->length == length)
			return hard;
	}
	return NULL;
}

static unsigned int hard_insert(struct debug *d, enum debug_type type, uint64_t linear,
				uint64_t length)
{
	if (!hard_fits(type, linear, length))
		return ERROR_FORM;
	if (hard_find(d, type, linear, length))
		return 0;
	for (uint32_t i = 0; i < DEBUG_HARDWARE; i++) {
		if (d->hard[i].used)
			continue;
		d->hard[i] = (struct debug_hard){
			.linear = linear, .type = (uint8_t)type, .length = (uint8_t)length, .used = true};
		d->generation++;
		return 0;
	}
	return ERROR_ROOM;
}

/** DR7's fields for breakpoint n: what it is for, and how long (SDM vol. 3, 17.2.4). */
static uint64_t hard_bits(const struct debug_hard *hard, unsigned int n)
{
	static const uint8_t type[DEBUG_TYPES] = {[DEBUG_WRITE] = 1, [DEBUG_READ] = 3, [DEBUG_ACCESS] = 3};
	static const uint8_t length[9] = {[2] = 1, [4] = 3, [8] = 2};
	const uint64_t field = type[hard->type] |
			       (hard->type == DEBUG_EXECUTE ? 0 : (uint64_t)length[hard->length] << 2);

	return DR7_G(n) | field << (16 + 4 * n);
}

void debug_hardware(const struct debug *d, struct hv_x86_debug *to)
{
	*to = (struct hv_x86_debug){.dr7 = 0};
	for (unsigned int i = 0; i < DEBUG_HARDWARE; i++) {
		if (!d->hard[i].used)
			continue;
		to->dr[i] = d->hard[i].linear;
		to->dr7 |= hard_bits(&d->hard[i], i);
	}
}

/* ------------------------------------------------------------------------------------------- both */

unsigned int debug_insert(struct vm *vm, enum debug_type type, uint64_t linear, uint64_t length)
{
	if (type != DEBUG_SOFTWARE)
		return length > 8 ? ERROR_FORM : hard_insert(&vm->debug, type, linear, length);
	return soft_insert(vm, linear);
}

unsigned int debug_remove(struct vm *vm, enum debug_type type, uint64_t linear, uint64_t length)
{
	struct debug *d = &vm->debug;
	struct debug_hard *hard;
	struct debug_soft *soft;

	if (type == DEBUG_SOFTWARE) {
		soft = soft_find(d, true, linear);
		if (soft)
			soft_remove(vm, soft);
		return 0;
	}
	hard = hard_find(d, type, linear, length);
	if (hard) {
		hard->used = false;
		d->generation++;
	}
	return 0;
}

void debug_remove_all(struct vm *vm)
{
	for (uint32_t i = 0; i < DEBUG_BREAKPOINTS; i++) {
		if (vm->debug.soft[i].used)
			soft_remove(vm, &vm->debug.soft[i]);
	}
	for (uint32_t i = 0; i < DEBUG_HARDWARE; i++) {
		if (vm->debug.hard[i].used) {
			vm->debug.hard[i].used = false;
			vm->debug.generation++;
		}
	}
}
