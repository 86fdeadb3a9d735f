/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device memory by instructions that drivers don't use. Reads there give ones, writes are lost; an
 * instruction that is not emulated is an invalid opcode. Never does it do half of its work.
 */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"
#include "guests/attack/modes.h"

#include "lib/string.h"
#include "lib/x86/apic.h"

#define HOLE	  X86_U64(0xd0000000)
#define APIC_PAGE X86_U64(0xfee00000)
#define EMULATED  (OUT_DONE | OUT_UD)

static uint8_t area[1024] __attribute__((aligned(64)));

/* RDI is the device's address. */
ACT_ASM(xchg, "mov $0x55, %%eax; xchg %%eax, (%%rdi)")
ACT_ASM(lock_xadd, "mov $1, %%eax; lock xadd %%rax, 8(%%rdi)")
ACT_ASM(lock_inc, "lock incl (%%rdi)")
ACT_ASM(lock_or, "lock orb $1, 3(%%rdi)")
ACT_ASM(lock_bts, "lock btsl $5, (%%rdi)")
ACT_ASM(bts_far, "mov $0x7ff8, %%eax; btsq %%rax, (%%rdi)")
ACT_ASM(bts_negative, "mov $-64, %%rax; btsq %%rax, 64(%%rdi)")
ACT_ASM(cmpxchg, "xor %%eax, %%eax; cmpxchg %%ecx, (%%rdi)")
ACT_ASM(cmpxchg8b, "xor %%eax, %%eax; xor %%edx, %%edx; cmpxchg8b (%%rdi)")
ACT_ASM(cmpxchg16b, "xor %%eax, %%eax; xor %%edx, %%edx; lock cmpxchg16b (%%rdi)")
ACT_ASM(push_mem, "push (%%rdi); pop %%rax")
ACT_ASM(pop_mem, "push %%rdi; pop (%%rdi)")
ACT_ASM(add_mem, "add (%%rdi), %%rax; add %%rax, (%%rdi)")
ACT_ASM(adc_mem, "stc; adcb $0xff, (%%rdi)")
ACT_ASM(neg_mem, "negq (%%rdi)")
ACT_ASM(shl_mem, "shlw $3, 2(%%rdi)")
ACT_ASM(shld_mem, "shldq $3, %%rax, (%%rdi)")
ACT_ASM(mul_mem, "mulq (%%rdi)")
ACT_ASM(div_mem, "mov $10, %%eax; xor %%edx, %%edx; divl (%%rdi)")
ACT_ASM(imul_mem, "imul $3, (%%rdi), %%rax")
ACT_ASM(movsx, "movsbq (%%rdi), %%rax; movslq (%%rdi), %%rcx; movzwl (%%rdi), %%edx")
ACT_ASM(movbe, ".byte 0x0f, 0x38, 0xf0, 0x07") /* movbe (%rdi),%eax */
ACT_ASM(cmov, "cmp %%eax, %%eax; cmove (%%rdi), %%eax; cmovne (%%rdi), %%ecx")
ACT_ASM(setcc, "setc (%%rdi)")
ACT_ASM(movs_from, "mov %%rdi, %%rsi; lea movs_area(%%rip), %%rdi; mov $9, %%ecx; rep movsq")
ACT_ASM(movs_within, "lea 256(%%rdi), %%rsi; mov $17, %%ecx; rep movsb")
ACT_ASM(stos, "mov $100, %%ecx; rep stosl")
ACT_ASM(lods, "mov %%rdi, %%rsi; mov $70, %%ecx; rep lodsb")
ACT_ASM(cmps, "lea 64(%%rdi), %%rsi; mov $20, %%ecx; repe cmpsb")
ACT_ASM(scas, "xor %%eax, %%eax; mov $40, %%ecx; repne scasb")
ACT_ASM(call_mem, "call *(%%rdi)")
ACT_ASM(jmp_mem, "jmp *(%%rdi)")
ACT_ASM(call_far, ".byte 0x48, 0xff, 0x1f") /* lcallq *(%rdi) */
ACT_ASM(fxsave_mem, "fxsave (%%rdi)")
ACT_ASM(fxrstor_mem, "fxrstor (%%rdi)")
ACT_ASM(xsave_mem, "mov $7, %%eax; xor %%edx, %%edx; xsave (%%rdi)")
ACT_ASM(fld_mem, "fninit; fldt (%%rdi); fstpt (%%rdi)")
ACT_ASM(fild_mem, "fninit; fildll (%%rdi); fistpll (%%rdi); fnstenv (%%rdi)")
ACT_ASM(movups_mem, "movups (%%rdi), %%xmm1; movups %%xmm1, 16(%%rdi)")
ACT_ASM(addps_mem, "addps (%%rdi), %%xmm1")
ACT_ASM(movnti_mem, "movnti %%rax, (%%rdi); movntdq %%xmm1, (%%rdi)")
ACT_ASM(maskmov_mem, "pcmpeqb %%xmm2, %%xmm2; maskmovdqu %%xmm2, %%xmm1")
ACT_ASM(vmovdqu_mem, ".byte 0xc5, 0xfe, 0x6f, 0x07") /* vmovdqu (%rdi),%ymm0 */
ACT_ASM(lgdt_mem, "lgdt (%%rdi)")
ACT_ASM(sgdt_mem, "sgdt (%%rdi); sidt (%%rdi)")
ACT_ASM(ltr_mem, "ltrw (%%rdi)")
ACT_ASM(invlpg_mem, "invlpg (%%rdi); clflush (%%rdi); prefetcht0 (%%rdi)")
ACT_ASM(lss_mem, ".byte 0x48, 0x0f, 0xb2, 0x27") /* lss (%rdi),%rsp */
/* The outer frames, too: ENTER copies where they are. */
ACT_ASM(enter_leave, "mov %%rsp, %%rax; mov %%rbp, %%rcx; lea 0x100(%%rdi), %%rsp; "
		     "lea 0x180(%%rdi), %%rbp; enter $16, $3; leave; mov %%rcx, %%rbp; "
		     "mov %%rax, %%rsp")
