/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/attack/machine.h"

#include "guests/attack/act.h"

#include "lib/string.h"
#include "lib/x86/apic.h"
#include "lib/x86/cpuid.h"

#include <hypike/pv_x86.h>

struct machine machine;

/* in guest.ld */
extern const uint8_t image_start[], rodata_end[];

#define CPUID_BRAND 0x80000002u
#define CANARY	    0x5a

/* MSRs that acts change, with the values to go back to. TSC and local APIC are not among them. */
static const uint32_t kept_msr[] = {
	IA32_FS_BASE,	   IA32_GS_BASE,     IA32_KERNEL_GS_BASE, IA32_STAR,	     IA32_LSTAR,
	IA32_CSTAR,	   IA32_FMASK,	     IA32_SYSENTER_CS,	  IA32_SYSENTER_ESP, IA32_SYSENTER_EIP,
	IA32_PAT,	   IA32_MTRR_DEF_TYPE,
};
#define KEPT_MSRS (sizeof(kept_msr) / sizeof(kept_msr[0]))

static struct {
	uint64_t cr0, cr4, efer, xcr0, apic_base;
	uint64_t msr[KEPT_MSRS];
	bool has_msr[KEPT_MSRS];
	struct desc_ptr gdt, idt;
	uint64_t checksum;
	uint64_t tsc;
} kept;

static uint8_t canary[4096] __attribute__((aligned(4096)));
static uint8_t fpu_start[1024] __attribute__((aligned(64)));

/* Linear addresses of the windows, far from everything else. */
#define WINDOW_4K X86_U64(0x0000700000000000)
#define WINDOW_2M X86_U64(0x0000710000000000)
#define WINDOW_1G X86_U64(0x0000720000000000)

/* ------------------------------------------------------------------------------------- what it is */

static bool on_hypike(void)
{
	const struct cpuid_regs r = cpuid(PV_X86_LEAF);

	return (cpuid(CPUID_VERSION).ecx & CPUID_1_ECX_HYPERVISOR) != 0 &&
	       r.ebx == PV_X86_SIGNATURE_EBX && r.ecx == PV_X86_SIGNATURE_ECX &&
	       r.edx == PV_X86_SIGNATURE_EDX;
}

/* The brand string begins with "QEMU TCG". */
static bool on_tcg(void)
{
	const struct cpuid_regs r = cpuid(CPUID_BRAND);

	return r.eax == 0x554d4551 && r.ebx == 0x47435420;
}

static uint64_t find_ram_end(void)
{
	const struct boot_info *const boot = boot_info();
	uint64_t end = 0;

	for (unsigned i = 0; i < boot->regions_count; i++) {
		const struct boot_region *const r = &boot->regions[i];

		if (r->type == 1 && r->start < SIZE_1G * 4 && r->start + r->size > end)
			end = r->start + r->size;
	}
	return end;
}

bool machine_count_trap(struct trap_frame *frame, void *ctx)
{
	volatile unsigned *const count = ctx;

	(void)frame;
	(*count)++;
	return true;
}

const char *unless_hypike(void)
{
	return machine.hypike ? NULL : "the bare machine allows it";
}

const char *unless_tcg(void)
{
	return machine.tcg ? "QEMU's TCG does not check this" : NULL;
}

const char *unless_bare_tcg(void)
{
	return machine.hypike ? NULL : unless_tcg();
}

const char *unless_amd(void)
{
	return machine.amd ? NULL : "AMD only";
}

const char *unless_intel(void)
{
	return machine.amd ? "Intel only" : NULL;
}

const char *unless_xsave(void)
{
	return cpu_features.xsave ? NULL : "the CPU has no XSAVE";
}

const char *unless_apic(void)
{
	return cpu_features.apic ? NULL : "the CPU has no local APIC";
}

/* ------------------------------------------------------------------------------------ remembering */

static uint64_t image_checksum(void)
{
	const uint64_t *const end = (const uint64_t *)(const void *)rodata_end;
	uint64_t sum = 0;

	for (const uint64_t *p = (const uint64_t *)(const void *)image_start; p < end; p++)
		sum = (sum << 1 | sum >> 63) ^ *p;
	return sum;
}

static void read_kept_msr(uint64_t index)
{
	kept.msr[index] = rdmsr(kept_msr[index]);
	kept.has_msr[index] = true;
}

