/* SPDX-License-Identifier: BSD-2-Clause */
/** @file summary.h What a VM has done: the table at its end. */
#ifndef VMM_SUMMARY_H
#define VMM_SUMMARY_H

#include "vmm/counters.h"
#include "vmm/vm.h"

/** Print exits by kind, what devices have done, cycles and times of all vCPUs together. */
void summary_print(struct vm *vm);
/** The sum over its vCPUs. @return false: there is none. Lock held. */
bool summary_collect(struct vm *vm, struct hv_stats *sum);
/** What an exit's kind is called. */
const char *summary_exit_name(enum hv_exit_kind kind);
/** What a device is called: its kind, with a number from the second one of the kind on. */
#define SUMMARY_NAME 32u
void summary_device_name(const struct counted *counted, char *name, size_t size);

#endif
