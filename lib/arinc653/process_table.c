/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/arinc653/process_table.h"

#include "lib/arinc653/fault.h"
#include "lib/arinc653/guard.h"
#include "lib/arinc653/memory.h"
#include "lib/arinc653/monitor.h"

/* Levels of the kernel above those of processes, down from the partition's own. */
#define BELOW_MONITOR_HANDLER 1u
#define BELOW_MONITOR_LOCKER  2u
#define BELOW_MONITOR_PROCESS 3u

static struct process table[MAX_NUMBER_OF_PROCESSES + 1];
static uint32_t count; /* of processes, without the handler */
static bool have_handler;
static uint32_t orders;
static struct process *locker;
static LOCK_LEVEL_TYPE lock_level;

/* ---- which ---- */

struct process *process_number(uint32_t number)
{
	if (number < count || (number == HANDLER_NUMBER && have_handler))
		return &table[number];
	return NULL;
}

struct process *process_self(void)
{
	const int32_t owner = memory_stack_owner(__builtin_frame_address(0));

	return owner < 0 ? NULL : &table[owner];
}

struct process *process_of(PROCESS_ID_TYPE id)
{
	return id < 1 || (uint32_t)id > count ? NULL : &table[id - 1];
}

PROCESS_ID_TYPE process_id(const struct process *process)
{
	return process == NULL ? MAIN_PROCESS_ID : (PROCESS_ID_TYPE)process->number + 1;
}

struct process *process_of_thread(hypike_thread_t thread)
{
	for (uint32_t i = 0; i <= HANDLER_NUMBER; i++)
		if (process_number(i) != NULL && table[i].thread == thread)
			return &table[i];
	return NULL;
}

struct process *process_named(const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (name_same(table[i].attributes.NAME, name))
			return &table[i];
	return NULL;
}

/* ---- priorities ---- */

PRIORITY_TYPE process_top_priority(void)
{
	const int32_t top = (int32_t)(hypike_info()->priority - BELOW_MONITOR_PROCESS);

	return top < MAX_PRIORITY_VALUE ? top : MAX_PRIORITY_VALUE;
}

static uint32_t kernel_priority(const struct process *process)
{
	const uint32_t top = hypike_info()->priority;

	if (process_is_handler(process))
		return top - BELOW_MONITOR_HANDLER;
	if (process == locker)
		return top - BELOW_MONITOR_LOCKER;
	return (uint32_t)process->priority;
}

void process_apply_priority(const struct process *process)
{
	hypike_thread_priority(process->thread, kernel_priority(process));
}

bool process_may_wait(const struct process *self)
{
	return self != NULL && !process_is_handler(self) && lock_level == 0;
}

struct process *process_locker(void)
{
	return locker;
}

LOCK_LEVEL_TYPE process_lock_level(void)
{
	return lock_level;
}

void process_lock(struct process *process, LOCK_LEVEL_TYPE level)
{
	lock_level = level;
	locker = level == 0 ? NULL : process;
}

/* ---- stacks ---- */

#define STACK_MARK UINT64_C(0x6b63617453794d49)

/* The lowest word of the stack: whoever goes below it has most likely gone over it. */
static uint64_t *stack_mark(const struct process *process)
{
	return (uint64_t *)(uintptr_t)process->stack;
}

void process_check_stack(struct process *self)
{
	bool handled;

	if (*stack_mark(self) == STACK_MARK)
		return;
	*stack_mark(self) = STACK_MARK;
	guard_take();
	handled = fault_raise(self, STACK_OVERFLOW, NULL, 0);
	guard_give();
	if (!handled)
		fault_report(STACK_OVERFLOW, NULL, 0);
}

/* ---- a process's life ---- */

static void sleep_until_go(const struct process *self)
{
	while (__atomic_load_n(&self->go, __ATOMIC_ACQUIRE) == 0)
		hypike_futex_wait(&self->go, 0, HYPIKE_FOREVER);
}

/* A floating-point unit as the ABI wants it at a program's start. */
static void reset_fpu(void)
{
	const uint32_t mxcsr = 0x1f80; /* SDM vol. 1, 10.2.3: all exceptions masked */

	__asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(mxcsr));
}

_Noreturn static void live(void *arg)
{
	struct process *self = arg;

	sleep_until_go(self);
	reset_fpu();
	((void (*)(void))self->attributes.ENTRY_POINT)();
	STOP_SELF();
	__builtin_unreachable();
}

/* Begin at `live` with an empty stack: nothing of the last life is left. */
void process_restart(struct process *self)
{
	uint8_t *top = self->stack + self->attributes.STACK_SIZE;

	guard_give();
	__asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tpush $0\n\tjmp *%1"
			 :
			 : "r"(top), "r"(live), "D"(self)
			 : "memory");
	__builtin_unreachable();
}

static hv_status_t make_thread(struct process *process)
{
	const uint32_t cpu = (uint32_t)__builtin_ctzll(hypike_info()->cpu_mask);

	return hypike_thread_create(live, process, process->stack, process->attributes.STACK_SIZE,
				    kernel_priority(process), cpu, &process->thread);
}

