/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/smp.h"

#include "kernel/apic.h"
#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/x86.h"

void smp_send_reschedule(struct cpu *cpu)
{
	apic_send(cpu->apic_id, IRQ_RESCHEDULE);
}

void host_kick(unsigned int cpu)
{
	if (cpu != cpu_self()->index && cpu < cpu_count)
		apic_send(cpus[cpu].apic_id, IRQ_KICK);
}

/* ---- calls ---- */

void smp_call_arrived(void)
{
	struct cpu *cpu = cpu_self();
	void (*fn)(void *) = __atomic_load_n(&cpu->call, __ATOMIC_ACQUIRE);

	if (fn != NULL) {
		fn(cpu->call_arg);
		__atomic_store_n(&cpu->call, NULL, __ATOMIC_RELEASE);
	}
}

static void call(struct cpu *cpu, void (*fn)(void *arg), void *arg)
{
	cpu->call_arg = arg;
	__atomic_store_n(&cpu->call, fn, __ATOMIC_RELEASE);
	apic_send(cpu->apic_id, IRQ_CALL);
}

void host_on_each_cpu(void (*fn)(void *arg), void *arg)
{
	for (unsigned int i = 0; i < cpu_count; i++)
		if (&cpus[i] != cpu_self())
			call(&cpus[i], fn, arg);
	fn(arg);
	for (unsigned int i = 0; i < cpu_count; i++)
		while (__atomic_load_n(&cpus[i].call, __ATOMIC_ACQUIRE) != NULL)
			x86_pause();
}

/* ---- panic ---- */

void smp_stop_here(void)
{
	cpu_self()->stopped = 1;
	x86_stop();
}

#define STOP_PATIENCE 1000000u

void smp_stop_others(void)
{
	for (unsigned int i = 0; i < cpu_count; i++)
		if (&cpus[i] != cpu_self() && cpus[i].online)
			apic_send_nmi(cpus[i].apic_id);
	for (unsigned int i = 0; i < cpu_count; i++)
		for (unsigned int n = 0; n < STOP_PATIENCE && &cpus[i] != cpu_self() &&
					 cpus[i].online && !cpus[i].stopped;
		     n++)
			x86_pause();
}
