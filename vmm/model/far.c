/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control transfers that change the code segment: far JMP, CALL, RET, IRET (SDM vol. 2; vol. 3, 5.8), system calls
 * by SYSCALL and SYSENTER.
 */
#include "lib/x86/desc.h"
#include "lib/x86/regs.h"
#include "vmm/model/exec.h"

#define FLAT_CODE (HV_SEG_G | HV_SEG_P | HV_SEG_S | 0xbu)
#define FLAT_DATA (HV_SEG_G | HV_SEG_P | HV_SEG_S | HV_SEG_DB | 0x3u)
/** Flags that a program may change, whatever its privilege. */
#define USER_FLAGS                                                                                 \
	(RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | RFLAGS_DF |       \
	 RFLAGS_OF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID)

static bool is_canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* ------------------------------------------------------------------------------ stack, in any segment */

/** A stack that is read or written while the old one still is the program's. */
struct stack {
	struct hv_x86_segment ss;
	uint64_t rsp;
	uint8_t width; /* of the stack pointer */
	enum exec_view view;
};

static struct stack stack_now(const struct exec *x)
{
	return (struct stack){.ss = x->s->seg[HV_SS],
			      .rsp = x->ctx.gpr[INSN_RSP],
			      .width = x->ctx.stack_size,
			      .view = exec_view(x)};
}

static bool stack_linear(const struct exec *x, const struct stack *stack, unsigned size,
			 uint64_t *linear)
{
	const uint64_t offset = stack->rsp & insn_size_mask(stack->width);

	if (x->mode == INSN_MODE_64) {
		*linear = offset;
		return is_canonical(offset);
	}
	*linear = (stack->ss.base + offset) & UINT32_MAX;
	return (stack->ss.attr & SEG_TYPE_EXPAND) != 0 || offset + size - 1 <= stack->ss.limit;
}

static void stack_move(struct stack *stack, uint64_t by)
{
	const uint64_t mask = insn_size_mask(stack->width);

	stack->rsp = (stack->rsp & ~mask) | ((stack->rsp + by) & mask);
}

static enum emu_status stack_pop(struct exec *x, struct stack *stack, unsigned size, uint64_t *value)
{
	uint64_t linear;

	*value = 0;
	if (!stack_linear(x, stack, size, &linear))
		return exec_fault_code(x, X86_SS, 0);
	const enum emu_status status = exec_read(x, linear, value, size, stack->view);
	if (status == EMU_DONE)
		stack_move(stack, size);
	return status;
}

static enum emu_status stack_push(struct exec *x, struct stack *stack, unsigned size, uint64_t value)
{
	uint64_t linear;

	stack_move(stack, -(uint64_t)size);
	if (!stack_linear(x, stack, size, &linear))
		return exec_fault_code(x, X86_SS, 0);
	return exec_write(x, linear, &value, size, stack->view);
}

static void stack_take(struct exec *x, const struct stack *stack)
{
	x->ctx.gpr[INSN_RSP] = stack->rsp;
}

/* ----------------------------------------------------------------------------------- code segments */

static bool target_in_segment(const struct exec *x, const struct hv_x86_segment *cs, uint64_t rip)
{
	if (exec_long(x) && (cs->attr & HV_SEG_L) != 0)
		return is_canonical(rip);
	return rip <= cs->limit;
}

/** @return whether code of this privilege may be entered by a far jump or call. */
static bool may_jump(const struct exec *x, uint16_t selector, uint32_t attr, uint32_t dpl)
{
	if ((attr & SEG_TYPE_CONFORMING) != 0)
		return dpl <= x->cpl;
	return dpl == x->cpl && (selector & 3u) <= x->cpl;
}

static bool is_code(const struct exec *x, uint32_t attr)
{
	const uint32_t both = HV_SEG_L | HV_SEG_DB, code = HV_SEG_S | SEG_TYPE_CODE;

	return (attr & code) == code && !(exec_long(x) && (attr & both) == both);
}

/** Code segment of a far jump or call, with the privilege of now. */
static enum emu_status jump_segment(struct exec *x, uint16_t selector, struct exec_desc *desc,
				    struct hv_x86_segment *cs)
{
	const uint32_t attr = exec_desc_attr(desc);
	enum emu_status status;

