/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmx_regs.c
 * Register groups between vcpu->regs and the VMCS (guest-state area: SDM vol. 3, 25.4).
 */
#include "hypervisor/x86/vmx/vmx.h"
#include "lib/x86/insn.h"
#include "lib/x86/paging.h"

/* ----------------------------------------------------------------------------------- segments */

static void fetch_segment(struct vcpu *vcpu, unsigned int i)
{
	struct hv_x86_segment *seg = &vcpu->regs.seg[i];

	seg->selector = (uint16_t)vmread(vmcs_nth(VMCS_GUEST_ES_SELECTOR, i));
	seg->base = vmread(vmcs_nth(VMCS_GUEST_ES_BASE, i));
	seg->limit = vmread32(vmcs_nth(VMCS_GUEST_ES_LIMIT, i));
	seg->attr = vmread32(vmcs_nth(VMCS_GUEST_ES_ACCESS, i)) & HV_SEG_ATTR_MASK;
}

/** The privilege level is the DPL in SS's access rights, even of an unusable SS (25.4.1). */
static void fetch_cs(struct vcpu *vcpu)
{
	uint32_t ss = vmread32(vmcs_nth(VMCS_GUEST_ES_ACCESS, HV_SS));

	fetch_segment(vcpu, HV_CS);
	vcpu->cpl = (ss >> HV_SEG_DPL_SHIFT) & 3u;
}

static void fetch_segments(struct vcpu *vcpu)
{
	struct hv_x86_regs *regs = &vcpu->regs;

	for (unsigned int i = 0; i < HV_SEGS; i++)
		fetch_segment(vcpu, i);
	vcpu->cpl = (regs->seg[HV_SS].attr >> HV_SEG_DPL_SHIFT) & 3u;
	regs->gdtr.base = vmread(VMCS_GUEST_GDTR_BASE);
	regs->gdtr.limit = vmread32(VMCS_GUEST_GDTR_LIMIT);
	regs->idtr.base = vmread(VMCS_GUEST_IDTR_BASE);
	regs->idtr.limit = vmread32(VMCS_GUEST_IDTR_LIMIT);
}

/**
 * Access rights that a VM entry takes (27.3.1.2) for what a VMM means by them: not present is
 * unusable, and what a load from a descriptor would have set (accessed, busy) is set.
 */
static uint32_t access_rights(unsigned int i, const struct hv_x86_segment *seg)
{
	uint32_t attr = seg->attr & HV_SEG_ATTR_MASK;

	if (i == HV_TR)
		return attr | 2u; /* 1 -> 3, 9 -> Bh: busy */
	if (!(attr & HV_SEG_P))
		return attr | HV_SEG_UNUSABLE;
	if (i != HV_LDTR && !(attr & HV_SEG_UNUSABLE))
		attr |= 1u; /* accessed */
	return attr;
}

static void store_segment(const struct vcpu *vcpu, unsigned int i)
{
	const struct hv_x86_segment *seg = &vcpu->regs.seg[i];

	vmwrite(vmcs_nth(VMCS_GUEST_ES_SELECTOR, i), seg->selector);
	vmwrite(vmcs_nth(VMCS_GUEST_ES_BASE, i), seg->base);
	vmwrite(vmcs_nth(VMCS_GUEST_ES_LIMIT, i), seg->limit);
	vmwrite(vmcs_nth(VMCS_GUEST_ES_ACCESS, i), access_rights(i, seg));
}

static void store_segments(const struct vcpu *vcpu)
{
	const struct hv_x86_regs *regs = &vcpu->regs;

	for (unsigned int i = 0; i < HV_SEGS; i++)
		store_segment(vcpu, i);
	vmwrite(VMCS_GUEST_GDTR_BASE, regs->gdtr.base);
	vmwrite(VMCS_GUEST_GDTR_LIMIT, regs->gdtr.limit);
	vmwrite(VMCS_GUEST_IDTR_BASE, regs->idtr.base);
	vmwrite(VMCS_GUEST_IDTR_LIMIT, regs->idtr.limit);
}

/* --------------------------------------------------------------------------- control registers */

/** What the guest reads (25.6.6): masked bits from the shadow, the others from the register. */
static uint64_t seen(uint64_t real, uint64_t shadow, uint64_t mask)
{
	return (real & ~mask) | (shadow & mask);
}

