/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into another mode and back. Everything here is below 4 GiB and mapped one to one, with and without
 * paging, so that paging can be switched off and on anywhere.
 */
#include "guests/attack/modes.h"
#include "guests/dummy/cpu.h"
#include "lib/x86/regs.h"

#define STUB_BYTES 16

	.text
	.code64

	/* void mode_enter(struct mode_job *) */
	.globl	mode_enter
	.type	mode_enter, @function
mode_enter:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushfq
	cli
	mov	%rdi, mode_current
	mov	%rsp, saved_rsp
	sgdt	saved_gdtr
	sidt	saved_idtr
	mov	%cr0, %rax
	mov	%rax, saved_cr0
	mov	%cr3, %rax
	mov	%rax, saved_cr3
	mov	%cr4, %rax
	mov	%rax, saved_cr4
	mov	$IA32_EFER, %ecx
	rdmsr
	mov	%eax, saved_efer
	lgdt	mode_gdtr
	mov	%edi, %esi			/* the job, for all that follows */
	cmpl	$MODE_KIND_LONG, JOB_KIND(%rsi)
	jne	leave_long_mode

	lidt	mode_idtr64
	pushq	JOB_SS(%rsi)			/* 32 bits of it, and DS above: cut off below */
	mov	JOB_SS(%rsi), %eax
	mov	%rax, (%rsp)
	pushq	JOB_GPR + 8 * 4(%rsi)
	pushq	JOB_RFLAGS(%rsi)
	mov	JOB_CS(%rsi), %eax
	push	%rax
	pushq	JOB_RIP(%rsi)
	mov	JOB_CR4(%rsi), %rax
	mov	%rax, %cr4
	mov	JOB_CR3(%rsi), %rax
	mov	%rax, %cr3
	mov	JOB_CR0(%rsi), %rax
	mov	%rax, %cr0
	mov	JOB_DS(%rsi), %eax
	mov	%eax, %ds
	mov	JOB_ES(%rsi), %eax
	mov	%eax, %es
	mov	JOB_FS(%rsi), %eax
	mov	%eax, %fs
	mov	JOB_GS(%rsi), %eax
	mov	%eax, %gs
	mov	JOB_GPR + 8 * 0(%rsi), %rax
	mov	JOB_GPR + 8 * 1(%rsi), %rcx
	mov	JOB_GPR + 8 * 2(%rsi), %rdx
	mov	JOB_GPR + 8 * 3(%rsi), %rbx
	mov	JOB_GPR + 8 * 5(%rsi), %rbp
	mov	JOB_GPR + 8 * 7(%rsi), %rdi
	mov	JOB_GPR + 8 * 8(%rsi), %r8
	mov	JOB_GPR + 8 * 9(%rsi), %r9
	mov	JOB_GPR + 8 * 10(%rsi), %r10
	mov	JOB_GPR + 8 * 11(%rsi), %r11
	mov	JOB_GPR + 8 * 12(%rsi), %r12
	mov	JOB_GPR + 8 * 13(%rsi), %r13
	mov	JOB_GPR + 8 * 14(%rsi), %r14
	mov	JOB_GPR + 8 * 15(%rsi), %r15
	mov	JOB_GPR + 8 * 6(%rsi), %rsi
	iretq

leave_long_mode:
	pushq	$MODE_CODE32
	pushq	$in_compatibility_mode
	lretq

	/* where long mode is entered again, in 32-bit code's way: see back_to_long_mode */
	.type	in_long_mode, @function
in_long_mode:
	lgdt	saved_gdtr
	lidt	saved_idtr
	mov	$KERNEL_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	saved_rsp, %rsp
	cld
	popfq
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

	/* ---- traps in long mode: one stack for all, nothing but it is written before CR3 is ours */
	.globl	mode_stubs64
	.balign	STUB_BYTES
mode_stubs64:
	.set	vector, 0
	.rept	256
	.balign	STUB_BYTES
	.if	vector >= 32 || !((X86_ERROR_CODE_VECTORS >> (vector & 63)) & 1)
	pushq	$0
	.endif
	pushq	$vector
	jmp	landing64
	.set	vector, vector + 1
	.endr