	if (!is_code(x, attr) || !may_jump(x, selector, attr, exec_desc_dpl(desc)))
		return exec_fault_code(x, X86_GP, selector & 0xfffcu);
	if ((attr & HV_SEG_P) == 0)
		return exec_fault_code(x, X86_NP, selector & 0xfffcu);
	status = exec_desc_access(x, desc);
	*cs = exec_desc_segment(desc, (uint16_t)((selector & 0xfffcu) | x->cpl));
	return status;
}

static void set_code(struct exec *x, const struct hv_x86_segment *cs, uint64_t rip)
{
	x->s->seg[HV_CS] = *cs;
	x->ctx.rip = rip;
	x->ctx.rflags &= ~RFLAGS_RF;
	exec_context(x);
}

/* ---------------------------------------------------------------------------------- JMP and CALL far */

static uint64_t next_rip(const struct exec *x, const struct insn *insn)
{
	const uint64_t rip = x->ctx.rip + insn->length;

	return insn->mode == INSN_MODE_64 ? rip : rip & UINT32_MAX;
}

static enum emu_status far_pointer(struct exec *x, const struct insn *insn, uint64_t *offset,
				   uint16_t *selector)
{
	enum emu_status status;
	uint64_t linear;

	*offset = (uint64_t)insn->imm & insn_size_mask(insn->opsize);
	*selector = insn->imm2;
	if (insn->form == INSN_FORM_FAR)
		return EMU_DONE;
	*offset = 0;
	status = emu_address(&x->ctx, insn, insn->opsize + 2u, false, &linear);
	if (status == EMU_DONE)
		status = exec_read(x, linear, offset, insn->opsize, exec_view(x));
	return status == EMU_DONE ? exec_read(x, linear + insn->opsize, selector, 2, exec_view(x))
				  : status;
}

static enum emu_status push_return(struct exec *x, const struct insn *insn, struct stack *stack,
				   unsigned size)
{
	enum emu_status status = stack_push(x, stack, size, x->s->seg[HV_CS].selector);

	return status == EMU_DONE ? stack_push(x, stack, size, next_rip(x, insn)) : status;
}

static enum emu_status far_real(struct exec *x, const struct insn *insn, uint64_t offset,
				uint16_t selector)
{
	struct stack stack = stack_now(x);
	enum emu_status status = EMU_DONE;

	if (offset > x->s->seg[HV_CS].limit)
		return exec_gp(x);
	if (insn->id == INSN_CALL_FAR)
		status = push_return(x, insn, &stack, insn->opsize);
	if (status != EMU_DONE)
		return status;
	stack_take(x, &stack);
	exec_segment_real(x, HV_CS, selector);
	x->ctx.rip = offset;
	x->ctx.rflags &= ~RFLAGS_RF;
	exec_context(x);
	return EMU_DONE;
}

/** The stack of an inner ring, with the parameters of a call gate of before long mode on it. */
static enum emu_status gate_stack(struct exec *x, const struct insn *insn, uint64_t gate,
				  uint32_t cpl, struct stack *stack)
{
	const unsigned size = exec_long(x) ? 8 : (gate >> 43 & 1) != 0 ? 4 : 2;
	const unsigned count = exec_long(x) ? 0 : gate >> 32 & 31;
	struct stack old = stack_now(x);
	uint64_t parameter[31], rsp;
	uint16_t ss;
	enum emu_status status = exec_inner_stack(x, cpl, &rsp, &ss);

	for (unsigned i = 0; i < count && status == EMU_DONE; i++)
		status = stack_pop(x, &old, size, &parameter[i]);
	if (status == EMU_DONE && !exec_long(x))
		status = exec_stack_segment(x, ss, cpl, X86_TS, &stack->ss);
	if (status != EMU_DONE)
		return status;
	if (exec_long(x))
		stack->ss = exec_null_stack((uint16_t)cpl, cpl);
	stack->rsp = rsp;
	stack->view = VIEW_SYSTEM;
	stack->width = exec_long(x) ? 8 : (stack->ss.attr & HV_SEG_DB) != 0 ? 4 : 2;
	status = stack_push(x, stack, size, x->s->seg[HV_SS].selector);
	if (status == EMU_DONE)
		status = stack_push(x, stack, size, x->ctx.gpr[INSN_RSP]);
	for (unsigned i = count; i-- > 0 && status == EMU_DONE;)
		status = stack_push(x, stack, size, parameter[i]);
	return status == EMU_DONE ? push_return(x, insn, stack, size) : status;
}

