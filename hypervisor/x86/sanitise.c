/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sanitise.c
 * The one place where register values from a guest or a VMM are judged. Values that the CPU itself
 * checks when it enters the guest may be nonsense (the entry then fails, and the VMM is told); what
 * the driver loads by itself, or what would weaken the host, must not be.
 */
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/regs.h"

#define CR0_DEFINED                                                                                \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)
#define EFER_GUEST (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

bool x86_canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

bool x86_pat_valid(uint64_t pat)
{
	for (uint32_t i = 0; i < 8; i++) {
		const uint32_t type = (pat >> (8 * i)) & 0xff;

		if (type > X86_MT_UC_MINUS || type == 2 || type == 3)
			return false;
	}
	return true;
}

static bool has(const struct vcpu *vcpu, uint32_t leaf, size_t reg, uint32_t bit)
{
	const struct hv_x86_cpuid *const row = cpuid_row(vcpu->vm, leaf, 0);

	return row && ((&row->eax)[reg] & bit) != 0;
}

enum { EAX, EBX, ECX, EDX };

/** CR4 bits that come with a CPUID feature (SDM vol. 3, 2.5). */
static const struct {
	uint64_t cr4;
	uint32_t leaf, reg, bit;
} cr4_feature[] = {
	{CR4_VME | CR4_PVI, 1, EDX, CPUID_1_EDX_VME},
	{CR4_TSD, 1, EDX, CPUID_1_EDX_TSC},
	{CR4_DE, 1, EDX, CPUID_1_EDX_DE},
	{CR4_PSE, 1, EDX, CPUID_1_EDX_PSE},
	{CR4_PAE, 1, EDX, CPUID_1_EDX_PAE},
	{CR4_MCE, 1, EDX, CPUID_1_EDX_MCE},
	{CR4_PGE, 1, EDX, CPUID_1_EDX_PGE},
	{CR4_OSFXSR, 1, EDX, CPUID_1_EDX_FXSR},
	{CR4_OSXMMEXCPT, 1, EDX, CPUID_1_EDX_SSE},
	{CR4_PCIDE, 1, ECX, CPUID_1_ECX_PCID},
	{CR4_OSXSAVE, 1, ECX, CPUID_1_ECX_XSAVE},
	{CR4_FSGSBASE, 7, EBX, CPUID_7_EBX_FSGSBASE},
	{CR4_SMEP, 7, EBX, CPUID_7_EBX_SMEP},
	{CR4_SMAP, 7, EBX, CPUID_7_EBX_SMAP},
	{CR4_UMIP, 7, ECX, CPUID_7_ECX_UMIP},
};

/** PCE is allowed though RDPMC is always refused: systems set it without asking. */
uint64_t x86_cr4_allowed(const struct vcpu *vcpu)
{
	uint64_t allowed = CR4_PCE;

	for (size_t i = 0; i < sizeof(cr4_feature) / sizeof(cr4_feature[0]); i++)
		if (has(vcpu, cr4_feature[i].leaf, cr4_feature[i].reg, cr4_feature[i].bit))
			allowed |= cr4_feature[i].cr4;
	return allowed;
}

static bool cr0_consistent(uint64_t cr0)
{
	if ((cr0 & ~(uint64_t)UINT32_MAX) != 0)
		return false;
	if ((cr0 & CR0_PG) != 0 && (cr0 & CR0_PE) == 0)
		return false;
	return (cr0 & CR0_NW) == 0 || (cr0 & CR0_CD) != 0;
}

/** Bits of CR3 above the guest's physical address width must be zero in long mode. */
static bool cr3_valid(uint64_t cr3, uint64_t efer)
{
	return (efer & EFER_LMA) == 0 || cr3 < NPT_LIMIT;
}

static void paging_changed(struct vcpu *vcpu)
{
	vcpu->fetch.page = 0;
	vendor->flush(vcpu);
}

