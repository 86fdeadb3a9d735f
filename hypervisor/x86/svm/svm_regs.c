/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file svm_regs.c
 * Guest registers between the VMCB and vcpu->regs, by groups.
 *
 * CR0, CR4 and the rest are in the VMCB as the guest sees them. EFER isn't: SVME has to be set
 * (15.5.1) and is hidden. CR8 is the local APIC's TPR, whose truth is the APIC page while the guest
 * isn't running.
 */
#include "hypervisor/x86/svm/svm.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

/* ------------------------------------------------------------------------------------- segments */

/** A segment with its place in the VMCB. */
static struct vmcb_segment *segment(struct vmcb_save *save, uint32_t n)
{
	struct vmcb_segment *const where[HV_SEGS] = {
		[HV_ES] = &save->es, [HV_CS] = &save->cs, [HV_SS] = &save->ss,
		[HV_DS] = &save->ds, [HV_FS] = &save->fs, [HV_GS] = &save->gs,
		[HV_LDTR] = &save->ldtr, [HV_TR] = &save->tr,
	};

	return where[n];
}

/** VMCB attributes have no gap between P and AVL, and not present is all there is of unusable. */
static void fetch_segment(struct hv_x86_segment *to, const struct vmcb_segment *from)
{
	const uint32_t attrib = from->attrib;

	to->selector = from->selector;
	to->limit = from->limit;
	to->base = from->base;
	to->attr = (attrib & 0xffu) | (attrib & 0xf00u) << 4;
	if ((attrib & SVM_SEG_P) == 0)
		to->attr |= HV_SEG_UNUSABLE;
}

static void store_segment(struct vmcb_segment *to, const struct hv_x86_segment *from)
{
	uint32_t attrib = (from->attr & 0xffu) | (from->attr >> 4 & 0xf00u);

	if ((from->attr & HV_SEG_UNUSABLE) != 0)
		attrib &= ~SVM_SEG_P;
	to->selector = from->selector;
	to->limit = from->limit;
	to->base = from->base;
	to->attrib = (uint16_t)attrib;
}

static void fetch_cs(struct vcpu *vcpu, const struct vmcb_save *save)
{
	fetch_segment(&vcpu->regs.seg[HV_CS], &save->cs);
	vcpu->cpl = save->cpl;
}

static void fetch_table(struct hv_x86_table *to, const struct vmcb_segment *from)
{
	to->base = from->base;
	to->limit = from->limit;
}

static void store_table(struct vmcb_segment *to, const struct hv_x86_table *from)
{
	to->base = from->base;
	to->limit = from->limit & 0xffffu;
}

static void fetch_seg(struct vcpu *vcpu, struct vmcb_save *save)
{
	struct hv_x86_segment *const ss = &vcpu->regs.seg[HV_SS];

	for (uint32_t n = 0; n < HV_SEGS; n++)
		fetch_segment(&vcpu->regs.seg[n], segment(save, n));
	/* A loaded TSS is busy, be it shown or not. */
	vcpu->regs.seg[HV_TR].attr |= SVM_TSS_BUSY;
	vcpu->cpl = save->cpl;
	/*
	 * The DPL of SS need not be kept by the CPU; the CPL is (15.5.1), and VMX has them equal.
	 */
	ss->attr = (ss->attr & ~(3u << HV_SEG_DPL_SHIFT)) | (save->cpl & 3u) << HV_SEG_DPL_SHIFT;
	fetch_table(&vcpu->regs.gdtr, &save->gdtr);
	fetch_table(&vcpu->regs.idtr, &save->idtr);
}

static void store_seg(struct vcpu *vcpu, struct vmcb_save *save)
{
	for (uint32_t n = 0; n < HV_SEGS; n++)
		store_segment(segment(save, n), &vcpu->regs.seg[n]);
	if (svm_features.qemu)
		save->tr.attrib &= (uint16_t)~SVM_TSS_BUSY;
	save->cpl = (uint8_t)(vcpu->regs.seg[HV_SS].attr >> HV_SEG_DPL_SHIFT & 3u);
	store_table(&save->gdtr, &vcpu->regs.gdtr);
	store_table(&save->idtr, &vcpu->regs.idtr);
	svm_dirty(svm_of(vcpu), SVM_CLEAN_SEG | SVM_CLEAN_DT);
}