/** SDM vol. 3, 5.8.3 to 5.8.5. */
static enum emu_status through_gate(struct exec *x, const struct insn *insn,
				    const struct exec_desc *gate, uint16_t gate_selector)
{
	const uint16_t selector = (uint16_t)(gate->low >> 16);
	const uint32_t gate_dpl = exec_desc_dpl(gate);
	uint64_t offset = (gate->low & 0xffff) | (gate->low >> 32 & 0xffff0000) | gate->high << 32;
	const unsigned size = exec_long(x) ? 8 : (gate->low >> 43 & 1) != 0 ? 4 : 2;
	struct stack stack = stack_now(x);
	struct hv_x86_segment cs;
	struct exec_desc desc;
	enum emu_status status;
	uint32_t attr, dpl;
	bool inward;

	if (gate_dpl < x->cpl || gate_dpl < (gate_selector & 3u))
		return exec_fault_code(x, X86_GP, gate_selector & 0xfffcu);
	if ((gate->low >> 47 & 1) == 0)
		return exec_fault_code(x, X86_NP, gate_selector & 0xfffcu);
	if ((selector & 0xfffcu) == 0)
		return exec_gp(x);
	status = exec_desc_read(x, selector, X86_GP, &desc);
	if (status != EMU_DONE)
		return status;
	attr = exec_desc_attr(&desc);
	dpl = exec_desc_dpl(&desc);
	inward = insn->id == INSN_CALL_FAR && (attr & SEG_TYPE_CONFORMING) == 0 && dpl < x->cpl;
	if (!is_code(x, attr) || dpl > x->cpl ||
	    (exec_long(x) && (attr & HV_SEG_L) == 0) ||
	    (insn->id == INSN_JMP_FAR && (attr & SEG_TYPE_CONFORMING) == 0 && dpl != x->cpl))
		return exec_fault_code(x, X86_GP, selector & 0xfffcu);
	if ((attr & HV_SEG_P) == 0)
		return exec_fault_code(x, X86_NP, selector & 0xfffcu);
	offset &= insn_size_mask(size);
	cs = exec_desc_segment(&desc, (uint16_t)((selector & 0xfffcu) | (inward ? dpl : x->cpl)));
	if (!target_in_segment(x, &cs, offset))
		return exec_gp(x);
	if (inward)
		status = gate_stack(x, insn, gate->low, dpl, &stack);
	else if (insn->id == INSN_CALL_FAR)
		status = push_return(x, insn, &stack, size);
	if (status == EMU_DONE)
		status = exec_desc_access(x, &desc);
	if (status != EMU_DONE)
		return status;
	x->s->seg[HV_SS] = stack.ss;
	stack_take(x, &stack);
	set_code(x, &cs, offset);
	return EMU_DONE;
}

/** What is no code segment: a gate, or a hardware task switch, which the driver's VMM is told of. */
static enum emu_status far_system(struct exec *x, const struct insn *insn,
				  const struct exec_desc *desc, uint16_t selector)
{
	const uint8_t type = desc->low >> 40 & 15;

	if (type == SYS_TYPE_CALL_GATE || (type == SYS_TYPE_CALL_GATE16 && !exec_long(x)))
		return through_gate(x, insn, desc, selector);
	if (exec_long(x) || (type != SYS_TYPE_TSS_AVAILABLE && type != SYS_TYPE_TSS16_AVAILABLE &&
			     type != SYS_TYPE_TASK_GATE))
		return exec_fault_code(x, X86_GP, selector & 0xfffcu);
	x->cpu->qualification.task_switch = (struct hv_exit_task_switch){
		.selector = selector, .source = insn->id == INSN_CALL_FAR ? 0 : 2};
	return exec_leave_by(x, insn, MODEL_TASK_SWITCH);
}

