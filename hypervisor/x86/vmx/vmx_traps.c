/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmx_traps.c
 * What exits: execution controls (SDM vol. 3, 25.6), exception bitmap, CR masks, MSR bitmaps.
 *
 * All port accesses exit ("unconditional I/O exiting"): ports without a device are settled in the
 * driver, and none leads to the machine's own, not even 80h, with which a guest could hold up the
 * bus.
 */
#include "hypervisor/x86/vmx/vmx.h"

/* ---------------------------------------------------------------------------------- MSR bitmaps */

/* 25.6.9: four bitmaps of 1 KiB in a page: reads of low and high MSRs, writes of both. */
#define BITMAP_WRITE 2048u
#define BITMAP_HIGH  1024u
#define MSR_RANGE    0x2000u
#define MSR_HIGH     0xc0000000u

/** Byte and bit of an MSR in the read bitmap; false: it has none and always exits. */
static bool msr_place(uint32_t msr, uint32_t *byte, uint8_t *mask)
{
	uint32_t base = 0;

	if (msr >= MSR_HIGH) {
		msr -= MSR_HIGH;
		base = BITMAP_HIGH;
	}
	if (msr >= MSR_RANGE)
		return false;
	*byte = base + msr / 8;
	*mask = (uint8_t)(1u << (msr % 8));
	return true;
}

static void set_bit(uint8_t *at, uint8_t mask, bool on)
{
	*at = (uint8_t)(on ? *at | mask : *at & ~mask);
}

static void bitmap_set(uint8_t *bitmap, uint32_t msr, bool read, bool write)
{
	uint32_t byte;
	uint8_t mask;

	if (bitmap == NULL || !msr_place(msr, &byte, &mask))
		return;
	set_bit(&bitmap[byte], mask, read);
	set_bit(&bitmap[byte + BITMAP_WRITE], mask, write);
}

/** The one that changes behind our back anyway, by SWAPGS; writes of the others always exit. */
static bool written_directly(uint32_t msr)
{
	return msr == IA32_KERNEL_GS_BASE;
}

/** They are in the CPU only where the guest can use them. */
static bool is_for_syscalls(uint32_t msr)
{
	return msr >= IA32_STAR && msr <= IA32_FMASK;
}

static uint32_t lazy_bit(uint32_t msr)
{
	for (unsigned int i = 0; i < LAZY_MSRS; i++)
		if (vmx_lazy_msr[i] == msr)
			return 1u << i;
	return 0;
}

bool vmx_lazy_passes(const struct vm *vm, uint32_t msr)
{
	return vmx_vm_of(vm)->lazy_passes & lazy_bit(msr);
}

void vmx_trap_msr(struct vm *vm, uint32_t msr, bool read, bool write)
{
	struct vmx_vm *vv = vmx_vm_of(vm);
	uint32_t lazy = lazy_bit(msr);

	vv->lazy_passes = write ? vv->lazy_passes & ~lazy : vv->lazy_passes | lazy;
	write = write || (lazy != 0 && !written_directly(msr));
	read = read || is_for_syscalls(msr);
	bitmap_set(vv->msr_bitmap, msr, read, write);
	bitmap_set(vv->msr_bitmap_x2apic, msr, read, write);
	if (vv->msr_bitmap_x2apic != NULL && msr >= IA32_X2APIC_FIRST && msr <= IA32_X2APIC_LAST)
		vmx_apic_open_x2apic(vv->msr_bitmap_x2apic);
}

static uint8_t *new_bitmap(struct vm *vm)
{
	uint8_t *bitmap = host_pages_alloc(vm->pool, 1);

	if (bitmap != NULL)
		__builtin_memset(bitmap, 0xff, HV_PAGE_SIZE);
	return bitmap;
}

static hv_status_t alloc_vm_pages(struct vm *vm, struct vmx_vm *vv)
{
	vv->msr_bitmap = new_bitmap(vm);
	if (vv->msr_bitmap == NULL)
		return HV_E_NOMEM;
	if (vmx_caps.x2apic_assist) {
		vv->msr_bitmap_x2apic = new_bitmap(vm);
		if (vv->msr_bitmap_x2apic == NULL)
			return HV_E_NOMEM;
		vmx_apic_open_x2apic(vv->msr_bitmap_x2apic);
	}
	if (vmx_caps.xapic_assist) {
		vv->apic_access = host_pages_alloc(vm->pool, 1);
		if (vv->apic_access == NULL)
			return HV_E_NOMEM;
	}
	return HV_OK;
}

hv_status_t vmx_vm_init(struct vm *vm)
{
	struct vmx_vm *vv = host_pages_alloc(vm->pool, 1);
	hv_status_t status;

	if (vv == NULL)
		return HV_E_NOMEM;
	vm->vendor = vv;
	status = alloc_vm_pages(vm, vv);
	if (status != HV_OK)
		vmx_vm_exit(vm);
	return status;
}

static void free_page(struct vm *vm, void *page)
{
	if (page != NULL)
		host_pages_free(vm->pool, page, 1);
}

void vmx_vm_exit(struct vm *vm)
{
	struct vmx_vm *vv = vmx_vm_of(vm);

	free_page(vm, vv->apic_access);
	free_page(vm, vv->msr_bitmap_x2apic);
	free_page(vm, vv->msr_bitmap);
	free_page(vm, vv);
	vm->vendor = NULL;
}

/* ------------------------------------------------------------------------------------- controls */

void vmx_set_primary(struct vmx_vcpu *v, uint32_t value)
{
	if (v->primary == value)
		return;
	v->primary = value;
	vmwrite(VMCS_PRIMARY_CONTROLS, value);
}

