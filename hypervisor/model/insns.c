/* SPDX-License-Identifier: BSD-2-Clause */
/** @file insns.c The modelled guest's instructions. */
#include "hypervisor/model/guest.h"
#include "lib/string.h"
#include "lib/x86/apic.h"
#include "lib/x86/regs.h"

#define INSN(...)                                                                                  \
	((struct model_insn){.bytes = {__VA_ARGS__}, .length = sizeof((uint8_t[]){__VA_ARGS__})})

static uint64_t *gpr(struct model_cpu *cpu, enum hv_x86_gpr reg)
{
	return &cpu->vcpu->regs.gpr[reg];
}

static bool wants(const struct model_cpu *cpu, enum hv_x86_insn what)
{
	return (cpu->traps & HV_X86_TRAP(what)) != 0;
}

/** An instruction that exits: executed until RIP has left it. */
static void trap_with(struct model_cpu *cpu, struct model_insn insn, enum model_row row,
		      const union model_qualification *qualification)
{
	uint64_t start = cpu->state.rip;

	do {
		model_begin(cpu, &insn);
		if (qualification != NULL)
			cpu->qualification = *qualification;
		cpu->length = insn.length;
		model_leave(cpu, row);
		model_take_arrival(cpu);
	} while (cpu->state.rip == start);
	if (cpu->state.rip != start + insn.length)
		model_restart(cpu);
}

static void trap(struct model_cpu *cpu, struct model_insn insn, enum model_row row)
{
	trap_with(cpu, insn, row, NULL);
}

/** An instruction that faults: its handler may step over it, or it is done with once. */
static void fault(struct model_cpu *cpu, struct model_insn insn, struct x86_event event, uint64_t address)
{
	uint64_t start = model_begin(cpu, &insn);

	model_raise(cpu, event, address, 0);
	if (cpu->state.rip == start)
		cpu->state.rip += insn.length;
	else if (cpu->state.rip != start + insn.length)
		model_restart(cpu);
}

/** Privileged instructions fault in ring 3 before they could exit. @return true: it did. */
static bool refused(struct model_cpu *cpu, struct model_insn insn)
{
	if (model_cpl(cpu) == 0)
		return false;
	fault(cpu, insn, model_exception(X86_GP, true, 0), 0);
	return true;
}

static void plain(struct model_cpu *cpu, struct model_insn insn)
{
	model_begin(cpu, &insn);
	model_retire(cpu, &insn);
}

static void emit(struct model_insn *insn, uint8_t byte)
{
	insn->bytes[insn->length++] = byte;
}

/** Operand-size prefix or REX.W. */
static void emit_size(const struct model_cpu *cpu, struct model_insn *insn, uint32_t size)
{
	if (size == (model_code_size(cpu) == 16 ? 4u : 2u))
		emit(insn, 0x66);
	if (size == 8)
		emit(insn, 0x48);
}

/* ------------------------------------------------------------------------------------------- simple */

void model_nop(struct model_cpu *cpu)
{
	plain(cpu, INSN(0x90));
}

struct model_cpuid model_cpuid(struct model_cpu *cpu, uint32_t leaf, uint32_t subleaf)
{
	*gpr(cpu, HV_RAX) = leaf;
	*gpr(cpu, HV_RCX) = subleaf;
	trap(cpu, INSN(0x0f, 0xa2), MODEL_CPUID);
	return (struct model_cpuid){(uint32_t)*gpr(cpu, HV_RAX), (uint32_t)*gpr(cpu, HV_RBX),
				    (uint32_t)*gpr(cpu, HV_RCX), (uint32_t)*gpr(cpu, HV_RDX)};
}

uint64_t model_hypercall(struct model_cpu *cpu, uint64_t number, uint64_t argument)
{
	*gpr(cpu, HV_RAX) = number;
	*gpr(cpu, HV_RBX) = argument;
	trap(cpu, INSN(0x0f, 0x01, 0xc1), MODEL_VMCALL);
	return *gpr(cpu, HV_RAX);
}

