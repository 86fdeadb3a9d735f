/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-622 Two runs of a VM on the model with the same input execute the same instructions at the same times.
 */
#define _GNU_SOURCE
#include "vmm/model/turns.h"

#include <hypike/vmm.h>
#include <pthread.h>

#include "vmm/model/exec.h"
#include "vmm/platform/linux/events.h"
#include "vmm/platform/linux/linux.h"

#define THREADS (1u + HV_MAX_VCPUS)
/** So often, in ticks, the world is asked what there is. */
#define WORLD_PERIOD UINT64_C(1000000)

static struct {
	pthread_mutex_t lock;
	unsigned int holder; /**< whose turn it is */
	uint64_t events;     /**< atomic: for the event thread */
	uint64_t world_at;   /**< when the world was asked last */
	uint32_t asleep;     /**< atomic: nobody can go on before the world says something */
	struct {
		pthread_cond_t wake;
		bool used, waits;
		const uint32_t *word; /**< waits for it to be 0 */
		uint32_t token; /**< atomic */
		uint64_t deadline;
		void (*entry)(void *arg);
		void *arg;
	} thread[THREADS];
} turns = {.lock = PTHREAD_MUTEX_INITIALIZER,
	   .thread[0] = {.wake = PTHREAD_COND_INITIALIZER, .used = true}};

static __thread unsigned int self;
static __thread bool member;

void turns_begin(void)
{
	member = true;
}

bool turns_member(void)
{
	return member;
}

unsigned int turns_self(void)
{
	return self;
}

static bool is_ready(unsigned int i)
{
	if (!turns.thread[i].used)
		return false;
	if (turns.thread[i].word != NULL)
		return __atomic_load_n(turns.thread[i].word, __ATOMIC_ACQUIRE) == 0;
	if (!turns.thread[i].waits || turns.thread[i].deadline <= exec_clock.now)
		return true;
	return i == 0 ? __atomic_load_n(&turns.events, __ATOMIC_ACQUIRE) != 0
		      : __atomic_load_n(&turns.thread[i].token, __ATOMIC_ACQUIRE) != 0;
}

/** The event thread before others, vCPUs one after the other. @return THREADS: nobody */
static unsigned int choose(void)
{
	const unsigned int after = turns.holder == 0 ? THREADS - 1 : turns.holder;

	if (is_ready(0) && turns.thread[0].waits)
		return 0;
	for (unsigned int n = 1; n <= THREADS; n++)
		if (is_ready((after + n) % THREADS))
			return (after + n) % THREADS;
	return THREADS;
}

/* ------------------------------------------------------------------------------------------- waiting */

/** What is due first; UINT64_MAX: nothing, or nothing as long as a thread is parked or the VM paused. */
static uint64_t earliest(void)
{
	uint64_t first = clock_stands() ? UINT64_MAX : clock_next();

	for (unsigned int i = 0; i < THREADS && !clock_stands(); i++) {
		if (!turns.thread[i].used || !turns.thread[i].waits)
			continue;
		if (turns.thread[i].word != NULL)
			return UINT64_MAX;
		if (turns.thread[i].deadline < first)
			first = turns.thread[i].deadline;
	}
	return first;
}

/** What the world has to say, at once or when it does. */
static void ask_world(int timeout)
{
	turns.world_at = exec_clock.now;
	__atomic_or_fetch(&turns.events, events_take(timeout), __ATOMIC_ACQ_REL);
}

/** Nobody can go on: time does. */
static void idle(void)
{
	const uint64_t next = earliest();

	if (next != UINT64_MAX) {
		ask_world(0);
		if (exec_clock.now < next)
			__atomic_store_n(&exec_clock.now, next, __ATOMIC_RELAXED);
	} else {
		__atomic_store_n(&turns.asleep, 1, __ATOMIC_SEQ_CST);
		if (choose() == THREADS)
			ask_world(-1);
		__atomic_store_n(&turns.asleep, 0, __ATOMIC_SEQ_CST);
	}
	clock_fire();
}

