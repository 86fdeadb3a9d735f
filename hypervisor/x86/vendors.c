/* SPDX-License-Identifier: BSD-2-Clause */
/** @file vendors.c The back ends of a driver for real CPUs. (Unit tests link the model's list instead.) */
#include "hypervisor/x86/vendor.h"

extern const struct vendor_ops *const driver_vendors[];
const struct vendor_ops *const driver_vendors[] = {&vmx_ops, &svm_ops, NULL};