ACT_ASM(stack_there, "mov %%rsp, %%rax; lea 0x800(%%rdi), %%rsp; push %%rdi; pushfq; pop %%rcx; "
		     "pop %%rdx; mov %%rax, %%rsp")
ACT_ASM(ret_there, "lea 0x800(%%rdi), %%rsp; ret")
ACT_ASM(iret_there, "lea 0x800(%%rdi), %%rsp; iretq")

__asm__(".bss; .balign 64; movs_area: .skip 512; .text");

/** Across the end of the page, in both directions and with all sizes: half RAM, half nothing. */
static void across(uint64_t arg)
{
	uint8_t *const page = (uint8_t *)(machine.ram_end - SIZE_4K);

	(void)arg;
	memset(page, 0x11, SIZE_4K);
	for (unsigned before = 1; before < 8; before++) {
		volatile uint64_t *const p = (volatile uint64_t *)(machine.ram_end - before);
		const uint64_t mask = (X86_U64(1) << 8 * before) - 1;

		ACT_CHECK(*p == (~mask | (X86_U64(0x1111111111111111) & mask)));
		*p = X86_U64(0x2222222222222222);
		ACT_CHECK((*p & mask) == (X86_U64(0x2222222222222222) & mask));
		__asm__ volatile("lock xadd %0, %1" : "+r"((uint64_t){0x11}), "+m"(*p));
		memset(page, 0x11, SIZE_4K);
	}
}

