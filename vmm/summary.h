/* SPDX-License-Identifier: BSD-2-Clause */
/** @file summary.h What a VM has done: the table at its end. */
#ifndef VMM_SUMMARY_H
#define VMM_SUMMARY_H

#include "vmm/vm.h"

/** Print exits by kind, cycles and times of all vCPUs together. */
void summary_print(struct vm *vm);

#endif
