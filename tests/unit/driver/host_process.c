/* SPDX-License-Identifier: BSD-2-Clause */
/** @file host_process.c host.h in a Linux process. */
#include "tests/unit/driver/host_process.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)	  ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define MAX_TIMERS 64u
#define MAX_POOLS  8u
#define PATTERN	   0xa5

static void die(const char *why)
{
	fprintf(stderr, "host_process: %s\n", why);
	abort();
}

/* ---------------------------------------------------------------------------------------- memory */

#define ARENA_PAGES (PROCESS_ARENA / HV_PAGE_SIZE)

struct host_pool {
	uint32_t left, used;
	uint32_t fail_in;
	bool failed;
};

static uint8_t *arena;
/** Owner of each page: 0 free, otherwise the number of the pool + 1, or RAM. */
static uint8_t owner[ARENA_PAGES];
#define OWNER_RAM 0xffu
static uint64_t lowest_free; /**< page; below it all have an owner */
static uint64_t used_end;    /**< page; from here on none ever had one */
static struct host_pool pools[MAX_POOLS];
static unsigned int pool_count;
static pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER;

static void memory_reset(void)
{
	if (arena == NULL) {
		/* Twice the size, to be sure of 1 GiB-like alignments being tested by address bits alone. */
		arena = mmap(NULL, PROCESS_ARENA + HV_2M, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (arena == MAP_FAILED)
			die("no memory");
		arena += HV_2M - ((uintptr_t)arena & (HV_2M - 1u));
		used_end = ARENA_PAGES;
	}
	memset(owner, 0, used_end);
	memset(pools, 0, sizeof(pools));
	pool_count = 0;
	lowest_free = 0;
	madvise(arena, used_end * HV_PAGE_SIZE, MADV_DONTNEED);
	ASAN_POISON_MEMORY_REGION(arena, used_end * HV_PAGE_SIZE);
	used_end = 0;
}

static uint64_t free_run(uint64_t first, uint64_t pages, uint64_t align)
{
	for (uint64_t at = (first + align - 1u) / align * align; at + pages <= ARENA_PAGES; at += align) {
		uint64_t n = 0;

		while (n < pages && owner[at + n] == 0)
			n++;
		if (n == pages)
			return at;
	}
	die("the arena is too small for this test");
	return 0;
}

static uint8_t *take_pages(uint64_t pages, uint64_t align, uint8_t who)
{
	uint64_t at;
	uint8_t *memory;

	pthread_mutex_lock(&memory_lock);
	at = free_run(align == 1 ? lowest_free : 0, pages, align);
	memset(&owner[at], who, pages);
	if (at + pages > used_end)
		used_end = at + pages;
	while (lowest_free < ARENA_PAGES && owner[lowest_free] != 0)
		lowest_free++;
	pthread_mutex_unlock(&memory_lock);
	memory = arena + at * HV_PAGE_SIZE;
	ASAN_UNPOISON_MEMORY_REGION(memory, pages * HV_PAGE_SIZE);
	return memory;
}

struct host_pool *process_pool(uint32_t pages)
{
	struct host_pool *pool = &pools[pool_count++];

	if (pool_count > MAX_POOLS)
		die("too many pools");
	*pool = (struct host_pool){.left = pages, .fail_in = UINT32_MAX};
	return pool;
}

uint32_t process_pool_used(const struct host_pool *pool)
{
	return __atomic_load_n(&pool->used, __ATOMIC_RELAXED);
}

void process_pool_fail(struct host_pool *pool, uint32_t n)
{
	pool->fail_in = n;
	pool->failed = false;
}

bool process_pool_failed(const struct host_pool *pool)
{
	return pool->failed;
}

void *host_pages_alloc(struct host_pool *pool, unsigned int count)
{
	uint8_t *memory;

	if (count == 0)
		die("allocation of no page");
	if (pool->fail_in != UINT32_MAX && pool->fail_in-- == 0) {
		pool->fail_in = UINT32_MAX;
		pool->failed = true;
		return NULL;
	}
	if (pool->left < count)
		return NULL;
	pool->left -= count;
	__atomic_add_fetch(&pool->used, count, __ATOMIC_RELAXED);
	memory = take_pages(count, 1, (uint8_t)(pool - pools + 1));
	memset(memory, 0, (size_t)count * HV_PAGE_SIZE);
	return memory;
}

void host_pages_free(struct host_pool *pool, void *pages, unsigned int count)
{
	uint64_t at = (uint64_t)((uint8_t *)pages - arena) / HV_PAGE_SIZE;

	if ((uint8_t *)pages < arena || at + count > ARENA_PAGES)
		die("free of memory that is none of the pools'");
	pthread_mutex_lock(&memory_lock);
	for (unsigned int i = 0; i < count; i++) {
		if (owner[at + i] != pool - pools + 1)
			die("free of a page that isn't the pool's");
		owner[at + i] = 0;
	}
	if (at < lowest_free)
		lowest_free = at;
	pthread_mutex_unlock(&memory_lock);
	ASAN_POISON_MEMORY_REGION(pages, (size_t)count * HV_PAGE_SIZE);
	pool->left += count;
	__atomic_sub_fetch(&pool->used, count, __ATOMIC_RELAXED);
}

void *process_ram(uint64_t size, uint64_t align)
{
	uint64_t pages = (size + HV_PAGE_MASK) / HV_PAGE_SIZE;
	uint8_t *memory = take_pages(pages, align < HV_PAGE_SIZE ? 1 : align / HV_PAGE_SIZE, OWNER_RAM);

	memset(memory, PATTERN, pages * HV_PAGE_SIZE);
	return memory;
}

hpa_t host_virt_to_phys(const void *p)
{
	const uint8_t *at = p;

	if (at < arena || at >= arena + PROCESS_ARENA) /* the driver's own data */
		return hpa(PROCESS_PHYS_BASE + PROCESS_ARENA + ((uintptr_t)p & 0xfffffff));
	return hpa((uint64_t)(at - arena) + PROCESS_PHYS_BASE);
}

void *host_phys_to_virt(hpa_t address)
{
	uint64_t offset = address.raw - PROCESS_PHYS_BASE;

	if (offset >= PROCESS_ARENA)
		die("host_phys_to_virt() of an address that is no memory");
	if (__atomic_load_n(&owner[offset / HV_PAGE_SIZE], __ATOMIC_RELAXED) == 0)
		die("host_phys_to_virt() of a free page");
	return arena + offset;
}

/* --------------------------------------------------------------------------------- CPUs, threads */

struct host_thread {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool token;
	uint64_t notified;
};

static __thread unsigned int this_cpu;
static unsigned int cpu_count;
static struct host_thread threads[HOST_MAX_CPUS];
static uint32_t kicked[HOST_MAX_CPUS];
struct process_counts process_counts;
bool (*process_on_idle)(void);
void (*process_on_poll)(void);

#define COUNT(what) __atomic_add_fetch(&process_counts.what, 1, __ATOMIC_RELAXED)

void process_be_cpu(unsigned int cpu)
{
	this_cpu = cpu;
}

void process_cpu_count(unsigned int count)
{
	cpu_count = count;
}

unsigned int host_cpu(void)
{
	return this_cpu;
}

unsigned int host_cpu_count(void)
{
	return cpu_count;
}

void host_kick(unsigned int cpu)
{
	COUNT(kicks);
	if (cpu >= HOST_MAX_CPUS)
		die("kick of no CPU");
	__atomic_store_n(&kicked[cpu], 1, __ATOMIC_SEQ_CST);
}

void process_interrupt(unsigned int cpu)
{
	__atomic_store_n(&kicked[cpu], 1, __ATOMIC_SEQ_CST);
}

void host_on_each_cpu(void (*fn)(void *arg), void *arg)
{
	unsigned int self = this_cpu;

	for (unsigned int cpu = 0; cpu < cpu_count; cpu++) {
		this_cpu = cpu;
		fn(arg);
	}
	this_cpu = self;
}

void host_lock(struct host_lock *lock)
{
	uint32_t free_value = 0;

	if (__atomic_load_n(&lock->value, __ATOMIC_RELAXED) == this_cpu + 1u)
		die("lock taken twice by one CPU");
	while (!__atomic_compare_exchange_n(&lock->value, &free_value, this_cpu + 1u, false,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		free_value = 0;
		sched_yield();
	}
}

void host_unlock(struct host_lock *lock)
{
	if (__atomic_load_n(&lock->value, __ATOMIC_RELAXED) != this_cpu + 1u)
		die("unlock by somebody else");
	__atomic_store_n(&lock->value, 0, __ATOMIC_RELEASE);
}

struct host_thread *host_thread_self(void)
{
	return &threads[this_cpu];
}

/* ------------------------------------------------------------------------------------------- time */

static uint64_t now;
static uint64_t per_read;
static struct host_timer *armed[HOST_MAX_CPUS][MAX_TIMERS];

uint64_t process_tsc_khz = PROCESS_TSC_KHZ;

uint64_t host_tsc_khz(void)
{
	return process_tsc_khz;
}

uint64_t host_tsc(void)
{
	return __atomic_fetch_add(&now, per_read, __ATOMIC_RELAXED);
}

void process_tick_per_read(uint64_t ticks)
{
	per_read = ticks;
}

static struct host_timer **slot_of(const struct host_timer *timer)
{
	for (unsigned int i = 0; i < MAX_TIMERS; i++)
		if (armed[this_cpu][i] == timer)
			return &armed[this_cpu][i];
	return NULL;
}

void host_timer_arm(struct host_timer *timer, uint64_t deadline)
{
	struct host_timer **slot = slot_of(timer);

	COUNT(arms);
	if (slot == NULL)
		slot = slot_of(NULL);
	if (slot == NULL || timer->fire == NULL)
		die("timer without a call-back, or too many");
	timer->deadline = deadline;
	*slot = timer;
}

void host_timer_cancel(struct host_timer *timer)
{
	struct host_timer **slot = slot_of(timer);

	COUNT(cancels);
	if (slot != NULL)
		*slot = NULL;
}

unsigned int process_armed(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < MAX_TIMERS; i++)
		count += armed[this_cpu][i] != NULL;
	return count;
}

static struct host_timer **first_timer(void)
{
	struct host_timer **first = NULL;

	for (unsigned int i = 0; i < MAX_TIMERS; i++) {
		struct host_timer **slot = &armed[this_cpu][i];

		if (*slot != NULL && (first == NULL || (*slot)->deadline < (*first)->deadline))
			first = slot;
	}
	return first;
}

uint64_t host_deadline(void)
{
	struct host_timer **first = first_timer();

	return first != NULL ? (*first)->deadline : UINT64_MAX;
}

static bool timer_due(void)
{
	return host_deadline() <= __atomic_load_n(&now, __ATOMIC_RELAXED);
}

static void fire_due(void)
{
	while (timer_due()) {
		struct host_timer **slot = first_timer();
		struct host_timer *timer = *slot;

		*slot = NULL;
		timer->fire(timer);
	}
}

void process_advance(uint64_t ticks)
{
	__atomic_add_fetch(&now, ticks, __ATOMIC_RELAXED);
	fire_due();
}

/* ------------------------------------------------------------------------- polling and blocking */

bool host_poll_pending(void)
{
	return __atomic_load_n(&kicked[this_cpu], __ATOMIC_SEQ_CST) != 0 || timer_due();
}

void host_poll(void)
{
	COUNT(polls);
	__atomic_store_n(&kicked[this_cpu], 0, __ATOMIC_SEQ_CST);
	fire_due();
	if (process_on_poll != NULL)
		process_on_poll();
}

void host_yield(void)
{
	COUNT(yields);
	host_poll();
}

static bool threaded;

void process_threaded(void)
{
	threaded = true;
}

/** A millisecond, or until there is a token; time goes on for everybody. */
static void really_wait(struct host_thread *self)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&self->lock);
	if (!self->token)
		pthread_cond_timedwait(&self->wake, &self->lock, &until);
	pthread_mutex_unlock(&self->lock);
	__atomic_add_fetch(&now, PROCESS_TSC_KHZ, __ATOMIC_RELAXED);
	fire_due();
}

