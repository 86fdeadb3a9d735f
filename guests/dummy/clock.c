/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/clock.h"

#include "guests/dummy/pit.h"
#include "lib/x86/cpu.h"
#include "lib/x86/pit.h"

static uint64_t hz;

static uint64_t now(void)
{
	return rdtsc();
}

static uint64_t measure_once(uint64_t (*counter)(void), uint16_t count)
{
	uint64_t start = counter();

	pit_wait(count);
	return counter() - start;
}

uint64_t clock_measure(uint64_t (*counter)(void))
{
	uint16_t count = PIT_HZ / CLOCK_MEASUREMENT_HZ;
	uint64_t least = UINT64_MAX;
	unsigned agreeing = 0;

	for (unsigned i = 0; i < CLOCK_MEASUREMENTS && agreeing < CLOCK_AGREEING; i++) {
		uint64_t elapsed = measure_once(counter, count);

		if (elapsed < least - least / 32)
			agreeing = 0; /* all before were too long */
		if (elapsed < least)
			least = elapsed;
		agreeing += elapsed - least <= least / 32;
	}
	return least * PIT_HZ / count;
}

void clock_init(void)
{
	hz = clock_measure(now);
}

uint64_t clock_hz(void)
{
	return hz;
}

uint64_t clock_after_us(uint64_t us)
{
	return rdtsc() + hz / 1000 * us / 1000;
}

bool clock_passed(uint64_t tsc)
{
	return (int64_t)(rdtsc() - tsc) >= 0;
}

void clock_delay_us(uint64_t us)
{
	uint64_t end = clock_after_us(us);

	while (!clock_passed(end))
		cpu_pause();
}
