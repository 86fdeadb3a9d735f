/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Crashes on demand (PARANOID builds, `panic=WHAT`): each must reach the console.
 */
#include <hypike/host.h>

#include "kernel/apic.h"
#include "kernel/assert.h"
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/paranoid.h"
#include "kernel/x86.h"
#include "lib/string.h"

static void ud(void)
{
	__asm__ volatile("ud2");
}

static void pf(void)
{
	*(volatile char *)0 = 1;
}

static void write_text(void)
{
	*(volatile char *)(uintptr_t)ud = 1;
}

/* The same bytes by way of the direct map, which is writable elsewhere. */
static void write_alias(void)
{
	*(volatile char *)((uintptr_t)ud - KERNEL_BASE + DIRECT_MAP) = 1;
}

static void exec_data(void)
{
	static char code[] = {(char)0xc3};

	((void (*)(void))(uintptr_t)code)();
}

static void gp(void)
{
	*(volatile char *)UINT64_C(0x8000000000000000) = 1;
}

/* No stack to push the page fault's frame on. */
static void df(void)
{
	__asm__ volatile("movq $0x1000, %rsp; pushq $0");
}

/* Down through the guard page. */
static void stack(void)
{
	__asm__ volatile("1: pushq $0; jmp 1b");
}

static void nmi(void)
{
	apic_send_nmi(apic_id());
	for (unsigned int i = 0; i < 1000000 && cpu_self()->interrupts[VECTOR_NMI] == 0; i++)
		x86_pause();
	host_log("%lu NMI taken", cpu_self()->interrupts[VECTOR_NMI]);
}

static void mc(void)
{
	__asm__ volatile("int $18");
}

static void assertion(void)
{
	KASSERT(!KERNEL_PARANOID);
}

/* Whoever holds the console cannot keep a panic from it. */
static void locked(void)
{
	console_hold();
	host_panic("with the console held");
}

static void other_cpu(void *arg)
{
	if (cpu_self()->index == cpu_count - 1)
		host_panic("on the last CPU, %s", (const char *)arg);
}

static void other(void)
{
	host_on_each_cpu(other_cpu, "called by CPU 0");
}

static const struct {
	const char *name;
	void (*act)(void);
} acts[] = {
	{"ud", ud},
	{"pf", pf},
	{"gp", gp},
	{"df", df},
	{"stack", stack},
	{"nmi", nmi},
	{"mc", mc},
	{"write-text", write_text},
	{"write-alias", write_alias},
	{"exec-data", exec_data},
	{"assert", assertion},
	{"locked", locked},
	{"other-cpu", other},
};

void paranoid_panic_test(const char *what)
{
	for (unsigned int i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].name, what) == 0)
			acts[i].act();
}
