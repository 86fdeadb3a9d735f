/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/smp.h"

#include "guests/dummy/clock.h"
#include "guests/dummy/lapic.h"
#include "guests/dummy/machine.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/sched.h"
#include "guests/dummy/spinlock.h"
#include "guests/dummy/syscall.h"
#include "guests/dummy/timer.h"
#include "guests/dummy/trampoline.h"
#include "lib/string.h"
#include "lib/x86/apic.h"
#include "lib/x86/cpu.h"

#define STACK_BYTES 8192
#define START_LIMIT_US 1000000
#define CALL_LIMIT_US  5000000

/* in trampoline.S */
extern const uint8_t trampoline_start[], trampoline_end[];
extern const uint8_t trampoline_root[], trampoline_stack[], trampoline_entry[], trampoline_efer[],
	trampoline_index[];

static uint8_t stacks[CPUS_MAX][STACK_BYTES] __attribute__((aligned(16)));
static unsigned running = 1;
static unsigned starts[CPUS_MAX];

/* One request to each CPU at a time. */
static struct {
	struct spinlock lock;
	void (*fn)(uint64_t arg);
	uint64_t arg;
	bool pending;
} calls[CPUS_MAX];

unsigned smp_cpus(void)
{
	return __atomic_load_n(&running, __ATOMIC_ACQUIRE);
}

unsigned smp_starts(unsigned cpu)
{
	return __atomic_load_n(&starts[cpu], __ATOMIC_ACQUIRE);
}

static void set_variable(const uint8_t *label, uint64_t value, size_t size)
{
	memcpy((uint8_t *)TRAMPOLINE_PAGE + (label - trampoline_start), &value, size);
}

static _Noreturn void ap_main(uint32_t index)
{
	cpu_init(index, (uintptr_t)stacks[index] + STACK_BYTES);
	lapic_enable(false);
	this_cpu()->apic_id = lapic_id();
	syscall_init_cpu();
	sched_init_cpu();
	timer_init_ap();
	__atomic_fetch_add(&starts[index], 1, __ATOMIC_RELEASE);
	for (;;)
		sched_idle_once();
}

static void prepare_trampoline(void)
{
	memcpy((void *)TRAMPOLINE_PAGE, trampoline_start,
	       (size_t)(trampoline_end - trampoline_start));
	set_variable(trampoline_root, paging_kernel_root(), 8);
	set_variable(trampoline_entry, (uintptr_t)ap_main, 8);
	set_variable(trampoline_efer, EFER_LME | (cpu_features.nx ? EFER_NXE : 0), 4);
}

static bool wait_start(unsigned index, unsigned before, uint64_t us)
{
	uint64_t end = clock_after_us(us);

	while (smp_starts(index) == before && !clock_passed(end))
		cpu_pause();
	return smp_starts(index) != before;
}

/* SDM vol. 3, 8.4.4.1: INIT, 10 ms, start-up, and once more if it doesn't come. */
static bool start_cpu(unsigned index, uint32_t apic_id)
{
	const unsigned before = smp_starts(index);

	set_variable(trampoline_index, index, 4);
	set_variable(trampoline_stack, (uintptr_t)stacks[index] + STACK_BYTES, 8);
	lapic_send(apic_id, APIC_DM_INIT | APIC_ICR_ASSERT);
	clock_delay_us(10000);
	lapic_send(apic_id, SMP_STARTUP);
	if (wait_start(index, before, 2000))
		return true;
	lapic_send(apic_id, SMP_STARTUP);
	return wait_start(index, before, START_LIMIT_US);
}

static bool call_handler(struct trap_frame *frame, void *ctx)
{
	unsigned cpu = cpu_index();

	(void)frame;
	(void)ctx;
	if (__atomic_load_n(&calls[cpu].pending, __ATOMIC_ACQUIRE)) {
		calls[cpu].fn(calls[cpu].arg);
		__atomic_store_n(&calls[cpu].pending, false, __ATOMIC_RELEASE);
	}
	lapic_eoi();
	return true;
}

static void start_all(void)
{
	for (unsigned i = 0; i < machine.cpus; i++) {
		uint32_t id = machine.apic_ids[i];
		unsigned index = smp_cpus();

		if (id == lapic_id())
			continue;
		if (!lapic_is_x2apic() && id > 0xfe)
			continue;
		if (start_cpu(index, id))
			__atomic_store_n(&running, index + 1, __ATOMIC_RELEASE);
		else
			tap_note("the CPU with APIC identifier %u did not start", id);
	}
}

/* Between these calls, code may be executed in the trampoline's page. */
static void open_trampoline(void)
{
	prepare_trampoline();
	paging_protect(paging_kernel_root(), TRAMPOLINE_PAGE, PTE_RW);
}

static void close_trampoline(void)
{
	paging_protect(paging_kernel_root(), TRAMPOLINE_PAGE, PTE_RW | PTE_XD | PTE_G);
}

void smp_init(void)
{
	uint64_t rights;

	trap_register(LAPIC_CALL_VECTOR, call_handler, NULL);
	if (!machine.has_madt || machine.cpus < 2 || cmdline_flag("smp=0") ||
	    !paging_translate(paging_kernel_root(), TRAMPOLINE_PAGE, NULL, &rights))
		return;
	open_trampoline();
	start_all();
	close_trampoline();
}

bool smp_start_again(unsigned cpu)
{
	bool started;

	open_trampoline();
	started = start_cpu(cpu, cpu_get(cpu)->apic_id);
	close_trampoline();
	return started;
}

bool smp_call(unsigned cpu, void (*fn)(uint64_t arg), uint64_t arg)
{
	uint64_t end = clock_after_us(CALL_LIMIT_US);

	spin_lock(&calls[cpu].lock);
	calls[cpu].fn = fn;
	calls[cpu].arg = arg;
	__atomic_store_n(&calls[cpu].pending, true, __ATOMIC_RELEASE);
	lapic_send(cpu_get(cpu)->apic_id, LAPIC_CALL_VECTOR | APIC_ICR_ASSERT);
	while (__atomic_load_n(&calls[cpu].pending, __ATOMIC_ACQUIRE) && !clock_passed(end))
		cpu_pause();

	bool done = !__atomic_load_n(&calls[cpu].pending, __ATOMIC_ACQUIRE);

	spin_unlock(&calls[cpu].lock);
	return done;
}

static void invalidate(uint64_t la)
{
	invlpg((const void *)la);
}

bool smp_invalidate(uint64_t la)
{
	bool all = true;

	invalidate(la);
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++)
		all &= cpu == cpu_index() || smp_call(cpu, invalidate, la);
	return all;
}
