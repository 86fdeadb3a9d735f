/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A periodic program that must not be disturbed: at each of its release windows it notes how late it
 * is, and how long a fixed piece of work takes. Its argument string is the number of windows, and the
 * bound in nanoseconds for being late (0: none).
 * @verifies KRN-090
 */
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

#define WORDS 2048u

struct extremes {
	uint64_t least, most;
};

static const char *number(const char *text, uint64_t *value)
{
	while (*text == ' ')
		text++;
	for (*value = 0; *text >= '0' && *text <= '9'; text++)
		*value = *value * 10 + (uint64_t)(*text - '0');
	return text;
}

static void note(struct extremes *e, uint64_t value)
{
	if (value < e->least)
		e->least = value;
	if (value > e->most)
		e->most = value;
}

/* The same instructions each time. @return ticks */
static uint64_t work(void)
{
	static volatile uint64_t words[WORDS];
	const uint64_t before = __builtin_ia32_rdtsc();

	for (unsigned int i = 0; i < WORDS; i++)
		words[i] += i;
	return __builtin_ia32_rdtsc() - before;
}

static uint64_t next_release(void)
{
	struct hypike_plan_status status = {0};

	hypike_plan_status(&status);
	return status.release;
}

int main(void)
{
	struct extremes late = {UINT64_MAX, 0}, worked = {UINT64_MAX, 0};
	const uint64_t khz = hypike_info()->tsc_khz;
	uint64_t frames, bound, release = 0, bits, missed = 0;

	number(number(hypike_info()->args, &frames), &bound);
	work(); /* the first touches its pages */
	for (uint64_t i = 0; i < frames; i++) {
		uint64_t next = next_release(), now;

		hypike_wait(1, next, &bits);
		now = hypike_time();
		missed += i > 0 && next - release > 10 * MS;
		release = next;
		note(&late, now - next);
		note(&worked, work());
	}
	say("steady: %lu windows, late %lu to %lu ns, work %lu to %lu ticks\n", frames, late.least,
	    late.most, worked.least, worked.most);
	say("bench window-start %lu\n", late.most * khz / 1000000);
	check(missed == 0, "no window was missed");
	check(bound == 0 || late.most <= bound, "none began later than %lu ns", bound);
	/* The neighbours have no end. */
	hypike_shutdown(check_done());
	return 99;
}
