/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ROM of 64 KiB that starts at the reset vector, with no firmware before it: real mode, unreal mode, protected
 * mode with and without paging, and back. Prints TAP on COM1 and ends by the debug exit, with the number of tests
 * that failed. Runs the same as a BIOS of QEMU's.
 *
 * Symbols are offsets in segment F000. RAM: 0 interrupt vectors, 500 variables, 6000 stack, 10000 test data.
 */
#include "lib/x86/regs.h"

#define SEGMENT	   0xf000
#define LINEAR(x)  (0xf0000 + (x))
#define STACK	   0x7000
#define COM1	   0x3f8
#define DEBUG_E9   0xe9
#define DEBUG_EXIT 0xf4
#define LINE_STATUS (COM1 + 5)
#define THRE	   0x20
#define MAGIC	   0x21346587

/* Variables, in segment 0. */
#define NUMBER	  0x500
#define FAILED	  0x502
#define TICKS	  0x504
#define SEEN	  0x506
#define RESET_CS  0x508
#define RESET_SUM 0x50a /* of the data segments: all are 0 */
#define RESET_CR0 0x50c
#define RESET_FLAGS 0x510
#define RESET_ROM 0x514
#define RESULT	  0x518
#define MARKER	  0x51c /* outlives a reset */

#define HIGH_TEST 0x180000 /* above 1 MiB */
#define DIRECTORY 0x20000
#define TABLE	  0x21000
#define PAGE	  0x30000

/* Selectors. */
#define CODE32 0x08
#define DATA32 0x10
#define CODE16 0x18
#define DATA16 0x20

#define LAPIC 0xfee00000
#define LAPIC_SVR 0xf0
#define LAPIC_ENABLED 0x100
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_EXTINT 0x700

#define PIC1 0x20
#define PIC2 0xa0
#define PIC1_VECTOR 0x20
#define PIT 0x40
#define PIT_HZ 1193182

#define RESET_CONTROL 0xcf9
#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PAM0 0x59
#define PAM0_ADDRESS (0x80000000 | (PAM0 & ~3))
#define PAM5 0x5e
#define PAM_ADDRESS (0x80000000 | (PAM5 & ~3))

	/* Prints the point: passed if the flags say "equal". */
	.macro	point name
	call	report
	.asciz	"\name\n"
	.endm

	.macro	vector number, handler
	movw	$\handler, \number * 4
	movw	$SEGMENT, \number * 4 + 2
	.endm

	.section .text, "ax", @progbits
	.code16
	.globl	early

/* ------------------------------------------------------------------------- at FFFF0000 + offset */

	/* The far jump loads a code segment of real mode; before it, the ROM is seen below 4 GiB. */
early:
	cli
	cld
	mov	%eax, %ebp
	pushf
	mov	%cs, RESET_CS
	mov	%ds, %ax
	mov	%es, %cx
	or	%cx, %ax
	mov	%ss, %cx
	or	%cx, %ax
	mov	%ax, RESET_SUM
	mov	%cr0, %eax
	mov	%eax, RESET_CR0
	mov	%cs:magic, %eax
	mov	%eax, RESET_ROM
	mov	$PCI_ADDRESS, %dx
	mov	$PAM0_ADDRESS, %eax
	out	%eax, %dx
	mov	$PCI_DATA + (PAM0 & 3), %dx
	cmpl	$MAGIC, MARKER
	jne	scribble
	xor	%al, %al		/* QEMU's own bridge keeps it over a reset */
	out	%al, %dx
	ljmp	$SEGMENT, $start

	/* The first time: write over the shadow of the ROM, which a reset has to restore. */
scribble:
	movl	$MAGIC, MARKER
	mov	$0x20, %al		/* writes go to RAM */
	out	%al, %dx
	mov	$SEGMENT, %ax
	mov	%ax, %es
	movl	$0, %es:magic
	mov	$RESET_CONTROL, %dx
	mov	$2, %al
	out	%al, %dx
	mov	$6, %al
	out	%al, %dx
1:	hlt
	jmp	1b

/* --------------------------------------------------------------------------------------- output */

	/* AL, to the serial line. Keeps all registers. */
putc:
	push	%dx
	push	%ax
	mov	$LINE_STATUS, %dx
1:	in	%dx, %al
	test	$THRE, %al
	jz	1b
	pop	%ax
	mov	$COM1, %dx
	out	%al, %dx
	pop	%dx
	ret

	/* The text at CS:SI, up to its zero. Leaves SI behind it. */
puts:
	push	%ax
1:	lodsb	%cs:(%si), %al
	test	%al, %al
	jz	2f
	call	putc
	jmp	1b