/** Leaving or entering long mode with paging (SDM vol. 3, 4.1.2 and 10.8.5). */
static bool switch_long_mode(struct vcpu *vcpu, uint64_t value)
{
	struct hv_x86_regs *const regs = &vcpu->regs;
	const uint64_t rises = value & ~regs->cr0 & CR0_PG;

	if (rises && (regs->efer & EFER_LME) != 0) {
		vcpu_need(vcpu, REGS_CS);
		if ((regs->cr4 & CR4_PAE) == 0 || (regs->seg[HV_CS].attr & HV_SEG_L) != 0)
			return false;
		regs->efer |= EFER_LMA;
	}
	if ((regs->cr0 & ~value & CR0_PG) != 0) {
		vcpu_need(vcpu, REGS_CS);
		if ((regs->efer & EFER_LMA) != 0 && (regs->seg[HV_CS].attr & HV_SEG_L) != 0)
			return false;
		if ((regs->cr4 & CR4_PCIDE) != 0)
			return false;
		regs->efer &= ~EFER_LMA;
	}
	return true;
}

bool x86_set_cr0(struct vcpu *vcpu, uint64_t value)
{
	vcpu_need(vcpu, REGS_CR);
	if (!cr0_consistent(value))
		return false;
	value = (value & CR0_DEFINED) | CR0_ET;
	if (!switch_long_mode(vcpu, value))
		return false;
	const uint64_t flips = vcpu->regs.cr0 ^ value;

	vcpu->regs.cr0 = value;
	vcpu_change(vcpu, REGS_CR);
	if ((flips & (CR0_PG | CR0_WP | CR0_PE)) != 0)
		paging_changed(vcpu);
	return true;
}

bool x86_set_cr3(struct vcpu *vcpu, uint64_t value)
{
	vcpu_need(vcpu, REGS_CR);
	if ((vcpu->regs.cr4 & CR4_PCIDE) != 0)
		value &= ~CR3_NO_FLUSH;
	if (!cr3_valid(value, vcpu->regs.efer))
		return false;
	vcpu->regs.cr3 = value;
	vcpu_change(vcpu, REGS_CR);
	paging_changed(vcpu);
	return true;
}

bool x86_set_cr4(struct vcpu *vcpu, uint64_t value)
{
	vcpu_need(vcpu, REGS_CR);
	const struct hv_x86_regs *const regs = &vcpu->regs;
	const uint64_t rises = value & ~regs->cr4;

	if ((value & ~x86_cr4_allowed(vcpu)) != 0)
		return false;
	if ((regs->efer & EFER_LMA) != 0 && (value & CR4_PAE) == 0)
		return false;
	if ((rises & CR4_PCIDE) != 0 && ((regs->efer & EFER_LMA) == 0 || (regs->cr3 & 0xfff) != 0))
		return false;
	vcpu->regs.cr4 = value;
	vcpu_change(vcpu, REGS_CR);
	paging_changed(vcpu);
	return true;
}

static uint64_t efer_allowed(const struct vcpu *vcpu)
{
	uint64_t allowed = 0;

	if (has(vcpu, CPUID_EXT_FEATURES, EDX, CPUID_80000001_EDX_SYSCALL))
		allowed |= EFER_SCE;
	if (has(vcpu, CPUID_EXT_FEATURES, EDX, CPUID_80000001_EDX_LM))
		allowed |= EFER_LME | EFER_LMA;
	if (has(vcpu, CPUID_EXT_FEATURES, EDX, CPUID_80000001_EDX_NX))
		allowed |= EFER_NXE;
	return allowed;
}

bool x86_set_efer(struct vcpu *vcpu, uint64_t value)
{
	vcpu_need(vcpu, REGS_CR);
	struct hv_x86_regs *const regs = &vcpu->regs;

	if ((value & ~efer_allowed(vcpu)) != 0)
		return false;
	if (((value ^ regs->efer) & EFER_LME) != 0 && (regs->cr0 & CR0_PG) != 0)
		return false;
	regs->efer = (value & ~EFER_LMA) | (regs->efer & EFER_LMA);
	vcpu_change(vcpu, REGS_CR);
	paging_changed(vcpu);
	return true;
}

