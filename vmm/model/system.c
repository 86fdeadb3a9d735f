/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions beyond the emulator's: flags with privilege, segment registers, descriptor tables, ports, and those
 * of which the driver has the last word, as it has on a CPU with virtualization: CPUID, MSRs, control registers.
 */
#include "lib/x86/desc.h"
#include "lib/x86/regs.h"
#include "vmm/model/exec.h"

#include <string.h>

static bool traps(const struct exec *x, enum hv_x86_insn what)
{
	return (x->cpu->traps & HV_X86_TRAP(what)) != 0;
}

static uint64_t gpr_get(const struct exec *x, unsigned n, unsigned size)
{
	return x->ctx.gpr[n] & insn_size_mask(size);
}

static void gpr_set(struct exec *x, unsigned n, unsigned size, uint64_t value)
{
	const uint64_t mask = insn_size_mask(size);

	x->ctx.gpr[n] = size == 4 ? value & mask : (x->ctx.gpr[n] & ~mask) | (value & mask);
}

/** Read an r/m operand of `size` bytes. */
static enum emu_status rm_read(struct exec *x, const struct insn *insn, unsigned size, uint64_t *value)
{
	enum emu_status status;
	uint64_t linear;

	*value = 0;
	if (!insn->has_mem) {
		*value = gpr_get(x, insn->rm, size);
		return EMU_DONE;
	}
	status = emu_address(&x->ctx, insn, size, false, &linear);
	return status == EMU_DONE ? exec_read(x, linear, value, size, exec_view(x)) : status;
}

/** Write one: two bytes to memory, the whole of a register. */
static enum emu_status rm_write_word(struct exec *x, const struct insn *insn, uint64_t value)
{
	enum emu_status status;
	uint64_t linear;

	if (!insn->has_mem) {
		gpr_set(x, insn->rm, insn->opsize, value);
		return EMU_DONE;
	}
	status = emu_address(&x->ctx, insn, 2, true, &linear);
	return status == EMU_DONE ? exec_write(x, linear, &value, 2, exec_view(x)) : status;
}

/* ------------------------------------------------------------------------------------------- flags */

static uint32_t iopl(const struct exec *x)
{
	return (uint32_t)(x->ctx.rflags & RFLAGS_IOPL) >> 12;
}

/** CLI and STI; virtual interrupt flags are not modelled. */
static enum emu_status insn_if(struct exec *x, const struct insn *insn)
{
	if (exec_protected(x) && iopl(x) < x->cpl)
		return exec_gp(x);
	if (insn->id == INSN_CLI) {
		x->ctx.rflags &= ~RFLAGS_IF;
	} else {
		if ((x->ctx.rflags & RFLAGS_IF) == 0)
			x->shadow = HV_SHADOW_STI;
		x->ctx.rflags |= RFLAGS_IF;
	}
	return exec_done(x, insn);
}

static enum emu_status stack_access(struct exec *x, unsigned size, bool write, uint64_t rsp,
				    void *data)
{
	const uint64_t offset = rsp & insn_size_mask(x->ctx.stack_size);
	uint64_t linear = offset;

	if (x->mode != INSN_MODE_64) {
		const enum emu_status status =
			exec_ops.seg_check(&x->ctx, INSN_SS, offset, size, write);

		if (status != EMU_DONE)
			return status;
		linear = (x->s->seg[HV_SS].base + offset) & UINT32_MAX;
	} else if ((uint64_t)((int64_t)(linear << 16) >> 16) != linear) {
		return exec_fault_code(x, X86_SS, 0);
	}
	return write ? exec_write(x, linear, data, size, exec_view(x))
		     : exec_read(x, linear, data, size, exec_view(x));
}

static void move_stack(struct exec *x, uint64_t by)
{
	const uint64_t mask = insn_size_mask(x->ctx.stack_size);

	x->ctx.gpr[INSN_RSP] = (x->ctx.gpr[INSN_RSP] & ~mask) | ((x->ctx.gpr[INSN_RSP] + by) & mask);
}

static enum emu_status push(struct exec *x, unsigned size, uint64_t value)
{
	const enum emu_status status =
		stack_access(x, size, true, x->ctx.gpr[INSN_RSP] - size, &value);