landing64:
	push	%rax
	push	%rcx
	push	%rdx
	mov	%cr2, %rdx
	mov	saved_cr0, %rax
	mov	%rax, %cr0
	mov	saved_cr4, %rax
	mov	%rax, %cr4
	mov	saved_cr3, %rax
	mov	%rax, %cr3
	mov	mode_current, %rax
	mov	%rdx, JOB_CR2(%rax)
	pop	JOB_GPR + 8 * 2(%rax)
	pop	JOB_GPR + 8 * 1(%rax)
	pop	JOB_GPR + 8 * 0(%rax)
	pop	JOB_VECTOR(%rax)
	pop	JOB_ERROR(%rax)
	pop	JOB_RIP(%rax)
	pop	%rdx
	mov	%edx, JOB_CS(%rax)
	pop	JOB_RFLAGS(%rax)
	pop	JOB_GPR + 8 * 4(%rax)
	pop	%rdx
	mov	%edx, JOB_SS(%rax)
	mov	%rbx, JOB_GPR + 8 * 3(%rax)
	mov	%rbp, JOB_GPR + 8 * 5(%rax)
	mov	%rsi, JOB_GPR + 8 * 6(%rax)
	mov	%rdi, JOB_GPR + 8 * 7(%rax)
	mov	%r8, JOB_GPR + 8 * 8(%rax)
	mov	%r9, JOB_GPR + 8 * 9(%rax)
	mov	%r10, JOB_GPR + 8 * 10(%rax)
	mov	%r11, JOB_GPR + 8 * 11(%rax)
	mov	%r12, JOB_GPR + 8 * 12(%rax)
	mov	%r13, JOB_GPR + 8 * 13(%rax)
	mov	%r14, JOB_GPR + 8 * 14(%rax)
	mov	%r15, JOB_GPR + 8 * 15(%rax)
	mov	$IA32_EFER, %ecx
	xor	%edx, %edx
	mov	saved_efer, %eax
	wrmsr
	jmp	in_long_mode
	.size	mode_enter, . - mode_enter

	/* ---------------------------------------------------------------- 32-bit protected mode */
	.code32
in_compatibility_mode:
	mov	$MODE_DATA32, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$mode_stack_top, %esp
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	mov	$IA32_EFER, %ecx
	xor	%edx, %edx
	mov	JOB_EFER(%esi), %eax
	wrmsr
	mov	JOB_CR4(%esi), %eax
	mov	%eax, %cr4
	mov	JOB_CR3(%esi), %eax
	mov	%eax, %cr3
	cmpl	$MODE_KIND_PROT, JOB_KIND(%esi)
	jne	to_real_mode
	lidt	mode_idtr32
	mov	JOB_CR0(%esi), %eax
	mov	%eax, %cr0
	jmp	1f
1:	andb	$~2, mode_gdt + MODE_TSS32 + 5	/* available */
	mov	$MODE_TSS32, %eax
	ltr	%ax

	testl	$RFLAGS_VM, JOB_RFLAGS(%esi)
	jnz	to_vm86
	testl	$3, JOB_CS(%esi)
	jnz	to_outer_ring
	mov	JOB_SS(%esi), %eax
	mov	%eax, %ss
	mov	JOB_GPR + 8 * 4(%esi), %esp
	jmp	load_rest
to_vm86:
	pushl	JOB_GS(%esi)
	pushl	JOB_FS(%esi)
	pushl	JOB_DS(%esi)
	pushl	JOB_ES(%esi)
to_outer_ring:
	pushl	JOB_SS(%esi)
	pushl	JOB_GPR + 8 * 4(%esi)
load_rest:
	pushl	JOB_RFLAGS(%esi)
	pushl	JOB_CS(%esi)
	pushl	JOB_RIP(%esi)
	testl	$RFLAGS_VM, JOB_RFLAGS(%esi)
	jnz	1f
	mov	JOB_ES(%esi), %eax
	mov	%eax, %es
	mov	JOB_FS(%esi), %eax
	mov	%eax, %fs
	mov	JOB_GS(%esi), %eax
	mov	%eax, %gs
	pushl	JOB_DS(%esi)
	jmp	2f
1:	pushl	$MODE_DATA32
2:	mov	JOB_GPR + 8 * 0(%esi), %eax
	mov	JOB_GPR + 8 * 1(%esi), %ecx
	mov	JOB_GPR + 8 * 2(%esi), %edx
	mov	JOB_GPR + 8 * 3(%esi), %ebx
	mov	JOB_GPR + 8 * 5(%esi), %ebp
	mov	JOB_GPR + 8 * 7(%esi), %edi
	mov	JOB_GPR + 8 * 6(%esi), %esi
	pop	%ds
	iretl

	.globl	mode_stubs32
	.balign	STUB_BYTES
