/* SPDX-License-Identifier: BSD-2-Clause */
/* String I/O across page ends, odd instructions on device memory, storms of interrupts and exits. */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"

#include "lib/x86/cpuid.h"

#define HOLE	     0xd0000000u /**< PCI memory of a PC: nothing answers, all ones are read */
#define PORT	     0x0ce0	 /**< nobody's */
#define VECTOR	     0x71
#define X2APIC(reg)  (0x800u + (reg) / 16u)
#define FLOOD	     1000u

/* ------------------------------------------------------------------------------------- string I/O */

struct string {
	uint64_t address, count;
};

static void rep_outsb(uint64_t arg)
{
	struct string s = *(const struct string *)arg;

	__asm__ volatile("rep outsb" : "+S"(s.address), "+c"(s.count) : "d"(PORT) : "memory");
}

static void rep_insb(uint64_t arg)
{
	struct string s = *(const struct string *)arg;

	__asm__ volatile("rep insb" : "+D"(s.address), "+c"(s.count) : "d"(PORT) : "memory");
}

static void outsw_down(uint64_t arg)
{
	struct string s = *(const struct string *)arg;

	__asm__ volatile("std; rep outsw; cld" : "+S"(s.address), "+c"(s.count) : "d"(PORT) : "memory");
}

/** A page with nothing mapped before and behind it. */
static uint64_t lone_page(uint64_t flags)
{
	return (uint64_t)(uintptr_t)machine_window(page_alloc(), SIZE_4K, flags | PTE_XD);
}

static void string_out(uint64_t arg)
{
	struct string s = {lone_page(PTE_RW) + PAGE_SIZE - 4, 4};

	(void)arg;
	ACT_CHECK(act_try(rep_outsb, (uintptr_t)&s) == OUT_DONE);
	s.count = 5;
	ACT_CHECK(act_try(rep_outsb, (uintptr_t)&s) == OUT_PF);
	s.count = UINT64_MAX;
	ACT_CHECK(act_try(rep_outsb, (uintptr_t)&s) == OUT_PF);
	s = (struct string){X86_U64(0x0000800000000000), 0};
	ACT_CHECK(act_try(rep_outsb, (uintptr_t)&s) == OUT_DONE);
	s.count = 1;
	ACT_CHECK(act_try(rep_outsb, (uintptr_t)&s) == OUT_GP);
}

static void string_in(uint64_t arg)
{
	struct string s = {lone_page(PTE_RW) + PAGE_SIZE - 4, 4};

	(void)arg;
	ACT_CHECK(act_try(rep_insb, (uintptr_t)&s) == OUT_DONE);
	ACT_CHECK(*(const volatile uint32_t *)s.address == UINT32_MAX);
	s.count = 5;
	ACT_CHECK(act_try(rep_insb, (uintptr_t)&s) == OUT_PF);
	s = (struct string){lone_page(0), 1};
	ACT_CHECK(act_try(rep_insb, (uintptr_t)&s) == OUT_PF);
}

static void string_down(uint64_t arg)
{
	struct string s = {lone_page(PTE_RW) + 2, 2};

	(void)arg;
	ACT_CHECK(act_try(outsw_down, (uintptr_t)&s) == OUT_DONE);
	s.count = 3;
	ACT_CHECK(act_try(outsw_down, (uintptr_t)&s) == OUT_PF);
}

/** Where no memory is: all ones go out, what comes in is lost. */
static void string_hole(uint64_t arg)
{
	struct string s = {HOLE, 16};

	(void)arg;
	s.address = (uint64_t)(uintptr_t)machine_window(HOLE, SIZE_4K, PTE_RW | PTE_XD);
	ACT_CHECK(act_try(rep_outsb, (uintptr_t)&s) == OUT_DONE);
	ACT_CHECK(act_try(rep_insb, (uintptr_t)&s) == OUT_DONE);
}

/* ------------------------------------------------------------------------- odd instructions on devices */

ACT_ASM(odd_xchg, "xchg %%rax, (%0)")
ACT_ASM(odd_xadd, "lock xaddl %%eax, (%0)")
ACT_ASM(odd_cmpxchg, "lock cmpxchgq %%rcx, (%0)")
ACT_ASM(odd_push_pop, "pushq (%0); popq (%0)")
ACT_ASM(odd_movs, "mov %0, %%rsi; movsq; sub $8, %0")
ACT_ASM(odd_stos, "mov $3, %%ecx; rep stosb")
ACT_ASM(odd_scas, "mov $3, %%ecx; repe scasb")
ACT_ASM(odd_bts, "lock btsl $7, (%0)")
ACT_ASM(odd_group, "notl (%0); negl (%0); incl (%0); decl (%0); shll $3, (%0); testl $5, (%0)")
ACT_ASM(odd_alu, "addl $1, (%0); lock orl $2, (%0); xorb $3, (%0); cmpw $4, (%0)")
ACT_ASM(odd_misaligned, "movq 3(%0), %%rax; movl %%eax, 5(%0); movw %%ax, 7(%0)")
ACT_ASM(odd_movx, "movzbl (%0), %%eax; movsbq (%0), %%rax; movslq (%0), %%rax")
ACT_ASM(odd_call, "call *(%0)")

