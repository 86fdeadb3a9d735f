/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HV_EXIT_MEMORY: an access to an address where no RAM is, or a write to ROM. Plain moves, which is
 * what drivers use, take a short way that needs neither the operand's address nor the guest's page
 * tables; everything else goes through the emulator.
 *
 * @req VMM-004 An instruction that accesses a device's memory has its whole effect; one that is not
 *              emulated is an invalid opcode to the guest.
 */
#include <hypike/hv_x86.h>

#include "lib/string.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"
#include "vmm/emulate.h"
#include "vmm/status.h"
#include "vmm/vm.h"

#define VECTOR_UD 6u
#define VECTOR_GP 13u
#define VECTOR_PF 14u

/** Iterations of a repeated string before interrupts get a chance. */
#define STRING_BATCH 64u

/** PF error code bits (SDM 4.7), where hv_translate() gives none. */
#define PF_WRITE 2u

/* FXSAVE area (SDM vol. 1, 10.5.1) and XSAVE header (13.4.2). */
#define FX_XMM	     160u
#define FX_SIZE	     512u
#define XSAVE_SIZE   576u
#define XSTATE_SSE   2u

static enum insn_mode insn_mode(uint8_t bits)
{
	if (bits == 64)
		return INSN_MODE_64;
	return bits == 32 ? INSN_MODE_32 : INSN_MODE_16;
}

static void inject(struct hv_vcpu_page *page, uint8_t vector, bool has_code, uint32_t code,
		   uint64_t address)
{
	page->inject = (struct hv_event){.kind = HV_EVENT_EXCEPTION,
					 .vector = vector,
					 .has_code = has_code,
					 .code = code,
					 .address = address};
	page->action = HV_ACTION_RETRY;
}

/* ------------------------------------------------------------------------------------- plain moves */

static uint64_t register_read(const struct hv_x86_regs *regs, const struct insn_mov *mov)
{
	uint64_t value = regs->gpr[mov->reg];

	if (mov->has_imm)
		return (uint64_t)(int64_t)mov->imm & insn_size_mask(mov->size);
	return (mov->high_byte ? value >> 8 : value) & insn_size_mask(mov->size);
}

/** Narrow results leave the rest of a register alone, 32-bit ones clear it (SDM vol. 1, 3.4.1.1). */
static void register_write(struct hv_x86_regs *regs, const struct insn_mov *mov, uint64_t value)
{
	uint64_t *reg = &regs->gpr[mov->reg];

	if (mov->size >= 4)
		*reg = value & insn_size_mask(mov->size);
	else if (mov->high_byte)
		*reg = (*reg & ~UINT64_C(0xff00)) | (value & 0xff) << 8;
	else
		*reg = (*reg & ~insn_size_mask(mov->size)) | (value & insn_size_mask(mov->size));
}

/**
 * The CPU reports the start of a page: the access may have begun in the page before.
 * @return true where the operand's own address says that it begins there.
 */
static bool begins_with_page(struct vcpu *vcpu, const struct hv_exit_memory *exit)
{
	const struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);
	uint64_t base = 0;
	struct insn insn;

	if (insn_decode(exit->insn, exit->insn_length, insn_mode(exit->mode), &insn) != 0 ||
	    !insn.has_mem)
		return false;
	if (exit->mode != 64 || insn.seg >= INSN_FS) {
		if (!vcpu_need(vcpu, HV_X86_REGS_SEG))
			return false;
		base = regs->seg[insn.seg].base;
	}
	return ((base + insn_offset(&insn, regs->gpr, regs->rip + insn.length)) & HV_PAGE_MASK) ==
	       0;
}

/** @return true for what the short way does; all else is for the full emulation. */
static inline bool move_is_plain(struct vcpu *vcpu, const struct hv_exit_memory *exit,
				 const struct insn_mov *mov)
{
	uint64_t offset = exit->address & HV_PAGE_MASK;
	bool write = (exit->access & HV_PROT_WRITE) != 0;

	if (mov->store != write || offset + mov->size > HV_PAGE_SIZE)
		return false;
	return offset != 0 || begins_with_page(vcpu, exit);
}

/**
 * The instruction's effects are in the registers; `next` is behind it. The short end is to put RIP
 * there; where the guest single-steps, the hypervisor goes over it, with the trap that follows.
 */