mode_stubs32:
	.set	vector, 0
	.rept	256
	.balign	STUB_BYTES
	pushl	$vector
	jmp	landing32
	.set	vector, vector + 1
	.endr

	/* Whatever the stack segment is: POP to memory by way of the flat DS. */
landing32:
	push	%ds
	push	%eax
	mov	$MODE_DATA32, %eax
	mov	%eax, %ds
	mov	mode_current, %eax
	pop	JOB_GPR + 8 * 0(%eax)
	pop	JOB_DS(%eax)
	pop	JOB_VECTOR(%eax)
	mov	%ecx, JOB_GPR + 8 * 1(%eax)
	mov	%edx, JOB_GPR + 8 * 2(%eax)
	mov	%ebx, JOB_GPR + 8 * 3(%eax)
	mov	%ebp, JOB_GPR + 8 * 5(%eax)
	mov	%esi, JOB_GPR + 8 * 6(%eax)
	mov	%edi, JOB_GPR + 8 * 7(%eax)
	mov	%cr2, %edx
	mov	%edx, JOB_CR2(%eax)
	mov	%es, %edx
	mov	%edx, JOB_ES(%eax)
	movl	$0, JOB_ERROR(%eax)
	mov	JOB_VECTOR(%eax), %ecx
	cmp	$31, %ecx
	ja	1f
	mov	$X86_ERROR_CODE_VECTORS, %edx
	bt	%ecx, %edx
	jnc	1f
	pop	JOB_ERROR(%eax)
1:	pop	JOB_RIP(%eax)
	pop	JOB_CS(%eax)
	pop	JOB_RFLAGS(%eax)
	mov	%esp, JOB_GPR + 8 * 4(%eax)
	mov	%ss, %edx
	mov	%edx, JOB_SS(%eax)
	testl	$RFLAGS_VM, JOB_RFLAGS(%eax)
	jnz	2f
	testl	$3, JOB_CS(%eax)
	jz	3f
2:	pop	JOB_GPR + 8 * 4(%eax)
	pop	JOB_SS(%eax)
3:	mov	$MODE_DATA32, %edx
	mov	%edx, %ss
	mov	$mode_stack_top, %esp
	jmp	back_to_long_mode

	/* Protected mode, flat segments in DS and SS, a stack. */
back_to_long_mode:
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	mov	saved_cr4, %eax
	mov	%eax, %cr4
	mov	saved_cr3, %eax
	mov	%eax, %cr3
	mov	$IA32_EFER, %ecx
	xor	%edx, %edx
	mov	saved_efer, %eax
	wrmsr
	mov	saved_cr0, %eax
	mov	%eax, %cr0
	lgdt	mode_gdtr
	ljmp	$KERNEL_CS, $in_long_mode

	/* -------------------------------------------------------------------------- real mode */
to_real_mode:
	lidt	mode_ivt
	mov	$MODE_REAL_PAGE + (real_job - real_start), %edi
	cld
	mov	$JOB_KIND / 4 + 1, %ecx
	rep	movsl
	mov	$MODE_REAL_DATA, %eax
	mov	%eax, %ss
	cmpl	$MODE_KIND_BIG_REAL, -4(%edi)
	je	1f
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
1:	ljmp	$MODE_REAL_CODE, $real_enter - real_start

from_real_mode:
	mov	$MODE_DATA32, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$mode_stack_top, %esp
	mov	$MODE_REAL_PAGE + (real_job - real_start), %esi
	mov	mode_current, %edi
	cld
	mov	$JOB_KIND / 4, %ecx
	rep	movsl
	mov	mode_current, %edi
	mov	MODE_REAL_PAGE + (real_vector - real_start), %eax
	mov	%eax, JOB_VECTOR(%edi)
	movl	$0, JOB_ERROR(%edi)
	jmp	back_to_long_mode

	/* What follows is copied to MODE_REAL_PAGE; in real mode CS is MODE_REAL_SEG. */
	.code16
	.balign	16
	.globl	real_start
real_start:
real_enter:
	mov	%cr0, %eax
	and	$~CR0_PE, %eax
	mov	%eax, %cr0
	ljmp	$MODE_REAL_SEG, $1f - real_start
