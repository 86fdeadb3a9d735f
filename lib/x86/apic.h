/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file apic.h
 * Registers of the local APIC (SDM vol. 3, table 10-1) and of the I/O APIC (82093AA datasheet, 3.0).
 *
 * An x2APIC register is the MSR 800h + offset / 16 (SDM vol. 3, table 10-6).
 */
#ifndef LIB_X86_APIC_H
#define LIB_X86_APIC_H

#define APIC_DEFAULT_BASE   0xfee00000u
#define IOAPIC_DEFAULT_BASE 0xfec00000u

/* Offsets in the register page */
#define APIC_ID		   0x020u
#define APIC_VERSION	   0x030u
#define APIC_TPR	   0x080u
#define APIC_APR	   0x090u
#define APIC_PPR	   0x0a0u
#define APIC_EOI	   0x0b0u
#define APIC_RRD	   0x0c0u
#define APIC_LDR	   0x0d0u
#define APIC_DFR	   0x0e0u
#define APIC_SVR	   0x0f0u
#define APIC_ISR	   0x100u /**< eight registers, 10h apart */
#define APIC_TMR	   0x180u
#define APIC_IRR	   0x200u
#define APIC_ESR	   0x280u
#define APIC_LVT_CMCI	   0x2f0u
#define APIC_ICR_LOW	   0x300u
#define APIC_ICR_HIGH	   0x310u
#define APIC_LVT_TIMER	   0x320u
#define APIC_LVT_THERMAL   0x330u
#define APIC_LVT_PERF	   0x340u
#define APIC_LVT_LINT0	   0x350u
#define APIC_LVT_LINT1	   0x360u
#define APIC_LVT_ERROR	   0x370u
#define APIC_INITIAL_COUNT 0x380u
#define APIC_CURRENT_COUNT 0x390u
#define APIC_DIVIDE_CONFIG 0x3e0u
#define APIC_SELF_IPI	   0x3f0u /**< x2APIC only */

/** MSR of a register in x2APIC mode. */
#define X2APIC_MSR(offset) (0x800u + ((offset) >> 4))

/* Spurious-interrupt vector register: 10.9 */
#define APIC_SVR_ENABLE	      0x100u
#define APIC_SVR_EOI_SUPPRESS 0x1000u

/* Interrupt command register: 10.6.1 */
#define APIC_DM_FIXED	      0x000u
#define APIC_DM_LOWEST	      0x100u
#define APIC_DM_SMI	      0x200u
#define APIC_DM_NMI	      0x400u
#define APIC_DM_INIT	      0x500u
#define APIC_DM_STARTUP	      0x600u
#define APIC_DM_EXTINT	      0x700u
#define APIC_DM_MASK	      0x700u
#define APIC_ICR_LOGICAL      0x00800u
#define APIC_ICR_PENDING      0x01000u
#define APIC_ICR_ASSERT	      0x04000u
#define APIC_ICR_LEVEL	      0x08000u
#define APIC_ICR_TO_SELF      0x40000u
#define APIC_ICR_TO_ALL	      0x80000u
#define APIC_ICR_TO_OTHERS    0xc0000u
#define APIC_ICR_SHORTHAND    0xc0000u
#define APIC_ICR_XAPIC_SHIFT  24 /**< destination in ICR_HIGH, xAPIC */
#define APIC_ICR_X2APIC_SHIFT 32 /**< destination in the MSR, x2APIC */

/* Local vector table: 10.5.1 */
#define APIC_LVT_VECTOR	      0x000ffu
#define APIC_LVT_PENDING      0x01000u
#define APIC_LVT_LOW_ACTIVE   0x02000u
#define APIC_LVT_REMOTE_IRR   0x04000u
#define APIC_LVT_LEVEL	      0x08000u
#define APIC_LVT_MASKED	      0x10000u
#define APIC_LVT_ONESHOT      0x00000u
#define APIC_LVT_PERIODIC     0x20000u
#define APIC_LVT_TSC_DEADLINE 0x40000u
#define APIC_LVT_TIMER_MODE   0x60000u

/* Error status register: 10.5.3 */
#define APIC_ESR_SEND_ILLEGAL	 0x20u
#define APIC_ESR_RECEIVE_ILLEGAL 0x40u
#define APIC_ESR_ILLEGAL_REG	 0x80u

/* Divide configuration register: 10.5.4 */
#define APIC_DIVIDE_BY_1  0xbu
#define APIC_DIVIDE_BY_2  0x0u
#define APIC_DIVIDE_BY_4  0x1u
#define APIC_DIVIDE_BY_8  0x2u
#define APIC_DIVIDE_BY_16 0x3u

/* I/O APIC: two memory-mapped registers that reach the others */
#define IOAPIC_REGSEL 0x00u
#define IOAPIC_IOWIN  0x10u

#define IOAPIC_ID	 0x00u
#define IOAPIC_VER	 0x01u
#define IOAPIC_ARB	 0x02u
#define IOAPIC_REDTBL(n) (0x10u + 2u * (n)) /**< low half; +1: high half */

/* Redirection table entry, low half; the high half has the destination in bits 24 to 31 */
#define IOAPIC_RED_LOGICAL    0x00800u
#define IOAPIC_RED_PENDING    0x01000u
#define IOAPIC_RED_LOW_ACTIVE 0x02000u
#define IOAPIC_RED_REMOTE_IRR 0x04000u
#define IOAPIC_RED_LEVEL      0x08000u
#define IOAPIC_RED_MASKED     0x10000u
#define IOAPIC_RED_DEST_SHIFT 24

#endif