static void (*const odd[])(uint64_t) = {
	odd_xchg, odd_xadd, odd_cmpxchg, odd_push_pop, odd_movs, odd_stos, odd_scas,
	odd_bts,  odd_group, odd_alu,	 odd_misaligned, odd_movx,
};

static void odd_instructions(uint64_t arg)
{
	const uint64_t la = (uint64_t)(uintptr_t)machine_window(HOLE, SIZE_4K, PTE_RW | PTE_XD);

	(void)arg;
	for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (act_try(odd[i], la + 64) != OUT_DONE)
			act_fails("instruction %u ended otherwise", i);
	ACT_CHECK((act_try(odd_call, la) & (OUT_GP | OUT_PF)) != 0); /* to FFFFFFFFFFFFFFFF */
}

/** The second half of the access is in a page that isn't mapped. */
static void across_end(uint64_t arg)
{
	const uint64_t la = (uint64_t)(uintptr_t)machine_window(HOLE, SIZE_4K, PTE_RW | PTE_XD);

	(void)arg;
	ACT_CHECK(act_try(odd_xchg, la + PAGE_SIZE - 4) == OUT_PF);
	ACT_CHECK(act_try(odd_xadd, la + PAGE_SIZE - 1) == OUT_PF);
}

/* --------------------------------------------------------------------------------------- storms */

static volatile unsigned taken;

static void start_apic(void)
{
	const uint64_t base = rdmsr(IA32_APIC_BASE) | APIC_BASE_EN;

	wrmsr(IA32_APIC_BASE, base);
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EXTD);
	wrmsr(X2APIC(0xf0), 0x1ff);
	taken = 0;
}

static bool count_and_end(struct trap_frame *frame, void *ctx)
{
	(void)frame;
	(void)ctx;
	taken++;
	if (taken == FLOOD)
		wrmsr(X2APIC(0x320), 0x10000);
	wrmsr(X2APIC(0xb0), 0);
	return true;
}

static void ipi_storm(uint64_t arg)
{
	(void)arg;
	start_apic();
	trap_register(VECTOR, count_and_end, NULL);
	sti();
	for (unsigned i = 0; i < FLOOD; i++)
		wrmsr(X2APIC(0x300), 0x44000 | VECTOR);
	cli();
	trap_register(VECTOR, NULL, NULL);
	ACT_CHECK(taken == FLOOD);
}

static void nmi_storm(uint64_t arg)
{
	trap_fn before;
	void *ctx;

	(void)arg;
	start_apic();
	trap_get(X86_NMI, &before, &ctx);
	trap_register(X86_NMI, machine_count_trap, (void *)&taken);
	for (unsigned i = 0; i < FLOOD; i++)
		wrmsr(X2APIC(0x300), 0x4400); /* to APIC ID 0: the shorthand is for fixed ones */
	trap_register(X86_NMI, before, ctx);
	ACT_CHECK(taken > 0 && taken <= FLOOD);
}

static void timer_storm(uint64_t arg)
{
	(void)arg;
	start_apic();
	trap_register(VECTOR, count_and_end, NULL);
	wrmsr(X2APIC(0x3e0), 0xb);
	wrmsr(X2APIC(0x320), 0x20000 | VECTOR);
	wrmsr(X2APIC(0x380), 1);
	sti();
	while (taken < FLOOD)
		cpu_pause();
	cli();
	trap_register(VECTOR, NULL, NULL);
}

static void exit_storm(uint64_t arg)
{
	(void)arg;
	for (unsigned i = 0; i < 20 * FLOOD; i++)
		cpuid(i & 31);
}

/** Every port is read, by bytes; a few of them say something. */
static void port_storm(uint64_t arg)
{
	(void)arg;
	for (unsigned port = 0; port < 0x10000; port++)
		inb((uint16_t)port);
}

static const char *unless_x2apic(void)
{
	return (cpuid(CPUID_VERSION).ecx & CPUID_1_ECX_x2APIC) != 0 ? NULL : "no x2APIC";
}

const struct act acts_device[] = {
	{"string-out", "OUTS up to and across a page's end", string_out, 0, OUT_DONE, unless_hypike, NULL},
	{"string-in", "INS across a page's end and into a read-only page", string_in, 0, OUT_DONE,
	 unless_hypike, NULL},
	{"string-down", "OUTS downwards across a page's start", string_down, 0, OUT_DONE, unless_hypike,
	 NULL},
	{"string-hole", "string I/O where no memory is", string_hole, 0, OUT_DONE, unless_hypike, NULL},
	{"odd-instructions", "device memory accessed by all but MOV", odd_instructions, 0, OUT_DONE,
	 unless_hypike, NULL},
	{"across-end", "device memory accessed across its page's end", across_end, 0, OUT_DONE,
	 unless_hypike, NULL},
	{"ipi-storm", "an interrupt sent to itself, a thousand times", ipi_storm, 0, OUT_DONE,
	 unless_x2apic, NULL},
	{"nmi-storm", "NMIs sent to itself", nmi_storm, 0, OUT_DONE, unless_x2apic, NULL},
	{"timer-storm", "a periodic timer of one nanosecond", timer_storm, 0, OUT_DONE, unless_hypike,
	 NULL},
	{"exit-storm", "twenty thousand CPUIDs", exit_storm, 0, OUT_DONE, NULL, NULL},
	{"port-storm", "all ports read", port_storm, 0, OUT_DONE, unless_hypike, NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL},
};
