/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bench.c
 * What a virtual machine costs: executed instructions per round trip, read from the time-stamp
 * counter, which counts instructions under QEMU's -icount and on Bochs. Prints a line
 * `bench NAME VALUE` for each measurement: the mean of many, less the cost of the empty loop.
 * Prints nothing for what the machine lacks.
 */
#include "guests/dummy/rt.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/desc.h"

#include <hypike/pv_x86.h>

#define ROUNDS	      256u
#define WARM_UP	      16u
#define VECTOR_IPI    0x60
#define VECTOR_TIMER  0x61
#define X2APIC_EOI    0x80bu
#define X2APIC_SVR    0x80fu
#define X2APIC_LVT_TIMER 0x832u
#define X2APIC_SELF   0x83fu
#define LVT_TSC_DEADLINE (2u << 17)
/** The VMM's test device (vmm/dev/test_device.h): a scratch register by port and by memory. */
#define TEST_PORT     0x0c80
#define TEST_MEMORY   0xfed80000u
#define ABSENT_PORT   0x0080

struct bench {
	const char *name;
	void (*once)(void);
	bool (*available)(void);
};

static bool vmmcall;
extern volatile uint64_t taken_at;
extern volatile uint32_t taken;
volatile uint64_t taken_at;
volatile uint32_t taken;

/* Reads the counter first of all: only the registers that it takes are saved before. */
extern void bench_ipi_entry(void);
extern void bench_timer_entry(void);
__asm__(".text\n"
	"bench_ipi_entry:\n"
	"bench_timer_entry:\n"
	"	push %rax\n"
	"	push %rdx\n"
	"	push %rcx\n"
	"	rdtsc\n"
	"	shl $32, %rdx\n"
	"	or %rdx, %rax\n"
	"	mov %rax, taken_at(%rip)\n"
	"	incl taken(%rip)\n"
	"	xor %eax, %eax\n"
	"	xor %edx, %edx\n"
	"	mov $0x80b, %ecx\n"
	"	wrmsr\n"
	"	pop %rcx\n"
	"	pop %rdx\n"
	"	pop %rax\n"
	"	iretq\n");

static void set_gate(unsigned vector, void (*entry)(void))
{
	struct desc_ptr idtr;

	sidt(&idtr);
	struct idt_gate *const idt = (struct idt_gate *)(uintptr_t)idtr.base;

	idt[vector] = idt_gate((uintptr_t)entry, KERNEL_CS, SYS_TYPE_INTERRUPT_GATE, 0, 0);
}

static bool always(void)
{
	return true;
}

static bool on_hypike(void)
{
	const struct cpuid_regs r = cpuid(PV_X86_LEAF);

	return (cpuid(1).ecx & CPUID_1_ECX_HYPERVISOR) != 0 && r.ebx == PV_X86_SIGNATURE_EBX &&
	       r.ecx == PV_X86_SIGNATURE_ECX && r.edx == PV_X86_SIGNATURE_EDX;
}

/** On KVM, where HyPike's leaf isn't shown, the command line says so. */
static bool has_test_device(void)
{
	return on_hypike() || cmdline_flag("test-device");
}

static bool has_x2apic(void)
{
	return (rdmsr(IA32_APIC_BASE) & APIC_BASE_EXTD) != 0;
}

static bool has_deadline(void)
{
	return has_x2apic() && (cpuid(1).ecx & CPUID_1_ECX_TSC_DEADLINE) != 0;
}

static void nothing(void)
{
	__asm__ volatile("");
}

static void do_cpuid(void)
{
	cpuid(0);
}

static void do_hypercall(void)
{
	pv_x86_call(vmmcall, PV_CALL_VERSION, 0, 0, 0, 0);
}

static void do_rdmsr(void)
{
	rdmsr(IA32_APIC_BASE);
}

static void do_wrmsr(void)
{
	wrmsr(IA32_MTRR_DEF_TYPE, 0xc06); /* E, FE, write-back */
}

static void do_port_driver(void)
{
	outb(ABSENT_PORT, 0);
}

static void do_port_vmm(void)
{
	outb(TEST_PORT, 1);
}

static void do_port_vmm_in(void)
{
	inb(TEST_PORT);
}

