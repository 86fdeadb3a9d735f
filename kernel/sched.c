/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lock order: a partition's lock, then a CPU's scheduler lock. Nothing is called with the latter
 * held. A thread's own CPU alone takes it off the CPU; others only make it ready.
 */
#include "kernel/sched.h"

#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/flush.h"
#include "kernel/fpu.h"
#include "kernel/paranoid.h"
#include "kernel/partition.h"
#include "kernel/smp.h"
#include "kernel/trace.h"
#include "kernel/trace_out.h"
#include "kernel/trap.h"
#include "kernel/watchdog.h"
#include "kernel/x86.h"
#include "lib/string.h"

void switch_stack(uint64_t *save, uint64_t load);

/* ---- run queues ---- */

void runq_init(struct runq *runq, struct cpu *cpu, struct timer_slot *heap, uint32_t timers)
{
	*runq = (struct runq){.bitmap = 0};
	for (unsigned int i = 0; i < HYPIKE_PRIORITIES; i++)
		list_init(&runq->ready[i]);
	timer_queue_init(&runq->timers, cpu, heap, timers);
}

/* `before` is where in its queue: the head, for behind all others. */
static void runq_insert(struct thread *thread, struct list *before)
{
	struct runq *runq = thread->runq;

	if (thread->suspended)
		return;
	list_append(before, &thread->node);
	runq->bitmap |= UINT64_C(1) << thread->priority;
}

static void runq_add(struct thread *thread)
{
	runq_insert(thread, &thread->runq->ready[thread->priority]);
}

static void runq_add_first(struct thread *thread)
{
	runq_insert(thread, thread->runq->ready[thread->priority].next);
}

static void runq_remove(struct thread *thread)
{
	struct runq *runq = thread->runq;

	if (thread->suspended)
		return;
	list_remove(&thread->node);
	if (list_empty(&runq->ready[thread->priority]))
		runq->bitmap &= ~(UINT64_C(1) << thread->priority);
}

static struct thread *runq_first(const struct runq *runq)
{
	unsigned int top = 63 - (unsigned int)__builtin_clzll(runq->bitmap);

	return list_entry(runq->ready[top].next, struct thread, node);
}

/*
 * The thread that should run now. The lock is held.
 * @req KRN-102 Time that no window has, and time that the window's partition doesn't use, is the
 *              background partitions'.
 */
static struct thread *choose(struct cpu *cpu)
{
	const struct sched *sched = &cpu->sched;

	if (!runq_empty(sched->runq))
		return runq_first(sched->runq);
	return runq_empty(&sched->common) ? &cpu->idle : runq_first(&sched->common);
}

void sched_set_window(struct runq *runq)
{
	struct cpu *cpu = cpu_self();

	host_lock(&cpu->sched.lock); /* others look whether a thread's time it is */
	cpu->sched.runq = runq;
	host_unlock(&cpu->sched.lock);
	cpu->work |= WORK_RESCHEDULE;
}

/* ---- turns ----
 *
 * The timer is set only while somebody waits for the turn to end: one that has no equals isn't disturbed.
 */

/* The lock is held, or a moment's delay doesn't matter. */
static bool has_equals(const struct thread *thread)
{
	const struct list *ready = &thread->runq->ready[thread->priority];

	return ready->next != ready->prev;
}

/*
 * Whose turn is over goes behind its equals; until there are some, it has had it, and makes room for the
 * first. Who waits has a whole turn when it comes back.
 */
static void leave_turn(struct cpu *cpu, struct thread *from)
{
	uint64_t now = host_tsc();

	if (from->state != THREAD_READY) {
		from->left = from->slice;
	} else if (now < cpu->sched.turn_end) {
		from->left = cpu->sched.turn_end - now;
	} else if (!has_equals(from)) {
		from->left = 0;
	} else {
		from->left = from->slice;
		runq_remove(from);
		runq_add(from);
	}
}

static void take_turn(struct cpu *cpu, const struct thread *to)
{
	cpu->sched.turn_end = host_tsc() + to->left;
	if (has_equals(to))
		timer_set(cpu->sched.turn_end);
}

void sched_check_turn(void)
{
	struct cpu *cpu = cpu_self();

	if (cpu->sched.turn_end == UINT64_MAX || !has_equals(cpu->current))
		return;
	if (cpu->sched.turn_end <= host_tsc())
		cpu->work |= WORK_RESCHEDULE;
	else
		timer_set(cpu->sched.turn_end);
}

