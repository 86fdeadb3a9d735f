/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter's memory: linear addresses through the guest's page tables (the driver's walker) and the VM's,
 * with a small TLB before them; segments; what the emulator asks for.
 */
#include "lib/x86/desc.h"
#include "lib/x86/regs.h"
#include "vmm/model/exec.h"

#include <string.h>

#include "hypervisor/x86/gpt.h"

void exec_flush(struct exec *x)
{
	memset(x->tlb, 0, sizeof(x->tlb));
	x->code = NULL;
}

enum exec_view exec_view(const struct exec *x)
{
	if (x->cpl == 3)
		return VIEW_USER;
	return (x->ctx.rflags & RFLAGS_AC) != 0 ? VIEW_SUPERVISOR : VIEW_SYSTEM;
}

/* ------------------------------------------------------------------------------------- translation */

static uint8_t *page_fault(struct exec *x, uint64_t linear, uint32_t code)
{
	x->ctx.fault = (struct emu_fault){
		.vector = X86_PF, .has_error_code = true, .error_code = code, .cr2 = linear};
	return NULL;
}

static uint8_t *exit_memory(struct exec *x, const struct x86_memory_fault *fault)
{
	x->cpu->qualification.memory = *fault;
	x->cpu->length = 0;
	exec_leave(x, MODEL_MEMORY);
	return NULL;
}

static struct gpt_mode paging_mode(const struct exec *x, enum exec_view view)
{
	const struct vm *vm = x->cpu->vcpu->vm;

	return (struct gpt_mode){
		.cr0 = x->s->cr0,
		.cr3 = x->s->cr3,
		.cr4 = x->s->cr4,
		.efer = x->s->efer,
		.rflags = view == VIEW_SUPERVISOR ? RFLAGS_AC : 0,
		.user = view == VIEW_USER,
		.phys_bits = vm->phys_bits,
		.no_1g = vm->no_1g,
	};
}

/** Walk the guest's tables. @return false: a fault, or an exit */
static bool translate(struct exec *x, uint64_t linear, uint32_t prot, enum exec_view view, gpa_t *to)
{
	const struct gpt_mode mode = paging_mode(x, view);
	uint32_t code;

	switch (gpt_translate(&x->cpu->vcpu->vm->npt, &mode, gva(linear), prot, true, to, &code)) {
	case HV_OK:
		return true;
	case HV_E_FAULT:
		page_fault(x, linear, code);
		return false;
	case HV_E_NOENT:
		exit_memory(x, &(struct x86_memory_fault){.access = HV_PROT_READ, .walking = true});
		return false;
	default:
		exec_gp(x);
		return false;
	}
}

static uint8_t *reach_slowly(struct exec *x, struct exec_page *known, uint64_t linear,
			     uint32_t prot, enum exec_view view)
{
	const uint64_t tag = (linear >> HV_PAGE_SHIFT) + 1;
	struct npt_leaf leaf = {.prot = 0};
	uint8_t *host;
	gpa_t to;

	if (!translate(x, linear, prot, view, &to))
		return NULL;
	if (npt_lookup(&x->cpu->vcpu->vm->npt, to, &leaf) != HV_OK || (prot & ~leaf.prot) != 0)
		return exit_memory(x, &(struct x86_memory_fault){.address = to,
								 .access = prot,
								 .mapped = leaf.size != 0});
	host = host_phys_to_virt(leaf.address);
	host -= linear & HV_PAGE_MASK;
	if (known->tag != tag || known->host != host)
		*known = (struct exec_page){.tag = tag, .host = host};
	known->prot |= prot;
	return host + (linear & HV_PAGE_MASK);
}

uint8_t *exec_reach(struct exec *x, uint64_t linear, uint32_t prot, enum exec_view view)
{
	const uint64_t page = linear >> HV_PAGE_SHIFT;
	struct exec_page *const known = &x->tlb[view][page % EXEC_TLB];

	if (__builtin_expect(known->tag == page + 1 && (known->prot & prot) == prot, 1))
		return known->host + (linear & HV_PAGE_MASK);
	return reach_slowly(x, known, linear, prot, view);
}

/* ------------------------------------------------------------------------------- reading, writing */

/** Where the second page of an access begins; outside 64-bit mode addresses wrap at 4 GiB. */
static uint64_t next_page(const struct exec *x, uint64_t linear)
{
	const uint64_t next = (linear | HV_PAGE_MASK) + 1;

	return exec_long(x) ? next : next & UINT32_MAX;
}

/** Bytes in the first page. */
static unsigned first_part(uint64_t linear, unsigned size)
{
	const uint64_t room = HV_PAGE_SIZE - (linear & HV_PAGE_MASK);

	return room < size ? (unsigned)room : size;
}

/** Both parts of an access. @return false: a fault, or an exit */
static bool reach_both(struct exec *x, uint64_t linear, unsigned size, uint32_t prot,
		       enum exec_view view, uint8_t *at[2])
{
	at[0] = exec_reach(x, linear, prot, view);
	if (at[0] == NULL)
		return false;
	at[1] = NULL;
	if (first_part(linear, size) == size)
		return true;
	at[1] = exec_reach(x, next_page(x, linear), prot, view);
	return at[1] != NULL;
}

/** A copy of 1, 2, 4 or 8 bytes is one access. */
static inline void copy(void *to, const void *from, unsigned size)
{
	switch (size) {
	case 1:
		memcpy(to, from, 1);
		break;
	case 2:
		memcpy(to, from, 2);
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	default:
		memcpy(to, from, size);
		break;
	}
}

enum emu_status exec_read(struct exec *x, uint64_t linear, void *to, unsigned size,
			  enum exec_view view)
{
	const unsigned first = first_part(linear, size);
	uint8_t *at[2];

	if (!reach_both(x, linear, size, HV_PROT_READ, view, at))
		return EMU_FAULT;
	copy(to, at[0], first);
	if (first < size)
		memcpy((uint8_t *)to + first, at[1], size - first);
	return EMU_DONE;
}

enum emu_status exec_write(struct exec *x, uint64_t linear, const void *from, unsigned size,
			   enum exec_view view)
{
	const unsigned first = first_part(linear, size);
	uint8_t *at[2];

	if (!reach_both(x, linear, size, HV_PROT_WRITE, view, at))
		return EMU_FAULT;
	copy(at[0], from, first);
	if (first < size)
		memcpy(at[1], (const uint8_t *)from + first, size - first);
	return EMU_DONE;
}

enum emu_status exec_writable(struct exec *x, uint64_t linear, unsigned size, enum exec_view view)
{
	uint8_t *at[2];

	return reach_both(x, linear, size, HV_PROT_WRITE, view, at) ? EMU_DONE : EMU_FAULT;
}

/* ---------------------------------------------------------------------------- what the emulator asks for */

static uint64_t seg_base(struct emu_ctx *ctx, enum insn_seg seg)
{
	return exec_of(ctx)->s->seg[seg].base;
}

/** Offsets above the limit of a segment that grows down, up to it of any other (SDM vol. 3, 5.3). */
static bool in_limit(const struct hv_x86_segment *seg, uint64_t offset, unsigned size)
{
	const uint64_t last = offset + size - 1;
	const bool down = (seg->attr & (SEG_TYPE_CODE | SEG_TYPE_EXPAND)) == SEG_TYPE_EXPAND;

	if (!down)
		return last <= seg->limit;
	return offset > seg->limit && last <= ((seg->attr & HV_SEG_DB) != 0 ? UINT32_MAX : 0xffffu);
}

static bool has_right(const struct hv_x86_segment *seg, bool write)
{
	const bool code = (seg->attr & SEG_TYPE_CODE) != 0;

	if ((seg->attr & HV_SEG_UNUSABLE) != 0)
		return false;
	if (write)
		return !code && (seg->attr & SEG_TYPE_WRITABLE) != 0;
	return !code || (seg->attr & SEG_TYPE_READABLE) != 0;
}

/** Outside 64-bit mode. Real mode has its segments' limits, too, and no rights. */
static enum emu_status seg_check(struct emu_ctx *ctx, enum insn_seg number, uint64_t offset,
				 unsigned size, bool write)
{
	struct exec *x = exec_of(ctx);
	const struct hv_x86_segment *seg = &x->s->seg[number];

	if (__builtin_expect((!exec_segmented(x) || has_right(seg, write)) &&
				     in_limit(seg, offset, size),
			     1))
		return EMU_DONE;
	return exec_fault_code(x, number == INSN_SS ? X86_SS : X86_GP, 0);
}

static enum emu_status read_linear(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				   enum emu_intent intent, void *data)
{
	struct exec *x = exec_of(ctx);
	const enum exec_view view = exec_view(x);

	if (intent == EMU_MODIFY && exec_writable(x, linear, size, view) != EMU_DONE)
		return EMU_FAULT;
	if (__builtin_expect(x->watch, 0))
		exec_watch_access(x, linear, size, false);
	return exec_read(x, linear, data, size, view);
}

static enum emu_status write_linear(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				    const void *data)
{
	struct exec *x = exec_of(ctx);

	if (__builtin_expect(x->watch, 0))
		exec_watch_access(x, linear, size, true);
	return exec_write(x, linear, data, size, exec_view(x));
}

/* FXSAVE's area (SDM vol. 1, Table 10-2). */
#define FX_XMM 160u

static void read_xmm(struct emu_ctx *ctx, unsigned number, uint8_t data[16])
{
	const uint8_t *area = exec_of(ctx)->cpu->vcpu->fpu.area;

	memcpy(data, area + FX_XMM + 16u * (number & 15), 16);
}

static void write_xmm(struct emu_ctx *ctx, unsigned number, const uint8_t data[16])
{
	uint8_t *area = exec_of(ctx)->cpu->vcpu->fpu.area;

	memcpy(area + FX_XMM + 16u * (number & 15), data, 16);
}

const struct emu_ops exec_ops = {
	.seg_base = seg_base,
	.seg_check = seg_check,
	.read = read_linear,
	.write = write_linear,
	.read_xmm = read_xmm,
	.write_xmm = write_xmm,
};
