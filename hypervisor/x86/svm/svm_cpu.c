/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file svm_cpu.c
 * AMD-V: detection, switching on and off.
 *
 * What VMLOAD brings back after an exit (FS, GS and their bases, KERNEL_GS_BASE, TR, LDTR, STAR,
 * LSTAR, CSTAR, SFMASK, SYSENTER MSRs) is saved once per CPU, in svm_cpu_enable(): the kernel must
 * have given these their final values before driver_cpu_init(), with GS as it is inside the kernel.
 */
#include "hypervisor/x86/svm/svm.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/paging.h"

struct svm_features svm_features;
struct svm_cpu svm_cpus[HOST_MAX_CPUS];

struct page {
	uint8_t bytes[HV_PAGE_SIZE];
} __attribute__((aligned(4096)));
/** 15.30.4: where VMRUN keeps host state, in a format of the CPU's own. */
static struct page hsave[HOST_MAX_CPUS];
/** VMSAVE areas of the hosts. */
static struct page host_area[HOST_MAX_CPUS];

/* ------------------------------------------------------------------------------------ detection */

bool svm_present(void)
{
	return cpuid(CPUID_EXT_MAX).eax >= CPUID_EXT_FEATURES &&
	       (cpuid(CPUID_EXT_FEATURES).ecx & CPUID_80000001_ECX_SVM) != 0;
}

/** CPUID 80000008h EBX: instructions that have intercepts where they exist (APM vol. 3, E.4.7). */
static void find_new_instructions(void)
{
	static const struct {
		uint32_t ebx, intercept_2, intercept_3;
	} rows[] = {
		{1u << 3, 0, SVM_I3_INVLPGB | SVM_I3_INVLPGB_ILLEGAL | SVM_I3_TLBSYNC},
		{1u << 4, SVM_I2_RDPRU, 0},
		{1u << 8, 0, SVM_I3_MCOMMIT},
	};
	const uint32_t ebx = cpuid(CPUID_EXT_ADDRESSES).ebx;

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((ebx & rows[i].ebx) == 0)
			continue;
		svm_features.intercept_2 |= rows[i].intercept_2;
		svm_features.intercept_3 |= rows[i].intercept_3;
	}
}

/** CPUID 1 EAX: family, with the extended family where that counts (APM vol. 3, E.3.2). */
static uint32_t family(void)
{
	const uint32_t eax = cpuid(CPUID_VERSION).eax;
	const uint32_t base = eax >> 8 & 0xfu;

	return base == 0xf ? base + (eax >> 20 & 0xffu) : base;
}

/**
 * Real CPUs have decode assists since family 15h. One that has not is an emulator's: Bochs, which
 * has its own idea of what an exit leaves behind (struct svm_features).
 */
static bool is_bochs(uint32_t edx)
{
	const uint32_t mask = CPUID_8000000A_EDX_NRIPS | CPUID_8000000A_EDX_DECODEASSISTS;

	return family() >= 0x15 && (edx & mask) == CPUID_8000000A_EDX_NRIPS;
}

static void find_features(void)
{
	const struct cpuid_regs r = cpuid(CPUID_EXT_SVM);

	svm_features = (struct svm_features){
		.edx = r.edx,
		.asids = r.ebx,
		.clean = (r.edx & CPUID_8000000A_EDX_VMCBCLEAN) != 0 ? SVM_CLEAN_ALL : 0,
		.rdtscp = (cpuid(CPUID_EXT_FEATURES).edx & CPUID_80000001_EDX_RDTSCP) != 0,
		.qemu = (r.edx & CPUID_8000000A_EDX_NRIPS) == 0,
		.bochs = is_bochs(r.edx),
	};
	find_new_instructions();
}

static void log_features(void)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{CPUID_8000000A_EDX_NRIPS, "next RIP"},
		{CPUID_8000000A_EDX_FLUSHBYASID, "flush by ASID"},
		{CPUID_8000000A_EDX_DECODEASSISTS, "decode assists"},
		{CPUID_8000000A_EDX_VMCBCLEAN, "VMCB clean bits"},
		{CPUID_8000000A_EDX_PAUSEFILTER, "pause filter"},
		{CPUID_8000000A_EDX_VGIF, "virtual GIF"},
		{CPUID_8000000A_EDX_AVIC, "AVIC"},
	};

	host_log("svm: AMD-V with nested paging, %u ASIDs\n", svm_features.asids);
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		host_log("svm: %s: %s\n", names[i].name, svm_has(names[i].bit) ? "yes" : "no");
}

/** 15.4: SVMDIS can be cleared by software unless it is locked. */
static bool locked_off(void)
{
	return (rdmsr(AMD_VM_CR) & (VM_CR_SVMDIS | VM_CR_LOCK)) == (VM_CR_SVMDIS | VM_CR_LOCK);
}

/**
 * @req HV-200 AMD-V: what the CPU lacks, or its firmware has locked, is named.
 */
hv_status_t svm_check(const char **reason)
{
	const char *lack = NULL;

	if (!svm_present() || cpuid(CPUID_EXT_MAX).eax < CPUID_EXT_SVM) {
		*reason = "this CPU has no AMD-V";
		return HV_E_UNSUPPORTED;
	}
	find_features();
	if (!svm_has(CPUID_8000000A_EDX_NP))
		lack = "this CPU has AMD-V but no nested paging";
	else if (svm_features.asids < 2)
		lack = "this CPU has AMD-V but no address space identifier for a guest";
	else if (locked_off())
		lack = "AMD-V is switched off and locked by the firmware (SVMDIS in VM_CR)";
	if (lack) {
		*reason = lack;
		return HV_E_UNSUPPORTED;
	}
	log_features();
	svm_traps_init();
	return HV_OK;
}

