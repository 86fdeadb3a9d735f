/* SPDX-License-Identifier: BSD-2-Clause */
/** @file env_lapic.h A VM that consists of local APICs only. */
#ifndef TESTS_UNIT_DRIVER_ENV_LAPIC_H
#define TESTS_UNIT_DRIVER_ENV_LAPIC_H

#include "hypervisor/x86/vcpu.h"
#include "hypervisor/x86/vendor.h"
#include "tests/unit/driver/host_process.h"

struct lapic_env {
	struct vm *vm;
	uint32_t posts;	       /**< calls of vcpu_post() */
	uint32_t mode_changes; /**< calls of vendor->apic_mode() */
};
extern struct lapic_env lapic_env;

/** A new VM with so many vCPUs, APICs in this mode and software-enabled. */
void lapic_env_make(uint32_t vcpus, enum lapic_mode mode);
/** Take a vCPU's work bits. */
uint32_t lapic_env_work(uint32_t index);

#endif