static bool is_live(const struct vmx_vcpu *v)
{
	return v->cpu != NULL && v->cpu->live == v;
}

static void fetch_control(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	struct hv_x86_regs *regs = &vcpu->regs;

	regs->cr0 = seen(vmread(VMCS_GUEST_CR0), v->cr0_shadow, v->cr0_mask);
	regs->cr2 = is_live(v) ? read_cr2() : v->cr2;
	regs->cr3 = vmread(VMCS_GUEST_CR3);
	regs->cr4 = seen(vmread(VMCS_GUEST_CR4), v->cr4_shadow, v->cr4_mask);
	regs->cr8 = lapic_get_tpr(vcpu) >> 4;
	regs->efer = vmread(VMCS_GUEST_EFER);
}

/** CR0 in the CPU: with what VMX operation demands (24.8; unrestricted guest frees PE and PG). */
static uint64_t real_cr0(uint64_t cr0)
{
	uint64_t forced = vmx_caps.cr0_fixed0 & ~(CR0_PE | CR0_PG);

	return (cr0 & ~(CR0_CD | CR0_NW)) | forced | CR0_ET;
}

/**
 * CR4 in the CPU: VMXE, and MCE as the host has it: without, a machine check would shut the CPU
 * down.
 */
static uint64_t real_cr4(uint64_t cr4)
{
	return cr4 | vmx_caps.cr4_fixed0 | (read_cr4() & CR4_MCE);
}

/** Changes after which nothing that was cached for linear addresses holds (4.10.4.1). */
#define CR0_TRANSLATION (CR0_PG | CR0_WP | CR0_PE)
#define CR4_TRANSLATION (CR4_PGE | CR4_PAE | CR4_PSE | CR4_SMEP | CR4_SMAP | CR4_PCIDE)
/** Changes after which the PDPTEs are read again (4.4.1). */
#define CR0_PDPTE (CR0_PG | CR0_CD | CR0_NW)
#define CR4_PDPTE (CR4_PAE | CR4_PSE | CR4_PGE | CR4_SMEP)

/** What the VMCS held before, as the guest saw it. */
struct old_control {
	uint64_t cr0, cr3, cr4, efer;
};

static bool uses_pae(const struct hv_x86_regs *regs)
{
	return (regs->cr0 & CR0_PG) && (regs->cr4 & CR4_PAE) && !(regs->efer & EFER_LMA);
}

/** 27.3.1.6: with EPT the PDPTEs of PAE paging are guest state of their own. */
static void load_pdptes(const struct vcpu *vcpu)
{
	gpa_t where = gpa(vcpu->regs.cr3 & UINT64_C(0xffffffe0));
	const uint64_t *table = npt_pointer(&vcpu->vm->npt, where, HV_PROT_READ);

	for (unsigned int i = 0; i < 4; i++)
		vmwrite(vmcs_nth(VMCS_GUEST_PDPTE0, i), table != NULL ? table[i] : 0);
}

/** 27.3.1.1: the "IA-32e mode guest" control has to say what IA32_EFER.LMA says. */
static void store_efer(struct vmx_vcpu *v, uint64_t efer)
{
	uint32_t controls = vmread32(VMCS_ENTRY_CONTROLS) & ~ENTRY_IA32E;

	vmx_syscalls(v, (efer & EFER_SCE) != 0);
	vmwrite(VMCS_GUEST_EFER, efer);
	vmwrite(VMCS_ENTRY_CONTROLS, (efer & EFER_LMA) ? controls | ENTRY_IA32E : controls);
}

static void after_control_change(struct vcpu *vcpu, const struct old_control *old)
{
	const struct hv_x86_regs *regs = &vcpu->regs;
	uint64_t cr0 = regs->cr0 ^ old->cr0, cr4 = regs->cr4 ^ old->cr4;
	bool cr3 = regs->cr3 != old->cr3, efer = regs->efer != old->efer;

	if (cr3 || efer || (cr0 & CR0_TRANSLATION) || (cr4 & CR4_TRANSLATION))
		vmx_of(vcpu)->work |= VMX_WORK_FLUSH_VPID;
	if (uses_pae(regs) && (cr3 || efer || (cr0 & CR0_PDPTE) || (cr4 & CR4_PDPTE)))
		load_pdptes(vcpu);
}