void vmx_set_secondary(struct vmx_vcpu *v, uint32_t value)
{
	if (v->secondary == value)
		return;
	v->secondary = value;
	vmwrite(VMCS_SECONDARY_CONTROLS, value);
}

/**
 * Controls that follow from one trap bit each (25.6.2). Those that the driver always needs are
 * not here.
 */
static const struct {
	uint64_t trap;
	uint32_t primary, secondary;
} trap_controls[] = {
	{HV_X86_TRAP(HV_X86_INSN_PAUSE), PRIMARY_PAUSE, 0},
	{HV_X86_TRAP(HV_X86_INSN_RDTSC), PRIMARY_RDTSC, 0},
	{HV_X86_TRAP(HV_X86_INSN_RDTSCP), PRIMARY_RDTSC, 0},
	{HV_X86_TRAP(HV_X86_INSN_INVLPG), PRIMARY_INVLPG, 0},
	{HV_X86_TRAP(HV_X86_INSN_CR), PRIMARY_CR3_LOAD | PRIMARY_CR3_STORE | PRIMARY_CR8_LOAD |
					      PRIMARY_CR8_STORE, 0},
	{HV_X86_TRAP(HV_X86_INSN_DR), PRIMARY_MOV_DR, 0},
	{HV_X86_TRAP(HV_X86_INSN_DESC), 0, SECONDARY_DESCRIPTOR_TABLE},
};

/** All bits that apply_controls() decides. The rest belongs to windows and to the APIC. */
static void trap_bits(uint64_t traps, uint32_t *primary, uint32_t *secondary)
{
	*primary = *secondary = 0;
	for (unsigned int i = 0; i < sizeof(trap_controls) / sizeof(trap_controls[0]); i++) {
		if (!(traps & trap_controls[i].trap))
			continue;
		*primary |= trap_controls[i].primary;
		*secondary |= trap_controls[i].secondary;
	}
}

static void apply_controls(struct vcpu *vcpu, struct vmx_vcpu *v)
{
	uint32_t all1, all2, primary, secondary;
	bool step = vcpu->request & HV_REQUEST_STEP;

	v->watch = (uint8_t)((v->watch & ~VMX_WATCH_STEP) | (step ? VMX_WATCH_STEP : 0));

	trap_bits(UINT64_MAX, &all1, &all2);
	trap_bits(vcpu->vm->traps, &primary, &secondary);
	if (!vcpu->dr_live || vcpu->dr_vmm)
		primary |= PRIMARY_MOV_DR;
	if (step && (vmx_caps.primary_allowed & PRIMARY_MONITOR_TRAP))
		primary |= PRIMARY_MONITOR_TRAP;
	else if (step)
		v->work |= VMX_WORK_STEP;
	else
		v->work &= ~VMX_WORK_STEP;
	primary &= vmx_caps.primary_allowed;
	all1 = (all1 | PRIMARY_MONITOR_TRAP) & ~vmx_caps.primary;
	vmx_set_primary(v, (v->primary & ~(all1 | PRIMARY_MOV_DR)) | primary);
	vmx_set_secondary(v, (v->secondary & ~all2) | (secondary & vmx_caps.secondary_allowed));
}

/**
 * #AC and #DB always exit: both can loop for ever while they are delivered, without an
 * instruction at whose end interrupts are taken. #MC is the host's.
 * @req HV-112 no guest can hold its CPU by an endless delivery of #AC or #DB
 */
#define EXCEPTIONS_ALWAYS (1u << X86_AC | 1u << X86_DB | 1u << X86_MC)

static void apply_exceptions(struct vcpu *vcpu, struct vmx_vcpu *v)
{
	uint32_t bitmap = vcpu->vm->exceptions | EXCEPTIONS_ALWAYS;

	if (v->exceptions == bitmap)
		return;
	v->exceptions = bitmap;
	vmwrite(VMCS_EXCEPTION_BITMAP, bitmap);
}

/**
 * CR0 and CR4 bits that the guest changes without an exit (25.6.6). Kept from it: CD and NW,
 * which VM exits leave in the CPU; NE and MCE, which must be 1; bits that CPUID policy may
 * refuse.
 */
#define CR0_GUEST_OWNED (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_WP | CR0_AM | CR0_PG)
#define CR4_GUEST_OWNED                                                                     \
	(CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCE |        \
	 CR4_OSFXSR | CR4_OSXMMEXCPT)

static void apply_masks(struct vcpu *vcpu, struct vmx_vcpu *v)
{
	bool all = vcpu->vm->traps & HV_X86_TRAP(HV_X86_INSN_CR);
	uint64_t cr0_mask = all ? UINT64_MAX : ~CR0_GUEST_OWNED;
	uint64_t cr4_mask = all ? UINT64_MAX : ~CR4_GUEST_OWNED;

	if (v->cr0_mask == cr0_mask && v->cr4_mask == cr4_mask)
		return;
	/* Bits that change hands keep the value that the guest sees. */
	vmx_fetch_groups(vcpu, REGS_CR & ~vcpu->cached);
	vcpu->cached |= REGS_CR;
	v->cr0_mask = cr0_mask;
	v->cr4_mask = cr4_mask;
	vmwrite(VMCS_CR0_MASK, cr0_mask);
	vmwrite(VMCS_CR4_MASK, cr4_mask);
	vmx_store_groups(vcpu, REGS_CR);
}

void vmx_apply_traps(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_begin(vcpu);

	apply_controls(vcpu, v);
	apply_exceptions(vcpu, v);
	apply_masks(vcpu, v);
	vmx_apic_eoi_exits(vcpu);
	vmx_end(v);
}