static unsigned int vcpus_ready(void)
{
	unsigned int count = 0;

	for (unsigned int i = 1; i < THREADS; i++)
		count += is_ready(i);
	return count;
}

/** The turn is somebody's: he is woken. */
static void give_to(unsigned int next)
{
	const bool waits = turns.thread[0].waits;
	const uint64_t deadline = waits ? turns.thread[0].deadline : 0;

	clock_plan(deadline, vcpus_ready() > 1);
	turns.holder = next;
	pthread_cond_signal(&turns.thread[next].wake);
}

static unsigned int find_next(void)
{
	unsigned int next;

	if (exec_clock.now - turns.world_at >= WORLD_PERIOD)
		ask_world(0);
	for (next = choose(); next == THREADS; next = choose())
		idle();
	return next;
}

/** Until it is the calling thread's turn. With the lock. */
static void wait_turn(void)
{
	while (turns.holder != self)
		pthread_cond_wait(&turns.thread[self].wake, &turns.lock);
}

void turns_yield(void)
{
	const unsigned int next = find_next();

	pthread_mutex_lock(&turns.lock);
	give_to(next);
	wait_turn();
	pthread_mutex_unlock(&turns.lock);
}

static void wait_until(uint64_t deadline)
{
	turns.thread[self].deadline = deadline;
	turns.thread[self].waits = true;
	turns_yield();
	turns.thread[self].waits = false;
}

void turns_wait_zero(const uint32_t *word)
{
	turns.thread[self].word = word;
	wait_until(UINT64_MAX);
	turns.thread[self].word = NULL;
}

void turns_wait(uint64_t deadline)
{
	while (__atomic_exchange_n(&turns.thread[self].token, 0, __ATOMIC_ACQ_REL) == 0 &&
	       exec_clock.now < deadline)
		wait_until(deadline);
}

uint64_t turns_events(uint64_t deadline)
{
	if (__atomic_load_n(&turns.events, __ATOMIC_ACQUIRE) == 0 && exec_clock.now < deadline)
		wait_until(deadline);
	return __atomic_exchange_n(&turns.events, 0, __ATOMIC_ACQ_REL);
}

/* ------------------------------------------------------------------------------------------- waking */

/** Somebody else is to come soon; or, where all sleep, at all. */
void turns_news(void)
{
	__atomic_store_n(&exec_clock.stop, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&turns.asleep, __ATOMIC_SEQ_CST) != 0)
		events_wake();
}

void turns_token(unsigned int thread)
{
	__atomic_store_n(&turns.thread[thread].token, 1, __ATOMIC_SEQ_CST);
	turns_news();
}

void turns_notify(uint64_t bits)
{
	__atomic_or_fetch(&turns.events, bits, __ATOMIC_SEQ_CST);
	turns_news();
}

/* ------------------------------------------------------------------------------------------ threads */

static void *thread_main(void *arg)
{
	self = (unsigned int)(uintptr_t)arg;
	member = true;
	hypike_vmm_confine(HYPIKE_VMM_VCPU);
	pthread_mutex_lock(&turns.lock);
	wait_turn();
	pthread_mutex_unlock(&turns.lock);
	turns.thread[self].entry(turns.thread[self].arg);
	turns.thread[self].used = false;
	const unsigned int next = find_next();
	pthread_mutex_lock(&turns.lock);
	give_to(next);
	pthread_mutex_unlock(&turns.lock);
	return NULL;
}

int turns_start(unsigned int index, void (*entry)(void *arg), void *arg)
{
	char name[] = "vcpu 00";
	const unsigned int i = index + 1;

	turns.thread[i].entry = entry;
	turns.thread[i].arg = arg;
	turns.thread[i].waits = false;
	pthread_cond_init(&turns.thread[i].wake, NULL);
	name[5] = (char)('0' + index / 10);
	name[6] = (char)('0' + index % 10);
	turns.thread[i].used = true;
	const int error = linux_thread(name, thread_main, (void *)(uintptr_t)i);
	if (error != 0)
		turns.thread[i].used = false;
	return error;
}
