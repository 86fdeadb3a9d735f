/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/insn/native.h"

#define STATE(offset) native_state + (offset)(%rip)

	.bss
	.globl native_state
	.balign 16
native_state:
	.skip NATIVE_XMM + 16 * 16

	.text

.macro for_each_xmm op
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\op \n
	.endr
.endm

.macro load_xmm n
	movups STATE(NATIVE_XMM + 16 * \n), %xmm\n
.endm

.macro store_xmm n
	movups %xmm\n, STATE(NATIVE_XMM + 16 * \n)
.endm

.macro enter
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, STATE(NATIVE_RESUME)
	for_each_xmm load_xmm
.endm

.macro load_gprs
	pushq STATE(NATIVE_RFLAGS)
	popfq
	mov STATE(0 * 8), %rax
	mov STATE(1 * 8), %rcx
	mov STATE(2 * 8), %rdx
	mov STATE(3 * 8), %rbx
	mov STATE(4 * 8), %rsp
	mov STATE(5 * 8), %rbp
	mov STATE(6 * 8), %rsi
	mov STATE(7 * 8), %rdi
	mov STATE(8 * 8), %r8
	mov STATE(9 * 8), %r9
	mov STATE(10 * 8), %r10
	mov STATE(11 * 8), %r11
	mov STATE(12 * 8), %r12
	mov STATE(13 * 8), %r13
	mov STATE(14 * 8), %r14
	mov STATE(15 * 8), %r15
.endm

	.globl native_run_64
native_run_64:
	enter
	load_gprs
	jmp *STATE(NATIVE_ENTRY)

	/* 64-bit code runs with null data segments, 32-bit code can't. */
	.globl native_run_32
native_run_32:
	enter
	mov $NATIVE_DS, %eax
	mov %eax, %ds
	mov %eax, %es
	load_gprs
	ljmp *STATE(NATIVE_ENTRY)

	/* No instruction before PUSHFQ changes a flag. */
	.globl native_exit
native_exit:
	mov %rax, STATE(0 * 8)
	mov %rcx, STATE(1 * 8)
	mov %rdx, STATE(2 * 8)
	mov %rbx, STATE(3 * 8)
	mov %rsp, STATE(4 * 8)
	mov %rbp, STATE(5 * 8)
	mov %rsi, STATE(6 * 8)
	mov %rdi, STATE(7 * 8)
	mov %r8, STATE(8 * 8)
	mov %r9, STATE(9 * 8)
	mov %r10, STATE(10 * 8)
	mov %r11, STATE(11 * 8)
	mov %r12, STATE(12 * 8)
	mov %r13, STATE(13 * 8)
	mov %r14, STATE(14 * 8)
	mov %r15, STATE(15 * 8)
	mov STATE(NATIVE_RESUME), %rsp
	pushfq
	popq STATE(NATIVE_RFLAGS)
	cld
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	for_each_xmm store_xmm
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

	.section .note.GNU-stack, "", @progbits
