/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: interrupts and exceptions through the IVT (SDM vol. 3, 20.1.4) or the IDT (6.12, 6.14), and what faults
 * on the way make of them (6.15).
 */
#include "lib/x86/desc.h"
#include "lib/x86/regs.h"
#include "vmm/model/exec.h"

#include <string.h>

/** Events whose flags are pushed with RF set: they come before the instruction. (Of #DB, raise_event() knows.) */
#define IS_FAULT(event)                                                                            \
	((event)->type == X86_EVENT_EXCEPTION && (event)->vector != X86_DB &&                      \
	 (event)->vector != X86_DF)

/** A gate, whatever its width. */
struct gate {
	uint64_t offset;
	uint16_t selector;
	uint8_t ist, type, dpl;
	bool present;
};

/** Where the handler is, and on which stack. */
struct target {
	struct hv_x86_segment cs, ss;
	uint64_t rip, rsp;
	bool stack_changes;
	uint8_t cpl;
};

static bool is_software(const struct x86_event *event)
{
	return event->type >= X86_EVENT_SOFT_INT;
}

/** INT n, INT3 and INTO are the program's: they need the gate's permission. */
static bool is_called(const struct x86_event *event)
{
	return event->type == X86_EVENT_SOFT_INT || event->type == X86_EVENT_SOFT_EXC;
}

static uint64_t return_address(const struct exec *x, const struct x86_event *event)
{
	const uint64_t rip = x->ctx.rip + (is_software(event) ? event->insn_length : 0);

	return x->mode == INSN_MODE_64 ? rip : rip & UINT32_MAX;
}

static uint64_t flags_to_push(const struct exec *x, const struct x86_event *event)
{
	return x->ctx.rflags | (IS_FAULT(event) ? RFLAGS_RF : 0);
}

/** Error code of a fault about a selector on the way. */
static uint32_t external(const struct x86_event *event, uint32_t selector)
{
	return (selector & 0xfffcu) | (is_called(event) ? 0 : SELERR_EXT);
}

/* ---------------------------------------------------------------------------------------- real mode */

static enum emu_status push_real(struct exec *x, const uint16_t *values, unsigned count)
{
	const struct hv_x86_segment *ss = &x->s->seg[HV_SS];
	const uint64_t mask = insn_size_mask(x->ctx.stack_size);
	uint64_t rsp = x->ctx.gpr[INSN_RSP];
	enum emu_status status = EMU_DONE;

	for (unsigned i = 0; i < count && status == EMU_DONE; i++) {
		rsp = (rsp & ~mask) | ((rsp - 2) & mask);
		status = exec_ops.seg_check(&x->ctx, INSN_SS, rsp & mask, 2, true);
		if (status == EMU_DONE)
			status = exec_write(x, (ss->base + (rsp & mask)) & UINT32_MAX, &values[i], 2,
					    VIEW_SYSTEM);
	}
	if (status == EMU_DONE)
		x->ctx.gpr[INSN_RSP] = rsp;
	return status;
}

static enum emu_status enter_real(struct exec *x, const struct x86_event *event)
{
	const uint16_t frame[3] = {(uint16_t)x->ctx.rflags, x->s->seg[HV_CS].selector,
				   (uint16_t)return_address(x, event)};
	uint16_t vector[2];
	enum emu_status status;

	if (event->vector * 4u + 3 > x->s->idtr.limit)
		return exec_fault(x, X86_GP);
	status = exec_read(x, x->s->idtr.base + event->vector * 4u, vector, sizeof(vector),
			   VIEW_SYSTEM);
	if (status == EMU_DONE)
		status = push_real(x, frame, 3);
	if (status != EMU_DONE)
		return status;
	exec_segment_real(x, HV_CS, vector[1]);
	x->ctx.rip = vector[0];
	x->ctx.rflags &= ~(RFLAGS_IF | RFLAGS_TF | RFLAGS_AC | RFLAGS_RF);
	return EMU_DONE;
}

/* --------------------------------------------------------------------------------- the gate's way */

static enum emu_status gate_fault(struct exec *x, const struct x86_event *event, uint8_t vector)
{
	return exec_fault_code(x, vector, model_gate_fault(event, vector).code);
}

