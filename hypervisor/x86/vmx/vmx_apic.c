/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmx_apic.c The CPU's help with the guest's local APIC (SDM vol. 3, chapter 30):
 * lapic.page is its virtual-APIC page.
 *
 * All or nothing: with APIC-register virtualization and virtual-interrupt delivery the CPU
 * settles TPR, EOI, self-IPI and most reads, in the mode (xAPIC or x2APIC) in which it can.
 * Otherwise only the TPR shadow is used, for CR8, and the registers are the driver's.
 */
#include "hypervisor/x86/vmx/vmx.h"

#define ASSIST_CONTROLS                                                                     \
	(SECONDARY_APIC_ACCESSES | SECONDARY_X2APIC | SECONDARY_APIC_REGISTERS |             \
	 SECONDARY_VIRTUAL_INTERRUPTS)

/**
 * x2APIC registers that are nothing but memory in the virtual-APIC page when read (30.5). Not the
 * current count, which is a clock, nor the ICR, whose upper half the page keeps elsewhere.
 */
static const uint16_t plain_registers[] = {
	LAPIC_ID, LAPIC_VERSION, LAPIC_TPR, LAPIC_PPR, LAPIC_LDR, LAPIC_SVR, LAPIC_LVT_TIMER,
	LAPIC_LVT_THERMAL, LAPIC_LVT_PERF, LAPIC_LVT_LINT0, LAPIC_LVT_LINT1, LAPIC_LVT_ERROR,
	LAPIC_TIMER_ICR, LAPIC_TIMER_DCR,
};
/** Those whose writes the CPU settles itself with virtual-interrupt delivery (30.5). */
static const uint16_t settled_writes[] = {LAPIC_TPR, LAPIC_EOI, LAPIC_SELF_IPI};

/** All of them are low MSRs: reads in the first KiB of the bitmap, writes in the third (25.6.9). */
#define BITMAP_WRITES 2048u

static void open_register(uint8_t *bitmap, uint32_t offset)
{
	uint32_t msr = IA32_X2APIC_FIRST + offset / 16;

	bitmap[msr / 8] = (uint8_t)(bitmap[msr / 8] & ~(1u << (msr % 8)));
}

void vmx_apic_open_x2apic(uint8_t *bitmap)
{
	for (unsigned int i = 0; i < sizeof(plain_registers) / sizeof(plain_registers[0]); i++)
		open_register(bitmap, plain_registers[i]);
	for (uint32_t offset = LAPIC_ISR; offset < LAPIC_ESR; offset += 16)
		open_register(bitmap, offset); /* ISR, TMR, IRR */
	for (unsigned int i = 0; i < sizeof(settled_writes) / sizeof(settled_writes[0]); i++)
		open_register(bitmap + BITMAP_WRITES, settled_writes[i]);
}

/**
 * Map the APIC-access page (30.4) where the guest's APIC is. One page serves all vCPUs: the CPU
 * never lets an access reach it while "virtualize APIC accesses" is on.
 * @return false where something else is there, or the guest has moved its APIC: then accesses are
 *      emulated.
 */
static bool map_access_page(struct vm *vm)
{
	struct vmx_vm *vv = vmx_vm_of(vm);
	uint64_t done;

	host_lock(&vm->lock);
	if (!vv->apic_access_mapped)
		vv->apic_access_mapped =
			npt_map(&vm->npt, gpa(LAPIC_DEFAULT_BASE),
				host_virt_to_phys(vv->apic_access), HV_PAGE_SIZE,
				HV_PROT_READ | HV_PROT_WRITE, 1, &done) == HV_OK;
	host_unlock(&vm->lock);
	return vv->apic_access_mapped;
}

/** Secondary controls that help an APIC in this mode; 0: none. */
static uint32_t assist_controls(struct vcpu *vcpu)
{
	const struct lapic *lapic = &vcpu->lapic;
	uint32_t common = SECONDARY_APIC_REGISTERS | SECONDARY_VIRTUAL_INTERRUPTS;

	if (lapic->mode == LAPIC_X2APIC && vmx_caps.x2apic_assist)
		return common | SECONDARY_X2APIC;
	if (lapic->mode == LAPIC_XAPIC && vmx_caps.xapic_assist &&
	    (lapic->base & APIC_BASE_ADDR_MASK) == LAPIC_DEFAULT_BASE && map_access_page(vcpu->vm))
		return common | SECONDARY_APIC_ACCESSES;
	return 0;
}

