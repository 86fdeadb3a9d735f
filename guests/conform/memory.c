/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that isn't RAM: instructions of many forms on the test device, which counts how often it was reached;
 * I/O APIC, display memory, ROM, and addresses where nobody is.
 */
#include "guests/conform/conform.h"

#include "guests/attack/machine.h"
#include "lib/x86/apic.h"

#define DEVICE	      0xfed80000u
#define DEVICE_COUNT  0x20u
#define DEVICE_WORDS  4u
#define HOLE	      0xd0000000u
#define HPET	      0xfed00000u
#define ROM	      0xf0000u
#define STATUS_FLAGS  (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)
#define LOGIC_FLAGS   (STATUS_FLAGS & ~RFLAGS_AF)
#define NO_AF_OF      (STATUS_FLAGS & ~(RFLAGS_AF | RFLAGS_OF))

/** What an instruction gets and leaves. RDI is the device's address, RSI that of a page of RAM. */
struct regs {
	uint64_t rax, rcx, rdx, rsi, rdi, flags;
};

static struct regs regs;
static uint8_t ram[64] __attribute__((aligned(64)));

/* Not here: SGDT, LGDT, FXSAVE and far loads, at which KVM's emulator goes round in circles for ever. */
struct form {
	const char *name;
	void (*run)(uint64_t arg);
	uint64_t flags; /**< those that the manual defines */
};

#define FORM(function, text)                                                                       \
	static void function(uint64_t arg)                                                         \
	{                                                                                          \
		(void)arg;                                                                         \
		__asm__ volatile("pushq %[flags]; popfq\n\t" text "\n\tpushfq; popq %[flags]; cld"   \
				 : "+a"(regs.rax), "+c"(regs.rcx), "+d"(regs.rdx),                 \
				   "+S"(regs.rsi), "+D"(regs.rdi), [flags] "+m"(regs.flags)        \
				 :                                                                 \
				 : "rbx", "r8", "r9", "memory", "cc");                             \
	}

