/* SPDX-License-Identifier: BSD-2-Clause */
/** @file summary.h What a VM has done: the table at its end. */
#ifndef VMM_SUMMARY_H
#define VMM_SUMMARY_H

#include "vmm/vm.h"

/** Print exits by kind, cycles and times of all vCPUs together. */
void summary_print(struct vm *vm);
/** The sum over its vCPUs. @return false: there is none. Lock held. */
bool summary_collect(struct vm *vm, struct hv_stats *sum);
/** What an exit's kind is called. */
const char *summary_exit_name(enum hv_exit_kind kind);

#endif