void model_hlt(struct model_cpu *cpu)
{
	if (!refused(cpu, INSN(0xf4)))
		trap(cpu, INSN(0xf4), MODEL_HLT);
}

void model_pause(struct model_cpu *cpu)
{
	trap(cpu, INSN(0xf3, 0x90), MODEL_PAUSE);
}

uint64_t model_rdtsc(struct model_cpu *cpu)
{
	struct model_insn insn = INSN(0x0f, 0x31);

	if (wants(cpu, HV_X86_INSN_RDTSC)) {
		trap(cpu, insn, MODEL_RDTSC);
		return *gpr(cpu, HV_RDX) << 32 | (uint32_t)*gpr(cpu, HV_RAX);
	}
	plain(cpu, insn);
	return host_tsc() + cpu->state.tsc_offset;
}

void model_sti(struct model_cpu *cpu)
{
	struct model_insn insn = INSN(0xfb);
	bool was = (cpu->state.rflags & RFLAGS_IF) != 0;

	if (refused(cpu, insn))
		return;
	model_begin(cpu, &insn);
	cpu->state.rflags |= RFLAGS_IF;
	model_retire(cpu, &insn);
	if (!was)
		cpu->state.shadow |= HV_SHADOW_STI;
}

void model_cli(struct model_cpu *cpu)
{
	struct model_insn insn = INSN(0xfa);

	if (refused(cpu, insn))
		return;
	model_begin(cpu, &insn);
	cpu->state.rflags &= ~RFLAGS_IF;
	model_retire(cpu, &insn);
}

void model_mov_ss(struct model_cpu *cpu)
{
	struct model_insn insn = INSN(0x8e, 0xd0);

	model_begin(cpu, &insn);
	model_retire(cpu, &insn);
	cpu->state.shadow = (cpu->state.shadow & HV_SHADOW_NMI) | HV_SHADOW_MOV_SS;
}

/* ---------------------------------------------------------------------------------------- ports */

static void io(struct model_cpu *cpu, struct model_insn insn, struct x86_io access, bool string)
{
	const union model_qualification q = {.io = {.access = access, .string = string}};

	trap_with(cpu, insn, MODEL_IO, &q);
}

static struct model_insn io_insn(const struct model_cpu *cpu, uint8_t opcode, uint32_t size, bool rep)
{
	struct model_insn insn = {.length = 0};

	if (rep)
		emit(&insn, 0xf3);
	emit_size(cpu, &insn, size);
	emit(&insn, size == 1 ? opcode : (uint8_t)(opcode + 1));
	return insn;
}

uint32_t model_in(struct model_cpu *cpu, uint16_t port, uint32_t size)
{
	uint64_t mask = (UINT64_C(1) << (8 * size)) - 1;

	*gpr(cpu, HV_RDX) = port;
	io(cpu, io_insn(cpu, 0xec, size, false), (struct x86_io){.port = port, .size = (uint8_t)size},
	   false);
	return (uint32_t)(*gpr(cpu, HV_RAX) & mask);
}

void model_out(struct model_cpu *cpu, uint16_t port, uint32_t size, uint32_t value)
{
	*gpr(cpu, HV_RDX) = port;
	*gpr(cpu, HV_RAX) = value;
	io(cpu, io_insn(cpu, 0xee, size, false),
	   (struct x86_io){.port = port, .size = (uint8_t)size, .write = true}, false);
}

static void string_io(struct model_cpu *cpu, uint16_t port, uint32_t size, uint64_t count, bool write)
{
	bool details = model_features.io_details;
	const struct x86_io q = {.port = port, .size = (uint8_t)size, .write = write, .rep = true,
				 .address_size = details ? (uint8_t)model_code_size(cpu) : 0,
				 .segment = details ? (uint8_t)HV_DS : 0xff};

	*gpr(cpu, HV_RDX) = port;
	*gpr(cpu, HV_RCX) = count;
	io(cpu, io_insn(cpu, write ? 0x6e : 0x6c, size, true), q, true);
}

void model_ins(struct model_cpu *cpu, uint16_t port, uint32_t size, uint64_t address, uint64_t count)
{
	*gpr(cpu, HV_RDI) = address;
	string_io(cpu, port, size, count, false);
}