static enum emu_status far_protected(struct exec *x, const struct insn *insn, uint64_t offset,
				     uint16_t selector)
{
	struct stack stack = stack_now(x);
	struct hv_x86_segment cs;
	struct exec_desc desc;
	enum emu_status status;

	if ((selector & 0xfffcu) == 0)
		return exec_gp(x);
	status = exec_desc_read(x, selector, X86_GP, &desc);
	if (status != EMU_DONE)
		return status;
	if ((exec_desc_attr(&desc) & HV_SEG_S) == 0)
		return far_system(x, insn, &desc, selector);
	status = jump_segment(x, selector, &desc, &cs);
	if (status == EMU_DONE && !target_in_segment(x, &cs, offset))
		status = exec_gp(x);
	if (status == EMU_DONE && insn->id == INSN_CALL_FAR)
		status = push_return(x, insn, &stack, insn->opsize);
	if (status != EMU_DONE)
		return status;
	stack_take(x, &stack);
	set_code(x, &cs, offset);
	return EMU_DONE;
}

/* ------------------------------------------------------------------------------------ RET far and IRET */

/** What a return takes from the stack. */
struct frame {
	uint64_t rip, flags, rsp;
	uint16_t cs, ss;
};

/** The code segment that a return goes to, of the same or an outer ring. */
static enum emu_status return_segment(struct exec *x, uint16_t selector, struct exec_desc *desc)
{
	const uint32_t rpl = selector & 3u;
	enum emu_status status;
	uint32_t attr, dpl;

	if ((selector & 0xfffcu) == 0)
		return exec_gp(x);
	status = exec_desc_read(x, selector, X86_GP, desc);
	if (status != EMU_DONE)
		return status;
	attr = exec_desc_attr(desc);
	dpl = exec_desc_dpl(desc);
	if (!is_code(x, attr) || rpl < x->cpl ||
	    ((attr & SEG_TYPE_CONFORMING) != 0 ? dpl > rpl : dpl != rpl))
		return exec_fault_code(x, X86_GP, selector & 0xfffcu);
	if ((attr & HV_SEG_P) == 0)
		return exec_fault_code(x, X86_NP, selector & 0xfffcu);
	return exec_desc_access(x, desc);
}

/** Data segments that the outer ring may not have are taken from it (SDM vol. 2, RET). */
static void drop_segments(struct exec *x)
{
	static const enum hv_x86_seg data[] = {HV_ES, HV_DS, HV_FS, HV_GS};

	for (unsigned i = 0; i < 4; i++) {
		struct hv_x86_segment *seg = &x->s->seg[data[i]];
		const bool conforming = (seg->attr & (SEG_TYPE_CODE | SEG_TYPE_CONFORMING)) ==
					(SEG_TYPE_CODE | SEG_TYPE_CONFORMING);

		if ((seg->attr >> HV_SEG_DPL_SHIFT & 3) < x->cpl && !conforming &&
		    (seg->attr & HV_SEG_UNUSABLE) == 0)
			*seg = (struct hv_x86_segment){.attr = HV_SEG_UNUSABLE};
	}
}

/** SS of an outer ring; a null selector is good for 64-bit rings other than 3. */
static enum emu_status outer_stack(struct exec *x, const struct frame *frame,
				   const struct hv_x86_segment *cs, struct hv_x86_segment *ss)
{
	const uint32_t cpl = frame->cs & 3u;

	if ((frame->ss & 0xfffcu) == 0 && exec_long(x) && (cs->attr & HV_SEG_L) != 0 && cpl != 3 &&
	    (frame->ss & 3u) == cpl) {
		*ss = exec_null_stack(frame->ss, cpl);
		return EMU_DONE;
	}
	return exec_stack_segment(x, frame->ss, cpl, X86_GP, ss);
}

static void set_stack_pointer(struct exec *x, uint64_t rsp)
{
	const uint64_t mask = insn_size_mask(x->ctx.stack_size);

	x->ctx.gpr[INSN_RSP] =
		x->ctx.stack_size == 8 ? rsp : (x->ctx.gpr[INSN_RSP] & ~mask) | (rsp & mask);
}

