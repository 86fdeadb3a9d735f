/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts and exceptions in ring 0. @verifies DUM-002 */
#include "guests/dummy/rt.h"
#include "guests/dummy/test.h"
#include "lib/x86/cpu.h"

#define TEST_VECTOR 0x55
#define NON_CANONICAL X86_U64(0x8000000000000000)
#define NOT_MAPPED    X86_U64(0x0000123456789000)

struct seen {
	unsigned count;
	uint64_t rbx;
	uint64_t rflags;
};

static bool callback(struct trap_frame *f, void *ctx)
{
	struct seen *seen = ctx;

	seen->count++;
	seen->rbx = f->rbx;
	seen->rflags = read_rflags();
	f->rcx = 0x77;
	return true;
}

static bool interrupt_callback(void)
{
	struct seen seen = {0, 0, 0};
	uint64_t rbx = 0x1122334455667788, rcx = 0;

	trap_register(TEST_VECTOR, callback, &seen);
	for (unsigned i = 0; i < 10; i++)
		__asm__ volatile("int %2" : "+c"(rcx) : "b"(rbx), "i"(TEST_VECTOR) : "memory");
	trap_register(TEST_VECTOR, NULL, NULL);
	CHECK(seen.count == 10);
	CHECK(seen.rbx == rbx);
	CHECK(rcx == 0x77); /* it may change what is returned to */
	CHECK((seen.rflags & RFLAGS_IF) == 0);
	CHECK((read_rflags() & RFLAGS_IF) != 0);
	return true;
}

static bool no_callback(void)
{
	unsigned before = trap_unexpected(TEST_VECTOR);

	__asm__ volatile("int %0" : : "i"(TEST_VECTOR) : "memory");
	CHECK(trap_unexpected(TEST_VECTOR) == before + 1);
	return true;
}

static void divide(uint64_t arg)
{
	__asm__ volatile("div %%ecx" : "+a"(arg) : "c"(0), "d"(0) : "cc");
}

static void invalid_opcode(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("ud2");
}

static void breakpoint(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("int3");
}

static void read_from(uint64_t arg)
{
	*(const volatile uint8_t *)arg;
}

static void write_to(uint64_t arg)
{
	*(volatile uint8_t *)arg = 0;
}

static void load_ds(uint64_t arg)
{
	__asm__ volatile("mov %0, %%ds" : : "r"((uint32_t)arg));
}

static void software_interrupt_past_idt(uint64_t limit)
{
	struct desc_ptr kept, small;

	sidt(&kept);
	small = kept;
	small.limit = (uint16_t)limit;
	lidt(&small);
	__asm__ volatile("int $0x60");
	lidt(&kept);
}

static void jump_to(uint64_t arg)
{
	__asm__ volatile("jmp *%0" : : "r"(arg));
}

static void unmasked_x87(uint64_t arg)
{
	static const uint16_t unmask_all = 0x0340;

	(void)arg;
	__asm__ volatile("fninit; fldcw %0; fldz; fld1; fdivp; fwait" : : "m"(unmask_all));
}

static void unmasked_sse(uint64_t arg)
{
	static const uint32_t unmask_all = 0x0000;

	__asm__ volatile("ldmxcsr %0; cvtsi2sd %1, %%xmm1; xorps %%xmm0, %%xmm0; divsd %%xmm0, %%xmm1"
			 :
			 : "m"(unmask_all), "r"(arg));
}

