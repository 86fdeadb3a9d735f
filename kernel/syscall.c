/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/syscall.h"

#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/health.h"
#include "kernel/partition.h"
#include "kernel/sys_hv.h"
#include "kernel/user.h"

_Static_assert(SYS_COUNT == SYSCALL_COUNT, "layout.h");

/* C lets a function be called with more arguments than it takes only by a cast; the ABI does. */
#define CALL(fn) ((syscall_t)(void (*)(void))(fn))

static int64_t sys_unknown(void)
{
	return HV_E_UNSUPPORTED;
}

/* Of a status the low eight bits count, as elsewhere. */
#define STATUS(status) ((int)((status)&0xff))

int64_t sys_exit(uint64_t status)
{
	health_exit(STATUS(status));
	return HV_OK; /* the thread ends on its way to ring 3 */
}

int64_t sys_shutdown(uint64_t status)
{
	const struct partition *partition = partition_self();

	if (partition_count != 1 && (partition->config->flags & SYSTEM_PARTITION_MAY_SHUTDOWN) == 0)
		return health_denied();
	end_machine(STATUS(status));
}

void syscall_return_refused(uint64_t rip)
{
	host_log("partition %s: system call at the end of the address space (%lx)",
		 partition_self()->name, rip);
	health_report(partition_self()->index, SYSTEM_ERROR_MEMORY_VIOLATION,
		      cpu_self()->current->index, rip, 255);
	thread_finish();
}

const syscall_t syscall_table[SYS_COUNT] = {
	[SYS_EXIT] = CALL(sys_exit),
	[SYS_THREAD_CREATE] = CALL(sys_thread_create),
	[SYS_THREAD_EXIT] = CALL(sys_thread_exit),
	[SYS_THREAD_PRIORITY] = CALL(sys_thread_priority),
	[SYS_YIELD] = CALL(sys_yield),
	[SYS_FUTEX_WAIT] = CALL(sys_futex_wait),
	[SYS_FUTEX_WAKE] = CALL(sys_futex_wake),
	[SYS_NOTIFY] = CALL(sys_notify),
	[SYS_WAIT] = CALL(sys_wait),
	[SYS_CHANNEL_WRITE] = CALL(sys_channel_write),
	[SYS_CHANNEL_READ] = CALL(sys_channel_read),
	[SYS_CHANNEL_BIND] = CALL(sys_channel_bind),
	[SYS_SHUTDOWN] = CALL(sys_shutdown),
	[SYS_THREAD_STOP] = CALL(sys_thread_stop),
	[SYS_THREAD_SUSPEND] = CALL(sys_thread_suspend),
	[SYS_THREAD_RESUME] = CALL(sys_thread_resume),
	[SYS_PLAN_STATUS] = CALL(sys_plan_status),
	[SYS_PLAN_SET] = CALL(sys_plan_set),
	[SYS_PARTITION_STATUS] = CALL(sys_partition_status),
	[SYS_PARTITION_CONTROL] = CALL(sys_partition_control),
	[SYS_PORT_OPEN] = CALL(sys_port_open),
	[SYS_PORT_STATUS] = CALL(sys_port_status),
	[SYS_PORT_BIND] = CALL(sys_port_bind),
	[SYS_SAMPLING_WRITE] = CALL(sys_sampling_write),
	[SYS_SAMPLING_READ] = CALL(sys_sampling_read),
	[SYS_QUEUING_SEND] = CALL(sys_queuing_send),
	[SYS_QUEUING_RECEIVE] = CALL(sys_queuing_receive),
	[SYS_QUEUING_CLEAR] = CALL(sys_queuing_clear),
	[SYS_SHARED_OPEN] = CALL(sys_shared_open),
	[SYS_SHARED_NOTIFY] = CALL(sys_shared_notify),
	[SYS_SHARED_BIND] = CALL(sys_shared_bind),
	[SYS_HEALTH_RAISE] = CALL(sys_health_raise),
	[SYS_HEALTH_BIND] = CALL(sys_health_bind),
	[SYS_HEALTH_TAKE] = CALL(sys_health_take),
	[SYS_HEALTH_LOG] = CALL(sys_health_log),
	[SYS_ALIVE] = CALL(sys_alive),
	[SYS_TRACE] = CALL(sys_trace),
	[SYS_TRACE_READ] = CALL(sys_trace_read),
	[SYS_DEVICE_OPEN] = CALL(sys_device_open),
	[SYS_IRQ_BIND] = CALL(sys_irq_bind),
	[SYS_IRQ_DONE] = CALL(sys_irq_done),
	[SYS_THREAD_SLICE] = CALL(sys_thread_slice),
	[SYS_THREAD_SLICE + 1 ... SYS_HV_FIRST - 1] = CALL(sys_unknown),
	[SYS_HV_QUERY] = CALL(sys_hv_query),
	[SYS_HV_VM_CREATE] = CALL(sys_hv_vm_create),
	[SYS_HV_VM_DESTROY] = CALL(sys_hv_vm_destroy),
	[SYS_HV_VCPU_CREATE] = CALL(sys_hv_vcpu_create),
	[SYS_HV_MAP] = CALL(sys_hv_map),
	[SYS_HV_UNMAP] = CALL(sys_hv_unmap),
	[SYS_HV_PROTECT] = CALL(sys_hv_protect),
	[SYS_HV_READ] = CALL(sys_hv_read),
	[SYS_HV_WRITE] = CALL(sys_hv_write),
	[SYS_HV_TRANSLATE] = CALL(sys_hv_translate),
	[SYS_HV_VCPU_RUN] = CALL(sys_hv_vcpu_run),
	[SYS_HV_VCPU_KICK] = CALL(sys_hv_vcpu_kick),
	[SYS_HV_VCPU_GET] = CALL(sys_hv_vcpu_get),
	[SYS_HV_VCPU_RESET] = CALL(sys_hv_vcpu_reset),
	[SYS_HV_MSI] = CALL(sys_hv_msi),
	[SYS_HV_TRAP_EOI] = CALL(sys_hv_trap_eoi),
	[SYS_HV_TRAP_PORTS] = CALL(sys_hv_trap_ports),
	[SYS_HV_TRAP_SYSREG] = CALL(sys_hv_trap_sysreg),
	[SYS_HV_TRAP] = CALL(sys_hv_trap),
	[SYS_HV_TRAP_EXCEPTIONS] = CALL(sys_hv_trap_exceptions),
	[SYS_HV_DOORBELL_ADD] = CALL(sys_hv_doorbell_add),
	[SYS_HV_DOORBELL_REMOVE] = CALL(sys_hv_doorbell_remove),
	[SYS_HV_VCPU_STATS] = CALL(sys_hv_vcpu_stats),
	[SYS_HV_X86_CPUID_GET] = CALL(sys_hv_x86_cpuid_get),
	[SYS_HV_X86_CPUID_SET] = CALL(sys_hv_x86_cpuid_set),
	[SYS_HV_X86_APIC_GET] = CALL(sys_hv_x86_apic_get),
	[SYS_HV_X86_APIC_SET] = CALL(sys_hv_x86_apic_set),
	[SYS_HV_X86_DEBUG_SET] = CALL(sys_hv_x86_debug_set),
	[SYS_HV_X86_FPU_GET] = CALL(sys_hv_x86_fpu_get),
	[SYS_HV_X86_FPU_SET] = CALL(sys_hv_x86_fpu_set),
	[SYS_HV_SIGNAL_BIND] = CALL(sys_hv_signal_bind),
};
