/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/sched.h"

#include "guests/dummy/assert.h"
#include "guests/dummy/fpu.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/spinlock.h"
#include "guests/dummy/timer.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

#define THREADS_MAX 48
#define STACK_BYTES 8192

/* What switch_stack() pops: six registers, then its return address. */
struct switch_frame {
	uint64_t registers[6];
	uint64_t rip;
};

/* in switch.S */
void switch_stack(uint64_t *save_rsp, uint64_t rsp);
void thread_first_run(void);

static struct thread threads[THREADS_MAX];
static uint8_t stacks[THREADS_MAX][STACK_BYTES] __attribute__((aligned(16)));
static unsigned next_id = 1;

/* of each CPU */
static struct {
	bool resched;
	struct thread *previous; /* the one switched away from */
	uint64_t switches;
} cpus[CPUS_MAX];

static void preempt(struct trap_frame *frame);

static unsigned slot_of(const struct thread *t)
{
	return (unsigned)(t - threads);
}

static enum thread_state state_of(const struct thread *t)
{
	return __atomic_load_n(&t->state, __ATOMIC_ACQUIRE);
}

static void set_state(struct thread *t, enum thread_state state)
{
	__atomic_store_n(&t->state, state, __ATOMIC_RELEASE);
}

struct thread *sched_current(void)
{
	return this_cpu()->current;
}

static struct thread *new_thread(unsigned cpu)
{
	for (unsigned i = 0; i < THREADS_MAX; i++) {
		struct thread *t = &threads[i];

		if (state_of(t) != THREAD_FREE || t->fpu != NULL)
			continue;
		*t = (struct thread){.cpu = cpu, .id = next_id++, .root = paging_kernel_root()};
		t->fpu = (void *)page_alloc();
		fpu_init_area(t->fpu);
		t->kernel_top = (uintptr_t)stacks[i] + STACK_BYTES;
		return t;
	}
	return NULL;
}

void sched_init_cpu(void)
{
	static struct spinlock lock;
	struct cpu *cpu = this_cpu();
	struct thread *t = cpu->current; /* of before, if it was started again */

	spin_lock(&lock);
	if (t == NULL)
		t = new_thread(cpu->index);
	spin_unlock(&lock);
	if (t == NULL)
		panic("no thread for CPU %u", cpu->index);
	t->kernel_top = cpu->kernel_rsp;
	set_state(t, THREAD_READY);
	cpu->current = t;
	trap_set_exit_hook(preempt);
}

/* Puts the first trap frame and what switch_stack() expects on the thread's stack, below `top`. */
static void prepare_stack(struct thread *t, uint64_t top, const struct trap_frame *first)
{
	uint64_t at = top - sizeof(*first);
	struct switch_frame *s = (struct switch_frame *)(at - sizeof(*s));

	memcpy((void *)at, first, sizeof(*first));
	*s = (struct switch_frame){.rip = (uintptr_t)thread_first_run};
	t->rsp = (uintptr_t)s;
}

static void kernel_thread_end(void)
{
	sched_exit(&(struct thread_end){.status = 0});
}

struct thread *sched_create_kernel(void (*fn)(uint64_t arg), uint64_t arg, unsigned cpu)
{
	struct thread *t = new_thread(cpu);

	if (t == NULL)
		return NULL;

	uint64_t *return_address = (uint64_t *)t->kernel_top - 1;

	*return_address = (uintptr_t)kernel_thread_end;
	prepare_stack(t, t->kernel_top - 16,
		      &(struct trap_frame){.rip = (uintptr_t)fn, .cs = KERNEL_CS, .ss = KERNEL_DS,
					   .rsp = (uintptr_t)return_address, .rdi = arg,
					   .rflags = RFLAGS_FIXED1 | RFLAGS_IF});
	return t;
}

struct thread *sched_create_user(uint64_t root, uint64_t rip, uint64_t rsp,
				 const uint64_t args[3], unsigned cpu)
{
	struct thread *t = new_thread(cpu);

	if (t == NULL)
		return NULL;
	t->root = root;
	t->user = true;
	prepare_stack(t, t->kernel_top,
		      &(struct trap_frame){.rip = rip, .cs = USER_CS, .ss = USER_DS, .rsp = rsp,
					   .rflags = RFLAGS_FIXED1 | RFLAGS_IF,
					   .rdi = args[0], .rsi = args[1], .rdx = args[2]});
	return t;
}

