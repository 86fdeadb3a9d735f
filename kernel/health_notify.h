/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file health_notify.h
 * Errors that a partition's own error handler is to take (SYSTEM_ACTION_NOTIFY).
 */
#ifndef KERNEL_HEALTH_NOTIFY_H
#define KERNEL_HEALTH_NOTIFY_H

#include "kernel/health.h"

struct partition;
struct thread;

/**
 * Hand an error to the partition's handler.
 * @return false: there is none, or it is the one that failed, or too many wait already
 */
bool health_notify(struct partition *partition, const struct health_event *event);
/** Who is told of errors, by which notification bits; NULL: nobody. */
void health_bind(struct partition *partition, struct thread *thread, uint64_t bits);
/** Take the oldest error. @return false: there is none */
bool health_take(struct partition *partition, struct hypike_fault *fault);

#endif
