/* SPDX-License-Identifier: BSD-2-Clause */
/* hv.h over /dev/kvm: register groups, reset, FPU and local APIC. */
#include "vmm/platform/linux/kvm.h"

#include <string.h>

/* ----------------------------------------------------------------------------- general registers */

/** KVM's order of the general registers, by the instruction encoding's. */
static uint64_t *general(struct kvm_regs *regs, unsigned int number)
{
	uint64_t *const at[HV_GPRS] = {
		(uint64_t *)&regs->rax, (uint64_t *)&regs->rcx, (uint64_t *)&regs->rdx,
		(uint64_t *)&regs->rbx, (uint64_t *)&regs->rsp, (uint64_t *)&regs->rbp,
		(uint64_t *)&regs->rsi, (uint64_t *)&regs->rdi, (uint64_t *)&regs->r8,
		(uint64_t *)&regs->r9,	(uint64_t *)&regs->r10, (uint64_t *)&regs->r11,
		(uint64_t *)&regs->r12, (uint64_t *)&regs->r13, (uint64_t *)&regs->r14,
		(uint64_t *)&regs->r15};

	return at[number];
}

static hv_status_t gpr_get(struct kvm_vcpu *vcpu, struct hv_x86_regs *to)
{
	struct kvm_regs regs;
	const hv_status_t status = kvm_call(vcpu->fd, KVM_GET_REGS, &regs);

	if (status != HV_OK)
		return status;
	for (unsigned int i = 0; i < HV_GPRS; i++)
		to->gpr[i] = *general(&regs, i);
	to->rip = regs.rip;
	to->rflags = regs.rflags;
	return HV_OK;
}

static hv_status_t gpr_load(struct kvm_vcpu *vcpu, const struct hv_x86_regs *from)
{
	struct kvm_regs regs = {.rip = from->rip, .rflags = from->rflags};

	for (unsigned int i = 0; i < HV_GPRS; i++)
		*general(&regs, i) = from->gpr[i];
	return kvm_call(vcpu->fd, KVM_SET_REGS, &regs);
}

/* --------------------------------------------------------------------- segments, control registers */

static struct kvm_segment *segment(struct kvm_sregs *sregs, unsigned int number)
{
	struct kvm_segment *const at[HV_SEGS] = {&sregs->es, &sregs->cs, &sregs->ss,  &sregs->ds,
						 &sregs->fs, &sregs->gs, &sregs->ldt, &sregs->tr};

	return at[number];
}

static struct hv_x86_segment segment_from_kvm(const struct kvm_segment *from)
{
	return (struct hv_x86_segment){
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.attr = (uint32_t)from->type | (uint32_t)from->s << 4 |
			(uint32_t)from->dpl << HV_SEG_DPL_SHIFT | (uint32_t)from->present << 7 |
			(uint32_t)from->avl << 12 | (uint32_t)from->l << 13 |
			(uint32_t)from->db << 14 | (uint32_t)from->g << 15 |
			(uint32_t)from->unusable << 16,
	};
}

static struct kvm_segment segment_to_kvm(const struct hv_x86_segment *from)
{
	return (struct kvm_segment){
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.type = from->attr & HV_SEG_TYPE_MASK,
		.s = (from->attr & HV_SEG_S) != 0,
		.dpl = from->attr >> HV_SEG_DPL_SHIFT & 3,
		.present = (from->attr & HV_SEG_P) != 0,
		.avl = (from->attr & HV_SEG_AVL) != 0,
		.l = (from->attr & HV_SEG_L) != 0,
		.db = (from->attr & HV_SEG_DB) != 0,
		.g = (from->attr & HV_SEG_G) != 0,
		.unusable = (from->attr & HV_SEG_UNUSABLE) != 0,
	};
}

static void segments_from_kvm(struct hv_x86_regs *to, struct kvm_sregs *from)
{
	for (unsigned int i = 0; i < HV_SEGS; i++)
		to->seg[i] = segment_from_kvm(segment(from, i));
	to->gdtr = (struct hv_x86_table){.base = from->gdt.base, .limit = from->gdt.limit};
	to->idtr = (struct hv_x86_table){.base = from->idt.base, .limit = from->idt.limit};
}

