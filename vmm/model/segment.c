/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments and descriptors (SDM vol. 3, 3.4 and 5): loading segment registers with the checks that go with it.
 */
#include "lib/x86/desc.h"
#include "lib/x86/regs.h"
#include "vmm/model/exec.h"

/** Index of a selector, and which table; what error codes have. */
#define SELECTOR_MASK 0xfffcu
#define SELECTOR_LDT  4u
#define RPL(selector) ((selector) & 3u)

/** System descriptors of long mode have 16 bytes. */
static bool is_wide(const struct exec *x, uint64_t low)
{
	return exec_long(x) && (low >> 44 & 1) == 0;
}

enum emu_status exec_desc_read(struct exec *x, uint16_t selector, uint8_t vector,
			       struct exec_desc *desc)
{
	const struct hv_x86_segment *ldt = &x->s->seg[HV_LDTR];
	const bool local = (selector & SELECTOR_LDT) != 0;
	const uint64_t base = local ? ldt->base : x->s->gdtr.base;
	const uint32_t limit = local ? ldt->limit : x->s->gdtr.limit;
	const uint32_t offset = selector & 0xfff8u;
	enum emu_status status;

	if (offset + 7 > limit || (local && (ldt->attr & HV_SEG_UNUSABLE) != 0))
		return exec_fault_code(x, vector, selector & SELECTOR_MASK);
	*desc = (struct exec_desc){.linear = base + offset};
	if (!exec_long(x))
		desc->linear &= UINT32_MAX;
	status = exec_read(x, desc->linear, &desc->low, sizeof(desc->low), VIEW_SYSTEM);
	if (status != EMU_DONE || !is_wide(x, desc->low))
		return status;
	if (offset + 15 > limit)
		return exec_fault_code(x, vector, selector & SELECTOR_MASK);
	return exec_read(x, desc->linear + 8, &desc->high, sizeof(desc->high), VIEW_SYSTEM);
}

enum emu_status exec_desc_access(struct exec *x, struct exec_desc *desc)
{
	const uint64_t accessed = UINT64_C(1) << 40;
	const uint8_t type = (uint8_t)((desc->low | accessed) >> 40);

	if ((desc->low & accessed) != 0)
		return EMU_DONE;
	desc->low |= accessed;
	return exec_write(x, desc->linear + 5, &type, sizeof(type), VIEW_SYSTEM);
}

struct hv_x86_segment exec_desc_segment(const struct exec_desc *desc, uint16_t selector)
{
	const uint64_t low = desc->low;
	uint32_t limit = (uint32_t)(low & 0xffff) | (uint32_t)(low >> 32 & 0xf0000);

	if ((low >> 55 & 1) != 0)
		limit = limit << 12 | 0xfffu;
	return (struct hv_x86_segment){
		.base = (low >> 16 & 0xffffff) | (low >> 32 & 0xff000000) | desc->high << 32,
		.limit = limit,
		.attr = exec_desc_attr(desc),
		.selector = selector,
	};
}

void exec_segment_real(struct exec *x, enum hv_x86_seg seg, uint16_t selector)
{
	struct hv_x86_segment *to = &x->s->seg[seg];

	to->selector = selector;
	to->base = (uint64_t)selector << 4;
	if (exec_v86(x)) {
		to->limit = 0xffff;
		to->attr = 0xf3;
	} else if (seg == HV_CS) {
		/* Rights of before may stay, limits too; but code is code (SDM vol. 3, 20.1). */
		to->attr = (to->attr & ~HV_SEG_UNUSABLE) | HV_SEG_P;
	} else {
		to->attr = (to->attr & ~HV_SEG_UNUSABLE) | HV_SEG_P;
	}
}

struct hv_x86_segment exec_null_stack(uint16_t selector, uint32_t cpl)
{
	return (struct hv_x86_segment){.selector = selector,
				       .attr = HV_SEG_UNUSABLE | cpl << HV_SEG_DPL_SHIFT};
}

enum emu_status exec_stack_segment(struct exec *x, uint16_t selector, uint32_t cpl, uint8_t vector,
				   struct hv_x86_segment *out)
{
	const uint32_t data = HV_SEG_S | SEG_TYPE_WRITABLE;
	struct exec_desc desc;
	enum emu_status status;
	uint32_t attr;