void model_outs(struct model_cpu *cpu, uint16_t port, uint32_t size, uint64_t address, uint64_t count)
{
	*gpr(cpu, HV_RSI) = address;
	string_io(cpu, port, size, count, true);
}

/* ----------------------------------------------------------------------------------------- MSRs */

/** x2APIC registers that the CPU virtualises itself (SDM 30.5). @return false: not this one. */
static bool assisted_write(struct model_cpu *cpu, uint32_t msr, uint64_t value)
{
	uint32_t *page = cpu->vcpu->lapic.page;

	if (!cpu->vcpu->lapic.assisted)
		return false;
	if (msr == X2APIC_MSR(LAPIC_TPR) && value <= 0xff)
		page[LAPIC_TPR / 4] = (uint32_t)value;
	else if (msr == X2APIC_MSR(LAPIC_SELF_IPI) && value >= 16 && value <= 255)
		page[(LAPIC_IRR + value / 32 * 16) / 4] |= 1u << (value % 32);
	else
		return false;
	return true;
}

static bool assisted_eoi(struct model_cpu *cpu, struct model_insn insn, uint64_t value)
{
	uint32_t *page = cpu->vcpu->lapic.page;
	union model_qualification q;

	if (!cpu->vcpu->lapic.assisted || value != 0)
		return false;
	model_begin(cpu, &insn);
	model_retire(cpu, &insn);
	for (uint32_t i = 8; i-- > 0;) {
		uint32_t *isr = &page[(LAPIC_ISR + 16 * i) / 4];
		uint32_t bit;

		if (*isr == 0)
			continue;
		bit = 31u - (uint32_t)__builtin_clz(*isr);
		*isr &= ~(1u << bit);
		if ((cpu->eoi_exit[i] >> bit & 1) == 0)
			return true;
		q.value = i * 32 + bit;
		cpu->qualification = q;
		cpu->length = 0;
		model_leave(cpu, MODEL_EOI);
		model_take_arrival(cpu);
		return true;
	}
	return true;
}

uint64_t model_rdmsr(struct model_cpu *cpu, uint32_t msr)
{
	struct model_insn insn = INSN(0x0f, 0x32);
	uint64_t *direct = model_direct_msr(cpu, msr);

	*gpr(cpu, HV_RCX) = msr;
	if (refused(cpu, insn))
		return 0;
	if (direct != NULL && !model_msr_exits(cpu, msr, false)) {
		plain(cpu, insn);
		return *direct;
	}
	trap(cpu, insn, MODEL_RDMSR);
	return *gpr(cpu, HV_RDX) << 32 | (uint32_t)*gpr(cpu, HV_RAX);
}

void model_wrmsr(struct model_cpu *cpu, uint32_t msr, uint64_t value)
{
	struct model_insn insn = INSN(0x0f, 0x30);
	uint64_t *direct = model_direct_msr(cpu, msr);

	*gpr(cpu, HV_RCX) = msr;
	*gpr(cpu, HV_RAX) = (uint32_t)value;
	*gpr(cpu, HV_RDX) = value >> 32;
	if (refused(cpu, insn))
		return;
	if (direct != NULL && !model_msr_exits(cpu, msr, true)) {
		plain(cpu, insn);
		*direct = value;
		return;
	}
	if (msr == X2APIC_MSR(LAPIC_EOI) && assisted_eoi(cpu, insn, value))
		return;
	if (assisted_write(cpu, msr, value))
		plain(cpu, insn);
	else
		trap(cpu, insn, MODEL_WRMSR);
}

/* --------------------------------------------------------------------------------------- memory */

/** MOV between RAX and [RDI]. */
static struct model_insn mov_insn(struct model_cpu *cpu, uint8_t opcode, uint64_t address, uint32_t size)
{
	struct model_insn insn = {.length = 0};
	bool is_16 = model_code_size(cpu) == 16;

