/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file events.c
 * Delivery of events in the modelled CPU, with everything that can go wrong on the way: the IDT or the stack
 * may be unmapped in either kind of page table, the gate may be missing, the second fault may be
 * intercepted, make a double fault, or the last of three.
 */
#include "hypervisor/model/guest.h"
#include "hypervisor/x86/gpt.h"
#include "lib/string.h"
#include "lib/x86/regs.h"

#define HANDLER_SIZE 64u

void model_leave(struct model_cpu *cpu, enum model_row row)
{
	cpu->row = row;
	fiber_leave(cpu->fiber);
}

void model_restart(struct model_cpu *cpu)
{
	longjmp(cpu->top, 1);
}

/* ----------------------------------------------------------------------------------------- memory */

static void exit_memory(struct model_cpu *cpu, struct x86_memory_fault fault,
			const struct x86_event *during)
{
	cpu->qualification.memory = fault;
	cpu->length = 0;
	if (during != NULL)
		cpu->cut_short = *during;
	model_leave(cpu, MODEL_MEMORY);
}

enum model_reach model_reach(struct model_cpu *cpu, uint64_t linear, uint32_t access, bool user,
			     const struct x86_event *during, uint8_t **host, struct x86_event *fault)
{
	const struct hv_x86_regs *s = &cpu->state;
	const struct npt *npt = &cpu->vcpu->vm->npt;
	const struct gpt_mode mode = {.cr0 = s->cr0, .cr3 = s->cr3, .cr4 = s->cr4, .efer = s->efer,
				      .rflags = s->rflags, .user = user};
	struct npt_leaf leaf = {.prot = 0};
	uint32_t code;
	gpa_t to;

	switch (gpt_translate(npt, &mode, gva(linear), access, true, &to, &code)) {
	case HV_OK:
		break;
	case HV_E_FAULT:
		*fault = model_exception(X86_PF, true, code);
		return MODEL_FAULTED;
	case HV_E_NOENT:
		exit_memory(cpu, (struct x86_memory_fault){.access = HV_PROT_READ, .walking = true}, during);
		return MODEL_EXITED;
	default:
		*fault = model_exception(X86_GP, true, 0);
		return MODEL_FAULTED;
	}
	if (npt_lookup(npt, to, &leaf) == HV_OK && (access & ~leaf.prot) == 0) {
		*host = host_phys_to_virt(leaf.address);
		return MODEL_REACHED;
	}
	exit_memory(cpu,
		    (struct x86_memory_fault){.address = to, .access = access, .mapped = leaf.size != 0},
		    during);
	return MODEL_EXITED;
}

/* ------------------------------------------------------------------------------- faults that exit */

static void exit_exception(struct model_cpu *cpu, const struct x86_event *event, uint64_t address,
			   uint64_t dr6)
{
	cpu->qualification.exception.event = *event;
	cpu->qualification.exception.address = address;
	cpu->qualification.exception.dr6 = dr6;
	cpu->length = event->insn_length;
	model_leave(cpu, MODEL_EXCEPTION);
}

/* --------------------------------------------------------------------------------------- delivery */

static uint32_t gate_size(const struct model_cpu *cpu)
{
	if ((cpu->state.efer & EFER_LMA) != 0)
		return 16;
	return (cpu->state.cr0 & CR0_PE) != 0 ? 8 : 4;
}

/** What a delivery has to reach: the gate, the handler, the stack. */
static enum model_reach reach_handler(struct model_cpu *cpu, const struct x86_event *event,
				      struct x86_event *fault, uint64_t *address)
{
	uint32_t size = gate_size(cpu);
	uint64_t rsp = cpu->state.gpr[HV_RSP];
	enum model_reach reach;
	uint8_t *host;

	if ((event->vector + 1u) * size - 1u > cpu->state.idtr.limit) {
		*fault = model_gate_fault(event, X86_GP);
		return MODEL_FAULTED;
	}
	*address = cpu->state.idtr.base + event->vector * size;
	reach = model_reach(cpu, *address, HV_PROT_READ, false, event, &host, fault);
	if (reach != MODEL_REACHED)
		return reach;
	if (cpu->guest == NULL || cpu->guest->handler[event->vector] == NULL) {
		*fault = model_gate_fault(event, X86_NP);
		return MODEL_FAULTED;
	}
	if (rsp == 0)
		return MODEL_REACHED;
	*address = rsp - 8u;
	return model_reach(cpu, *address, HV_PROT_WRITE, false, event, &host, fault);
}

/** IRET at the end of a handler. */
static void leave_handler(struct model_cpu *cpu, const struct model_frame *frame)
{
	const struct model_insn iret = {.bytes = {0xcf}, .length = 1};
	uint64_t rsp = cpu->state.gpr[HV_RSP];

	model_begin(cpu, &iret);
	memcpy(cpu->vcpu->regs.gpr, frame->gpr, sizeof(frame->gpr));
	cpu->state.gpr[HV_RSP] = rsp;
	cpu->state.rip = frame->rip;
	cpu->state.rflags = frame->rflags;
	cpu->state.shadow = 0;
	cpu->frames = frame->outer;
	cpu->depth--;
}

