/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file exit_io.c
 * Port accesses. Single ones go to the VMM in a register-sized value; string ones in pieces of up to a
 * page's rest, which the driver copies from and to guest memory, so that the VMM needn't know how.
 */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/gpt.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

#define DATA_SIZE (HV_PAGE_SIZE - HV_PAGE_DATA)

static inline bool absent_one(const struct vm *vm, uint32_t port)
{
	return (__atomic_load_n(&vm->port_absent[port / 8], __ATOMIC_RELAXED) >> (port % 8) & 1) != 0;
}

static inline bool absent(const struct vm *vm, uint32_t port, uint32_t size)
{
	if (__builtin_expect(!absent_one(vm, port), 1))
		return false;
	for (uint32_t i = 1; i < size; i++)
		if (!absent_one(vm, (port + i) & 0xffff))
			return false;
	return true;
}

hv_status_t vm_trap_ports(struct vm *vm, uint32_t first, uint32_t count, enum hv_port_policy policy)
{
	if (!hv_range_ok(first, count, 65536) || (unsigned int)policy > HV_PORT_ABSENT)
		return HV_E_INVALID;
	for (uint32_t port = first; port < first + count; port++) {
		const uint8_t bit = (uint8_t)(1u << (port % 8));

		if (policy == HV_PORT_ABSENT)
			__atomic_or_fetch(&vm->port_absent[port / 8], bit, __ATOMIC_RELAXED);
		else
			__atomic_and_fetch(&vm->port_absent[port / 8], (uint8_t)~bit,
					   __ATOMIC_RELAXED);
	}
	return HV_OK;
}

