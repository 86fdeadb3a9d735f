/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file end.h
 * How the machine ends.
 */
#ifndef KERNEL_END_H
#define KERNEL_END_H

/** How many partitions the machine waits for. */
void end_init(unsigned int partitions);
/** A partition has ended; with the last one the machine does, with the greatest status of all. */
void end_partition(int status);
/** End the machine now: report, stop the other CPUs, virtualization off, power off. */
_Noreturn void end_machine(int status);

/** After a panic: power off without a word. */
_Noreturn void end_panic(int status);

#endif