	if (status == EMU_DONE)
		move_stack(x, -(uint64_t)size);
	return status;
}

static enum emu_status insn_pushf(struct exec *x, const struct insn *insn)
{
	enum emu_status status;

	if (exec_v86(x) && iopl(x) != 3)
		return exec_gp(x);
	status = push(x, insn->opsize, x->ctx.rflags & ~(RFLAGS_VM | RFLAGS_RF));
	return status == EMU_DONE ? exec_done(x, insn) : status;
}

/** What POPF may change. */
static uint64_t popf_mask(const struct exec *x, unsigned size)
{
	uint64_t mask = RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF |
			RFLAGS_DF | RFLAGS_OF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID;

	if (x->cpl == 0)
		mask |= RFLAGS_IOPL;
	if (x->cpl <= iopl(x))
		mask |= RFLAGS_IF;
	return size == 2 ? mask & 0xffff : mask;
}

static enum emu_status insn_popf(struct exec *x, const struct insn *insn)
{
	const uint64_t mask = popf_mask(x, insn->opsize);
	uint64_t value = 0;
	enum emu_status status;

	if (exec_v86(x) && iopl(x) != 3)
		return exec_gp(x);
	status = stack_access(x, insn->opsize, false, x->ctx.gpr[INSN_RSP], &value);
	if (status != EMU_DONE)
		return status;
	move_stack(x, insn->opsize);
	x->ctx.rflags = (x->ctx.rflags & ~mask) | (value & mask) | RFLAGS_FIXED1;
	return exec_done(x, insn);
}

/** CLAC and STAC: for ring 0, where there is SMAP. */
static enum emu_status insn_ac(struct exec *x, const struct insn *insn)
{
	if (x->cpl != 0)
		return exec_fault(x, X86_UD);
	if (insn->id == INSN_STAC)
		x->ctx.rflags |= RFLAGS_AC;
	else
		x->ctx.rflags &= ~RFLAGS_AC;
	return exec_done(x, insn);
}

/* ------------------------------------------------------------------------------- segment registers */

static enum emu_status insn_mov_sreg(struct exec *x, const struct insn *insn)
{
	enum emu_status status;
	uint64_t value;

	if (insn->reg > HV_GS)
		return exec_fault(x, X86_UD);
	if (insn->form == INSN_FORM_RM_SREG) {
		status = rm_write_word(x, insn, x->s->seg[insn->reg].selector);
	} else {
		if (insn->reg == HV_CS)
			return exec_fault(x, X86_UD);
		status = rm_read(x, insn, 2, &value);
		if (status == EMU_DONE)
			status = exec_segment_load(x, (enum hv_x86_seg)insn->reg, (uint16_t)value);
	}
	return status == EMU_DONE ? exec_done(x, insn) : status;
}

/** PUSH and POP of a segment register; the other forms are the emulator's. */
static enum emu_status insn_push(struct exec *x, const struct insn *insn)
{
	enum emu_status status;

	if (insn->form != INSN_FORM_SREG)
		return emu_execute(&x->ctx, insn);
	status = push(x, insn->opsize, x->s->seg[insn->reg].selector);
	return status == EMU_DONE ? exec_done(x, insn) : status;
}

static enum emu_status insn_pop(struct exec *x, const struct insn *insn)
{
	const uint8_t width = x->ctx.stack_size;
	uint64_t value = 0;
	enum emu_status status;

	if (insn->form != INSN_FORM_SREG)
		return emu_execute(&x->ctx, insn);
	status = stack_access(x, insn->opsize, false, x->ctx.gpr[INSN_RSP], &value);
	if (status == EMU_DONE)
		status = exec_segment_load(x, (enum hv_x86_seg)insn->reg, (uint16_t)value);
	if (status != EMU_DONE)
		return status;
	/* The pointer moves in the stack that it was in. */
	gpr_set(x, INSN_RSP, width, x->ctx.gpr[INSN_RSP] + insn->opsize);
	return exec_done(x, insn);
}