	*gpr(cpu, HV_RDI) = model_code_size(cpu) == 64 ? address : address - cpu->state.seg[HV_DS].base;
	if (is_16)
		emit(&insn, 0x67);
	emit_size(cpu, &insn, size);
	emit(&insn, size == 1 ? opcode : (uint8_t)(opcode + 1));
	emit(&insn, 0x07);
	return insn;
}

/**
 * Execute a memory access until it is done, by the CPU (then `*host` is where) or by who took the exit.
 * @return false: by somebody else.
 */
static bool access(struct model_cpu *cpu, const struct model_insn *insn, uint64_t address,
		   uint32_t rights, uint8_t **host)
{
	uint64_t start = cpu->state.rip;

	for (;;) {
		struct x86_event event;

		model_begin(cpu, insn);
		cpu->length = 0;
		switch (model_reach(cpu, address, rights, model_cpl(cpu) == 3, NULL, host, &event)) {
		case MODEL_REACHED:
			return true;
		case MODEL_FAULTED:
			model_raise(cpu, event, address, 0);
			break;
		case MODEL_EXITED:
			model_take_arrival(cpu);
			break;
		}
		if (cpu->state.rip == start)
			continue;
		if (cpu->state.rip != start + insn->length)
			model_restart(cpu);
		return false;
	}
}

static uint64_t truncate(uint64_t value, uint32_t size)
{
	return size == 8 ? value : value & ((UINT64_C(1) << (8 * size)) - 1);
}

uint64_t model_load(struct model_cpu *cpu, uint64_t address, uint32_t size)
{
	struct model_insn insn = mov_insn(cpu, 0x8a, address, size);
	uint64_t value = 0;
	uint8_t *host;

	if (!access(cpu, &insn, address, HV_PROT_READ, &host))
		return truncate(*gpr(cpu, HV_RAX), size);
	memcpy(&value, host, size);
	model_retire(cpu, &insn);
	return value;
}

void model_store(struct model_cpu *cpu, uint64_t address, uint32_t size, uint64_t value)
{
	struct model_insn insn = mov_insn(cpu, 0x88, address, size);
	uint8_t *host;

	*gpr(cpu, HV_RAX) = value;
	if (!access(cpu, &insn, address, HV_PROT_WRITE, &host))
		return;
	memcpy(host, &value, size);
	model_retire(cpu, &insn);
}

/* --------------------------------------------------------------------------------- software events */

/** Delivered with the return address behind it; when the delivery is cut short, it comes again. */
static void software(struct model_cpu *cpu, struct model_insn insn, enum x86_event_type type,
		     uint8_t vector)
{
	const struct x86_event event = {.valid = 1, .type = (uint8_t)type, .vector = vector,
					.insn_length = insn.length};
	uint64_t start = cpu->state.rip;

	do {
		model_begin(cpu, &insn);
		if (type == X86_EVENT_SOFT_INT)
			model_deliver(cpu, event);
		else
			model_raise(cpu, event, 0, 0);
		model_take_arrival(cpu);
	} while (cpu->state.rip == start);
	if (cpu->state.rip != start + insn.length)
		model_restart(cpu);
}

void model_int(struct model_cpu *cpu, uint8_t vector)
{
	software(cpu, INSN(0xcd, vector), X86_EVENT_SOFT_INT, vector);
}

void model_int3(struct model_cpu *cpu)
{
	software(cpu, INSN(0xcc), X86_EVENT_SOFT_EXC, X86_BP);
}

void model_int1(struct model_cpu *cpu)
{
	software(cpu, INSN(0xf1), X86_EVENT_PRIV_SOFT, X86_DB);
}

void model_fault(struct model_cpu *cpu, uint8_t vector, uint32_t code, uint64_t address)
{
	bool has_code = (X86_ERROR_CODE_VECTORS >> (vector & 31) & 1) != 0;

	fault(cpu, INSN(0x0f, 0x0b), model_exception(vector, has_code, code), address);
}

/* ----------------------------------------------------------------------- control, debug registers */

static union model_qualification access_of(uint8_t number, bool write)
{
	return (union model_qualification){.access = {.number = number, .gpr = HV_RBX, .write = write,
						      .decode = !model_features.cr_operands}};
}

