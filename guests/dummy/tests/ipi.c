/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages between CPUs: every delivery mode and destination, and what systems use them for.
 * @verifies DUM-014
 */
#include "guests/dummy/clock.h"
#include "guests/dummy/lapic.h"
#include "guests/dummy/machine.h"
#include "guests/dummy/process.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/smp.h"
#include "guests/dummy/test.h"
#include "guests/dummy/timer.h"
#include "lib/x86/apic.h"
#include "lib/x86/cpu.h"

#define PATIENCE_US 2000000
#define LIMIT	    (20 * TIMER_HZ)
#define TEST	    (LAPIC_TEST_VECTOR | APIC_ICR_ASSERT)
#define FLAT_CPUS   8 /* that have a bit of their own in the flat model */
#define FLAT_DFR    0xffffffffu
#define CLUSTER_DFR 0x0fffffffu
#define PER_CLUSTER 2u

static const char *without_others(void)
{
	return smp_cpus() < 2 ? "one CPU" : NULL;
}

static const char *without_xapic(void)
{
	return smp_cpus() < 2 ? "one CPU" : lapic_is_x2apic() ? "x2APIC" : NULL;
}

static const char *without_x2apic(void)
{
	return smp_cpus() < 2 ? "one CPU" : lapic_is_x2apic() ? NULL : "xAPIC";
}

/* ---- who got how many ---- */

static unsigned taken[CPUS_MAX];

static unsigned load(const unsigned *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static bool note_interrupt(struct trap_frame *f, void *ctx)
{
	(void)f;
	(void)ctx;
	__atomic_fetch_add(&taken[cpu_index()], 1, __ATOMIC_RELEASE);
	lapic_eoi();
	return true;
}

static bool note_nmi(struct trap_frame *f, void *ctx)
{
	(void)f;
	(void)ctx;
	__atomic_fetch_add(&taken[cpu_index()], 1, __ATOMIC_RELEASE);
	return true;
}

static unsigned taken_by(uint32_t cpus)
{
	unsigned sum = 0;

	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++)
		sum += (cpus >> cpu & 1) != 0 ? load(&taken[cpu]) : 0;
	return sum;
}

static uint32_t everybody(void)
{
	return (1u << smp_cpus()) - 1;
}

static void settle(uint32_t cpus, unsigned expected)
{
	uint64_t end = clock_after_us(PATIENCE_US);

	while (taken_by(cpus) < expected && !clock_passed(end))
		cpu_pause();
}

/* A moment in which one too many would show. */
#define MOMENT_US 200

static unsigned count_of(uint32_t cpus)
{
	unsigned n = 0;

	for (; cpus != 0; cpus &= cpus - 1)
		n++;
	return n;
}

/* Sends it, and checks that those CPUs got one each, and nobody else any. */
static bool reaches(uint32_t destination, uint32_t command, uint32_t cpus)
{
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++)
		__atomic_store_n(&taken[cpu], 0, __ATOMIC_RELEASE);
	lapic_send(destination, command);
	settle(cpus, count_of(cpus));
	clock_delay_us(MOMENT_US);
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++) {
		if (load(&taken[cpu]) == (cpus >> cpu & 1))
			continue;
		tap_note("command %x to %x: CPU %u got %u", command, destination, cpu,
			 load(&taken[cpu]));
		return false;
	}
	return true;
}

static bool finish(bool good, unsigned vector)
{
	trap_register(vector, NULL, NULL);
	return good;
}

/* ---- fixed ---- */

static bool physical(void)
{
	const uint32_t all = lapic_is_x2apic() ? 0xffffffffu : 0xffu;
	bool good = true;

	trap_register(LAPIC_TEST_VECTOR, note_interrupt, NULL);
	for (unsigned cpu = 0; cpu < smp_cpus() && good; cpu++)
		good = reaches(cpu_get(cpu)->apic_id, TEST, 1u << cpu);
	good = good && reaches(all, TEST, everybody());
	good = good && reaches(all - 1, TEST, 0); /* nobody's */
	return finish(good, LAPIC_TEST_VECTOR);
}

static bool shorthands(void)
{
	bool good;

	trap_register(LAPIC_TEST_VECTOR, note_interrupt, NULL);
	good = reaches(0, TEST | APIC_ICR_TO_SELF, 1) &&
	       reaches(0, TEST | APIC_ICR_TO_ALL, everybody()) &&
	       reaches(0, TEST | APIC_ICR_TO_OTHERS, everybody() & ~1u);
	return finish(good, LAPIC_TEST_VECTOR);
}

/* ---- logical destinations ---- */

struct logical {
	uint32_t ldr, dfr;
};
static struct logical kept[CPUS_MAX];

