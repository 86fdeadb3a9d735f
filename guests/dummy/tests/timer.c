/* SPDX-License-Identifier: BSD-2-Clause */
/* The tick, and halting until it. */
#include "guests/dummy/clock.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/test.h"
#include "guests/dummy/timer.h"
#include "lib/x86/cpu.h"

/* Both clocks agree within a factor: a loaded host may swallow ticks, but nothing may invent them. */
static bool ticks_counted(void)
{
	uint64_t start = timer_ticks(), tsc = rdtsc();

	timer_wait(10);

	uint64_t ticks = timer_ticks() - start;
	uint64_t expected = (rdtsc() - tsc) * TIMER_HZ / clock_hz();

	CHECK(ticks >= 10);
	if (ticks > 2 * expected + 5) {
		tap_note("%lu ticks where the TSC says %lu", ticks, expected);
		return false;
	}
	return true;
}

static bool ticks_while_busy(void)
{
	uint64_t start = timer_ticks(), end = clock_after_us(2000000);

	while (timer_ticks() < start + 3 && !clock_passed(end))
		cpu_pause();
	CHECK(timer_ticks() >= start + 3);
	return true;
}

/* Disabled interrupts hold the tick back; it comes when they are enabled. */
static bool interrupts_held_back(void)
{
	timer_wait(1);
	uint64_t flags = irq_save();
	uint64_t before = timer_ticks();

	clock_delay_us(12000);
	uint64_t held = timer_ticks();
	irq_restore(flags);

	uint64_t end = clock_after_us(2000000);

	while (timer_ticks() == before && !clock_passed(end))
		cpu_pause();
	CHECK(held == before);
	CHECK(timer_ticks() > before);
	return true;
}

static bool halt_wakes(void)
{
	for (unsigned i = 0; i < 5; i++) {
		uint64_t before;

		cli();
		before = timer_ticks();
		sti_hlt();
		CHECK(timer_ticks() > before);
	}
	return true;
}

const struct test tests_timer[] = {
	{"ticks", ticks_counted, NULL},
	{"ticks-while-busy", ticks_while_busy, NULL},
	{"interrupts-held-back", interrupts_held_back, NULL},
	{"halt-wakes", halt_wakes, NULL},
	{NULL, NULL, NULL},
};
