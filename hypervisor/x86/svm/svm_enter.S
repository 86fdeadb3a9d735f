/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world switch of AMD-V (APM vol. 2, 15.5, 15.6, 15.17):
 *
 *	void svm_switch(struct vcpu *vcpu, uint64_t vmcb_pa, uint64_t host_pa)
 *
 * It returns by way of svm_exited(vcpu). Called from inline assembly alone, which says that no register
 * but RBP and RSP is preserved (svm.c).
 *
 * `vcpu` begins with the general registers in encoding order. RAX, RSP, RIP and RFLAGS are in the
 * VMCB, and so is what VMLOAD and VMSAVE move (FS, GS, LDTR, TR, system call MSRs). The host's part
 * of the latter was saved once, at `host_pa`. Called with interrupts off; returns so.
 *
 * CLGI holds back everything, NMIs included, while FS, GS and TR are the guest's. With
 * V_INTR_MASKING, the host's RFLAGS.IF at VMRUN decides whether a physical interrupt can end guest
 * mode (15.21.1), hence STI while GIF = 0 already keeps it from being taken here.
 */
#define RCX 8
#define RDX 16
#define RBX 24
#define RBP 40
#define RSI 48
#define RDI 56
#define R8 64
#define R9 72
#define R10 80
#define R11 88
#define R12 96
#define R13 104
#define R14 112
#define R15 120

	.section .text.svm_switch, "ax", @progbits
	.globl	svm_switch
	.hidden	svm_switch
	.type	svm_switch, @function
	.p2align 4
svm_switch:
	pushq	%rbp
	pushq	%rdi
	pushq	%rdx
	movq	%rsi, %rax
	clgi
	sti
	vmload	%rax
	movq	RCX(%rdi), %rcx
	movq	RDX(%rdi), %rdx
	movq	RBX(%rdi), %rbx
	movq	RBP(%rdi), %rbp
	movq	RSI(%rdi), %rsi
	movq	R8(%rdi), %r8
	movq	R9(%rdi), %r9
	movq	R10(%rdi), %r10
	movq	R11(%rdi), %r11
	movq	R12(%rdi), %r12
	movq	R13(%rdi), %r13
	movq	R14(%rdi), %r14
	movq	R15(%rdi), %r15
	movq	RDI(%rdi), %rdi
	vmrun	%rax
	/* #VMEXIT has restored the host's RAX and RSP, and cleared GIF (15.6). */
	vmsave	%rax
	movq	8(%rsp), %rax
	movq	%rcx, RCX(%rax)
	movq	%rdx, RDX(%rax)
	movq	%rbx, RBX(%rax)
	movq	%rbp, RBP(%rax)
	movq	%rsi, RSI(%rax)
	movq	%rdi, RDI(%rax)
	movq	%r8, R8(%rax)
	movq	%r9, R9(%rax)
	movq	%r10, R10(%rax)
	movq	%r11, R11(%rax)
	movq	%r12, R12(%rax)
	movq	%r13, R13(%rax)
	movq	%r14, R14(%rax)
	movq	%r15, R15(%rax)
	popq	%rax
	vmload	%rax
	cli
	stgi
	/* No guest value is left for the host to compute with, be it by misprediction: registers
	 * are cleared here, or written first thing in svm_exited. */
	popq	%rdi
	xorl	%ebx, %ebx
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	popq	%rbp
	jmp	svm_exited
	.size	svm_switch, . - svm_switch

	.section .note.GNU-stack, "", @progbits