/** Results, where an instruction is emulated: what memory of ones gives. */
static void values(uint64_t device)
{
	uint64_t a = 5, flags, b = 0;

	__asm__ volatile("add (%2), %0; pushfq; pop %1" : "+r"(a), "=r"(flags) : "r"(device));
	ACT_CHECK(a == 4 && (flags & RFLAGS_CF) != 0);
	__asm__ volatile("movzwl (%1), %k0" : "=r"(b) : "r"(device));
	ACT_CHECK(b == 0xffff);
	__asm__ volatile("movsbl (%1), %k0" : "=r"(b) : "r"(device));
	ACT_CHECK(b == 0xffffffff);
	__asm__ volatile("cmpq $-1, (%1); sete %b0" : "+r"(b) : "r"(device) : "cc");
	ACT_CHECK((b & 0xff) == 1);
	a = 0x77;
	__asm__ volatile("xchg %0, (%1)" : "+r"(a) : "r"(device) : "memory");
	ACT_CHECK(a == UINT64_MAX);
	__asm__ volatile("testb $1, (%1); setne %b0" : "+r"(b) : "r"(device) : "cc");
	ACT_CHECK((b & 0xff) == 1);
}

static void strings(uint64_t device)
{
	uint64_t from = device, to = (uintptr_t)area, count = 16;

	memset(area, 0, sizeof(area));
	__asm__ volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
	ACT_CHECK(count == 0 && from == device + 64 && to == (uintptr_t)area + 64);
	ACT_CHECK(area[63] == 0xff && area[64] == 0);
	from = (uintptr_t)area + 60;
	to = device + 60;
	count = 16;
	__asm__ volatile("std; rep movsl; cld" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
	ACT_CHECK(count == 0 && from == (uintptr_t)area - 4 && to == device - 4);
	count = 0;
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0) : "memory");
	ACT_CHECK(count == 0 && to == device - 4);
}

static uint64_t left;

/** Three items go, the fourth faults. */
static void string_until_fault(uint64_t device)
{
	const uint64_t la = (uintptr_t)machine_window(HOLE, SIZE_4K, PTE_RW);
	uint64_t from = device, to = la + SIZE_4K - 24;

	__asm__ volatile("mov $100, %%ecx; rep movsq" : "+S"(from), "+D"(to) : : "rcx", "memory");
}

static bool note_count(struct trap_frame *frame, void *ctx)
{
	*(uint64_t *)ctx = frame->rcx;
	return false;
}

static void string_fault(uint64_t device)
{
	trap_register(X86_PF, note_count, &left);
	const uint64_t outcome = act_try(string_until_fault, device);

	trap_register(X86_PF, NULL, NULL);
	ACT_CHECK(outcome == OUT_PF);
	ACT_CHECK(left == 97);
}

static void xapic_mode(void)
{
	const uint64_t base = rdmsr(IA32_APIC_BASE) & ~(APIC_BASE_EXTD | APIC_BASE_EN);

	wrmsr(IA32_APIC_BASE, base);
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EN);
}

/** Each word of the local APIC's page read and written by moves of all sizes. */
static void apic_sizes(uint64_t arg)
{
	(void)arg;
	xapic_mode();
	for (uint64_t offset = 0; offset < 0x1000; offset += 4) {
		const uint64_t p = APIC_PAGE + offset;

		*(volatile uint8_t *)(p + 1);
		*(volatile uint16_t *)(p + 2);
		*(volatile uint64_t *)p;
		*(volatile uint8_t *)(p + 3) = 0xff;
		*(volatile uint16_t *)(p + 1) = 0xffff;
		if (offset != APIC_ICR_LOW)
			*(volatile uint32_t *)p = 0;
	}
}

/** Read, change, write of its registers: emulated on the register, or an invalid opcode. */
static void apic_modify(uint64_t arg)
{
	(void)arg;
	xapic_mode();
	volatile uint32_t *const tpr = (volatile uint32_t *)(APIC_PAGE + APIC_TPR);

	*tpr = 0;
	__asm__ volatile("lock orl $0x20, %0" : "+m"(*tpr));
	__asm__ volatile("incl %0" : "+m"(*tpr));
	__asm__ volatile("movups %0, %%xmm0" : : "m"(*tpr));
}

static void run_apic(uint64_t arg)
{
	(void)arg;
	xapic_mode();
	const uint64_t la = (uintptr_t)machine_window(APIC_PAGE, SIZE_4K, 0);

	((void (*)(void))la)();
}