static bool take_token(struct host_thread *self)
{
	bool token;

	pthread_mutex_lock(&self->lock);
	token = self->token;
	self->token = false;
	pthread_mutex_unlock(&self->lock);
	return token;
}

/** With nothing else to happen, time jumps to the next timer. */
static bool jump(uint64_t deadline)
{
	struct host_timer **first = first_timer();
	uint64_t to = first != NULL && (*first)->deadline < deadline ? (*first)->deadline : deadline;

	if (to == UINT64_MAX)
		return false;
	if (__atomic_load_n(&now, __ATOMIC_RELAXED) < to)
		__atomic_store_n(&now, to, __ATOMIC_RELAXED);
	fire_due();
	return true;
}

void host_block(uint64_t deadline)
{
	struct host_thread *self = &threads[this_cpu];

	COUNT(blocks);
	if (process_on_poll != NULL)
		process_on_poll();
	while (!take_token(self)) {
		if (__atomic_load_n(&now, __ATOMIC_RELAXED) >= deadline)
			return;
		if (threaded) {
			really_wait(self);
			continue;
		}
		if (jump(deadline))
			continue;
		if (process_on_idle == NULL || !process_on_idle())
			die("blocked for ever");
	}
}

void host_unblock(struct host_thread *thread)
{
	COUNT(unblocks);
	pthread_mutex_lock(&thread->lock);
	thread->token = true;
	pthread_cond_signal(&thread->wake);
	pthread_mutex_unlock(&thread->lock);
}