static void instruction_done(struct hv_vcpu_page *page, uint64_t next)
{
	struct hv_x86_regs *regs = hv_x86_regs(page);

	page->dirty |= HV_X86_REGS_GPR;
	if (regs->rflags & RFLAGS_TF)
		return;
	regs->rip = next;
	page->action = HV_ACTION_RETRY;
}

static void move_run(struct vcpu *vcpu, struct hv_vcpu_page *page, const struct insn_mov *mov)
{
	struct hv_x86_regs *regs = hv_x86_regs(page);
	uint64_t address = page->exit.memory.address;
	struct vm *vm = vcpu->vm;

	platform_mutex_lock(&vm->lock);
	if (mov->store)
		bus_memory_write(&vm->bus, &vcpu->hit, address, mov->size,
				 register_read(regs, mov));
	else
		register_write(regs, mov,
			       bus_memory_read(&vm->bus, &vcpu->hit, address, mov->size));
	platform_mutex_unlock(&vm->lock);
	uint64_t next = regs->rip + mov->length;
	instruction_done(page, page->exit.memory.mode == 64 ? next : (uint32_t)next);
}

/* --------------------------------------------------------------------------------- the emulator's eyes */

/** What the callbacks below work on. */
struct access {
	struct vcpu *vcpu;
	struct hv_x86_regs *regs;
	bool xmm_failed;
};

static uint64_t seg_base(struct emu_ctx *ctx, enum insn_seg seg)
{
	static const uint8_t index[] = {HV_ES, HV_CS, HV_SS, HV_DS, HV_FS, HV_GS};

	return ((struct access *)ctx->owner)->regs->seg[index[seg]].base;
}

static enum emu_status page_fault(struct emu_ctx *ctx, uint64_t linear, uint32_t code)
{
	ctx->fault = (struct emu_fault){
		.vector = VECTOR_PF, .has_error_code = true, .error_code = code, .cr2 = linear};
	return EMU_FAULT;
}

static enum emu_status translate(struct emu_ctx *ctx, uint64_t linear, uint32_t prot, gpa_t *to)
{
	uint32_t code = prot & HV_PROT_WRITE ? PF_WRITE : 0;
	struct access *access = ctx->owner;

	if (hv_translate(access->vcpu->handle, gva(linear), prot, to, &code) == HV_OK)
		return EMU_DONE;
	return page_fault(ctx, linear, code);
}

static void physical_read(struct vcpu *vcpu, uint64_t address, unsigned int size, uint8_t *data)
{
	struct vm *vm = vcpu->vm;
	const void *ram = vm_ram(vm, address, size, HV_PROT_READ);

	if (ram) {
		memcpy(data, ram, size);
		return;
	}
	platform_mutex_lock(&vm->lock);
	for (unsigned int done = 0; done < size; done += 8) {
		unsigned int n = size - done < 8 ? size - done : 8;
		uint64_t value = bus_memory_read(&vm->bus, &vcpu->hit, address + done, n);
		memcpy(data + done, &value, n);
	}
	platform_mutex_unlock(&vm->lock);
}

static void physical_write(struct vcpu *vcpu, uint64_t address, unsigned int size,
			   const uint8_t *data)
{
	struct vm *vm = vcpu->vm;
	void *ram = vm_ram(vm, address, size, HV_PROT_WRITE);

	if (ram) {
		memcpy(ram, data, size);
		return;
	}
	platform_mutex_lock(&vm->lock);
	for (unsigned int done = 0; done < size; done += 8) {
		unsigned int n = size - done < 8 ? size - done : 8;
		uint64_t value = 0;
		memcpy(&value, data + done, n);
		bus_memory_write(&vm->bus, &vcpu->hit, address + done, n, value);
	}
	platform_mutex_unlock(&vm->lock);
}

/** Bytes of an access that lie in its first page. */
static unsigned int first_part(uint64_t linear, unsigned int size)
{
	uint64_t left = HV_PAGE_SIZE - (linear & HV_PAGE_MASK);

	return left < size ? (unsigned int)left : size;
}

