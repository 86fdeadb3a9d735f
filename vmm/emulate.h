/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file emulate.h
 * Executes one decoded instruction on a register file, with memory behind callbacks: what the VMM
 * does when a guest's access hits a device instead of memory, and what its own processor (vmm/model) does with
 * instructions of programs.
 *
 * A pure function of its arguments: it knows neither hv.h nor devices. The owner of the context
 * copies registers in and out, translates linear addresses (with the guest's page tables), splits
 * accesses that cross a page, and tells devices from memory.
 */
#ifndef VMM_EMULATE_H
#define VMM_EMULATE_H

#include "lib/x86/insn.h"

/** How emulation ended. */
enum emu_status {
	EMU_DONE,	 /**< executed; emu_ctx::rip is that of the next instruction */
	EMU_AGAIN,	 /**< a repeated string has iterations left; registers are between two */
	EMU_FAULT,	 /**< the guest gets emu_ctx::fault; registers are as before it */
	EMU_UNSUPPORTED, /**< not emulated; nothing has changed */
};

/** What a read is for. */
enum emu_intent {
	EMU_READ,
	EMU_MODIFY, /**< a write to the same address follows: check now that it may be written */
};

/** The exception that the guest is to get. */
struct emu_fault {
	uint8_t vector;
	bool has_error_code;
	uint32_t error_code;
	uint64_t cr2; /**< of a page fault */
};

struct emu_ctx;

/**
 * What the owner supplies. Linear addresses are complete: base added, wrapped, canonical in 64-bit
 * mode. Sizes are 1 to 16 bytes. A callback that returns EMU_FAULT has filled emu_ctx::fault; one
 * that fails has changed nothing.
 */
struct emu_ops {
	/** Base of a segment. Not asked for ES, CS, SS and DS of 64-bit code. */
	uint64_t (*seg_base)(struct emu_ctx *ctx, enum insn_seg seg);
	/** Limit and rights of a segment outside 64-bit mode; may be NULL, where the CPU has checked them. */
	enum emu_status (*seg_check)(struct emu_ctx *ctx, enum insn_seg seg, uint64_t offset,
				     unsigned size, bool write);
	enum emu_status (*read)(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				enum emu_intent intent, void *data);
	enum emu_status (*write)(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				 const void *data);
	/** Ports, for INS and OUTS; may be NULL, which makes IN, OUT, INS, OUTS unsupported. */
	enum emu_status (*port_read)(struct emu_ctx *ctx, uint16_t port, unsigned size,
				     uint32_t *value);
	enum emu_status (*port_write)(struct emu_ctx *ctx, uint16_t port, unsigned size,
				      uint32_t value);
	/** XMM registers, 16 bytes; may be NULL, which makes SSE moves unsupported. */
	void (*read_xmm)(struct emu_ctx *ctx, unsigned number, uint8_t data[16]);
	void (*write_xmm)(struct emu_ctx *ctx, unsigned number, const uint8_t data[16]);
};

/** A virtual CPU as far as it is needed. */
struct emu_ctx {
	uint64_t gpr[16]; /**< by enum insn_reg */
	uint64_t rip;	  /**< of the instruction */
	uint64_t rflags;
	uint8_t stack_size;	 /**< width of the stack pointer in bytes: 2, 4 or 8 */
	uint32_t max_iterations; /**< of a repeated string in one call; 0 counts as 1 */
	struct emu_fault fault;
	const struct emu_ops *ops;
	void *owner; /**< the callbacks' own */
};

/**
 * Executes `insn`.
 *
 * Where the result is not EMU_DONE, nothing has changed but the iterations of a string that are
 * complete. RFLAGS.RF is cleared on EMU_DONE; a pending single step (RFLAGS.TF) and the end of an
 * interrupt shadow are the caller's. A LOCK prefix is accepted, but nothing is locked: to a device,
 * a read and a write are two accesses anyway.
 *
 * @req VMM-201 An integer instruction has the effect that the CPU gives it, also where it touches a device.
 * @req VMM-202 A fault during emulation leaves registers and flags as the CPU would.
 * @req VMM-203 A repeated string is executed in bounded pieces that can be interrupted.
 */
enum emu_status emu_execute(struct emu_ctx *ctx, const struct insn *insn);

/** Linear address of the memory operand, for an access of `size` bytes. @return EMU_DONE or EMU_FAULT */
enum emu_status emu_address(struct emu_ctx *ctx, const struct insn *insn, unsigned size, bool write,
			    uint64_t *linear);

#endif