static void segments_to_kvm(struct kvm_sregs *to, const struct hv_x86_regs *from)
{
	for (unsigned int i = 0; i < HV_SEGS; i++)
		*segment(to, i) = segment_to_kvm(&from->seg[i]);
	to->gdt.base = from->gdtr.base;
	to->gdt.limit = (uint16_t)from->gdtr.limit;
	to->idt.base = from->idtr.base;
	to->idt.limit = (uint16_t)from->idtr.limit;
}

/** XCR0 is apart from the others, and there only where CPUID shows XSAVE. */
static uint64_t xcr0_get(struct kvm_vcpu *vcpu)
{
	struct kvm_xcrs xcrs = {.nr_xcrs = 0};

	if (kvm_call(vcpu->fd, KVM_GET_XCRS, &xcrs) != HV_OK || xcrs.nr_xcrs == 0)
		return 1;
	return xcrs.xcrs[0].value;
}

static hv_status_t xcr0_load(struct kvm_vcpu *vcpu, uint64_t value)
{
	struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0].value = value};

	return value == xcr0_get(vcpu) ? HV_OK : kvm_call(vcpu->fd, KVM_SET_XCRS, &xcrs);
}

static hv_status_t sregs_get(struct kvm_vcpu *vcpu, uint32_t groups, struct hv_x86_regs *to)
{
	struct kvm_sregs sregs;
	const hv_status_t status = kvm_call(vcpu->fd, KVM_GET_SREGS, &sregs);

	if (status != HV_OK)
		return status;
	if (groups & HV_X86_REGS_SEG)
		segments_from_kvm(to, &sregs);
	if (groups & HV_X86_REGS_CR) {
		to->cr0 = sregs.cr0;
		to->cr2 = sregs.cr2;
		to->cr3 = sregs.cr3;
		to->cr4 = sregs.cr4;
		to->cr8 = sregs.cr8;
		to->efer = sregs.efer;
		to->xcr0 = xcr0_get(vcpu);
	}
	if (groups & HV_X86_REGS_MSR)
		to->apic_base = sregs.apic_base;
	return HV_OK;
}

static hv_status_t sregs_load(struct kvm_vcpu *vcpu, uint32_t groups, const struct hv_x86_regs *from)
{
	struct kvm_sregs sregs;
	hv_status_t status = kvm_call(vcpu->fd, KVM_GET_SREGS, &sregs);

	if (status != HV_OK)
		return status;
	/* It says an interrupt to inject, too: those go by another way. */
	memset(sregs.interrupt_bitmap, 0, sizeof(sregs.interrupt_bitmap));
	if (groups & HV_X86_REGS_SEG)
		segments_to_kvm(&sregs, from);
	if (groups & HV_X86_REGS_CR) {
		sregs.cr0 = from->cr0;
		sregs.cr2 = from->cr2;
		sregs.cr3 = from->cr3;
		sregs.cr4 = from->cr4;
		sregs.cr8 = from->cr8;
		sregs.efer = from->efer;
	}
	if (groups & HV_X86_REGS_MSR)
		sregs.apic_base = from->apic_base;
	status = kvm_call(vcpu->fd, KVM_SET_SREGS, &sregs);
	if (status == HV_OK && (groups & HV_X86_REGS_CR))
		status = xcr0_load(vcpu, from->xcr0);
	return status;
}

/* ---------------------------------------------------------------------------------- debug registers */

static hv_status_t debug_get(struct kvm_vcpu *vcpu, struct hv_x86_regs *to)
{
	struct kvm_debugregs regs;
	const hv_status_t status = kvm_call(vcpu->fd, KVM_GET_DEBUGREGS, &regs);

	for (unsigned int i = 0; i < 4 && status == HV_OK; i++)
		to->dr[i] = regs.db[i];
	to->dr6 = regs.dr6;
	to->dr7 = regs.dr7;
	return status;
}

