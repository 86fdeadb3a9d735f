/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/clock.h"

#include "guests/dummy/pit.h"
#include "lib/x86/cpu.h"
#include "lib/x86/pit.h"

#define CALIBRATION_HZ 200 /* a measurement takes 5 ms */

static uint64_t hz;

void clock_init(void)
{
	uint16_t count = PIT_HZ / CALIBRATION_HZ;
	uint64_t start = rdtsc();

	pit_wait(count);
	hz = (rdtsc() - start) * PIT_HZ / count;
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
