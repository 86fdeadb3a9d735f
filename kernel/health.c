/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/health.h"

#include "kernel/address.h"
#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/health_log.h"
#include "kernel/health_notify.h"
#include "kernel/health_table.h"
#include "kernel/partition.h"
#include "kernel/trace.h"
#include "kernel/window.h"
#include "lib/string.h"
#include "vmm/status.h"

#define HALT_STATUS  126 /* of a machine that the health monitor halts */
#define ERROR_STATUS 160 /* of a partition that an error ends: this plus its number */

static const char *const error_names[SYSTEM_ERROR_COUNT] = {
	[SYSTEM_ERROR_DEADLINE_MISSED] = "deadline missed",
	[SYSTEM_ERROR_APPLICATION] = "application error",
	[SYSTEM_ERROR_NUMERIC] = "numeric error",
	[SYSTEM_ERROR_ILLEGAL_REQUEST] = "illegal request",
	[SYSTEM_ERROR_STACK_OVERFLOW] = "stack overflow",
	[SYSTEM_ERROR_MEMORY_VIOLATION] = "memory violation",
	[SYSTEM_ERROR_HARDWARE_FAULT] = "hardware fault",
	[SYSTEM_ERROR_POWER_FAIL] = "power failure",
	[SYSTEM_ERROR_INSTRUCTION] = "illegal instruction",
	[SYSTEM_ERROR_GUEST_FAULT] = "guest fault",
	[SYSTEM_ERROR_VMM_FAULT] = "VMM fault",
	[SYSTEM_ERROR_HANG] = "hang",
	[SYSTEM_ERROR_PARTITION_INIT] = "partition not started",
	[SYSTEM_ERROR_WINDOW_LATE] = "late window",
	[SYSTEM_ERROR_PORT_OVERFLOW] = "port overflow",
	[SYSTEM_ERROR_NMI] = "NMI",
	[SYSTEM_ERROR_EXIT] = "exit",
};

static const char *const action_names[SYSTEM_ACTION_COUNT] = {
	[SYSTEM_ACTION_IGNORE] = "ignore",
	[SYSTEM_ACTION_LOG] = "log",
	[SYSTEM_ACTION_NOTIFY] = "notify",
	[SYSTEM_ACTION_RESTART_WARM] = "warm restart",
	[SYSTEM_ACTION_RESTART_COLD] = "cold restart",
	[SYSTEM_ACTION_STOP] = "stop",
	[SYSTEM_ACTION_SWITCH_PLAN] = "switch plan",
	[SYSTEM_ACTION_HALT_MODULE] = "halt module",
	[SYSTEM_ACTION_RESTART_MODULE] = "restart module",
};

const char *health_error_name(uint32_t error)
{
	return error < SYSTEM_ERROR_COUNT && error_names[error] != NULL ? error_names[error]
									 : "unknown error";
}

const char *health_action_name(uint32_t action)
{
	return action < SYSTEM_ACTION_COUNT && action_names[action] != NULL ? action_names[action]
									     : "unknown action";
}

/* ---- the log ---- */

static struct host_lock lock;
static struct health_log log_ring;
static bool persistent;

bool health_restarted_module(void)
{
	return log_ring.restarted;
}

bool health_read(uint64_t number, struct hypike_health_entry *entry)
{
	bool found;

	host_lock(&lock);
	found = health_log_get(&log_ring, number, entry);
	host_unlock(&lock);
	return found;
}

static const char *name_of(uint32_t partition)
{
	return partition < partition_count ? partitions[partition].name : "module";
}

static void copy_text(char *to, size_t room, const char *text, size_t size)
{
	size_t length = size < room ? size : room - 1;

	memset(to, 0, room);
	if (length != 0)
		memcpy(to, text, length);
}

static void write_entry(const struct health_event *event, uint32_t action)
{
	const char *name = name_of(event->partition);
	struct hypike_health_entry entry = {
		.time = clock_ns_of(host_tsc()),
		.error = event->error,
		.action = action,
		.partition = event->partition,
		.thread = event->thread,
		.cpu = cpu_self()->index,
		.address = event->address,
		.detail = event->detail,
	};

	copy_text(entry.name, sizeof(entry.name), name, strlen(name));
	copy_text(entry.message, sizeof(entry.message), event->message, event->size);
	host_lock(&lock);
	health_log_add(&log_ring, &entry);
	host_unlock(&lock);
}

/* What a program said, as far as it can be printed. */
static void make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '.';
}

