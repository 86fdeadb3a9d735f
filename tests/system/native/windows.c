/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time windows, seen from inside: a partition looks at the clock without end and notes when it was
 * away. What the plans are stands in meson.build; here are the windows of each role in them.
 *
 * The argument string is the role, and "loose" where time isn't exact (CPUs that run in parallel).
 * @verifies KRN-100
 * @verifies KRN-101
 * @verifies KRN-102
 * @verifies KRN-103
 * @verifies KRN-106
 * @verifies KRN-108
 */
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

#include <hypike/system.h>
#include <hypike/trace.h>

#define US	UINT64_C(1000)
#define AWAY	(40 * US)  /* longer than the kernel ever needs, shorter than any gap in a plan */
#define PROMPT	(35 * US)  /* from a window's start to the first look at the clock, at the most */
#define SHARP	(1 * US)   /* from a window's end to the last look before it, where the timer is late */
#define FRAMES	80u
#define BURSTS	(2 * FRAMES)

struct window {
	uint64_t offset, duration;
};

/* What a role has in a plan: `count` windows. */
struct share {
	uint64_t frame;
	uint32_t count;
	struct window window[2];
};

static const struct share observer[] = {
	{2000 * US, 2, {{0, 300 * US}, {1000 * US, 300 * US}}},
	{1000 * US, 1, {{500 * US, 200 * US}}},
};
/* The gap behind the busy partition's window; what the lazy one gives up, and the gap behind that. */
static const struct share background = {2000 * US, 2, {{800 * US, 200 * US}, {1300 * US, 700 * US}}};

static bool loose;

/* ---- when the CPU was ours ---- */

struct burst {
	uint64_t start, end;
};

/* Each CPU's: `wanted` bursts, the first of which begins after the call. */
static void collect(struct burst *bursts, uint32_t wanted)
{
	uint64_t now = hypike_time(), before;

	for (uint32_t i = 0; i <= wanted; i++) {
		do {
			before = now;
			now = hypike_time();
		} while (now - before < AWAY);
		if (i > 0)
			bursts[i - 1].end = before;
		if (i < wanted)
			bursts[i].start = now;
	}
}

/* Where a burst that began at `time` stands in the share: 0, 1, ... since the epoch. */
static uint64_t number_of(const struct share *share, uint64_t epoch, uint64_t time, uint64_t *planned)
{
	uint64_t frame = (time - epoch) / share->frame, in = (time - epoch) % share->frame;
	uint32_t k = share->count;

	while (k > 0 && share->window[k - 1].offset > in)
		k--;
	*planned = epoch + frame * share->frame + (k > 0 ? share->window[k - 1].offset : 0);
	return frame * share->count + k - 1;
}

/* All there is to say about a series of bursts. */
struct verdict {
	uint64_t latest;   /* start after the planned one */
	uint64_t overrun;  /* end behind the planned one */
	uint64_t shortest; /* length */
	uint32_t missing, strange;
};

static struct verdict judge(const struct share *share, uint64_t epoch, const struct burst *bursts,
			    uint32_t count)
{
	struct verdict v = {.shortest = UINT64_MAX};
	uint64_t planned, last = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t n = number_of(share, epoch, bursts[i].start, &planned);
		uint64_t length = share->window[n % share->count].duration;

		if (i > 0 && n != last + 1)
			v.missing++;
		if (bursts[i].start >= planned + length)
			v.strange++;
		if (bursts[i].start - planned > v.latest)
			v.latest = bursts[i].start - planned;
		if (bursts[i].end > planned + length && bursts[i].end - planned - length > v.overrun)
			v.overrun = bursts[i].end - planned - length;
		if (bursts[i].end - bursts[i].start < v.shortest)
			v.shortest = bursts[i].end - bursts[i].start;
		last = n;
	}
	return v;
}

static void check_bursts(const char *what, const struct share *share, uint64_t epoch,
			 const struct burst *bursts, uint32_t count)
{
	struct verdict v = judge(share, epoch, bursts, count);

	say("# %s: %u windows, latest start %lu ns, latest end %lu ns, shortest %lu ns\n", what,
	    count, v.latest, v.overrun, v.shortest);
	if (loose)
		return;
	check(v.strange == 0, "%s: no time outside its windows", what);
	check(v.missing == 0, "%s: no window is missing", what);
	check(v.latest <= PROMPT, "%s: all begin on time", what);
	check(v.overrun <= SHARP, "%s: none is overrun", what);
}

/* ---- the observer ---- */

static struct burst bursts[2][BURSTS];
static struct hypike_plan_status status;