static struct gate gate_of(uint64_t low, uint64_t high)
{
	return (struct gate){
		.offset = (low & 0xffff) | (low >> 32 & 0xffff0000) | high << 32,
		.selector = (uint16_t)(low >> 16),
		.ist = low >> 32 & 7,
		.type = low >> 40 & 31,
		.dpl = low >> 45 & 3,
		.present = (low >> 47 & 1) != 0,
	};
}

static bool gate_type_ok(const struct exec *x, uint8_t type)
{
	if (type == SYS_TYPE_INTERRUPT_GATE || type == SYS_TYPE_TRAP_GATE)
		return true;
	return !exec_long(x) && (type == (SYS_TYPE_INTERRUPT_GATE & 7) ||
				 type == (SYS_TYPE_TRAP_GATE & 7) || type == SYS_TYPE_TASK_GATE);
}

static enum emu_status read_gate(struct exec *x, const struct x86_event *event, struct gate *gate)
{
	const unsigned size = exec_long(x) ? 16 : 8;
	uint64_t raw[2] = {0, 0};
	enum emu_status status;

	if ((event->vector + 1u) * size - 1 > x->s->idtr.limit)
		return gate_fault(x, event, X86_GP);
	status = exec_read(x, x->s->idtr.base + event->vector * size, raw, size, VIEW_SYSTEM);
	if (status != EMU_DONE)
		return status;
	*gate = gate_of(raw[0], raw[1]);
	if (!exec_long(x))
		gate->ist = 0;
	if (!gate_type_ok(x, gate->type) || (is_called(event) && gate->dpl < x->cpl))
		return gate_fault(x, event, X86_GP);
	return gate->present ? EMU_DONE : gate_fault(x, event, X86_NP);
}

/** A hardware task switch: the driver's VMM is told. */
static enum emu_status leave_for_task(struct exec *x, const struct x86_event *event,
				      const struct gate *gate)
{
	x->cpu->qualification.task_switch =
		(struct hv_exit_task_switch){.selector = gate->selector,
					     .source = 3,
					     .has_code = event->has_code,
					     .code = event->code};
	x->cpu->length = event->insn_length;
	return exec_leave(x, MODEL_TASK_SWITCH);
}

static enum emu_status read_code(struct exec *x, const struct x86_event *event,
				 const struct gate *gate, struct target *target)
{
	const uint32_t code = HV_SEG_S | SEG_TYPE_CODE;
	struct exec_desc desc;
	enum emu_status status;
	uint32_t attr, dpl;

	if ((gate->selector & 0xfffcu) == 0)
		return exec_fault_code(x, X86_GP, external(event, 0));
	status = exec_desc_read(x, gate->selector, X86_GP, &desc);
	if (status != EMU_DONE)
		return status;
	attr = exec_desc_attr(&desc);
	dpl = exec_desc_dpl(&desc);
	if ((attr & code) != code || dpl > x->cpl ||
	    (exec_long(x) && (attr & (HV_SEG_L | HV_SEG_DB)) != HV_SEG_L))
		return exec_fault_code(x, X86_GP, external(event, gate->selector));
	if ((attr & HV_SEG_P) == 0)
		return exec_fault_code(x, X86_NP, external(event, gate->selector));
	status = exec_desc_access(x, &desc);
	target->cpl = (attr & SEG_TYPE_CONFORMING) != 0 ? x->cpl : (uint8_t)dpl;
	target->cs = exec_desc_segment(&desc, (uint16_t)((gate->selector & 0xfffcu) | target->cpl));
	target->rip = gate->offset;
	return status;
}

/** The stack of an inner ring, or of an IST entry. */
static enum emu_status choose_stack(struct exec *x, const struct gate *gate, struct target *target)
{
	const struct hv_x86_segment *tss = &x->s->seg[HV_TR];
	enum emu_status status;
	uint16_t selector;

	target->ss = x->s->seg[HV_SS];
	target->rsp = x->ctx.gpr[INSN_RSP];
	target->stack_changes = target->cpl != x->cpl || gate->ist != 0;
	if (gate->ist != 0) {
		if (0x24u + 8u * gate->ist + 7u > tss->limit)
			return exec_fault_code(x, X86_TS, tss->selector & 0xfffcu);
		status = exec_read(x, tss->base + 0x1c + 8u * gate->ist, &target->rsp, 8,
				   VIEW_SYSTEM);
	} else if (target->stack_changes) {
		status = exec_inner_stack(x, target->cpl, &target->rsp, &selector);
		if (status == EMU_DONE && !exec_long(x))
			return exec_stack_segment(x, selector, target->cpl, X86_TS, &target->ss);
	} else {
		return EMU_DONE;
	}
	if (target->cpl != x->cpl)
		target->ss = exec_null_stack(target->cpl, target->cpl);
	return status;
}

