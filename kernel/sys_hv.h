/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sys_hv.h
 * System calls of hypike/hv.h and hypike/hv_x86.h, and the driver's start and end.
 *
 * Calls that the contract lets take long are done in pieces: they return how many bytes they did, and
 * libhypike goes on behind them.
 */
#ifndef KERNEL_SYS_HV_H
#define KERNEL_SYS_HV_H

#include <stdbool.h>
#include <stdint.h>

struct partition;

/** The driver runs on all CPUs. */
extern bool hv_available;
/**
 * Start the driver on all CPUs. @return NULL, or what the machine lacks; then all calls are refused
 * with HV_E_UNSUPPORTED.
 */
const char *hv_init(void);
/** Destroy the partition's VM, if there is one; the caller is its only thread. Polls. */
void hv_partition_reset(struct partition *partition);
/** Virtualization off on this CPU, in whatever state it is. */
void hv_exit_cpu(void);

int64_t sys_hv_query(uint64_t caps);
int64_t sys_hv_vm_create(uint64_t params);
int64_t sys_hv_vm_destroy(uint64_t vm);
int64_t sys_hv_vcpu_create(uint64_t vm, uint64_t index, uint64_t page_address);
int64_t sys_hv_map(uint64_t vm, uint64_t where, uint64_t host, uint64_t size, uint64_t prot);
int64_t sys_hv_unmap(uint64_t vm, uint64_t where, uint64_t size);
int64_t sys_hv_protect(uint64_t vm, uint64_t where, uint64_t size, uint64_t prot);
int64_t sys_hv_read(uint64_t vm, uint64_t from, uint64_t to, uint64_t size);
int64_t sys_hv_write(uint64_t vm, uint64_t to, uint64_t from, uint64_t size);
int64_t sys_hv_translate(uint64_t vcpu, uint64_t from, uint64_t access, uint64_t result);
int64_t sys_hv_vcpu_run(uint64_t vcpu);
int64_t sys_hv_vcpu_kick(uint64_t vcpu);
int64_t sys_hv_vcpu_get(uint64_t vcpu, uint64_t groups);
int64_t sys_hv_vcpu_reset(uint64_t vcpu);
int64_t sys_hv_msi(uint64_t vm, uint64_t address, uint64_t data);
int64_t sys_hv_trap_eoi(uint64_t vm, uint64_t vector, uint64_t on);
int64_t sys_hv_trap_ports(uint64_t vm, uint64_t first, uint64_t count, uint64_t policy);
int64_t sys_hv_trap_sysreg(uint64_t vm, uint64_t first, uint64_t count, uint64_t policy);
int64_t sys_hv_trap(uint64_t vm, uint64_t traps);
int64_t sys_hv_trap_exceptions(uint64_t vm, uint64_t vectors);
int64_t sys_hv_doorbell_add(uint64_t vm, uint64_t bell);
int64_t sys_hv_doorbell_remove(uint64_t vm, uint64_t bell);
int64_t sys_hv_vcpu_stats(uint64_t vcpu, uint64_t stats);
int64_t sys_hv_x86_cpuid_get(uint64_t vm, uint64_t rows, uint64_t count);
int64_t sys_hv_x86_cpuid_set(uint64_t vm, uint64_t rows, uint64_t count);
int64_t sys_hv_x86_apic_get(uint64_t vcpu, uint64_t regs);
int64_t sys_hv_x86_apic_set(uint64_t vcpu, uint64_t regs);
int64_t sys_hv_x86_debug_set(uint64_t vcpu, uint64_t debug);
int64_t sys_hv_x86_fpu_get(uint64_t vcpu, uint64_t area, uint64_t size);
int64_t sys_hv_x86_fpu_set(uint64_t vcpu, uint64_t area, uint64_t size);
int64_t sys_hv_signal_bind(uint64_t vm, uint64_t thread);

#endif