void machine_init(void)
{
	machine = (struct machine){
		.hypike = on_hypike(),
		.amd = cpu_features.amd,
		.tcg = on_tcg(),
		.ram_end = find_ram_end(),
		.physical_end = X86_U64(1) << cpu_features.physical_bits,
	};
	machine.vmmcall = machine.hypike &&
			  (cpuid(PV_X86_LEAF + 1).ebx & PV_X86_USE_VMMCALL) != 0;
	outb(0x21, 0xff); /* the interrupt controllers of a PC */
	outb(0xa1, 0xff);
	memset(canary, CANARY, sizeof(canary));
	fxsave(fpu_start);
	write_cr4(read_cr4() & ~(CR4_SMEP | CR4_SMAP)); /* rings 0 and 3 share pages here */
	kept.cr0 = read_cr0();
	kept.cr4 = read_cr4();
	kept.efer = rdmsr(IA32_EFER);
	kept.xcr0 = cpu_features.xsave ? xgetbv(0) : 0;
	kept.apic_base = cpu_features.apic ? rdmsr(IA32_APIC_BASE) : 0;
	for (uint64_t i = 0; i < KEPT_MSRS; i++)
		try_call(read_kept_msr, i, NULL);
	sgdt(&kept.gdt);
	sidt(&kept.idt);
	kept.checksum = image_checksum();
	kept.tsc = rdtsc();
}

void *machine_window(uint64_t pa, uint64_t size, uint64_t flags)
{
	const uint64_t la = size == SIZE_1G ? WINDOW_1G : size == SIZE_2M ? WINDOW_2M : WINDOW_4K;

	paging_unmap(paging_kernel_root(), la);
	if (!paging_map(paging_kernel_root(), la, pa, size, flags))
		panic("no window at %lx", pa);
	return (void *)la;
}

/* --------------------------------------------------------------------------------------- restoring */

static void load_data_segments(void)
{
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss; mov %1, %%fs; mov %1, %%gs"
			 :
			 : "r"(KERNEL_DS), "r"(0)
			 : "memory");
}

static void restore_tables(void)
{
	lgdt(&kept.gdt);
	lidt(&kept.idt);
	load_data_segments();
	lldt(0);
	if (str() == TSS_SELECTOR)
		return;
	uint64_t *const tss = (uint64_t *)(uintptr_t)(kept.gdt.base + TSS_SELECTOR);

	*tss &= ~(X86_U64(2) << 40); /* available, not busy */
	ltr(TSS_SELECTOR);
}

static void restore_control(void)
{
	write_cr8(0);
	write_cr0(kept.cr0);
	write_cr4(kept.cr4);
	write_cr3(paging_kernel_root());
	wrmsr(IA32_EFER, kept.efer);
	write_dr7(DR7_FIXED1);
	write_dr6(DR6_FIXED1);
	write_dr0(0);
	write_dr1(0);
	write_dr2(0);
	write_dr3(0);
}

/* From x2APIC mode the way back leads through the disabled state. */
static void restore_apic(void)
{
	if (!cpu_features.apic || rdmsr(IA32_APIC_BASE) == kept.apic_base)
		return;
	wrmsr(IA32_APIC_BASE, kept.apic_base & ~(APIC_BASE_EN | APIC_BASE_EXTD));
	wrmsr(IA32_APIC_BASE, kept.apic_base & ~APIC_BASE_EXTD);
	if ((kept.apic_base & APIC_BASE_EXTD) != 0)
		wrmsr(IA32_APIC_BASE, kept.apic_base);
}

void machine_restore(void)
{
	cli();
	restore_control();
	restore_tables();
	for (size_t i = 0; i < KEPT_MSRS; i++) {
		if (kept.has_msr[i])
			wrmsr(kept_msr[i], kept.msr[i]);
	}
	restore_apic();
	if (cpu_features.xsave)
		xsetbv(0, kept.xcr0);
	fxrstor(fpu_start);
}

bool machine_healthy(void)
{
	const uint64_t now = rdtsc();
	const bool runs = now > kept.tsc;

	kept.tsc = now;
	for (size_t i = 0; i < sizeof(canary); i++) {
		if (canary[i] != CANARY)
			return false;
	}
	return runs && image_checksum() == kept.checksum;
}
