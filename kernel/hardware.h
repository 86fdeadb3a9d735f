/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hardware.h
 * What the machine itself says is wrong: machine checks and NMIs. They come at any instruction, so they
 * are noted, and told to the health monitor by an interrupt that the CPU sends itself.
 */
#ifndef KERNEL_HARDWARE_H
#define KERNEL_HARDWARE_H

struct trap_frame;

/** An NMI that nobody sent. */
void hardware_nmi(void);
/**
 * A machine check (SDM 3B chapter 16): where the interrupted program can be gone on with, or left, its
 * partition has the error; else the machine panics.
 * @param frame what was interrupted; NULL: a guest
 *
 * @req KRN-077 A machine check that leaves the CPU whole and hits a program or a guest is an error of that
 *              partition; any other ends the machine.
 */
void hardware_machine_check(struct trap_frame *frame);
/** The interrupt that both lead to (IRQ_HARDWARE). */
void hardware_interrupt(void);

#endif