/** The bits of a port's value; `size` is 1, 2 or 4. */
static inline uint32_t mask_of(uint32_t size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

/** IN: a 32-bit result clears the upper half of RAX, smaller ones leave the rest (SDM vol. 1, 3.4.1.1). */
static void load_rax(struct vcpu *vcpu, uint32_t size, uint32_t value)
{
	uint64_t *const rax = &vcpu->regs.gpr[HV_RAX];

	if (size == 4)
		*rax = value;
	else
		*rax = (*rax & ~(uint64_t)mask_of(size)) | (value & mask_of(size));
}

static enum verdict complete_in(struct vcpu *vcpu)
{
	if (vcpu->action == HV_ACTION_FAULT)
		return x86_raise_gp(vcpu);
	load_rax(vcpu, (uint32_t)vcpu->complete_arg[0], vcpu->page->exit.port.value);
	return vcpu_skip(vcpu, 0);
}

/** What OUT writes. */
static inline uint32_t out_value(const struct vcpu *vcpu, uint32_t size)
{
	return (uint32_t)vcpu->regs.gpr[HV_RAX] & mask_of(size);
}

static inline enum verdict hand_port(struct vcpu *vcpu, uint16_t number, uint32_t size, bool write)
{
	struct hv_exit_port *const port = &vcpu->page->exit.port;

	port->port = number;
	port->size = (uint8_t)size;
	port->write = write;
	port->count = 1;
	port->string = 0;
	port->value = write ? out_value(vcpu, size) : 0;
	vcpu->complete = write ? vcpu_complete_skip : complete_in;
	if (!write)
		vcpu->complete_arg[0] = size;
	return vcpu_hand(vcpu, HV_EXIT_PORT);
}

static __attribute__((noinline)) enum verdict write_or_ring(struct vcpu *vcpu, uint16_t port,
							    uint32_t size)
{
	if (doorbell_ring(vcpu->vm, HV_DOORBELL_PORT, port, size, out_value(vcpu, size)))
		return vcpu_skip(vcpu, 0);
	return hand_port(vcpu, port, size, true);
}

/** @req HV-015 Port accesses of every width, single and string, are the VMM's, unless it chose otherwise. */
enum verdict x86_exit_port(struct vcpu *vcpu, uint16_t port, uint32_t size, bool write)
{
	if (absent(vcpu->vm, port, size)) {
		if (!write)
			load_rax(vcpu, size, UINT32_MAX);
		return vcpu_skip(vcpu, 0);
	}
	if (!write)
		return hand_port(vcpu, port, size, false);
	if (doorbell_any(vcpu->vm))
		return write_or_ring(vcpu, port, size);
	return hand_port(vcpu, port, size, true);
}

/* ------------------------------------------------------------------------------- strings */

/** One string access in progress: kept in vcpu->complete_arg, out of the VMM's reach. */
struct string_io {
	uint64_t linear; /**< of the first item of this piece */
	uint32_t count;	 /**< items in this piece */
	uint16_t port;
	uint8_t size, address_size, segment;
	bool write, rep, down;
};
_Static_assert(sizeof(struct string_io) <= sizeof(((struct vcpu *)0)->complete_arg), "fits");

static struct string_io *in_progress(struct vcpu *vcpu)
{
	return (struct string_io *)(void *)vcpu->complete_arg;
}

/** What the qualification doesn't tell (AMD without decode assist): the instruction does. */
static bool decode(struct vcpu *vcpu, struct string_io *s)
{
	struct insn insn;
	uint8_t bytes[INSN_MAX_LENGTH];
	const uint32_t size = vcpu_code_size(vcpu);
	const uint32_t count = vcpu_fetch_insn(vcpu, bytes);
	const enum insn_mode mode = size == 64	 ? INSN_MODE_64
				    : size == 32 ? INSN_MODE_32
						 : INSN_MODE_16;

	if (count == 0 || insn_decode(bytes, count, mode, &insn) != 0)
		return false;
	if (insn.id != INSN_INS && insn.id != INSN_OUTS)
		return false;
	s->address_size = (uint8_t)(insn.addrsize * 8);
	s->segment = insn.id == INSN_OUTS ? insn.seg : (uint8_t)HV_ES;
	vcpu->exit.insn_length = insn.length;
	return true;
}

static uint64_t address_mask(const struct string_io *s)
{
	return insn_size_mask(s->address_size / 8u);
}

/** Items still to do by rCX; 1 without REP. */
static uint64_t remaining(struct vcpu *vcpu, const struct string_io *s)
{
	return s->rep ? vcpu->regs.gpr[HV_RCX] & address_mask(s) : 1;
}

/** Segment limit and type outside 64-bit mode (SDM vol. 3, 5.3, 5.5). */
static bool segment_allows(const struct hv_x86_segment *seg, uint64_t offset, uint32_t size, bool write)
{
	if ((seg->attr & HV_SEG_UNUSABLE) != 0)
		return false;
	const bool code = (seg->attr & 8u) != 0;
	const bool rw = (seg->attr & 2u) != 0;

	if (write ? code || !rw : code && !rw)
		return false;
	const uint64_t last = offset + size - 1;

	if (!code && (seg->attr & 4u) != 0) /* expand-down */
		return offset > seg->limit &&
		       last <= ((seg->attr & HV_SEG_DB) != 0 ? UINT32_MAX : 0xffffu);
	return last <= seg->limit;
}

static uint32_t index_register(const struct string_io *s)
{
	return s->write ? HV_RSI : HV_RDI;
}

/**
 * Where the next item is, and how many behind it are in the same page.
 * @return VERDICT_RESUME with s->count 0 where a fault was raised instead.
 */
static enum verdict locate(struct vcpu *vcpu, struct string_io *s)
{
	const bool long_mode = vcpu_code_size(vcpu) == 64;
	const uint64_t offset = vcpu->regs.gpr[index_register(s)] & address_mask(s);
	const struct hv_x86_segment *const seg = &vcpu->regs.seg[s->segment];
	uint64_t count = remaining(vcpu, s);

	s->count = 0;
	if (!long_mode && !segment_allows(seg, offset, s->size, !s->write))
		return x86_raise(vcpu, s->segment == HV_SS ? X86_SS : X86_GP, true, 0);
	s->linear = offset + (long_mode && s->segment < HV_FS ? 0 : seg->base);
	if (!long_mode)
		s->linear = (uint32_t)s->linear;
	else if (!x86_canonical(s->linear))
		return x86_raise(vcpu, s->segment == HV_SS ? X86_SS : X86_GP, true, 0);
	/* Items one by one where they run downwards, cross a page, or could run over a limit. */
	uint64_t room = (HV_PAGE_SIZE - (s->linear & HV_PAGE_MASK)) / s->size;

	if (s->down || !long_mode || room == 0 || s->address_size != 64)
		room = 1;
	if (room > DATA_SIZE / s->size)
		room = DATA_SIZE / s->size;
	s->count = (uint32_t)(count < room ? count : room);
	return VERDICT_RESUME;
}

/** rSI or rDI and rCX behind `count` items; RIP too when it was the last piece. */
static enum verdict advance(struct vcpu *vcpu, const struct string_io *s)
{
	const uint64_t mask = address_mask(s);
	uint64_t *const index = &vcpu->regs.gpr[index_register(s)];
	uint64_t *const rcx = &vcpu->regs.gpr[HV_RCX];
	const uint64_t step = (uint64_t)s->count * s->size;
	const uint64_t next = (s->down ? *index - step : *index + step) & mask;
	const uint64_t keep = s->address_size == 16 ? ~mask : 0;

	*index = (*index & keep) | next;
	if (s->rep) {
		const uint64_t left = ((*rcx & mask) - s->count) & mask;

		*rcx = (*rcx & keep) | left;
		if (left != 0)
			return VERDICT_RESUME; /* executed again: interruptible between pieces */
	}
	return vcpu_skip(vcpu, 0);
}

static enum verdict complete_string(struct vcpu *vcpu)
{
	const struct string_io s = *in_progress(vcpu);
	struct gpt_mode mode;
	gva_t where;
	uint32_t fault;

	if (vcpu->action == HV_ACTION_FAULT)
		return x86_raise_gp(vcpu);
	if (!s.write) {
		vcpu_paging_mode(vcpu, &mode);
		/* HV_E_NOENT: translated to where no memory is, or none to be written: lost, as on a bus. */
		if (guest_write_virtual(&vcpu->vm->npt, &mode, gva(s.linear), vcpu->page->data,
					(uint64_t)s.count * s.size, &where, &fault) == HV_E_FAULT)
			return x86_raise_pf(vcpu, where.raw, fault);
	}
	return advance(vcpu, &s);
}

/**
 * Memory is read, or checked to be writable, before the VMM sees the access: a fault comes first. Where the
 * guest's tables lead to no memory, all ones are read.
 */
static enum verdict transfer(struct vcpu *vcpu, struct string_io *s)
{
	struct hv_exit_port *const port = &vcpu->page->exit.port;
	struct gpt_mode mode;
	gva_t where;
	gpa_t to;
	uint32_t fault = 0;
	hv_status_t status;

	vcpu_paging_mode(vcpu, &mode);
	if (s->write)
		status = guest_read_virtual(&vcpu->vm->npt, &mode, gva(s->linear), vcpu->page->data,
					    (uint64_t)s->count * s->size, HV_PROT_READ, &where, &fault);
	else {
		where = gva(s->linear);
		status = gpt_translate(&vcpu->vm->npt, &mode, where, HV_PROT_WRITE, false, &to,
				       &fault);
	}
	if (status == HV_E_FAULT)
		return x86_raise_pf(vcpu, where.raw, fault);
	if (status == HV_E_NOENT && s->write)
		__builtin_memset(vcpu->page->data, 0xff, (uint64_t)s->count * s->size);
	else if (status != HV_OK && status != HV_E_NOENT)
		return x86_raise_gp(vcpu);
	*port = (struct hv_exit_port){.port = s->port, .size = s->size, .write = s->write,
				      .count = s->count, .string = 1};
	vcpu->complete = complete_string;
	return vcpu_hand(vcpu, HV_EXIT_PORT);
}

enum verdict x86_exit_string_io(struct vcpu *vcpu, const struct x86_io *io)
{
	struct string_io *const s = in_progress(vcpu);

	vcpu_need(vcpu, REGS_SEG | REGS_CR | REGS_RFLAGS);
	*s = (struct string_io){.port = io->port,
				.size = io->size,
				.write = io->write,
				.rep = io->rep,
				.address_size = io->address_size,
				.segment = io->write ? io->segment : (uint8_t)HV_ES,
				.down = (vcpu->regs.rflags & RFLAGS_DF) != 0};
	if ((io->address_size == 0 || s->segment > HV_GS) && !decode(vcpu, s))
		return VERDICT_RESUME; /* changed under us: execute it again */
	if (remaining(vcpu, s) == 0)
		return vcpu_skip(vcpu, 0);
	const enum verdict verdict = locate(vcpu, s);

	if (verdict != VERDICT_RESUME || s->count == 0)
		return verdict;
	return transfer(vcpu, s);
}
