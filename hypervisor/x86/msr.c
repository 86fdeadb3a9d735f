/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file msr.c
 * Model-specific registers, as the list in lib/x86/guest_msr.h has them. Those that the CPU switches with the
 * guest are reached directly (msr_init()); the rest is here, and what isn't there doesn't exist: #GP.
 */
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/guest_msr.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

/* Indices into vcpu->mtrr. */
#define MTRR_VARIABLE 0u  /**< eight pairs of base and mask */
#define MTRR_FIXED    16u /**< eleven */
#define MTRR_DEFAULT  27u
/** Eight variable ranges, fixed ranges, WC (SDM vol. 3, 11.11.1). */
#define MTRRCAP_VALUE UINT64_C(0x508)
#define MTRR_TYPES    ((1u << 0) | (1u << 1) | (1u << 4) | (1u << 5) | (1u << 6))

/** Ranges of the list that the guest reads, and perhaps writes, without an exit. */
static const struct direct {
	uint32_t first, last;
	bool read, write;
} direct[] = {
#define ROW(first, last, cpus, access, handler, name, why)                                         \
	{first, last, GUEST_MSR_##access == GUEST_MSR_DIRECT || GUEST_MSR_##access == GUEST_MSR_DIRECT_R, \
	 GUEST_MSR_##access == GUEST_MSR_DIRECT},
	GUEST_MSRS(ROW)
#undef ROW
};
#define DIRECTS (sizeof(direct) / sizeof(direct[0]))

void msr_init(struct vm *vm)
{
	for (size_t i = 0; i < DIRECTS; i++) {
		if (!direct[i].read)
			continue;
		for (uint32_t msr = direct[i].first; msr <= direct[i].last; msr++)
			vendor->trap_msr(vm, msr, false, !direct[i].write);
	}
}

/** Where an MTRR is kept; -1: no such register. */
static int mtrr_index(uint32_t msr)
{
	if (msr >= IA32_MTRR_PHYSBASE0 && msr < IA32_MTRR_PHYSBASE0 + 16)
		return (int)(MTRR_VARIABLE + msr - IA32_MTRR_PHYSBASE0);
	switch (msr) {
	case IA32_MTRR_FIX64K_00000:
		return MTRR_FIXED;
	case IA32_MTRR_FIX16K_80000:
	case IA32_MTRR_FIX16K_A0000:
		return (int)(MTRR_FIXED + 1 + msr - IA32_MTRR_FIX16K_80000);
	case IA32_MTRR_DEF_TYPE:
		return MTRR_DEFAULT;
	default:
		if (msr >= IA32_MTRR_FIX4K_C0000 && msr < IA32_MTRR_FIX4K_C0000 + 8)
			return (int)(MTRR_FIXED + 3 + msr - IA32_MTRR_FIX4K_C0000);
		return -1;
	}
}

/** Memory types and reserved bits as in SDM vol. 3, 11.11.2. */
static bool mtrr_valid(uint32_t index, uint64_t value)
{
	const uint64_t physical = NPT_LIMIT - 1;

	if (index >= MTRR_FIXED && index < MTRR_DEFAULT) {
		for (uint32_t i = 0; i < 8; i++)
			if (((value >> (8 * i)) & 0xff) > 6 ||
			    (MTRR_TYPES >> ((value >> (8 * i)) & 0xff) & 1) == 0)
				return false;
		return true;
	}
	if (index == MTRR_DEFAULT)
		return (value & ~UINT64_C(0xcff)) == 0 && (value & 0xff) <= 6 &&
		       (MTRR_TYPES >> (value & 0xff) & 1) != 0;
	if ((index & 1) != 0)
		return (value & ~(physical & ~UINT64_C(0x7ff))) == 0;
	return (value & ~(physical & ~UINT64_C(0xf00))) == 0 && (value & 0xff) <= 6 &&
	       (MTRR_TYPES >> (value & 0xff) & 1) != 0;
}

static bool is_x2apic(uint32_t msr)
{
	return msr >= IA32_X2APIC_FIRST && msr <= IA32_X2APIC_LAST;
}

static uint64_t read_reg(struct vcpu *vcpu, uint32_t groups, const uint64_t *reg)
{
	vcpu_need(vcpu, groups);
	return *reg;
}

static bool write_reg(struct vcpu *vcpu, uint32_t groups, uint64_t *reg, uint64_t value)
{
	vcpu_need(vcpu, groups);
	*reg = value;
	vcpu_change(vcpu, groups);
	return true;
}

/* ------------------------------------------------- the handlers that the list names: false is #GP */

static bool read_NONE(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)vcpu;
	(void)msr;
	(void)value;
	return false;
}