1:	mov	%cs:real_job + JOB_SS - real_start, %ss
	mov	%cs:real_job + JOB_GPR + 8 * 4 - real_start, %esp
	pushw	%cs:real_job + JOB_RFLAGS - real_start
	pushw	%cs:real_job + JOB_CS - real_start
	pushw	%cs:real_job + JOB_RIP - real_start
	mov	%cs:real_job + JOB_ES - real_start, %es
	mov	%cs:real_job + JOB_FS - real_start, %fs
	mov	%cs:real_job + JOB_GS - real_start, %gs
	mov	%cs:real_job + JOB_GPR + 8 * 0 - real_start, %eax
	mov	%cs:real_job + JOB_GPR + 8 * 1 - real_start, %ecx
	mov	%cs:real_job + JOB_GPR + 8 * 2 - real_start, %edx
	mov	%cs:real_job + JOB_GPR + 8 * 3 - real_start, %ebx
	mov	%cs:real_job + JOB_GPR + 8 * 5 - real_start, %ebp
	mov	%cs:real_job + JOB_GPR + 8 * 6 - real_start, %esi
	mov	%cs:real_job + JOB_GPR + 8 * 7 - real_start, %edi
	mov	%cs:real_job + JOB_DS - real_start, %ds
	iretw

	.balign	4
	.globl	real_stubs
real_stubs:
	.rept	256
	call	real_landing	/* three bytes */
	nop
	.endr

	.balign	4
real_landing:
	push	%ds
	pushl	%eax
	mov	%cs, %ax
	mov	%ax, %ds
	popl	real_job + JOB_GPR + 8 * 0 - real_start
	popw	real_job + JOB_DS - real_start
	popw	real_vector - real_start
	popw	real_job + JOB_RIP - real_start
	popw	real_job + JOB_CS - real_start
	popw	real_job + JOB_RFLAGS - real_start
	mov	%ecx, real_job + JOB_GPR + 8 * 1 - real_start
	mov	%edx, real_job + JOB_GPR + 8 * 2 - real_start
	mov	%ebx, real_job + JOB_GPR + 8 * 3 - real_start
	mov	%esp, real_job + JOB_GPR + 8 * 4 - real_start
	mov	%ebp, real_job + JOB_GPR + 8 * 5 - real_start
	mov	%esi, real_job + JOB_GPR + 8 * 6 - real_start
	mov	%edi, real_job + JOB_GPR + 8 * 7 - real_start
	mov	%ss, real_job + JOB_SS - real_start
	mov	%es, real_job + JOB_ES - real_start
	subw	$real_stubs - real_start + 3, real_vector - real_start
	shrw	$2, real_vector - real_start
	lgdtl	mode_gdtr_copy - real_start
	mov	%cr0, %eax
	or	$CR0_PE, %eax
	mov	%eax, %cr0
	ljmpl	$MODE_CODE32, $from_real_mode

	.balign	8
	.globl	mode_gdtr_copy
mode_gdtr_copy:
	.word	8 * MODE_GDT_ENTRIES - 1
	.long	mode_gdt
	.balign	8
real_job:
	.skip	JOB_KIND + 8
real_vector:
	.long	0
	.globl	real_end
real_end:

	.data
	.balign	8
mode_gdtr:
	.word	8 * MODE_GDT_ENTRIES - 1
	.quad	mode_gdt
	.globl	mode_ivt
	.balign	8
mode_ivt:
	.word	0x3ff
	.quad	MODE_IVT
	.globl	mode_idtr32
	.balign	8
mode_idtr32:
	.word	256 * 8 - 1
	.quad	mode_idt32
	.globl	mode_idtr64
	.balign	8
mode_idtr64:
	.word	256 * 16 - 1
	.quad	mode_idt64

	.bss
	.balign	4096
	.globl	mode_gdt
mode_gdt:
	.skip	8 * MODE_GDT_ENTRIES
	.balign	16
	.globl	mode_idt32
mode_idt32:
	.skip	256 * 8
	.balign	16
	.globl	mode_idt64
mode_idt64:
	.skip	256 * 16
mode_current:
	.skip	8
saved_rsp:
	.skip	8
saved_cr0:
	.skip	8
saved_cr3:
	.skip	8
saved_cr4:
	.skip	8
saved_efer:
	.skip	8
saved_gdtr:
	.skip	16
saved_idtr:
	.skip	16
	/* of the way between modes, and of traps from an outer ring in protected mode */
	.balign	4096
	.skip	4096
	.globl	mode_stack_top
mode_stack_top:

	.section .note.GNU-stack, "", @progbits
