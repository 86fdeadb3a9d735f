/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter's loop: what happens between two instructions, fetch, decode, execute.
 *
 * A decoded instruction is kept by its address together with its bytes, and used again as long as these are
 * what memory holds: whoever changes code, a vCPU, a device or a debugger, need tell nobody.
 *
 * @req VMM-620 A guest runs where there is no virtualization: an interpreter executes real mode, 16- and 32-bit
 *              protected mode and 64-bit mode, with segments, paging, exceptions and interrupts as the CPU has them.
 * @req VMM-621 An instruction that is not modelled ends the VM, with its address and bytes.
 */
#include "lib/x86/regs.h"
#include "vmm/model/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Iterations of a repeated string between two looks at interrupts. */
#define PIECE 256u

/* ---------------------------------------------------------------------------------------- leaving */

enum emu_status exec_leave(struct exec *x, enum model_row row)
{
	x->cpu->row = row;
	x->left = true;
	return EMU_FAULT;
}

enum emu_status exec_leave_by(struct exec *x, const struct insn *insn, enum model_row row)
{
	x->cpu->length = insn->length;
	return exec_leave(x, row);
}

enum emu_status exec_done(struct exec *x, const struct insn *insn)
{
	const uint64_t rip = x->ctx.rip + insn->length;

	x->ctx.rip = insn->mode == INSN_MODE_64 ? rip : rip & UINT32_MAX;
	x->ctx.rflags &= ~RFLAGS_RF;
	return EMU_DONE;
}

enum emu_status exec_fault(struct exec *x, uint8_t vector)
{
	x->ctx.fault = (struct emu_fault){.vector = vector};
	return EMU_FAULT;
}

enum emu_status exec_fault_code(struct exec *x, uint8_t vector, uint32_t code)
{
	x->ctx.fault =
		(struct emu_fault){.vector = vector, .has_error_code = true, .error_code = code};
	return EMU_FAULT;
}

void exec_context(struct exec *x)
{
	const uint32_t attr = x->s->seg[HV_CS].attr;

	x->cpl = (uint8_t)model_cpl(x->cpu);
	x->code = NULL;
	if (exec_long(x) && (attr & HV_SEG_L) != 0) {
		x->mode = INSN_MODE_64;
		x->ctx.stack_size = 8;
		return;
	}
	x->mode = (attr & HV_SEG_DB) != 0 ? INSN_MODE_32 : INSN_MODE_16;
	x->ctx.stack_size = (x->s->seg[HV_SS].attr & HV_SEG_DB) != 0 ? 4 : 2;
}

/* ------------------------------------------------------------------------------------------ fetch */

/** Where RIP is in linear memory. @return false: outside the code segment */
static bool code_linear(struct exec *x, uint64_t rip, uint64_t *linear)
{
	const struct hv_x86_segment *cs = &x->s->seg[HV_CS];

	*linear = rip;
	if (x->mode == INSN_MODE_64)
		return (uint64_t)((int64_t)(rip << 16) >> 16) == rip;
	*linear = (rip + cs->base) & UINT32_MAX;
	return rip <= cs->limit;
}

static enum exec_view code_view(const struct exec *x)
{
	return x->cpl == 3 ? VIEW_USER : VIEW_SYSTEM;
}

/** Our pointer to code in the page of `linear`; NULL: a fault, or an exit. */
static const uint8_t *code_at(struct exec *x, uint64_t linear)
{
	const uint64_t page = linear & ~(uint64_t)HV_PAGE_MASK;

	if (__builtin_expect(x->code == NULL || x->code_page != page, 0)) {
		x->code = exec_reach(x, page, HV_PROT_EXEC, code_view(x));
		if (x->code == NULL) {
			if (!x->left && x->ctx.fault.vector == X86_PF)
				x->ctx.fault.cr2 = linear;
			return NULL;
		}
		x->code_page = page;
	}
	return x->code + (linear & HV_PAGE_MASK);
}

/** An instruction in two pages, or near a page's end. @return bytes, 0: a fault, or an exit */
static unsigned gather(struct exec *x, uint64_t linear, uint8_t bytes[16])
{
	const unsigned first = (unsigned)(HV_PAGE_SIZE - (linear & HV_PAGE_MASK));
	const uint8_t *at = code_at(x, linear);
	struct insn insn;

	if (at == NULL)
		return 0;
	memcpy(bytes, at, first);
	if (insn_decode(bytes, first, (enum insn_mode)x->mode, &insn) != INSN_E_TRUNCATED)
		return first;
	at = code_at(x, linear + first);
	if (at == NULL)
		return 0;
	memcpy(bytes + first, at, 16 - first);
	return 16;
}

