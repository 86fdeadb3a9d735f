/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/x86/regs.h"

	/* One entry of 16 bytes for each vector: all frames have an error code and a vector. */
	.section .text.trap, "ax", @progbits
	.balign	16
	.globl	trap_stubs
	.type	trap_stubs, @object
trap_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if	vector >= 32 || !((X86_ERROR_CODE_VECTORS >> (vector & 63)) & 1)
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr
	.balign	16
	.size	trap_stubs, . - trap_stubs

	.type	trap_common, @function
trap_common:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	call	trap_dispatch

	/* void trap_return(void), with the stack pointer at a struct trap_frame */
	.globl	trap_return
trap_return:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq
	.size	trap_common, . - trap_common

	.section .note.GNU-stack, "", @progbits