static bool write_NONE(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)vcpu;
	(void)msr;
	(void)value;
	return false;
}

#define write_MTRRCAP	      write_NONE
#define write_FEATURE_CONTROL write_NONE
#define write_VM_CR	      write_NONE
#define read_MICROCODE	      read_NONE
#define read_NB_CFG	      read_ZERO
#define write_NB_CFG	      write_MICROCODE

/** Those that Linux and others read on a CPU of this kind and that say "nothing special". */
static bool read_ZERO(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)vcpu;
	(void)msr;
	*value = 0;
	return true;
}

static bool write_ZERO(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)vcpu;
	(void)msr;
	return value == 0;
}

/** Microcode is the host's: the update is silently not done, as under KVM. */
static bool write_MICROCODE(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)vcpu;
	(void)msr;
	(void)value;
	return true;
}

static bool read_MTRR(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	const int index = mtrr_index(msr);

	if (index < 0)
		return false;
	*value = vcpu->mtrr[index];
	return true;
}

static bool write_MTRR(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	const int index = mtrr_index(msr);

	if (index < 0 || !mtrr_valid((uint32_t)index, value))
		return false;
	vcpu->mtrr[index] = value;
	return true;
}

static bool read_MTRRCAP(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)vcpu;
	(void)msr;
	*value = MTRRCAP_VALUE;
	return true;
}

static bool read_TSC(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = host_tsc() + read_reg(vcpu, REGS_TIME, &vcpu->regs.tsc_offset);
	return true;
}

static bool write_TSC(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)msr;
	write_reg(vcpu, REGS_TIME, &vcpu->regs.tsc_offset, value - host_tsc());
	lapic_tsc_changed(vcpu);
	return true;
}

static bool read_APIC_BASE(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = vcpu->lapic.base;
	return true;
}

static bool write_APIC_BASE(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)msr;
	return lapic_set_base(vcpu, value);
}

static bool read_FEATURE_CONTROL(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)vcpu;
	(void)msr;
	*value = FEATURE_CONTROL_LOCK;
	return true;
}

static bool read_VM_CR(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)vcpu;
	(void)msr;
	*value = VM_CR_SVMDIS | VM_CR_LOCK;
	return true;
}

static bool read_PAT(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = read_reg(vcpu, REGS_MSR, &vcpu->regs.pat);
	return true;
}

static bool write_PAT(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)msr;
	return x86_pat_valid(value) && write_reg(vcpu, REGS_MSR, &vcpu->regs.pat, value);
}

static bool read_MISC_ENABLE(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = read_reg(vcpu, REGS_MSR, &vcpu->regs.misc_enable);
	return true;
}

static bool write_MISC_ENABLE(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)msr;
	return write_reg(vcpu, REGS_MSR, &vcpu->regs.misc_enable, value);
}

static bool read_TSC_DEADLINE(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = lapic_get_tsc_deadline(vcpu);
	return true;
}

static bool write_TSC_DEADLINE(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)msr;
	lapic_set_tsc_deadline(vcpu, value);
	return true;
}

static bool read_EFER(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = read_reg(vcpu, REGS_CR, &vcpu->regs.efer);
	return true;
}

static bool write_EFER(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)msr;
	return x86_set_efer(vcpu, value);
}

static bool read_FS_BASE(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = read_reg(vcpu, REGS_SEG, &vcpu->regs.seg[HV_FS].base);
	return true;
}

static bool write_FS_BASE(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)msr;
	return x86_canonical(value) &&
	       write_reg(vcpu, REGS_SEG, &vcpu->regs.seg[HV_FS].base, value);
}

static bool read_GS_BASE(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = read_reg(vcpu, REGS_SEG, &vcpu->regs.seg[HV_GS].base);
	return true;
}