/** LES, LDS, LSS, LFS, LGS. */
static enum emu_status insn_load_far(struct exec *x, const struct insn *insn)
{
	static const uint8_t by_opcode[] = {[2] = HV_SS, [4] = HV_FS, [5] = HV_GS};
	const enum hv_x86_seg seg =
		(enum hv_x86_seg)(insn->map == INSN_MAP_0F     ? by_opcode[insn->opcode & 7]
				  : (insn->opcode & 1) != 0 ? HV_DS
							    : HV_ES);
	uint64_t linear, offset = 0;
	uint16_t selector;
	enum emu_status status = emu_address(&x->ctx, insn, insn->opsize + 2u, false, &linear);

	if (status == EMU_DONE)
		status = exec_read(x, linear, &offset, insn->opsize, exec_view(x));
	if (status == EMU_DONE)
		status = exec_read(x, linear + insn->opsize, &selector, 2, exec_view(x));
	if (status == EMU_DONE)
		status = exec_segment_load(x, seg, selector);
	if (status != EMU_DONE)
		return status;
	gpr_set(x, insn->reg, insn->opsize, offset);
	return exec_done(x, insn);
}

static enum emu_status insn_swapgs(struct exec *x, const struct insn *insn)
{
	const uint64_t base = x->s->seg[HV_GS].base;

	if (x->cpl != 0)
		return exec_gp(x);
	x->s->seg[HV_GS].base = x->s->kernel_gs_base;
	x->s->kernel_gs_base = base;
	return exec_done(x, insn);
}

/* ------------------------------------------------------------------------------- descriptor tables */

/** With UMIP, these are ring 0's alone. */
static bool reveals(const struct exec *x)
{
	return (x->s->cr4 & CR4_UMIP) != 0 && x->cpl != 0;
}

static enum emu_status leave_for_tables(struct exec *x, const struct insn *insn)
{
	x->cpu->qualification.value = 0;
	return exec_leave_by(x, insn, MODEL_DESC);
}

static enum emu_status insn_store_table(struct exec *x, const struct insn *insn)
{
	const struct hv_x86_table *table = insn->id == INSN_SGDT ? &x->s->gdtr : &x->s->idtr;
	const unsigned size = insn->mode == INSN_MODE_64 ? 10 : 6;
	uint8_t image[10];
	enum emu_status status;
	uint64_t linear;

	if (reveals(x))
		return exec_gp(x);
	if (traps(x, HV_X86_INSN_DESC))
		return leave_for_tables(x, insn);
	memcpy(image, &table->limit, 2);
	memcpy(image + 2, &table->base, 8);
	status = emu_address(&x->ctx, insn, size, true, &linear);
	if (status == EMU_DONE)
		status = exec_write(x, linear, image, size, exec_view(x));
	return status == EMU_DONE ? exec_done(x, insn) : status;
}

static enum emu_status insn_load_table(struct exec *x, const struct insn *insn)
{
	struct hv_x86_table *table = insn->id == INSN_LGDT ? &x->s->gdtr : &x->s->idtr;
	const unsigned size = insn->mode == INSN_MODE_64 ? 10 : 6;
	uint8_t image[10] = {0};
	enum emu_status status;
	uint64_t linear, base;

	if (x->cpl != 0)
		return exec_gp(x);
	if (traps(x, HV_X86_INSN_DESC))
		return leave_for_tables(x, insn);
	status = emu_address(&x->ctx, insn, size, false, &linear);
	if (status == EMU_DONE)
		status = exec_read(x, linear, image, size, exec_view(x));
	if (status != EMU_DONE)
		return status;
	memcpy(&base, image + 2, sizeof(base));
	if (insn->mode != INSN_MODE_64 && insn->opsize == 2)
		base &= 0xffffff;
	if ((uint64_t)((int64_t)(base << 16) >> 16) != base)
		return exec_gp(x);
	table->base = base;
	table->limit = 0;
	memcpy(&table->limit, image, 2);
	return exec_done(x, insn);
}

static enum emu_status insn_store_selector(struct exec *x, const struct insn *insn)
{
	const enum hv_x86_seg seg = insn->id == INSN_SLDT ? HV_LDTR : HV_TR;
	enum emu_status status;

