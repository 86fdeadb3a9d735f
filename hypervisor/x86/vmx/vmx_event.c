/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmx_event.c Events into the guest (SDM vol. 3, 25.8.3, 27.6), events whose delivery an
 * exit cut short (28.2.4, 28.7.1), and the exits that tell when one can be taken.
 */
#include "hypervisor/x86/vmx/vmx.h"

static bool is_software(uint32_t type)
{
	return type == X86_EVENT_SOFT_INT || type == X86_EVENT_PRIV_SOFT ||
	       type == X86_EVENT_SOFT_EXC;
}

void vmx_inject(struct vcpu *vcpu)
{
	const struct x86_event *event = &vcpu->delivering;
	uint32_t info = event->vector | (uint32_t)event->type << INTR_INFO_TYPE_SHIFT |
			INTR_INFO_VALID;

	vmx_begin(vcpu);
	if (event->has_code) {
		info |= INTR_INFO_CODE;
		vmwrite(VMCS_ENTRY_EXCEPTION_CODE, event->code);
	}
	if (is_software(event->type))
		vmwrite(VMCS_ENTRY_INSN_LENGTH, event->insn_length);
	vmwrite(VMCS_ENTRY_INTR_INFO, info);
	vmx_end(vmx_of(vcpu));
}

/** In the VMCS and, as enter() fetched it, in vcpu->regs. */
static void set_nmi_blocking(struct vcpu *vcpu, bool blocked)
{
	uint32_t state = vmread32(VMCS_GUEST_INTERRUPTIBILITY) & ~INTERRUPTIBILITY_NMI;

	vcpu->regs.shadow &= ~HV_SHADOW_NMI;
	if (blocked) {
		state |= INTERRUPTIBILITY_NMI;
		vcpu->regs.shadow |= HV_SHADOW_NMI;
	}
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY, state);
}

/**
 * 28.2.3: an IRET has ended NMI blocking and then faulted; it will be executed again, or its
 * fault delivered.
 */
void vmx_reblock_nmi(struct vcpu *vcpu)
{
	if (!vcpu->delivering.valid)
		set_nmi_blocking(vcpu, true);
}

/**
 * @req HV-111 an event whose delivery a VM exit cut short is delivered again, unchanged
 */
void vmx_decode_delivery(struct vcpu *vcpu)
{
	uint32_t info = vmread32(VMCS_IDT_VECTORING_INFO);
	struct x86_event *event = &vcpu->delivering;

	if (!(info & INTR_INFO_VALID))
		return;
	*event = (struct x86_event){
		.valid = 1,
		.type = (uint8_t)INTR_INFO_TYPE(info),
		.vector = (uint8_t)INTR_INFO_VECTOR(info),
	};
	if (info & INTR_INFO_CODE) {
		event->has_code = 1;
		event->code = vmread32(VMCS_IDT_VECTORING_CODE);
	}
	if (is_software(event->type))
		event->insn_length = vmread32(VMCS_EXIT_INSN_LENGTH);
	/* 27.2.1.3: an NMI can't be injected again while its first try blocks NMIs. */
	if (event->type == X86_EVENT_NMI)
		set_nmi_blocking(vcpu, false);
}

/**
 * An event that is injected goes first: its handler runs without TF, and the step is over when it
 * returns. What the stepped instruction itself does with TF (PUSHF, POPF, SYSCALL) is not hidden.
 */
void vmx_step_before(struct vmx_vcpu *v)
{
	uint64_t rflags = vmread(VMCS_GUEST_RFLAGS);

	v->step_tf = !(rflags & RFLAGS_TF) && !(vmread32(VMCS_ENTRY_INTR_INFO) & INTR_INFO_VALID);
	if (!v->step_tf)
		return;
	vmwrite(VMCS_GUEST_RFLAGS, rflags | RFLAGS_TF);
	vmx_match_pending_debug(vmread32(VMCS_GUEST_INTERRUPTIBILITY));
}

void vmx_step_after(struct vmx_vcpu *v)
{
	if (!v->step_tf)
		return;
	v->vcpu->regs.rflags &= ~RFLAGS_TF;
	vmwrite(VMCS_GUEST_RFLAGS, v->vcpu->regs.rflags);
	vmwrite(VMCS_GUEST_PENDING_DEBUG, vmread(VMCS_GUEST_PENDING_DEBUG) & ~PENDING_DEBUG_BS);
}

static void window(struct vcpu *vcpu, uint32_t control, bool on)
{
	struct vmx_vcpu *v = vmx_begin(vcpu);

	vmx_set_primary(v, on ? v->primary | control : v->primary & ~control);
	vmx_end(v);
}

void vmx_intr_window(struct vcpu *vcpu, bool on)
{
	window(vcpu, PRIMARY_INTR_WINDOW, on);
}

void vmx_nmi_window(struct vcpu *vcpu, bool on)
{
	window(vcpu, PRIMARY_NMI_WINDOW, on);
}
