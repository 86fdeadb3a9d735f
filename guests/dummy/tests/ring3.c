/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ring 3 must not do. Each function runs there by try_call_user(): position independent, and
 * touching nothing but registers and its stack.
 */
#include "guests/dummy/rt.h"
#include "guests/dummy/test.h"
#include "lib/x86/cpu.h"

/* A function for ring 3 that consists of this. */
#define USER_CODE(name, code)                                              \
	static uint64_t name(uint64_t arg)                                 \
	{                                                                  \
		__asm__ volatile(code : "+a"(arg) : : "rcx", "rdx", "cc", "memory"); \
		return arg;                                                \
	}

USER_CODE(do_nothing, "inc %%rax")
USER_CODE(do_divide, "xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx")
USER_CODE(do_ud2, "ud2")
USER_CODE(do_int3, "int3")
USER_CODE(do_hlt, "hlt")
USER_CODE(do_cli, "cli")
USER_CODE(do_sti, "sti")
USER_CODE(do_in, "in $0x80, %%al")
USER_CODE(do_out, "out %%al, $0x80")
USER_CODE(do_outs, "mov $0x80, %%edx; mov %%rsp, %%rsi; outsb")
USER_CODE(do_rdmsr, "mov $0xc0000080, %%ecx; rdmsr")
USER_CODE(do_wrmsr, "mov $0xc0000080, %%ecx; wrmsr")
USER_CODE(do_read_cr0, "mov %%cr0, %%rax")
USER_CODE(do_write_cr3, "mov %%rax, %%cr3")
USER_CODE(do_read_cr8, "mov %%cr8, %%rax")
USER_CODE(do_read_dr7, "mov %%dr7, %%rax")
USER_CODE(do_write_dr0, "mov %%rax, %%dr0")
USER_CODE(do_lmsw, "lmsw %%ax")
USER_CODE(do_clts, "clts")
USER_CODE(do_lgdt, "lgdt (%%rsp)")
USER_CODE(do_lidt, "lidt (%%rsp)")
USER_CODE(do_lldt, "xor %%eax, %%eax; lldt %%ax")
USER_CODE(do_ltr, "ltr %%ax")
USER_CODE(do_invlpg, "invlpg (%%rsp)")
USER_CODE(do_invd, "invd")
USER_CODE(do_wbinvd, "wbinvd")
USER_CODE(do_swapgs, "swapgs")
USER_CODE(do_sysret, "mov %%rsp, %%rcx; sysretq")
USER_CODE(do_rdpmc, "xor %%ecx, %%ecx; rdpmc")
USER_CODE(do_xsetbv, "xor %%ecx, %%ecx; xsetbv")
USER_CODE(do_int_20, "int $0x20")
USER_CODE(do_int_pf, "int $14")
USER_CODE(do_far_jump, "sub $16, %%rsp; movl $0, (%%rsp); movl $8, 4(%%rsp); ljmpl *(%%rsp)")
USER_CODE(do_load_ss, "mov $0x10, %%ecx; mov %%ecx, %%ss")
USER_CODE(do_load_ds, "mov $0x30, %%ecx; mov %%ecx, %%ds")
USER_CODE(do_read, "movb (%%rax), %%cl")
USER_CODE(do_write, "movb $0, (%%rax)")
USER_CODE(do_jump, "jmp *%%rax")
USER_CODE(do_run_stack, "movb $0xc3, -64(%%rsp); lea -64(%%rsp), %%rax; jmp *%%rax")
USER_CODE(do_write_text, "lea 1f(%%rip), %%rcx; 1: movb $0x90, (%%rcx)")
USER_CODE(do_trap_flag, "pushfq; orq $0x100, (%%rsp); popfq; nop; nop")
USER_CODE(do_misaligned, "pushfq; orq $0x40000, (%%rsp); popfq; mov -63(%%rsp), %%ecx;"
			 "pushfq; andq $~0x40000, (%%rsp); popfq")
USER_CODE(do_x87, "pushq $0x0340; fninit; fldcw (%%rsp); fldz; fld1; fdivp; fwait")
USER_CODE(do_rdtsc, "rdtsc; mov $1, %%eax")
USER_CODE(do_sgdt, "sub $16, %%rsp; sgdt (%%rsp); add $16, %%rsp")
USER_CODE(do_sidt, "sub $16, %%rsp; sidt (%%rsp); add $16, %%rsp")
USER_CODE(do_sldt, "sldt %%eax")
USER_CODE(do_str, "str %%eax")
USER_CODE(do_smsw, "smsw %%eax")