	if (!exec_segmented(x))
		return exec_fault(x, X86_UD);
	if (reveals(x))
		return exec_gp(x);
	if (traps(x, HV_X86_INSN_DESC))
		return leave_for_tables(x, insn);
	status = rm_write_word(x, insn, x->s->seg[seg].selector);
	return status == EMU_DONE ? exec_done(x, insn) : status;
}

static enum emu_status load_ldtr(struct exec *x, uint16_t selector)
{
	struct exec_desc desc;
	enum emu_status status;

	if ((selector & 0xfffcu) == 0) {
		x->s->seg[HV_LDTR] =
			(struct hv_x86_segment){.selector = selector, .attr = HV_SEG_UNUSABLE};
		return EMU_DONE;
	}
	if ((selector & 4) != 0)
		return exec_fault_code(x, X86_GP, selector & 0xfffcu);
	status = exec_desc_read(x, selector, X86_GP, &desc);
	if (status != EMU_DONE)
		return status;
	if ((exec_desc_attr(&desc) & 0x1f) != SYS_TYPE_LDT)
		return exec_fault_code(x, X86_GP, selector & 0xfffcu);
	if ((exec_desc_attr(&desc) & HV_SEG_P) == 0)
		return exec_fault_code(x, X86_NP, selector & 0xfffcu);
	x->s->seg[HV_LDTR] = exec_desc_segment(&desc, selector);
	return EMU_DONE;
}

/** The TSS becomes busy. */
static enum emu_status load_tr(struct exec *x, uint16_t selector)
{
	struct exec_desc desc;
	enum emu_status status;
	uint8_t type;

	if ((selector & 0xfffcu) == 0 || (selector & 4) != 0)
		return exec_fault_code(x, X86_GP, selector & 0xfffcu);
	status = exec_desc_read(x, selector, X86_GP, &desc);
	if (status != EMU_DONE)
		return status;
	type = exec_desc_attr(&desc) & 0x1f;
	if (type != SYS_TYPE_TSS_AVAILABLE && (type != SYS_TYPE_TSS16_AVAILABLE || exec_long(x)))
		return exec_fault_code(x, X86_GP, selector & 0xfffcu);
	if ((exec_desc_attr(&desc) & HV_SEG_P) == 0)
		return exec_fault_code(x, X86_NP, selector & 0xfffcu);
	desc.low |= UINT64_C(2) << 40;
	type = (uint8_t)(desc.low >> 40);
	status = exec_write(x, desc.linear + 5, &type, sizeof(type), VIEW_SYSTEM);
	if (status == EMU_DONE)
		x->s->seg[HV_TR] = exec_desc_segment(&desc, selector);
	return status;
}

static enum emu_status insn_load_selector(struct exec *x, const struct insn *insn)
{
	enum emu_status status;
	uint64_t value;

	if (!exec_segmented(x))
		return exec_fault(x, X86_UD);
	if (x->cpl != 0)
		return exec_gp(x);
	if (traps(x, HV_X86_INSN_DESC))
		return leave_for_tables(x, insn);
	status = rm_read(x, insn, 2, &value);
	if (status == EMU_DONE)
		status = insn->id == INSN_LLDT ? load_ldtr(x, (uint16_t)value)
					       : load_tr(x, (uint16_t)value);
	return status == EMU_DONE ? exec_done(x, insn) : status;
}

/** Which system segments LAR and LSL tell about (SDM vol. 2, LAR and LSL). */
static bool tells(const struct exec *x, uint8_t id, uint8_t type)
{
	const uint32_t lar = 0x1a3e, lsl = 0x0a0e, lar_long = 0x1a04, lsl_long = 0x0a04;
	const bool of_limit = id == INSN_LSL;

	if (exec_long(x))
		return ((of_limit ? lsl_long : lar_long) >> type & 1) != 0;
	return ((of_limit ? lsl : lar) >> type & 1) != 0;
}

