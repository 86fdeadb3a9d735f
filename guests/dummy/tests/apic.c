/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC of this CPU, and the I/O APIC. */
#include "guests/dummy/clock.h"
#include "guests/dummy/ioapic.h"
#include "guests/dummy/lapic.h"
#include "guests/dummy/machine.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/test.h"
#include "guests/dummy/timer.h"
#include "lib/x86/apic.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"

static const char *without_lapic(void)
{
	return lapic_present() ? NULL : "no local APIC";
}

static const char *without_deadline(void)
{
	return !lapic_present()		     ? "no local APIC"
	       : !cpu_features.tsc_deadline ? "the CPU has no TSC-deadline timer"
					     : NULL;
}

static const char *without_ioapic(void)
{
	return machine.has_madt ? NULL : "no MADT";
}

static bool count_vector(struct trap_frame *f, void *ctx)
{
	(void)f;
	__atomic_fetch_add((unsigned *)ctx, 1, __ATOMIC_RELAXED);
	lapic_eoi();
	return true;
}

static unsigned load(const unsigned *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/* @return whether the count reached n within that time, by polling: nothing else must work. */
static bool counted(const unsigned *count, unsigned n, uint64_t us)
{
	uint64_t end = clock_after_us(us);

	while (load(count) < n && !clock_passed(end))
		cpu_pause();
	return load(count) >= n;
}

static bool registers_good(void)
{
	uint32_t version = lapic_read(APIC_VERSION);
	uint32_t initial_id = cpuid(CPUID_VERSION).ebx >> 24;

	CHECK((rdmsr(IA32_APIC_BASE) & APIC_BASE_BSP) != 0);
	CHECK((version & 0xff) >= 0x10 && ((version >> 16) & 0xff) >= 3);
	CHECK((lapic_id() & 0xff) == initial_id);
	CHECK((lapic_read(APIC_SVR) & APIC_SVR_ENABLE) != 0);
	lapic_write(APIC_TPR, 0x40);
	uint64_t cr8 = read_cr8();
	write_cr8(0);
	CHECK(cr8 == 4);
	CHECK(lapic_read(APIC_TPR) == 0);
	return true;
}

static bool self_ipi(void)
{
	unsigned count = 0;

	trap_register(LAPIC_TEST_VECTOR, count_vector, &count);
	for (unsigned i = 1; i <= 10; i++) {
		lapic_send(lapic_id(), LAPIC_TEST_VECTOR | APIC_ICR_ASSERT);
		if (!counted(&count, i, 100000))
			break;
	}
	lapic_send(0, LAPIC_TEST_VECTOR | APIC_ICR_ASSERT | APIC_ICR_TO_SELF);
	bool all = counted(&count, 11, 100000);
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(all && count == 11);
	return true;
}

#define SELF_IPIS 1000u

/* Each is taken and ended before the next; with APIC virtualization none of it exits. */
static bool self_ipi_register(void)
{
	unsigned count = 0, i = 0;

	trap_register(LAPIC_TEST_VECTOR, count_vector, &count);
	do
		lapic_write(APIC_SELF_IPI, LAPIC_TEST_VECTOR);
	while (counted(&count, ++i, 100000) && i < SELF_IPIS);
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(count == SELF_IPIS);
	return true;
}

static const char *without_x2apic(void)
{
	return lapic_is_x2apic() ? NULL : "no x2APIC";
}

/* KVM's paravirtual end of interrupt (Linux: Documentation/virt/kvm/x86/msr.rst): the word, and what came of it. */
static struct {
	uint8_t word, pad[3];
	unsigned count, without_eoi;
} pv_eoi __attribute__((aligned(4)));

static bool take_pv_eoi(struct trap_frame *f, void *ctx)
{
	bool offered;

	(void)f;
	(void)ctx;
	__asm__ volatile("btrl $0, %0" : "+m"(pv_eoi.word), "=@ccc"(offered));
	pv_eoi.count++;
	if (offered)
		pv_eoi.without_eoi++;
	else
		lapic_eoi();
	return true;
}

static bool pv_eoi_works(void)
{
	trap_register(LAPIC_TEST_VECTOR, take_pv_eoi, NULL);
	wrmsr(KVM_PV_EOI_EN, (uintptr_t)&pv_eoi.word | 1);
	for (unsigned i = 1; i <= 100; i++) {
		lapic_send(0, LAPIC_TEST_VECTOR | APIC_ICR_ASSERT | APIC_ICR_TO_SELF);
		if (!counted(&pv_eoi.count, i, 100000))
			break;
	}
	wrmsr(KVM_PV_EOI_EN, 0);
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(pv_eoi.count == 100);
	CHECK(pv_eoi.without_eoi > 50); /* the tick may come in between */
	CHECK((lapic_read(APIC_ISR + (LAPIC_TEST_VECTOR / 32) * 0x10) &
	       1u << LAPIC_TEST_VECTOR % 32) == 0);
	CHECK(pv_eoi.word == 0);
	return true;
}

static const char *without_pv_eoi(void)
{
	const struct cpuid_regs kvm = cpuid(CPUID_KVM), features = cpuid(CPUID_KVM_FEATURES);

	if ((cpuid(CPUID_VERSION).ecx & CPUID_1_ECX_HYPERVISOR) == 0 || kvm.ebx != 0x4b4d564b)
		return "not KVM's interface";
	return (features.eax & CPUID_KVM_FEATURES_EAX_PV_EOI) != 0 ? NULL : "no PV EOI";
}

/* TPR holds an interrupt of a lower class back; IRR shows it meanwhile. */
static bool task_priority(void)
{
	unsigned count = 0;
	const uint32_t irr = APIC_IRR + (LAPIC_TEST_VECTOR / 32) * 0x10;

	trap_register(LAPIC_TEST_VECTOR, count_vector, &count);
	write_cr8(15);
	lapic_send(lapic_id(), LAPIC_TEST_VECTOR | APIC_ICR_ASSERT);
	clock_delay_us(1000);
	unsigned held = load(&count);
	uint32_t requested = lapic_read(irr);
	write_cr8(0);
	bool came = counted(&count, 1, 100000);
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(held == 0);
	CHECK((requested & 1u << LAPIC_TEST_VECTOR % 32) != 0);
	CHECK(came);
	return true;
}

static bool keep_rip(struct trap_frame *f, void *ctx)
{
	*(uint64_t *)ctx = f->rip;
	lapic_eoi();
	return true;
}

/* STI keeps interrupts away for one more instruction (SDM vol. 2, STI). */
static bool sti_shadow(void)
{
	uint64_t taken_at = 0, expected;

	trap_register(LAPIC_TEST_VECTOR, keep_rip, &taken_at);
	cli();
	lapic_send(lapic_id(), LAPIC_TEST_VECTOR | APIC_ICR_ASSERT);
	clock_delay_us(1000);
	__asm__ volatile("sti\n\t"
			 "lea 1f(%%rip), %0\n"
			 "1:\tnop; nop; nop"
			 : "=r"(expected)
			 :
			 : "memory");
	clock_delay_us(1000);
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(taken_at == expected);
	return true;
}

static bool count_nmi(struct trap_frame *f, void *ctx)
{
	(void)f;
	__atomic_fetch_add((unsigned *)ctx, 1, __ATOMIC_RELAXED);
	return true;
}

/* An NMI comes though interrupts are disabled, and again after the first one's IRET. */
static bool nmi(void)
{
	unsigned count = 0;
	uint64_t flags = irq_save();

	trap_register(X86_NMI, count_nmi, &count);
	for (unsigned i = 1; i <= 3; i++) {
		lapic_send(lapic_id(), APIC_DM_NMI | APIC_ICR_ASSERT);
		if (!counted(&count, i, 100000))
			break;
	}
	trap_register(X86_NMI, NULL, NULL);
	irq_restore(flags);
	CHECK(load(&count) == 3);
	return true;
}

/* The tick uses this timer where there is a MADT: it is given back afterwards. */
static void restore_tick(void)
{
	lapic_timer_stop();
	if (machine.has_madt)
		timer_init_ap();
}

static bool one_shot(void)
{
	unsigned count = 0;
	uint64_t start = rdtsc();

	trap_register(LAPIC_TEST_VECTOR, count_vector, &count);
	lapic_timer_start(APIC_LVT_ONESHOT, LAPIC_TEST_VECTOR, (uint32_t)(lapic_timer_hz() / 200));
	bool came = counted(&count, 1, 500000);
	uint64_t elapsed = rdtsc() - start;
	clock_delay_us(12000);
	uint32_t current = lapic_read(APIC_CURRENT_COUNT);
	restore_tick();
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(came && count == 1);
	CHECK(current == 0);
	CHECK(elapsed > clock_hz() / 400); /* asked for 5 ms: not before 2.5 */
	return true;
}

/*
 * An interrupt that waits for RFLAGS.IF goes on waiting while the timer, which is the host's too, comes. (Bochs's
 * virtual-interrupt delivery fails here: vmx_caps.c.)
 */
static bool held_back(void)
{
	unsigned count = 0;

	trap_register(LAPIC_TEST_VECTOR, count_vector, &count);
	lapic_timer_start(APIC_LVT_ONESHOT, LAPIC_TIMER_VECTOR, (uint32_t)(lapic_timer_hz() / 4000));
	cpuid(0); /* the last exit of a VM before the timer's */
	cli();
	if (lapic_is_x2apic())
		lapic_write(APIC_SELF_IPI, LAPIC_TEST_VECTOR);
	else
		lapic_send(0, LAPIC_TEST_VECTOR | APIC_ICR_ASSERT | APIC_ICR_TO_SELF);
	clock_delay_us(3000);
	const unsigned held = load(&count);
	sti();
	const bool came = counted(&count, 1, 100000);
	restore_tick();
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(held == 0);
	CHECK(came);
	return true;
}

static bool periodic(void)
{
	unsigned count = 0;

	trap_register(LAPIC_TEST_VECTOR, count_vector, &count);
	lapic_timer_start(APIC_LVT_PERIODIC, LAPIC_TEST_VECTOR, (uint32_t)(lapic_timer_hz() / 200));
	bool came = counted(&count, 4, 500000);
	restore_tick();
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(came);
	return true;
}

static bool tsc_deadline(void)
{
	unsigned count = 0;
	uint64_t deadline = clock_after_us(10000);

	trap_register(LAPIC_TEST_VECTOR, count_vector, &count);
	lapic_timer_deadline(LAPIC_TEST_VECTOR, deadline);
	bool came = counted(&count, 1, 500000);
	uint64_t at = rdtsc(), armed = rdmsr(IA32_TSC_DEADLINE);
	lapic_timer_deadline(LAPIC_TEST_VECTOR, 1); /* long past: at once */
	bool at_once = counted(&count, 2, 500000);
	restore_tick();
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(came && at >= deadline);
	CHECK(armed == 0 || armed == deadline); /* Bochs 2.7 doesn't clear it (10.5.4.1) */
	CHECK(at_once);
	return true;
}

static bool ioapic_registers(void)
{
	CHECK(machine.ioapic_address >= 0xf0000000u);
	CHECK(ioapic_inputs() >= 16 && ioapic_inputs() <= 240);
	for (unsigned i = 0; i < ioapic_inputs(); i++)
		CHECK((ioapic_read(IOAPIC_REDTBL(i)) & IOAPIC_RED_MASKED) != 0);
	return true;
}

const struct test tests_apic[] = {
	{"local-apic-registers", registers_good, without_lapic},
	{"self-ipi", self_ipi, without_lapic},
	{"self-ipi-register", self_ipi_register, without_x2apic},
	{"pv-eoi", pv_eoi_works, without_pv_eoi},
	{"task-priority", task_priority, without_lapic},
	{"sti-shadow", sti_shadow, without_lapic},
	{"nmi", nmi, without_lapic},
	{"apic-timer-one-shot", one_shot, without_lapic},
	{"held-back", held_back, without_lapic},
	{"apic-timer-periodic", periodic, without_lapic},
	{"apic-timer-tsc-deadline", tsc_deadline, without_deadline},
	{"io-apic-registers", ioapic_registers, without_ioapic},
	{NULL, NULL, NULL},
};
