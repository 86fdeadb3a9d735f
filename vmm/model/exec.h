/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file exec.h
 * The interpreter that is the processor of `--accel model`: what its files share. It executes a guest between two
 * exits of the driver's modelled CPU (hypervisor/model/cpu.h), with the decoder of lib/x86 and the operations of
 * vmm/emulate.h.
 *
 * What fails fills emu_ctx::fault and returns EMU_FAULT, as the emulator's callbacks do. An exit to the driver
 * does as well, with exec::left set: there is nothing to raise then.
 */
#ifndef VMM_MODEL_EXEC_H
#define VMM_MODEL_EXEC_H

#include "hypervisor/model/cpu.h"
#include "lib/x86/insn.h"
#include "vmm/emulate.h"

/** Who makes an access: what decides about rights, and which translations may be used. */
enum exec_view {
	VIEW_SYSTEM,	 /**< supervisor, or the CPU itself at its tables: SMAP holds */
	VIEW_SUPERVISOR, /**< supervisor with RFLAGS.AC */
	VIEW_USER,
	VIEWS
};

#define EXEC_TLB    256u
#define EXEC_CACHED 16384u

/** A translation that is known. */
struct exec_page {
	uint64_t tag; /**< linear page number + 1; 0: none */
	uint8_t *host;
	uint32_t prot; /**< HV_PROT_* that were checked */
};

struct exec;
/** An instruction of which the emulator knows nothing, or what it doesn't do in a real CPU's way. */
typedef enum emu_status (*exec_insn_t)(struct exec *x, const struct insn *insn);

/** A decoded instruction, good as long as its bytes are what they were. */
struct exec_cached {
	uint64_t bytes[2], mask[2];
	uint64_t rip;
	struct insn insn;
};

struct exec {
	struct emu_ctx ctx; /**< general registers, RIP, RFLAGS while the guest runs */
	struct model_cpu *cpu;
	struct hv_x86_regs *s; /**< everything else: cpu->state */
	bool left;	       /**< cpu->row says why; nothing more is executed */
	uint8_t mode;	       /**< enum insn_mode of CS */
	uint8_t cpl;
	bool watch;	/**< a breakpoint is enabled in DR7 */
	uint64_t hits;	/**< DR6's bits of those on data that the instruction has touched */
	uint8_t shadow; /**< what the instruction under way leaves behind it: HV_SHADOW_* */
	const uint8_t *code; /**< page that RIP was in last, as we see it; NULL: none */
	uint64_t code_page;
	struct exec_page tlb[VIEWS][EXEC_TLB];
	struct exec_cached *cache;
	uint64_t flushes; /**< of model_cpu::flushes and model_cpu_flushes, followed */
};

static inline struct exec *exec_of(struct emu_ctx *ctx)
{
	return ctx->owner;
}

/* exec.c */
/** Leave to the driver. @return EMU_FAULT */
enum emu_status exec_leave(struct exec *x, enum model_row row);
/** The same because of the instruction, which the driver will step over. */
enum emu_status exec_leave_by(struct exec *x, const struct insn *insn, enum model_row row);
/** Go on behind the instruction. @return EMU_DONE */
enum emu_status exec_done(struct exec *x, const struct insn *insn);
/** CS, SS, CR0, EFER or RFLAGS.VM have changed: what follows from them. */
void exec_context(struct exec *x);
enum emu_status exec_fault(struct exec *x, uint8_t vector);
enum emu_status exec_fault_code(struct exec *x, uint8_t vector, uint32_t code);
static inline enum emu_status exec_gp(struct exec *x)
{
	return exec_fault_code(x, X86_GP, 0);
}
/** @return whether an instruction for ring 0 alone may be executed; #GP(0) otherwise. */
static inline bool exec_privileged(struct exec *x)
{
	return x->cpl == 0;
}
static inline bool exec_protected(const struct exec *x)
{
	return (x->s->cr0 & CR0_PE) != 0;
}
static inline bool exec_v86(const struct exec *x)
{
	return (x->ctx.rflags & RFLAGS_VM) != 0;
}
/** Segment registers hold selectors of descriptors. */
static inline bool exec_segmented(const struct exec *x)
{
	return exec_protected(x) && !exec_v86(x);
}
static inline bool exec_long(const struct exec *x)
{
	return (x->s->efer & EFER_LMA) != 0;
}