2:	pop	%ax
	ret

	/* AX, in decimal. */
put_number:
	pusha
	xor	%cx, %cx
	mov	$10, %bx
1:	xor	%dx, %dx
	div	%bx
	push	%dx
	inc	%cx
	test	%ax, %ax
	jnz	1b
2:	pop	%ax
	add	$'0', %al
	call	putc
	loop	2b
	popa
	ret

	/* What `point' calls: the name stands behind the call. */
report:
	mov	$text_ok, %si
	je	1f
	incw	FAILED
	mov	$text_not_ok, %si
1:	call	puts
	incw	NUMBER
	mov	NUMBER, %ax
	call	put_number
	mov	$text_dash, %si
	call	puts
	pop	%si
	call	puts
	jmp	*%si

/* ------------------------------------------------------------------------------------- handlers */

handle_42:
	push	%bp
	mov	%sp, %bp
	movw	$0x1234, SEEN
	pop	%bp
	iret

	/* The fault's IP is the instruction's: `div %bl' has two bytes. */
handle_divide:
	push	%bp
	mov	%sp, %bp
	movw	$1, SEEN
	addw	$2, 2(%bp)
	pop	%bp
	iret

handle_timer:
	push	%ax
	incw	TICKS
	mov	$0x20, %al
	out	%al, $PIC1
	pop	%ax
	iret

/* ---------------------------------------------------------------------------------------- tests */

start:
	mov	$STACK, %sp
	mov	0xfffe, %ax		/* the flags that were pushed, with SP = 0 */
	mov	%ax, RESET_FLAGS
	xor	%eax, %eax
	mov	%eax, NUMBER
	mov	%eax, TICKS
	mov	$COM1 + 3, %dx		/* 8N1 */
	mov	$3, %al
	out	%al, %dx
	mov	$text_plan, %si
	call	puts

	cmpw	$SEGMENT, RESET_CS
	jne	1f
	cmpw	$0, RESET_SUM
	jne	1f
	cmpw	$2, RESET_FLAGS
	jne	1f
	mov	RESET_CR0, %eax
	and	$(CR0_PG | CR0_CD | CR0_NW | CR0_ET | CR0_PE), %eax
	cmp	$(CR0_CD | CR0_NW | CR0_ET), %eax
1:	point	"state-after-reset"

	cmpl	$MAGIC, RESET_ROM
	point	"rom-below-4-gib"

	cmpl	$MAGIC, %cs:magic
	point	"shadow-restored-by-reset"

	vector	0x42, handle_42
	int	$0x42
	cmpw	$0x1234, SEEN
	point	"software-interrupt"

	vector	0, handle_divide
	xor	%bl, %bl
	mov	$77, %ax
	div	%bl
	cmpw	$1, SEEN
	point	"divide-error"

	call	test_unreal
	point	"unreal-mode"

	call	test_timer
	point	"timer-interrupts"

	/* FFFF:0010 is 1 MiB, not 0. */
	mov	$0xffff, %ax
	mov	%ax, %es
	movl	$0, %es:0x10
	mov	0, %eax
	mov	%eax, %ecx
	not	%ecx
	mov	%ecx, %es:0x10
	cmp	0, %eax
	point	"a20"

	/* With an overlapping copy: the pattern of two bytes fills the block. */
	mov	$0x1000, %ax
	mov	%ax, %ds
	mov	%ax, %es
	movw	$0x5aa5, 0
	xor	%si, %si
	mov	$2, %di
	mov	$0x3fff, %cx
	rep movsw
	cmpw	$0x5aa5, 0x7ffe
	mov	$0, %ax
	mov	%ax, %ds
	mov	%ax, %es
	point	"string-copy"

	push	%cs
	pop	%ds
	mov	$text_outs, %si
	mov	$text_outs_end - text_outs, %cx
	mov	$DEBUG_E9, %dx
	rep outsb
	push	%es
	pop	%ds
	cmp	$text_outs_end, %si
	point	"string-output"

	call	test_protected
	cmpl	$MAGIC, RESULT
	point	"protected-mode-and-paging"

	call	test_shadow
	point	"shadow-memory"

	movzwl	FAILED, %eax
	mov	$DEBUG_EXIT, %dx
	out	%eax, %dx
1:	hlt
	jmp	1b

	/* Three ticks of 1 ms. */