FORM(mov_load8, "movb (%%rdi), %%ah")
FORM(mov_load16, "movw 2(%%rdi), %%ax")
FORM(mov_load32, "movl 4(%%rdi), %%eax")
FORM(mov_load64, "movq 8(%%rdi), %%rax")
FORM(mov_store8, "movb %%ah, 1(%%rdi)")
FORM(mov_store16, "movw %%ax, (%%rdi)")
FORM(mov_store32, "movl %%eax, 4(%%rdi)")
FORM(mov_store64, "movq %%rax, 16(%%rdi)")
FORM(mov_imm8, "movb $0x7f, (%%rdi)")
FORM(mov_imm16, "movw $0x7f7e, (%%rdi)")
FORM(mov_imm32, "movl $0x7f7e7d7c, (%%rdi)")
FORM(mov_imm64, "movq $-2, (%%rdi)")
FORM(mov_indexed, "mov $3, %%ebx; movl 2(%%rdi,%%rbx,4), %%eax")
FORM(mov_addr32, "movl 4(%%edi), %%eax")
FORM(mov_moffs, "movabs 0xfed80004, %%eax; movabs %%eax, 0xfed80010")
FORM(mov_misaligned, "movl 3(%%rdi), %%eax; movq %%rax, 5(%%rdi); movw %%ax, 7(%%rdi)")
FORM(mov_nti, "movnti %%rax, 8(%%rdi)")
FORM(movbe, "movbe 8(%%rdi), %%rax; movbe %%ax, (%%rdi)")
FORM(movzx, "movzbl (%%rdi), %%eax; movzwq 2(%%rdi), %%rcx; movzbw 1(%%rdi), %%dx")
FORM(movsx, "movsbq 7(%%rdi), %%rax; movslq 4(%%rdi), %%rcx; movswl 14(%%rdi), %%edx")
FORM(and_to, "andl %%eax, (%%rdi)")
FORM(and_from, "andq (%%rdi), %%rax")
FORM(and_imm, "andb $0x0f, 3(%%rdi)")
FORM(or_to, "lock orq %%rax, 8(%%rdi)")
FORM(or_imm, "orw $0x1234, (%%rdi)")
FORM(xor_to, "xorb %%al, (%%rdi)")
FORM(xor_from, "xorl 4(%%rdi), %%eax")
FORM(add_to, "addl %%eax, (%%rdi)")
FORM(adc_to, "stc; adcw %%ax, (%%rdi)")
FORM(sub_from, "subq (%%rdi), %%rax")
FORM(sbb_to, "stc; sbbl %%eax, 4(%%rdi)")
FORM(cmp_from, "cmpl (%%rdi), %%eax")
FORM(cmp_to, "cmpb %%al, (%%rdi)")
FORM(cmp_imm, "cmpq $-1, 8(%%rdi)")
FORM(test_reg, "testl %%eax, (%%rdi)")
FORM(test_imm, "testb $0x80, 7(%%rdi)")
FORM(inc_dec, "incl (%%rdi); decb 8(%%rdi)")
FORM(not_neg, "notl (%%rdi); negq 8(%%rdi)")
FORM(shifts, "shll $3, (%%rdi); sarw $1, 8(%%rdi)")
FORM(rotates, "stc; rorl $9, (%%rdi); rclb $1, 8(%%rdi)")
FORM(shld, "shldl $4, %%eax, (%%rdi)")
FORM(mul, "mull (%%rdi)")
FORM(imul, "imulq 8(%%rdi), %%rax")
FORM(div, "xor %%edx, %%edx; divl 4(%%rdi)")
FORM(xchg, "xchgl %%eax, (%%rdi)")
FORM(xadd, "lock xaddq %%rax, (%%rdi)")
FORM(cmpxchg_ne, "lock cmpxchgl %%ecx, (%%rdi)")
FORM(cmpxchg_eq, "movl (%%rsi), %%eax; lock cmpxchgl %%ecx, (%%rdi)")
FORM(cmpxchg8b, "mov $5, %%ebx; lock cmpxchg8b (%%rdi)")
FORM(bt_reg, "mov $37, %%ecx; btl %%ecx, (%%rdi)")
FORM(bt_imm, "btl $4, (%%rdi)")
FORM(bts, "lock btsl $1, (%%rdi)")
FORM(btr_btc, "btrq $60, (%%rdi); btcw $2, 8(%%rdi)")
FORM(bsf, "bsfl 4(%%rdi), %%eax")
FORM(setcc, "stc; setc (%%rdi); setnc 1(%%rdi)")
FORM(cmov, "stc; cmovcl (%%rdi), %%eax; cmovncl 4(%%rdi), %%ecx")
FORM(push_pop, "pushq (%%rdi); popq 8(%%rdi)")
FORM(push16, "pushw 2(%%rdi); popw 12(%%rdi)")
FORM(movs_from, "xchg %%rsi, %%rdi; movsl")
FORM(movs_to, "movsq")
FORM(rep_movs_to, "mov $3, %%ecx; rep movsl")
FORM(rep_movs_from, "xchg %%rsi, %%rdi; mov $5, %%ecx; rep movsb")
FORM(rep_movs_both, "mov %%rdi, %%rsi; add $16, %%rdi; mov $4, %%ecx; rep movsw")
FORM(rep_movs_down, "add $12, %%rdi; add $12, %%rsi; std; mov $3, %%ecx; rep movsl")
FORM(rep_stos, "mov $5, %%ecx; rep stosb")
FORM(rep_stosq, "mov $2, %%ecx; rep stosq")
FORM(rep_none, "xor %%ecx, %%ecx; rep stosb")
FORM(lods, "mov %%rdi, %%rsi; lodsl")
FORM(rep_scas, "mov $8, %%ecx; mov $0x33, %%al; repne scasb")
FORM(rep_cmps, "mov $8, %%ecx; repe cmpsb")
FORM(sse_load, "movdqu (%%rdi), %%xmm1; movq %%xmm1, %%rax; psrldq $8, %%xmm1; movq %%xmm1, %%rcx")
FORM(sse_store, "movq %%rax, %%xmm2; pslldq $4, %%xmm2; movups %%xmm2, (%%rdi)")
FORM(sse_scalar, "movd (%%rdi), %%xmm3; movq %%xmm3, 8(%%rdi)")
FORM(sse_aligned, "movaps (%%rdi), %%xmm4; movdqa %%xmm4, 16(%%rdi)")
FORM(sse_misaligned, "movaps 8(%%rdi), %%xmm4")
FORM(sse_nt, "movdqu (%%rsi), %%xmm5; movntdq %%xmm5, (%%rdi)")
FORM(ret_imm_call, "call *(%%rdi)")
FORM(fetch, "call *%%rdi")
FORM(lea_nop, "lea 4(%%rdi), %%rax; nopl (%%rdi); prefetcht0 (%%rdi)")
FORM(clflush, "clflush (%%rdi)")
FORM(fpu_load, "fildl (%%rdi); fistpl 8(%%rdi)")
FORM(mov_seg, "mov %%ds, (%%rdi); mov (%%rdi), %%es; mov %%ss, %%eax; mov %%eax, %%es")
FORM(enter_leave, "crc32l (%%rdi), %%eax; popcntl 4(%%rdi), %%ecx")