static void keep_logical(uint64_t arg)
{
	(void)arg;
	kept[cpu_index()].ldr = lapic_read(APIC_LDR);
	if (!lapic_is_x2apic())
		kept[cpu_index()].dfr = lapic_read(APIC_DFR);
}

static void restore_logical(uint64_t arg)
{
	(void)arg;
	lapic_write(APIC_DFR, kept[cpu_index()].dfr);
	lapic_write(APIC_LDR, kept[cpu_index()].ldr);
}

static void be_flat(uint64_t arg)
{
	(void)arg;
	lapic_write(APIC_DFR, FLAT_DFR);
	lapic_write(APIC_LDR, cpu_index() < FLAT_CPUS ? 1u << (24 + cpu_index()) : 0);
}

static uint32_t cluster_address(unsigned cpu)
{
	return cpu / PER_CLUSTER << 4 | 1u << cpu % PER_CLUSTER;
}

static void be_clustered(uint64_t arg)
{
	(void)arg;
	lapic_write(APIC_DFR, CLUSTER_DFR);
	lapic_write(APIC_LDR, cluster_address(cpu_index()) << 24);
}

static bool on_all(void (*fn)(uint64_t arg))
{
	bool good = true;

	for (unsigned cpu = 1; cpu < smp_cpus(); cpu++)
		good = smp_call(cpu, fn, 0) && good;

	uint64_t flags = irq_save();

	fn(0);
	irq_restore(flags);
	return good;
}

static bool masks(uint32_t delivery)
{
	for (uint32_t mask = 1; mask <= everybody() && mask < 0x100; mask++) {
		if (!reaches(mask, delivery | APIC_ICR_LOGICAL, mask))
			return false;
	}
	return true;
}

static bool logical_flat(void)
{
	bool good;

	trap_register(LAPIC_TEST_VECTOR, note_interrupt, NULL);
	good = on_all(keep_logical) && on_all(be_flat) && masks(TEST) &&
	       reaches(0xff, TEST | APIC_ICR_LOGICAL, everybody());
	good = on_all(restore_logical) && good;
	return finish(good, LAPIC_TEST_VECTOR);
}

/* A cluster's number and a mask of its members; 15 is all clusters. */
static bool logical_cluster(void)
{
	const unsigned last = smp_cpus() - 1;
	bool good;

	trap_register(LAPIC_TEST_VECTOR, note_interrupt, NULL);
	good = on_all(keep_logical) && on_all(be_clustered);
	for (unsigned cpu = 0; cpu < smp_cpus() && good; cpu++)
		good = reaches(cluster_address(cpu), TEST | APIC_ICR_LOGICAL, 1u << cpu);
	good = good && reaches(3, TEST | APIC_ICR_LOGICAL, 3);
	good = good && reaches(0xff, TEST | APIC_ICR_LOGICAL, everybody());
	good = good && reaches((last / PER_CLUSTER + 1) << 4 | 3, TEST | APIC_ICR_LOGICAL, 0);
	good = on_all(restore_logical) && good;
	return finish(good, LAPIC_TEST_VECTOR);
}

/* It comes of the identifier: cluster, and a bit in it (SDM vol. 3, 10.12.10.2). */
static bool logical_id_good(unsigned cpu)
{
	const uint32_t id = cpu_get(cpu)->apic_id, expected = id >> 4 << 16 | 1u << (id & 15);

	if (kept[cpu].ldr != expected)
		tap_note("CPU %u: LDR %x, not %x", cpu, kept[cpu].ldr, expected);
	return kept[cpu].ldr == expected;
}

static bool logical_x2apic(void)
{
	bool good = on_all(keep_logical);
	uint32_t all = 0, cluster = 0;

	trap_register(LAPIC_TEST_VECTOR, note_interrupt, NULL);
	for (unsigned cpu = 0; cpu < smp_cpus() && good; cpu++) {
		good = logical_id_good(cpu) &&
		       reaches(kept[cpu].ldr, TEST | APIC_ICR_LOGICAL, 1u << cpu);
		if (kept[cpu].ldr >> 16 == kept[0].ldr >> 16) {
			all |= kept[cpu].ldr;
			cluster |= 1u << cpu;
		}
	}
	good = good && reaches(all, TEST | APIC_ICR_LOGICAL, cluster);
	good = good && reaches(0xffffffffu, TEST | APIC_ICR_LOGICAL, everybody());
	good = good && reaches(0x7fff0001, TEST | APIC_ICR_LOGICAL, 0);
	return finish(good, LAPIC_TEST_VECTOR);
}

/* ---- lowest priority ---- */

/* Exactly one of those meant; which is the machine's choice (emulators don't look at priorities). */
static bool one_of(uint32_t destination, uint32_t cpus)
{
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++)
		__atomic_store_n(&taken[cpu], 0, __ATOMIC_RELEASE);
	lapic_send(destination, TEST | APIC_DM_LOWEST | APIC_ICR_LOGICAL);
	settle(cpus, 1);
	clock_delay_us(MOMENT_US);
	return taken_by(cpus) == 1 && taken_by(everybody()) == 1;
}