/* ---- the switch ---- */

/* After each switch, on the new thread's stack. */
static void switched(void)
{
	struct cpu *cpu = cpu_self();
	struct thread *finished = cpu->sched.finished;

	if (finished != NULL) {
		cpu->sched.finished = NULL;
		partition_thread_gone(finished);
	}
}

static void load_thread(struct cpu *cpu, struct thread *thread)
{
	flush_note(cpu, thread->partition);
	cpu->timers = &thread->runq->timers;
	cpu->kernel_rsp = thread->stack_top;
	cpu->tss->rsp[0] = thread->stack_top;
	cpu->tss->io_map_base = TSS_NO_IO_MAP;
	if (thread->root != 0 && thread->root != cpu->root) {
		cpu->root = thread->root;
		x86_write_cr3(thread->root);
	}
	if (thread->stop)
		cpu->work |= WORK_STOP;
	else
		cpu->work &= ~WORK_STOP;
	fpu_switch(thread);
}

/* The driver's leftovers are this thread's: put them right before another can see them. */
static void restore_now(struct cpu *cpu)
{
	if (cpu->work & WORK_RESTORE) {
		cpu->work &= ~WORK_RESTORE;
		cpu->restore(cpu->restore_arg);
	}
}

/* @return the thread that is the current one now. */
static struct thread *take_next(struct cpu *cpu, struct thread *from)
{
	struct thread *to;

	host_lock(&cpu->sched.lock);
	paranoid_check_runq(cpu->sched.runq);
	cpu->work &= ~WORK_RESCHEDULE;
	if (cpu->sched.turn_end != UINT64_MAX)
		leave_turn(cpu, from);
	to = choose(cpu);
	cpu->current = to; /* under the lock: others compare priorities with it */
	cpu->sched.turn_end = UINT64_MAX;
	if (to->slice != 0)
		take_turn(cpu, to);
	host_unlock(&cpu->sched.lock);
	return to;
}

void sched_switch(void)
{
	struct cpu *cpu = cpu_self();
	struct thread *from = cpu->current;
	struct thread *to;

	paranoid_check_stack(from->stack_top);
	to = take_next(cpu, from);
	if (to->runq == &cpu->sched.common && !cpu->sched.background)
		timer_start_background();
	if (to == from)
		return;
	watchdog_switch(from->partition, to->partition);
	restore_now(cpu);
	trace(TRACE_DISPATCH, trace_partition(to), to->index, to->priority);
	load_thread(cpu, to);
	switch_stack(&from->rsp, to->rsp);
	switched();
}

/* ---- idle ---- */

void sched_init(struct cpu *cpu, uint64_t idle_stack)
{
	runq_init(&cpu->sched.common, cpu, NULL, 0);
	cpu->sched.runq = &cpu->sched.common;
	cpu->sched.background = true;
	cpu->timers = &cpu->sched.common.timers;
	cpu->timer_armed = cpu->window.end = cpu->sched.turn_end = UINT64_MAX;
	cpu->idle = (struct thread){
		.cpu = cpu,
		.runq = &cpu->sched.common,
		.state = THREAD_READY,
		.stack_top = idle_stack,
	};
	cpu->current = &cpu->idle;
	cpu->kernel_rsp = cpu->tss->rsp[0] = idle_stack;
}

/* A short piece of what nobody's time is for. @return false: there is none */
static bool idle_work(void)
{
	if (console_held)
		console_idle();
	return console_held || trace_out_step();
}

static void idle_loop(void)
{
	struct cpu *cpu = cpu_self();

	/* Only now: the stack that it started on may be the next CPU's. */
	__atomic_store_n(&cpu->online, 1, __ATOMIC_RELEASE);
	for (;;) {
		if (cpu->work & WORK_TIMER)
			timer_run();
		if (cpu->work & WORK_RESCHEDULE)
			sched_switch();
		else if (idle_work())
			x86_interrupt_window();
		else
			x86_wait_for_interrupt();
	}
}

void sched_idle(void)
{
	cpu_self()->work |= WORK_RESCHEDULE;
	run_on_stack(idle_loop, cpu_self()->idle.stack_top);
}

/* ---- threads ---- */

/* On the stack: what switch_stack() pops, then its way through switched() to trap_return. */
struct first_stack {
	uint64_t r15, r14, r13, r12, rbx, rbp;
	void (*first)(void);
	void (*then)(void);
	struct trap_frame frame;
};