/* ---------------------------------------------------------------------------- control registers */

static void fetch_cr(struct vcpu *vcpu, const struct vmcb_save *save)
{
	struct hv_x86_regs *const regs = &vcpu->regs;

	regs->cr0 = save->cr0;
	regs->cr2 = save->cr2;
	regs->cr3 = save->cr3;
	regs->cr4 = save->cr4;
	regs->cr8 = lapic_get_tpr(vcpu) >> 4;
	/* LMA follows from the rest; Bochs 2.7 forgets it in compatibility mode. */
	regs->efer = (save->efer & ~(EFER_SVME | EFER_LMA)) | svm_of(vcpu)->idle_lme;
	if ((regs->efer & EFER_LME) != 0 && (regs->cr0 & CR0_PG) != 0)
		regs->efer |= EFER_LMA;
}

/**
 * EFER for the VMCB: long mode is active or not, by CR0.PG and LME (14.6.1), whatever the VMM said.
 * While paging is off, LME has no effect and is kept aside: setting CR0.PG exits. QEMU 7.2 returns
 * to the host without paging if it finds LME set and CR4.PAE clear.
 */
static uint64_t effective_efer(const struct hv_x86_regs *regs)
{
	const uint64_t efer = (regs->efer & ~(EFER_LMA | EFER_LME)) | EFER_SVME;
	const bool active = (regs->efer & EFER_LME) != 0 && (regs->cr0 & CR0_PG) != 0;

	return active ? efer | EFER_LMA | EFER_LME : efer;
}

static void store_cr(struct vcpu *vcpu, struct vmcb_save *save)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	const struct hv_x86_regs *const regs = &vcpu->regs;
	const uint64_t efer = effective_efer(regs);

	svm->idle_lme = (regs->cr0 & CR0_PG) == 0 ? regs->efer & EFER_LME : 0;
	if (save->cr2 != regs->cr2) {
		save->cr2 = regs->cr2;
		svm_dirty(svm, SVM_CLEAN_CR2);
	}
	if (save->cr0 == regs->cr0 && save->cr3 == regs->cr3 && save->cr4 == regs->cr4 &&
	    save->efer == efer)
		return;
	save->cr0 = regs->cr0;
	save->cr3 = regs->cr3;
	save->cr4 = regs->cr4;
	save->efer = efer;
	svm_dirty(svm, SVM_CLEAN_CRX);
	/*
	 * VMRUN with another CR0, CR3 or CR4 drops nothing that is cached under the ASID (15.16.1).
	 */
	svm_flush(vcpu);
}

/* ----------------------------------------------------------------------------------- the others */

static void fetch_dr(struct vcpu *vcpu, const struct vmcb_save *save)
{
	const struct svm_vcpu *const svm = svm_of(vcpu);

	for (uint32_t n = 0; n < 4; n++)
		vcpu->regs.dr[n] = svm->dr[n];
	vcpu->regs.dr6 = save->dr6;
	vcpu->regs.dr7 = save->dr7;
}

/** 15.5.1: bits 63:32 of DR6 and DR7 have to be 0. */
static void store_dr(struct vcpu *vcpu, struct vmcb_save *save)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	for (uint32_t n = 0; n < 4; n++)
		svm->dr[n] = vcpu->regs.dr[n];
	save->dr6 = (uint32_t)vcpu->regs.dr6;
	save->dr7 = (uint32_t)vcpu->regs.dr7;
	svm_dirty(svm, SVM_CLEAN_DRX);
	svm_apply_traps(vcpu);
}

