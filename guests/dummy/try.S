/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/cpu.h"
#include "guests/dummy/vectors.h"
#include "lib/x86/regs.h"

	.text

	/* Pushes what C expects to find unchanged, and keeps stack and flags in the context (rdx). */
	.macro SAVE_CONTEXT
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushfq
	pop	8(%rdx)
	mov	%rsp, (%rdx)
	.endm

	/* uint64_t try_enter(fn, arg, struct try_context *): 0 when fn returned */
	.globl	try_enter
	.type	try_enter, @function
try_enter:
	SAVE_CONTEXT
	push	%rdx			/* the stack is aligned for the call now */
	mov	%rdi, %rax
	mov	%rsi, %rdi
	call	*%rax
	pop	%rdx
	xor	%eax, %eax
	jmp	1f

	/* where try_land() returns to: rsp and flags are those kept, rax is not zero */
	.globl	try_landing
try_landing:
1:	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	cld
	ret
	.size	try_enter, . - try_enter

	/* uint64_t try_enter_user(fn, arg, struct try_context *, user_rsp, struct cpu *): leaves by
	   try_landing. Ring 3 keeps the interrupt flag, and its traps the stack below this one. */
	.globl	try_enter_user
	.type	try_enter_user, @function
try_enter_user:
	SAVE_CONTEXT
	mov	%rsp, CPU_TSS_RSP0(%r8)
	mov	%rsp, CPU_KERNEL_RSP(%r8)
	mov	8(%rdx), %rax
	and	$RFLAGS_IF, %eax
	or	$RFLAGS_FIXED1, %eax
	pushq	$USER_DS
	push	%rcx
	push	%rax
	pushq	$USER_CS
	push	%rdi
	mov	%rsi, %rdi
	xor	%eax, %eax
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%ebp, %ebp
	iretq
	.size	try_enter_user, . - try_enter_user

	/* what a function of try_call_user() returns to, in ring 3 */
	.globl	try_user_return
	.type	try_user_return, @function
try_user_return:
	int	$TRAP_USER_RETURN
	ud2
	.size	try_user_return, . - try_user_return

	.section .note.GNU-stack, "", @progbits
