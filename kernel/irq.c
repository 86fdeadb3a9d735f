/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/irq.h"

#include "kernel/apic.h"
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/device.h"
#include "kernel/hardware.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/trace.h"
#include "kernel/x86.h"

static void reschedule(void)
{
	struct cpu *cpu = cpu_self();

	cpu->work |= WORK_RESCHEDULE;
	if (cpu->current->stop)
		cpu->work |= WORK_STOP;
}

/* Having come out of the guest is all that was wanted. */
static void kicked(void)
{
}

static void (*const handlers[256])(void) = {
	[IRQ_CONSOLE] = console_interrupt,
	[IRQ_TIMER] = timer_run,
	[IRQ_RESCHEDULE] = reschedule,
	[IRQ_KICK] = kicked,
	[IRQ_CALL] = smp_call_arrived,
	[IRQ_HARDWARE] = hardware_interrupt,
};

/* SDM 3A 11.9: a spurious interrupt is in service nowhere, so it gets no EOI; nor do the 8259s'. */
static void unexpected(uint8_t vector)
{
	if (vector >= IRQ_LEGACY + 16 && apic_in_service(vector))
		apic_eoi();
}

void irq_dispatch(uint8_t vector)
{
	cpu_self()->interrupts[vector]++;
	trace(TRACE_INTERRUPT, TRACE_NO_PARTITION, vector, 0);
	if (vector >= IRQ_DEVICE && vector < IRQ_DEVICE + IRQ_DEVICES) {
		device_interrupt(vector);
		return;
	}
	if (handlers[vector] == NULL) {
		unexpected(vector);
		return;
	}
	apic_eoi();
	handlers[vector]();
}

void irq_nmi(struct trap_frame *frame)
{
	(void)frame;
	host_nmi();
}

void host_nmi(void)
{
	struct cpu *cpu = cpu_self();

	cpu->interrupts[VECTOR_NMI]++;
	if (panic_elsewhere())
		smp_stop_here();
	hardware_nmi();
}

void host_machine_check(void)
{
	hardware_machine_check(NULL);
}
