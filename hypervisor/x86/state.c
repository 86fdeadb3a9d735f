/* SPDX-License-Identifier: BSD-2-Clause */
/** @file state.c A vCPU's state: creation, reset, INIT, start-up, register caching. */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

/** Segment attributes after reset (SDM vol. 3, Table 10-1). */
#define ATTR_CODE16 (HV_SEG_P | HV_SEG_S | 0xbu)
#define ATTR_DATA16 (HV_SEG_P | HV_SEG_S | 0x3u)
#define ATTR_LDT    (HV_SEG_P | 0x2u)
#define ATTR_TSS    (HV_SEG_P | 0xbu)

/** 16 bits of I/O space and MSR bitmaps aside, what a VM needs on x86. */
hv_status_t arch_vm_init(struct vm *vm)
{
	vm->port_absent = pool_alloc(vm->pool, 65536 / 8);
	if (!vm->port_absent)
		return HV_E_NOMEM;
	hv_status_t status = cpuid_init(vm);

	if (status == HV_OK) {
		status = vendor->vm_init(vm);
		if (status != HV_OK)
			cpuid_exit(vm);
	}
	if (status != HV_OK)
		pool_free(vm->pool, vm->port_absent, 65536 / 8);
	else
		msr_init(vm);
	return status;
}

void arch_vm_exit(struct vm *vm)
{
	vendor->vm_exit(vm);
	cpuid_exit(vm);
	pool_free(vm->pool, vm->port_absent, 65536 / 8);
}

static hv_status_t alloc_areas(struct vcpu *vcpu)
{
	vcpu->lapic.page = pool_alloc(vcpu->vm->pool, HV_PAGE_SIZE);
	vcpu->fpu.area = pool_alloc(vcpu->vm->pool, host_fpu_size());
	if (!vcpu->lapic.page || !vcpu->fpu.area)
		return HV_E_NOMEM;
	return vendor->vcpu_init(vcpu);
}

static void free_areas(struct vcpu *vcpu)
{
	pool_free(vcpu->vm->pool, vcpu->lapic.page, HV_PAGE_SIZE);
	pool_free(vcpu->vm->pool, vcpu->fpu.area, host_fpu_size());
}

hv_status_t arch_vcpu_init(struct vcpu *vcpu)
{
	const hv_status_t status = alloc_areas(vcpu);

	if (status != HV_OK)
		free_areas(vcpu);
	return status;
}

void arch_vcpu_exit(struct vcpu *vcpu)
{
	lapic_exit(vcpu);
	if (vcpu->fpu.loaded)
		host_fpu_save(&vcpu->fpu);
	vendor->vcpu_clear(vcpu);
	vendor->vcpu_exit(vcpu);
	free_areas(vcpu);
}

void arch_vcpu_unbind(struct vcpu *vcpu)
{
	vendor->vcpu_clear(vcpu);
}

static void reset_segments(struct hv_x86_regs *regs)
{
	static const struct hv_x86_segment data = {.limit = 0xffff, .attr = ATTR_DATA16};

	for (uint32_t i = HV_ES; i <= HV_GS; i++)
		regs->seg[i] = data;
	regs->seg[HV_CS] = (struct hv_x86_segment){
		.base = 0xffff0000u, .limit = 0xffff, .attr = ATTR_CODE16, .selector = 0xf000};
	regs->seg[HV_LDTR] = (struct hv_x86_segment){.limit = 0xffff, .attr = ATTR_LDT};
	regs->seg[HV_TR] = (struct hv_x86_segment){.limit = 0xffff, .attr = ATTR_TSS};
	regs->gdtr = (struct hv_x86_table){.limit = 0xffff};
	regs->idtr = regs->gdtr;
}

/** What INIT and power-up have in common. */
static void reset_common(struct vcpu *vcpu)
{
	struct hv_x86_regs *const regs = &vcpu->regs;

	__builtin_memset(regs->gpr, 0, sizeof(regs->gpr));
	regs->gpr[HV_RDX] = cpuid_row(vcpu->vm, 1, 0) ? cpuid_row(vcpu->vm, 1, 0)->eax : 0x600;
	regs->rip = 0xfff0;
	regs->rflags = RFLAGS_FIXED1;
	regs->cr0 = CR0_ET | (regs->cr0 & (CR0_CD | CR0_NW));
	regs->cr2 = regs->cr3 = regs->cr4 = regs->cr8 = 0;
	regs->efer = 0;
	reset_segments(regs);
	debugreg_reset(vcpu);
	regs->shadow = 0;
	regs->activity = vcpu->index == 0 ? HV_ACTIVITY_RUN : HV_ACTIVITY_WAIT_SIPI;
	vcpu->cpl = 0;
	vcpu->delivering.valid = 0;
	vcpu->nmi_pending = false;
	vcpu->extint = 0;
	vcpu->complete = NULL;
	vcpu->fetch.page = 0;
	vcpu->cached = REGS_ALL;
	vcpu->changed = REGS_ALL;
	lapic_reset(vcpu);
	vendor->apic_mode(vcpu);
	vcpu_work(vcpu, VCPU_WORK_FLUSH | VCPU_WORK_EVENT |
			(regs->activity != HV_ACTIVITY_RUN ? VCPU_WORK_HALTED : 0u));
}