/** May the program at its privilege know of the segment? For VERR and VERW: use it so? */
static bool visible(const struct exec *x, const struct insn *insn, const struct exec_desc *desc,
		    uint16_t selector)
{
	const uint32_t attr = exec_desc_attr(desc), dpl = exec_desc_dpl(desc);
	const bool code = (attr & SEG_TYPE_CODE) != 0;
	const bool conforming = code && (attr & SEG_TYPE_CONFORMING) != 0;
	const bool near = dpl >= x->cpl && dpl >= (selector & 3u);

	if ((attr & HV_SEG_S) == 0)
		return insn->id != INSN_VERR && insn->id != INSN_VERW && near &&
		       tells(x, insn->id, attr & 15);
	if (!near && !(conforming && insn->id != INSN_VERW))
		return false;
	if (insn->id == INSN_VERR)
		return !code || (attr & SEG_TYPE_READABLE) != 0;
	return insn->id != INSN_VERW || (!code && (attr & SEG_TYPE_WRITABLE) != 0);
}

/** LAR, LSL, VERR, VERW: ZF says whether there is an answer. */
static enum emu_status insn_verify(struct exec *x, const struct insn *insn)
{
	struct exec_desc desc;
	enum emu_status status;
	uint64_t selector;
	bool seen = false;

	if (!exec_segmented(x))
		return exec_fault(x, X86_UD);
	status = rm_read(x, insn, 2, &selector);
	if (status != EMU_DONE)
		return status;
	if ((selector & 0xfffcu) != 0) {
		status = exec_desc_read(x, (uint16_t)selector, X86_GP, &desc);
		if (status != EMU_DONE && (x->left || x->ctx.fault.vector != X86_GP))
			return status;
		seen = status == EMU_DONE && visible(x, insn, &desc, (uint16_t)selector);
	}
	x->ctx.rflags = seen ? x->ctx.rflags | RFLAGS_ZF : x->ctx.rflags & ~RFLAGS_ZF;
	if (seen && insn->id == INSN_LAR)
		gpr_set(x, insn->reg, insn->opsize, desc.low >> 32 & 0xffff00);
	if (seen && insn->id == INSN_LSL)
		gpr_set(x, insn->reg, insn->opsize, exec_desc_segment(&desc, 0).limit);
	return exec_done(x, insn);
}

static enum emu_status insn_arpl(struct exec *x, const struct insn *insn)
{
	const uint64_t wanted = x->ctx.gpr[insn->reg] & 3;
	enum emu_status status;
	uint64_t value;

	if (!exec_segmented(x))
		return exec_fault(x, X86_UD);
	status = rm_read(x, insn, 2, &value);
	if (status != EMU_DONE)
		return status;
	const bool raises = (value & 3) < wanted;
	if (raises && insn->has_mem)
		status = rm_write_word(x, insn, (value & ~UINT64_C(3)) | wanted);
	else if (raises)
		gpr_set(x, insn->rm, 2, (value & ~UINT64_C(3)) | wanted);
	if (status != EMU_DONE)
		return status;
	x->ctx.rflags = raises ? x->ctx.rflags | RFLAGS_ZF : x->ctx.rflags & ~RFLAGS_ZF;
	return exec_done(x, insn);
}

/** Two limits in memory, signed. */
static enum emu_status insn_bound(struct exec *x, const struct insn *insn)
{
	const unsigned size = insn->opsize;
	const unsigned unused = 64 - 8 * size;
	const int64_t index = (int64_t)(x->ctx.gpr[insn->reg] << unused) >> unused;
	uint64_t limit[2] = {0, 0}, linear;
	enum emu_status status = emu_address(&x->ctx, insn, 2 * size, false, &linear);

	for (unsigned i = 0; i < 2 && status == EMU_DONE; i++)
		status = exec_read(x, linear + i * size, &limit[i], size, exec_view(x));
	if (status != EMU_DONE)
		return status;
	if (index < (int64_t)(limit[0] << unused) >> unused ||
	    index > (int64_t)(limit[1] << unused) >> unused)
		return exec_fault(x, X86_BR);
	return exec_done(x, insn);
}

/* ------------------------------------------------------------------------------ control and debug registers */

static enum emu_status leave_for_cr(struct exec *x, const struct insn *insn, bool write)
{
	x->cpu->qualification.access =
		(struct x86_reg_access){.number = insn->reg, .gpr = insn->rm, .write = write};
	return exec_leave_by(x, insn, MODEL_CR);
}

