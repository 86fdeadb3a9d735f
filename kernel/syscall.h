/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file syscall.h
 * System calls. entry.S has checked the number and calls through syscall_table.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <hypike/sys.h>

/** A call's result goes to RAX: HV_OK, a negative hv_status_t, or a number. */
typedef int64_t (*syscall_t)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

extern const syscall_t syscall_table[SYS_COUNT];

/** Where SYSCALL arrives (entry.S). */
void syscall_entry(void);
/** The way back would lead to an address that no program can have. */
void syscall_return_refused(uint64_t rip);

int64_t sys_exit(uint64_t status);
int64_t sys_thread_create(uint64_t entry, uint64_t arg, uint64_t stack, uint64_t priority,
			  uint64_t cpu);
int64_t sys_thread_exit(void);
int64_t sys_thread_priority(uint64_t thread, uint64_t priority);
int64_t sys_thread_slice(uint64_t thread, uint64_t ns);
int64_t sys_thread_stop(uint64_t thread);
int64_t sys_thread_suspend(uint64_t thread);
int64_t sys_thread_resume(uint64_t thread);
int64_t sys_yield(void);
int64_t sys_futex_wait(uint64_t address, uint64_t expected, uint64_t deadline);
int64_t sys_futex_wake(uint64_t address, uint64_t count);
int64_t sys_notify(uint64_t thread, uint64_t bits);
int64_t sys_wait(uint64_t mask, uint64_t deadline, uint64_t result);
int64_t sys_channel_write(uint64_t channel, uint64_t bytes, uint64_t size);
int64_t sys_channel_read(uint64_t channel, uint64_t bytes, uint64_t size);
int64_t sys_channel_bind(uint64_t channel, uint64_t thread, uint64_t bits);
int64_t sys_plan_status(uint64_t status);
int64_t sys_plan_set(uint64_t plan);
int64_t sys_shutdown(uint64_t status);
int64_t sys_port_open(uint64_t name, uint64_t result);
int64_t sys_port_status(uint64_t port, uint64_t result);
int64_t sys_port_bind(uint64_t port, uint64_t thread, uint64_t bits);
int64_t sys_sampling_write(uint64_t port, uint64_t message, uint64_t size);
int64_t sys_sampling_read(uint64_t port, uint64_t message, uint64_t room, uint64_t result);
int64_t sys_queuing_send(uint64_t port, uint64_t message, uint64_t size, uint64_t deadline,
			 uint64_t discipline);
int64_t sys_queuing_receive(uint64_t port, uint64_t message, uint64_t room, uint64_t deadline,
			    uint64_t discipline);
int64_t sys_queuing_clear(uint64_t port);
int64_t sys_shared_open(uint64_t name, uint64_t result);
int64_t sys_shared_notify(uint64_t region);
int64_t sys_device_open(uint64_t number, uint64_t result);
int64_t sys_irq_bind(uint64_t number, uint64_t thread, uint64_t bits);
int64_t sys_irq_done(uint64_t number);
int64_t sys_shared_bind(uint64_t region, uint64_t thread, uint64_t bits);
int64_t sys_trace(uint64_t value);
int64_t sys_trace_read(uint64_t cpu, uint64_t position_at, uint64_t to, uint64_t size);
int64_t sys_health_raise(uint64_t error, uint64_t message, uint64_t size);
int64_t sys_health_bind(uint64_t thread, uint64_t bits);
int64_t sys_health_take(uint64_t fault);
int64_t sys_health_log(uint64_t number, uint64_t entry);
int64_t sys_alive(void);
int64_t sys_partition_status(uint64_t partition, uint64_t status);
int64_t sys_partition_control(uint64_t partition, uint64_t what);

#endif
