/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file state.c
 * What the modelled CPU's state says, whoever executes its instructions: privilege, code size, MSRs, what
 * becomes of one fault upon another.
 */
#include "hypervisor/model/cpu.h"
#include "lib/x86/regs.h"

uint32_t model_cpl(const struct model_cpu *cpu)
{
	return (cpu->state.seg[HV_SS].attr >> HV_SEG_DPL_SHIFT) & 3u;
}

uint32_t model_code_size(const struct model_cpu *cpu)
{
	uint32_t attr = cpu->state.seg[HV_CS].attr;

	if ((cpu->state.efer & EFER_LMA) != 0 && (attr & HV_SEG_L) != 0)
		return 64;
	return (attr & HV_SEG_DB) != 0 ? 32 : 16;
}

/* ------------------------------------------------------------------------------------------- MSRs */

uint64_t *model_direct_msr(struct model_cpu *cpu, uint32_t msr)
{
	struct hv_x86_regs *s = &cpu->state;

	switch (msr) {
	case IA32_FS_BASE:
		return &s->seg[HV_FS].base;
	case IA32_GS_BASE:
		return &s->seg[HV_GS].base;
	case IA32_KERNEL_GS_BASE:
		return &s->kernel_gs_base;
	case IA32_STAR:
		return &s->star;
	case IA32_LSTAR:
		return &s->lstar;
	case IA32_CSTAR:
		return &s->cstar;
	case IA32_FMASK:
		return &s->sfmask;
	case IA32_SYSENTER_CS:
		return &s->sysenter_cs;
	case IA32_SYSENTER_ESP:
		return &s->sysenter_esp;
	case IA32_SYSENTER_EIP:
		return &s->sysenter_eip;
	default:
		return NULL;
	}
}

bool model_msr_exits(const struct model_cpu *cpu, uint32_t msr, bool write)
{
	const struct model_vm *vm = model_vm_of(cpu);
	uint32_t half = msr >= 0xc0000000u;

	if ((msr & 0x3fffffffu) >= 8192u || (half == 0 && msr >= 8192u))
		return true;
	return ((write ? vm->write : vm->read)[half][(msr & 0x1fffu) / 8] >> (msr % 8) & 1) != 0;
}

/* ----------------------------------------------------------------------------- one fault upon another */

static bool contributory(uint32_t vector)
{
	return vector == X86_DE || (vector >= X86_TS && vector <= X86_GP);
}

static bool is_fault(const struct x86_event *event)
{
	return event->type == X86_EVENT_EXCEPTION || event->type == X86_EVENT_SOFT_EXC ||
	       event->type == X86_EVENT_PRIV_SOFT;
}

bool model_combine(struct x86_event *first, const struct x86_event *second)
{
	bool bad = contributory(second->vector) || second->vector == X86_PF;

	if (is_fault(first) && first->vector == X86_DF && bad)
		return false;
	if (is_fault(first) && ((contributory(first->vector) && contributory(second->vector)) ||
				(first->vector == X86_PF && bad)))
		*first = model_exception(X86_DF, true, 0);
	else
		*first = *second;
	return true;
}

bool model_intercepted(const struct model_cpu *cpu, const struct x86_event *event)
{
	return is_fault(event) && (cpu->exceptions >> (event->vector & 31u) & 1u) != 0;
}

struct x86_event model_gate_fault(const struct x86_event *event, uint8_t vector)
{
	bool soft = event->type == X86_EVENT_SOFT_INT || event->type == X86_EVENT_SOFT_EXC;

	return model_exception(vector, true, event->vector * 8u | SELERR_IDT | (soft ? 0 : SELERR_EXT));
}