/** An instruction whose second half would come from the device. */
static void code_across(uint64_t arg)
{
	const uint64_t last = machine.ram_end - SIZE_4K;
	uint8_t *const page = (uint8_t *)last;
	const uint64_t la = (uintptr_t)machine_window(last, SIZE_4K, PTE_RW);

	(void)arg;
	paging_map(paging_kernel_root(), la + SIZE_4K, machine.ram_end, SIZE_4K, 0);
	memcpy(page + SIZE_4K - 2, (const uint8_t[]){0x48, 0xb8}, 2); /* MOV RAX, imm64 */
	const uint64_t outcome = act_try((void (*)(uint64_t))(la + SIZE_4K - 2), 0);

	paging_unmap(paging_kernel_root(), la + SIZE_4K);
	ACT_CHECK(outcome == OUT_UD || outcome == OUT_PF || outcome == OUT_GP);
}

/** Device accesses from every mode: reads give ones. */
static void from_mode(uint64_t mode)
{
	/* MOV EAX, [D0000000h]; MOV [EBX], EAX */
	static const uint8_t code32[] = {0xa1, 0, 0, 0, 0xd0, 0x89, 0x03};
	struct mode_job job;

	mode_prepare(&job, (enum mode)mode, mode_code(code32, sizeof(code32)));
	job.gpr[RBX] = HOLE + 16;
	mode_run(&job);
	ACT_CHECK(job.vector == MODE_DONE);
	ACT_CHECK((uint32_t)job.gpr[RAX] == UINT32_MAX);
}

#define INSN(name, what, fn) {name, what, fn, HOLE, EMULATED, unless_hypike, NULL}
#define FAULTS(name, what, fn, outcome) {name, what, fn, HOLE, outcome, unless_hypike, NULL}