static bool write_GS_BASE(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)msr;
	return x86_canonical(value) &&
	       write_reg(vcpu, REGS_SEG, &vcpu->regs.seg[HV_GS].base, value);
}

static bool read_PV_EOI(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)msr;
	return lapic_pv_eoi_read(vcpu, value);
}

static bool write_PV_EOI(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)msr;
	return lapic_pv_eoi_write(vcpu, value);
}

/** The model counts as an Intel CPU. */
static inline bool is_there(enum guest_msr_cpus cpus)
{
	return cpus == GUEST_MSR_ALL ||
	       (cpus == GUEST_MSR_AMD) == (vendor->vendor == HV_VENDOR_SVM);
}

bool msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	switch (msr) {
#define ROW(first, last, cpus, access, handler, name, why)                                         \
	case first ... last:                                                                       \
		return is_there(GUEST_MSR_##cpus) && read_##handler(vcpu, msr, value);
		GUEST_MSRS(ROW)
#undef ROW
	default:
		return false;
	}
}

bool msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	switch (msr) {
#define ROW(first, last, cpus, access, handler, name, why)                                         \
	case first ... last:                                                                       \
		return is_there(GUEST_MSR_##cpus) && write_##handler(vcpu, msr, value);
		GUEST_MSRS(ROW)
#undef ROW
	default:
		return false;
	}
}

/** The VMM's rule for this MSR. Few rules, few MSR exits that reach them: a list behind a filter. */
static enum hv_sysreg_policy rule_for(const struct vm *vm, uint32_t msr)
{
	if ((__atomic_load_n(&vm->sysreg_any, __ATOMIC_ACQUIRE) >> (msr & 63) & 1) == 0)
		return HV_SYSREG_DEFAULT;
	for (uint32_t i = __atomic_load_n(&vm->sysreg_rules, __ATOMIC_ACQUIRE); i-- > 0;)
		if (msr - vm->sysreg[i].first < vm->sysreg[i].count)
			return (enum hv_sysreg_policy)vm->sysreg[i].policy;
	return HV_SYSREG_DEFAULT;
}

static void filter_add(struct vm *vm, uint32_t first, uint32_t count)
{
	uint64_t any = 0;

	for (uint32_t i = 0; i < 64 && i < count; i++)
		any |= UINT64_C(1) << ((first + i) & 63);
	__atomic_or_fetch(&vm->sysreg_any, any, __ATOMIC_RELEASE);
}

static hv_status_t add_rule(struct vm *vm, uint32_t first, uint32_t count, uint8_t policy)
{
	for (uint32_t i = 0; i < vm->sysreg_rules; i++) {
		if (vm->sysreg[i].first == first && vm->sysreg[i].count == count) {
			vm->sysreg[i].policy = policy;
			return HV_OK;
		}
	}
	if (vm->sysreg_rules >= sizeof(vm->sysreg) / sizeof(vm->sysreg[0]))
		return HV_E_FULL;
	vm->sysreg[vm->sysreg_rules].first = first;
	vm->sysreg[vm->sysreg_rules].count = count;
	vm->sysreg[vm->sysreg_rules].policy = policy;
	__atomic_store_n(&vm->sysreg_rules, vm->sysreg_rules + 1, __ATOMIC_RELEASE);
	filter_add(vm, first, count);
	return HV_OK;
}

static void redirect_one(struct vm *vm, uint32_t msr, bool write)
{
	const bool trap = rule_for(vm, msr) != HV_SYSREG_DEFAULT;

	vendor->trap_msr(vm, msr, trap, trap || !write);
}

/** Direct MSRs that a rule covers exit from now on; or no more. */
static void redirect(struct vm *vm, uint32_t first, uint32_t count)
{
	for (size_t i = 0; i < DIRECTS; i++)
		for (uint32_t msr = direct[i].first; direct[i].read && msr <= direct[i].last; msr++)
			if (msr - first < count)
				redirect_one(vm, msr, direct[i].write);
}