/** CR8 and beyond take a REX prefix: there are none outside 64-bit mode. @return true: #UD was raised. */
static bool unencodable(struct model_cpu *cpu, uint8_t number)
{
	if (number < 8 || model_code_size(cpu) == 64)
		return false;
	fault(cpu, INSN(0x0f, 0x0b), model_exception(X86_UD, false, 0), 0);
	return true;
}

static struct model_insn reg_insn(uint8_t opcode, uint8_t number)
{
	struct model_insn insn = {.length = 0};

	if (number >= 8)
		emit(&insn, 0x44);
	emit(&insn, 0x0f);
	emit(&insn, opcode);
	emit(&insn, (uint8_t)(0xc0u | (number & 7u) << 3 | HV_RBX));
	return insn;
}

void model_mov_to_cr(struct model_cpu *cpu, uint8_t number, uint64_t value)
{
	struct model_insn insn = reg_insn(0x22, number);
	const union model_qualification q = access_of(number, true);

	*gpr(cpu, HV_RBX) = value;
	if (unencodable(cpu, number) || refused(cpu, insn))
		return;
	if (number != 2) {
		trap_with(cpu, insn, MODEL_CR, &q);
		return;
	}
	plain(cpu, insn);
	cpu->state.cr2 = value;
}

uint64_t model_mov_from_cr(struct model_cpu *cpu, uint8_t number)
{
	struct model_insn insn = reg_insn(0x20, number);
	const union model_qualification q = access_of(number, false);

	if (unencodable(cpu, number) || refused(cpu, insn))
		return 0;
	if (number == 8 || wants(cpu, HV_X86_INSN_CR)) {
		trap_with(cpu, insn, MODEL_CR, &q);
		return *gpr(cpu, HV_RBX);
	}
	plain(cpu, insn);
	return number == 0   ? cpu->state.cr0
	       : number == 2 ? cpu->state.cr2
	       : number == 3 ? cpu->state.cr3
			     : cpu->state.cr4;
}

static uint64_t *debug_register(struct model_cpu *cpu, uint8_t number)
{
	if (number < 4)
		return &cpu->state.dr[number];
	return (number & 1) == 0 ? &cpu->state.dr6 : &cpu->state.dr7;
}

void model_mov_to_dr(struct model_cpu *cpu, uint8_t number, uint64_t value)
{
	struct model_insn insn = reg_insn(0x23, number);
	const union model_qualification q = access_of(number, true);

	*gpr(cpu, HV_RBX) = value;
	if (refused(cpu, insn))
		return;
	if (!cpu->dr_direct || wants(cpu, HV_X86_INSN_DR)) {
		trap_with(cpu, insn, MODEL_DR, &q);
		return;
	}
	plain(cpu, insn);
	*debug_register(cpu, number) = value;
}

uint64_t model_mov_from_dr(struct model_cpu *cpu, uint8_t number)
{
	struct model_insn insn = reg_insn(0x21, number);
	const union model_qualification q = access_of(number, false);

	if (refused(cpu, insn))
		return 0;
	if (!cpu->dr_direct || wants(cpu, HV_X86_INSN_DR)) {
		trap_with(cpu, insn, MODEL_DR, &q);
		return *gpr(cpu, HV_RBX);
	}
	plain(cpu, insn);
	return *debug_register(cpu, number);
}

/** CLTS and LMSW: exits of their own, or accesses to CR0 of which only the instruction tells more. */
static void cr0_insn(struct model_cpu *cpu, struct model_insn insn, enum model_row row, uint64_t value)
{
	const union model_qualification named = {.value = value};
	const union model_qualification unnamed = {.access = {.number = 0, .write = true, .decode = true}};

	if (refused(cpu, insn))
		return;
	if (model_features.cr_operands)
		trap_with(cpu, insn, row, &named);
	else
		trap_with(cpu, insn, MODEL_CR, &unnamed);
}

void model_clts(struct model_cpu *cpu)
{
	cr0_insn(cpu, INSN(0x0f, 0x06), MODEL_CLTS, 0);
}