const struct act acts_mmio[] = {
	INSN("mmio-xchg", "XCHG", xchg),
	INSN("mmio-lock-xadd", "LOCK XADD", lock_xadd),
	INSN("mmio-lock-inc", "LOCK INC", lock_inc),
	INSN("mmio-lock-or", "LOCK OR", lock_or),
	INSN("mmio-lock-bts", "LOCK BTS", lock_bts),
	INSN("mmio-bts-far", "BTS with a far offset", bts_far),
	INSN("mmio-bts-negative", "BTS with a negative offset", bts_negative),
	INSN("mmio-cmpxchg", "CMPXCHG", cmpxchg),
	INSN("mmio-cmpxchg8b", "CMPXCHG8B", cmpxchg8b),
	INSN("mmio-cmpxchg16b", "LOCK CMPXCHG16B", cmpxchg16b),
	INSN("mmio-push", "PUSH from a device", push_mem),
	INSN("mmio-pop", "POP to a device", pop_mem),
	INSN("mmio-add", "ADD", add_mem),
	INSN("mmio-adc", "ADC", adc_mem),
	INSN("mmio-neg", "NEG", neg_mem),
	INSN("mmio-shl", "SHL", shl_mem),
	INSN("mmio-shld", "SHLD", shld_mem),
	INSN("mmio-mul", "MUL", mul_mem),
	INSN("mmio-div", "DIV", div_mem),
	INSN("mmio-imul", "IMUL", imul_mem),
	INSN("mmio-movsx", "MOVSX, MOVZX", movsx),
	INSN("mmio-movbe", "MOVBE", movbe),
	INSN("mmio-cmov", "CMOVcc", cmov),
	INSN("mmio-setcc", "SETcc", setcc),
	INSN("mmio-movs-from", "REP MOVSQ from a device", movs_from),
	INSN("mmio-movs-within", "REP MOVSB from device to device", movs_within),
	INSN("mmio-stos", "REP STOSL", stos),
	INSN("mmio-lods", "REP LODSB", lods),
	INSN("mmio-cmps", "REPE CMPSB of a device with itself", cmps),
	INSN("mmio-scas", "REPNE SCASB", scas),
	INSN("mmio-fxsave", "FXSAVE", fxsave_mem),
	FAULTS("mmio-fxrstor", "FXRSTOR", fxrstor_mem, EMULATED | OUT_GP),
	INSN("mmio-xsave", "XSAVE", xsave_mem),
	INSN("mmio-fld", "FLD, FSTP of 80 bits", fld_mem),
	INSN("mmio-fild", "FILD, FISTP, FNSTENV", fild_mem),
	INSN("mmio-movups", "MOVUPS", movups_mem),
	INSN("mmio-addps", "ADDPS", addps_mem),
	INSN("mmio-movnti", "MOVNTI, MOVNTDQ", movnti_mem),
	INSN("mmio-maskmov", "MASKMOVDQU", maskmov_mem),
	INSN("mmio-vmovdqu", "VMOVDQU of 32 bytes", vmovdqu_mem),
	INSN("mmio-sgdt", "SGDT, SIDT", sgdt_mem),
	INSN("mmio-invlpg", "INVLPG, CLFLUSH, PREFETCH", invlpg_mem),
	FAULTS("mmio-enter", "ENTER, LEAVE with the stack there", enter_leave, EMULATED | OUT_DF),
	FAULTS("mmio-stack", "PUSH, POP with the stack there", stack_there, EMULATED | OUT_DF),
	FAULTS("mmio-call", "CALL through a device", call_mem, OUT_UD | OUT_PF | OUT_GP),
	FAULTS("mmio-jmp", "JMP through a device", jmp_mem, OUT_UD | OUT_PF | OUT_GP),
	FAULTS("mmio-call-far", "far CALL through a device", call_far, OUT_UD | OUT_GP),
	FAULTS("mmio-lgdt", "LGDT from a device", lgdt_mem, OUT_UD | OUT_GP),
	FAULTS("mmio-ltr", "LTR from a device", ltr_mem, OUT_UD | OUT_GP),
	FAULTS("mmio-lss", "LSS from a device", lss_mem, OUT_UD | OUT_GP),
	FAULTS("mmio-ret", "RET with the stack there", ret_there, OUT_UD | OUT_GP | OUT_PF | OUT_DF),
	FAULTS("mmio-iret", "IRET with the stack there", iret_there, OUT_UD | OUT_GP | OUT_SS | OUT_DF),
	{"mmio-across", "accesses half in RAM, half in nothing", across, 0, EMULATED, unless_hypike, NULL},
	{"mmio-values", "results of instructions on a device", values, HOLE, OUT_DONE, unless_hypike,
	 NULL},
	{"mmio-strings", "string instructions between RAM and a device", strings, HOLE, OUT_DONE,
	 unless_hypike, NULL},
	{"mmio-string-fault", "a string instruction that leaves what is mapped", string_fault, HOLE,
	 OUT_DONE, unless_hypike,
	 NULL},
	{"apic-sizes", "the local APIC's page by moves of all sizes", apic_sizes, 0, OUT_DONE,
	 unless_hypike, NULL},
	{"apic-modify", "the local APIC's registers by OR, INC, MOVUPS", apic_modify, 0, EMULATED,
	 unless_hypike, NULL},
	{"apic-run", "execution in the local APIC's page", run_apic, 0, OUT_UD, unless_hypike, NULL},
	{"code-across", "an instruction half in RAM, half in nothing", code_across, 0, OUT_DONE,
	 unless_hypike, NULL},
	{"mmio-prot32", "a device from protected mode", from_mode, MODE_PROT32, OUT_DONE, unless_hypike,
	 NULL},
	{"mmio-paged32", "a device with 32-bit paging", from_mode, MODE_PAGED32, OUT_DONE, unless_hypike,
	 NULL},
	{"mmio-pae", "a device with PAE", from_mode, MODE_PAE32, OUT_DONE, unless_hypike,
	 NULL},
	{"mmio-pae-user", "a device with PAE, ring 3", from_mode, MODE_PAE32_USER, OUT_DONE, unless_hypike,
	 NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL},
};