static void do_memory_read(void)
{
	*(volatile uint32_t *)(uintptr_t)TEST_MEMORY;
}

static void do_memory_write(void)
{
	*(volatile uint32_t *)(uintptr_t)TEST_MEMORY = 1;
}

static void do_eoi(void)
{
	wrmsr(X2APIC_EOI, 0);
}

/** Send, take in the handler, EOI, return. */
static void do_self_ipi(void)
{
	const uint32_t before = taken;

	wrmsr(X2APIC_SELF, VECTOR_IPI);
	while (taken == before)
		;
}

/** A deadline in the past: set, fire, take, EOI. */
static void do_timer_immediate(void)
{
	const uint32_t before = taken;

	wrmsr(IA32_TSC_DEADLINE, 1);
	while (taken == before)
		;
}

static const struct bench benches[] = {
	{"cpuid", do_cpuid, always},
	{"hypercall", do_hypercall, on_hypike},
	{"msr-read", do_rdmsr, always},
	{"msr-write", do_wrmsr, always},
	{"port-driver", do_port_driver, always},
	{"port-vmm-out", do_port_vmm, has_test_device},
	{"port-vmm-in", do_port_vmm_in, has_test_device},
	{"memory-vmm-read", do_memory_read, has_test_device},
	{"memory-vmm-write", do_memory_write, has_test_device},
	{"eoi", do_eoi, has_x2apic},
	{"self-ipi", do_self_ipi, has_x2apic},
	{"timer-immediate", do_timer_immediate, has_deadline},
};

static uint64_t loop(void (*once)(void), uint32_t rounds)
{
	const uint64_t start = rdtsc();

	for (uint32_t i = 0; i < rounds; i++)
		once();
	return rdtsc() - start;
}

static void report(const char *name, uint64_t value)
{
	print("bench %s %llu\n", name, (unsigned long long)value);
}

static void run(const struct bench *bench, uint64_t empty)
{
	loop(bench->once, WARM_UP);
	const uint64_t spent = loop(bench->once, ROUNDS);

	report(bench->name, (spent > empty ? spent - empty : 0) / ROUNDS);
}

/** From the deadline to the handler's first instruction, in a guest that computes. */
static void run_timer_latency(void)
{
	uint64_t sum = 0;
	uint64_t worst = 0;

	for (uint32_t i = 0; i < WARM_UP + ROUNDS; i++) {
		const uint32_t before = taken;
		const uint64_t deadline = rdtsc() + 20000 + 37 * i;

		wrmsr(IA32_TSC_DEADLINE, deadline);
		while (taken == before)
			;
		const uint64_t late = taken_at - deadline;

		if (i < WARM_UP)
			continue;
		sum += late;
		worst = late > worst ? late : worst;
	}
	report("timer-latency", sum / ROUNDS);
	report("timer-latency-worst", worst);
}

static void start_apic(void)
{
	if ((cpuid(1).ecx & CPUID_1_ECX_x2APIC) == 0)
		return;
	const uint64_t base = rdmsr(IA32_APIC_BASE) | APIC_BASE_EN;

	wrmsr(IA32_APIC_BASE, base);
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EXTD);
	wrmsr(X2APIC_SVR, 0x1ff);
	set_gate(VECTOR_IPI, bench_ipi_entry);
	set_gate(VECTOR_TIMER, bench_timer_entry);
	if (has_deadline())
		wrmsr(X2APIC_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR_TIMER);
}

/** `only=NAME` on the command line picks one measurement. */
static bool chosen(const char *name)
{
	char only[32];

	return cmdline_value("only", only, sizeof(only)) == NULL || strcmp(only, name) == 0;
}

void guest_main(const struct boot_info *boot)
{
	(void)boot;
	/* No interrupts but the local APIC's. */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	vmmcall = on_hypike() && (cpuid(PV_X86_LEAF + 1).ebx & PV_X86_USE_VMMCALL) != 0;
	start_apic();
	sti();
	loop(nothing, WARM_UP);
	const uint64_t empty = loop(nothing, ROUNDS);

	for (unsigned i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
		if (chosen(benches[i].name) && benches[i].available())
			run(&benches[i], empty);
	if (chosen("timer-latency") && has_deadline())
		run_timer_latency();
	cli();
	guest_exit(0);
}