static void store_cr2(struct vmx_vcpu *v, uint64_t cr2)
{
	v->cr2 = cr2;
	if (is_live(v))
		write_cr2(cr2);
}

static void store_control(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	const struct hv_x86_regs *regs = &vcpu->regs;
	struct old_control old = {
		.cr0 = seen(vmread(VMCS_GUEST_CR0), v->cr0_shadow, v->cr0_mask),
		.cr3 = vmread(VMCS_GUEST_CR3),
		.cr4 = seen(vmread(VMCS_GUEST_CR4), v->cr4_shadow, v->cr4_mask),
		.efer = vmread(VMCS_GUEST_EFER),
	};

	v->cr0_shadow = regs->cr0;
	v->cr4_shadow = regs->cr4;
	vmwrite(VMCS_GUEST_CR0, real_cr0(regs->cr0));
	vmwrite(VMCS_CR0_SHADOW, regs->cr0);
	vmwrite(VMCS_GUEST_CR3, regs->cr3);
	vmwrite(VMCS_GUEST_CR4, real_cr4(regs->cr4));
	vmwrite(VMCS_CR4_SHADOW, regs->cr4);
	store_cr2(v, regs->cr2);
	if (regs->efer != old.efer)
		store_efer(v, regs->efer);
	after_control_change(vcpu, &old);
}

/* ----------------------------------------------------------------------------- debug registers */

void vmx_debug_load(struct vmx_vcpu *v)
{
	write_dr0(v->dr[0]);
	write_dr1(v->dr[1]);
	write_dr2(v->dr[2]);
	write_dr3(v->dr[3]);
	write_dr6(v->dr6);
	v->dr_loaded = true;
}

/** From the CPU, where the guest may have changed them. */
static void debug_save(struct vmx_vcpu *v)
{
	v->dr[0] = read_dr0();
	v->dr[1] = read_dr1();
	v->dr[2] = read_dr2();
	v->dr[3] = read_dr3();
	v->dr6 = read_dr6();
	v->dr7 = vmread(VMCS_GUEST_DR7);
}

static void fetch_debug(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);

	if (v->dr_loaded)
		debug_save(v);
	for (unsigned int i = 0; i < 4; i++)
		vcpu->regs.dr[i] = v->dr[i];
	vcpu->regs.dr6 = v->dr6;
	vcpu->regs.dr7 = v->dr7;
}

/** While they aren't in the CPU, accesses exit and no breakpoint is armed. */
static void store_debug(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);

	for (unsigned int i = 0; i < 4; i++)
		v->dr[i] = vcpu->regs.dr[i];
	v->dr6 = vcpu->regs.dr6;
	v->dr7 = vcpu->regs.dr7;
	v->dr_loaded = false;
	if (vcpu->dr_live)
		v->work |= VMX_WORK_DEBUG;
	else
		v->work &= ~VMX_WORK_DEBUG;
	vmwrite(VMCS_GUEST_DR7, vcpu->dr_live ? v->dr7 : DR7_FIXED1);
}

/* ----------------------------------------------------------------------------------------- MSRs */

static void fetch_msrs(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	struct hv_x86_regs *regs = &vcpu->regs;

	if (is_live(v))
		v->msr[LAZY_KERNEL_GS_BASE] = rdmsr(IA32_KERNEL_GS_BASE);
	regs->star = v->msr[LAZY_STAR];
	regs->lstar = v->msr[LAZY_LSTAR];
	regs->cstar = v->msr[LAZY_CSTAR];
	regs->sfmask = v->msr[LAZY_FMASK];
	regs->kernel_gs_base = v->msr[LAZY_KERNEL_GS_BASE];
	regs->tsc_aux = v->msr[LAZY_TSC_AUX];
	regs->sysenter_cs = vmread(VMCS_GUEST_SYSENTER_CS);
	regs->sysenter_esp = vmread(VMCS_GUEST_SYSENTER_ESP);
	regs->sysenter_eip = vmread(VMCS_GUEST_SYSENTER_EIP);
	regs->pat = vmread(VMCS_GUEST_PAT);
	regs->debugctl = vmread(VMCS_GUEST_DEBUGCTL);
}