/* memory.c */
extern const struct emu_ops exec_ops;
/** Forget all translations. */
void exec_flush(struct exec *x);
/** Our pointer to linear memory inside one page; NULL: a fault, or an exit. */
uint8_t *exec_reach(struct exec *x, uint64_t linear, uint32_t prot, enum exec_view view);
enum emu_status exec_read(struct exec *x, uint64_t linear, void *to, unsigned size,
			  enum exec_view view);
enum emu_status exec_write(struct exec *x, uint64_t linear, const void *from, unsigned size,
			   enum exec_view view);
/** Would a write of so many bytes succeed? */
enum emu_status exec_writable(struct exec *x, uint64_t linear, unsigned size, enum exec_view view);
/** The view of the program itself. */
enum exec_view exec_view(const struct exec *x);

/* segment.c */
/** A descriptor; `high` only of system segments in long mode. */
struct exec_desc {
	uint64_t low, high;
	uint64_t linear; /**< where it is */
};
/** Read the descriptor that a selector names; what is wrong is `vector` with the selector. */
enum emu_status exec_desc_read(struct exec *x, uint16_t selector, uint8_t vector,
			       struct exec_desc *desc);
/** Set its accessed bit where it isn't. */
enum emu_status exec_desc_access(struct exec *x, struct exec_desc *desc);
static inline uint32_t exec_desc_attr(const struct exec_desc *desc)
{
	return (uint32_t)(desc->low >> 40) & 0xf0ffu;
}
static inline uint32_t exec_desc_dpl(const struct exec_desc *desc)
{
	return (uint32_t)(desc->low >> 45) & 3u;
}
/** The segment register as the descriptor has it. */
struct hv_x86_segment exec_desc_segment(const struct exec_desc *desc, uint16_t selector);
/** Load ES, SS, DS, FS or GS as MOV does. */
enum emu_status exec_segment_load(struct exec *x, enum hv_x86_seg seg, uint16_t selector);
/** The register that real and virtual-8086 mode make of a selector. */
void exec_segment_real(struct exec *x, enum hv_x86_seg seg, uint16_t selector);
/** Check and get a stack segment for a privilege level; what is wrong is `vector` with the selector. */
enum emu_status exec_stack_segment(struct exec *x, uint16_t selector, uint32_t cpl, uint8_t vector,
				   struct hv_x86_segment *out);
/** A null selector in SS, in 64-bit mode. */
struct hv_x86_segment exec_null_stack(uint16_t selector, uint32_t cpl);
/** Stack pointer and selector of an inner ring, out of the TSS. */
enum emu_status exec_inner_stack(struct exec *x, uint32_t cpl, uint64_t *rsp, uint16_t *ss);

/* event.c */
/** Deliver through the guest's IDT; what cannot be, becomes what the CPU makes of it. */
void exec_deliver(struct exec *x, struct x86_event event);
/** Raise exec::ctx's fault. */
void exec_raise(struct exec *x);
/** #DB for these reasons (DR6). */
void exec_debug_trap(struct exec *x, uint64_t dr6);
enum emu_status exec_int(struct exec *x, const struct insn *insn);

/* debug.c */
/** DR7 may have changed. */
void exec_watch(struct exec *x);
/** The program reads or writes linear memory. */
void exec_watch_access(struct exec *x, uint64_t linear, unsigned size, bool write);
/** @return true where a breakpoint is on the instruction at RIP: #DB is delivered. */
bool exec_watch_code(struct exec *x);

/* The tables' rows: far.c, system.c, stack.c, fpu.c. */
enum emu_status exec_far(struct exec *x, const struct insn *insn);
enum emu_status exec_iret(struct exec *x, const struct insn *insn);
enum emu_status exec_syscall(struct exec *x, const struct insn *insn);
enum emu_status exec_sysret(struct exec *x, const struct insn *insn);
enum emu_status exec_sysenter(struct exec *x, const struct insn *insn);
enum emu_status exec_sysexit(struct exec *x, const struct insn *insn);
enum emu_status exec_fpu(struct exec *x, const struct insn *insn);
/** SSE moves, if SSE is enabled. */
enum emu_status exec_sse_move(struct exec *x, const struct insn *insn);
/** By instruction; NULL: the emulator's. */
extern const exec_insn_t exec_insns[INSN_ID_COUNT];

/* clock.c */
/** Instructions executed by all vCPUs since the start, and the count at which the one that runs has to poll. */
struct exec_clock {
	uint64_t now;  /**< read by other threads, too */
	uint64_t stop; /**< anybody may set it to 0 */
};
extern struct exec_clock exec_clock;

#endif
