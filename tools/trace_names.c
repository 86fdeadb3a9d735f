/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/trace_names.h"

#include <hypike/hv.h>
#include <hypike/sys.h>

#define A(label, kind)	    {label, TRACE_FROM_A, TRACE_KIND_##kind}
#define A_HIGH(label, kind) {label, TRACE_FROM_A_HIGH, TRACE_KIND_##kind}
#define A_LOW(label, kind)  {label, TRACE_FROM_A_LOW, TRACE_KIND_##kind}
#define B(label, kind)	    {label, TRACE_FROM_B, TRACE_KIND_##kind}

/* As trace.h describes them. */
static const struct trace_shape shapes[TRACE_EVENTS] = {
	[TRACE_NONE] = {"none", {{0}}},
	[TRACE_BOOT] = {"boot", {A("apic", NUMBER)}},
	[TRACE_WINDOW] = {"window", {A("planned", TIME), B("window", INDEX)}},
	[TRACE_FRAME] = {"frame", {A("planned", TIME), B("plan", PLAN)}},
	[TRACE_PLAN] = {"plan", {A("plan", PLAN)}},
	[TRACE_DISPATCH] = {"dispatch", {A("thread", NUMBER), B("priority", NUMBER)}},
	[TRACE_EXIT] = {"exit", {A("kind", EXIT), B("vcpu", NUMBER)}},
	[TRACE_INTERRUPT] = {"interrupt", {A("vector", HEX)}},
	[TRACE_TIMER] = {"timer", {A("deadline", TIME)}},
	[TRACE_PORT_WRITE] = {"port_write", {A("port", NUMBER), B("bytes", NUMBER)}},
	[TRACE_PORT_READ] = {"port_read", {A("port", NUMBER), B("bytes", NUMBER)}},
	[TRACE_PORT_REFUSED] = {"port_refused", {A("port", NUMBER)}},
	[TRACE_NOTIFY] = {"notify", {A("region", NUMBER)}},
	[TRACE_HEALTH] = {"health",
			  {A_HIGH("error", ERROR), A_LOW("action", ACTION), B("detail", HEX)}},
	[TRACE_PARTITION] = {"partition", {A("state", STATE), B("restarts", NUMBER)}},
	[TRACE_FLUSH] = {"flush", {A("what", HEX), B("took", TICKS)}},
	[TRACE_USER] = {"user", {A("value", HEX), B("thread", NUMBER)}},
	[TRACE_LATE] = {"late", {A("planned", TIME), B("late", TICKS)}},
};

static const struct trace_shape unknown = {"unknown", {A("a", HEX), B("b", HEX)}};

const struct trace_shape *trace_shape(uint32_t event)
{
	return event < TRACE_EVENTS && shapes[event].name != NULL ? &shapes[event] : &unknown;
}

uint64_t trace_value(const struct trace_record *record, const struct trace_field *field)
{
	switch (field->source) {
	case TRACE_FROM_A:
		return record->a;
	case TRACE_FROM_A_HIGH:
		return record->a >> 32;
	case TRACE_FROM_A_LOW:
		return (uint32_t)record->a;
	case TRACE_FROM_B:
		return record->b;
	case TRACE_FROM_NOWHERE:
		break;
	}
	return 0;
}

/* ---- words ---- */

static const char *const exits[] = {
	[HV_EXIT_NONE] = "none",
	[HV_EXIT_KICKED] = "kicked",
	[HV_EXIT_PORT] = "port",
	[HV_EXIT_MEMORY] = "memory",
	[HV_EXIT_HYPERCALL] = "hypercall",
	[HV_EXIT_SYSREG] = "sysreg",
	[HV_EXIT_ID] = "id",
	[HV_EXIT_INSTRUCTION] = "instruction",
	[HV_EXIT_EXCEPTION] = "exception",
	[HV_EXIT_INTR_WINDOW] = "intr_window",
	[HV_EXIT_NMI_WINDOW] = "nmi_window",
	[HV_EXIT_EOI] = "eoi",
	[HV_EXIT_HALT] = "halt",
	[HV_EXIT_TASK_SWITCH] = "task_switch",
	[HV_EXIT_SHUTDOWN] = "shutdown",
	[HV_EXIT_INVALID] = "invalid",
	[HV_EXIT_ERROR] = "error",
	[HV_EXIT_INTERRUPT] = "interrupt",
	[HV_EXIT_NMI] = "nmi",
	[HV_EXIT_APIC] = "apic",
	[HV_EXIT_CONTROL] = "control",
	[HV_EXIT_OTHER] = "other",
};
_Static_assert(sizeof(exits) / sizeof(exits[0]) == HV_EXIT_KINDS, "hv.h");