static enum emu_status insn_mov_cr(struct exec *x, const struct insn *insn)
{
	const bool write = insn->form == INSN_FORM_CR_R;
	const unsigned number = (insn->prefixes & INSN_PREFIX_LOCK) != 0 ? 8 : insn->reg;
	const unsigned size = insn->mode == INSN_MODE_64 ? 8 : 4;
	const uint64_t value[5] = {x->s->cr0, 0, x->s->cr2, x->s->cr3, x->s->cr4};

	if (number == 1 || (number > 4 && number != 8) || number != insn->reg)
		return exec_fault(x, X86_UD);
	if (x->cpl != 0)
		return exec_gp(x);
	if (number == 8 || traps(x, HV_X86_INSN_CR) || (write && number != 2))
		return leave_for_cr(x, insn, write);
	if (write)
		x->s->cr2 = x->ctx.gpr[insn->rm];
	else
		gpr_set(x, insn->rm, size, value[number]);
	return exec_done(x, insn);
}

static enum emu_status insn_smsw(struct exec *x, const struct insn *insn)
{
	enum emu_status status;

	if (reveals(x))
		return exec_gp(x);
	status = rm_write_word(x, insn, x->s->cr0);
	return status == EMU_DONE ? exec_done(x, insn) : status;
}

static enum emu_status insn_lmsw(struct exec *x, const struct insn *insn)
{
	enum emu_status status;
	uint64_t value;

	if (x->cpl != 0)
		return exec_gp(x);
	status = rm_read(x, insn, 2, &value);
	if (status != EMU_DONE)
		return status;
	x->cpu->qualification.value = value;
	return exec_leave_by(x, insn, MODEL_LMSW);
}

/** DR7.GD and what DR4 and DR5 are, the driver decides. */
static enum emu_status insn_mov_dr(struct exec *x, const struct insn *insn)
{
	if (insn->reg > 7)
		return exec_fault(x, X86_UD);
	if (x->cpl != 0)
		return exec_gp(x);
	x->cpu->qualification.access = (struct x86_reg_access){
		.number = insn->reg, .gpr = insn->rm, .write = insn->form == INSN_FORM_CR_R};
	return exec_leave_by(x, insn, MODEL_DR);
}

/* ------------------------------------------------------------------------------------------- ports */

/** The TSS's permission bits (SDM vol. 1, 19.5.2). */
static enum emu_status may_use_port(struct exec *x, uint16_t port, unsigned size)
{
	const struct hv_x86_segment *tss = &x->s->seg[HV_TR];
	uint16_t map, bits;
	enum emu_status status;

	if (!exec_protected(x) || (x->cpl <= iopl(x) && !exec_v86(x)))
		return EMU_DONE;
	if ((tss->attr & 8) == 0 || tss->limit < 0x67)
		return exec_gp(x);
	status = exec_read(x, tss->base + 0x66, &map, sizeof(map), VIEW_SYSTEM);
	if (status != EMU_DONE)
		return status;
	if (map + port / 8u + 1 > tss->limit)
		return exec_gp(x);
	status = exec_read(x, tss->base + map + port / 8u, &bits, sizeof(bits), VIEW_SYSTEM);
	if (status == EMU_DONE && ((uint32_t)bits >> (port % 8u) & ((1u << size) - 1)) != 0)
		return exec_gp(x);
	return status;
}

static enum emu_status insn_port(struct exec *x, const struct insn *insn)
{
	const bool string = insn->id == INSN_INS || insn->id == INSN_OUTS;
	const bool immediate = !string && insn->imm_size != 0;
	const uint16_t port =
		(uint16_t)(immediate ? (uint64_t)insn->imm & 0xff : x->ctx.gpr[INSN_RDX]);
	const enum emu_status status = may_use_port(x, port, insn->opsize);

	if (status != EMU_DONE)
		return status;
	x->cpu->qualification.io.string = string;
	x->cpu->qualification.io.access = (struct x86_io){
		.port = port,
		.size = insn->opsize,
		.write = insn->id == INSN_OUT || insn->id == INSN_OUTS,
		.rep = (insn->prefixes & (INSN_PREFIX_REP | INSN_PREFIX_REPNE)) != 0,
		.address_size = (uint8_t)(insn->addrsize * 8),
		.segment = insn->seg,
	};
	return exec_leave_by(x, insn, MODEL_IO);
}