static void fetch_msr(struct vcpu *vcpu, const struct vmcb_save *save)
{
	struct hv_x86_regs *const regs = &vcpu->regs;

	regs->star = save->star;
	regs->lstar = save->lstar;
	regs->cstar = save->cstar;
	regs->sfmask = save->sfmask;
	regs->kernel_gs_base = save->kernel_gs_base;
	regs->sysenter_cs = save->sysenter_cs;
	regs->sysenter_esp = save->sysenter_esp;
	regs->sysenter_eip = save->sysenter_eip;
	regs->pat = save->g_pat;
}

/** TSC_AUX isn't in the VMCB: svm_enter() loads it where it differs from the host's. */
static void store_tsc_aux(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	svm->tsc_aux = (uint32_t)vcpu->regs.tsc_aux;
	svm->slow &= ~SVM_SLOW_TSC_AUX;
	if (!svm_features.rdtscp)
		return;
	if (vcpu->cpu >= HOST_MAX_CPUS || svm->tsc_aux != svm_cpus[vcpu->cpu].host_tsc_aux)
		svm->slow |= SVM_SLOW_TSC_AUX;
}

static void store_msr(struct vcpu *vcpu, struct vmcb_save *save)
{
	const struct hv_x86_regs *const regs = &vcpu->regs;

	save->star = regs->star;
	save->lstar = regs->lstar;
	save->cstar = regs->cstar;
	save->sfmask = regs->sfmask;
	save->kernel_gs_base = regs->kernel_gs_base;
	save->sysenter_cs = regs->sysenter_cs;
	save->sysenter_esp = regs->sysenter_esp;
	save->sysenter_eip = regs->sysenter_eip;
	save->g_pat = regs->pat;
	svm_dirty(svm_of(vcpu), SVM_CLEAN_NP);
	store_tsc_aux(vcpu);
}

/** One bit for the shadows of STI and of MOV SS (15.21.5): read back, both are STI's. */
static void fetch_event(struct vcpu *vcpu)
{
	const struct svm_vcpu *const svm = svm_of(vcpu);
	const bool shadow = (svm->vmcb.control.int_state & SVM_INTERRUPT_SHADOW) != 0;

	vcpu->regs.shadow = (shadow ? HV_SHADOW_STI : 0) | svm->nmi_shadow;
}

static void store_event(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	const bool shadow = (vcpu->regs.shadow & (HV_SHADOW_STI | HV_SHADOW_MOV_SS)) != 0;
	const uint32_t blocked = vcpu->regs.shadow & HV_SHADOW_NMI;

	svm->vmcb.control.int_state = shadow ? SVM_INTERRUPT_SHADOW : 0;
	if (__builtin_expect(blocked != svm->nmi_shadow, 0))
		svm_block_nmi(vcpu, blocked != 0);
}

static void store_time(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	svm->vmcb.control.tsc_offset = vcpu->regs.tsc_offset;
	svm_dirty(svm, SVM_CLEAN_I);
}

static void fetch_groups(struct vcpu *vcpu, struct vmcb_save *save, uint32_t groups)
{
	if ((groups & REGS_SEG) != 0)
		fetch_seg(vcpu, save);
	if ((groups & REGS_CR) != 0)
		fetch_cr(vcpu, save);
	if ((groups & REGS_DR) != 0)
		fetch_dr(vcpu, save);
	if ((groups & REGS_MSR) != 0)
		fetch_msr(vcpu, save);
	if ((groups & REGS_EVENT) != 0)
		fetch_event(vcpu);
	if ((groups & REGS_TIME) != 0)
		vcpu->regs.tsc_offset = svm_of(vcpu)->vmcb.control.tsc_offset;
}

uint32_t svm_cpl(const struct vcpu *vcpu)
{
	return svm_of(vcpu)->vmcb.save.cpl;
}

/** EFER.LMA and CS.L: 64-bit mode. */
void svm_fetch_code(struct vcpu *vcpu)
{
	const struct vmcb_save *const save = &svm_of(vcpu)->vmcb.save;
	struct vcpu_code *const code = &vcpu->code;

	code->cr3 = save->cr3;
	code->base = 0;
	code->mode = INSN_MODE_64;
	if ((save->efer & EFER_LMA) != 0 && (save->cs.attrib & SVM_SEG_L) != 0)
		return;
	code->base = save->cs.base;
	code->mode = (save->cs.attrib & SVM_SEG_DB) != 0 ? INSN_MODE_32 : INSN_MODE_16;
}

