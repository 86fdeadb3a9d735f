/* SPDX-License-Identifier: BSD-2-Clause */
	.text
	.globl	_start
	.type	_start, @function
_start:
	xor	%ebp, %ebp
	and	$-16, %rsp
	call	main
	mov	%rax, %rdi
	xor	%eax, %eax	/* SYS_EXIT */
	syscall
	ud2
	.size	_start, . - _start

	.section .note.GNU-stack, "", @progbits