/** A value at which WRMSR would fault must never come into the CPU: cut to canonical form. */
static uint64_t canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16);
}

static void store_lazy(struct vmx_vcpu *v, enum vmx_lazy_msr i, uint64_t value)
{
	const bool there = i == LAZY_KERNEL_GS_BASE || (i == LAZY_TSC_AUX ? vmx_caps.rdtscp
									 : v->syscalls_loaded);

	if (is_live(v) && there)
		wrmsr(vmx_lazy_msr[i], value);
	v->msr[i] = value;
}

/**
 * Indexed like IA32_STAR .. IA32_FMASK: bits that WRMSR takes; 0: canonical addresses (SDM vol.
 * 4, 2.1).
 */
static const uint64_t lazy_valid[] = {
	[LAZY_STAR] = UINT64_MAX,
	[LAZY_LSTAR] = 0,
	[LAZY_CSTAR] = 0,
	[LAZY_FMASK] = UINT32_MAX,
};

bool vmx_lazy_write(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	uint32_t i = msr - IA32_STAR;

	if (lazy_valid[i] == 0 ? canonical(value) != value : (value & ~lazy_valid[i]) != 0)
		return false;
	store_lazy(vmx_of(vcpu), (enum vmx_lazy_msr)i, value);
	vcpu->cached &= ~(uint32_t)REGS_MSR;
	return true;
}

static void store_msrs(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	const struct hv_x86_regs *regs = &vcpu->regs;

	store_lazy(v, LAZY_STAR, regs->star);
	store_lazy(v, LAZY_LSTAR, canonical(regs->lstar));
	store_lazy(v, LAZY_CSTAR, canonical(regs->cstar));
	store_lazy(v, LAZY_FMASK, (uint32_t)regs->sfmask);
	store_lazy(v, LAZY_KERNEL_GS_BASE, canonical(regs->kernel_gs_base));
	store_lazy(v, LAZY_TSC_AUX, (uint32_t)regs->tsc_aux);
	vmwrite(VMCS_GUEST_SYSENTER_CS, (uint32_t)regs->sysenter_cs);
	vmwrite(VMCS_GUEST_SYSENTER_ESP, regs->sysenter_esp);
	vmwrite(VMCS_GUEST_SYSENTER_EIP, regs->sysenter_eip);
	vmwrite(VMCS_GUEST_PAT, regs->pat);
	vmwrite(VMCS_GUEST_DEBUGCTL, regs->debugctl);
}

/* ------------------------------------------------------------------------------- event state */

/**
 * 27.3.1.5: in a shadow with TF set, the single-step trap has to be pending, and without TF it
 * must not be.
 * @req HV-113 a single step over an instruction in a shadow isn't lost
 */
void vmx_match_pending_debug(uint32_t state)
{
	uint64_t pending = vmread(VMCS_GUEST_PENDING_DEBUG), wanted = pending;
	bool tf = vmread(VMCS_GUEST_RFLAGS) & RFLAGS_TF;

	if (state & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS))
		wanted = tf ? pending | PENDING_DEBUG_BS : pending & ~PENDING_DEBUG_BS;
	if (wanted != pending)
		vmwrite(VMCS_GUEST_PENDING_DEBUG, wanted);
}

/**
 * The two shadows exclude each other, and that of STI needs IF (27.3.1.5). RFLAGS is stored
 * before.
 */
static void store_event(struct vcpu *vcpu)
{
	uint32_t shadow = vcpu->regs.shadow;
	uint32_t state = shadow & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS);

	if (state & INTERRUPTIBILITY_MOV_SS)
		state = INTERRUPTIBILITY_MOV_SS;
	else if (state != 0 && !(vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF))
		state = 0;
	if (shadow & HV_SHADOW_NMI)
		state |= INTERRUPTIBILITY_NMI;
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY, state);
	if (state != 0)
		vmx_match_pending_debug(state);
}

/* ------------------------------------------------------------------------------- the operations */

