/* SPDX-License-Identifier: BSD-2-Clause */
/* All CPUs together. @verifies DUM-013 */
#include "guests/dummy/clock.h"
#include "guests/dummy/lapic.h"
#include "guests/dummy/machine.h"
#include "guests/dummy/process.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/smp.h"
#include "guests/dummy/spinlock.h"
#include "guests/dummy/test.h"
#include "guests/dummy/timer.h"
#include "lib/x86/cpu.h"

#define WINDOW X86_U64(0x0000600040000000)
#define LIMIT  (20 * TIMER_HZ)
#define ROUNDS 200

static const char *without_smp(void)
{
	return machine.cpus < 2	       ? "one CPU"
	       : cmdline_flag("smp=0") ? "smp=0 on the command line"
				       : NULL;
}

static bool all_started(void)
{
	CHECK(smp_cpus() == machine.cpus);
	for (unsigned i = 0; i < smp_cpus(); i++) {
		for (unsigned j = 0; j < i; j++)
			CHECK(cpu_get(i)->apic_id != cpu_get(j)->apic_id);
	}
	return true;
}

static unsigned answers[CPUS_MAX];

static void answer(uint64_t arg)
{
	__atomic_fetch_add(&answers[cpu_index()], (unsigned)arg, __ATOMIC_RELAXED);
}

static bool ipis_to_each(void)
{
	for (unsigned cpu = 1; cpu < smp_cpus(); cpu++) {
		unsigned before = answers[cpu];

		for (unsigned i = 0; i < 10; i++)
			CHECK(smp_call(cpu, answer, 3));
		CHECK(answers[cpu] - before == 30);
	}
	return true;
}

static uint64_t seen[CPUS_MAX];

static void read_window(uint64_t arg)
{
	(void)arg;
	seen[cpu_index()] = *(volatile uint64_t *)WINDOW;
}

static bool all_see(uint64_t value)
{
	for (unsigned cpu = 1; cpu < smp_cpus(); cpu++) {
		CHECK(smp_call(cpu, read_window, 0));
		CHECK(seen[cpu] == value);
	}
	return true;
}

/* Other CPUs have the old translation until they are told. */
static bool tlb_shootdown(void)
{
	uint64_t first = page_alloc(), second = page_alloc();
	unsigned level;

	*(uint64_t *)first = 0x1111;
	*(uint64_t *)second = 0x2222;
	CHECK(paging_map(paging_kernel_root(), WINDOW, first, SIZE_4K, PTE_RW | PTE_XD));
	CHECK(all_see(0x1111));
	*paging_entry(paging_kernel_root(), WINDOW, &level) = second | PTE_P | PTE_RW;
	CHECK(smp_invalidate(WINDOW));
	CHECK(all_see(0x2222));
	CHECK(paging_unmap(paging_kernel_root(), WINDOW));
	CHECK(smp_invalidate(WINDOW));
	page_free(first);
	page_free(second);
	return true;
}

static uint64_t ticks_before[CPUS_MAX];

static bool have_ticked(void *ctx)
{
	(void)ctx;
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++) {
		if (timer_ticks_of(cpu) < ticks_before[cpu] + 3)
			return false;
	}
	return true;
}

static bool all_tick(void)
{
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++)
		ticks_before[cpu] = timer_ticks_of(cpu);
	CHECK(timer_wait_for(have_ticked, NULL, 2 * TIMER_HZ));
	return true;
}

static struct spinlock lock;
static uint64_t locked_sum, atomic_sum;

static void add_up(uint64_t arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t flags = irq_save();

		spin_lock(&lock);
		locked_sum += arg;
		spin_unlock(&lock);
		irq_restore(flags);
		__atomic_fetch_add(&atomic_sum, arg, __ATOMIC_RELAXED);
	}
}

static bool shared_memory(void)
{
	struct thread *t[CPUS_MAX];
	struct thread_end end;

	locked_sum = atomic_sum = 0;
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++) {
		t[cpu] = sched_create_kernel(add_up, 7, cpu);
		CHECK(t[cpu] != NULL);
		sched_start(t[cpu]);
	}
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++)
		CHECK(sched_join(t[cpu], LIMIT, &end));
	CHECK(locked_sum == (uint64_t)smp_cpus() * ROUNDS * 7);
	CHECK(atomic_sum == locked_sum);
	return true;
}

static const char *without_smp_or_programs(void)
{
	struct cpio_file file;
	const char *reason = without_smp();

	return reason != NULL			 ? reason
	       : initramfs_find("where", &file) ? NULL
						 : "no initial RAM disk was loaded";
}

/* A program on each CPU at once; it exits with the CPU that it found itself on. */
static bool programs_everywhere(void)
{
	struct thread *t[CPUS_MAX];
	bool good = true;

	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++)
		t[cpu] = process_start("where", (const uint64_t[3]){50, 0, 0}, cpu);
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++) {
		struct thread_end end = {0};

		good = t[cpu] != NULL && sched_join(t[cpu], LIMIT, &end) && !end.faulted &&
		       end.status == cpu && good;
	}
	CHECK(good);
	return true;
}

const struct test tests_smp[] = {
	{"all-cpus-started", all_started, without_smp},
	{"ipi-to-each-cpu", ipis_to_each, without_smp},
	{"tlb-shootdown", tlb_shootdown, without_smp},
	{"tick-of-each-cpu", all_tick, without_smp},
	{"shared-memory", shared_memory, without_smp},
	{"programs-on-each-cpu", programs_everywhere, without_smp_or_programs},
	{NULL, NULL, NULL},
};