static void print(const char *what, struct hypike_health_entry *entry)
{
	make_printable(entry->name);
	make_printable(entry->message);
	host_log("%s%lu.%06lu s, %s: %s at %lx (%lx): %s%s%s", what,
		 entry->time / 1000000000, entry->time / 1000 % 1000000, entry->name,
		 health_error_name(entry->error), entry->address, entry->detail,
		 health_action_name(entry->action), entry->message[0] != '\0' ? ": " : "",
		 entry->message);
}

#define SHOWN 16u /* entries of the last boot */

static bool of_last_boot(const struct hypike_health_entry *entry)
{
	return entry->boot == log_ring.head->boot - 1;
}

static void print_last_boot(void)
{
	struct hypike_health_entry entry;
	uint64_t count = 0;

	for (uint64_t n = 0; health_read(n, &entry); n = entry.number + 1)
		count += of_last_boot(&entry);
	if (count != 0)
		host_log("health log of the last boot, %lu entr%s:", count,
			 count == 1 ? "y" : "ies");
	for (uint64_t n = 0; health_read(n, &entry); n = entry.number + 1)
		if (of_last_boot(&entry) && count-- <= SHOWN)
			print("  ", &entry);
}

static bool is_ram(const struct boot_info *info, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < info->ram_count; i++)
		if (info->ram[i].start <= start && end <= info->ram[i].end)
			return true;
	return false;
}

static void open_log(const struct boot_info *info)
{
	static char instead[HV_PAGE_SIZE] __attribute__((aligned(8)));

	persistent = is_ram(info, HEALTH_LOG_PHYS, HEALTH_LOG_PHYS + HEALTH_LOG_SIZE);
	if (persistent)
		health_log_open(&log_ring, phys_to_virt(HEALTH_LOG_PHYS), HEALTH_LOG_SIZE);
	else
		health_log_open(&log_ring, instead, sizeof(instead));
	if (!persistent)
		host_log("health log: this machine has no memory for it that outlives a reboot");
	print_last_boot();
}

void health_init(const struct system_image *image, const struct boot_info *info)
{
	health_table_init(image);
	open_log(info);
}

/* ---- actions ---- */

static void stop(const struct health_event *event, uint32_t argument)
{
	(void)argument;
	partition_stop(&partitions[event->partition], event->status);
}

static void restart_warm(const struct health_event *event, uint32_t argument)
{
	(void)argument;
	partition_restart(&partitions[event->partition], PARTITION_WARM, event->status,
			  HYPIKE_START_HEALTH);
}

static void restart_cold(const struct health_event *event, uint32_t argument)
{
	(void)argument;
	partition_restart(&partitions[event->partition], PARTITION_COLD, event->status,
			  HYPIKE_START_HEALTH);
}

/* A thread that would do the same again stands still; the others of its partition go on. */
static void hold(const struct health_event *event)
{
	if (event->fault)
		thread_suspend(cpu_self()->current);
}

static void nothing(const struct health_event *event, uint32_t argument)
{
	(void)argument;
	hold(event);
}

/* ARINC 653 part 1, 2.4.3: an error that no handler can take is the partition's. */
static void notify(const struct health_event *event, uint32_t argument)
{
	if (health_notify(&partitions[event->partition], event))
		hold(event);
	else
		stop(event, argument);
}

static void switch_plan(const struct health_event *event, uint32_t argument)
{
	window_request_plan(argument);
	hold(event);
}

static void halt_module(const struct health_event *event, uint32_t argument)
{
	(void)event, (void)argument;
	end_machine(HALT_STATUS);
}

static void restart_module(const struct health_event *event, uint32_t argument)
{
	(void)event, (void)argument;
	host_lock(&lock);
	health_log_restarts(&log_ring);
	host_unlock(&lock);
	end_restart();
}

static void (*const actions[SYSTEM_ACTION_COUNT])(const struct health_event *, uint32_t) = {
	[SYSTEM_ACTION_IGNORE] = nothing,
	[SYSTEM_ACTION_LOG] = nothing,
	[SYSTEM_ACTION_NOTIFY] = notify,
	[SYSTEM_ACTION_RESTART_WARM] = restart_warm,
	[SYSTEM_ACTION_RESTART_COLD] = restart_cold,
	[SYSTEM_ACTION_STOP] = stop,
	[SYSTEM_ACTION_SWITCH_PLAN] = switch_plan,
	[SYSTEM_ACTION_HALT_MODULE] = halt_module,
	[SYSTEM_ACTION_RESTART_MODULE] = restart_module,
};