static struct trap_frame first_frame(uint64_t entry, uint64_t stack, uint64_t arg)
{
	return (struct trap_frame){
		.rdi = arg,
		.rip = entry,
		.cs = SEL_USER_CODE,
		.rflags = RFLAGS_FIXED | RFLAGS_IF,
		.rsp = stack,
		.ss = SEL_USER_DATA,
	};
}

void thread_prepare(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t arg)
{
	struct first_stack *first = (struct first_stack *)thread->stack_top - 1;

	*first = (struct first_stack){
		.first = switched,
		.then = trap_return,
		.frame = first_frame(entry, stack, arg),
	};
	thread->rsp = (uintptr_t)first;
}

/* The ABI wants RSP 8 off a multiple of 16 where a function begins. */
void thread_prepare_kernel(struct thread *thread, void (*fn)(void))
{
	struct first_stack *first = (struct first_stack *)(thread->stack_top - 8) - 1;

	*first = (struct first_stack){.first = switched, .then = fn};
	thread->rsp = (uintptr_t)first;
}

void thread_enter_user(uint64_t entry, uint64_t stack, uint64_t arg)
{
	struct trap_frame frame __attribute__((aligned(16))) = first_frame(entry, stack, arg);

	__asm__ volatile("movq %0, %%rsp\n\t"
			 "jmp trap_return"
			 :
			 : "r"(&frame), "m"(frame)
			 : "memory");
	__builtin_unreachable();
}

/* A thread has become ready on its CPU: see to it that the CPU looks. */
static void reconsider(struct cpu *cpu, bool needed)
{
	if (!needed)
		return;
	if (cpu == cpu_self())
		cpu->work |= WORK_RESCHEDULE;
	else
		smp_send_reschedule(cpu);
}

/*
 * A partition outside its window never disturbs the CPU. The idle thread is one of the background. An
 * equal doesn't preempt, but the CPU has to know that there is one when turns are taken.
 */
static bool beats_current(const struct thread *thread)
{
	const struct cpu *cpu = thread->cpu;
	const struct thread *current = cpu->current;

	if (thread->suspended)
		return false;
	if (thread->runq != current->runq)
		return thread->runq == cpu->sched.runq;
	if (thread->priority == current->priority)
		return current == &cpu->idle || current->slice != 0;
	return current == &cpu->idle || thread->priority > current->priority;
}

static bool make_ready(struct thread *thread)
{
	thread->state = THREAD_READY;
	runq_add(thread);
	return beats_current(thread);
}

void thread_yield(void)
{
	struct cpu *cpu = cpu_self();

	cpu->sched.turn_end = 0;
	cpu->work |= WORK_RESCHEDULE;
}

static void wake_by_timer(struct host_timer *timer)
{
	thread_unpark(list_entry(timer, struct thread, timer));
}

/* @return false where there is no reason to sleep. */
static bool fall_asleep(struct thread *self)
{
	bool sleep;

	host_lock(&self->cpu->sched.lock);
	sleep = !self->token && !self->stop;
	self->token = false;
	if (sleep) {
		self->state = THREAD_BLOCKED;
		runq_remove(self);
	}
	host_unlock(&self->cpu->sched.lock);
	return sleep;
}

void thread_park(uint64_t deadline)
{
	struct thread *self = cpu_self()->current;

	if (deadline != UINT64_MAX && deadline <= host_tsc())
		self->token = true;
	if (fall_asleep(self)) {
		self->timer.fire = wake_by_timer;
		if (deadline != UINT64_MAX)
			host_timer_arm(&self->timer, deadline);
		sched_switch();
		host_timer_cancel(&self->timer);
	}
	if (self->stop)
		thread_finish();
}

/* A thread's slot may be filled anew, for another CPU, until its scheduler is locked. */
static struct cpu *lock_cpu_of(struct thread *thread)
{
	for (;;) {
		struct cpu *cpu = __atomic_load_n(&thread->cpu, __ATOMIC_ACQUIRE);

		host_lock(&cpu->sched.lock);
		if (thread->cpu == cpu)
			return cpu;
		host_unlock(&cpu->sched.lock);
	}
}

void thread_unpark(struct thread *thread)
{
	struct cpu *cpu = lock_cpu_of(thread);
	bool look = false;

	if (thread->state == THREAD_BLOCKED)
		look = make_ready(thread);
	else
		thread->token = true;
	host_unlock(&cpu->sched.lock);
	reconsider(cpu, look);
}