static void reset_fpu(struct vcpu *vcpu)
{
	uint8_t *const area = vcpu->fpu.area;

	if (vcpu->fpu.loaded)
		host_fpu_save(&vcpu->fpu);
	__builtin_memset(area, 0, host_fpu_size());
	area[0] = 0x40; /* FCW 0040h: state after reset (SDM vol. 3, Table 10-1) */
	area[24] = 0x80; /* MXCSR 1F80h */
	area[25] = 0x1f;
	if (host_fpu_xcr0() != 0)
		area[512] = XCR0_X87 | XCR0_SSE; /* XSTATE_BV: take both from the area */
	vcpu->fpu.xcr0 = host_fpu_xcr0() != 0 ? XCR0_X87 : 0;
	vcpu->regs.xcr0 = XCR0_X87;
}

/**
 * The time-stamp counter begins at 0 with a reset.
 * @req HV-131 The vCPUs of a VM have one time-stamp counter between them: that of vCPU 0's last reset.
 */
static uint64_t vm_tsc_offset(const struct vcpu *vcpu)
{
	struct vm *const vm = vcpu->vm;

	if (vcpu->index == 0 || vm->tsc_offset == 0)
		vm->tsc_offset = 0 - host_tsc();
	return vm->tsc_offset;
}

void arch_vcpu_reset(struct vcpu *vcpu)
{
	struct hv_x86_regs *const regs = &vcpu->regs;

	debugreg_put(vcpu);
	vcpu->lapic.base = LAPIC_DEFAULT_BASE | APIC_BASE_EN |
			   (vcpu->index == 0 ? APIC_BASE_BSP : 0);
	regs->cr0 = CR0_CD | CR0_NW;
	regs->star = regs->lstar = regs->cstar = regs->sfmask = regs->kernel_gs_base = 0;
	regs->sysenter_cs = regs->sysenter_esp = regs->sysenter_eip = 0;
	regs->pat = IA32_PAT_RESET;
	regs->tsc_aux = regs->debugctl = 0;
	regs->misc_enable = 1; /* fast strings */
	regs->tsc_offset = vm_tsc_offset(vcpu);
	vcpu->hidden = 0;
	__builtin_memset(vcpu->mtrr, 0, sizeof(vcpu->mtrr));
	reset_fpu(vcpu);
	reset_common(vcpu);
	regs->apic_base = vcpu->lapic.base;
}

void x86_init_signal(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_ALL);
	debugreg_put(vcpu);
	reset_common(vcpu);
}

void x86_startup(struct vcpu *vcpu, uint32_t vector)
{
	vcpu_need(vcpu, REGS_EVENT);
	if (vcpu->regs.activity != HV_ACTIVITY_WAIT_SIPI)
		return;
	vcpu_need(vcpu, REGS_SEG | REGS_RIP);
	vcpu->regs.seg[HV_CS].selector = (uint16_t)(vector << 8);
	vcpu->regs.seg[HV_CS].base = (uint64_t)vector << 12;
	vcpu->regs.rip = 0;
	vcpu->regs.activity = HV_ACTIVITY_RUN;
	vcpu_change(vcpu, REGS_SEG | REGS_RIP | REGS_EVENT);
}

/** From groups that are in vcpu->regs, changed perhaps: the control block may be out of date. */
static void code_from_regs(struct vcpu *vcpu)
{
	const struct hv_x86_regs *const regs = &vcpu->regs;
	const struct hv_x86_segment *const cs = &regs->seg[HV_CS];
	struct vcpu_code *const code = &vcpu->code;

	vcpu_need(vcpu, REGS_CS | REGS_CR);
	code->cr3 = regs->cr3;
	code->base = cs->base;
	code->mode = (cs->attr & HV_SEG_DB) != 0 ? INSN_MODE_32 : INSN_MODE_16;
	if ((regs->efer & EFER_LMA) == 0 || (cs->attr & HV_SEG_L) == 0)
		return;
	code->base = 0;
	code->mode = INSN_MODE_64;
}

void vcpu_fetch_regs(struct vcpu *vcpu, uint32_t groups)
{
	const uint32_t plain = groups & ~REGS_CODE;

	if (plain != 0) {
		vendor->fetch(vcpu, plain);
		vcpu->cached |= plain;
	}
	if ((groups & REGS_SEG) != 0)
		vcpu->cached |= REGS_CS;
	if ((groups & REGS_CODE) == 0)
		return;
	if ((vcpu->changed & (REGS_CS | REGS_SEG | REGS_CR)) != 0) {
		code_from_regs(vcpu);
		return; /* and not cached: the next change would not be seen */
	}
	vendor->fetch_code(vcpu);
	vcpu->cached |= REGS_CODE;
}

void arch_vcpu_put(struct vcpu *vcpu)
{
	if (vcpu->dr_live)
		debugreg_put(vcpu);
}

bool arch_runnable(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_EVENT);
	return vcpu->regs.activity == HV_ACTIVITY_RUN;
}

uint32_t vcpu_cpl(struct vcpu *vcpu)
{
	return (vcpu->cached & (REGS_CS | REGS_SEG)) != 0 ? vcpu->cpl : vendor->cpl(vcpu);
}

/** @req HV-012 The code size follows the guest's mode: 64-bit only in long mode with CS.L set. */
uint32_t vcpu_code_size(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_CODE);
	return 16u << vcpu->code.mode;
}