void vmx_fetch_groups(struct vcpu *vcpu, uint32_t groups)
{
	struct hv_x86_regs *regs = &vcpu->regs;

	if (groups & REGS_RIP)
		regs->rip = vmread(VMCS_GUEST_RIP);
	if (groups & REGS_RSP)
		regs->gpr[HV_RSP] = vmread(VMCS_GUEST_RSP);
	if (groups & REGS_RFLAGS)
		regs->rflags = vmread(VMCS_GUEST_RFLAGS);
	if (groups & REGS_EVENT)
		regs->shadow = vmx_shadow(vmread32(VMCS_GUEST_INTERRUPTIBILITY));
	if (groups & REGS_SEG)
		fetch_segments(vcpu);
	else if (groups & REGS_CS)
		fetch_cs(vcpu);
	if (groups & REGS_CR)
		fetch_control(vcpu);
	if (groups & REGS_DR)
		fetch_debug(vcpu);
	if (groups & REGS_MSR)
		fetch_msrs(vcpu);
	if (groups & REGS_TIME)
		regs->tsc_offset = vmread(VMCS_TSC_OFFSET);
}

void vmx_store_groups(struct vcpu *vcpu, uint32_t groups)
{
	const struct hv_x86_regs *regs = &vcpu->regs;

	if (groups & REGS_RIP)
		vmwrite(VMCS_GUEST_RIP, regs->rip);
	if (groups & REGS_RSP)
		vmwrite(VMCS_GUEST_RSP, regs->gpr[HV_RSP]);
	if (groups & REGS_RFLAGS)
		vmwrite(VMCS_GUEST_RFLAGS, regs->rflags);
	if (groups & REGS_EVENT)
		store_event(vcpu);
	if (groups & REGS_SEG)
		store_segments(vcpu);
	else if (groups & REGS_CS)
		store_segment(vcpu, HV_CS);
	if (groups & REGS_CR)
		store_control(vcpu);
	if (groups & REGS_DR)
		store_debug(vcpu);
	if (groups & REGS_MSR)
		store_msrs(vcpu);
	if (groups & REGS_TIME)
		vmwrite(VMCS_TSC_OFFSET, regs->tsc_offset);
}

void vmx_fetch(struct vcpu *vcpu, uint32_t groups)
{
	struct vmx_vcpu *v = vmx_begin(vcpu);

	vmx_fetch_groups(vcpu, groups);
	vmx_end(v);
}

uint32_t vmx_cpl(const struct vcpu *vcpu)
{
	/* Where a guest has just been left, its VMCS is the current one. */
	struct vmx_vcpu *v = vmx_of(vcpu);

	if (v->work & VMX_WORK_CURRENT)
		vmx_make_current(v);
	return (vmread32(vmcs_nth(VMCS_GUEST_ES_ACCESS, HV_SS)) >> HV_SEG_DPL_SHIFT) & 3u;
}

/** The entry control says whether long mode is active: the CPU keeps it so (27.2). */
void vmx_fetch_code(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_begin(vcpu);
	struct vcpu_code *code = &vcpu->code;
	uint64_t rights = vmread(vmcs_nth(VMCS_GUEST_ES_ACCESS, HV_CS));

	code->cr3 = vmread(VMCS_GUEST_CR3);
	code->base = 0;
	code->mode = INSN_MODE_64;
	if ((rights & HV_SEG_L) == 0 || (vmread(VMCS_GUEST_EFER) & EFER_LMA) == 0) {
		code->base = vmread(vmcs_nth(VMCS_GUEST_ES_BASE, HV_CS));
		code->mode = (rights & HV_SEG_DB) != 0 ? INSN_MODE_32 : INSN_MODE_16;
	}
	vmx_end(v);
}

void vmx_store(struct vcpu *vcpu, uint32_t groups)
{
	struct vmx_vcpu *v = vmx_begin(vcpu);

	vmx_store_groups(vcpu, groups);
	vmx_end(v);
}

/**
 * Fields that are zero for good: no MSR areas, no CR3 targets, active state, page faults by
 * bitmap bit 14.
 */
