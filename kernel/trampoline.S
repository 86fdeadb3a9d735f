/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where an application processor starts: in real mode, on a page below 1 MiB that smp.c has copied
 * this to (SDM 3A 9.4). Straight to 64-bit mode with boot.S's tables.
 */
#include "kernel/layout.h"
#include "kernel/x86_boot.h"

#define HERE(symbol) ((symbol) - trampoline_start)

	.section .rodata.trampoline, "a"
	.balign 16
	.global trampoline_start, trampoline_end
	.code16
trampoline_start:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	lgdtl HERE(trampoline_gdt_pointer)
	movl $CR4_PAE_, %eax
	movl %eax, %cr4
	movl $(boot_pml4 - KERNEL_BASE), %eax
	movl %eax, %cr3
	movl $MSR_EFER_, %ecx
	rdmsr
	orl $EFER_LME_, %eax
	wrmsr
	movl $(CR0_PG_ | CR0_PE_), %eax	/* both at once: from real to 64-bit mode */
	movl %eax, %cr0
	ljmpl $SEL_KERNEL_CODE, $(TRAMPOLINE_PHYS + HERE(trampoline_64))

	.code64
trampoline_64:
	movl $SEL_KERNEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movq $ap_stack_top, %rsp
	xorl %ebp, %ebp
	movabsq $smp_ap_main, %rax
	callq *%rax
	ud2

	.balign 8
trampoline_gdt_pointer:
	.word 23
	.long boot_gdt
trampoline_end:

	.section .bss.ap_stack, "aw", @nobits
	.balign 16
	.skip STACK_SIZE
ap_stack_top:

	.section .note.GNU-stack, "", @progbits