#define F(name, flags) {#name, name, flags}

static const struct form forms[] = {
	F(mov_load8, 0), F(mov_load16, 0), F(mov_load32, 0), F(mov_load64, 0), F(mov_store8, 0), F(mov_store16, 0),
	F(mov_store32, 0), F(mov_store64, 0), F(mov_imm8, 0), F(mov_imm16, 0), F(mov_imm32, 0), F(mov_imm64, 0),
	F(mov_indexed, 0), F(mov_addr32, 0), F(mov_moffs, 0), F(mov_misaligned, 0), F(mov_nti, 0), F(movbe, 0),
	F(movzx, 0), F(movsx, 0), F(and_to, LOGIC_FLAGS), F(and_from, LOGIC_FLAGS), F(and_imm, LOGIC_FLAGS),
	F(or_to, LOGIC_FLAGS), F(or_imm, LOGIC_FLAGS), F(xor_to, LOGIC_FLAGS), F(xor_from, LOGIC_FLAGS),
	F(add_to, STATUS_FLAGS), F(adc_to, STATUS_FLAGS), F(sub_from, STATUS_FLAGS), F(sbb_to, STATUS_FLAGS),
	F(cmp_from, STATUS_FLAGS), F(cmp_to, STATUS_FLAGS), F(cmp_imm, STATUS_FLAGS), F(test_reg, LOGIC_FLAGS),
	F(test_imm, LOGIC_FLAGS), F(inc_dec, STATUS_FLAGS), F(not_neg, STATUS_FLAGS), F(shifts, LOGIC_FLAGS),
	F(rotates, RFLAGS_CF), F(shld, NO_AF_OF), F(mul, RFLAGS_CF | RFLAGS_OF), F(imul, RFLAGS_CF | RFLAGS_OF),
	F(div, 0), F(xchg, 0), F(xadd, STATUS_FLAGS), F(cmpxchg_ne, STATUS_FLAGS), F(cmpxchg_eq, STATUS_FLAGS),
	F(cmpxchg8b, RFLAGS_ZF), F(bt_reg, RFLAGS_CF), F(bt_imm, RFLAGS_CF), F(bts, RFLAGS_CF), F(btr_btc, RFLAGS_CF),
	F(bsf, RFLAGS_ZF), F(setcc, 0), F(cmov, 0), F(push_pop, 0), F(push16, 0), F(movs_from, 0), F(movs_to, 0),
	F(rep_movs_to, 0), F(rep_movs_from, 0), F(rep_movs_both, 0), F(rep_movs_down, 0), F(rep_stos, 0),
	F(rep_stosq, 0), F(rep_none, 0), F(lods, 0), F(rep_scas, STATUS_FLAGS), F(rep_cmps, STATUS_FLAGS),
	F(sse_load, 0), F(sse_store, 0), F(sse_scalar, 0), F(sse_aligned, 0), F(sse_misaligned, 0), F(sse_nt, 0),
	F(ret_imm_call, 0), F(fetch, 0), F(lea_nop, 0), F(clflush, 0),
	 F(fpu_load, 0), F(mov_seg, 0), F(enter_leave, 0),
};

static volatile uint64_t *device(unsigned word)
{
	return (volatile uint64_t *)(uintptr_t)(DEVICE + 8 * word);
}

static void prepare(void)
{
	for (unsigned i = 0; i < sizeof(ram); i++)
		ram[i] = (uint8_t)(0x11 * (i & 7) + i);
	for (unsigned i = 0; i < DEVICE_WORDS; i++)
		*device(i) = X86_U64(0x8877665544332211) + i * X86_U64(0x0101010101010101);
	*device(DEVICE_COUNT / 8) = 0;
	regs = (struct regs){.rax = X86_U64(0xa1a2a3a4a5a6a7a8),
			     .rcx = X86_U64(0xc1c2c3c4c5c6c7c8),
			     .rdx = X86_U64(0xd1d2d3d4d5d6d7d8),
			     .rsi = (uintptr_t)ram,
			     .rdi = DEVICE,
			     .flags = RFLAGS_FIXED1};
}

static uint64_t ram_sum(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < sizeof(ram); i++)
		sum = (sum << 1 | sum >> 63) ^ ram[i];
	return sum;
}

