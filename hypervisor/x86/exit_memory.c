/* SPDX-License-Identifier: BSD-2-Clause */
/** @file exit_memory.c Guest-physical accesses that the nested tables don't allow. */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "lib/x86/insn.h"

/** Bits of `value` that a move of `size` bytes stores, or loads. */
static uint64_t cut(uint64_t value, uint32_t size)
{
	return value & insn_size_mask(size);
}

static uint64_t stored_value(struct vcpu *vcpu, const struct insn_mov *mov)
{
	if (mov->has_imm)
		return cut((uint64_t)(int64_t)mov->imm, mov->size);
	if (mov->reg == HV_RSP)
		vcpu_need(vcpu, REGS_RSP);
	const uint64_t value = vcpu->regs.gpr[mov->reg];

	return cut(mov->high_byte ? value >> 8 : value, mov->size);
}

void x86_load_register(struct vcpu *vcpu, const struct insn_mov *mov, uint64_t value)
{
	uint64_t *const reg = &vcpu->regs.gpr[mov->reg];

	if (mov->reg == HV_RSP) {
		vcpu_need(vcpu, REGS_RSP);
		vcpu_change(vcpu, REGS_RSP);
	}
	if (mov->size >= 4)
		*reg = cut(value, mov->size);
	else if (mov->high_byte)
		*reg = (*reg & ~UINT64_C(0xff00)) | (value & 0xff) << 8;
	else
		*reg = (*reg & ~insn_size_mask(mov->size)) | cut(value, mov->size);
}

/** The move that a decoded access came from: kept in vcpu->complete_arg, out of the VMM's reach. */
static struct insn_mov *kept_move(struct vcpu *vcpu)
{
	_Static_assert(sizeof(struct insn_mov) <= sizeof(vcpu->complete_arg), "kept there");
	return (struct insn_mov *)(void *)vcpu->complete_arg;
}

static enum verdict complete_load(struct vcpu *vcpu)
{
	if (vcpu->action == HV_ACTION_FAULT)
		return x86_raise_gp(vcpu);
	x86_load_register(vcpu, kept_move(vcpu), vcpu->page->exit.memory.value);
	return vcpu_skip(vcpu, 0);
}

/** A plain move, whole in one page: the VMM needs neither the registers nor the instruction. */
static enum verdict plain_move(struct vcpu *vcpu, const struct x86_memory_fault *fault,
			       const struct insn_mov *mov)
{
	struct hv_exit_memory *const memory = &vcpu->page->exit.memory;
	const uint64_t value = mov->store ? stored_value(vcpu, mov) : 0;

	vcpu->exit.insn_length = mov->length;
	if (mov->store && doorbell_any(vcpu->vm) &&
	    doorbell_ring(vcpu->vm, HV_DOORBELL_MEMORY, fault->address.raw, mov->size, value))
		return vcpu_skip(vcpu, 0);
	memory->address = fault->address.raw;
	memory->value = value;
	memory->access = mov->store ? HV_PROT_WRITE : HV_PROT_READ;
	memory->decoded = 1;
	memory->size = mov->size;
	memory->mapped = fault->mapped;
	memory->insn_length = 0;
	vcpu->complete = vcpu_complete_skip;
	if (!mov->store) {
		*kept_move(vcpu) = *mov;
		vcpu->complete = complete_load;
	}
	return vcpu_hand(vcpu, HV_EXIT_MEMORY);
}

/** Any other instruction is the VMM's to emulate; it gets the registers for it. */
static enum verdict any_instruction(struct vcpu *vcpu, const struct x86_memory_fault *fault,
				    const uint8_t *bytes, uint32_t count)
{
	struct hv_exit_memory *const memory = &vcpu->page->exit.memory;

	*memory = (struct hv_exit_memory){.address = fault->address.raw,
					  .access = (uint8_t)fault->access,
					  .mode = (uint8_t)vcpu_code_size(vcpu),
					  .mapped = fault->mapped,
					  .insn_length = (uint8_t)count};
	__builtin_memcpy(memory->insn, bytes, count);
	vcpu->complete = vcpu_complete_skip;
	return vcpu_hand(vcpu, HV_EXIT_MEMORY);
}

/**
 * The operand's offset where it is a register with or without displacement, or a constant, as nearly always.
 * The bytes are those of a plain move in 64-bit code. @return false: another form.
 */