/* What to do, and the exception with its error code that it must give. */
static const struct {
	const char *what;
	void (*fn)(uint64_t arg);
	uint64_t arg;
	unsigned vector;
	uint64_t error;
} exceptions[] = {
	{"divide by zero", divide, 1, X86_DE, 0},
	{"UD2", invalid_opcode, 0, X86_UD, 0},
	{"INT3", breakpoint, 0, X86_BP, 0},
	{"read, not canonical", read_from, NON_CANONICAL, X86_GP, 0},
	{"read, not mapped", read_from, NOT_MAPPED, X86_PF, 0},
	{"write, not mapped", write_to, NOT_MAPPED, X86_PF, PFERR_W},
	{"segment past the GDT", load_ds, 0x7ff8, X86_GP, 0x7ff8},
	{"data segment register with a TSS", load_ds, TSS_SELECTOR, X86_GP, TSS_SELECTOR},
	{"interrupt past the IDT", software_interrupt_past_idt, 0x4ff, X86_GP, 0x60 * 8 + SELERR_IDT},
	{"jump, not canonical", jump_to, NON_CANONICAL, X86_GP, 0},
	{"x87 division", unmasked_x87, 0, X86_MF, 0},
};

static bool ring0_exceptions(void)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
		struct fault f = {0};
		struct desc_ptr idt;

		/* without the tick: its vector too is past the IDT that one of them loads */
		uint64_t flags = irq_save();

		sidt(&idt);
		bool faulted = try_call(exceptions[i].fn, exceptions[i].arg, &f);
		lidt(&idt);
		irq_restore(flags);
		if (faulted && f.vector == exceptions[i].vector && f.cs == KERNEL_CS &&
		    test_same_error(exceptions[i].error, f.error))
			continue;
		tap_note("%s: fault %d, vector %u, error %lx", exceptions[i].what, faulted, f.vector,
			 f.error);
		return false;
	}
	return true;
}

static bool exceptions_in_ring_0(void)
{
	bool good = ring0_exceptions();

	__asm__ volatile("fninit");
	return good;
}

static bool try_sse(struct fault *f)
{
	static const uint32_t mxcsr_default = 0x1f80;
	bool faulted = try_call(unmasked_sse, 1, f);

	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr_default));
	return faulted;
}

/* QEMU's TCG never raises #XM; nor, then, does a virtual machine on it. */
static const char *without_sse_exceptions(void)
{
	return try_sse(NULL) ? NULL : "the CPU raises no SSE exceptions";
}

static bool sse_exception(void)
{
	struct fault f = {0};

	CHECK(try_sse(&f));
	CHECK(f.vector == X86_XM && f.error == 0);
	return true;
}

/* The kernel as an operating system uses page faults: the handler maps what is missing. */
static bool map_missing(struct trap_frame *f, void *ctx)
{
	uint64_t la = read_cr2() & ~(SIZE_4K - 1);

	(void)f;
	(*(unsigned *)ctx)++;
	return paging_map(paging_kernel_root(), la, page_alloc(), SIZE_4K, PTE_RW | PTE_XD);
}

static void touch_pages(uint64_t la)
{
	for (unsigned i = 0; i < 4; i++)
		((volatile uint64_t *)(la + i * SIZE_4K))[0] = i;
}

/* The page fault's handler of processes is put aside for this. */
static bool page_fault_recovery(void)
{
	unsigned faults = 0;
	trap_fn kept;
	void *kept_ctx;

	trap_get(X86_PF, &kept, &kept_ctx);
	trap_register(X86_PF, map_missing, &faults);
	touch_pages(NOT_MAPPED);
	unsigned first = faults;
	touch_pages(NOT_MAPPED);
	trap_register(X86_PF, kept, kept_ctx);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t page;

		CHECK(paging_translate(paging_kernel_root(), NOT_MAPPED + i * SIZE_4K, &page, NULL));
		CHECK(*(uint64_t *)page == i);
		paging_unmap(paging_kernel_root(), NOT_MAPPED + i * SIZE_4K);
		page_free(page);
	}
	CHECK(first == 4 && faults == 4);
	return true;
}

/* A push on a stack that isn't there: the page fault can't be delivered either. */
static void lose_stack(uint64_t arg)
{
	__asm__ volatile("mov %0, %%rsp; push %%rax" : : "r"(arg) : "memory");
}

static bool double_fault(void)
{
	struct fault f = {0};

	CHECK(try_call(lose_stack, NOT_MAPPED, &f));
	CHECK(f.vector == X86_DF && f.error == 0);
	return true;
}