static bool lowest_priority(void)
{
	bool good;

	trap_register(LAPIC_TEST_VECTOR, note_interrupt, NULL);
	good = on_all(keep_logical) && on_all(be_flat);
	for (uint32_t mask = 1; mask <= everybody() && mask < 0x100 && good; mask++)
		good = one_of(mask, mask);
	good = on_all(restore_logical) && good;
	return finish(good, LAPIC_TEST_VECTOR);
}

/* ---- NMI, INIT, start-up ---- */

static bool nmis(void)
{
	bool good = true;

	trap_register(X86_NMI, note_nmi, NULL);
	for (unsigned cpu = 0; cpu < smp_cpus() && good; cpu++)
		good = reaches(cpu_get(cpu)->apic_id, APIC_DM_NMI | APIC_ICR_ASSERT, 1u << cpu);
	good = good && reaches(0, APIC_DM_NMI | APIC_ICR_ASSERT | APIC_ICR_TO_OTHERS,
			       everybody() & ~1u);
	return finish(good, X86_NMI);
}

static void be_quiet(uint64_t arg)
{
	(void)arg;
	lapic_timer_stop();
}

/*
 * INIT stops a CPU: it takes nothing more until it is started, from the beginning; a start-up message to one
 * that runs does nothing.
 */
static bool init_and_startup(void)
{
	const unsigned last = smp_cpus() - 1, before = smp_starts(last);
	const uint32_t id = cpu_get(last)->apic_id;
	bool deaf, started, ignored;

	trap_register(LAPIC_TEST_VECTOR, note_interrupt, NULL);
	CHECK(smp_call(last, be_quiet, 0));
	clock_delay_us(1000);
	lapic_send(id, APIC_DM_INIT | APIC_ICR_ASSERT);
	clock_delay_us(1000);
	deaf = reaches(id, TEST, 0);
	started = smp_start_again(last);
	lapic_send(id, SMP_STARTUP);
	ignored = reaches(id, TEST, 1u << last) && smp_starts(last) == before + 1;
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(deaf);
	CHECK(started);
	CHECK(ignored);
	return true;
}

/* ---- what it is for ---- */

#define LAPS 100

static unsigned hops;

static bool pass_on(struct trap_frame *f, void *ctx)
{
	(void)f;
	(void)ctx;
	lapic_eoi();
	if (__atomic_add_fetch(&hops, 1, __ATOMIC_RELAXED) < LAPS * smp_cpus())
		lapic_send(cpu_get((cpu_index() + 1) % smp_cpus())->apic_id, TEST);
	return true;
}

static bool all_hops(void *ctx)
{
	(void)ctx;
	return load(&hops) == LAPS * smp_cpus();
}

/* None is lost, though each CPU halts meanwhile. */
static bool relay(void)
{
	bool all;

	hops = 0;
	trap_register(LAPIC_TEST_VECTOR, pass_on, NULL);
	lapic_send(cpu_get(1)->apic_id, TEST);
	all = timer_wait_for(all_hops, NULL, LIMIT);
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(all);
	return true;
}

#define WINDOW	  X86_U64(0x0000600080000000)
#define REMAPS	  100
#define PAGES	  4

static uint64_t newest;	 /* what every CPU must see from now on */
static unsigned stale;	 /* how often one saw less */
static unsigned watching; /* CPUs that look */
static bool watch;

static void look(uint64_t arg)
{
	(void)arg;
	__atomic_fetch_add(&watching, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&watch, __ATOMIC_ACQUIRE)) {
		const uint64_t least = __atomic_load_n(&newest, __ATOMIC_ACQUIRE);

		if (*(volatile uint64_t *)WINDOW < least)
			__atomic_fetch_add(&stale, 1, __ATOMIC_RELAXED);
		cpu_pause();
	}
}

/* The next page takes the window's place; where all TLBs have forgotten the one before, it counts. */
static bool remap(const uint64_t *pages, uint64_t generation)
{
	unsigned level;

	*(volatile uint64_t *)pages[generation % PAGES] = generation;
	*paging_entry(paging_kernel_root(), WINDOW, &level) =
		pages[generation % PAGES] | PTE_P | PTE_RW | PTE_XD;
	if (!smp_invalidate(WINDOW))
		return false;
	__atomic_store_n(&newest, generation, __ATOMIC_RELEASE);
	return true;
}

static bool all_watch(void *ctx)
{
	(void)ctx;
	return load(&watching) == smp_cpus() - 1;
}

