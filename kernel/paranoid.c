/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/paranoid.h"

#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "kernel/syscall.h"
#include "kernel/x86.h"

#define CR4_FIXED (CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_DE)
#define CR0_FIXED (CR0_PE | CR0_MP | CR0_NE | CR0_WP | CR0_PG)
#define EFER_FIXED (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

#define CANARY UINT64_C(0x5afe57acc0ffee00)

static void check_control_registers(void)
{
	uint64_t cr4 = x86_read_cr4();

	KASSERT((x86_read_cr0() & CR0_FIXED) == CR0_FIXED);
	KASSERT((x86_read_cr0() & (CR0_CD | CR0_NW)) == 0);
	KASSERT((cr4 & CR4_FIXED) == CR4_FIXED && (cr4 & CR4_FSGSBASE) == 0);
	KASSERT(((cr4 & CR4_SMEP) != 0) == cpu_features.smep);
	KASSERT(((cr4 & CR4_SMAP) != 0) == cpu_features.smap);
	KASSERT(((cr4 & CR4_UMIP) != 0) == cpu_features.umip);
	KASSERT((x86_rdmsr(MSR_EFER) & EFER_FIXED) == EFER_FIXED);
}

void paranoid_check(void)
{
	const struct cpu *cpu = cpu_self();

	KASSERT((x86_rflags() & (RFLAGS_IF | RFLAGS_DF | RFLAGS_AC)) == 0);
	KASSERT(cpu->self == cpu && x86_rdmsr(MSR_GS_BASE) == (uintptr_t)cpu);
	KASSERT(cpu->root == 0 || (x86_read_cr3() & PTE_ADDR) == cpu->root);
	KASSERT(cpu->current->cpu == cpu && cpu->kernel_rsp == cpu->tss->rsp[0]);
	check_control_registers();
	paranoid_check_stack(cpu->current->stack_top);
}

/* The system call MSRs may be the guest's only as long as restore() waits to be called. */
void paranoid_check_exit(void)
{
	const struct cpu *cpu = cpu_self();
	bool mine = cpu->fpu_owner == &cpu->current->fpu;

	paranoid_check();
	KASSERT(cpu->work == 0 && cpu->current->state == THREAD_READY);
	KASSERT(cpu->current->root == cpu->root && cpu->kernel_rsp == cpu->current->stack_top);
	KASSERT(mine || (x86_read_cr0() & CR0_TS) != 0);
	KASSERT(x86_rdmsr(MSR_LSTAR) == (uintptr_t)syscall_entry);
	KASSERT(x86_rdmsr(MSR_KERNEL_GS_BASE) == 0);
}

void paranoid_check_runq(const struct runq *runq)
{
	for (unsigned int i = 0; i < HYPIKE_PRIORITIES; i++) {
		const struct list *head = &runq->ready[i];

		KASSERT(list_empty(head) == ((runq->bitmap >> i & 1) == 0));
		KASSERT(head->next->prev == head && head->prev->next == head);
		if (!list_empty(head))
			KASSERT(list_entry(head->next, struct thread, node)->state == THREAD_READY);
	}
}

static uint64_t *canary_of(uint64_t top)
{
	return (uint64_t *)(top - STACK_SIZE);
}

void paranoid_mark_stack(uint64_t top)
{
	*canary_of(top) = CANARY;
}

void paranoid_check_stack(uint64_t top)
{
	KASSERT(*canary_of(top) == CANARY);
}
