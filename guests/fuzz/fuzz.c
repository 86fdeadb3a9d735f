/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz.c
 * A guest that executes random instructions in random states, in ring 0 and in ring 3. Each case comes
 * from its number and the seed alone, so any of them can be played again:
 *
 *     seed=N     the series (1)
 *     count=N    cases (1000)
 *     only=K     this case alone, with its bytes and registers printed
 *
 * A case ends with a fault, with the breakpoints behind its bytes, or by a timer interrupt; then the machine
 * is put in order for the next. One that ruins the guest itself ends its VM: the VMM says how. The host
 * and every other VM are to go on in any case.
 *
 * @req ATK-010 Whatever instructions a guest executes in whatever state, its VM at the most ends.
 */
#include "guests/attack/machine.h"
#include "guests/dummy/rt.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"

#define CODE	     X86_U64(0x0000730000000000) /**< one page of code; nothing behind it */
#define DATA	     X86_U64(0x0000740000000000) /**< two pages of data, with the registers' values */
#define CODE_BYTES   40u
#define VECTOR_TIMER 0x70
#define CASE_TICKS   200000u
#define TEST_DEVICE  0xfed80000u
#define X2APIC_EOI   0x80bu
#define X2APIC_SVR   0x80fu
#define X2APIC_LVT   0x832u
#define X2APIC_ICR   0x838u
#define X2APIC_DCR   0x83eu

/** What fuzz_jump loads: general registers in the encoding's order. R11 is where it jumps. */
struct start {
	uint64_t gpr[16];
	uint64_t rsp; /**< 0: as it is */
};

extern void fuzz_jump(uint64_t start);
__asm__(".text\n"
	".global fuzz_jump\n"
	"fuzz_jump:\n"
	"	mov %rdi, %rax\n"
	"	mov 128(%rax), %rcx\n"
	"	test %rcx, %rcx\n"
	"	jz 1f\n"
	"	mov %rcx, %rsp\n"
	"1:	mov 8(%rax), %rcx\n"
	"	mov 16(%rax), %rdx\n"
	"	mov 24(%rax), %rbx\n"
	"	mov 40(%rax), %rbp\n"
	"	mov 48(%rax), %rsi\n"
	"	mov 56(%rax), %rdi\n"
	"	mov 64(%rax), %r8\n"
	"	mov 72(%rax), %r9\n"
	"	mov 80(%rax), %r10\n"
	"	mov 88(%rax), %r11\n"
	"	mov 96(%rax), %r12\n"
	"	mov 104(%rax), %r13\n"
	"	mov 112(%rax), %r14\n"
	"	mov 120(%rax), %r15\n"
	"	mov (%rax), %rax\n"
	"	jmp *%r11\n");

/* ---------------------------------------------------------------------------------- random numbers */

static uint64_t state;

/** splitmix64 (Steele, Lea, Flood 2014): every state gives a good number. */
static uint64_t any(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(any() % n);
}

static uint8_t byte(void)
{
	return (uint8_t)any();
}

/* ---------------------------------------------------------------------------------- instructions */

/** Opcodes that a hypervisor has to do with: up to three bytes, then a random ModRM and what follows. */
static const struct {
	uint8_t length;
	uint8_t byte[3];
} favourites[] = {
	{2, {0x0f, 0x00}}, {2, {0x0f, 0x01}}, {2, {0x0f, 0x02}}, {2, {0x0f, 0x03}}, {2, {0x0f, 0x05}},
	{2, {0x0f, 0x06}}, {2, {0x0f, 0x07}}, {2, {0x0f, 0x08}}, {2, {0x0f, 0x09}}, {2, {0x0f, 0x20}},
	{2, {0x0f, 0x21}}, {2, {0x0f, 0x22}}, {2, {0x0f, 0x23}}, {2, {0x0f, 0x30}}, {2, {0x0f, 0x31}},
	{2, {0x0f, 0x32}}, {2, {0x0f, 0x33}}, {2, {0x0f, 0x34}}, {2, {0x0f, 0x35}}, {2, {0x0f, 0x78}},
	{2, {0x0f, 0x79}}, {2, {0x0f, 0xa2}}, {2, {0x0f, 0xaa}}, {2, {0x0f, 0xae}}, {2, {0x0f, 0xb2}},
	{2, {0x0f, 0xb4}}, {2, {0x0f, 0xc7}}, {3, {0x0f, 0x38, 0x80}}, {3, {0x0f, 0x38, 0x81}},
	{3, {0x0f, 0x38, 0x82}}, {3, {0x0f, 0x01, 0xc1}}, {3, {0x0f, 0x01, 0xd0}},
	{3, {0x0f, 0x01, 0xd1}}, {3, {0x0f, 0x01, 0xd8}}, {3, {0x0f, 0x01, 0xd9}},
	{3, {0x0f, 0x01, 0xda}}, {3, {0x0f, 0x01, 0xdb}}, {3, {0x0f, 0x01, 0xdc}},
	{3, {0x0f, 0x01, 0xdd}}, {3, {0x0f, 0x01, 0xf8}}, {3, {0x0f, 0x01, 0xf9}},
	{3, {0x0f, 0x01, 0xc8}}, {3, {0x0f, 0x01, 0xc9}}, {1, {0x6c}}, {1, {0x6d}}, {1, {0x6e}},
	{1, {0x6f}}, {1, {0x8e}}, {1, {0x8c}}, {1, {0x88}}, {1, {0x89}}, {1, {0x8a}}, {1, {0x8b}},
	{1, {0x86}}, {1, {0x87}}, {1, {0x80}}, {1, {0x81}}, {1, {0x83}}, {1, {0xc6}}, {1, {0xc7}},
	{1, {0xa4}}, {1, {0xa5}}, {1, {0xa6}}, {1, {0xaa}}, {1, {0xab}}, {1, {0xac}}, {1, {0x9c}},
	{1, {0x9d}}, {1, {0xcc}}, {1, {0xcd}}, {1, {0xcf}}, {1, {0xcb}}, {1, {0xec}}, {1, {0xed}},
	{1, {0xee}}, {1, {0xef}}, {1, {0xe4}}, {1, {0xe5}}, {1, {0xf1}}, {1, {0xf4}}, {1, {0xfa}},
	{1, {0xfb}}, {1, {0xfe}}, {1, {0xff}}, {1, {0xf6}}, {1, {0xf7}}, {1, {0xd9}}, {1, {0xdd}},
	{1, {0x8f}}, {1, {0xc8}}, {1, {0x9b}}, {1, {0x17}},
};
#define FAVOURITES (sizeof(favourites) / sizeof(favourites[0]))

