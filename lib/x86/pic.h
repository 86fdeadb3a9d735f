/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pic.h
 * 8259A programmable interrupt controllers of the PC (Intel 8259A datasheet, order 231468).
 */
#ifndef LIB_X86_PIC_H
#define LIB_X86_PIC_H

#define PIC_MASTER_CMD	0x20
#define PIC_MASTER_DATA 0x21
#define PIC_SLAVE_CMD	0xa0
#define PIC_SLAVE_DATA	0xa1
#define PIC_MASTER_ELCR 0x4d0 /**< edge/level control */
#define PIC_SLAVE_ELCR	0x4d1

#define PIC_CASCADE_IRQ 2
#define PIC_LINES	8

/* Initialization command words */
#define PIC_ICW1      0x10 /**< bit that makes a command an ICW1 */
#define PIC_ICW1_IC4  0x01 /**< ICW4 will follow */
#define PIC_ICW1_SNGL 0x02 /**< no cascade, no ICW3 */
#define PIC_ICW1_LTIM 0x08 /**< level triggered */
#define PIC_ICW4_UPM  0x01 /**< 8086 mode */
#define PIC_ICW4_AEOI 0x02 /**< automatic end of interrupt */
#define PIC_ICW4_SFNM 0x10 /**< special fully nested mode */

/* Operation command word 2 */
#define PIC_OCW2_EOI	      0x20
#define PIC_OCW2_SPECIFIC     0x60 /**< | line */
#define PIC_OCW2_ROTATE_EOI   0xa0
#define PIC_OCW2_SET_PRIORITY 0xc0

/* Operation command word 3 */
#define PIC_OCW3	    0x08 /**< bit that makes a command an OCW3 */
#define PIC_OCW3_READ_IRR   0x0a
#define PIC_OCW3_READ_ISR   0x0b
#define PIC_OCW3_POLL	    0x0c
#define PIC_OCW3_SMM_SET    0x68
#define PIC_OCW3_SMM_CLEAR  0x48

#endif