static const uint16_t zero_fields[] = {
	VMCS_PF_ERROR_MASK, VMCS_PF_ERROR_MATCH, VMCS_CR3_TARGET_COUNT, VMCS_EXIT_MSR_STORE_COUNT,
	VMCS_EXIT_MSR_LOAD_COUNT, VMCS_ENTRY_MSR_LOAD_COUNT, VMCS_ENTRY_INTR_INFO,
	VMCS_GUEST_ACTIVITY, VMCS_GUEST_INTERRUPTIBILITY, VMCS_GUEST_PENDING_DEBUG,
	VMCS_GUEST_DEBUGCTL, VMCS_HOST_ES_SELECTOR, VMCS_HOST_DS_SELECTOR, VMCS_HOST_FS_SELECTOR,
	VMCS_HOST_GS_SELECTOR, VMCS_HOST_CR0, VMCS_HOST_CR3, VMCS_HOST_CR4, VMCS_HOST_FS_BASE,
	VMCS_HOST_RSP, VMCS_GUEST_CR0, VMCS_GUEST_CR3, VMCS_GUEST_CR4, VMCS_GUEST_EFER,
};

/* The field counts down anew from every entry; 0 would let nothing of the guest run. */
static void set_stay(struct vmx_vcpu *v, uint64_t tsc_ticks)
{
	uint64_t ticks = (tsc_ticks >> vmx_caps.timer_rate) + 1;

	if (ticks > UINT32_MAX)
		ticks = UINT32_MAX;
	if (ticks == v->stay || (vmx_caps.pin & PIN_PREEMPTION_TIMER) == 0)
		return;
	v->stay = ticks;
	vmwrite(VMCS_PREEMPTION_TIMER, ticks);
}

/* In milliseconds. The latter for what other CPUs send, of which nobody knows when. */
#define STAY	     1000u
#define STAY_LIMITED 1u

void vmx_free_stay(struct vmx_vcpu *v)
{
	set_stay(v, host_tsc_khz() * STAY);
}

/** @req HV-115 a guest that disables interrupts and spins gives its CPU back */
void vmx_limit_stay(struct vmx_vcpu *v)
{
	const uint64_t now = rdtsc(), until = host_deadline();
	const uint64_t longest = host_tsc_khz() * STAY_LIMITED;
	const uint64_t left = until > now ? until - now : 0;

	set_stay(v, left < longest ? left : longest);
}

/** Pause-loop exiting (26.1.3): a loop is PAUSEs less than GAP apart, for WINDOW; in TSC ticks. */
#define PLE_GAP	   128u
#define PLE_WINDOW 4096u

/** A vCPU alone can't spin for another. */
static uint32_t secondary_controls(const struct vmx_vcpu *v)
{
	uint32_t controls = vmx_caps.secondary;

	if (v->vpid != 0)
		controls |= SECONDARY_VPID;
	if (v->vcpu->vm->vcpu_limit == 1)
		controls &= ~SECONDARY_PAUSE_LOOP;
	return controls;
}

static void init_controls(struct vmx_vcpu *v)
{
	vmwrite(VMCS_PIN_CONTROLS, vmx_caps.pin);
	vmx_free_stay(v);
	if (vmx_caps.bochs) /* after reset, interrupts are off */
		v->work |= VMX_WORK_STAY;
	vmwrite(VMCS_EXIT_CONTROLS, vmx_caps.exit);
	vmwrite(VMCS_ENTRY_CONTROLS, vmx_caps.entry);
	vmx_set_primary(v, vmx_caps.primary);
	vmx_set_secondary(v, secondary_controls(v));
	if (v->vpid != 0)
		vmwrite(VMCS_VPID, v->vpid);
	if (vmx_caps.pause_loop) {
		vmwrite(VMCS_PLE_GAP, PLE_GAP);
		vmwrite(VMCS_PLE_WINDOW, PLE_WINDOW);
	}
}

void vmx_init_fields(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	const struct vmx_vm *vv = vmx_vm_of(vcpu->vm);

	for (unsigned int i = 0; i < sizeof(zero_fields) / sizeof(zero_fields[0]); i++)
		vmwrite((enum vmcs_field)zero_fields[i], 0);
	init_controls(v);
	vmwrite(VMCS_LINK_POINTER, UINT64_MAX); /* 25.4.2: no VMCS shadowing */
	vmwrite(VMCS_EPTP, v->eptp);
	vmwrite(VMCS_MSR_BITMAP, host_virt_to_phys(vv->msr_bitmap).raw);
	vmwrite(VMCS_GUEST_DR7, DR7_FIXED1);
}