/** Go there; `with_stack`: SS:rSP are in the frame, too. Nothing has changed where it fails. */
static enum emu_status return_to(struct exec *x, const struct frame *frame, bool with_stack,
				 uint64_t release)
{
	struct hv_x86_segment cs, ss;
	struct exec_desc desc;
	enum emu_status status = return_segment(x, frame->cs, &desc);
	const bool outward = (frame->cs & 3u) != x->cpl;

	if (status != EMU_DONE)
		return status;
	cs = exec_desc_segment(&desc, frame->cs);
	if (!target_in_segment(x, &cs, frame->rip))
		return exec_gp(x);
	if (with_stack) {
		status = outer_stack(x, frame, &cs, &ss);
		if (status != EMU_DONE)
			return status;
		x->s->seg[HV_SS] = ss;
	}
	set_code(x, &cs, frame->rip);
	if (with_stack) {
		set_stack_pointer(x, frame->rsp);
		set_stack_pointer(x, x->ctx.gpr[INSN_RSP] + release);
	}
	if (outward)
		drop_segments(x);
	return EMU_DONE;
}

static enum emu_status return_real(struct exec *x, const struct frame *frame)
{
	if (frame->rip > x->s->seg[HV_CS].limit)
		return exec_gp(x);
	exec_segment_real(x, HV_CS, frame->cs);
	x->ctx.rip = frame->rip;
	x->ctx.rflags &= ~RFLAGS_RF;
	exec_context(x);
	return EMU_DONE;
}

static enum emu_status pop_selector(struct exec *x, struct stack *stack, unsigned size, uint16_t *to)
{
	uint64_t value;
	const enum emu_status status = stack_pop(x, stack, size, &value);

	*to = (uint16_t)value;
	return status;
}

static enum emu_status ret_far(struct exec *x, const struct insn *insn)
{
	const unsigned size = insn->opsize;
	const uint64_t release = insn->form == INSN_FORM_I ? (uint64_t)insn->imm & 0xffff : 0;
	struct stack stack = stack_now(x);
	struct frame frame = {.rip = 0};
	bool outward;
	enum emu_status status = stack_pop(x, &stack, size, &frame.rip);

	if (status == EMU_DONE)
		status = pop_selector(x, &stack, size, &frame.cs);
	if (status != EMU_DONE)
		return status;
	stack_move(&stack, release);
	outward = exec_segmented(x) && (frame.cs & 3u) > x->cpl;
	if (outward)
		status = stack_pop(x, &stack, size, &frame.rsp);
	if (status == EMU_DONE && outward)
		status = pop_selector(x, &stack, size, &frame.ss);
	if (status == EMU_DONE)
		status = exec_segmented(x) ? return_to(x, &frame, outward, release)
					   : return_real(x, &frame);
	if (status == EMU_DONE && !outward)
		stack_take(x, &stack);
	return status;
}

enum emu_status exec_far(struct exec *x, const struct insn *insn)
{
	uint64_t offset;
	uint16_t selector;
	enum emu_status status;

	if (insn->id == INSN_RET_FAR)
		return ret_far(x, insn);
	status = far_pointer(x, insn, &offset, &selector);
	if (status != EMU_DONE)
		return status;
	return exec_segmented(x) ? far_protected(x, insn, offset, selector)
				 : far_real(x, insn, offset, selector);
}

/** What IRET may change: IOPL in ring 0, IF where IOPL allows. */
static uint64_t iret_mask(const struct exec *x, unsigned size)
{
	uint64_t mask = USER_FLAGS | RFLAGS_RF;

	if (x->cpl == 0)
		mask |= RFLAGS_IOPL | RFLAGS_VIF | RFLAGS_VIP;
	if (x->cpl <= (x->ctx.rflags & RFLAGS_IOPL) >> 12)
		mask |= RFLAGS_IF;
	return size == 2 ? mask & 0xffff : mask;
}

static enum emu_status pop_three(struct exec *x, struct stack *stack, unsigned size,
				 struct frame *frame)
{
	enum emu_status status = stack_pop(x, stack, size, &frame->rip);

	if (status == EMU_DONE)
		status = pop_selector(x, stack, size, &frame->cs);
	return status == EMU_DONE ? stack_pop(x, stack, size, &frame->flags) : status;
}