static hv_status_t debug_load(struct kvm_vcpu *vcpu, const struct hv_x86_regs *from)
{
	struct kvm_debugregs regs = {.dr6 = from->dr6, .dr7 = from->dr7};

	for (unsigned int i = 0; i < 4; i++)
		regs.db[i] = from->dr[i];
	return kvm_call(vcpu->fd, KVM_SET_DEBUGREGS, &regs);
}

/* --------------------------------------------------------------------------------------------- MSRs */

#define MSR_TSC 0x10u

static const struct {
	uint32_t index;
	size_t offset;
} msrs[] = {
	{0xc0000081, offsetof(struct hv_x86_regs, star)},
	{0xc0000082, offsetof(struct hv_x86_regs, lstar)},
	{0xc0000083, offsetof(struct hv_x86_regs, cstar)},
	{0xc0000084, offsetof(struct hv_x86_regs, sfmask)},
	{0xc0000102, offsetof(struct hv_x86_regs, kernel_gs_base)},
	{0x174, offsetof(struct hv_x86_regs, sysenter_cs)},
	{0x175, offsetof(struct hv_x86_regs, sysenter_esp)},
	{0x176, offsetof(struct hv_x86_regs, sysenter_eip)},
	{0x277, offsetof(struct hv_x86_regs, pat)},
	{0x1d9, offsetof(struct hv_x86_regs, debugctl)},
	{0x1a0, offsetof(struct hv_x86_regs, misc_enable)},
	{0xc0000103, offsetof(struct hv_x86_regs, tsc_aux)},
};
#define MSRS (sizeof(msrs) / sizeof(msrs[0]))

/** struct kvm_msrs with one of them. */
struct msr_list {
	uint32_t nmsrs, padding;
	struct kvm_msr_entry entry[1];
};
_Static_assert(offsetof(struct msr_list, entry) == sizeof(struct kvm_msrs), "as in KVM's ABI");

/** One by one: KVM stops at the first that the vCPU doesn't have, and that one is 0. */
static hv_status_t msr_get(struct kvm_vcpu *vcpu, struct hv_x86_regs *to)
{
	for (size_t i = 0; i < MSRS; i++) {
		struct msr_list list = {.nmsrs = 1, .entry[0].index = msrs[i].index};
		const int done = kvm_ioctl(vcpu->fd, KVM_GET_MSRS, &list);
		const uint64_t value = done == 1 ? list.entry[0].data : 0;
		if (done < 0)
			return HV_E_STATE;
		memcpy((uint8_t *)to + msrs[i].offset, &value, sizeof(value));
	}
	return HV_OK;
}

static hv_status_t msr_write(struct kvm_vcpu *vcpu, uint32_t index, uint64_t value)
{
	struct msr_list list = {.nmsrs = 1, .entry[0] = {.index = index, .data = value}};
	const int done = kvm_ioctl(vcpu->fd, KVM_SET_MSRS, &list);

	if (done < 0)
		return HV_E_STATE;
	/* One that isn't there can have one value only. */
	return done == 1 || value == 0 ? HV_OK : HV_E_INVALID;
}

static hv_status_t msr_load(struct kvm_vcpu *vcpu, const struct hv_x86_regs *from)
{
	hv_status_t status = HV_OK;

	for (size_t i = 0; i < MSRS && status == HV_OK; i++) {
		uint64_t value;
		memcpy(&value, (const uint8_t *)from + msrs[i].offset, sizeof(value));
		status = msr_write(vcpu, msrs[i].index, value);
	}
	return status;
}

/* --------------------------------------------------------------------------------- events and time */

