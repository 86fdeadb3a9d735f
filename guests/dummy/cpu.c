/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/cpu.h"

#include "guests/dummy/exit.h"
#include "guests/dummy/trap.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"

#define IST_COUNT	3
#define IST_STACK_BYTES 4096

struct cpu_features cpu_features;

static struct cpu cpus[CPUS_MAX];
static uint8_t ist_stacks[CPUS_MAX][IST_COUNT][IST_STACK_BYTES] __attribute__((aligned(16)));

struct cpu *cpu_get(unsigned index)
{
	if (index >= CPUS_MAX)
		panic("CPU %u does not exist", index);
	return &cpus[index];
}

static void read_basic_features(void)
{
	struct cpuid_regs version = cpuid(CPUID_VERSION);
	struct cpuid_regs vendor = cpuid(CPUID_VENDOR);

	cpu_features.amd = vendor.ebx == 0x68747541; /* "Auth" */
	cpu_features.apic = (version.edx & CPUID_1_EDX_APIC) != 0;
	cpu_features.x2apic = (version.ecx & CPUID_1_ECX_x2APIC) != 0;
	cpu_features.tsc_deadline = (version.ecx & CPUID_1_ECX_TSC_DEADLINE) != 0;
	cpu_features.xsave = (version.ecx & CPUID_1_ECX_XSAVE) != 0;
	cpu_features.avx = cpu_features.xsave && (version.ecx & CPUID_1_ECX_AVX) != 0;
	if (vendor.eax >= CPUID_FEATURES) {
		struct cpuid_regs r = cpuid(CPUID_FEATURES);

		cpu_features.fsgsbase = (r.ebx & CPUID_7_EBX_FSGSBASE) != 0;
		cpu_features.smep = (r.ebx & CPUID_7_EBX_SMEP) != 0;
		cpu_features.smap = (r.ebx & CPUID_7_EBX_SMAP) != 0;
		cpu_features.umip = (r.ecx & CPUID_7_ECX_UMIP) != 0;
	}
}

static void read_extended_features(void)
{
	struct cpuid_regs features = cpuid(CPUID_EXT_FEATURES);

	cpu_features.nx = (features.edx & CPUID_80000001_EDX_NX) != 0;
	cpu_features.pages_1g = (features.edx & CPUID_80000001_EDX_PAGE1GB) != 0;
	cpu_features.rdtscp = (features.edx & CPUID_80000001_EDX_RDTSCP) != 0;
	cpu_features.physical_bits = 36;
	if (cpuid(CPUID_EXT_MAX).eax >= CPUID_EXT_ADDRESSES)
		cpu_features.physical_bits = cpuid(CPUID_EXT_ADDRESSES).eax & 0xff;
}

void cpu_features_init(void)
{
	read_basic_features();
	read_extended_features();
}

static void init_control_registers(void)
{
	uint64_t cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_PGE | CR4_DE;

	if (cpu_features.xsave)
		cr4 |= CR4_OSXSAVE;
	if (cpu_features.smep)
		cr4 |= CR4_SMEP;
	if (cpu_features.smap)
		cr4 |= CR4_SMAP;
	if (cpu_features.umip)
		cr4 |= CR4_UMIP;
	write_cr4(cr4);
	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS | CR0_CD | CR0_NW)) | CR0_MP | CR0_NE | CR0_WP |
		  CR0_AM);
	if (cpu_features.xsave)
		xsetbv(0, XCR0_X87 | XCR0_SSE | (cpu_features.avx ? XCR0_AVX : 0));
	__asm__ volatile("fninit");
}

static void fill_gdt(struct cpu *cpu)
{
	struct desc128 tss = desc_tss64(&cpu->tss, sizeof(cpu->tss) - 1);

	cpu->gdt[KERNEL_CS >> 3] = DESC_CODE64(0u);
	cpu->gdt[KERNEL_DS >> 3] = DESC_DATA(0u);
	cpu->gdt[USER_CS32 >> 3] = DESC_CODE32(3u);
	cpu->gdt[USER_DS >> 3] = DESC_DATA(3u);
	cpu->gdt[USER_CS >> 3] = DESC_CODE64(3u);
	cpu->gdt[TSS_SELECTOR >> 3] = tss.low;
	cpu->gdt[(TSS_SELECTOR >> 3) + 1] = tss.high;
	cpu->gdt[CPU_SELECTOR >> 3] =
		DESC_SEGMENT(0u, cpu->index,
			     DESC_ATTRIBUTES(SEG_TYPE_WRITABLE | SEG_TYPE_ACCESSED, 0));
}

static void fill_tss(struct cpu *cpu)
{
	cpu->tss = (struct tss64){.iomap_base = sizeof(struct tss64)};
	for (unsigned i = 0; i < IST_COUNT; i++)
		cpu->tss.ist[i] = (uintptr_t)ist_stacks[cpu->index][i] + IST_STACK_BYTES;
}

static void load_segments(const struct cpu *cpu)
{
	struct desc_ptr gdt = {sizeof(cpu->gdt) - 1, (uintptr_t)cpu->gdt};

	lgdt(&gdt);
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "movl %1, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%ss\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "movl %%eax, %%fs\n\t"
			 "movl %%eax, %%gs"
			 :
			 : "i"(KERNEL_CS), "i"(KERNEL_DS)
			 : "rax", "memory");
	ltr(TSS_SELECTOR);
}

void cpu_init(unsigned index, uint64_t stack_top)
{
	struct cpu *cpu = &cpus[index];

	cpu->index = index;
	fill_tss(cpu);
	fill_gdt(cpu);
	load_segments(cpu);
	wrmsr(IA32_KERNEL_GS_BASE, (uintptr_t)cpu);
	cpu_set_kernel_stack(stack_top);
	init_control_registers();
	trap_load_idt();
}

void cpu_set_kernel_stack(uint64_t stack_top)
{
	struct cpu *cpu = this_cpu();

	cpu->kernel_rsp = stack_top;
	cpu->tss.rsp[0] = stack_top;
}
