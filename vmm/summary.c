/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-081 At its end a VM's exits are shown by kind, settled in the driver and handed to the VMM,
 *              with entries, guest and host cycles, injected events, wall time, and how
 *              long it took to its first instruction; and what its devices have done.
 */
#include "vmm/summary.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "vmm/counters.h"

static const char *const names[HV_EXIT_KINDS] = {
	[HV_EXIT_NONE] = "none",
	[HV_EXIT_KICKED] = "kicked",
	[HV_EXIT_PORT] = "port",
	[HV_EXIT_MEMORY] = "memory",
	[HV_EXIT_HYPERCALL] = "hypercall",
	[HV_EXIT_SYSREG] = "msr",
	[HV_EXIT_ID] = "cpuid",
	[HV_EXIT_INSTRUCTION] = "instruction",
	[HV_EXIT_EXCEPTION] = "exception",
	[HV_EXIT_INTR_WINDOW] = "interrupt window",
	[HV_EXIT_NMI_WINDOW] = "nmi window",
	[HV_EXIT_EOI] = "eoi",
	[HV_EXIT_HALT] = "halt",
	[HV_EXIT_TASK_SWITCH] = "task switch",
	[HV_EXIT_SHUTDOWN] = "shutdown",
	[HV_EXIT_INVALID] = "invalid state",
	[HV_EXIT_ERROR] = "error",
	[HV_EXIT_INTERRUPT] = "host interrupt",
	[HV_EXIT_NMI] = "host nmi",
	[HV_EXIT_APIC] = "local apic",
	[HV_EXIT_CONTROL] = "control register",
	[HV_EXIT_OTHER] = "other",
};

static void add(struct hv_stats *sum, const struct hv_stats *one)
{
	for (unsigned int i = 0; i < HV_EXIT_KINDS; i++) {
		sum->settled[i] += one->settled[i];
		sum->handed[i] += one->handed[i];
	}
	sum->entries += one->entries;
	sum->guest_cycles += one->guest_cycles;
	sum->host_cycles += one->host_cycles;
	sum->injected += one->injected;
	/* Of the VM, the same from each vCPU. */
	sum->table_pages = one->table_pages;
	sum->host_pages = one->host_pages;
}

const char *summary_exit_name(enum hv_exit_kind kind)
{
	return names[kind];
}

bool summary_collect(struct vm *vm, struct hv_stats *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		struct hv_stats one;
		if (hv_vcpu_stats(vm->vcpu[i].handle, &one) != HV_OK)
			return false;
		add(sum, &one);
	}
	return true;
}

static void print_exits(struct vm *vm, const struct hv_stats *sum)
{
	uint64_t settled = 0, handed = 0;

	vm_log(vm, "%-18s %12s %12s", "exits", "driver", "vmm");
	for (unsigned int i = 0; i < HV_EXIT_KINDS; i++) {
		settled += sum->settled[i];
		handed += sum->handed[i];
		if (sum->settled[i] || sum->handed[i])
			vm_log(vm, "  %-16s %12llu %12llu", names[i],
			       (unsigned long long)sum->settled[i],
			       (unsigned long long)sum->handed[i]);
	}
	vm_log(vm, "  %-16s %12llu %12llu", "all", (unsigned long long)settled,
	       (unsigned long long)handed);
}

void summary_device_name(const struct counted *counted, char *name, size_t size)
{
	if (counted->number > 1)
		lib_snprintf(name, size, "%s %u", counted->name, counted->number);
	else
		lib_snprintf(name, size, "%s", counted->name);
}

#define LINE 512u /* sixteen counters of twenty digits fit in */

static void print_device(void *ctx, const struct counted *counted)
{
	char name[SUMMARY_NAME], line[LINE] = "";
	size_t used = 0;

	summary_device_name(counted, name, sizeof(name));
	for (unsigned int i = 0; i < counted->counters && used < sizeof(line); i++)
		used += (size_t)lib_snprintf(line + used, sizeof(line) - used, "%s%s %llu",
					     i > 0 ? ", " : "", counted->counter[i].name,
					     (unsigned long long)counted->counter[i].value);
	vm_log(ctx, "  %-16s %s", name, line);
}

static void print_devices(struct vm *vm)
{
	vm_log(vm, "devices");
	counters_each(vm, print_device, vm);
}

void summary_print(struct vm *vm)
{
	struct hv_stats sum;
	uint64_t us = (platform_time() - vm->started) / 1000;
	uint64_t first = (vm->entered - vm->started) / 1000;

	if (!summary_collect(vm, &sum)) {
		vm_log(vm, "no statistics");
		return;
	}
	print_exits(vm, &sum);
	print_devices(vm);
	vm_log(vm, "entries %llu, injected %llu", (unsigned long long)sum.entries,
	       (unsigned long long)sum.injected);
	vm_log(vm, "guest cycles %llu, host cycles %llu", (unsigned long long)sum.guest_cycles,
	       (unsigned long long)sum.host_cycles);
	if (sum.host_pages)
		vm_log(vm, "host pages %llu", (unsigned long long)sum.host_pages);
	vm_log(vm, "first instruction after %llu.%06llu s", (unsigned long long)(first / 1000000),
	       (unsigned long long)(first % 1000000));
	vm_log(vm, "nested table pages %llu, wall time %llu.%06llu s",
	       (unsigned long long)sum.table_pages, (unsigned long long)(us / 1000000),
	       (unsigned long long)(us % 1000000));
}