struct steps {
	unsigned count;
	uint64_t dr6;
	uint64_t first_rip, last_rip;
};

static bool count_step(struct trap_frame *f, void *ctx)
{
	struct steps *s = ctx;

	if (s->count++ == 0)
		s->first_rip = f->rip;
	s->last_rip = f->rip;
	s->dr6 = read_dr6();
	write_dr6(DR6_FIXED1);
	f->rflags |= RFLAGS_RF; /* for a breakpoint on an instruction: don't stop there again */
	return true;
}

static struct steps debug_run(void (*fn)(uint64_t arg), uint64_t arg)
{
	struct steps s = {0, 0, 0, 0};
	trap_fn kept;
	void *kept_ctx;

	trap_get(X86_DB, &kept, &kept_ctx);
	trap_register(X86_DB, count_step, &s);
	fn(arg);
	trap_register(X86_DB, kept, kept_ctx);
	write_dr7(DR7_FIXED1);
	return s;
}

static void step_three_nops(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq\n\t"
			 "nop; nop; nop\n\t"
			 "pushfq; andq %1, (%%rsp); popfq"
			 :
			 : "i"((int)RFLAGS_TF), "i"(~(int)RFLAGS_TF)
			 : "cc", "memory");
}

/* The instruction after POPF is the first: three NOPs, PUSHF, AND, and the POPF that ends it. */
static bool single_step(void)
{
	struct steps s = debug_run(step_three_nops, 0);

	CHECK(s.count == 6);
	CHECK((s.dr6 & (DR6_BS | DR6_B0 | DR6_B1)) == DR6_BS);
	CHECK(s.last_rip > s.first_rip);
	return true;
}

static void call_breakpoint_target(uint64_t target)
{
	((void (*)(uint64_t))target)(0);
}

__attribute__((noinline)) static void breakpoint_target(uint64_t arg)
{
	__asm__ volatile("" : : "r"(arg) : "memory");
}

static bool hardware_breakpoint(void)
{
	write_dr0((uintptr_t)breakpoint_target);
	write_dr7(DR7_FIXED1 | DR7_L(0));
	CHECK(read_dr0() == (uintptr_t)breakpoint_target);
	CHECK((read_dr7() & 0xff) == DR7_L(0));

	struct steps s = debug_run(call_breakpoint_target, (uintptr_t)breakpoint_target);

	CHECK(s.count == 1);
	CHECK(s.first_rip == (uintptr_t)breakpoint_target);
	CHECK((s.dr6 & (DR6_B0 | DR6_B1 | DR6_BS)) == DR6_B0);
	return true;
}

static uint32_t watched[4];

static void write_watched(uint64_t arg)
{
	volatile uint32_t *w = watched;

	w[0] = w[1];
	w[2] = (uint32_t)arg;
	w[3] = 5;
}

static bool watchpoint(void)
{
	write_dr1((uintptr_t)&watched[2]);
	write_dr7(DR7_FIXED1 | DR7_L(1) | DR7_RW(1, 1) | DR7_LEN(1, 3));

	struct steps s = debug_run(write_watched, 7);

	CHECK(s.count == 1);
	CHECK((s.dr6 & (DR6_B0 | DR6_B1 | DR6_BS)) == DR6_B1);
	CHECK(watched[2] == 7);
	return true;
}

const struct test tests_trap[] = {
	{"interrupt-callback", interrupt_callback, NULL},
	{"interrupt-without-callback", no_callback, NULL},
	{"exceptions-in-ring-0", exceptions_in_ring_0, NULL},
	{"sse-exception", sse_exception, without_sse_exceptions},
	{"page-fault-recovery", page_fault_recovery, NULL},
	{"double-fault", double_fault, NULL},
	{"single-step", single_step, NULL},
	{"hardware-breakpoint", hardware_breakpoint, NULL},
	{"watchpoint", watchpoint, NULL},
	{NULL, NULL, NULL},
};
