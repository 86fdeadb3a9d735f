/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file env_driver.h
 * The whole driver over the model: a VM with some memory and vCPUs, ready to run a guest written in C.
 *
 * Guest-physical memory: 1 MiB at 0 (code from 8000h on, the handlers at 20000h, tables at 40000h).
 */
#ifndef TESTS_UNIT_DRIVER_ENV_DRIVER_H
#define TESTS_UNIT_DRIVER_ENV_DRIVER_H

#include "hypervisor/model/model.h"
#include "tests/unit/driver/host_process.h"

#define ENV_RAM_SIZE  UINT64_C(0x100000)
#define ENV_CODE      0x8000u
#define ENV_HANDLERS  0x20000u
#define ENV_TABLES    0x40000u
#define ENV_IDT	      0x50000u
#define ENV_STACK     0x60000u
#define ENV_DATA      0x70000u
#define ENV_POOL_PAGES 400u

struct env {
	struct host_pool *pool;
	struct vm *vm;
	struct vcpu *vcpu[HV_MAX_VCPUS];
	struct hv_vcpu_page *page[HV_MAX_VCPUS];
	uint8_t *ram;
	struct model_guest guest[HV_MAX_VCPUS];
};
extern struct env env;

/** Start over: driver, VM, `vcpus` vCPUs, RAM. vCPU 0 begins at ENV_CODE in 16-bit mode, IF = 0. */
void env_make(uint32_t vcpus, uint64_t traps);
/** Destroy it all and see that every page came back. */
void env_end(void);
/** Show the guest KVM's paravirtual end of interrupt in CPUID, as the VMM of machine `pc` does. */
void env_show_pv_eoi(void);
/** Give vCPU `index` its code. */
void env_code(uint32_t index, model_code_t start);
void env_handler(uint32_t index, uint8_t vector, model_handler_t handler);

/** Guest code: 32-bit protected mode, stack and IDT at their places. */
void env_flat(struct model_cpu *cpu);
/** Guest code: 64-bit mode, 1 GiB identity-mapped by a 4-level table at ENV_TABLES, user-accessible. */
void env_long(struct model_cpu *cpu);
/** Guest code: to ring 3 (and back with ring 0). */
void env_ring(struct model_cpu *cpu, uint32_t ring);

/** Run vCPU 0 until its next exit to the VMM; its kind. Fails the test where vcpu_run() fails. */
enum hv_exit_kind env_run(void);
enum hv_exit_kind env_run_on(uint32_t index);
/** Run on and see that the guest's code has come to its end. */
void env_expect_done(void);
/** Run until its code has come to its end; any other exit fails the test. */
void env_run_to_end(void);

/** Things that guests note for the test. */
extern uint64_t env_note[64];
extern uint32_t env_notes;
void env_add_note(uint64_t value);

#endif
