/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A partition that is restarted, by itself and by another, warm and cold, and says what it finds: its
 * memory as it has to be, and why it was started. Roles by argument.
 * @verifies KRN-071
 */
#include "lib/hypike/program.h"
#include "lib/hypike/syscall.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

/* For a partition on another CPU to say what it found; longer where time isn't counted instructions. */
static uint64_t settle_ms = 30;

#define MARK UINT64_C(0x1234abcd5678ef01)

static uint64_t data = MARK;
static uint64_t bss[1024];

static uint64_t *ram_words(uint64_t *count)
{
	*count = hypike_info()->ram_size / sizeof(uint64_t);
	return hypike_info()->ram;
}

/* @return 0 where all of the RAM is zero, 1 where all of it has the mark, 2 otherwise */
static unsigned int ram_state(void)
{
	uint64_t count, *ram = ram_words(&count), first = ram[0];

	for (uint64_t i = 0; i < count; i += 64)
		if (ram[i] != first)
			return 2;
	return first == 0 ? 0 : first == MARK ? 1 : 2;
}

static void mark_ram(void)
{
	uint64_t count, *ram = ram_words(&count);

	for (uint64_t i = 0; i < count; i += 64)
		ram[i] = MARK;
}

static bool program_is_fresh(void)
{
	bool fresh = data == MARK;

	for (unsigned int i = 0; i < sizeof(bss) / sizeof(bss[0]); i++)
		fresh &= bss[i] == 0;
	return fresh;
}

static void spoil_program(void)
{
	data = 0;
	memset(bss, 0xff, sizeof(bss));
}

/* "begin 3: start 1, warm 0, ram 0, fresh 1, at TSC": what test and host look at. */
static void tell(void)
{
	uint64_t now = __builtin_ia32_rdtsc();
	const struct hypike_info *info = hypike_info();

	say("begin %u: start %u, warm %u, ram %u, fresh %u, at %lu\n", info->restarts,
	    info->start, info->warm, ram_state(), program_is_fresh(), now);
	mark_ram();
	spoil_program();
}

static void sleep_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		sleep_ms(1000);
}

static uint32_t steps;

static void compute_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		__atomic_fetch_add(&steps, 1, __ATOMIC_RELAXED);
}

/* Threads in all kinds of states, so that there is something to be stopped. */
static void crowd(void)
{
	const struct hypike_info *info = hypike_info();

	for (uint32_t i = 0; i < 4 * info->cpu_count; i++)
		if (info->cpu_mask >> i % info->cpu_count & 1)
			spawn(i % 2 != 0 ? sleep_for_ever : compute_for_ever, NULL,
			      info->priority - 1, i % info->cpu_count);
	hypike_thread_suspend(2);
}

/* warm, cold, warm ... and at last an end. */
static int restart_self(void)
{
	uint32_t restarts = hypike_info()->restarts;

	tell();
	crowd();
	if (restarts < 4)
		hypike_partition_control(hypike_info()->index,
					 restarts % 2 == 0 ? HYPIKE_RESTART_WARM
							   : HYPIKE_RESTART_COLD);
	return 0;
}

static int be_restarted(void)
{
	tell();
	crowd();
	sleep_for_ever(NULL);
	return 0;
}

static bool reaches(uint32_t partition, uint32_t state, uint32_t restarts)
{
	struct hypike_partition_status status = {0};

	for (unsigned int i = 0; i < 2000; i++) {
		hypike_partition_status(partition, &status);
		if (status.state == state && status.restarts == restarts)
			return true;
		sleep_ms(1);
	}
	return false;
}

static void sleep_us(uint64_t us)
{
	uint32_t never = 0;

	hypike_futex_wait(&never, 0, hypike_time() + us * 1000);
}

static void restart(uint32_t partition, enum hypike_control what, const char *name)
{
	struct hypike_partition_status status;

	sleep_ms(settle_ms);
	hypike_partition_status(partition, &status);
	say("%s at %lu\n", name, (uint64_t)__builtin_ia32_rdtsc());
	hypike_partition_control(partition, what);
	check(reaches(partition, HYPIKE_RUNNING, status.restarts + 1), "%s", name);
}

/* Partition 1 is the one to be restarted; 2 is dormant; this one may control. */
static int control(void)
{
	struct hypike_partition_status status;

	check(reaches(1, HYPIKE_RUNNING, 0), "it runs");
	restart(1, HYPIKE_RESTART_COLD, "cold restart");
	restart(1, HYPIKE_RESTART_WARM, "warm restart");
	sleep_ms(settle_ms);
	for (unsigned int i = 0; i < 50; i++) {
		hypike_partition_control(1, i % 2 != 0 ? HYPIKE_RESTART_WARM
						       : HYPIKE_RESTART_COLD);
		sleep_us(i * 37 % 300);
	}
	sleep_ms(settle_ms);
	hypike_partition_status(1, &status);
	check(status.restarts > 2 && reaches(1, HYPIKE_RUNNING, status.restarts),
	      "a storm of restarts");
	check(hypike_partition_control(1, HYPIKE_STOP) == HV_OK &&
		      reaches(1, HYPIKE_IDLE, status.restarts), "stopped");
	check(hypike_partition_control(1, HYPIKE_RESTART_WARM) == HV_OK &&
		      reaches(1, HYPIKE_RUNNING, status.restarts + 1), "and started again, warm");
	hypike_partition_control(1, HYPIKE_STOP);
	check(hypike_partition_control(3, HYPIKE_STOP) == HV_E_NOENT &&
		      hypike_partition_control(1, 0) == HV_E_INVALID &&
		      hypike_partition_control(1, 4) == HV_E_INVALID,
	      "what isn't there can't be stopped");
	check(reaches(2, HYPIKE_IDLE, 0), "a dormant partition isn't started at boot");
	check(hypike_partition_control(2, HYPIKE_RESTART_WARM) == HV_OK &&
		      reaches(2, HYPIKE_IDLE, 0), "it runs when it is started, to its end");
	sleep_ms(settle_ms);
	return check_done();
}

static int control_slowly(void)
{
	settle_ms = 300;
	return control();
}

static int dormant(void)
{
	tell();
	return 0;
}

int main(void)
{
	const char *args = hypike_info()->args;
	static const struct {
		const char *name;
		int (*main)(void);
	} roles[] = {
		{"self", restart_self},
		{"victim", be_restarted},
		{"control", control},
		{"control-slowly", control_slowly},
		{"dormant", dormant},
	};

	for (unsigned int i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(args, roles[i].name) == 0)
			return roles[i].main();
	return 99;
}