/* ------------------------------------------------------------------------------ what the driver does */

/** Whoever executes it. */
static enum emu_status insn_leave(struct exec *x, const struct insn *insn)
{
	static const uint8_t rows[INSN_ID_COUNT] = {
		[INSN_CPUID] = MODEL_CPUID,
		[INSN_RDPMC] = MODEL_RDPMC,
		[INSN_VMCALL] = MODEL_VMCALL,
		[INSN_VMMCALL] = MODEL_VMCALL,
	};
	const uint8_t row = rows[insn->id];

	return exec_leave_by(x, insn, row != 0 ? (enum model_row)row : MODEL_VMRUN);
}

static enum emu_status insn_leave_privileged(struct exec *x, const struct insn *insn)
{
	static const uint8_t rows[INSN_ID_COUNT] = {
		[INSN_HLT] = MODEL_HLT,	      [INSN_INVD] = MODEL_INVD,
		[INSN_WBINVD] = MODEL_WBINVD, [INSN_CLTS] = MODEL_CLTS,
		[INSN_MONITOR] = MODEL_MONITOR, [INSN_MWAIT] = MODEL_MWAIT,
	};

	if (x->cpl != 0)
		return exec_gp(x);
	return exec_leave_by(x, insn, (enum model_row)rows[insn->id]);
}

static enum emu_status insn_msr(struct exec *x, const struct insn *insn)
{
	const bool write = insn->id == INSN_WRMSR;
	const uint32_t msr = (uint32_t)x->ctx.gpr[INSN_RCX];
	const uint64_t value =
		x->ctx.gpr[INSN_RDX] << 32 | (uint32_t)x->ctx.gpr[INSN_RAX];
	uint64_t *const direct = model_direct_msr(x->cpu, msr);
	const bool address = msr != IA32_STAR && msr != IA32_FMASK && msr != IA32_SYSENTER_CS;

	if (x->cpl != 0)
		return exec_gp(x);
	if (direct == NULL || model_msr_exits(x->cpu, msr, write))
		return exec_leave_by(x, insn, write ? MODEL_WRMSR : MODEL_RDMSR);
	if (write) {
		if (address && (uint64_t)((int64_t)(value << 16) >> 16) != value)
			return exec_gp(x);
		*direct = value;
	} else {
		x->ctx.gpr[INSN_RAX] = *direct & UINT32_MAX;
		x->ctx.gpr[INSN_RDX] = *direct >> 32;
	}
	return exec_done(x, insn);
}

/** RDTSC and RDTSCP. */
static enum emu_status insn_rdtsc(struct exec *x, const struct insn *insn)
{
	const uint64_t tsc = exec_clock.now + x->s->tsc_offset;

	if (x->cpl != 0 && (x->s->cr4 & CR4_TSD) != 0)
		return exec_gp(x);
	if (traps(x, HV_X86_INSN_RDTSC))
		return exec_leave_by(x, insn, MODEL_RDTSC);
	x->ctx.gpr[INSN_RAX] = tsc & UINT32_MAX;
	x->ctx.gpr[INSN_RDX] = tsc >> 32;
	if (insn->id == INSN_RDTSCP)
		x->ctx.gpr[INSN_RCX] = x->s->tsc_aux & UINT32_MAX;
	return exec_done(x, insn);
}

static enum emu_status insn_invlpg(struct exec *x, const struct insn *insn)
{
	if (x->cpl != 0)
		return exec_gp(x);
	if (traps(x, HV_X86_INSN_INVLPG)) {
		x->cpu->qualification.value =
			insn_offset(insn, x->ctx.gpr, x->ctx.rip + insn->length);
		return exec_leave_by(x, insn, MODEL_INVLPG);
	}
	exec_flush(x);
	return exec_done(x, insn);
}

/** A vCPU that spins waits for another, which has its turn now. */
static enum emu_status insn_pause(struct exec *x, const struct insn *insn)
{
	if (x->cpu->vcpu->vm->vcpu_limit > 1 || traps(x, HV_X86_INSN_PAUSE))
		return exec_leave_by(x, insn, MODEL_PAUSE);
	return exec_done(x, insn);
}

