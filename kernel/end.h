/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file end.h
 * How the machine ends.
 */
#ifndef KERNEL_END_H
#define KERNEL_END_H

#include <stdbool.h>

/** A partition begins, for the first time or after it had ended. */
void end_partition_begins(bool service);
/**
 * A partition has ended. With the last one the machine does, with the greatest status of all; services
 * don't count, unless there is nothing else.
 */
void end_partition(int status, bool service);
/** End the machine now: report, stop the other CPUs, virtualization off, power off. */
_Noreturn void end_machine(int status);

/** Restart the machine now: stop the other CPUs, virtualization off, reset. */
_Noreturn void end_restart(void);

/** What was asked for cannot be started: say why, and end with a status of 1. Boot only. */
_Noreturn void end_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** After a panic: power off without a word. */
_Noreturn void end_panic(int status);

#endif