static void clear(struct process *process)
{
	process->dormant = true;
	process->suspended = false;
	process->faulted = false;
	process->wait = WAIT_NOTHING;
	process->go = 0;
	process->wake_time = NEVER;
	process->deadline = NEVER;
	process->watch = NEVER;
}

void process_make(const PROCESS_ATTRIBUTE_TYPE *attributes, bool handler, struct process **made)
{
	struct process *process = &table[handler ? HANDLER_NUMBER : count];

	*made = NULL;
	if (!handler && count == MAX_NUMBER_OF_PROCESSES)
		return;
	process->attributes = *attributes;
	name_copy(process->attributes.NAME, attributes->NAME);
	process->number = handler ? HANDLER_NUMBER : count;
	process->priority = attributes->BASE_PRIORITY;
	process->stack = memory_stack(attributes->STACK_SIZE, process->number);
	clear(process);
	if (process->stack == NULL || make_thread(process) != HV_OK)
		return;
	if (handler)
		have_handler = true;
	else
		count++;
	*made = process;
}

void process_begin(struct process *process)
{
	process->dormant = false;
	process->priority = process->attributes.BASE_PRIORITY;
	process->order = orders++;
	*stack_mark(process) = STACK_MARK;
	process_apply_priority(process);
}

/* The place of a thread that has been stopped is free at once, and nobody else's in this program. */
static void replace_thread(struct process *process)
{
	if (hypike_thread_stop(process->thread) != HV_OK || make_thread(process) != HV_OK)
		hypike_exit(255);
}

void process_end(struct process *process)
{
	if (process->wait == WAIT_QUEUE)
		*process->queue &= ~(UINT32_C(1) << process->number);
	if (process == locker)
		process_lock(process, 0);
	clear(process);
	if (process != process_self())
		replace_thread(process);
}

/* ---- waiting ---- */

void process_wake(struct process *process, RETURN_CODE_TYPE result)
{
	if (process->wait == WAIT_QUEUE)
		*process->queue &= ~(UINT32_C(1) << process->number);
	process->wait = WAIT_NOTHING;
	process->wake_time = NEVER;
	process->result = result;
	process->order = orders++;
	__atomic_store_n(&process->go, 1, __ATOMIC_RELEASE);
	guard_owe(process->number);
}

RETURN_CODE_TYPE process_sleep(struct process *self)
{
	self->go = 0;
	monitor_expect(self->wake_time);
	guard_give();
	sleep_until_go(self);
	process_check_stack(self);
	return self->result;
}

bool time_out_end(SYSTEM_TIME_TYPE time_out, uint64_t now, uint64_t *end)
{
	*end = NEVER;
	if (time_out == INFINITE_TIME_VALUE)
		return true;
	return time_out >= 0 && hv_add_ok(now, (uint64_t)time_out, end) && *end <= INT64_MAX;
}

bool time_out_valid(SYSTEM_TIME_TYPE time_out)
{
	uint64_t end;

	return time_out_end(time_out, hypike_time(), &end);
}

/* ---- queues ---- */

static RETURN_CODE_TYPE queue_sleep(uint32_t *queue, struct process *self, uint64_t end)
{
	self->wait = WAIT_QUEUE;
	self->queue = queue;
	self->order = orders++;
	self->wake_time = end;
	self->late = TIMED_OUT;
	*queue |= UINT32_C(1) << self->number;
	return process_sleep(self);
}

static RETURN_CODE_TYPE may_wait(const struct process *self, SYSTEM_TIME_TYPE time_out,
				 uint64_t *end)
{
	if (!time_out_end(time_out, hypike_time(), end))
		return INVALID_PARAM;
	if (time_out == 0)
		return NOT_AVAILABLE;
	return process_may_wait(self) ? NO_ERROR : INVALID_MODE;
}

RETURN_CODE_TYPE queue_wait(uint32_t *queue, struct process *self, SYSTEM_TIME_TYPE time_out)
{
	uint64_t end;
	const RETURN_CODE_TYPE code = may_wait(self, time_out, &end);

	if (code == NO_ERROR)
		return queue_sleep(queue, self, end);
	guard_give();
	return code;
}

struct process *queue_first(uint32_t queue, QUEUING_DISCIPLINE_TYPE discipline)
{
	struct process *best = NULL;

	for (; queue != 0; queue &= queue - 1) {
		struct process *one = &table[__builtin_ctz(queue)];

		if (best == NULL || (discipline == PRIORITY && one->priority > best->priority) ||
		    ((discipline == FIFO || one->priority == best->priority) &&
		     (int32_t)(one->order - best->order) < 0))
			best = one;
	}
	return best;
}

WAITING_RANGE_TYPE queue_length(uint32_t queue)
{
	WAITING_RANGE_TYPE length = 0;

	for (; queue != 0; queue &= queue - 1)
		length++;
	return length;
}
