/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file x86_boot.h
 * The few bits of x86.h that the assembly before C needs; named with a final underscore, for C's
 * spelling of the constants is not the assembler's. cpu.c checks that they agree.
 */
#ifndef KERNEL_X86_BOOT_H
#define KERNEL_X86_BOOT_H

#define PTE_P_	   0x01
#define PTE_W_	   0x02
#define PTE_PS_	   0x80
#define CR4_PAE_   0x20
#define CR0_PE_	   0x00000001
#define CR0_PG_	   0x80000000
#define MSR_EFER_  0xc0000080
#define EFER_LME_  0x100
#define EFER_NXE_  0x800
#define MSR_GS_BASE_ 0xc0000101

#endif