/** Translate both pages before anything is touched: a fault leaves no trace. */
static enum emu_status translate_all(struct emu_ctx *ctx, uint64_t linear, unsigned int size,
				     uint32_t prot, gpa_t to[2])
{
	unsigned int first = first_part(linear, size);
	enum emu_status status = translate(ctx, linear, prot, &to[0]);

	if (status == EMU_DONE && first < size)
		status = translate(ctx, linear + first, prot, &to[1]);
	return status;
}

static enum emu_status emu_read(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				enum emu_intent intent, void *data)
{
	uint32_t prot = intent == EMU_MODIFY ? HV_PROT_READ | HV_PROT_WRITE : HV_PROT_READ;
	struct vcpu *vcpu = ((struct access *)ctx->owner)->vcpu;
	unsigned int first = first_part(linear, size);
	gpa_t at[2] = {{0}, {0}};
	enum emu_status status = translate_all(ctx, linear, size, prot, at);

	if (status != EMU_DONE)
		return status;
	physical_read(vcpu, at[0].raw, first, data);
	if (first < size)
		physical_read(vcpu, at[1].raw, size - first, (uint8_t *)data + first);
	return EMU_DONE;
}

static enum emu_status emu_write(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				 const void *data)
{
	struct vcpu *vcpu = ((struct access *)ctx->owner)->vcpu;
	unsigned int first = first_part(linear, size);
	gpa_t at[2] = {{0}, {0}};
	enum emu_status status = translate_all(ctx, linear, size, HV_PROT_WRITE, at);

	if (status != EMU_DONE)
		return status;
	physical_write(vcpu, at[0].raw, first, data);
	if (first < size)
		physical_write(vcpu, at[1].raw, size - first, (const uint8_t *)data + first);
	return EMU_DONE;
}

/** XSAVE's area where there is XSAVE, FXSAVE's otherwise. @return its size, 0: failed. */
static uint32_t fpu_get(struct access *access, uint8_t area[XSAVE_SIZE])
{
	if (hv_x86_fpu_get(access->vcpu->handle, area, XSAVE_SIZE) == HV_OK)
		return XSAVE_SIZE;
	if (hv_x86_fpu_get(access->vcpu->handle, area, FX_SIZE) == HV_OK)
		return FX_SIZE;
	access->xmm_failed = true;
	return 0;
}

static void read_xmm(struct emu_ctx *ctx, unsigned number, uint8_t data[16])
{
	uint8_t area[XSAVE_SIZE] __attribute__((aligned(64))) = {0};
	uint32_t size = fpu_get(ctx->owner, area);

	/* A component whose bit isn't set is in its initial state, whatever the area holds. */
	if (size == XSAVE_SIZE && !(area[FX_SIZE] & XSTATE_SSE))
		memset(data, 0, 16);
	else
		memcpy(data, area + FX_XMM + 16u * (number & 15), 16);
}

static void write_xmm(struct emu_ctx *ctx, unsigned number, const uint8_t data[16])
{
	uint8_t area[XSAVE_SIZE] __attribute__((aligned(64))) = {0};
	struct access *access = ctx->owner;
	uint32_t size = fpu_get(access, area);

	if (size == XSAVE_SIZE && !(area[FX_SIZE] & XSTATE_SSE)) {
		memset(area + FX_XMM, 0, 16 * 16);
		area[FX_SIZE] |= XSTATE_SSE;
	}
	memcpy(area + FX_XMM + 16u * (number & 15), data, 16);
	if (size && hv_x86_fpu_set(access->vcpu->handle, area, size) != HV_OK)
		access->xmm_failed = true;
}

static const struct emu_ops ops = {
	.seg_base = seg_base,
	.read = emu_read,
	.write = emu_write,
	.read_xmm = read_xmm,
	.write_xmm = write_xmm,
};

/* -------------------------------------------------------------------------------- everything else */

static uint8_t stack_size(const struct hv_x86_regs *regs, uint8_t mode)
{
	if (mode == 64)
		return 8;
	return regs->seg[HV_SS].attr & HV_SEG_DB ? 4 : 2;
}

static void finish(struct hv_vcpu_page *page, const struct emu_ctx *ctx, enum emu_status status)
{
	struct hv_x86_regs *regs = hv_x86_regs(page);

	memcpy(regs->gpr, ctx->gpr, sizeof(regs->gpr));
	regs->rflags = ctx->rflags;
	if (status == EMU_DONE) {
		instruction_done(page, ctx->rip);
		return;
	}
	regs->rip = ctx->rip;
	page->dirty |= HV_X86_REGS_GPR;
	page->action = HV_ACTION_RETRY;
}

