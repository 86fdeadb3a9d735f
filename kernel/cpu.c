/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/cpu.h"
#include "kernel/end.h"

#include "kernel/paging.h"
#include "kernel/syscall.h"
#include "kernel/x86.h"
#include "kernel/x86_boot.h"

_Static_assert(offsetof(struct cpu, self) == CPU_SELF, "layout.h");
_Static_assert(offsetof(struct cpu, kernel_rsp) == CPU_KERNEL_RSP, "layout.h");
_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "layout.h");
_Static_assert(offsetof(struct cpu, work) == CPU_WORK, "layout.h");
_Static_assert(PTE_P == PTE_P_ && PTE_W == PTE_W_ && PTE_PS == PTE_PS_, "x86_boot.h");
_Static_assert(CR4_PAE == CR4_PAE_ && CR0_PE == CR0_PE_ && CR0_PG == CR0_PG_, "x86_boot.h");
_Static_assert(EFER_LME == EFER_LME_ && EFER_NXE == EFER_NXE_, "x86_boot.h");
_Static_assert(MSR_EFER == MSR_EFER_ && MSR_GS_BASE == MSR_GS_BASE_, "x86_boot.h");

struct cpu cpus[HOST_MAX_CPUS];
unsigned int cpu_count = 1;
struct cpu_features cpu_features;

/* CPUID leaves (SDM 2A, CPUID, table 3-8). */
#define LEAF1_ECX_X2APIC       (1u << 21)
#define LEAF1_ECX_TSC_DEADLINE (1u << 24)
#define LEAF1_ECX_XSAVE	       (1u << 26)
#define LEAF7_EBX_SMEP	       (1u << 7)
#define LEAF7_EBX_SMAP	       (1u << 20)
#define LEAF7_ECX_UMIP	       (1u << 2)
#define EXT1_EDX_NX	       (1u << 20)
#define EXT1_EDX_PAGE_1G       (1u << 26)
#define EXT1_EDX_SYSCALL       (1u << 11)

void cpu_features_init(void)
{
	struct x86_cpuid basic = x86_cpuid(1, 0);
	struct x86_cpuid extended = x86_cpuid(0x80000001, 0);
	struct x86_cpuid leaf7 = {0};

	if (x86_cpuid(0, 0).eax >= 7)
		leaf7 = x86_cpuid(7, 0);
	if ((extended.edx & EXT1_EDX_NX) == 0)
		end_refuse("this CPU cannot protect pages from execution (no NX)");
	if ((extended.edx & EXT1_EDX_SYSCALL) == 0)
		end_refuse("this CPU has no SYSCALL instruction");
	cpu_features = (struct cpu_features){
		.page_1g = (extended.edx & EXT1_EDX_PAGE_1G) != 0,
		.smep = (leaf7.ebx & LEAF7_EBX_SMEP) != 0,
		.smap = (leaf7.ebx & LEAF7_EBX_SMAP) != 0,
		.umip = (leaf7.ecx & LEAF7_ECX_UMIP) != 0,
		.xsave = (basic.ecx & LEAF1_ECX_XSAVE) != 0,
		.x2apic = (basic.ecx & LEAF1_ECX_X2APIC) != 0,
		.tsc_deadline = (basic.ecx & LEAF1_ECX_TSC_DEADLINE) != 0,
	};
}

static void control_registers_init(void)
{
	uint64_t cr4 = CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_DE;

	cr4 |= cpu_features.smep ? CR4_SMEP : 0;
	cr4 |= cpu_features.smap ? CR4_SMAP : 0;
	cr4 |= cpu_features.umip ? CR4_UMIP : 0;
	cr4 |= cpu_features.xsave ? CR4_OSXSAVE : 0;
	x86_write_cr4(cr4);
	/* TS: the first FPU instruction of each thread comes to fpu.c. */
	x86_write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_TS | CR0_PG);
}

static void syscall_init(void)
{
	x86_wrmsr(MSR_STAR, (uint64_t)(SEL_KERNEL_DATA | 3) << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
	x86_wrmsr(MSR_LSTAR, (uintptr_t)syscall_entry);
	x86_wrmsr(MSR_CSTAR, 0);
	x86_wrmsr(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT |
				     RFLAGS_RF | RFLAGS_AC);
}

void cpu_enable_nx(void)
{
	x86_wrmsr(MSR_EFER, x86_rdmsr(MSR_EFER) | EFER_NXE | EFER_SCE);
}

void cpu_set_base(struct cpu *cpu)
{
	cpu->self = cpu;
	cpu->index = (uint32_t)(cpu - cpus);
	x86_wrmsr(MSR_FS_BASE, 0);
	x86_wrmsr(MSR_GS_BASE, (uintptr_t)cpu);
	x86_wrmsr(MSR_KERNEL_GS_BASE, 0);
}

void cpu_prepare(struct cpu *cpu)
{
	uint64_t idle_stack = paging_map_stack(NULL);

	if (idle_stack == 0)
		end_refuse("too little memory for the stacks of CPU %u", cpu->index);
	cpu->self = cpu;
	cpu->index = (uint32_t)(cpu - cpus);
	gdt_prepare(cpu);
	sched_init(cpu, idle_stack);
}

void cpu_init(struct cpu *cpu)
{
	gdt_load(cpu);
	cpu_set_base(cpu); /* loading GS has cleared its base */
	control_registers_init();
	syscall_init();
}