static const char *const states[] = {
	[HYPIKE_IDLE] = "idle",
	[HYPIKE_RUNNING] = "running",
	[HYPIKE_STOPPING] = "stopping",
	[HYPIKE_RESTARTING] = "restarting",
};

static const char *const errors[SYSTEM_ERROR_COUNT] = {
	[SYSTEM_ERROR_DEADLINE_MISSED] = "deadline_missed",
	[SYSTEM_ERROR_APPLICATION] = "application",
	[SYSTEM_ERROR_NUMERIC] = "numeric",
	[SYSTEM_ERROR_ILLEGAL_REQUEST] = "illegal_request",
	[SYSTEM_ERROR_STACK_OVERFLOW] = "stack_overflow",
	[SYSTEM_ERROR_MEMORY_VIOLATION] = "memory_violation",
	[SYSTEM_ERROR_HARDWARE_FAULT] = "hardware_fault",
	[SYSTEM_ERROR_POWER_FAIL] = "power_fail",
	[SYSTEM_ERROR_INSTRUCTION] = "instruction",
	[SYSTEM_ERROR_GUEST_FAULT] = "guest_fault",
	[SYSTEM_ERROR_VMM_FAULT] = "vmm_fault",
	[SYSTEM_ERROR_HANG] = "hang",
	[SYSTEM_ERROR_PARTITION_INIT] = "partition_init",
	[SYSTEM_ERROR_WINDOW_LATE] = "window_late",
	[SYSTEM_ERROR_PORT_OVERFLOW] = "port_overflow",
	[SYSTEM_ERROR_NMI] = "nmi",
	[SYSTEM_ERROR_EXIT] = "exit",
};

static const char *const actions[SYSTEM_ACTION_COUNT] = {
	[SYSTEM_ACTION_IGNORE] = "ignore",
	[SYSTEM_ACTION_LOG] = "log",
	[SYSTEM_ACTION_NOTIFY] = "notify",
	[SYSTEM_ACTION_RESTART_WARM] = "restart_warm",
	[SYSTEM_ACTION_RESTART_COLD] = "restart_cold",
	[SYSTEM_ACTION_STOP] = "stop",
	[SYSTEM_ACTION_SWITCH_PLAN] = "switch_plan",
	[SYSTEM_ACTION_HALT_MODULE] = "halt_module",
	[SYSTEM_ACTION_RESTART_MODULE] = "restart_module",
};

#define WORDS(table) {table, sizeof(table) / sizeof((table)[0])}

static const struct {
	const char *const *words;
	uint32_t count;
} vocabulary[TRACE_KINDS] = {
	[TRACE_KIND_EXIT] = WORDS(exits),
	[TRACE_KIND_STATE] = WORDS(states),
	[TRACE_KIND_ERROR] = WORDS(errors),
	[TRACE_KIND_ACTION] = WORDS(actions),
};

const char *const *trace_words(enum trace_kind kind, uint32_t *count)
{
	*count = vocabulary[kind].count;
	return vocabulary[kind].words;
}

const char *trace_word(const struct trace_log *log, const struct trace_field *field, uint64_t value)
{
	if (field->kind == TRACE_KIND_PLAN)
		return value < log->plan_count ? log->plans[value] : NULL;
	return value < vocabulary[field->kind].count ? vocabulary[field->kind].words[value] : NULL;
}

const char *trace_partition_name(const struct trace_log *log, uint32_t partition)
{
	if (partition == TRACE_NO_PARTITION)
		return "-";
	return partition < log->partition_count ? log->partitions[partition] : "?";
}