static bool has_1g(void)
{
	return (cpuid(CPUID_EXT_FEATURES).edx & CPUID_80000001_EDX_PAGE1GB) != 0;
}

uint32_t svm_caps(void)
{
	return has_1g() ? HV_CAP_PAGE_1G : 0;
}

static uint64_t npt_root(hpa_t table)
{
	return table.raw;
}

/** 15.25.5: every nested walk counts as a user access. PAT entry 0 of the host is write-back. */
const struct npt_format svm_npt_format = {
	.read = PTE_P,
	.write = PTE_RW,
	.exec = 0,
	.no_exec = PTE_XD,
	.table = PTE_P | PTE_RW | PTE_US | PTE_A,
	.large = PTE_PS,
	.memory_wb = 0,
	.leaf = PTE_US | PTE_A | PTE_D,
	.levels = 4,
	.root = npt_root,
	.has_1g = has_1g,
};

/* ---------------------------------------------------------------------------------- on and off */

static void init_cpu(struct svm_cpu *cpu, uint32_t number)
{
	cpu->host_pa = host_virt_to_phys(&host_area[number]).raw;
	cpu->generation = SVM_GENERATION_STEP + number;
	/*
	 * The first vCPU finds no ASID left: it begins a new generation, with a flush of
	 * everything.
	 */
	cpu->next_asid = svm_features.asids;
	cpu->host_tsc_aux = svm_features.rdtscp ? (uint32_t)rdmsr(IA32_TSC_AUX) : 0;
	cpu->tsc_aux = cpu->host_tsc_aux;
}

static void vmsave(uint64_t pa)
{
	__asm__ volatile("vmsave %0" : : "a"(pa) : "memory");
}

hv_status_t svm_cpu_enable(const char **reason)
{
	const uint32_t number = host_cpu();

	if (locked_off()) {
		*reason = "AMD-V is switched off and locked on one of the CPUs (SVMDIS in VM_CR)";
		return HV_E_UNSUPPORTED;
	}
	wrmsr(AMD_VM_CR, rdmsr(AMD_VM_CR) & ~VM_CR_SVMDIS);
	wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_SVME);
	wrmsr(AMD_VM_HSAVE_PA, host_virt_to_phys(&hsave[number]).raw);
	init_cpu(&svm_cpus[number], number);
	vmsave(svm_cpus[number].host_pa);
	return HV_OK;
}

/** EFER.SVME tells whether STGI is there at all; GIF may be 0 where a panic struck near VMRUN. */
void svm_cpu_disable(void)
{
	const uint64_t efer = svm_present() ? rdmsr(IA32_EFER) : 0;

	if ((efer & EFER_SVME) == 0)
		return;
	cli();
	__asm__ volatile("stgi" : : : "memory");
	wrmsr(AMD_VM_HSAVE_PA, 0);
	wrmsr(IA32_EFER, efer & ~EFER_SVME);
}

/* -------------------------------------------------------------------------- PARANOID */

/** What a world switch must leave as it was. */
struct host_state {
	uint64_t gs_base, kernel_gs_base, lstar, cr0, cr3, cr4, efer;
	uint16_t tr;
};

static struct host_state host_state(void)
{
	return (struct host_state){
		.gs_base = rdmsr(IA32_GS_BASE),
		.kernel_gs_base = rdmsr(IA32_KERNEL_GS_BASE),
		.lstar = rdmsr(IA32_LSTAR),
		.cr0 = read_cr0(),
		.cr3 = read_cr3(),
		.cr4 = read_cr4(),
		.efer = rdmsr(IA32_EFER),
		.tr = str(),
	};
}

static struct host_state host_before[HOST_MAX_CPUS];

void svm_check_before(const struct vcpu *vcpu)
{
	const struct vmcb_save *const saved = (const void *)&host_area[vcpu->cpu].bytes[0x400];
	const struct host_state host = host_state();

	if ((read_rflags() & RFLAGS_IF) != 0)
		host_panic("svm: interrupts are on before VMRUN");
	if (vcpu->cpu != host_cpu() || (svm_of(vcpu)->vmcb_pa & HV_PAGE_MASK) != 0)
		host_panic("svm: vCPU of CPU %u runs on CPU %u", vcpu->cpu, host_cpu());
	if ((svm_of(vcpu)->vmcb.control.int_ctl & SVM_V_INTR_MASKING) == 0 ||
	    (svm_of(vcpu)->vmcb.control.intercept_1 & SVM_I1_INTR) == 0)
		host_panic("svm: the guest could keep interrupts out");
	if ((host.efer & EFER_SVME) == 0 ||
	    rdmsr(AMD_VM_HSAVE_PA) != host_virt_to_phys(&hsave[vcpu->cpu]).raw)
		host_panic("svm: AMD-V is off on CPU %u", vcpu->cpu);
	if (saved->gs.base != host.gs_base || saved->tr.selector != host.tr ||
	    saved->lstar != host.lstar || saved->kernel_gs_base != host.kernel_gs_base)
		host_panic("svm: GS, TR or LSTAR of CPU %u have changed since it was enabled",
			   vcpu->cpu);
	host_before[vcpu->cpu] = host;
}

void svm_check_after(const struct vcpu *vcpu)
{
	const struct host_state *const a = &host_before[vcpu->cpu];
	const struct host_state b = host_state();

	if ((read_rflags() & RFLAGS_IF) != 0)
		host_panic("svm: interrupts are on after #VMEXIT");
	if (a->gs_base != b.gs_base || a->kernel_gs_base != b.kernel_gs_base ||
	    a->lstar != b.lstar || a->tr != b.tr || a->cr0 != b.cr0 || a->cr3 != b.cr3 ||
	    a->cr4 != b.cr4 || a->efer != b.efer)
		host_panic("svm: host state was not restored");
}