	if ((selector & SELECTOR_MASK) == 0)
		return exec_fault_code(x, vector, vector == X86_TS ? selector & SELECTOR_MASK : 0);
	status = exec_desc_read(x, selector, vector, &desc);
	if (status != EMU_DONE)
		return status;
	attr = exec_desc_attr(&desc);
	if (RPL(selector) != cpl || exec_desc_dpl(&desc) != cpl ||
	    (attr & (data | SEG_TYPE_CODE)) != data)
		return exec_fault_code(x, vector, selector & SELECTOR_MASK);
	if ((attr & HV_SEG_P) == 0)
		return exec_fault_code(x, X86_SS, selector & SELECTOR_MASK);
	status = exec_desc_access(x, &desc);
	*out = exec_desc_segment(&desc, selector);
	return status;
}

static enum emu_status load_stack(struct exec *x, uint16_t selector)
{
	struct hv_x86_segment seg;
	enum emu_status status;

	if ((selector & SELECTOR_MASK) == 0 && x->mode == INSN_MODE_64 && x->cpl != 3 &&
	    RPL(selector) == x->cpl) {
		x->s->seg[HV_SS] = exec_null_stack(selector, x->cpl);
		return EMU_DONE;
	}
	status = exec_stack_segment(x, selector, x->cpl, X86_GP, &seg);
	if (status == EMU_DONE)
		x->s->seg[HV_SS] = seg;
	return status;
}

/** Data, or code that may be read; its privilege counts unless it is conforming. */
static bool is_loadable(const struct exec *x, uint32_t attr, uint16_t selector)
{
	const uint32_t dpl = attr >> HV_SEG_DPL_SHIFT & 3;
	const bool code = (attr & SEG_TYPE_CODE) != 0;

	if ((attr & HV_SEG_S) == 0 || (code && (attr & SEG_TYPE_READABLE) == 0))
		return false;
	return (code && (attr & SEG_TYPE_CONFORMING) != 0) ||
	       (dpl >= x->cpl && dpl >= RPL(selector));
}

static enum emu_status load_data(struct exec *x, enum hv_x86_seg seg, uint16_t selector)
{
	struct exec_desc desc;
	enum emu_status status;

	if ((selector & SELECTOR_MASK) == 0) {
		/* On Intel's, the base goes as well. */
		x->s->seg[seg] = (struct hv_x86_segment){.selector = selector,
							 .attr = HV_SEG_UNUSABLE};
		return EMU_DONE;
	}
	status = exec_desc_read(x, selector, X86_GP, &desc);
	if (status != EMU_DONE)
		return status;
	if (!is_loadable(x, exec_desc_attr(&desc), selector))
		return exec_fault_code(x, X86_GP, selector & SELECTOR_MASK);
	if ((exec_desc_attr(&desc) & HV_SEG_P) == 0)
		return exec_fault_code(x, X86_NP, selector & SELECTOR_MASK);
	status = exec_desc_access(x, &desc);
	if (status == EMU_DONE)
		x->s->seg[seg] = exec_desc_segment(&desc, selector);
	return status;
}

enum emu_status exec_segment_load(struct exec *x, enum hv_x86_seg seg, uint16_t selector)
{
	enum emu_status status = EMU_DONE;

	if (!exec_segmented(x))
		exec_segment_real(x, seg, selector);
	else if (seg == HV_SS)
		status = load_stack(x, selector);
	else
		status = load_data(x, seg, selector);
	if (status == EMU_DONE && seg == HV_SS) {
		x->shadow = HV_SHADOW_MOV_SS;
		exec_context(x);
	}
	return status;
}

/* --------------------------------------------------------------------------------------- the TSS */

static enum emu_status tss_read(struct exec *x, uint32_t offset, void *to, unsigned size)
{
	const struct hv_x86_segment *tss = &x->s->seg[HV_TR];

	if (offset + size - 1 > tss->limit)
		return exec_fault_code(x, X86_TS, tss->selector & SELECTOR_MASK);
	return exec_read(x, tss->base + offset, to, size, VIEW_SYSTEM);
}

enum emu_status exec_inner_stack(struct exec *x, uint32_t cpl, uint64_t *rsp, uint16_t *ss)
{
	const bool wide = (x->s->seg[HV_TR].attr & 8) != 0;
	enum emu_status status;

	*rsp = 0;
	*ss = (uint16_t)cpl;
	if (exec_long(x))
		return tss_read(x, 4 + 8 * cpl, rsp, 8);
	status = tss_read(x, wide ? 4 + 8 * cpl : 2 + 4 * cpl, rsp, wide ? 4 : 2);
	return status == EMU_DONE ? tss_read(x, wide ? 8 + 8 * cpl : 4 + 4 * cpl, ss, 2) : status;
}