static void test_status(void)
{
	bool known = hypike_plan_status(&status) == HV_OK && status.plan_count == 2;

	check(known && status.plan == 0 && status.next == 0 && strcmp(status.name, "main") == 0,
	      "the first plan is on");
	check(status.frame == 2000 * US && status.period == 1000 * US && status.duration == 300 * US,
	      "its frame, the partition's period and duration");
	check((status.frame_start - status.last_switch) % status.frame == 0 &&
		      status.frame_start <= hypike_time(),
	      "frames count from the plan's start");
	check((status.release - status.last_switch) % status.period == 0 &&
		      status.release > status.frame_start &&
		      status.release <= status.frame_start + status.frame,
	      "the next release is a window's start");
	check(hypike_plan_status((struct hypike_plan_status *)8) == HV_E_FAULT,
	      "a bad address is refused");
}

static void test_periodic(void)
{
	collect(bursts[0], BURSTS);
	check_bursts("main", &observer[0], status.last_switch, bursts[0], BURSTS);
}

/* Due outside the window: it goes off when the next begins. Due inside: at once. */
static void test_timers(void)
{
	static uint32_t never;
	uint64_t late = 0, early = 0;

	for (unsigned int i = 0; i < 10; i++) {
		uint64_t due, now;

		hypike_plan_status(&status);
		due = status.release + 500 * US;
		hypike_futex_wait(&never, 0, due);
		now = hypike_time();
		early += now < due + 500 * US;
		late = now - due > late ? now - due : late;
		due = status.release + 1100 * US;
		hypike_futex_wait(&never, 0, due);
		now = hypike_time();
		early += now < due;
		late = now - due + 500 * US > late ? now - due + 500 * US : late;
	}
	say("# latest timer %lu ns\n", late - 500 * US);
	check(early == 0, "timers that are due outside the windows wait for the next one");
	check(loose || late <= 500 * US + PROMPT, "and those due inside go off on time");
}

static void test_switch(void)
{
	static uint32_t never;
	uint64_t end;

	check(hypike_plan_set(2) == HV_E_NOENT, "a plan that is not there can't be chosen");
	hypike_plan_status(&status);
	hypike_futex_wait(&never, 0, status.frame_start + status.frame); /* enough time in this frame */
	hypike_plan_status(&status);
	end = status.frame_start + status.frame;
	check(hypike_plan_set(1) == HV_OK, "the other plan can");
	hypike_plan_status(&status);
	check(hypike_time() > end || (status.plan == 0 && status.next == 1), "the switch waits");
	collect(bursts[0], 1); /* in the old frame, perhaps */
	collect(bursts[0], FRAMES);
	hypike_plan_status(&status);
	check(status.plan == 1 && status.next == 1 && strcmp(status.name, "other") == 0,
	      "then the other plan is on");
	check(status.last_switch == end || loose, "from the end of the frame on");
	check(status.frame == 1000 * US && status.period == 1000 * US &&
		      status.duration == 200 * US,
	      "with its own frame, period and duration");
	check_bursts("other", &observer[1], status.last_switch, bursts[0], FRAMES);
	check(hypike_plan_set(0) == HV_OK && hypike_plan_set(1) == HV_OK, "a switch is taken back");
	end = status.last_switch;
	sleep_ms(3);
	hypike_plan_status(&status);
	/* Beside a busy computer a frame may end between the two. */
	check((status.plan == 1 && status.last_switch == end) || loose, "and the plan goes on");
}

static int observe(void)
{
	test_status();
	test_periodic();
	test_timers();
	test_switch();
	hypike_shutdown(check_done());
	return 1;
}

/* ---- an observer on two CPUs ---- */

#define BEFORE 16u
#define AFTER  16u

static uint32_t seen;

static void look_on_second_cpu(void *arg)
{
	(void)arg;
	collect(bursts[1], BEFORE + AFTER);
	store(&seen, 1);
}

/* The plans have the same windows on both CPUs: up to `end` those of the first, then of the other. */
static void check_switch(const char *what, uint64_t start, uint64_t end, const struct burst *burst)
{
	uint64_t latest = 0, planned;
	uint32_t strange = 0, after = 0;

	for (uint32_t i = 0; i < BEFORE + AFTER; i++) {
		bool other = burst[i].start >= end;
		const struct share *share = &observer[other];
		uint64_t n = number_of(share, other ? end : start, burst[i].start, &planned);

		after += other;
		strange += burst[i].start >= planned + share->window[n % share->count].duration;
		if (burst[i].start - planned > latest)
			latest = burst[i].start - planned;
	}
	say("# %s: %u windows of the second plan, latest start %lu ns\n", what, after, latest);
	check(loose || (after > 0 && after < BEFORE + AFTER), "%s: windows of both plans", what);
	check(loose || strange == 0, "%s: no time outside of them", what);
	check(loose || latest <= PROMPT, "%s: all begin on time, by one clock", what);
}