static const uint8_t prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64,
				   0x65, 0x48, 0x49, 0x4c, 0x4f, 0x40, 0x41, 0x44};

static size_t one_instruction(uint8_t *to)
{
	size_t n = 0;

	for (uint32_t i = below(4) == 0 ? below(4) : 0; i > 0; i--)
		to[n++] = prefixes[below(sizeof(prefixes))];
	if (below(4) != 0) {
		const uint32_t pick = below(FAVOURITES);

		memcpy(to + n, favourites[pick].byte, favourites[pick].length);
		n += favourites[pick].length;
	}
	for (uint32_t i = below(7); i > 0; i--)
		to[n++] = byte();
	return n;
}

/** Some instructions, then breakpoints. Ports that end the machine by an immediate are left out. */
static size_t make_code(uint8_t code[CODE_BYTES])
{
	size_t n = 0;

	memset(code, 0xcc, CODE_BYTES);
	for (uint32_t i = 1 + below(3); i > 0; i--)
		n += one_instruction(code + n);
	for (size_t i = 0; i + 1 < n; i++)
		if ((code[i] == 0xe6 || code[i] == 0xe7) && code[i + 1] >= 0x60)
			code[i] = 0xe4;
	return n;
}

/* ------------------------------------------------------------------------------------- registers */

static uint64_t interesting(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 0x10, 0x80, 0x1000, 0xb8000, 0x100000, 0xfee00000, 0xfee000b0, TEST_DEVICE,
		TEST_DEVICE + 0xffe, 0xfffffff0, 0x100000000, CODE, CODE + 0xfff, DATA, DATA + 8,
		DATA + 0xffc, DATA + 0x1ffe, X86_U64(0x0000800000000000), X86_U64(0xffff800000000000),
		X86_U64(0x000fffffffffffff), UINT64_MAX, IA32_EFER, IA32_APIC_BASE, IA32_PAT, 0x80b,
		0x830, 0x83f, 0xc0010114, 0xc0010117, 0x3a, 0x480, 0x40000000, 0xd, 0x1f,
	};

	return below(5) == 0 ? any() : values[below(sizeof(values) / sizeof(values[0]))];
}

/** DX names a port: none by which the machine ends or resets (F4h, 505h, 8900h, CF9h, 92h, 64h). */
static uint64_t port_safe(uint64_t value)
{
	const uint16_t port = (uint16_t)value;

	if ((port >= 0xf1 && port <= 0xf4) || (port >= 0x502 && port <= 0x505) ||
	    (port >= 0x88fd && port <= 0x8900) ||
	    (port >= 0xcf6 && port <= 0xcf9) || (port >= 0x8f && port <= 0x92) ||
	    (port >= 0x61 && port <= 0x64))
		return value ^ 0x400;
	return value;
}

static void make_start(struct start *start, uint64_t code)
{
	for (unsigned i = 0; i < 16; i++)
		start->gpr[i] = interesting();
	start->gpr[2] = port_safe(start->gpr[2]);
	start->gpr[11] = code;
	start->rsp = below(8) == 0 ? interesting() : 0;
}

/* ---------------------------------------------------------------------------------------- cases */

static uint8_t *code_page, *data_page;
static bool timed, running;

/** The time of a case is over. */
static bool time_over(struct trap_frame *frame, void *ctx)
{
	(void)ctx;
	wrmsr(X2APIC_EOI, 0);
	if (running)
		try_land(frame);
	return true;
}

