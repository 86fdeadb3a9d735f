/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/hardware.h"

#include "kernel/apic.h"
#include "kernel/cpu.h"
#include "kernel/health.h"
#include "kernel/irq.h"
#include "kernel/panic.h"
#include "kernel/partition.h"
#include "kernel/trap.h"
#include "kernel/x86.h"

/* SDM 3B 16.3: the machine-check architecture. */
#define CPUID_1_EDX_MCA	   (1u << 14)
#define MSR_MCG_CAP	   0x179u
#define MSR_MCG_STATUS	   0x17au
#define MSR_MC_STATUS(i)   (0x401u + 4 * (i))
#define MSR_MC_ADDR(i)	   (0x402u + 4 * (i))
#define MCG_CAP_BANKS	   0xffu
#define MCG_STATUS_RIPV	   (UINT64_C(1) << 0)
#define MC_STATUS_PCC	   (UINT64_C(1) << 57)
#define MC_STATUS_ADDRV	   (UINT64_C(1) << 58)
#define MC_STATUS_VAL	   (UINT64_C(1) << 63)

/* What a CPU has noted; written and read by it alone. */
static struct noted {
	volatile uint32_t nmis;
	volatile bool check;
	bool fatal;
	uint64_t status, address;
} noted[HOST_MAX_CPUS];

void hardware_nmi(void)
{
	noted[cpu_self()->index].nmis++;
	apic_send_self(IRQ_HARDWARE);
}

static void read_bank(struct noted *note, uint32_t i)
{
	uint64_t status = x86_rdmsr(MSR_MC_STATUS(i));

	if ((status & MC_STATUS_VAL) == 0)
		return;
	note->fatal |= (status & MC_STATUS_PCC) != 0;
	note->status = status;
	note->address = (status & MC_STATUS_ADDRV) != 0 ? x86_rdmsr(MSR_MC_ADDR(i)) : 0;
	x86_wrmsr(MSR_MC_STATUS(i), 0);
}

static void read_banks(struct noted *note)
{
	note->status = note->address = 0;
	note->fatal = (x86_cpuid(1, 0).edx & CPUID_1_EDX_MCA) == 0;
	if (note->fatal)
		return;
	for (uint32_t i = 0; i < (x86_rdmsr(MSR_MCG_CAP) & MCG_CAP_BANKS); i++)
		read_bank(note, i);
	note->fatal |= (x86_rdmsr(MSR_MCG_STATUS) & MCG_STATUS_RIPV) == 0;
}

/* Ring 3, or the idle loop's sleep: nothing of the kernel's is half done. */
static bool can_leave(const struct trap_frame *frame)
{
	return trap_from_user(frame) ||
	       (cpu_self()->current == &cpu_self()->idle && (frame->rflags & RFLAGS_IF) != 0);
}

void hardware_machine_check(struct trap_frame *frame)
{
	struct noted *note = &noted[cpu_self()->index];

	read_banks(note);
	if (frame != NULL && !can_leave(frame))
		panic_exception(frame);
	if (note->fatal)
		host_panic("machine check, status %lx, address %lx", note->status, note->address);
	note->check = true;
	apic_send_self(IRQ_HARDWARE);
	x86_wrmsr(MSR_MCG_STATUS, 0); /* the next one no longer shuts the CPU down */
}

static void report_check(const struct noted *note)
{
	const struct thread *self = cpu_self()->current;

	health_report(self->partition != NULL ? self->partition->index : HEALTH_MODULE,
		      SYSTEM_ERROR_HARDWARE_FAULT,
		      self->partition != NULL ? self->index : HEALTH_NO_THREAD, note->address,
		      note->status);
}

void hardware_interrupt(void)
{
	struct noted *note = &noted[cpu_self()->index];
	uint32_t nmis = __atomic_exchange_n(&note->nmis, 0, __ATOMIC_SEQ_CST);

	if (nmis != 0)
		health_report(HEALTH_MODULE, SYSTEM_ERROR_NMI, HEALTH_NO_THREAD, 0, nmis);
	if (__atomic_exchange_n(&note->check, false, __ATOMIC_SEQ_CST))
		report_check(note);
}