static void enter_handler(struct model_cpu *cpu, const struct x86_event *event)
{
	struct hv_x86_regs *s = &cpu->state;
	bool behind = event->type >= X86_EVENT_SOFT_INT;
	struct model_frame frame = {.rip = s->rip + (behind ? event->insn_length : 0),
				    .rflags = s->rflags,
				    .code = event->code,
				    .vector = event->vector,
				    .has_code = event->has_code != 0,
				    .nmi = event->type == X86_EVENT_NMI,
				    .outer = cpu->frames};

	if (cpu->depth >= MODEL_MAX_DEPTH) {
		model_leave(cpu, MODEL_TRIPLE_FAULT);
		model_restart(cpu);
	}
	memcpy(frame.gpr, cpu->vcpu->regs.gpr, sizeof(frame.gpr));
	cpu->frames = &frame;
	cpu->depth++;
	s->rflags &= ~(RFLAGS_IF | RFLAGS_TF | RFLAGS_RF | RFLAGS_NT | RFLAGS_VM);
	s->shadow = (s->shadow & HV_SHADOW_NMI) | (frame.nmi ? HV_SHADOW_NMI : 0);
	s->rip = cpu->guest->handlers_at + event->vector * HANDLER_SIZE;
	cpu->guest->handler[event->vector](cpu, &frame);
	leave_handler(cpu, &frame);
}

void model_deliver(struct model_cpu *cpu, struct x86_event event)
{
	for (;;) {
		struct x86_event fault = {.valid = 0};
		uint64_t address = 0;

		switch (reach_handler(cpu, &event, &fault, &address)) {
		case MODEL_REACHED:
			enter_handler(cpu, &event);
			return;
		case MODEL_EXITED:
			return;
		case MODEL_FAULTED:
			break;
		}
		if ((cpu->state.cr0 & CR0_PE) == 0)
			fault.has_code = 0;
		if (model_intercepted(cpu, &fault)) {
			cpu->cut_short = event;
			exit_exception(cpu, &fault, address, 0);
			return;
		}
		if (fault.vector == X86_PF)
			cpu->state.cr2 = address;
		if (!model_combine(&event, &fault)) {
			model_leave(cpu, MODEL_TRIPLE_FAULT);
			return;
		}
		if ((cpu->state.cr0 & CR0_PE) == 0)
			event.has_code = 0;
	}
}

void model_take_arrival(struct model_cpu *cpu)
{
	while (cpu->arriving.valid) {
		struct x86_event event = cpu->arriving;

		cpu->arriving.valid = 0;
		model_deliver(cpu, event);
	}
}

void model_raise(struct model_cpu *cpu, struct x86_event event, uint64_t address, uint64_t dr6)
{
	if ((cpu->state.cr0 & CR0_PE) == 0)
		event.has_code = 0;
	if (model_intercepted(cpu, &event)) {
		exit_exception(cpu, &event, address, dr6);
	} else {
		if (event.vector == X86_PF)
			cpu->state.cr2 = address;
		if (event.vector == X86_DB)
			cpu->state.dr6 |= dr6;
		model_deliver(cpu, event);
	}
	model_take_arrival(cpu);
}

/* --------------------------------------------------------------------------- between instructions */

static bool interruptible(const struct model_cpu *cpu)
{
	return (cpu->state.rflags & RFLAGS_IF) != 0 &&
	       (cpu->state.shadow & (HV_SHADOW_STI | HV_SHADOW_MOV_SS)) == 0;
}

static int top_vector(const uint32_t *page, uint32_t bank)
{
	for (int i = 7; i >= 0; i--) {
		uint32_t word = page[(bank + 16u * (uint32_t)i) / 4u];

		if (word != 0)
			return i * 32 + 31 - __builtin_clz(word);
	}
	return -1;
}

/** Virtual-interrupt delivery (SDM 30.2.2). @return true: one was delivered. */
static bool virtual_interrupt(struct model_cpu *cpu)
{
	uint32_t *page = cpu->vcpu->lapic.page;
	struct x86_event event = {.valid = 1, .type = X86_EVENT_EXTINT};
	int requested = top_vector(page, LAPIC_IRR);
	int serving = top_vector(page, LAPIC_ISR);

	if (requested < 0 || !interruptible(cpu) || requested >> 4 <= serving >> 4 ||
	    requested >> 4 <= (int)(page[LAPIC_TPR / 4] >> 4))
		return false;
	event.vector = (uint8_t)requested;
	page[(LAPIC_IRR + 16u * (event.vector / 32u)) / 4u] &= ~(1u << (event.vector % 32u));
	page[(LAPIC_ISR + 16u * (event.vector / 32u)) / 4u] |= 1u << (event.vector % 32u);
	model_deliver(cpu, event);
	return true;
}

/** One thing that is due. @return false: nothing. */
static bool due(struct model_cpu *cpu)
{
	if (cpu->arriving.valid) {
		model_take_arrival(cpu);
		return true;
	}
	cpu->length = 0;
	if (host_poll_pending() || ++cpu->quiet > MODEL_MAX_QUIET) {
		cpu->quiet = 0;
		model_leave(cpu, MODEL_INTERRUPT);
		return true;
	}
	if (cpu->nmi_window && cpu->state.shadow == 0) {
		model_leave(cpu, MODEL_NMI_WINDOW);
		return true;
	}
	if (cpu->intr_window && interruptible(cpu)) {
		model_leave(cpu, MODEL_INTR_WINDOW);
		return true;
	}
	return cpu->vcpu->lapic.assisted && virtual_interrupt(cpu);
}

void model_boundary(struct model_cpu *cpu)
{
	while (due(cpu))
		;
}
