/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VT-x world switch (SDM vol. 3, chapters 27 and 28).
 *
 * unsigned int vmx_resume(struct vcpu *vcpu, struct vmx_vcpu *v)
 * unsigned int vmx_launch(struct vcpu *vcpu, struct vmx_vcpu *v)
 *
 * 0: VM exit; 1: VM-instruction error in the VMCS; 2: no current VMCS. Called from inline assembly
 * alone, which says that no register but RBP and RSP is preserved (vmx.c).
 *
 * The VMCS moves RIP, RSP, RFLAGS, segments, control registers; we move the other general
 * registers. vcpu->regs.gpr is at offset 0 of struct vcpu, v->host_rsp at offset 0 of struct
 * vmx_vcpu; vmx.c asserts both.
 */
#define VMCS_HOST_RSP 0x6c14

	.text

/* The stack of a vCPU's thread is mostly where it was: then HOST_RSP is right already. */
.macro ENTER_GUEST instruction
	push %rbp
	push %rdi
	cmp %rsp, (%rsi)
	je 1f
	mov %rsp, (%rsi)
	mov $VMCS_HOST_RSP, %eax
	vmwrite %rsp, %rax
1:	mov 0x00(%rdi), %rax
	mov 0x08(%rdi), %rcx
	mov 0x10(%rdi), %rdx
	mov 0x18(%rdi), %rbx
	mov 0x28(%rdi), %rbp
	mov 0x30(%rdi), %rsi
	mov 0x40(%rdi), %r8
	mov 0x48(%rdi), %r9
	mov 0x50(%rdi), %r10
	mov 0x58(%rdi), %r11
	mov 0x60(%rdi), %r12
	mov 0x68(%rdi), %r13
	mov 0x70(%rdi), %r14
	mov 0x78(%rdi), %r15
	mov 0x38(%rdi), %rdi
	\instruction
	/* Only failures come here: CF without a current VMCS, ZF with an error number (31.2). */
	mov $1, %eax
	adc $0, %eax
	jmp .Lback
.endm

	.global vmx_launch
	.hidden vmx_launch
	.type vmx_launch, @function
vmx_launch:
	ENTER_GUEST vmlaunch
	.size vmx_launch, . - vmx_launch

	.global vmx_resume
	.hidden vmx_resume
	.type vmx_resume, @function
vmx_resume:
	ENTER_GUEST vmresume
	.size vmx_resume, . - vmx_resume

	.global vmx_exit_point
	.hidden vmx_exit_point
	.type vmx_exit_point, @function
vmx_exit_point:
	push %rdi
	mov 8(%rsp), %rdi
	mov %rax, 0x00(%rdi)
	mov %rcx, 0x08(%rdi)
	mov %rdx, 0x10(%rdi)
	mov %rbx, 0x18(%rdi)
	mov %rbp, 0x28(%rdi)
	mov %rsi, 0x30(%rdi)
	mov %r8, 0x40(%rdi)
	mov %r9, 0x48(%rdi)
	mov %r10, 0x50(%rdi)
	mov %r11, 0x58(%rdi)
	mov %r12, 0x60(%rdi)
	mov %r13, 0x68(%rdi)
	mov %r14, 0x70(%rdi)
	mov %r15, 0x78(%rdi)
	popq 0x38(%rdi)
	/* No guest value is left for the host to compute with, be it by misprediction. */
	xor %eax, %eax
	xor %ebx, %ebx
	xor %r12d, %r12d
	xor %r13d, %r13d
	xor %r14d, %r14d
	xor %r15d, %r15d
.Lback:	pop %rdi
	pop %rbp
	ret
	.size vmx_exit_point, . - vmx_exit_point

	.section .note.GNU-stack, "", @progbits
