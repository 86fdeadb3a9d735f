/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the loader (32-bit protected mode, paging off) to C in 64-bit mode. Names of the Multiboot
 * Specification 0.6.96, 3.1.1 and 3.2, and of Multiboot 2.0, 3.1.
 */
#include "lib/multiboot.h"
#include "lib/multiboot2.h"
#include "lib/x86/regs.h"

#define BOOT_STACK_BYTES 32768
#define PAGE_BYTES	 4096
#define TABLE_RIGHTS	 7	/* present, writable, user */
#define LARGE_PAGE	 0x83	/* present, writable, page size */
#define BOOT_CS		 8
#define BOOT_DS		 16
#define COM1		 0x3f8
#define CPUID_LM	 (1 << 29)

#define HEADER_FLAGS (MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO)

	.section .multiboot, "a", @progbits
	.balign	MULTIBOOT_HEADER_ALIGN
	.long	MULTIBOOT_HEADER_MAGIC
	.long	HEADER_FLAGS
	.long	-(MULTIBOOT_HEADER_MAGIC + HEADER_FLAGS)

	.balign	MULTIBOOT2_HEADER_ALIGN
header2:
	.long	MULTIBOOT2_HEADER_MAGIC
	.long	MULTIBOOT2_ARCHITECTURE_I386
	.long	header2_end - header2
	.long	-(MULTIBOOT2_HEADER_MAGIC + MULTIBOOT2_ARCHITECTURE_I386 + (header2_end - header2))
	.short	MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, 0
	.long	16
	.long	MULTIBOOT2_TAG_TYPE_MMAP, MULTIBOOT2_TAG_TYPE_MODULE
	.short	MULTIBOOT2_HEADER_TAG_MODULE_ALIGN, 0
	.long	8
	.short	MULTIBOOT2_HEADER_TAG_END, 0
	.long	8
header2_end:

	.section .text.boot, "ax", @progbits
	.code32
	.globl	boot_entry
	.type	boot_entry, @function
boot_entry:
	cli
	cld
	mov	$boot_stack_top, %esp
	mov	%eax, %edi		/* the arguments of rt_start() */
	mov	%ebx, %esi

	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	no_long_mode
	mov	$0x80000001, %eax
	cpuid
	test	$CPUID_LM, %edx
	jz	no_long_mode

	/* one to one: 4 GiB in pages of 2 MiB */
	movl	$boot_pdpt + TABLE_RIGHTS, boot_pml4
	mov	$boot_pd + TABLE_RIGHTS, %eax
	mov	$boot_pdpt, %edx
	mov	$4, %ecx
1:	mov	%eax, (%edx)
	add	$PAGE_BYTES, %eax
	add	$8, %edx
	loop	1b
	mov	$LARGE_PAGE, %eax
	mov	$boot_pd, %edx
	mov	$2048, %ecx
1:	mov	%eax, (%edx)
	add	$0x200000, %eax
	add	$8, %edx
	loop	1b

	mov	$boot_pml4, %eax
	mov	%eax, %cr3
	mov	%cr4, %eax
	or	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$IA32_EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	mov	%cr0, %eax
	or	$(CR0_PG | CR0_WP | CR0_PE), %eax
	mov	%eax, %cr0
	lgdt	boot_gdt_pointer
	ljmp	$BOOT_CS, $boot_entry64

no_long_mode:
	mov	$COM1 + 3, %dx		/* 8N1 */
	mov	$3, %al
	out	%al, %dx
	mov	$no_long_mode_text, %esi
1:	mov	$COM1, %dx
	outsb
	cmpb	$0, (%esi)
	jne	1b
2:	hlt
	jmp	2b

	.code64
boot_entry64:
	mov	$BOOT_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$boot_stack_top, %rsp
	mov	%edi, %edi
	mov	%esi, %esi
	xor	%ebp, %ebp
	call	rt_start
	ud2
	.size	boot_entry, . - boot_entry

	.section .rodata
no_long_mode_text:
	.asciz	"Bail out! this CPU has no 64-bit mode\r\n"
	.balign	8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code, ring 0 */
	.quad	0x00cf93000000ffff	/* data, ring 0 */
boot_gdt_pointer:
	.word	. - boot_gdt - 1
	.quad	boot_gdt

	.bss
	.balign	PAGE_BYTES
boot_pml4:
	.skip	PAGE_BYTES
boot_pdpt:
	.skip	PAGE_BYTES
boot_pd:
	.skip	4 * PAGE_BYTES
	.globl	boot_stack_top
boot_stack:
	.skip	BOOT_STACK_BYTES
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