test_timer:
	vector	PIC1_VECTOR, handle_timer
	mov	$0x11, %al		/* ICW1 to ICW4 */
	out	%al, $PIC1
	out	%al, $PIC2
	mov	$PIC1_VECTOR, %al
	out	%al, $PIC1 + 1
	mov	$PIC1_VECTOR + 8, %al
	out	%al, $PIC2 + 1
	mov	$4, %al
	out	%al, $PIC1 + 1
	mov	$2, %al
	out	%al, $PIC2 + 1
	mov	$1, %al
	out	%al, $PIC1 + 1
	out	%al, $PIC2 + 1
	mov	$0xfe, %al		/* the timer alone */
	out	%al, $PIC1 + 1
	mov	$0xff, %al
	out	%al, $PIC2 + 1
	mov	$0x34, %al		/* channel 0, mode 2 */
	out	%al, $PIT + 3
	mov	$(PIT_HZ / 1000) & 0xff, %al
	out	%al, $PIT
	mov	$(PIT_HZ / 1000) >> 8, %al
	out	%al, $PIT
	sti
1:	hlt
	cmpw	$3, TICKS
	jb	1b
	cli
	mov	$0xff, %al
	out	%al, $PIC1 + 1
	cmp	%ax, %ax
	ret

	/* A data segment of 4 GiB, kept in real mode. */
test_unreal:
	lgdtl	%cs:gdt_pointer
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	mov	$DATA32, %bx
	mov	%bx, %ds
	and	$~CR0_PE, %al
	mov	%eax, %cr0
	jmp	1f
1:	mov	$HIGH_TEST, %esi
	movl	$MAGIC, (%esi)
	mov	$0xffff0000 + magic, %edi
	mov	(%edi), %eax		/* the ROM, with real mode's selector */
	cmp	(%esi), %eax
	mov	$LAPIC, %esi		/* "virtual wire": the PIC's interrupts come by LINT0 */
	movl	$LAPIC_ENABLED | 0xff, LAPIC_SVR(%esi)
	movl	$LAPIC_EXTINT, LAPIC_LVT_LINT0(%esi)
	mov	$0, %ax
	mov	%ax, %ds		/* loads base, not limit */
	ret

	/* 32-bit code, paging on and off, and the way back by segments of 16 bits. */
test_protected:
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$CODE32, $LINEAR(protected)
back16:
	mov	$DATA16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%cr0, %eax
	and	$~CR0_PE, %al
	mov	%eax, %cr0
	ljmp	$SEGMENT, $1f
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	ret

	.code32
protected:
	mov	$DATA32, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	movl	$0, RESULT
	/* The first 4 MiB one to one, but for one page, that is another. */
	mov	$TABLE, %edi
	mov	$3, %eax
	mov	$1024, %ecx
1:	stosl
	add	$0x1000, %eax
	loop	1b
	movl	$TABLE + 3, DIRECTORY
	movl	$PAGE + 3, TABLE + 4 * 0x31
	movl	$MAGIC, PAGE
	movl	$0, 0x31000
	mov	$DIRECTORY, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	jmp	1f
1:	mov	0x31000, %edx
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	xor	%ecx, %ecx
	mov	%ecx, %cr3
	add	0x31000, %edx		/* without paging: 0 */
	mov	%edx, RESULT
	ljmpl	$CODE16, $back16
	.code16

	/* E0000: writes are lost, stay, and are lost again, as the bridge is told. */
test_shadow:
	mov	$0xe000, %ax
	mov	%ax, %es
	mov	$0x33, %bl
	call	set_pam5
	movl	$MAGIC, %es:0
	cmpl	$MAGIC, %es:0
	jne	1f
	mov	$0x11, %bl
	call	set_pam5
	movl	$0, %es:0
	cmpl	$MAGIC, %es:0
1:	ret

	/* Register PAM5 := BL. */
set_pam5:
	mov	$PCI_ADDRESS, %dx
	mov	$PAM_ADDRESS, %eax
	out	%eax, %dx
	mov	$PCI_DATA + (PAM5 & 3), %dx
	mov	%bl, %al
	out	%al, %dx
	ret

text_plan:
	.asciz	"# real-mode ROM\n1..12\n"
text_ok:
	.asciz	"ok "
text_not_ok:
	.asciz	"not ok "
text_dash:
	.asciz	" - "
text_outs:
	.ascii	"# this line came by REP OUTSB\n"
text_outs_end:
	.balign	8
magic:
	.long	MAGIC
gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	LINEAR(gdt)
	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* code, 32 bits, 4 GiB */
	.quad	0x00cf93000000ffff	/* data, 4 GiB */
	.quad	0x00009b0f0000ffff	/* code, 16 bits, 64 KiB from F0000 */
	.quad	0x000093000000ffff	/* data, 64 KiB */
gdt_end:

	.section .reset, "ax", @progbits
	.code16
	jmp	early
