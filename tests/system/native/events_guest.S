/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest of events.c: 32-bit flat code without paging, copied to 1000h. What happens to it, it
 * tells by letters on port E9h; port 90h asks the VMM for something (EVENTS_ASK_*), port 92h shows a
 * value, port 91h ends the part. Handlers step over the instruction that faulted by the length at
 * 7004h.
 */
#include "tests/system/native/events.h"

	.section .rodata
	.code32

.macro say letter
	pushl	%eax
	movb	$\letter, %al
	outb	%al, $EVENTS_PORT_SAY
	popl	%eax
.endm
.macro ask what
	movb	$\what, %al
	outb	%al, $EVENTS_PORT_ASK
.endm
.macro end
	outb	%al, $EVENTS_PORT_END
.endm
.macro part name
	.globl	events_\name
events_\name:
.endm
.macro handler name
	.globl	events_on_\name
events_on_\name:
.endm

	.globl	events_guest
events_guest:

/* In the first NMI's handler another one comes: it must wait for IRET. */
handler nmi
	say	'n'
	cmpb	$0, EVENTS_SEEN
	jne	1f
	movb	$1, EVENTS_SEEN
	ask	EVENTS_ASK_NMI
1:	say	'a'
	iret
handler interrupt
	say	'i'
	iret
handler software
	say	's'
	testl	$0x100, 8(%esp)		/* a TF that the guest has not set */
	jz	1f
	say	'T'
1:	iret
handler bp
	say	'b'
	iret
handler of
	say	'o'
	iret
handler db
	say	'D'
	orl	$0x10000, 8(%esp)	/* RF: over the breakpoint */
	iret
handler ud
	say	'u'
	movl	EVENTS_LENGTH, %edi
	addl	%edi, (%esp)
	iret
handler gp
	say	'g'
	addl	$4, %esp
	movl	EVENTS_LENGTH, %edi
	addl	%edi, (%esp)
	iret
handler df
	say	'F'
	end

part nmi
	say	'm'
	ask	EVENTS_ASK_NMI
	say	'e'
	end

part window
	cli
	ask	EVENTS_ASK_WINDOW
	say	'b'
	sti
	nop				/* the shadow of STI */
	say	'c'
	end

/* The stack is where nothing is mapped until the VMM hears of it: the delivery is cut short, and
 * made again. */
part int_without_stack
	movl	$EVENTS_NO_STACK, %esp
	int	$EVENTS_SOFTWARE
	movl	$EVENTS_STACK, %esp
	say	'd'
	end
part interrupt_without_stack
	movl	$EVENTS_NO_STACK, %esp
	sti
	ask	EVENTS_ASK_INTERRUPT
	nop
	movl	$EVENTS_STACK, %esp
	say	'd'
	end
part ud_without_stack
	movl	$2, EVENTS_LENGTH
	movl	$EVENTS_NO_STACK, %esp
	ud2
	movl	$EVENTS_STACK, %esp
	say	'd'
	end
part int3_without_stack
	movl	$EVENTS_NO_STACK, %esp
	int3
	movl	$EVENTS_STACK, %esp
	say	'd'
	end

part int3_into
	int3
	say	'd'
	movl	$0x7fffffff, %eax
	incl	%eax
	into
	say	'e'
	end

/* Instructions that a guest doesn't have, then some that it has. */
part instructions
	movl	$2, EVENTS_LENGTH
	xorl	%ecx, %ecx
	rdpmc
	movl	$3, EVENTS_LENGTH
	monitor
	mwait
	vmrun
	vmload
	vmsave
	stgi
	clgi
	invlpga
	movl	$2, EVENTS_LENGTH
	rsm
	wbinvd
	invd
	rdtsc
	say	'd'
	end

/* One step at a time, through instructions that would show the VMM's TF. */
part step
	ask	EVENTS_ASK_STEP
	nop
	pushfl
	popl	%ebx
	int	$EVENTS_SOFTWARE
	pushfl
	popfl
	ask	EVENTS_ASK_RUN
	movl	%ebx, %eax
	andl	$0x100, %eax
	outl	%eax, $EVENTS_PORT_SHOW
	pushfl
	popl	%eax
	andl	$0x100, %eax
	outl	%eax, $EVENTS_PORT_SHOW
	end

/* A breakpoint on an instruction, then steps of the guest's own. */
part debug
	movl	$1f - events_guest + EVENTS_CODE, %eax
	movl	%eax, %dr0
	movl	$2, %eax
	movl	%eax, %dr7
	nop
1:	nop
	say	'd'
	movl	%dr6, %eax
	outl	%eax, $EVENTS_PORT_SHOW
	xorl	%eax, %eax
	movl	%eax, %dr7
	movl	%eax, %dr6
	pushfl
	orl	$0x100, (%esp)
	popfl
	nop
	pushfl
	andl	$~0x100, (%esp)
	popfl
	movl	%dr6, %eax
	outl	%eax, $EVENTS_PORT_SHOW
	end

/* Steps over instructions that exit: the traps are the guest's, the host must not see them. */
part step_over_exit
	xorl	%eax, %eax
	movl	%eax, %dr6
	pushfl
	orl	$0x100, (%esp)
	popfl
	cpuid
	outb	%al, $EVENTS_PORT_QUIET
	pushfl
	andl	$~0x100, (%esp)
	popfl
	end

/* A data breakpoint on the stack, hit by the delivery of the debug exception itself, for ever. */
part endless_debug
	leal	-12(%esp), %eax
	movl	%eax, %dr0
	movl	$0x000d0002, %eax	/* G0: write, four bytes */
	movl	%eax, %dr7
	pushl	%eax
	pushl	%eax
	pushl	%eax
	say	'!'
	end

part shutdown
	lidt	EVENTS_ZERO
	ud2

part memory
	movl	0x40000, %eax
	movl	%eax, 0x40010
	movl	$0x40020, %eax
	jmp	*%eax

part spin
	cli
1:	jmp	1b

part alive
	say	'.'
	end

	.globl	events_guest_end
events_guest_end:

	.section .note.GNU-stack, "", @progbits
