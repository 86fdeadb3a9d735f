/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the boot loader to C: 32-bit protected mode without paging (Multiboot 0.6.96 section 3.2,
 * Multiboot2 section 3.3) to 64-bit mode at the address that the kernel is linked at.
 *
 * The first tables map physical 0-4 GiB three times: at 0, at DIRECT_MAP, and 0-1 GiB at
 * KERNEL_BASE. paging.c replaces them.
 */
#include "kernel/layout.h"
#include "kernel/x86_boot.h"
#include "lib/multiboot.h"
#include "lib/multiboot2.h"

#define LOW(symbol) ((symbol) - KERNEL_BASE)

	.section .boot.headers, "a"
	.balign MULTIBOOT2_HEADER_ALIGN
multiboot2_header:
	.long MULTIBOOT2_HEADER_MAGIC
	.long MULTIBOOT2_ARCHITECTURE_I386
	.long multiboot2_end - multiboot2_header
	.long -(MULTIBOOT2_HEADER_MAGIC + MULTIBOOT2_ARCHITECTURE_I386 + \
		(multiboot2_end - multiboot2_header))
	.balign MULTIBOOT2_TAG_ALIGN
	.word MULTIBOOT2_HEADER_TAG_MODULE_ALIGN, 0
	.long 8
	.balign MULTIBOOT2_TAG_ALIGN
	.word MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, 0
	.long 12
	.long MULTIBOOT2_TAG_TYPE_MMAP
	.balign MULTIBOOT2_TAG_ALIGN
	.word MULTIBOOT2_HEADER_TAG_END, 0
	.long 8
multiboot2_end:

	.balign MULTIBOOT_HEADER_ALIGN
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO
	.long -(MULTIBOOT_HEADER_MAGIC + (MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO))

	/* struct system_attachment (include/hypike/system.h): `hypike build` fills it in. */
	.balign 8
	.global boot_attachment
boot_attachment:
	.ascii "HyPikeSystemIs@:"
	.quad 0, 0

	.section .boot.text, "ax"
	.code32
	.global boot_entry
boot_entry:
	cli
	cld
	movl $LOW(boot_stack_top), %esp
	movl %eax, %ebp			/* loader's magic */
	movl %ebx, %esi			/* its information structure */

	/* CPUID.80000001h:EDX.LM[29] (SDM 2A); every CPU since 2003 has CPUID itself. */
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	btl $29, %edx
	jnc no_long_mode

	/* Four page directories of 2 MiB pages, filled as one table of 2048 entries. */
	movl $LOW(boot_pd), %edi
	movl $(PTE_P_ | PTE_W_ | PTE_PS_), %eax
1:	movl %eax, (%edi)
	addl $8, %edi
	addl $0x200000, %eax
	jnc 1b

	movl $(LOW(boot_pd) + PTE_P_ + PTE_W_), %eax
	movl $LOW(boot_pdpt), %edi
	movl $4, %ecx
2:	movl %eax, (%edi)
	addl $8, %edi
	addl $0x1000, %eax
	loop 2b
	movl $(LOW(boot_pd) + PTE_P_ + PTE_W_), LOW(boot_pdpt_high) + 8 * 510
	movl $(LOW(boot_pdpt) + PTE_P_ + PTE_W_), LOW(boot_pml4)
	movl $(LOW(boot_pdpt) + PTE_P_ + PTE_W_), LOW(boot_pml4) + 8 * 256
	movl $(LOW(boot_pdpt_high) + PTE_P_ + PTE_W_), LOW(boot_pml4) + 8 * 511

	movl %cr4, %eax
	orl $CR4_PAE_, %eax
	movl %eax, %cr4
	movl $LOW(boot_pml4), %eax
	movl %eax, %cr3
	movl $MSR_EFER_, %ecx
	rdmsr
	orl $EFER_LME_, %eax
	wrmsr
	movl %cr0, %eax
	orl $(CR0_PG_ | CR0_PE_), %eax
	movl %eax, %cr0
	lgdt boot_gdt_pointer
	ljmp $SEL_KERNEL_CODE, $boot_64

	/* Nothing is set up yet: say it on COM1 and stop. */
no_long_mode:
	movl $no_long_mode_text, %esi
3:	movw $0x3fd, %dx
	inb %dx, %al
	testb $0x20, %al
	jz 3b
	lodsb
	testb %al, %al
	jz 4f
	movw $0x3f8, %dx
	outb %al, %dx
	jmp 3b
4:	hlt
	jmp 4b

	.code64
boot_64:
	movl $SEL_KERNEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_stack_top, %rsp
	movl %ebp, %edi
	/* %esi holds the information structure; 32-bit moves clear the upper halves. */
	movl %esi, %esi
	xorl %ebp, %ebp
	movabsq $kernel_main, %rax
	callq *%rax
5:	hlt
	jmp 5b

	.section .boot.data, "aw"
	.balign 8
	.global boot_gdt
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 08h: 64-bit code (SDM 3A 3.4.5) */
	.quad 0x00cf93000000ffff	/* 10h: data */
boot_gdt_pointer:
	.word boot_gdt_pointer - boot_gdt - 1
	.long boot_gdt
no_long_mode_text:
	.asciz "hypike: this CPU has no 64-bit mode\r\n"

	.section .bss.boot, "aw", @nobits
	.balign 4096
boot_pd:
	.skip 4 * 4096
boot_pdpt:
	.skip 4096
boot_pdpt_high:
	.skip 4096
	.global boot_pml4
boot_pml4:
	.skip 4096
boot_stack:
	.skip STACK_SIZE
	.global boot_stack_top
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