/* ------------------------------------------------------------------------------------- the frame */

/** Write a frame downwards in the target's stack; `size` bytes each. */
static enum emu_status push_frame(struct exec *x, struct target *target, const uint64_t *values,
				  unsigned count, unsigned size)
{
	const bool flat = exec_long(x);
	const uint64_t mask = flat ? UINT64_MAX
			      : (target->ss.attr & HV_SEG_DB) != 0 ? UINT32_MAX
								   : 0xffff;
	const enum exec_view view = target->cpl == 3 ? VIEW_USER : VIEW_SYSTEM;
	uint64_t rsp = target->rsp;
	enum emu_status status = EMU_DONE;

	for (unsigned i = 0; i < count && status == EMU_DONE; i++) {
		uint64_t linear;

		rsp = (rsp & ~mask) | ((rsp - size) & mask);
		linear = flat ? rsp : (target->ss.base + (rsp & mask)) & UINT32_MAX;
		if (flat && (uint64_t)((int64_t)(linear << 16) >> 16) != linear)
			return exec_fault_code(x, X86_SS, 0);
		if (!flat && (rsp & mask) + size - 1 > target->ss.limit &&
		    (target->ss.attr & SEG_TYPE_EXPAND) == 0)
			return exec_fault_code(x, X86_SS, 0);
		status = exec_write(x, linear, &values[i], size, view);
	}
	target->rsp = rsp;
	return status;
}

static enum emu_status push_event(struct exec *x, const struct x86_event *event,
				  const struct gate *gate, struct target *target)
{
	const struct hv_x86_segment *seg = x->s->seg;
	const unsigned size = exec_long(x) ? 8 : (gate->type & 8) != 0 ? 4 : 2;
	uint64_t frame[10];
	unsigned n = 0;

	if (exec_v86(x)) {
		frame[n++] = seg[HV_GS].selector;
		frame[n++] = seg[HV_FS].selector;
		frame[n++] = seg[HV_DS].selector;
		frame[n++] = seg[HV_ES].selector;
	}
	if (exec_long(x) || target->stack_changes) {
		frame[n++] = seg[HV_SS].selector;
		frame[n++] = x->ctx.gpr[INSN_RSP];
	}
	frame[n++] = flags_to_push(x, event);
	frame[n++] = seg[HV_CS].selector;
	frame[n++] = return_address(x, event);
	if (event->has_code)
		frame[n++] = event->code;
	if (exec_long(x))
		target->rsp &= ~UINT64_C(15);
	return push_frame(x, target, frame, n, size);
}

/** Nothing can fail any more. */
static void take_target(struct exec *x, const struct target *target, bool interrupt_gate)
{
	uint64_t clear = RFLAGS_TF | RFLAGS_RF | RFLAGS_NT | RFLAGS_VM;

	if (exec_v86(x))
		for (unsigned i = 0; i < HV_SEGS; i++)
			if (i == HV_ES || i == HV_DS || i == HV_FS || i == HV_GS)
				x->s->seg[i] = (struct hv_x86_segment){.attr = HV_SEG_UNUSABLE};
	x->s->seg[HV_CS] = target->cs;
	x->s->seg[HV_SS] = target->ss;
	x->ctx.gpr[INSN_RSP] = target->rsp;
	x->ctx.rip = target->rip;
	if (interrupt_gate)
		clear |= RFLAGS_IF;
	x->ctx.rflags &= ~clear;
}

static enum emu_status enter_protected(struct exec *x, const struct x86_event *event)
{
	struct target target = {.cpl = 0};
	struct gate gate = {.type = 0};
	enum emu_status status = read_gate(x, event, &gate);

	if (status == EMU_DONE && gate.type == SYS_TYPE_TASK_GATE)
		return leave_for_task(x, event, &gate);
	if (status == EMU_DONE)
		status = read_code(x, event, &gate, &target);
	if (status == EMU_DONE && exec_v86(x) && target.cpl != 0)
		status = exec_fault_code(x, X86_GP, external(event, gate.selector));
	if (status == EMU_DONE)
		status = choose_stack(x, &gate, &target);
	if (status == EMU_DONE)
		status = push_event(x, event, &gate, &target);
	if (status == EMU_DONE)
		take_target(x, &target, (gate.type & 1) == 0);
	return status;
}