/* A program that has done its work is no news, unless the configuration knows of it. */
static bool worth_a_line(const struct health_event *event, uint32_t action)
{
	return action != SYSTEM_ACTION_IGNORE &&
	       (event->error != SYSTEM_ERROR_EXIT ||
		!health_table_default(event->partition, event->error));
}

#define MOST_LINES 64u /* of each partition, about what is only logged: the log is for all */

/* Whether it goes into the log. One that does something is always worth it. */
static bool logged(const struct health_event *event, uint32_t action)
{
	static uint32_t lines[SYSTEM_MAX_PARTITION + 1];
	uint32_t row = event->partition < SYSTEM_MAX_PARTITION ? event->partition
								: SYSTEM_MAX_PARTITION;
	uint32_t count;

	if (!worth_a_line(event, action) || action != SYSTEM_ACTION_LOG)
		return worth_a_line(event, action);
	if (__atomic_load_n(&lines[row], __ATOMIC_RELAXED) > MOST_LINES)
		return false;
	count = __atomic_fetch_add(&lines[row], 1, __ATOMIC_RELAXED);
	if (count == MOST_LINES)
		host_log("health: %s: further errors that are only logged are not",
			 name_of(event->partition));
	return count < MOST_LINES;
}

static void tell(const struct health_event *event, uint32_t action)
{
	host_log("health: %s: %s at %lx (%lx): %s", name_of(event->partition),
		 health_error_name(event->error), event->address, event->detail,
		 health_action_name(action));
}

void health_event(const struct health_event *event)
{
	uint32_t argument;
	uint32_t action = health_table_take(event->partition, event->error, &argument);

	trace(TRACE_HEALTH, event->partition < partition_count ? event->partition : TRACE_NO_PARTITION,
	      (uint64_t)event->error << 32 | action, (uint32_t)event->detail);
	if (logged(event, action)) {
		write_entry(event, action);
		tell(event, action);
	}
	actions[action](event, argument);
}

void health_report(uint32_t partition, uint32_t error, uint32_t thread, uint64_t address,
		   uint64_t detail)
{
	const struct health_event event = {
		.partition = partition,
		.error = error,
		.thread = thread,
		.status = ERROR_STATUS + (int)error,
		.address = address,
		.detail = detail,
	};

	health_event(&event);
}

/* ---- what a program itself gives rise to ---- */

hv_status_t health_denied(void)
{
	const struct thread *self = cpu_self()->current;

	health_report(self->partition->index, SYSTEM_ERROR_ILLEGAL_REQUEST, self->index, 0, 0);
	return HV_E_DENIED;
}

/* What a VMM's status says (vmm/status.h); those that aren't here are the guest's or user's wish. */
static const uint8_t vmm_errors[] = {
	[VMM_STATUS_OPTIONS - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_PARTITION_INIT,
	[VMM_STATUS_MEMORY - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_PARTITION_INIT,
	[VMM_STATUS_LOAD - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_PARTITION_INIT,
	[VMM_STATUS_HYPERVISOR - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_VMM_FAULT,
	[VMM_STATUS_TRIPLE_FAULT - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_GUEST_FAULT,
	[VMM_STATUS_HALTED - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_GUEST_FAULT,
	[VMM_STATUS_EMULATION - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_GUEST_FAULT,
	[VMM_STATUS_PANIC - VMM_STATUS_OPTIONS] = SYSTEM_ERROR_GUEST_FAULT,
};

static uint32_t error_of_exit(const struct partition *partition, int status)
{
	uint32_t reason = (uint32_t)status - VMM_STATUS_OPTIONS;

	if (partition->config->kind != SYSTEM_PARTITION_VMM || status < VMM_STATUS_OPTIONS ||
	    reason >= sizeof(vmm_errors) || vmm_errors[reason] == 0)
		return SYSTEM_ERROR_EXIT;
	return vmm_errors[reason];
}

/* Whatever is done about it, the program doesn't go on. */
static bool goes_on(const struct partition *partition)
{
	return partition->state == PARTITION_RUNNING;
}

void health_exit(int status)
{
	const struct thread *self = cpu_self()->current;
	struct partition *partition = self->partition;
	const struct health_event event = {
		.partition = partition->index,
		.error = error_of_exit(partition, status),
		.thread = self->index,
		.status = status,
		.detail = (uint64_t)status,
	};

	health_event(&event);
	if (goes_on(partition))
		partition_stop(partition, status);
}