static bool simple_offset(const struct vcpu *vcpu, const uint8_t *bytes, uint64_t *offset)
{
	const uint8_t *p = bytes[0] == 0x66 ? bytes + 1 : bytes;
	const bool rex = (*p & 0xf0) == 0x40;
	const uint32_t high = rex && (*p & 1) != 0 ? 8 : 0;
	int32_t displacement = 0;

	p += rex;
	const uint32_t mod = p[1] >> 6, rm = p[1] & 7u;

	if ((p[0] & 0xfc) == 0xa0) { /* MOV to or from an address in the instruction */
		__builtin_memcpy(offset, p + 1, sizeof(*offset));
		return true;
	}
	if (rm == HV_RSP || (mod == 0 && rm == HV_RBP))
		return false;
	if (mod == 1)
		displacement = (int8_t)p[2];
	else if (mod == 2)
		__builtin_memcpy(&displacement, p + 2, sizeof(displacement));
	*offset = vcpu->regs.gpr[rm + high] + (uint64_t)(int64_t)displacement;
	return true;
}

static __attribute__((noinline)) bool decoded_offset(struct vcpu *vcpu, const uint8_t *bytes,
						     uint32_t count, uint64_t *offset)
{
	struct insn insn;

	if (insn_decode(bytes, count, (enum insn_mode)vcpu->code.mode, &insn) != 0 || !insn.has_mem)
		return false;
	vcpu_need(vcpu, REGS_RIP | REGS_RSP | REGS_SEG);
	*offset = insn_offset(&insn, vcpu->regs.gpr, vcpu->regs.rip + insn.length);
	if (vcpu->code.mode != INSN_MODE_64)
		*offset += vcpu->regs.seg[insn.seg].base;
	return true;
}

/**
 * The CPU reports the start of a page: does the access begin there, or did it in the page before? Only the
 * operand's own address tells.
 */
static bool begins_with_page(struct vcpu *vcpu, const uint8_t *bytes, uint32_t count)
{
	uint64_t offset;
	const bool simple = vcpu->code.mode == INSN_MODE_64 && simple_offset(vcpu, bytes, &offset);

	if (!simple && !decoded_offset(vcpu, bytes, count, &offset))
		return false;
	return (offset & HV_PAGE_MASK) == 0;
}

/** Is it a move that the fault's address and direction fit? The guest may have changed its code since. */
static bool is_plain_move(struct vcpu *vcpu, const struct x86_memory_fault *fault,
			  const uint8_t *bytes, uint32_t count, struct insn_mov *mov)
{
	if (vcpu->code.mode == INSN_MODE_16 ||
	    insn_mov_decode(bytes, count, (enum insn_mode)vcpu->code.mode, mov) == 0)
		return false;
	const uint64_t offset = fault->address.raw & HV_PAGE_MASK;

	return mov->store == ((fault->access & HV_PROT_WRITE) != 0) &&
	       offset + mov->size <= HV_PAGE_SIZE &&
	       (offset != 0 || mov->size == 1 || begins_with_page(vcpu, bytes, count));
}

static bool is_apic_page(const struct vcpu *vcpu, gpa_t address)
{
	return vcpu->lapic.mode == LAPIC_XAPIC &&
	       ((address.raw ^ vcpu->lapic.base) & ~(uint64_t)HV_PAGE_MASK) == 0;
}

/**
 * The guest's own page tables lie where nothing is mapped, or in read-only memory where the CPU has to set
 * accessed or dirty bits. Hardware would read all ones there and fault for a reserved bit, in every
 * handler too; AMD doesn't even report the guest-virtual address. So on both vendors: shutdown.
 *
 * @req HV-014 A guest whose page tables leave its memory is shut down; its VMM alone hears of it.
 */
enum verdict x86_exit_memory(struct vcpu *vcpu, const struct x86_memory_fault *fault)
{
	uint8_t fetched[INSN_MAX_LENGTH];
	const uint8_t *bytes = fault->insn;
	uint32_t count = fault->insn_length;
	struct insn_mov mov;

	if (fault->walking)
		return x86_exit_triple_fault(vcpu);
	vcpu_need(vcpu, REGS_CODE);
	if (count == 0) {
		bytes = fetched;
		count = (fault->access & HV_PROT_EXEC) != 0 ? 0 : vcpu_fetch_insn(vcpu, fetched);
	}
	if (count > INSN_MAX_LENGTH)
		count = INSN_MAX_LENGTH;
	if (vcpu->delivering.valid)
		count = 0; /* a push of the event's delivery, not the instruction's access */
	if (!is_plain_move(vcpu, fault, bytes, count, &mov))
		return any_instruction(vcpu, fault, bytes, count);
	if (is_apic_page(vcpu, fault->address))
		return x86_apic_page_access(vcpu, &mov, fault->address);
	return plain_move(vcpu, fault, &mov);
}