/* --------------------------------------------------------------------------------------- delivery */

static void exit_exception(struct exec *x, const struct x86_event *event, uint64_t address,
			   uint64_t dr6)
{
	x->cpu->qualification.exception.event = *event;
	x->cpu->qualification.exception.address = address;
	x->cpu->qualification.exception.dr6 = dr6;
	x->cpu->length = event->insn_length;
	exec_leave(x, MODEL_EXCEPTION);
}

/** The fault that is in the emulator's context, as an event. */
static struct x86_event fault_event(const struct exec *x)
{
	const struct emu_fault *fault = &x->ctx.fault;

	return model_exception(fault->vector, fault->has_error_code && exec_protected(x),
			       fault->error_code);
}

static void entered(struct exec *x, const struct x86_event *event)
{
	x->s->shadow &= HV_SHADOW_NMI;
	if (event->type == X86_EVENT_NMI)
		x->s->shadow |= HV_SHADOW_NMI;
	exec_context(x);
}

/** One attempt. @return true: it is over */
static bool attempt(struct exec *x, struct x86_event *event)
{
	const enum emu_status status =
		exec_protected(x) ? enter_protected(x, event) : enter_real(x, event);
	struct x86_event fault;

	if (status == EMU_DONE) {
		entered(x, event);
		return true;
	}
	if (x->left) {
		x->cpu->cut_short = *event;
		return true;
	}
	fault = fault_event(x);
	if (model_intercepted(x->cpu, &fault)) {
		x->cpu->cut_short = *event;
		exit_exception(x, &fault, x->ctx.fault.cr2, 0);
		return true;
	}
	if (fault.vector == X86_PF)
		x->s->cr2 = x->ctx.fault.cr2;
	if (model_combine(event, &fault)) {
		event->has_code = event->has_code && exec_protected(x);
		return false;
	}
	exec_leave(x, MODEL_TRIPLE_FAULT);
	return true;
}

void exec_deliver(struct exec *x, struct x86_event event)
{
	while (!attempt(x, &event))
		;
}

static void raise_event(struct exec *x, struct x86_event event, uint64_t address, uint64_t dr6)
{
	event.has_code = event.has_code && exec_protected(x);
	if (model_intercepted(x->cpu, &event)) {
		exit_exception(x, &event, address, dr6);
		return;
	}
	if (event.vector == X86_PF)
		x->s->cr2 = address;
	if (event.vector == X86_DB)
		x->s->dr6 |= dr6;
	exec_deliver(x, event);
}

void exec_raise(struct exec *x)
{
	raise_event(x, fault_event(x), x->ctx.fault.cr2, 0);
}

void exec_debug_trap(struct exec *x, uint64_t dr6)
{
	raise_event(x, model_exception(X86_DB, false, 0), 0, dr6);
}

/* ------------------------------------------------------------------------------ INT n, INT3, INTO, INT1 */

static enum emu_status software(struct exec *x, const struct insn *insn, enum x86_event_type type,
				uint8_t vector)
{
	const struct x86_event event = {.valid = 1,
					.type = (uint8_t)type,
					.vector = vector,
					.insn_length = insn->length};

	if (type == X86_EVENT_SOFT_INT)
		exec_deliver(x, event);
	else
		raise_event(x, event, 0, 0);
	return x->left ? EMU_FAULT : EMU_DONE;
}

enum emu_status exec_int(struct exec *x, const struct insn *insn)
{
	switch (insn->id) {
	case INSN_INT3:
		return software(x, insn, X86_EVENT_SOFT_EXC, X86_BP);
	case INSN_INT1:
		return software(x, insn, X86_EVENT_PRIV_SOFT, X86_DB);
	case INSN_INTO:
		if ((x->ctx.rflags & RFLAGS_OF) == 0)
			return exec_done(x, insn);
		return software(x, insn, X86_EVENT_SOFT_EXC, X86_OF);
	default:
		if (exec_v86(x) && (x->ctx.rflags & RFLAGS_IOPL) != RFLAGS_IOPL)
			return exec_gp(x);
		return software(x, insn, X86_EVENT_SOFT_INT, (uint8_t)insn->imm);
	}
}