static void start_timer(void)
{
	if (!timed)
		return;
	const uint64_t base = (rdmsr(IA32_APIC_BASE) & ~APIC_BASE_EXTD) | APIC_BASE_EN;

	if ((rdmsr(IA32_APIC_BASE) & APIC_BASE_EXTD) == 0) {
		wrmsr(IA32_APIC_BASE, base);
		wrmsr(IA32_APIC_BASE, base | APIC_BASE_EXTD);
	}
	wrmsr(X2APIC_SVR, 0x1ff);
	wrmsr(X2APIC_DCR, 0xb);
	wrmsr(X2APIC_LVT, VECTOR_TIMER);
	wrmsr(X2APIC_ICR, CASE_TICKS);
	trap_register(VECTOR_TIMER, time_over, NULL);
}

static void map_pages(bool user)
{
	const uint64_t root = paging_kernel_root();
	const uint64_t us = user ? PTE_US : 0;

	paging_unmap(root, CODE);
	paging_unmap(root, DATA);
	paging_unmap(root, DATA + PAGE_SIZE);
	paging_map(root, CODE, (uintptr_t)code_page, SIZE_4K, PTE_RW | us);
	paging_map(root, DATA, (uintptr_t)data_page, SIZE_4K, PTE_RW | PTE_XD | us);
	paging_map(root, DATA + PAGE_SIZE, (uintptr_t)data_page + PAGE_SIZE, SIZE_4K,
		   PTE_RW | PTE_XD | us);
}

struct one {
	uint64_t number;
	bool user;
	size_t at; /**< of the code in its page */
	uint8_t code[CODE_BYTES];
	struct start start;
};

static void make_case(struct one *one, uint64_t seed, uint64_t number)
{
	state = seed * UINT64_C(0xd1342543de82ef95) ^ number << 20;
	any();
	one->number = number;
	one->user = below(2) != 0;
	const size_t length = make_code(one->code);

	/* One in four ends with its page, behind which there is nothing. */
	one->at = below(4) == 0 ? PAGE_SIZE - length : 64;
	make_start(&one->start, CODE + one->at);
}

static void show(const struct one *one)
{
	print("# case %llu, ring %d:", (unsigned long long)one->number, one->user ? 3 : 0);
	for (size_t i = 0; i < CODE_BYTES; i++)
		print(" %02x", one->code[i]);
	print("\n");
	for (unsigned i = 0; i < 16; i++)
		print("#   r%u %llx\n", i, (unsigned long long)one->start.gpr[i]);
}

static void run_case(struct one *one)
{
	struct fault fault = {0};
	uint64_t result;

	memset(code_page, 0xcc, PAGE_SIZE);
	memcpy(code_page + one->at, one->code,
	       one->at + CODE_BYTES <= PAGE_SIZE ? CODE_BYTES : PAGE_SIZE - one->at);
	map_pages(one->user);
	memcpy(data_page + 256, &one->start, sizeof(one->start));
	start_timer();
	running = true;
	sti();
	const uint64_t start = one->user ? DATA + 256 : (uintptr_t)data_page + 256;

	if (one->user) {
		((struct start *)(void *)(data_page + 256))->rsp = 0;
		try_call_user((uint64_t(*)(uint64_t))(void *)fuzz_jump, start, &result, &fault);
	} else {
		try_call(fuzz_jump, start, &fault);
	}
	running = false;
	cli();
	machine_restore();
}

/** How the cases are told: a line now and then, so that it is known where a VM ended. */
static void run_series(uint64_t seed, uint64_t count)
{
	static struct one one;

	for (uint64_t k = 0; k < count; k++) {
		make_case(&one, seed, k);
		if (k % 16 == 0)
			print("# seed %llu case %llu\n", (unsigned long long)seed,
			      (unsigned long long)k);
		run_case(&one);
	}
	print("ok: %llu cases of seed %llu\n", (unsigned long long)count, (unsigned long long)seed);
}

void guest_main(const struct boot_info *boot)
{
	static struct one one;
	const uint64_t seed = cmdline_number("seed", 1);
	const uint64_t only = cmdline_number("only", UINT64_MAX);

	(void)boot;
	machine_init();
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	timed = (cpuid(CPUID_VERSION).ecx & CPUID_1_ECX_x2APIC) != 0;
	code_page = (uint8_t *)(uintptr_t)page_alloc();
	/* Two pages in a row: the allocator hands them out so, or we go on until it does. */
	data_page = (uint8_t *)(uintptr_t)page_alloc();
	for (;;) {
		uint8_t *const next = (uint8_t *)(uintptr_t)page_alloc();

		if (next == data_page + PAGE_SIZE)
			break;
		if (next + PAGE_SIZE == data_page) {
			data_page = next;
			break;
		}
		data_page = next;
	}
	if (only == UINT64_MAX) {
		run_series(seed, cmdline_number("count", 1000));
	} else {
		make_case(&one, seed, only);
		show(&one);
		run_case(&one);
		print("ok: case %llu of seed %llu\n", (unsigned long long)only,
		      (unsigned long long)seed);
	}
	guest_exit(0);
}