hv_status_t vm_trap_sysreg(struct vm *vm, uint32_t first, uint32_t count,
			   enum hv_sysreg_policy policy)
{
	if (count == 0 || first > UINT32_MAX - (count - 1) || (unsigned int)policy > HV_SYSREG_FAULT)
		return HV_E_INVALID;
	host_lock(&vm->lock);
	const hv_status_t status = add_rule(vm, first, count, (uint8_t)policy);

	if (status == HV_OK)
		redirect(vm, first, count);
	host_unlock(&vm->lock);
	return status;
}

static uint64_t edx_eax(const struct vcpu *vcpu)
{
	return (uint64_t)(uint32_t)vcpu->regs.gpr[HV_RDX] << 32 |
	       (uint32_t)vcpu->regs.gpr[HV_RAX];
}

static void set_edx_eax(struct vcpu *vcpu, uint64_t value)
{
	vcpu->regs.gpr[HV_RAX] = (uint32_t)value;
	vcpu->regs.gpr[HV_RDX] = value >> 32;
}

static enum verdict complete_read(struct vcpu *vcpu)
{
	if (vcpu->action == HV_ACTION_FAULT)
		return x86_raise_gp(vcpu);
	set_edx_eax(vcpu, vcpu->page->exit.sysreg.value);
	return vcpu_skip(vcpu, INSN_PATTERN_RDMSR);
}

static enum verdict hand_over(struct vcpu *vcpu, uint32_t msr, bool write)
{
	vcpu->page->exit.sysreg = (struct hv_exit_sysreg){
		.index = msr, .write = write, .value = write ? edx_eax(vcpu) : 0};
	vcpu->complete = write ? vcpu_complete_skip : complete_read;
	return vcpu_hand(vcpu, HV_EXIT_SYSREG);
}

/** @req HV-051 An MSR that isn't virtualised faults in the guest, as on hardware that lacks it. */
enum verdict x86_exit_rdmsr(struct vcpu *vcpu)
{
	const uint32_t msr = (uint32_t)vcpu->regs.gpr[HV_RCX];
	uint64_t value = 0;
	bool ok;

	if (is_x2apic(msr)) {
		vcpu->kind = HV_EXIT_APIC;
		ok = vcpu->lapic.mode == LAPIC_X2APIC &&
		     lapic_read(vcpu, (msr - IA32_X2APIC_FIRST) << 4, &value);
	} else {
		const enum hv_sysreg_policy policy = rule_for(vcpu->vm, msr);

		if (policy == HV_SYSREG_EXIT)
			return hand_over(vcpu, msr, false);
		ok = policy == HV_SYSREG_DEFAULT && msr_read(vcpu, msr, &value);
	}
	if (!ok)
		return x86_raise_gp(vcpu);
	set_edx_eax(vcpu, value);
	return vcpu_skip(vcpu, INSN_PATTERN_RDMSR);
}

/** The write to the EOI register alone can end an interrupt whose end the VMM waits for. */
static enum verdict apic_write(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	if (offset == LAPIC_EOI && value == 0) {
		const enum verdict verdict = vcpu_skip(vcpu, INSN_PATTERN_WRMSR);

		return verdict == VERDICT_RESUME ? x86_apic_eoi(vcpu) : verdict;
	}
	if (!lapic_write(vcpu, offset, value))
		return x86_raise_gp(vcpu);
	return vcpu_skip(vcpu, INSN_PATTERN_WRMSR);
}

enum verdict x86_exit_wrmsr(struct vcpu *vcpu)
{
	const uint32_t msr = (uint32_t)vcpu->regs.gpr[HV_RCX];
	const uint64_t value = edx_eax(vcpu);

	if (is_x2apic(msr)) {
		vcpu->kind = HV_EXIT_APIC;
		if (vcpu->lapic.mode != LAPIC_X2APIC)
			return x86_raise_gp(vcpu);
		return apic_write(vcpu, (msr - IA32_X2APIC_FIRST) << 4, value);
	}
	const enum hv_sysreg_policy policy = rule_for(vcpu->vm, msr);

	if (policy == HV_SYSREG_EXIT)
		return hand_over(vcpu, msr, true);
	if (policy != HV_SYSREG_DEFAULT || !msr_write(vcpu, msr, value))
		return x86_raise_gp(vcpu);
	return vcpu_skip(vcpu, INSN_PATTERN_WRMSR);
}
