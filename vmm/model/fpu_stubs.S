/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x87 and SSE instructions, each with operands in the same place, to be executed by the real CPU on a guest's state
 * (fpu_x87.c, fpu_sse.c). A stub's number says which instruction it is; those that no CPU has, or that do anything
 * but compute, are never called.
 */
	.text
	.code64

/* uint64_t stub(void *area, void *memory, uint64_t flags): operands in memory at RSI. @return flags */
	.macro x87 opcode, modrm
	.balign 16
	fxrstor64 (%rdi)
	push	%rdx
	popf
	.byte	\opcode, \modrm
	pushf
	pop	%rax
	fxsave64 (%rdi)
	ret
	.endm

	/* Opcodes D8 to DF with ModRM C0 to FF. */
	.globl	fpu_x87_registers
	.hidden	fpu_x87_registers
	.type	fpu_x87_registers, @function
	.balign 16
fpu_x87_registers:
	.altmacro
	.set	opcode, 0xd8
	.rept	8
	.set	modrm, 0xc0
	.rept	64
	x87	%opcode, %modrm
	.set	modrm, modrm + 1
	.endr
	.set	opcode, opcode + 1
	.endr

	/* With memory: reg 0 to 7, r/m [RSI]. */
	.globl	fpu_x87_memory
	.hidden	fpu_x87_memory
	.type	fpu_x87_memory, @function
	.balign 16
fpu_x87_memory:
	.set	opcode, 0xd8
	.rept	8
	.set	modrm, 0x06
	.rept	8
	x87	%opcode, %modrm
	.set	modrm, modrm + 8
	.endr
	.set	opcode, opcode + 1
	.endr

/* uint64_t stub(void *to, const void *from): to = op(to, from). @return flags */
	.macro sse_begin
	.balign 32
	movdqu	(%rdi), %xmm0
	movdqu	(%rsi), %xmm1
	.endm
	.macro sse_end
	pushf
	pop	%rax
	movdqu	%xmm0, (%rdi)
	ret
	.endm

	/* Opcodes 0F 00 to 0F FF: without prefix, with 66, F3, F2. */
	.globl	fpu_sse
	.hidden	fpu_sse
	.type	fpu_sse, @function
	.balign 32
fpu_sse:
	.irp	prefix, 0, 0x66, 0xf3, 0xf2
	.set	opcode, 0
	.rept	256
	sse_begin
	.if	\prefix
	.byte	\prefix
	.endif
	.byte	0x0f, opcode, 0xc1
	sse_end
	.set	opcode, opcode + 1
	.endr
	.endr

	/* CMPPS, CMPPD, CMPSS, CMPSD with predicates 0 to 7. */
	.globl	fpu_sse_compare
	.hidden	fpu_sse_compare
	.type	fpu_sse_compare, @function
	.balign 32
fpu_sse_compare:
	.irp	prefix, 0, 0x66, 0xf3, 0xf2
	.set	predicate, 0
	.rept	8
	sse_begin
	.if	\prefix
	.byte	\prefix
	.endif
	.byte	0x0f, 0xc2, 0xc1, predicate
	sse_end
	.set	predicate, predicate + 1
	.endr
	.endr

	.section .note.GNU-stack, "", @progbits
