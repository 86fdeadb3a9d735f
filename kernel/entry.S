/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways into the kernel and out of it: system calls, exceptions and interrupts, thread switch.
 * Interrupts are off in all of it.
 */
#include "kernel/layout.h"
#include "kernel/x86_boot.h"

	.text

/* A place where CLAC or STAC goes if the CPU has SMAP; three bytes of NOP until then. */
.macro smap_patch opcode
771:	.byte 0x0f, 0x1f, 0x00
	.pushsection .smap_patch, "a"
	.long 771b - .
	.byte 0x0f, 0x01, \opcode, 0
	.popsection
.endm
.macro clac_if_smap
	smap_patch 0xca
.endm
.macro stac_if_smap
	smap_patch 0xcb
.endm

/* ---- system calls ----
 *
 * RAX number, arguments RDI RSI RDX R10 R8 R9; RCX and R11 hold the caller's RIP and RFLAGS (SDM
 * 2B, SYSCALL). C keeps RBX, RBP, R12-R15 for us; what else C leaves in registers is cleared before
 * the way back, so that nothing of the kernel's is seen.
 */
	.balign 64
	.global syscall_entry
syscall_entry:
	swapgs
	movq %rsp, %gs:CPU_USER_RSP
	movq %gs:CPU_KERNEL_RSP, %rsp
	pushq %gs:CPU_USER_RSP
	pushq %rcx
	pushq %r11
	pushq %rax			/* aligns the stack, and is good to see in a debugger */
	cmpq $SYSCALL_COUNT, %rax
	jae syscall_unknown
	movq %r10, %rcx
	call *syscall_table(, %rax, 8)
syscall_done:
	cmpl $0, %gs:CPU_WORK
	jne syscall_work
syscall_return:
#ifdef PARANOID
	movq %rax, (%rsp)
	call paranoid_check_exit
	movq (%rsp), %rax
#endif
	addq $8, %rsp
	popq %r11
	popq %rcx
	/* A non-canonical RCX would fault in ring 0 on Intel's CPUs (SDM 2B, SYSRET). RCX follows a
	 * SYSCALL in the lower half: bit 47 set is the only way out of it. */
	btq $47, %rcx
	jc syscall_bad_rip
	xorl %edi, %edi
	xorl %esi, %esi
	xorl %edx, %edx
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	xorl %r10d, %r10d
	popq %rsp
	swapgs
	sysretq

syscall_unknown:
	movq $-2, %rax			/* HV_E_UNSUPPORTED */
	jmp syscall_done

syscall_work:
	pushq %rax
	pushq %rax			/* keeps the stack aligned */
	call thread_exit_work
	popq %rax
	popq %rax
	jmp syscall_done

syscall_bad_rip:
	movq %rcx, %rdi
	call syscall_return_refused	/* doesn't return */

/* ---- exceptions and interrupts ----
 *
 * One stub of 16 bytes a vector; those for which the CPU pushes no error code push 0.
 */
	.balign 16
	.global vector_stubs
vector_stubs:
	vector = 0
	.rept 256
	.balign 16
	.if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) \
		|| (vector == 29) || (vector == 30))
	pushq $0
	.endif
	pushq $vector
	.if (vector == 2) || (vector == 8) || (vector == 18)
	jmp trap_paranoid
	.elseif vector == 1
	jmp trap_debug
	.else
	jmp trap_common
	.endif
	vector = vector + 1
	.endr

/* struct trap_frame, from the last member to the first. */
.macro push_registers
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
.endm
.macro pop_registers
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
.endm
#define FRAME_CS (15 * 8 + 16 + 8)

/* A debug exception in ring 0 isn't ours: nobody steps the kernel or sets breakpoints in it. Bochs delivers
 * one that belongs to a guest behind VMRUN, where GS is still the guest's, so touch nothing. */
	.balign 16
trap_debug:
	testb $3, 24(%rsp)
	jnz trap_common
	addq $16, %rsp
	iretq

	.balign 64
trap_common:
	cld
	testb $3, 24(%rsp)
	jz 1f
	swapgs
1:	clac_if_smap
	push_registers
	movq %rsp, %rdi
	call trap_dispatch
	.global trap_return
trap_return:
	testb $3, FRAME_CS(%rsp)
	jz 2f
	cmpl $0, %gs:CPU_WORK
	jne 3f
#ifdef PARANOID
	call paranoid_check_exit
#endif
	swapgs
2:	pop_registers
	addq $16, %rsp			/* vector, error code */
	iretq
3:	call thread_exit_work
	jmp trap_return

/*
 * NMI, double fault and machine check come at any instruction, those around SWAPGS too: whose GS
 * base is loaded shows in its sign. They have stacks of their own.
 */
trap_paranoid:
	cld
	clac_if_smap
	push_registers
	xorl %ebx, %ebx
	movl $MSR_GS_BASE_, %ecx
	rdmsr
	testl %edx, %edx
	js 1f
	swapgs
	incl %ebx
1:	movq %rsp, %rdi
	call trap_dispatch
	testl %ebx, %ebx
	jz 2f
	swapgs
2:	pop_registers
	addq $16, %rsp
	iretq

/* ---- threads ---- */

/* void switch_stack(uint64_t *save, uint64_t load): go on where the other thread called it. */
	.balign 16
	.global switch_stack
switch_stack:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

/* _Noreturn void run_on_stack(void (*fn)(void), uint64_t stack): leave the present one for good. */
	.global run_on_stack
run_on_stack:
	movq %rsi, %rsp
	xorl %ebp, %ebp
	call *%rdi
	ud2

/* ---- ring-3 memory ----
 *
 * bool user_copy(void *to, const void *from, size_t size): true, or false where a page was missing.
 * One of the two is in ring 3's half, as the caller has checked.
 */
	.global user_copy
user_copy:
	movq %rdx, %rcx
	shrq $3, %rcx
	andl $7, %edx
	stac_if_smap
881:	rep movsq
	movl %edx, %ecx
882:	rep movsb
	clac_if_smap
	movl $1, %eax
	ret
883:	clac_if_smap
	xorl %eax, %eax
	ret
	.pushsection .exception_table, "a"
	.long 881b - .
	.long 883b - .
	.long 882b - .
	.long 883b - .
	.popsection

/* bool user_load32(uint32_t *to, const uint32_t *from) */
	.global user_load32
user_load32:
	stac_if_smap
884:	movl (%rsi), %eax
	clac_if_smap
	movl %eax, (%rdi)
	movl $1, %eax
	ret
	.pushsection .exception_table, "a"
	.long 884b - .
	.long 883b - .
	.popsection

/* ---- FPU: bool fpu_restore(const void *area, bool xsave) ---- */
	.global fpu_restore
fpu_restore:
	testb %sil, %sil
	movl $-1, %eax
	movl $-1, %edx
	jz 886f
885:	xrstor64 (%rdi)
	movl $1, %eax
	ret
886:	fxrstor64 (%rdi)
	movl $1, %eax
	ret
887:	xorl %eax, %eax
	ret
	.pushsection .exception_table, "a"
	.long 885b - .
	.long 887b - .
	.long 886b - .
	.long 887b - .
	.popsection

	.section .note.GNU-stack, "", @progbits