/**
 * The hypervisor could not fetch the instruction that the CPU has just executed: another vCPU took its
 * page away. The guest gets the page fault that it would get now, or else #GP.
 */
static enum vcpu_verdict no_instruction(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	const struct hv_x86_regs *regs = hv_x86_regs(page);
	uint64_t linear;
	uint32_t code = 0;
	gpa_t to;

	if (!vcpu_need(vcpu, HV_X86_REGS_GPR | HV_X86_REGS_SEG))
		return VCPU_END;
	linear = regs->rip;
	if (page->exit.memory.mode != 64)
		linear = (uint32_t)(linear + regs->seg[HV_CS].base);
	if (hv_translate(vcpu->handle, gva(linear), HV_PROT_EXEC, &to, &code) == HV_E_FAULT)
		inject(page, VECTOR_PF, true, code, linear);
	else
		inject(page, VECTOR_GP, true, 0, 0);
	return VCPU_RUN;
}

static enum vcpu_verdict emulate(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	struct hv_exit_memory exit = page->exit.memory;
	struct hv_x86_regs *regs = hv_x86_regs(page);
	struct access access = {.vcpu = vcpu, .regs = regs};
	struct insn insn;

	if (exit.insn_length == 0)
		return no_instruction(vcpu, page);
	if (!vcpu_need(vcpu, HV_X86_REGS_GPR | HV_X86_REGS_SEG))
		return VCPU_END;
	if (insn_decode(exit.insn, exit.insn_length, insn_mode(exit.mode), &insn) != 0) {
		inject(page, VECTOR_UD, false, 0, 0);
		return VCPU_RUN;
	}
	struct emu_ctx ctx = {.rip = regs->rip,
			      .rflags = regs->rflags,
			      .stack_size = stack_size(regs, exit.mode),
			      .max_iterations = STRING_BATCH,
			      .ops = &ops,
			      .owner = &access};
	memcpy(ctx.gpr, regs->gpr, sizeof(ctx.gpr));
	enum emu_status status = emu_execute(&ctx, &insn);
	if (status == EMU_FAULT || status == EMU_DONE || status == EMU_AGAIN)
		finish(page, &ctx, status);
	if (status == EMU_FAULT)
		inject(page, ctx.fault.vector, ctx.fault.has_error_code, ctx.fault.error_code,
		       ctx.fault.cr2);
	if (status == EMU_UNSUPPORTED)
		inject(page, VECTOR_UD, false, 0, 0);
	return VCPU_RUN;
}

/** The access comes decoded: answer it. */
static enum vcpu_verdict decoded(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	struct hv_exit_memory *exit = &page->exit.memory;
	unsigned int size = exit->size >= 1 && exit->size <= 8 ? exit->size : 8;
	const unsigned int unused = 64 - 8 * size; /* bits, of the value */

	platform_mutex_lock(&vcpu->vm->lock);
	if (exit->access & HV_PROT_WRITE)
		bus_memory_write(&vcpu->vm->bus, &vcpu->hit, exit->address, size,
				 exit->value << unused >> unused);
	else
		exit->value = bus_memory_read(&vcpu->vm->bus, &vcpu->hit, exit->address, size);
	platform_mutex_unlock(&vcpu->vm->lock);
	return VCPU_RUN;
}

enum vcpu_verdict exit_memory(struct vcpu *vcpu, struct hv_vcpu_page *page)
{
	const struct hv_exit_memory *exit = &page->exit.memory;
	struct insn_mov mov;

	if (exit->decoded)
		return decoded(vcpu, page);
	if (exit->access & HV_PROT_EXEC) {
		/* Nothing drives the bus: FFh FFh is fetched, which is no instruction. */
		inject(page, VECTOR_UD, false, 0, 0);
		return VCPU_RUN;
	}
	if (exit->mode != 16 && (page->valid & HV_X86_REGS_GPR) &&
	    insn_mov_decode(exit->insn, exit->insn_length, insn_mode(exit->mode), &mov) != 0 &&
	    move_is_plain(vcpu, exit, &mov)) {
		move_run(vcpu, page, &mov);
		return VCPU_RUN;
	}
	return emulate(vcpu, page);
}
