/* SPDX-License-Identifier: BSD-2-Clause */
/** @file guest.c The modelled guest: its software as a fiber, instructions in general. */
#include "hypervisor/model/guest.h"
#include "lib/string.h"
#include "lib/x86/regs.h"

#define ATTR_CODE32 (HV_SEG_P | HV_SEG_S | 0xbu | HV_SEG_DB | HV_SEG_G)
#define ATTR_CODE64 (HV_SEG_P | HV_SEG_S | 0xbu | HV_SEG_L | HV_SEG_G)
#define ATTR_DATA32 (HV_SEG_P | HV_SEG_S | 0x3u | HV_SEG_DB | HV_SEG_G)

struct hv_x86_regs *model_state(struct model_cpu *cpu)
{
	return &cpu->state;
}

uint64_t *model_gpr(struct model_cpu *cpu, enum hv_x86_gpr reg)
{
	return reg == HV_RSP ? &cpu->state.gpr[HV_RSP] : &cpu->vcpu->regs.gpr[reg];
}

struct vcpu *model_vcpu(struct model_cpu *cpu)
{
	return cpu->vcpu;
}

static void flat_segments(struct hv_x86_regs *s, uint32_t code)
{
	for (uint32_t i = HV_ES; i <= HV_GS; i++)
		s->seg[i] = (struct hv_x86_segment){
			.limit = 0xffffffffu, .attr = i == HV_CS ? code : ATTR_DATA32, .selector = 0x10};
	s->seg[HV_CS].selector = 0x08;
}

void model_protected_mode(struct model_cpu *cpu)
{
	cpu->state.cr0 = CR0_PE | CR0_ET | CR0_NE;
	flat_segments(&cpu->state, ATTR_CODE32);
}

void model_long_mode(struct model_cpu *cpu, uint64_t cr3)
{
	cpu->state.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	cpu->state.cr3 = cr3;
	cpu->state.cr4 = CR4_PAE;
	cpu->state.efer = EFER_LME | EFER_LMA | EFER_NXE;
	flat_segments(&cpu->state, ATTR_CODE64);
}

/* -------------------------------------------------------------------------------- the guest's software */

static model_code_t find_code(const struct model_cpu *cpu)
{
	const struct model_guest *guest = cpu->guest;
	uint64_t linear = cpu->state.rip + cpu->state.seg[HV_CS].base;

	if (guest == NULL)
		return NULL;
	for (uint32_t i = 0; i < MODEL_ENTRIES; i++)
		if (guest->at[i].code != NULL && guest->at[i].linear == linear)
			return guest->at[i].code;
	return guest->start;
}

static void fiber_main(void *arg)
{
	struct model_cpu *cpu = arg;

	setjmp(cpu->top);
	for (;;) {
		model_code_t code = find_code(cpu);

		cpu->frames = NULL;
		cpu->depth = 0;
		if (code != NULL)
			code(cpu);
		for (;;)
			model_hypercall(cpu, MODEL_DONE, 0);
	}
}

void model_set_guest(struct vcpu *vcpu, const struct model_guest *guest)
{
	model_of(vcpu)->guest = guest;
}

bool model_software_new(struct model_cpu *cpu)
{
	cpu->fiber = fiber_new(fiber_main, cpu);
	return cpu->fiber != NULL;
}

void model_software_free(struct model_cpu *cpu)
{
	fiber_free(cpu->fiber);
}

void model_software_run(struct model_cpu *cpu)
{
	fiber_enter(cpu->fiber);
}

/* ------------------------------------------------------------------------------ instructions in general */

static uint64_t code_address(const struct model_cpu *cpu, uint64_t rip)
{
	if (model_code_size(cpu) == 64)
		return rip;
	return (uint32_t)(rip + cpu->state.seg[HV_CS].base);
}

/** Fetch, or rather put, one byte. @return false: something came in between. */
static bool place_byte(struct model_cpu *cpu, uint64_t linear, uint8_t byte)
{
	struct x86_event fault;
	uint8_t *host;

	switch (model_reach(cpu, linear, HV_PROT_EXEC, model_cpl(cpu) == 3, NULL, &host, &fault)) {
	case MODEL_REACHED:
		*host = byte;
		return true;
	case MODEL_FAULTED:
		model_raise(cpu, fault, linear, 0);
		return false;
	default:
		return false;
	}
}

static bool place(struct model_cpu *cpu, const struct model_insn *insn)
{
	for (uint32_t i = 0; i < insn->length; i++)
		if (!place_byte(cpu, code_address(cpu, cpu->state.rip + i), insn->bytes[i]))
			return false;
	return true;
}

uint64_t model_begin(struct model_cpu *cpu, const struct model_insn *insn)
{
	uint64_t start = cpu->state.rip;

	for (;;) {
		model_boundary(cpu);
		if (cpu->state.rip != start)
			model_restart(cpu);
		if (place(cpu, insn))
			return start;
	}
}

void model_retire(struct model_cpu *cpu, const struct model_insn *insn)
{
	struct hv_x86_regs *s = &cpu->state;
	bool trap = (s->rflags & RFLAGS_TF) != 0 && (s->shadow & HV_SHADOW_MOV_SS) == 0;
	const struct x86_event debug = model_exception(X86_DB, false, 0);

	s->rip += insn->length;
	if (model_code_size(cpu) != 64)
		s->rip = (uint32_t)s->rip;
	s->rflags &= ~RFLAGS_RF;
	s->shadow &= HV_SHADOW_NMI;
	if (cpu->step) {
		cpu->stepped = true;
		cpu->qualification.exception.event = debug;
		cpu->qualification.exception.address = 0;
		cpu->qualification.exception.dr6 = DR6_BS;
		cpu->length = 0;
		model_leave(cpu, MODEL_EXCEPTION);
		model_take_arrival(cpu);
	} else if (trap) {
		model_raise(cpu, debug, 0, DR6_BS);
	}
}