static enum emu_status insn_undefined(struct exec *x, const struct insn *insn)
{
	(void)insn;
	return exec_fault(x, X86_UD);
}

const exec_insn_t exec_insns[INSN_ID_COUNT] = {
	[INSN_OTHER] = exec_fpu,
	[INSN_SSE_MOVE] = exec_sse_move,
	[INSN_MOV_CR] = insn_mov_cr,
	[INSN_MOV_DR] = insn_mov_dr,
	[INSN_MOV_SREG] = insn_mov_sreg,
	[INSN_PUSH] = insn_push,
	[INSN_POP] = insn_pop,
	[INSN_PUSHF] = insn_pushf,
	[INSN_POPF] = insn_popf,
	[INSN_LOAD_FAR] = insn_load_far,
	[INSN_CLI] = insn_if,
	[INSN_STI] = insn_if,
	[INSN_INS] = insn_port,
	[INSN_OUTS] = insn_port,
	[INSN_IN] = insn_port,
	[INSN_OUT] = insn_port,
	[INSN_JMP_FAR] = exec_far,
	[INSN_CALL_FAR] = exec_far,
	[INSN_RET_FAR] = exec_far,
	[INSN_INT] = exec_int,
	[INSN_INT1] = exec_int,
	[INSN_INT3] = exec_int,
	[INSN_INTO] = exec_int,
	[INSN_IRET] = exec_iret,
	[INSN_BOUND] = insn_bound,
	[INSN_UD] = insn_undefined,
	[INSN_PAUSE] = insn_pause,
	[INSN_HLT] = insn_leave_privileged,
	[INSN_CPUID] = insn_leave,
	[INSN_RDMSR] = insn_msr,
	[INSN_WRMSR] = insn_msr,
	[INSN_RDTSC] = insn_rdtsc,
	[INSN_RDTSCP] = insn_rdtsc,
	[INSN_RDPMC] = insn_leave,
	[INSN_RDPID] = insn_undefined,
	[INSN_RDRAND] = insn_undefined,
	[INSN_RDSEED] = insn_undefined,
	[INSN_INVD] = insn_leave_privileged,
	[INSN_WBINVD] = insn_leave_privileged,
	[INSN_INVLPG] = insn_invlpg,
	[INSN_INVPCID] = insn_undefined,
	[INSN_XGETBV] = insn_undefined,
	[INSN_XSETBV] = insn_undefined,
	[INSN_MONITOR] = insn_leave_privileged,
	[INSN_MWAIT] = insn_leave_privileged,
	[INSN_MONITORX] = insn_undefined,
	[INSN_MWAITX] = insn_undefined,
	[INSN_CLTS] = insn_leave_privileged,
	[INSN_LMSW] = insn_lmsw,
	[INSN_SMSW] = insn_smsw,
	[INSN_LGDT] = insn_load_table,
	[INSN_SGDT] = insn_store_table,
	[INSN_LIDT] = insn_load_table,
	[INSN_SIDT] = insn_store_table,
	[INSN_LLDT] = insn_load_selector,
	[INSN_SLDT] = insn_store_selector,
	[INSN_LTR] = insn_load_selector,
	[INSN_STR] = insn_store_selector,
	[INSN_VERR] = insn_verify,
	[INSN_VERW] = insn_verify,
	[INSN_LAR] = insn_verify,
	[INSN_LSL] = insn_verify,
	[INSN_ARPL] = insn_arpl,
	[INSN_CLAC] = insn_ac,
	[INSN_STAC] = insn_ac,
	[INSN_SWAPGS] = insn_swapgs,
	[INSN_SYSCALL] = exec_syscall,
	[INSN_SYSRET] = exec_sysret,
	[INSN_SYSENTER] = exec_sysenter,
	[INSN_SYSEXIT] = exec_sysexit,
	[INSN_RSM] = insn_undefined,
	[INSN_GETSEC] = insn_undefined,
	[INSN_VMCALL] = insn_leave,
	[INSN_VMLAUNCH ... INSN_VMRUN] = insn_leave,
	[INSN_VMMCALL] = insn_leave,
	[INSN_VMLOAD ... INSN_INVLPGA] = insn_leave,
};