#define NON_CANONICAL X86_U64(0x8000000000000000)
#define NOT_MAPPED    X86_U64(0x0000123456789000)
#define KERNEL_PAGE   X86_U64(0x100000)

struct forbidden {
	const char *what;
	uint64_t (*fn)(uint64_t arg);
	uint64_t arg;
	unsigned vector;
	uint64_t error;
};

static bool all_forbidden(const struct forbidden *list, size_t count)
{
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		struct fault f = {0};
		bool faulted = try_call_user(list[i].fn, list[i].arg, NULL, &f);

		if (faulted && f.vector == list[i].vector && f.cs == USER_CS &&
		    test_same_error(list[i].error, f.error))
			continue;
		tap_note("%s: fault %d, vector %u, error %lx, cs %lx", list[i].what, faulted,
			 f.vector, f.error, f.cs);
		good = false;
	}
	return good;
}

#define ALL_FORBIDDEN(list) all_forbidden(list, sizeof(list) / sizeof((list)[0]))

static bool runs_and_returns(void)
{
	uint64_t result = 0;

	CHECK(!try_call_user(do_nothing, 41, &result, NULL));
	CHECK(result == 42);
	return true;
}

static bool privileged_instructions(void)
{
	static const struct forbidden list[] = {
		{"HLT", do_hlt, 0, X86_GP, 0},
		{"CLI", do_cli, 0, X86_GP, 0},
		{"STI", do_sti, 0, X86_GP, 0},
		{"IN", do_in, 0, X86_GP, 0},
		{"OUT", do_out, 0, X86_GP, 0},
		{"OUTS", do_outs, 0, X86_GP, 0},
		{"RDMSR", do_rdmsr, 0, X86_GP, 0},
		{"WRMSR", do_wrmsr, 0, X86_GP, 0},
		{"MOV from CR0", do_read_cr0, 0, X86_GP, 0},
		{"MOV to CR3", do_write_cr3, 0, X86_GP, 0},
		{"MOV from CR8", do_read_cr8, 0, X86_GP, 0},
		{"MOV from DR7", do_read_dr7, 0, X86_GP, 0},
		{"MOV to DR0", do_write_dr0, 0, X86_GP, 0},
		{"LMSW", do_lmsw, 0, X86_GP, 0},
		{"CLTS", do_clts, 0, X86_GP, 0},
		{"LGDT", do_lgdt, 0, X86_GP, 0},
		{"LIDT", do_lidt, 0, X86_GP, 0},
		{"LLDT", do_lldt, 0, X86_GP, 0},
		{"LTR", do_ltr, TSS_SELECTOR, X86_GP, 0},
		{"INVLPG", do_invlpg, 0, X86_GP, 0},
		{"INVD", do_invd, 0, X86_GP, 0},
		{"WBINVD", do_wbinvd, 0, X86_GP, 0},
		{"SWAPGS", do_swapgs, 0, X86_GP, 0},
		{"SYSRET", do_sysret, 0, X86_GP, 0},
		{"RDPMC", do_rdpmc, 0, X86_GP, 0},
	};

	return ALL_FORBIDDEN(list);
}

static const char *without_xsave(void)
{
	return cpu_features.xsave ? NULL : "the CPU has no XSAVE";
}

static bool xsetbv_forbidden(void)
{
	static const struct forbidden list[] = {{"XSETBV", do_xsetbv, 1, X86_GP, 0}};

	return ALL_FORBIDDEN(list);
}

static bool gates_and_segments(void)
{
	static const struct forbidden list[] = {
		{"INT 20h", do_int_20, 0, X86_GP, 0x20 * 8 + SELERR_IDT},
		{"INT 14", do_int_pf, 0, X86_GP, 14 * 8 + SELERR_IDT},
		{"far jump to ring 0", do_far_jump, 0, X86_GP, KERNEL_CS},
		{"MOV to SS of ring 0", do_load_ss, 0, X86_GP, KERNEL_DS},
		{"MOV to DS of a TSS", do_load_ds, 0, X86_GP, TSS_SELECTOR},
	};

	return ALL_FORBIDDEN(list);
}

