/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file noise.c
 * A bad neighbour: what a guest can do to make the host busy, over and over.
 *
 *     kind=NAME   one of `kinds` below (all, one after the other)
 *     rounds=N    how often; 0: until it is stopped (0)
 *
 * @req ATK-020 A guest that makes as many interrupts, exits, page table changes and cache misses as it
 *              can delays no other partition's window.
 */
#include <hypike/pv_x86.h>

#include "guests/attack/machine.h"
#include "guests/dummy/rt.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/paging.h"

#define SLICE	     200u /* noises a round */
#define VECTOR	     0x71
#define X2APIC_EOI   0x80bu
#define X2APIC_SVR   0x80fu
#define X2APIC_LVT   0x832u
#define X2APIC_ICR   0x830u
#define X2APIC_COUNT 0x838u
#define X2APIC_DCR   0x83eu
#define LVT_PERIODIC 0x20000u
#define LVT_MASKED   0x10000u
#define ICR_SELF     0x44000u
#define ICR_NMI	     0x4400u /* to APIC ID 0: the shorthands are for fixed interrupts only */
#define DEVICE	     X86_U64(0xd0000000) /* where nothing is */
#define ABSENT_PORT  0x5eu
#define LINE	     64u

static bool end_of_interrupt(struct trap_frame *frame, void *ctx)
{
	(void)frame;
	(void)ctx;
	wrmsr(X2APIC_EOI, 0);
	return true;
}

static bool ignore(struct trap_frame *frame, void *ctx)
{
	(void)frame;
	(void)ctx;
	return true;
}

static void start_apic(void)
{
	const uint64_t base = rdmsr(IA32_APIC_BASE) | APIC_BASE_EN;

	wrmsr(IA32_APIC_BASE, base);
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EXTD);
	wrmsr(X2APIC_SVR, 0x1ff);
	trap_register(VECTOR, end_of_interrupt, NULL);
	trap_register(X86_NMI, ignore, NULL);
}

/* ---- the noises ---- */

static void timers(void)
{
	wrmsr(X2APIC_DCR, 0xb);
	wrmsr(X2APIC_LVT, LVT_PERIODIC | VECTOR);
	wrmsr(X2APIC_COUNT, 1);
	sti();
	for (unsigned int i = 0; i < 100 * SLICE; i++)
		cpu_pause();
	cli();
	wrmsr(X2APIC_LVT, LVT_MASKED);
}

static void ipi(void)
{
	sti();
	for (unsigned int i = 0; i < SLICE; i++)
		wrmsr(X2APIC_ICR, ICR_SELF | VECTOR);
	cli();
}

static void nmi(void)
{
	for (unsigned int i = 0; i < SLICE; i++)
		wrmsr(X2APIC_ICR, ICR_NMI);
}

static void exits(void)
{
	for (unsigned int i = 0; i < SLICE; i++)
		cpuid(i & 31);
}

static void ports(void)
{
	for (unsigned int i = 0; i < SLICE; i++)
		outb(ABSENT_PORT, (uint8_t)i);
}

static void mmio(void)
{
	for (unsigned int i = 0; i < SLICE; i++)
		*(volatile uint32_t *)(DEVICE + 4 * i) = i;
}

static void hypercalls(void)
{
	for (unsigned int i = 0; i < SLICE; i++)
		pv_x86_call(machine.vmmcall, PV_CALL_VMM + 0xfff, i, 0, 0, 0);
}

/* All levels of the tables change, and the TLB is emptied, again and again. */
static void pages(void)
{
	const uint64_t last = machine.ram_end - SIZE_2M;

	for (unsigned int i = 0; i < SLICE / 4; i++) {
		volatile uint64_t *word = machine_window(last, i & 1 ? SIZE_4K : SIZE_2M, PTE_RW);

		*word = i;
		write_cr3(read_cr3());
		write_cr4(read_cr4() ^ CR4_PGE);
		write_cr4(read_cr4() ^ CR4_PGE);
	}
}

/* A write to each line of the upper half of memory. */
static void cache(void)
{
	static uint64_t at;
	const uint64_t half = machine.ram_end / 2;

	for (unsigned int i = 0; i < 20 * SLICE; i++) {
		*(volatile uint8_t *)(half + at) += 1;
		at = (at + 67 * LINE) % half;
	}
}

static void flush(void)
{
	for (unsigned int i = 0; i < SLICE / 4; i++)
		wbinvd();
}

/* ---- which ---- */

static const struct {
	const char *name;
	void (*make)(void);
} kinds[] = {
	{"timers", timers}, {"ipi", ipi},	{"nmi", nmi},
	{"exits", exits}, {"ports", ports}, {"mmio", mmio}, {"hypercalls", hypercalls},
	{"pages", pages}, {"cache", cache}, {"flush", flush},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void make_noise(const char *kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kind == NULL || strcmp(kind, kinds[i].name) == 0)
			kinds[i].make();
}

static bool known(const char *kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kind == NULL || strcmp(kind, kinds[i].name) == 0)
			return true;
	return false;
}

void guest_main(const struct boot_info *boot)
{
	char buffer[16];
	const char *const kind = cmdline_value("kind", buffer, sizeof(buffer));
	const uint64_t rounds = cmdline_number("rounds", 0);

	(void)boot;
	machine_init();
	start_apic();
	if (!known(kind)) {
		print("noise: no kind %s\n", kind);
		guest_exit(2);
	}
	print("noise: %s\n", kind != NULL ? kind : "all");
	for (uint64_t i = 0; rounds == 0 || i < rounds; i++)
		make_noise(kind);
	print("noise: done\n");
	guest_exit(0);
}