/** Where an exception came, the registers are still those before it. */
static void form_do(const struct form *form)
{
	prepare();
	step("memory.%s", form->name);
	const bool done = value_try(form->run, 0);
	const uint64_t count = *device(DEVICE_COUNT / 8);

	if (done)
		value("%lx %lx %lx %lx %lx %lx", regs.rax, regs.rcx, regs.rdx, regs.rsi - (uintptr_t)ram,
		      regs.rdi - DEVICE, regs.flags & form->flags);
	value("%lu: %lx %lx %lx %lx %lx", count, *device(0), *device(1), *device(2), *device(3), ram_sum());
	step_end();
	machine_restore();
}

/* --------------------------------------------------------------------------------- other devices */

static void ioapic_do(void)
{
	volatile uint32_t *const select = (volatile uint32_t *)(uintptr_t)IOAPIC_DEFAULT_BASE;
	volatile uint32_t *const window = (volatile uint32_t *)(uintptr_t)(IOAPIC_DEFAULT_BASE + 0x10);

	for (unsigned reg = 0; reg < 0x44; reg++) {
		step("ioapic.%x", reg);
		*select = reg;
		value("%x %x", *select, *window);
		const uint32_t before = *window;

		*window = 0xffffffff; /* masked, as a redirection entry */
		value("%x", *window);
		*window = before;
		value("%x", *window);
		step_end();
	}
	step("ioapic.widths");
	*(volatile uint8_t *)select = 1;
	value("%x %x %lx", *(volatile uint8_t *)window, *(volatile uint16_t *)window,
	      *(volatile uint64_t *)(uintptr_t)window);
	value("%x %x", window[1], *(volatile uint32_t *)(uintptr_t)(IOAPIC_DEFAULT_BASE + 0x40));
	*(volatile uint8_t *)window = 0;
	*(volatile uint32_t *)(uintptr_t)(IOAPIC_DEFAULT_BASE + 0x40) = 0x20;
	value("%x", *window);
	step_end();
}

static const struct {
	const char *name;
	uint64_t where;
} places[] = {
	{"hole", HOLE},	     {"hpet", HPET},	     {"below-device", DEVICE - 8}, {"behind-device", DEVICE + 0x28},
	{"rom", ROM + 0x80}, {"ioapic-end", IOAPIC_DEFAULT_BASE + 0x1000},	   {"flash", 0xfffffff0},
	{"no-dma", 0xfed40000}, {"vga-graphics", 0xa0000},	 {"video-rom", 0xc0000},
};

/** Reads and writes of all widths, where nobody is or nobody writes. */
static void place_do(unsigned i)
{
	const uint64_t at = places[i].where;

	step("memory.at.%s", places[i].name);
	value("%x %x %x %lx", *(volatile uint8_t *)at, *(volatile uint16_t *)at, *(volatile uint32_t *)at,
	      *(volatile uint64_t *)at);
	*(volatile uint8_t *)at = 0x12;
	*(volatile uint16_t *)at = 0x3456;
	*(volatile uint32_t *)at = 0x789abcde;
	*(volatile uint64_t *)at = 0;
	value("%lx", *(volatile uint64_t *)at);
	step_end();
}

static void cross(uint64_t at)
{
	(void)*(volatile uint64_t *)at;
	*(volatile uint32_t *)(at + 2) = 0x55aa55aa;
}

/** Accesses across pages: of a device and RAM, and where the second isn't mapped. */
static void across(void)
{
	const uint64_t window = (uint64_t)(uintptr_t)machine_window(DEVICE, SIZE_4K, PTE_RW | PTE_XD);
	const uint64_t end = window + SIZE_4K - 4;

	step("memory.across.fault");
	value_try(cross, end);
	step_end();
	const uint64_t page = page_alloc();

	paging_map(paging_kernel_root(), window + SIZE_4K, page, SIZE_4K, PTE_RW | PTE_XD);
	step("memory.across.ram");
	if (value_try(cross, end))
		value("%lx", *(volatile uint64_t *)(uintptr_t)page);
	step_end();
	paging_unmap(paging_kernel_root(), window + SIZE_4K);
	page_free(page);
}

static void read_only(uint64_t at)
{
	*(volatile uint32_t *)at = 1;
}

void conform_memory(void)
{
	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		form_do(&forms[i]);
	ioapic_do();
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		place_do(i);
	across();
	step("memory.read-only");
	value_try(read_only, (uint64_t)(uintptr_t)machine_window(DEVICE, SIZE_4K, PTE_XD));
	value("%lx", *device(0));
	step_end();
	machine_restore();
}