static bool shootdown_under_load(void)
{
	struct thread *t[CPUS_MAX];
	struct thread_end end;
	uint64_t pages[PAGES];
	bool good = true;

	for (unsigned i = 0; i < PAGES; i++)
		pages[i] = page_alloc();
	*(uint64_t *)pages[0] = 0;
	newest = stale = watching = 0;
	__atomic_store_n(&watch, true, __ATOMIC_RELEASE);
	CHECK(paging_map(paging_kernel_root(), WINDOW, pages[0], SIZE_4K, PTE_RW | PTE_XD));
	for (unsigned cpu = 1; cpu < smp_cpus(); cpu++) {
		t[cpu] = sched_create_kernel(look, 0, cpu);
		CHECK(t[cpu] != NULL);
		sched_start(t[cpu]);
	}
	good = timer_wait_for(all_watch, NULL, LIMIT);
	for (uint64_t i = 1; i <= REMAPS && good; i++)
		good = remap(pages, i);
	__atomic_store_n(&watch, false, __ATOMIC_RELEASE);
	for (unsigned cpu = 1; cpu < smp_cpus(); cpu++)
		good = sched_join(t[cpu], LIMIT, &end) && good;
	CHECK(paging_unmap(paging_kernel_root(), WINDOW) && smp_invalidate(WINDOW));
	for (unsigned i = 0; i < PAGES; i++)
		page_free(pages[i]);
	CHECK(good && stale == 0);
	return true;
}

/* ---- each CPU's own timer ---- */

#define TIMERS_MS 4 /* CPU n asks for (n + 1) times as much */

static uint64_t asked[CPUS_MAX], got[CPUS_MAX];

static bool note_time(struct trap_frame *f, void *ctx)
{
	(void)f;
	(void)ctx;
	got[cpu_index()] = rdtsc();
	__atomic_fetch_add(&taken[cpu_index()], 1, __ATOMIC_RELEASE);
	lapic_eoi();
	return true;
}

/* A thread of each CPU: a one-shot timer, and a TSC deadline where there is one, of its own length. */
static void own_timer(uint64_t deadline)
{
	const unsigned cpu = cpu_index();
	const uint64_t ms = TIMERS_MS * (cpu + 1), end = clock_after_us(PATIENCE_US);

	cli();
	asked[cpu] = clock_after_us(ms * 1000);
	if (deadline)
		lapic_timer_deadline(LAPIC_TEST_VECTOR, asked[cpu]);
	else
		lapic_timer_start(APIC_LVT_ONESHOT, LAPIC_TEST_VECTOR,
				  (uint32_t)(lapic_timer_hz() * ms / 1000));
	while (load(&taken[cpu]) == 0 && !clock_passed(end)) {
		sti_hlt();
		cli();
	}
	lapic_timer_stop();
	timer_init_ap();
	sti();
}

static bool timers(bool deadline)
{
	struct thread *t[CPUS_MAX];
	struct thread_end end;
	bool good = true;

	trap_register(LAPIC_TEST_VECTOR, note_time, NULL);
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++)
		taken[cpu] = 0;
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++) {
		t[cpu] = sched_create_kernel(own_timer, deadline, cpu);
		CHECK(t[cpu] != NULL);
		sched_start(t[cpu]);
	}
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++)
		good = sched_join(t[cpu], LIMIT, &end) && good;
	trap_register(LAPIC_TEST_VECTOR, NULL, NULL);
	CHECK(good);
	for (unsigned cpu = 0; cpu < smp_cpus(); cpu++) {
		const uint64_t slack = deadline ? 0 : clock_hz() / 1000; /* of the calibration */

		CHECK(load(&taken[cpu]) == 1 && got[cpu] + slack >= asked[cpu]);
	}
	return true;
}

static bool timer_of_each_cpu(void)
{
	return timers(false);
}

static bool deadline_of_each_cpu(void)
{
	return timers(true);
}

static const char *without_deadlines(void)
{
	return smp_cpus() < 2		     ? "one CPU"
	       : !cpu_features.tsc_deadline ? "the CPU has no TSC-deadline timer"
					     : NULL;
}

const struct test tests_ipi[] = {
	{"ipi-physical", physical, without_others},
	{"ipi-shorthands", shorthands, without_others},
	{"ipi-logical-flat", logical_flat, without_xapic},
	{"ipi-logical-cluster", logical_cluster, without_xapic},
	{"ipi-logical-x2apic", logical_x2apic, without_x2apic},
	{"ipi-lowest-priority", lowest_priority, without_xapic},
	{"ipi-nmi", nmis, without_others},
	{"ipi-init-and-startup", init_and_startup, without_others},
	{"ipi-relay", relay, without_others},
	{"tlb-shootdown-under-load", shootdown_under_load, without_others},
	{"timer-of-each-cpu", timer_of_each_cpu, without_others},
	{"tsc-deadline-of-each-cpu", deadline_of_each_cpu, without_deadlines},
	{NULL, NULL, NULL},
};