/** Back into virtual-8086 mode: six more values are there. */
static enum emu_status iret_v86(struct exec *x, struct stack *stack, const struct frame *frame)
{
	static const enum hv_x86_seg order[] = {HV_SS, HV_ES, HV_DS, HV_FS, HV_GS};
	uint16_t selector[5];
	uint64_t rsp;
	enum emu_status status = stack_pop(x, stack, 4, &rsp);

	for (unsigned i = 0; i < 5 && status == EMU_DONE; i++)
		status = pop_selector(x, stack, 4, &selector[i]);
	if (status != EMU_DONE)
		return status;
	x->ctx.rflags = (frame->flags & 0x3f7fd7) | RFLAGS_FIXED1;
	for (unsigned i = 0; i < 5; i++)
		exec_segment_real(x, order[i], selector[i]);
	exec_segment_real(x, HV_CS, frame->cs);
	x->ctx.gpr[INSN_RSP] = rsp;
	x->ctx.rip = frame->rip & 0xffff;
	exec_context(x);
	return EMU_DONE;
}

static enum emu_status iret_protected(struct exec *x, const struct insn *insn, struct stack *stack,
				      struct frame *frame)
{
	const unsigned size = insn->opsize;
	const uint64_t mask = iret_mask(x, size);
	const bool with_stack = x->mode == INSN_MODE_64 || (frame->cs & 3u) > x->cpl;
	enum emu_status status = EMU_DONE;

	if (!exec_long(x) && size == 4 && (frame->flags & RFLAGS_VM) != 0 && x->cpl == 0)
		return iret_v86(x, stack, frame);
	if (with_stack)
		status = stack_pop(x, stack, size, &frame->rsp);
	if (status == EMU_DONE && with_stack)
		status = pop_selector(x, stack, size, &frame->ss);
	if (status == EMU_DONE)
		status = return_to(x, frame, with_stack, 0);
	if (status != EMU_DONE)
		return status;
	if (!with_stack)
		stack_take(x, stack);
	x->ctx.rflags = (x->ctx.rflags & ~mask) | (frame->flags & mask) | RFLAGS_FIXED1;
	return EMU_DONE;
}

enum emu_status exec_iret(struct exec *x, const struct insn *insn)
{
	const unsigned size = insn->opsize;
	const uint64_t mask = iret_mask(x, size);
	struct stack stack = stack_now(x);
	struct frame frame = {.rip = 0};
	enum emu_status status;

	if (exec_v86(x) && (x->ctx.rflags & RFLAGS_IOPL) != RFLAGS_IOPL)
		return exec_gp(x);
	if (exec_segmented(x) && (x->ctx.rflags & RFLAGS_NT) != 0) {
		if (exec_long(x))
			return exec_gp(x);
		x->cpu->qualification.task_switch = (struct hv_exit_task_switch){.source = 1};
		return exec_leave_by(x, insn, MODEL_TASK_SWITCH);
	}
	status = pop_three(x, &stack, size, &frame);
	if (status != EMU_DONE)
		return status;
	if (exec_segmented(x)) {
		status = iret_protected(x, insn, &stack, &frame);
	} else {
		status = return_real(x, &frame);
		if (status == EMU_DONE) {
			stack_take(x, &stack);
			x->ctx.rflags = (x->ctx.rflags & ~mask) | (frame.flags & mask) |
					RFLAGS_FIXED1;
		}
	}
	if (status == EMU_DONE)
		x->s->shadow &= ~(uint32_t)HV_SHADOW_NMI;
	return status;
}

/* ---------------------------------------------------------------------------------- SYSCALL, SYSENTER */

/** Flat segments with the selectors that the MSRs give (SDM vol. 2, SYSCALL, SYSENTER). */
static void set_flat(struct exec *x, uint32_t cs, uint32_t ss, uint32_t cpl, uint32_t width)
{
	const uint32_t dpl = cpl << HV_SEG_DPL_SHIFT;

	x->s->seg[HV_CS] = (struct hv_x86_segment){
		.limit = UINT32_MAX, .attr = FLAT_CODE | width | dpl, .selector = (uint16_t)cs};
	x->s->seg[HV_SS] = (struct hv_x86_segment){
		.limit = UINT32_MAX, .attr = FLAT_DATA | dpl, .selector = (uint16_t)ss};
	exec_context(x);
}