static void write_apic_addresses(struct vcpu *vcpu, struct vmx_vcpu *v)
{
	const struct vmx_vm *vv = vmx_vm_of(vcpu->vm);

	if (vmx_caps.tpr_shadow)
		vmwrite(VMCS_VIRTUAL_APIC, host_virt_to_phys(vcpu->lapic.page).raw);
	if (vmx_caps.tpr_shadow && !(v->secondary & SECONDARY_VIRTUAL_INTERRUPTS))
		vmwrite(VMCS_TPR_THRESHOLD, 0);
	if (v->secondary & SECONDARY_APIC_ACCESSES)
		vmwrite(VMCS_APIC_ACCESS, host_virt_to_phys(vv->apic_access).raw);
	if (v->secondary & SECONDARY_X2APIC)
		vmwrite(VMCS_MSR_BITMAP, host_virt_to_phys(vv->msr_bitmap_x2apic).raw);
	else
		vmwrite(VMCS_MSR_BITMAP, host_virt_to_phys(vv->msr_bitmap).raw);
}

/** @req HV-120 the CPU virtualises the local APIC where it can; otherwise the driver does all */
void vmx_apic_mode(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_begin(vcpu);
	uint32_t assist = assist_controls(vcpu);

	vmx_set_secondary(v, (v->secondary & ~ASSIST_CONTROLS) | assist);
	write_apic_addresses(vcpu, v);
	vcpu->lapic.assisted = assist != 0;
	v->work |= VMX_WORK_FLUSH_EPT | VMX_WORK_FLUSH_VPID; /* 29.4.3.3 */
	if (assist) {
		vmx_apic_eoi_exits(vcpu);
		vmx_apic_deliver(vcpu);
	}
	vmx_end(v);
}

/** EOI-exit bitmaps (25.6.8): what the VMM wants to hear of. */
void vmx_apic_eoi_exits(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	const uint32_t *trap = vcpu->vm->eoi_trap;

	if (!(v->secondary & SECONDARY_VIRTUAL_INTERRUPTS))
		return;
	for (unsigned int i = 0; i < 4; i++)
		vmwrite(vmcs_nth(VMCS_EOI_EXIT_0, i),
			trap[2 * i] | (uint64_t)trap[2 * i + 1] << 32);
}

/** Highest vector set in the eight registers from `first`, or 0. Mostly there is none. */
static inline uint32_t highest(const struct lapic *lapic, uint32_t first)
{
	const uint32_t *at = &lapic->page[first / 4];
	uint32_t base = 7 * 32;

	if ((at[0] | at[4] | at[8] | at[12] | at[16] | at[20] | at[24] | at[28]) == 0)
		return 0;
	for (at += 28; *at == 0; at -= 4)
		base -= 32;
	return base + 31u - (uint32_t)__builtin_clz(*at);
}

/** Guest interrupt status (25.4.2): highest vector requested, and in service. */
static void write_interrupt_status(const struct lapic *lapic)
{
	uint32_t status = highest(lapic, LAPIC_IRR) | highest(lapic, LAPIC_ISR) << 8;

	vmwrite(VMCS_GUEST_INTR_STATUS, status);
}

/**
 * TPR threshold (30.1.2): exit when the guest lowers its priority below the class of what waits.
 * It must not be above the present priority (27.2.1.1): then nothing is masked by TPR.
 */
static void write_threshold(const struct lapic *lapic)
{
	uint32_t class = highest(lapic, LAPIC_IRR) >> 4;
	uint32_t priority = lapic->page[LAPIC_TPR / 4] >> 4 & 0xfu;

	vmwrite(VMCS_TPR_THRESHOLD, class <= priority ? class : 0);
}

bool vmx_apic_deliver(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_begin(vcpu);
	bool assisted = v->secondary & SECONDARY_VIRTUAL_INTERRUPTS;

	if (assisted)
		write_interrupt_status(&vcpu->lapic);
	else if (vmx_caps.tpr_shadow)
		write_threshold(&vcpu->lapic);
	vmx_end(v);
	return assisted;
}
