/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a started CPU runs first: copied to TRAMPOLINE_PAGE, entered there in real mode by the start-up
 * IPI, with CS:IP = page >> 4 : 0 (SDM vol. 3, 8.4.4).
 */
#include "guests/dummy/trampoline.h"
#include "lib/x86/regs.h"

/* address of a label in the copy */
#define AT(label) (TRAMPOLINE_PAGE + label - trampoline_start)

#define CS32 8
#define DS32 16
#define CS64 24

	.section .rodata
	.balign	16
	.globl	trampoline_start
trampoline_start:
	.code16
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	gdt_pointer - trampoline_start
	mov	$CR0_PE | CR0_ET, %eax
	mov	%eax, %cr0
	ljmpl	$CS32, $AT(in32)

	.code32
in32:
	mov	$DS32, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	AT(trampoline_root), %eax
	mov	%eax, %cr3
	mov	$IA32_EFER, %ecx
	rdmsr
	or	AT(trampoline_efer), %eax
	wrmsr
	mov	$(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_PE), %eax
	mov	%eax, %cr0
	ljmp	$CS64, $AT(in64)

	.code64
in64:
	mov	AT(trampoline_stack), %rsp
	mov	AT(trampoline_index), %edi
	xor	%ebp, %ebp
	mov	AT(trampoline_entry), %rax
	call	*%rax
	ud2

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* CS32 */
	.quad	0x00cf93000000ffff	/* DS32 */
	.quad	0x00af9b000000ffff	/* CS64 */
gdt_pointer:
	.word	. - gdt - 1
	.long	AT(gdt)

	/* filled in by smp.c, in the copy */
	.balign	8
	.globl	trampoline_root, trampoline_efer, trampoline_stack, trampoline_entry, trampoline_index
trampoline_root:	.quad	0
trampoline_stack:	.quad	0
trampoline_entry:	.quad	0
trampoline_efer:	.long	0
trampoline_index:	.long	0
	.globl	trampoline_end
trampoline_end:

	.section .note.GNU-stack, "", @progbits