/** Bytes at RIP, 16 of them readable behind the result; NULL: a fault, or an exit. */
static const uint8_t *fetch(struct exec *x, uint8_t buffer[16], unsigned *count)
{
	uint64_t linear;
	const uint8_t *at;

	if (__builtin_expect(!code_linear(x, x->ctx.rip, &linear), 0)) {
		exec_gp(x);
		return NULL;
	}
	if (__builtin_expect((linear & HV_PAGE_MASK) > HV_PAGE_SIZE - 16, 0)) {
		*count = gather(x, linear, buffer);
		return *count != 0 ? buffer : NULL;
	}
	at = code_at(x, linear);
	*count = INSN_MAX_LENGTH;
	return at;
}

static void set_masks(struct exec_cached *cached)
{
	const unsigned length = cached->insn.length;

	cached->mask[0] = length >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * length)) - 1;
	cached->mask[1] = length <= 8 ? 0 : (UINT64_C(1) << (8 * (length - 8))) - 1;
	cached->bytes[0] &= cached->mask[0];
	cached->bytes[1] &= cached->mask[1];
}

static const struct insn *decode(struct exec *x, struct exec_cached *cached, const uint8_t *bytes,
				 unsigned count)
{
	const int error = insn_decode(bytes, count, (enum insn_mode)x->mode, &cached->insn);

	if (error != 0) {
		cached->rip = UINT64_MAX;
		if (error == INSN_E_TOO_LONG)
			exec_gp(x);
		else
			exec_fault(x, X86_UD);
		return NULL;
	}
	memcpy(cached->bytes, bytes, 16);
	set_masks(cached);
	cached->rip = x->ctx.rip;
	return &cached->insn;
}

/** The instruction at RIP; NULL: a fault, or an exit. */
static inline const struct insn *next_insn(struct exec *x)
{
	struct exec_cached *const cached = &x->cache[x->ctx.rip % EXEC_CACHED];
	uint8_t buffer[16] = {0};
	uint64_t now[2];
	unsigned count;
	const uint8_t *at = fetch(x, buffer, &count);

	if (__builtin_expect(at == NULL, 0))
		return NULL;
	memcpy(now, at, 16);
	if (__builtin_expect(cached->rip == x->ctx.rip && cached->insn.mode == x->mode &&
				     (now[0] & cached->mask[0]) == cached->bytes[0] &&
				     (now[1] & cached->mask[1]) == cached->bytes[1],
			     1))
		return &cached->insn;
	return decode(x, cached, (const uint8_t *)now, count);
}

/* ---------------------------------------------------------------------------------------- execute */

/** Nobody has modelled it: that is for a person to see, not for the guest. */
static void give_up(struct exec *x, const struct insn *insn)
{
	uint8_t bytes[16] = {0};
	uint64_t linear = 0;
	unsigned count = 0;
	char text[3 * INSN_MAX_LENGTH + 1] = "";

	code_linear(x, x->ctx.rip, &linear);
	const uint8_t *at = fetch(x, bytes, &count);
	for (unsigned i = 0; at != NULL && i < insn->length; i++)
		snprintf(text + 3 * i, 4, " %02x", at[i]);
	host_log("the model has no such instruction: %u-bit code at %llx:%s\n", 16u << x->mode,
		 (unsigned long long)linear, text);
	x->left = false;
	exec_leave(x, MODEL_UNEXPECTED);
}

static inline void execute(struct exec *x, const struct insn *insn)
{
	const exec_insn_t own = exec_insns[insn->id];
	enum emu_status status;

	x->shadow = 0;
	if (own != NULL)
		status = own(x, insn);
	else
		status = emu_execute(&x->ctx, insn);
	if (__builtin_expect(status == EMU_DONE || status == EMU_AGAIN, 1)) {
		if (__builtin_expect((x->s->shadow | x->shadow) != 0, 0))
			x->s->shadow = (x->s->shadow & HV_SHADOW_NMI) | x->shadow;
		return;
	}
	if (x->left)
		return;
	if (status == EMU_FAULT)
		exec_raise(x);
	else
		give_up(x, insn);
}

/* --------------------------------------------------------------------- between two instructions */

static bool interruptible(const struct exec *x)
{
	return (x->ctx.rflags & RFLAGS_IF) != 0 &&
	       (x->s->shadow & (HV_SHADOW_STI | HV_SHADOW_MOV_SS)) == 0;
}

/** What the driver waits for. */
static bool window_opens(struct exec *x)
{
	const struct model_cpu *cpu = x->cpu;

	if (cpu->nmi_window && x->s->shadow == 0)
		exec_leave(x, MODEL_NMI_WINDOW);
	else if (cpu->intr_window && interruptible(x))
		exec_leave(x, MODEL_INTR_WINDOW);
	return x->left;
}

