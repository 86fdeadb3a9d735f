/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/watchdog.h"

#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/health.h"

static struct partition *partition_of(struct host_timer *timer)
{
	return list_entry(timer, struct partition, watchdog.timer);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void watchdog_alive(struct partition *partition)
{
	__atomic_store_n(&partition->watchdog.used, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&partition->watchdog.alive, host_tsc(), __ATOMIC_RELAXED);
}

void watchdog_count(struct partition *from, struct partition *to)
{
	uint32_t cpu = cpu_self()->index;
	uint64_t now = host_tsc();

	if (from != NULL) {
		struct watchdog *dog = &from->watchdog;

		__atomic_fetch_add(&dog->used, now - later(dog->since[cpu], dog->alive),
				   __ATOMIC_RELAXED);
		dog->since[cpu] = 0;
	}
	if (to != NULL)
		to->watchdog.since[cpu] = now;
}

/* Ticks since the last sign of life, those of threads that run now included. */
static uint64_t used(const struct watchdog *dog, uint64_t now)
{
	uint64_t sum = __atomic_load_n(&dog->used, __ATOMIC_RELAXED);

	for (unsigned int i = 0; i < cpu_count; i++) {
		uint64_t since = __atomic_load_n(&dog->since[i], __ATOMIC_RELAXED);
		uint64_t from = later(since, dog->alive);

		if (since != 0 && now > from)
			sum += now - from;
	}
	return sum;
}

static void look(struct host_timer *timer)
{
	struct partition *partition = partition_of(timer);
	struct watchdog *dog = &partition->watchdog;
	uint64_t now = host_tsc(), ticks = used(dog, now);

	if (partition->state != PARTITION_RUNNING)
		return;
	if (ticks < dog->limit) {
		host_timer_arm(timer, now + dog->limit - ticks);
		return;
	}
	watchdog_alive(partition);
	host_timer_arm(timer, now + dog->limit);
	health_report(partition->index, SYSTEM_ERROR_HANG, HEALTH_NO_THREAD, 0,
		      ticks / clock_tsc_khz * CLOCK_NS_PER_MS);
}

void watchdog_begin(struct partition *partition)
{
	struct watchdog *dog = &partition->watchdog;

	dog->limit = clock_ticks(partition->config->watchdog);
	if (dog->limit == 0)
		return;
	dog->timer.fire = look;
	dog->since[cpu_self()->index] = host_tsc();
	watchdog_alive(partition);
	host_timer_arm(&dog->timer, host_tsc() + dog->limit);
}