static bool exceptions(void)
{
	static const struct forbidden list[] = {
		{"divide by zero", do_divide, 1, X86_DE, 0},
		{"UD2", do_ud2, 0, X86_UD, 0},
		{"INT3", do_int3, 0, X86_BP, 0},
		{"trap flag", do_trap_flag, 0, X86_DB, 0},
		{"x87 division", do_x87, 0, X86_MF, 0},
	};
	bool good = ALL_FORBIDDEN(list);

	write_dr6(DR6_FIXED1);
	__asm__ volatile("fninit");
	return good;
}

/* QEMU's TCG never raises #AC; nor, then, does a virtual machine on it. */
static const char *without_alignment_check(void)
{
	return try_call_user(do_misaligned, 0, NULL, NULL) ? NULL
							   : "the CPU does not check alignment";
}

static bool alignment_check(void)
{
	static const struct forbidden list[] = {{"misaligned", do_misaligned, 0, X86_AC, 0}};

	return ALL_FORBIDDEN(list);
}

static bool memory(void)
{
	static const struct forbidden list[] = {
		{"read of the kernel", do_read, KERNEL_PAGE, X86_PF, PFERR_P | PFERR_U},
		{"write to the kernel", do_write, KERNEL_PAGE, X86_PF, PFERR_P | PFERR_W | PFERR_U},
		{"read, not mapped", do_read, NOT_MAPPED, X86_PF, PFERR_U},
		{"write, not mapped", do_write, NOT_MAPPED, X86_PF, PFERR_W | PFERR_U},
		{"read, not canonical", do_read, NON_CANONICAL, X86_GP, 0},
		{"write to its text", do_write_text, 0, X86_PF, PFERR_P | PFERR_W | PFERR_U},
	};

	return ALL_FORBIDDEN(list);
}

static const char *without_nx(void)
{
	return cpu_features.nx ? NULL : "the CPU has no execute-disable";
}

static bool execution(void)
{
	static const struct forbidden list[] = {
		{"jump to the kernel", do_jump, KERNEL_PAGE, X86_PF, PFERR_P | PFERR_U | PFERR_I},
		{"jump, not mapped", do_jump, NOT_MAPPED, X86_PF, PFERR_U | PFERR_I},
		{"run its stack", do_run_stack, 0, X86_PF, PFERR_P | PFERR_U | PFERR_I},
	};

	return ALL_FORBIDDEN(list);
}

static bool time_stamp_disable(void)
{
	static const struct forbidden list[] = {{"RDTSC", do_rdtsc, 0, X86_GP, 0}};
	uint64_t result = 0;

	write_cr4(read_cr4() | CR4_TSD);
	bool good = ALL_FORBIDDEN(list);
	write_cr4(read_cr4() & ~CR4_TSD);
	CHECK(good);
	CHECK(!try_call_user(do_rdtsc, 0, &result, NULL) && result == 1);
	return true;
}

static const char *without_umip(void)
{
	return cpu_features.umip ? NULL : "the CPU has no UMIP";
}

static bool user_mode_instruction_prevention(void)
{
	static const struct forbidden list[] = {
		{"SGDT", do_sgdt, 0, X86_GP, 0}, {"SIDT", do_sidt, 0, X86_GP, 0},
		{"SLDT", do_sldt, 0, X86_GP, 0}, {"STR", do_str, 0, X86_GP, 0},
		{"SMSW", do_smsw, 0, X86_GP, 0},
	};

	CHECK(ALL_FORBIDDEN(list));
	write_cr4(read_cr4() & ~CR4_UMIP);
	bool faulted = false;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		faulted |= try_call_user(list[i].fn, 0, NULL, NULL);
	write_cr4(read_cr4() | CR4_UMIP);
	CHECK(!faulted);
	return true;
}

const struct test tests_ring3[] = {
	{"ring-3-and-back", runs_and_returns, NULL},
	{"ring-3-privileged-instructions", privileged_instructions, NULL},
	{"ring-3-xsetbv", xsetbv_forbidden, without_xsave},
	{"ring-3-gates-and-segments", gates_and_segments, NULL},
	{"ring-3-exceptions", exceptions, NULL},
	{"ring-3-alignment-check", alignment_check, without_alignment_check},
	{"ring-3-memory", memory, NULL},
	{"ring-3-execution", execution, without_nx},
	{"ring-3-time-stamp-disable", time_stamp_disable, NULL},
	{"ring-3-umip", user_mode_instruction_prevention, without_umip},
	{NULL, NULL, NULL},
};