void model_lmsw(struct model_cpu *cpu, uint16_t msw)
{
	*gpr(cpu, HV_RAX) = msw;
	cr0_insn(cpu, INSN(0x0f, 0x01, 0xf0), MODEL_LMSW, msw);
}

void model_lmsw_memory(struct model_cpu *cpu, uint64_t address)
{
	*gpr(cpu, HV_RDI) = address;
	cr0_insn(cpu, INSN(0x0f, 0x01, 0x37), MODEL_LMSW, 0);
}

void model_xsetbv(struct model_cpu *cpu, uint32_t index, uint64_t value)
{
	*gpr(cpu, HV_RCX) = index;
	*gpr(cpu, HV_RAX) = (uint32_t)value;
	*gpr(cpu, HV_RDX) = value >> 32;
	trap(cpu, INSN(0x0f, 0x01, 0xd1), MODEL_XSETBV);
}

/* ------------------------------------------------------------------------------------------ the rest */

static void privileged(struct model_cpu *cpu, struct model_insn insn, enum model_row row)
{
	if (!refused(cpu, insn))
		trap(cpu, insn, row);
}

void model_wbinvd(struct model_cpu *cpu)
{
	privileged(cpu, INSN(0x0f, 0x09), MODEL_WBINVD);
}

void model_invd(struct model_cpu *cpu)
{
	privileged(cpu, INSN(0x0f, 0x08), MODEL_INVD);
}

void model_rdpmc(struct model_cpu *cpu)
{
	trap(cpu, INSN(0x0f, 0x33), MODEL_RDPMC);
}

void model_monitor(struct model_cpu *cpu)
{
	privileged(cpu, INSN(0x0f, 0x01, 0xc8), MODEL_MONITOR);
}

void model_mwait(struct model_cpu *cpu)
{
	privileged(cpu, INSN(0x0f, 0x01, 0xc9), MODEL_MWAIT);
}

void model_vmrun(struct model_cpu *cpu)
{
	trap(cpu, INSN(0x0f, 0x01, 0xd8), MODEL_VMRUN);
}

void model_invlpg(struct model_cpu *cpu, uint64_t address)
{
	struct model_insn insn = INSN(0x0f, 0x01, 0x3f);
	const union model_qualification q = {.value = address};

	*gpr(cpu, HV_RDI) = address;
	if (refused(cpu, insn))
		return;
	if (wants(cpu, HV_X86_INSN_INVLPG))
		trap_with(cpu, insn, MODEL_INVLPG, &q);
	else
		plain(cpu, insn);
}

void model_sgdt(struct model_cpu *cpu)
{
	struct model_insn insn = INSN(0x0f, 0x01, 0x07);
	const union model_qualification q = {.value = 0};

	if (wants(cpu, HV_X86_INSN_DESC))
		trap_with(cpu, insn, MODEL_DESC, &q);
	else
		plain(cpu, insn);
}

void model_task_switch(struct model_cpu *cpu, uint16_t selector)
{
	const union model_qualification q = {.task_switch = {.selector = selector, .source = 2}};

	trap_with(cpu, INSN(0xff, 0x2f), MODEL_TASK_SWITCH, &q);
}

/** Not an instruction: the exit comes between two. */
static void between(struct model_cpu *cpu, enum model_row row)
{
	uint64_t start = cpu->state.rip;

	model_boundary(cpu);
	cpu->length = 0;
	model_leave(cpu, row);
	model_boundary(cpu);
	if (cpu->state.rip != start)
		model_restart(cpu);
}

void model_triple_fault(struct model_cpu *cpu)
{
	between(cpu, MODEL_TRIPLE_FAULT);
}

void model_external_nmi(struct model_cpu *cpu)
{
	between(cpu, MODEL_NMI);
}

void model_smi(struct model_cpu *cpu)
{
	between(cpu, MODEL_SMI);
}

void model_init_signal(struct model_cpu *cpu)
{
	between(cpu, MODEL_INIT);
}

void model_nonsense(struct model_cpu *cpu)
{
	between(cpu, MODEL_ROWS);
}
