/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a ring-3 program begins: RDI holds the information page, RSP the top of the stack. And where
 * a thread begins: hypike_thread_create() has put function and argument on its stack.
 */
	.text
	.global _start
_start:
	xorl %ebp, %ebp
	call hypike_begin
	ud2

	.global hypike_thread_begin
hypike_thread_begin:
	xorl %ebp, %ebp
	popq %rax
	popq %rdi
	call *%rax
	call hypike_thread_exit
	ud2

	.section .note.GNU-stack, "", @progbits