#define REGS_POINTERS (REGS_RIP | REGS_RSP | REGS_RFLAGS | REGS_CS)

void svm_fetch(struct vcpu *vcpu, uint32_t groups)
{
	struct vmcb_save *const save = &svm_of(vcpu)->vmcb.save;

	if ((groups & REGS_CS) != 0)
		fetch_cs(vcpu, save);
	if ((groups & REGS_RIP) != 0)
		vcpu->regs.rip = save->rip;
	if ((groups & REGS_RSP) != 0)
		vcpu->regs.gpr[HV_RSP] = save->rsp;
	if ((groups & REGS_RFLAGS) != 0)
		vcpu->regs.rflags = save->rflags;
	if ((groups & ~REGS_POINTERS) != 0)
		fetch_groups(vcpu, save, groups);
}

static void store_groups(struct vcpu *vcpu, struct vmcb_save *save, uint32_t groups)
{
	if ((groups & REGS_CS) != 0 && (groups & REGS_SEG) == 0) {
		store_segment(&save->cs, &vcpu->regs.seg[HV_CS]);
		svm_dirty(svm_of(vcpu), SVM_CLEAN_SEG);
	}
	if ((groups & REGS_SEG) != 0)
		store_seg(vcpu, save);
	if ((groups & REGS_CR) != 0)
		store_cr(vcpu, save);
	if ((groups & REGS_DR) != 0)
		store_dr(vcpu, save);
	if ((groups & REGS_MSR) != 0)
		store_msr(vcpu, save);
	if ((groups & REGS_TIME) != 0)
		store_time(vcpu);
}

/** RIP, RSP, RFLAGS and shadows first: the usual exit changes nothing else. */
#define REGS_USUAL (REGS_RIP | REGS_RSP | REGS_RFLAGS | REGS_EVENT)

/** Bits of RFLAGS that exist (APM vol. 1, 3.1.4). */
#define RFLAGS_DEFINED UINT64_C(0x3f7fd7)

/**
 * RFLAGS and CPL as the mode of the guest has them, whatever the VMM said: virtual-8086 mode is
 * part of legacy protected mode; real mode is CPL 0, virtual-8086 mode CPL 3 (APM vol. 2, 2.2.4,
 * 2.5).
 */
static void settle_mode(struct vmcb_save *save)
{
	save->rflags = (save->rflags & RFLAGS_DEFINED) | RFLAGS_FIXED1;
	if ((save->cr0 & CR0_PE) == 0)
		save->cpl = 0;
	if ((save->cr0 & CR0_PE) == 0 || (save->efer & EFER_LMA) != 0)
		save->rflags &= ~RFLAGS_VM;
	if ((save->rflags & RFLAGS_VM) != 0)
		save->cpl = 3;
}

static __attribute__((noinline)) void store_more(struct vcpu *vcpu, uint32_t groups)
{
	struct vmcb_save *const save = &svm_of(vcpu)->vmcb.save;

	if ((groups & REGS_RSP) != 0)
		save->rsp = vcpu->regs.gpr[HV_RSP];
	if ((groups & REGS_RFLAGS) != 0)
		save->rflags = vcpu->regs.rflags;
	if ((groups & REGS_EVENT) != 0)
		store_event(vcpu);
	if ((groups & ~REGS_USUAL) != 0)
		store_groups(vcpu, save, groups);
	if ((groups & (REGS_RFLAGS | REGS_CR | REGS_SEG)) != 0)
		settle_mode(save);
}

void svm_store(struct vcpu *vcpu, uint32_t groups)
{
	if ((groups & REGS_RIP) != 0)
		svm_of(vcpu)->vmcb.save.rip = vcpu->regs.rip;
	if (groups != REGS_RIP)
		store_more(vcpu, groups);
}