static hv_status_t event_get(struct kvm_vcpu *vcpu, struct hv_x86_regs *to)
{
	struct kvm_mp_state state;
	struct kvm_vcpu_events events;
	hv_status_t status = kvm_call(vcpu->fd, KVM_GET_MP_STATE, &state);

	if (status == HV_OK)
		status = kvm_call(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	if (status != HV_OK)
		return status;
	to->activity = HV_ACTIVITY_RUN;
	if (state.mp_state == KVM_MP_STATE_HALTED)
		to->activity = HV_ACTIVITY_HALT;
	if (state.mp_state == KVM_MP_STATE_UNINITIALIZED ||
	    state.mp_state == KVM_MP_STATE_INIT_RECEIVED)
		to->activity = HV_ACTIVITY_WAIT_SIPI;
	to->shadow = (events.interrupt.shadow & KVM_X86_SHADOW_INT_STI ? HV_SHADOW_STI : 0) |
		     (events.interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS ? HV_SHADOW_MOV_SS : 0) |
		     (events.nmi.masked ? HV_SHADOW_NMI : 0);
	to->pending = (struct hv_event){.kind = HV_EVENT_NONE};
	return HV_OK;
}

static hv_status_t event_load(struct kvm_vcpu *vcpu, const struct hv_x86_regs *from)
{
	static const uint32_t states[] = {
		[HV_ACTIVITY_RUN] = KVM_MP_STATE_RUNNABLE,
		[HV_ACTIVITY_HALT] = KVM_MP_STATE_HALTED,
		[HV_ACTIVITY_WAIT_SIPI] = KVM_MP_STATE_INIT_RECEIVED,
	};
	struct kvm_vcpu_events events;

	if (from->activity > HV_ACTIVITY_WAIT_SIPI)
		return HV_E_INVALID;
	struct kvm_mp_state state = {.mp_state = states[from->activity]};
	hv_status_t status = kvm_call(vcpu->fd, KVM_SET_MP_STATE, &state);
	if (status == HV_OK)
		status = kvm_call(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	if (status != HV_OK)
		return status;
	events.flags = KVM_VCPUEVENT_VALID_SHADOW;
	events.interrupt.shadow =
		(uint8_t)((from->shadow & HV_SHADOW_STI ? KVM_X86_SHADOW_INT_STI : 0) |
			  (from->shadow & HV_SHADOW_MOV_SS ? KVM_X86_SHADOW_INT_MOV_SS : 0));
	events.nmi.masked = (from->shadow & HV_SHADOW_NMI) != 0;
	return kvm_call(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
}

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/** KVM keeps the offset to itself in part of its versions: then it is as exact as two readings are. */
static hv_status_t time_get(struct kvm_vcpu *vcpu, struct hv_x86_regs *to)
{
	struct kvm_device_attr attr = {.group = KVM_VCPU_TSC_CTRL,
				       .attr = KVM_VCPU_TSC_OFFSET,
				       .addr = (uintptr_t)&to->tsc_offset};
	struct msr_list list = {.nmsrs = 1, .entry[0].index = MSR_TSC};

	if (kvm_call(vcpu->fd, KVM_GET_DEVICE_ATTR, &attr) == HV_OK)
		return HV_OK;
	if (kvm_ioctl(vcpu->fd, KVM_GET_MSRS, &list) != 1)
		return HV_E_STATE;
	to->tsc_offset = list.entry[0].data - rdtsc();
	return HV_OK;
}

static hv_status_t time_load(struct kvm_vcpu *vcpu, const struct hv_x86_regs *from)
{
	const struct kvm_device_attr attr = {.group = KVM_VCPU_TSC_CTRL,
					     .attr = KVM_VCPU_TSC_OFFSET,
					     .addr = (uintptr_t)&from->tsc_offset};

	/* The register is taken for an attempt to be in step with others where it is nearly that. */
	if (kvm_call(vcpu->fd, KVM_SET_DEVICE_ATTR, (void *)(uintptr_t)&attr) == HV_OK)
		return HV_OK;
	return msr_write(vcpu, MSR_TSC, rdtsc() + from->tsc_offset);
}

/* ------------------------------------------------------------------------------------------- groups */

#define SREGS (HV_X86_REGS_SEG | HV_X86_REGS_CR | HV_X86_REGS_MSR)

hv_status_t kvm_regs_get(struct kvm_vcpu *vcpu, uint32_t groups)
{
	struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);
	hv_status_t status = HV_OK;

	if (groups & HV_X86_REGS_GPR)
		status = gpr_get(vcpu, regs);
	if (status == HV_OK && (groups & SREGS))
		status = sregs_get(vcpu, groups, regs);
	if (status == HV_OK && (groups & HV_X86_REGS_DR))
		status = debug_get(vcpu, regs);
	if (status == HV_OK && (groups & HV_X86_REGS_MSR))
		status = msr_get(vcpu, regs);
	if (status == HV_OK && (groups & HV_X86_REGS_EVENT))
		status = event_get(vcpu, regs);
	if (status == HV_OK && (groups & HV_X86_REGS_TIME))
		status = time_get(vcpu, regs);
	if (status == HV_OK)
		vcpu->page->valid |= groups;
	return status;
}

hv_status_t kvm_regs_load(struct kvm_vcpu *vcpu, uint32_t groups)
{
	const struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);
	hv_status_t status = HV_OK;

	if (groups & SREGS)
		status = sregs_load(vcpu, groups, regs);
	if (status == HV_OK && (groups & HV_X86_REGS_GPR))
		status = gpr_load(vcpu, regs);
	if (status == HV_OK && (groups & HV_X86_REGS_DR))
		status = debug_load(vcpu, regs);
	if (status == HV_OK && (groups & HV_X86_REGS_MSR))
		status = msr_load(vcpu, regs);
	if (status == HV_OK && (groups & HV_X86_REGS_TIME))
		status = time_load(vcpu, regs);
	if (status == HV_OK && (groups & HV_X86_REGS_EVENT))
		status = event_load(vcpu, regs);
	return status;
}

/* -------------------------------------------------------------------------------------------- reset */

/* Segments after reset (SDM vol. 3, Table 10-1). */
#define ATTR_DATA 0x93u
#define ATTR_CODE 0x9bu
#define ATTR_LDT  0x82u
#define ATTR_TSS  0x8bu

#define PAT_RESET  UINT64_C(0x0007040600070406)
#define CR0_RESET  UINT64_C(0x60000010)
#define APIC_BASE  UINT64_C(0xfee00000)
#define APIC_ON	   UINT64_C(0x800)
#define APIC_BSP   UINT64_C(0x100)
#define MISC_RESET 1u /* fast strings */

static void reset_state(struct hv_x86_regs *regs, uint32_t index)
{
	memset(regs, 0, sizeof(*regs));
	for (unsigned int i = 0; i < HV_SEGS; i++)
		regs->seg[i] = (struct hv_x86_segment){.limit = 0xffff, .attr = ATTR_DATA};
	regs->seg[HV_CS] = (struct hv_x86_segment){
		.base = 0xffff0000, .limit = 0xffff, .attr = ATTR_CODE, .selector = 0xf000};
	regs->seg[HV_LDTR].attr = ATTR_LDT;
	regs->seg[HV_TR].attr = ATTR_TSS;
	regs->gdtr.limit = regs->idtr.limit = 0xffff;
	regs->rip = 0xfff0;
	regs->rflags = 2;
	regs->cr0 = CR0_RESET;
	regs->xcr0 = 1;
	regs->dr6 = 0xffff0ff0;
	regs->dr7 = 0x400;
	regs->pat = PAT_RESET;
	regs->misc_enable = MISC_RESET;
	regs->apic_base = APIC_BASE | APIC_ON | (index == 0 ? APIC_BSP : 0);
	regs->activity = index == 0 ? HV_ACTIVITY_RUN : HV_ACTIVITY_WAIT_SIPI;
}

#define APIC_ID	      0x20u
#define APIC_VERSION  0x30u
#define APIC_DFR      0xe0u
#define APIC_SPURIOUS 0xf0u
#define APIC_LVT      0x320u
#define APIC_LVT_END  0x370u
#define APIC_LINT0    0x350u
#define LVT_MASKED    0x10000u
#define LVT_EXTINT    0x700u

/** As after power-up; the first one takes the PIC's interrupts, as firmware leaves it. */
static hv_status_t apic_reset(struct kvm_vcpu *vcpu)
{
	uint32_t old[256], regs[256] = {0};
	hv_status_t status = hv_x86_apic_get(vcpu->index, old);

	regs[APIC_ID / 4] = vcpu->index << 24;
	regs[APIC_VERSION / 4] = old[APIC_VERSION / 4];
	regs[APIC_DFR / 4] = UINT32_MAX;
	regs[APIC_SPURIOUS / 4] = 0xff;
	for (uint32_t i = APIC_LVT; i <= APIC_LVT_END; i += 0x10)
		regs[i / 4] = LVT_MASKED;
	if (vcpu->index == 0)
		regs[APIC_LINT0 / 4] = LVT_EXTINT;
	return status == HV_OK ? hv_x86_apic_set(vcpu->index, regs) : status;
}

static hv_status_t fpu_reset(struct kvm_vcpu *vcpu)
{
	uint8_t area[576] = {0};

	area[0] = 0x40; /* FCW 0040h (SDM vol. 3, Table 10-1) */
	area[24] = 0x80;
	area[25] = 0x1f; /* MXCSR 1F80h */
	area[512] = 3;	 /* both are in the area */
	return hv_x86_fpu_set(vcpu->index, area, sizeof(area));
}

static hv_status_t events_reset(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_events none;

	memset(&none, 0, sizeof(none));
	return kvm_call(vcpu->fd, KVM_SET_VCPU_EVENTS, &none);
}

hv_status_t hv_vcpu_reset(hv_vcpu_t handle)
{
	const uint32_t groups = HV_X86_REGS_ALL & ~HV_X86_REGS_TIME;
	struct kvm_vcpu *vcpu = kvm_vcpu(handle);

	if (!vcpu)
		return HV_E_INVALID;
	kvm_flush(vcpu);
	vcpu->pending = PENDING_NOTHING;
	hv_status_t status = events_reset(vcpu);
	reset_state(hv_x86_regs(vcpu->page), vcpu->index);
	if (status == HV_OK)
		status = kvm_regs_load(vcpu, groups);
	if (status == HV_OK)
		status = apic_reset(vcpu);
	if (status == HV_OK)
		status = fpu_reset(vcpu);
	if (status == HV_OK)
		status = msr_write(vcpu, MSR_TSC, 0);
	vcpu->page->valid = 0;
	return status;
}

/* ------------------------------------------------------------------------------ FPU and local APIC */

hv_status_t hv_x86_fpu_get(hv_vcpu_t handle, void *area, uint32_t size)
{
	struct kvm_vcpu *vcpu = kvm_vcpu(handle);
	struct kvm_xsave xsave;

	if (!vcpu || size > sizeof(xsave.region))
		return HV_E_INVALID;
	const hv_status_t status = kvm_call(vcpu->fd, KVM_GET_XSAVE, &xsave);
	if (status == HV_OK)
		memcpy(area, xsave.region, size);
	return status;
}

hv_status_t hv_x86_fpu_set(hv_vcpu_t handle, const void *area, uint32_t size)
{
	struct kvm_vcpu *vcpu = kvm_vcpu(handle);
	struct kvm_xsave xsave;

	if (!vcpu || size > sizeof(xsave.region))
		return HV_E_INVALID;
	hv_status_t status = kvm_call(vcpu->fd, KVM_GET_XSAVE, &xsave);
	memcpy(xsave.region, area, size);
	return status == HV_OK ? kvm_call(vcpu->fd, KVM_SET_XSAVE, &xsave) : status;
}

/** KVM has the page as it is: a register each 16 bytes. */
hv_status_t hv_x86_apic_get(hv_vcpu_t handle, uint32_t regs[256])
{
	struct kvm_vcpu *vcpu = kvm_vcpu(handle);
	struct kvm_lapic_state state;

	_Static_assert(sizeof(state.regs) == 1024, "the whole of it");
	if (!vcpu)
		return HV_E_INVALID;
	const hv_status_t status = kvm_call(vcpu->fd, KVM_GET_LAPIC, &state);
	memcpy(regs, state.regs, sizeof(state.regs));
	return status;
}

hv_status_t hv_x86_apic_set(hv_vcpu_t handle, const uint32_t regs[256])
{
	struct kvm_vcpu *vcpu = kvm_vcpu(handle);
	struct kvm_lapic_state state;

	if (!vcpu)
		return HV_E_INVALID;
	memcpy(state.regs, regs, sizeof(state.regs));
	return kvm_call(vcpu->fd, KVM_SET_LAPIC, &state);
}