/** XSETBV's rules (SDM vol. 1, 13.3), within what the host can save. */
static bool xcr0_valid(uint64_t value)
{
	const uint64_t avx512 = XCR0_OPMASK | XCR0_ZMM_HI256 | XCR0_HI16_ZMM;

	if ((value & XCR0_X87) == 0 || (value & ~host_fpu_xcr0()) != 0)
		return false;
	if ((value & XCR0_AVX) != 0 && (value & XCR0_SSE) == 0)
		return false;
	if ((value & avx512) != 0 && ((value & avx512) != avx512 || (value & XCR0_AVX) == 0))
		return false;
	return ((value & XCR0_BNDREG) != 0) == ((value & XCR0_BNDCSR) != 0);
}

bool x86_set_xcr0(struct vcpu *vcpu, uint64_t value)
{
	if (!xcr0_valid(value))
		return false;
	vcpu_need(vcpu, REGS_CR);
	if (vcpu->fpu.loaded)
		host_fpu_save(&vcpu->fpu);
	vcpu->fpu.xcr0 = value;
	vcpu->regs.xcr0 = value;
	return true;
}

static bool control_acceptable(const struct vcpu *vcpu, const struct hv_x86_regs *regs)
{
	if (!cr0_consistent(regs->cr0) || (regs->cr0 & ~CR0_DEFINED) != 0)
		return false;
	if ((regs->cr4 & ~x86_cr4_allowed(vcpu)) != 0 || (regs->efer & ~EFER_GUEST) != 0)
		return false;
	if (!cr3_valid(regs->cr3, regs->efer) || regs->cr8 > 15)
		return false;
	const bool long_mode = (regs->cr0 & CR0_PG) != 0 && (regs->efer & EFER_LME) != 0;

	if (((regs->efer & EFER_LMA) != 0) != long_mode)
		return false;
	if (long_mode && (regs->cr4 & CR4_PAE) == 0)
		return false;
	return host_fpu_xcr0() == 0 || xcr0_valid(regs->xcr0);
}

static bool msrs_acceptable(const struct hv_x86_regs *regs)
{
	return x86_canonical(regs->lstar) && x86_canonical(regs->cstar) &&
	       x86_canonical(regs->kernel_gs_base) && x86_canonical(regs->sysenter_esp) &&
	       x86_canonical(regs->sysenter_eip) && x86_pat_valid(regs->pat) &&
	       regs->tsc_aux <= UINT32_MAX && regs->sfmask <= UINT32_MAX && regs->debugctl == 0;
}

static bool segments_acceptable(const struct hv_x86_regs *regs)
{
	for (uint32_t i = 0; i < HV_SEGS; i++)
		if ((regs->seg[i].attr & ~HV_SEG_ATTR_MASK) != 0 ||
		    !x86_canonical(regs->seg[i].base))
			return false;
	return x86_canonical(regs->gdtr.base) && x86_canonical(regs->idtr.base) &&
	       regs->gdtr.limit <= 0xffff && regs->idtr.limit <= 0xffff;
}

/** @req HV-020 No register value that a VMM supplies can fault or weaken the host. */
bool x86_regs_acceptable(const struct vcpu *vcpu, const struct hv_x86_regs *regs, uint32_t groups)
{
	if ((groups & REGS_CR) != 0 && !control_acceptable(vcpu, regs))
		return false;
	if ((groups & REGS_SEG) != 0 && !segments_acceptable(regs))
		return false;
	if ((groups & REGS_MSR) != 0 && !msrs_acceptable(regs))
		return false;
	if ((groups & REGS_DR) != 0 && (regs->dr6 > UINT32_MAX || regs->dr7 > UINT32_MAX))
		return false;
	if ((groups & REGS_EVENT) != 0 && (regs->activity > HV_ACTIVITY_WAIT_SIPI ||
					   regs->shadow > (HV_SHADOW_NMI << 1) - 1))
		return false;
	return (groups & ~HV_X86_REGS_ALL) == 0;
}