void thread_set_priority(struct thread *thread, uint32_t priority)
{
	struct cpu *cpu = lock_cpu_of(thread);
	bool look = false;

	if (thread->state == THREAD_READY) {
		const bool lowered = priority < thread->priority;

		runq_remove(thread);
		thread->priority = priority;
		if (lowered)
			runq_add_first(thread);
		else
			runq_add(thread);
		look = thread == cpu->current || beats_current(thread);
	} else {
		thread->priority = priority;
	}
	host_unlock(&cpu->sched.lock);
	reconsider(cpu, look);
}

void thread_set_slice(struct thread *thread, uint64_t ticks)
{
	struct cpu *cpu = lock_cpu_of(thread);
	bool look;

	thread->slice = thread->left = ticks;
	look = thread == cpu->current;
	host_unlock(&cpu->sched.lock);
	reconsider(cpu, look);
}

void thread_notify(struct thread *thread, uint64_t bits)
{
	__atomic_fetch_or(&thread->notified, bits, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&thread->wait_mask, __ATOMIC_SEQ_CST) & bits)
		thread_unpark(thread);
}

void thread_stop(struct thread *thread)
{
	__atomic_store_n(&thread->stop, true, __ATOMIC_SEQ_CST);
	thread_resume(thread);
	thread_unpark(thread);
	/* One that gets its CPU later than under thread_unpark()'s lock sees `stop` (load_thread()). */
	if (thread == cpu_self()->current)
		cpu_self()->work |= WORK_STOP;
	else if (__atomic_load_n(&thread->cpu->current, __ATOMIC_RELAXED) == thread)
		smp_send_reschedule(thread->cpu);
}

static void look_again(void *arg)
{
	(void)arg;
	cpu_self()->work |= WORK_RESCHEDULE;
}

void thread_suspend(struct thread *thread)
{
	struct cpu *cpu = lock_cpu_of(thread);
	bool runs = false;

	if (!thread->stop && !thread->suspended) {
		if (thread->state == THREAD_READY)
			runq_remove(thread);
		thread->suspended = true;
		runs = cpu->current == thread;
	}
	host_unlock(&cpu->sched.lock);
	if (runs && cpu != cpu_self())
		smp_call(cpu, look_again, NULL); /* it has left its program when this returns */
	else if (runs)
		look_again(NULL);
}

void thread_resume(struct thread *thread)
{
	struct cpu *cpu = lock_cpu_of(thread);
	bool look = false;

	if (thread->suspended) {
		thread->suspended = false;
		if (thread->state == THREAD_READY) {
			runq_add(thread);
			look = beats_current(thread);
		}
	}
	host_unlock(&cpu->sched.lock);
	reconsider(cpu, look);
}

/* @return true where the thread was there, and now is no more. */
static bool take_away(struct cpu *cpu, struct thread *thread)
{
	bool there;

	host_lock(&cpu->sched.lock);
	there = thread->cpu == cpu &&
		(thread->state == THREAD_READY || thread->state == THREAD_BLOCKED);
	if (there && thread->state == THREAD_READY)
		runq_remove(thread);
	if (there)
		thread->state = THREAD_DYING;
	host_unlock(&cpu->sched.lock);
	return there;
}

/* One that doesn't run has nothing on its stack that anybody misses: it waits, or is about to go to
 * ring 3. thread_park() would not return to it either. */
void thread_abandon(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	if (thread == cpu->current) {
		thread_stop(thread);
		return;
	}
	if (!take_away(cpu, thread))
		return;
	host_timer_cancel(&thread->timer);
	fpu_forget(&thread->fpu);
	partition_thread_gone(thread);
}

void thread_finish(void)
{
	struct cpu *cpu = cpu_self();
	struct thread *self = cpu->current;

	fpu_forget(&self->fpu);
	host_lock(&cpu->sched.lock);
	self->state = THREAD_DYING;
	runq_remove(self);
	host_unlock(&cpu->sched.lock);
	cpu->sched.finished = self;
	sched_switch();
	host_panic("a thread that had ended ran again");
}

void thread_exit_work(void)
{
	struct cpu *cpu = cpu_self();

	/* What a VMM's call leaves behind each time. */
	if (cpu->work == WORK_RESTORE) {
		restore_now(cpu);
		return;
	}
	if (cpu->work & WORK_TIMER)
		timer_run();
	if (cpu->work & WORK_STOP)
		thread_finish();
	restore_now(cpu);
	if (cpu->work & WORK_RESCHEDULE)
		sched_switch();
}
