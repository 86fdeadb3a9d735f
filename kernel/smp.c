/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/smp.h"

#include "kernel/address.h"
#include "kernel/apic.h"
#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/fpu.h"
#include "kernel/irq.h"
#include "kernel/paging.h"
#include "kernel/topology.h"
#include "kernel/x86.h"
#include "lib/string.h"

/* ---- starting ---- */

void smp_ap_main(void);
extern const char trampoline_start[], trampoline_end[];

#define START_MS 10000u /* how long a CPU may take to appear: an emulated one may have to wait for its turn */

static struct cpu *starting;

/* An application processor's first C, on trampoline.S's stack and boot.S's tables. */
void smp_ap_main(void)
{
	struct cpu *cpu = starting;

	cpu_enable_nx();
	paging_init_cpu();
	cpu_init(cpu);
	idt_load();
	apic_init_cpu();
	fpu_init_cpu();
	cpu->first_tsc = host_tsc();
	sched_idle();
}

static bool wait_online(const struct cpu *cpu, uint64_t ms)
{
	uint64_t end = host_tsc() + ms * host_tsc_khz();

	while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE) && host_tsc() < end)
		x86_pause();
	return cpu->online != 0;
}

/* All time is measured by the TSC: it must be the same one everywhere. */
static void compare_tsc(const struct cpu *cpu, uint64_t before, uint64_t after)
{
	if (cpu->first_tsc < before || cpu->first_tsc > after)
		host_log("the TSC of CPU %u is not that of CPU 0: %lu is not between %lu and %lu",
			 cpu->index, cpu->first_tsc, before, after);
}

/* Everything that needs memory is made here, so that the other CPU only has to take it. */
static bool start(struct cpu *cpu, uint32_t apic_id_of_cpu)
{
	uint64_t before = host_tsc();
	bool started;

	cpu->apic_id = apic_id_of_cpu;
	cpu_prepare(cpu);
	starting = cpu;
	apic_send_init(cpu->apic_id);
	apic_send_startup(cpu->apic_id, TRAMPOLINE_PHYS);
	started = wait_online(cpu, 10);
	if (!started) {
		/* For CPUs that were not ready for the first message (SDM 3A 9.4.4.1). */
		apic_send_startup(cpu->apic_id, TRAMPOLINE_PHYS);
		started = wait_online(cpu, START_MS);
	}
	if (started)
		compare_tsc(cpu, before, host_tsc());
	return started;
}

void smp_start(uint32_t limit)
{
	uint32_t self = apic_id();
	uint32_t listed = topology.cpu_count < HOST_MAX_CPUS ? topology.cpu_count : HOST_MAX_CPUS;

	cpus[0].apic_id = self;
	cpus[0].online = 1;
	memcpy(phys_to_virt(TRAMPOLINE_PHYS), trampoline_start,
	       (size_t)(trampoline_end - trampoline_start));
	for (uint32_t i = 0; i < listed && cpu_count < limit; i++) {
		if (topology.apic_id[i] == self)
			continue;
		if (start(&cpus[cpu_count], topology.apic_id[i]))
			cpu_count++;
		else
			end_refuse("the CPU with APIC ID %u doesn't start", topology.apic_id[i]);
	}
}

/* ---- messages ---- */

void smp_send_reschedule(struct cpu *cpu)
{
	apic_send(cpu->apic_id, IRQ_RESCHEDULE);
}

void host_kick(unsigned int cpu)
{
	if (cpu != cpu_self()->index && cpu < cpu_count)
		apic_send(cpus[cpu].apic_id, IRQ_KICK);
}

/* ---- calls ----
 *
 * The caller waits with interrupts off, so it serves calls to itself while it does. No lock may be
 * held: whoever waits for it would never answer.
 */

void smp_call_arrived(void)
{
	struct cpu *cpu = cpu_self();
	void (*fn)(void *) = __atomic_load_n(&cpu->call, __ATOMIC_ACQUIRE);

	if (fn != NULL) {
		fn(cpu->call_arg);
		__atomic_store_n(&cpu->call, NULL, __ATOMIC_RELEASE);
	}
}

static void post(struct cpu *cpu, void (*fn)(void *arg), void *arg)
{
	while (__atomic_exchange_n(&cpu->call_claimed, true, __ATOMIC_ACQUIRE)) {
		smp_call_arrived();
		x86_pause();
	}
	cpu->call_arg = arg;
	__atomic_store_n(&cpu->call, fn, __ATOMIC_RELEASE);
	apic_send(cpu->apic_id, IRQ_CALL);
}

static void finish(struct cpu *cpu)
{
	while (__atomic_load_n(&cpu->call, __ATOMIC_ACQUIRE) != NULL) {
		smp_call_arrived();
		x86_pause();
	}
	__atomic_store_n(&cpu->call_claimed, false, __ATOMIC_RELEASE);
}

void smp_call(struct cpu *cpu, void (*fn)(void *arg), void *arg)
{
	post(cpu, fn, arg);
	finish(cpu);
}

void host_on_each_cpu(void (*fn)(void *arg), void *arg)
{
	for (unsigned int i = 0; i < cpu_count; i++)
		if (&cpus[i] != cpu_self())
			post(&cpus[i], fn, arg);
	fn(arg);
	for (unsigned int i = 0; i < cpu_count; i++)
		if (&cpus[i] != cpu_self())
			finish(&cpus[i]);
}

/* ---- the end ---- */

void smp_stop_here(void)
{
	cpu_self()->stopped = 1;
	x86_stop();
}

#define STOP_PATIENCE 1000000u /* polls */

static bool is_other(unsigned int i)
{
	return &cpus[i] != cpu_self() && cpus[i].online;
}

static void wait_stopped(void)
{
	for (unsigned int i = 0; i < cpu_count; i++)
		for (unsigned int n = 0; n < STOP_PATIENCE && is_other(i) && !cpus[i].stopped; n++)
			x86_pause();
}

void smp_halt_others(void (*fn)(void *arg))
{
	for (unsigned int i = 0; i < cpu_count; i++)
		if (is_other(i))
			post(&cpus[i], fn, NULL);
	wait_stopped();
}

void smp_stop_others(void)
{
	for (unsigned int i = 0; i < cpu_count; i++)
		if (is_other(i))
			apic_send_nmi(cpus[i].apic_id);
	wait_stopped();
}