/** Behind an instruction: the step that the driver or the guest itself wants to see, breakpoints on data. */
static void behind(struct exec *x, bool trap)
{
	const uint64_t reasons = x->hits | (trap ? DR6_BS : 0);

	struct model_cpu *cpu = x->cpu;

	if (x->left)
		return;
	if (cpu->step) {
		cpu->stepped = true;
		cpu->qualification.exception.event = model_exception(X86_DB, false, 0);
		cpu->qualification.exception.address = 0;
		cpu->qualification.exception.dr6 = DR6_BS;
		exec_leave(x, MODEL_EXCEPTION);
	} else if (reasons != 0) {
		x->hits = 0;
		exec_debug_trap(x, reasons);
	}
}

static void one_insn(struct exec *x)
{
	const bool trap = (x->ctx.rflags & RFLAGS_TF) != 0 &&
			  (x->s->shadow & HV_SHADOW_MOV_SS) == 0;
	const struct insn *insn;

	if (__builtin_expect(x->watch, 0) && exec_watch_code(x))
		return;
	insn = next_insn(x);
	__atomic_store_n(&exec_clock.now, exec_clock.now + 1, __ATOMIC_RELAXED);
	if (__builtin_expect(insn == NULL, 0)) {
		if (!x->left)
			exec_raise(x);
		return;
	}
	execute(x, insn);
	if (__builtin_expect(trap || x->cpu->step || x->hits != 0, 0))
		behind(x, trap);
}

/** @return false: the clock has to be looked at */
static inline bool has_time(void)
{
	return exec_clock.now < __atomic_load_n(&exec_clock.stop, __ATOMIC_RELAXED);
}

static void loop(struct exec *x)
{
	const bool windows = x->cpu->nmi_window || x->cpu->intr_window;

	while (!x->left) {
		if (__builtin_expect(!has_time(), 0)) {
			exec_leave(x, MODEL_INTERRUPT);
			return;
		}
		if (__builtin_expect(windows, 0) && window_opens(x))
			return;
		one_insn(x);
	}
}

/* --------------------------------------------------------------------------- for the driver's model */

bool model_software_new(struct model_cpu *cpu)
{
	struct exec *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return false;
	x->cache = calloc(EXEC_CACHED, sizeof(*x->cache));
	if (x->cache == NULL) {
		free(x);
		return false;
	}
	for (unsigned i = 0; i < EXEC_CACHED; i++)
		x->cache[i].rip = UINT64_MAX;
	x->cpu = cpu;
	x->s = &cpu->state;
	x->ctx.ops = &exec_ops;
	x->ctx.owner = x;
	x->ctx.max_iterations = PIECE;
	cpu->exec = x;
	return true;
}

void model_software_free(struct model_cpu *cpu)
{
	free(cpu->exec->cache);
	free(cpu->exec);
}

static void take_state(struct exec *x)
{
	const uint64_t flushes = x->cpu->flushes + model_cpu_flushes;

	memcpy(x->ctx.gpr, x->cpu->vcpu->regs.gpr, sizeof(x->ctx.gpr));
	x->ctx.gpr[INSN_RSP] = x->s->gpr[HV_RSP];
	x->ctx.rip = x->s->rip;
	x->ctx.rflags = x->s->rflags;
	x->left = false;
	x->cpu->length = 0;
	/* The driver changes control registers, and tells only of what the CPU doesn't see itself. */
	if (x->cpu->loaded || flushes != x->flushes)
		exec_flush(x);
	x->cpu->loaded = false;
	x->flushes = flushes;
	exec_context(x);
	exec_watch(x);
}

static void give_state(struct exec *x)
{
	const uint64_t rsp = x->cpu->vcpu->regs.gpr[HV_RSP];

	memcpy(x->cpu->vcpu->regs.gpr, x->ctx.gpr, sizeof(x->ctx.gpr));
	x->cpu->vcpu->regs.gpr[HV_RSP] = rsp;
	x->s->gpr[HV_RSP] = x->ctx.gpr[INSN_RSP];
	x->s->rip = x->ctx.rip;
	x->s->rflags = x->ctx.rflags;
}

void model_software_run(struct model_cpu *cpu)
{
	struct exec *x = cpu->exec;

	take_state(x);
	if (cpu->arriving.valid) {
		const struct x86_event event = cpu->arriving;

		cpu->arriving.valid = 0;
		exec_deliver(x, event);
	}
	loop(x);
	give_state(x);
}