enum emu_status exec_syscall(struct exec *x, const struct insn *insn)
{
	const uint32_t selector = (uint32_t)(x->s->star >> 32) & 0xfffcu;
	const bool from_64 = x->mode == INSN_MODE_64;

	if ((x->s->efer & EFER_SCE) == 0 || !exec_long(x))
		return exec_fault(x, X86_UD);
	x->ctx.gpr[INSN_RCX] = next_rip(x, insn);
	x->ctx.gpr[INSN_R8 + 3] = x->ctx.rflags & ~RFLAGS_RF;
	x->ctx.rflags = (x->ctx.rflags & ~(x->s->sfmask | RFLAGS_RF)) | RFLAGS_FIXED1;
	x->ctx.rip = from_64 ? x->s->lstar : x->s->cstar;
	set_flat(x, selector, selector + 8, 0, HV_SEG_L);
	return EMU_DONE;
}

enum emu_status exec_sysret(struct exec *x, const struct insn *insn)
{
	const bool to_64 = (insn->rex & INSN_REX_W) != 0;
	const uint32_t selector = (uint32_t)(x->s->star >> 48) + (to_64 ? 16 : 0);
	const uint64_t rip = to_64 ? x->ctx.gpr[INSN_RCX] : x->ctx.gpr[INSN_RCX] & UINT32_MAX;

	if ((x->s->efer & EFER_SCE) == 0 || x->mode != INSN_MODE_64)
		return exec_fault(x, X86_UD);
	if (x->cpl != 0 || !is_canonical(rip))
		return exec_gp(x);
	x->ctx.rip = rip;
	x->ctx.rflags = (x->ctx.gpr[INSN_R8 + 3] & 0x3c7fd7) | RFLAGS_FIXED1;
	set_flat(x, selector | 3, ((uint32_t)(x->s->star >> 48) + 8) | 3, 3,
		 to_64 ? HV_SEG_L : HV_SEG_DB);
	return EMU_DONE;
}

enum emu_status exec_sysenter(struct exec *x, const struct insn *insn)
{
	const uint32_t selector = (uint32_t)x->s->sysenter_cs & 0xfffcu;

	(void)insn;
	if (!exec_protected(x) || selector == 0)
		return exec_gp(x);
	x->ctx.rflags &= ~(RFLAGS_VM | RFLAGS_IF | RFLAGS_RF);
	x->ctx.gpr[INSN_RSP] = exec_long(x) ? x->s->sysenter_esp : (uint32_t)x->s->sysenter_esp;
	x->ctx.rip = exec_long(x) ? x->s->sysenter_eip : (uint32_t)x->s->sysenter_eip;
	set_flat(x, selector, selector + 8, 0, exec_long(x) ? HV_SEG_L : HV_SEG_DB);
	return EMU_DONE;
}

enum emu_status exec_sysexit(struct exec *x, const struct insn *insn)
{
	const bool to_64 = (insn->rex & INSN_REX_W) != 0;
	const uint32_t selector = ((uint32_t)x->s->sysenter_cs & 0xfffcu) + (to_64 ? 32 : 16);
	const uint64_t mask = to_64 ? UINT64_MAX : UINT32_MAX;
	const uint64_t rip = x->ctx.gpr[INSN_RDX] & mask;

	if (!exec_protected(x) || (x->s->sysenter_cs & 0xfffcu) == 0 || x->cpl != 0 ||
	    (to_64 && (!is_canonical(rip) || !is_canonical(x->ctx.gpr[INSN_RCX]))))
		return exec_gp(x);
	x->ctx.gpr[INSN_RSP] = x->ctx.gpr[INSN_RCX] & mask;
	x->ctx.rip = rip;
	x->ctx.rflags &= ~RFLAGS_RF;
	set_flat(x, selector | 3, (selector + 8) | 3, 3, to_64 ? HV_SEG_L : HV_SEG_DB);
	return EMU_DONE;
}