static int watch_two_cpus(void)
{
	uint64_t start, end;

	spawn(look_on_second_cpu, NULL, hypike_info()->priority, 1);
	collect(bursts[0], BEFORE);
	hypike_plan_status(&status);
	start = status.last_switch;
	end = status.frame_start + status.frame;
	check(status.cpu_mask_low == 3, "two CPUs have windows");
	check(hypike_plan_set(1) == HV_OK, "another plan is chosen");
	collect(bursts[0] + BEFORE, AFTER);
	wait_for(&seen, 1);
	hypike_plan_status(&status);
	check(status.plan == 1 && (loose || status.last_switch == end), "and is on since the frame's end");
	end = status.last_switch;
	check_switch("first CPU", start, end, bursts[0]);
	check_switch("second CPU", start, end, bursts[1]);
	hypike_shutdown(check_done());
	return 1;
}

/* ---- what the neighbour leaves behind ---- */

#define FLUSH_ALL                                                                                  \
	(SYSTEM_PARTITION_FLUSH_CACHE | SYSTEM_PARTITION_FLUSH_BRANCH | SYSTEM_PARTITION_FLUSH_TLB)

static struct trace_record records[64];

/* The neighbour's flags were obeyed before this partition's windows, in the trace of the first CPU. */
static void count_flushes(uint32_t *flushes, uint32_t *wrong)
{
	uint64_t position = 0;
	int64_t count;

	while ((count = hypike_trace_read(0, &position, records, sizeof(records))) > 0)
		for (int64_t i = 0; i < count; i++) {
			const struct trace_record *record = &records[i];

			if (record->event != TRACE_FLUSH)
				continue;
			++*flushes;
			*wrong += record->a != FLUSH_ALL ||
				  record->partition != hypike_info()->index || record->b == 0;
		}
}

static int count(void)
{
	uint32_t flushes = 0, wrong = 0;

	collect(bursts[0], 30);
	count_flushes(&flushes, &wrong);
	say("# %u flushes\n", flushes);
	check(flushes >= 9, "what the neighbour leaves is flushed when its window is followed by another's");
	check(wrong == 0, "all that is configured, and nothing where nobody else ran in between");
	hypike_shutdown(check_done());
	return 1;
}

/* ---- the others ---- */

/* In the background: one more round than the observer has in plan 0. */
_Noreturn static int fill(void)
{
	check(hypike_plan_set(1) == HV_E_DENIED, "background: it may not choose the plan");
	hypike_plan_status(&status);
	check(status.release == HYPIKE_FOREVER && status.period == 0 && status.duration == 0,
	      "background: it has no windows");
	sleep_ms(10); /* until the others have used their windows to begin */
	collect(bursts[0], BURSTS / 2);
	check_bursts("background", &background, status.last_switch, bursts[0], BURSTS / 2);
	check_done();
	for (;;)
		__builtin_ia32_pause();
}

/* Time-outs that are due in others' windows, most of them. */
static void nuisance(void *arg)
{
	static uint32_t never;

	(void)arg;
	for (uint64_t at = hypike_time();; at += 100 * US)
		hypike_futex_wait(&never, 0, at);
}

_Noreturn static int storm(void)
{
	uint32_t cpu = (uint32_t)__builtin_ctzll(hypike_info()->cpu_mask);

	for (unsigned int i = 0; i < 12; i++)
		spawn(nuisance, NULL, hypike_info()->priority - 1, cpu);
	for (;;)
		sleep_ms(1);
}

_Noreturn static int spin(void)
{
	for (;;)
		__builtin_ia32_pause();
}

static int toil(void)
{
	spin_ms(1200);
	return 0;
}

_Noreturn static int sleep_for_ever(void)
{
	for (;;)
		sleep_ms(1000000);
}

static const struct role {
	const char *name;
	int (*main)(void);
} roles[] = {{"observer", observe}, {"pair", watch_two_cpus},
	     {"count", count}, {"filler", fill}, {"storm", storm}, {"spin", spin},
	     {"toil", toil}, {"lazy", sleep_for_ever}};

int main(void)
{
	const char *args = hypike_info()->args;

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		size_t length = strlen(roles[i].name);

		if (memcmp(args, roles[i].name, length) != 0)
			continue;
		loose = strcmp(args + length, " loose") == 0;
		return roles[i].main();
	}
	check(false, "there is a role %s", args);
	return check_done();
}
