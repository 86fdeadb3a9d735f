/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/cpu.h"
#include "guests/dummy/vectors.h"

	.text

	/* void switch_stack(uint64_t *save_rsp, uint64_t rsp): what it pushes, new threads start with */
	.globl	switch_stack
	.type	switch_stack, @function
switch_stack:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size	switch_stack, . - switch_stack

	/* a new thread "returns" to here, with its first trap frame above */
	.globl	thread_first_run
	.type	thread_first_run, @function
thread_first_run:
	call	sched_after_switch
	jmp	trap_return
	.size	thread_first_run, . - thread_first_run

	/*
	 * SYSCALL: RIP is in rcx, RFLAGS in r11, interrupts are off, the stack is the user's. Builds the
	 * same frame as INT 80h does. GS is the kernel's only while the stacks are exchanged.
	 */
	.globl	syscall_entry
	.type	syscall_entry, @function
syscall_entry:
	swapgs
	mov	%rsp, %gs:CPU_USER_RSP
	mov	%gs:CPU_KERNEL_RSP, %rsp
	pushq	$USER_DS
	pushq	%gs:CPU_USER_RSP
	swapgs
	push	%r11
	pushq	$USER_CS
	push	%rcx
	pushq	$0
	pushq	$TRAP_SYSCALL
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
	call	syscall_fast
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
	mov	16(%rsp), %rcx		/* rip */
	mov	32(%rsp), %r11		/* rflags */
	mov	40(%rsp), %rsp
	sysretq
	.size	syscall_entry, . - syscall_entry

	.section .note.GNU-stack, "", @progbits