void host_notify(struct host_thread *thread, uint64_t bits)
{
	COUNT(notifies);
	__atomic_or_fetch(&thread->notified, bits, __ATOMIC_SEQ_CST);
	host_unblock(thread);
}

uint64_t process_notified(void)
{
	return __atomic_exchange_n(&threads[this_cpu].notified, 0, __ATOMIC_SEQ_CST);
}

/* ---------------------------------------------------------------------------------- FPU, the rest */

uint32_t host_fpu_size(void)
{
	return 1088; /* legacy area, header, YMM_Hi128 and some */
}

uint64_t host_fpu_xcr0(void)
{
	return 7;
}

void host_fpu_load(struct host_fpu *fpu)
{
	if (fpu->loaded && fpu->cpu == this_cpu)
		return;
	COUNT(fpu_loads);
	fpu->cpu = this_cpu;
	fpu->loaded = 1;
}

void host_fpu_save(struct host_fpu *fpu)
{
	COUNT(fpu_saves);
	fpu->loaded = 0;
}

void host_defer_restore(void (*restore)(void *arg), void *arg)
{
	restore(arg);
}

void host_nmi(void)
{
	COUNT(nmis);
}

void host_machine_check(void)
{
	COUNT(machine_checks);
}

void host_log(const char *format, ...)
{
	va_list args;

	COUNT(logs);
	if (getenv("HYPIKE_TEST_LOG") == NULL)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
}

void host_panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	die("host_panic()");
	abort();
}

uint64_t process_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

void process_reset(void)
{
	memory_reset();
	memset(&process_counts, 0, sizeof(process_counts));
	memset(armed, 0, sizeof(armed));
	memset(kicked, 0, sizeof(kicked));
	for (unsigned int i = 0; i < HOST_MAX_CPUS; i++)
		threads[i] = (struct host_thread){.lock = PTHREAD_MUTEX_INITIALIZER,
						  .wake = PTHREAD_COND_INITIALIZER};
	now = UINT64_C(1000000000000);
	per_read = 0;
	cpu_count = 1;
	this_cpu = 0;
	threaded = false;
	process_on_idle = NULL;
	process_on_poll = NULL;
}