void sched_start(struct thread *t)
{
	set_state(t, THREAD_READY);
}

static bool runnable(struct thread *t, unsigned cpu)
{
	if (t->cpu != cpu)
		return false;
	if (state_of(t) == THREAD_SLEEPING && timer_ticks() >= t->wake_at)
		set_state(t, THREAD_READY);
	return state_of(t) == THREAD_READY;
}

/* Round robin from the running thread's slot. @return NULL if no other can run. */
static struct thread *choose(const struct thread *current)
{
	unsigned start = slot_of(current);

	for (unsigned i = 1; i < THREADS_MAX; i++) {
		struct thread *t = &threads[(start + i) % THREADS_MAX];

		if (runnable(t, current->cpu))
			return t;
	}
	return NULL;
}

void sched_after_switch(void)
{
	struct thread *previous = cpus[cpu_index()].previous;

	if (state_of(previous) == THREAD_DEAD)
		__atomic_store_n(&previous->off_cpu, true, __ATOMIC_RELEASE);
}

/* Interrupts are disabled. */
static void switch_to(struct thread *next)
{
	struct cpu *cpu = this_cpu();
	struct thread *prev = cpu->current;

	PARANOID_CHECK((read_rflags() & RFLAGS_IF) == 0);
	PARANOID_CHECK(prev != next && next->cpu == cpu->index && state_of(next) == THREAD_READY);
	PARANOID_CHECK((read_cr3() & PTE_ADDR_MASK) == prev->root);
	prev->kernel_top = cpu->kernel_rsp;
	prev->try = cpu->try;
	fpu_save(prev->fpu);
	cpus[cpu->index].previous = prev;
	cpus[cpu->index].switches++;
	next->switches++;
	cpu->current = next;
	cpu->try = next->try;
	cpu_set_kernel_stack(next->kernel_top);
	if (prev->root != next->root)
		write_cr3(next->root);
	if (prev->fs_base != next->fs_base)
		wrmsr(IA32_FS_BASE, next->fs_base);
	fpu_restore(next->fpu);
	switch_stack(&prev->rsp, next->rsp);
	sched_after_switch();
}

bool sched_yield(void)
{
	uint64_t flags = irq_save();
	struct thread *next = choose(sched_current());

	if (next != NULL)
		switch_to(next);
	irq_restore(flags);
	return next != NULL;
}

void sched_idle_once(void)
{
	cli();
	if (!sched_yield())
		sti_hlt();
	sti();
}

void sched_tick(void)
{
	cpus[cpu_index()].resched = true;
}

/* After each trap: the tick takes the CPU away from whatever it interrupted. */
static void preempt(struct trap_frame *frame)
{
	unsigned cpu = cpu_index();
	struct thread *current = sched_current();

	(void)frame;
	if (!cpus[cpu].resched || current == NULL)
		return;
	cpus[cpu].resched = false;

	struct thread *next = choose(current);

	if (next != NULL) {
		current->preemptions++;
		switch_to(next);
	}
}

/* A thread that can't go on gives the CPU to any other; a CPU's first thread is always ready. */
static void switch_away(void)
{
	struct thread *next = choose(sched_current());

	if (next == NULL)
		panic("no thread to run");
	switch_to(next);
}

void sched_sleep(uint64_t ticks)
{
	uint64_t flags = irq_save();
	struct thread *t = sched_current();

	t->wake_at = timer_ticks() + ticks;
	set_state(t, THREAD_SLEEPING);
	switch_away();
	irq_restore(flags);
}

_Noreturn void sched_exit(const struct thread_end *end)
{
	struct thread *t = sched_current();

	cli();
	t->end = *end;
	t->end.preemptions = t->preemptions;
	set_state(t, THREAD_DEAD);
	switch_away();
	panic("a dead thread ran");
}

static bool is_gone(void *ctx)
{
	const struct thread *t = ctx;

	return __atomic_load_n(&t->off_cpu, __ATOMIC_ACQUIRE);
}

bool sched_join(struct thread *t, uint64_t ticks, struct thread_end *end)
{
	if (!timer_wait_for(is_gone, t, ticks))
		return false;
	*end = t->end;
	page_free((uintptr_t)t->fpu);
	if (t->user)
		paging_free_space(t->root);
	t->fpu = NULL;
	set_state(t, THREAD_FREE);
	return true;
}

uint64_t sched_switches(void)
{
	return cpus[cpu_index()].switches;
}
