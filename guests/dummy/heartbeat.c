/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/heartbeat.h"

#include "guests/dummy/rt.h"
#include "guests/dummy/timer.h"
#include "lib/x86/cpu.h"

#define WORDS (PAGE_SIZE / sizeof(uint64_t))

static uint64_t pattern(uint64_t i, uint64_t beat)
{
	return (i + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ beat;
}

static void fill(uint64_t *page, uint64_t beat)
{
	for (uint64_t i = 0; i < WORDS; i++)
		page[i] = pattern(i, beat);
}

static bool unchanged(const uint64_t *page, uint64_t beat)
{
	for (uint64_t i = 0; i < WORDS; i++) {
		if (page[i] != pattern(i, beat))
			return false;
	}
	return true;
}

_Noreturn void heartbeat_forever(uint64_t ticks)
{
	uint64_t *page = (uint64_t *)page_alloc();
	uint64_t cr4 = read_cr4(), last = rdtsc();

	for (uint64_t beat = 1;; beat++) {
		fill(page, beat);
		write_dr0(beat);
		timer_wait(ticks);

		uint64_t now = rdtsc();
		const char *wrong = !unchanged(page, beat) ? " BAD memory"
				    : read_dr0() != beat   ? " BAD dr0"
				    : read_cr4() != cr4	   ? " BAD cr4"
				    : now <= last	   ? " BAD time"
							   : " ok";

		print("heartbeat %lu%s\n", beat, wrong);
		last = now;
	}
}
