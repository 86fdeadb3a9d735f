/* SPDX-License-Identifier: BSD-2-Clause */
/* Acts in each mode of the CPU: faults, devices, and what only that mode has. */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"
#include "guests/attack/modes.h"

/** Runs the bytes in a mode. @return OUT_* */
static uint64_t run_in(enum mode mode, const void *bytes, size_t size, struct mode_job *job)
{
	struct mode_job kept = *job;

	mode_prepare(job, mode, mode_code(bytes, size));
	for (unsigned i = 0; i < 16; i++) {
		if (i != RSP)
			job->gpr[i] = kept.gpr[i];
	}
	mode_run(job);
	return job->vector == MODE_DONE ? OUT_DONE : OUT(job->vector & 31);
}

/** Nothing at all, and a fault, in each mode: the way there and back. */
static void there_and_back(uint64_t mode)
{
	static const uint8_t nop[] = {0x90, 0x40}; /* NOP; INC EAX or a prefix */
	static const uint8_t ud2[] = {0x0f, 0x0b};

	for (unsigned i = 0; i < 20; i++) {
		struct mode_job job = {.gpr = {[RBX] = 0x1234 + i}};

		if (run_in((enum mode)mode, nop, 1, &job) != OUT_DONE) {
			act_fails("%s: NOP gave vector %lu, error %lx at %lx", mode_names[mode],
				  job.vector, job.error, job.rip);
			return;
		}
		ACT_CHECK(job.gpr[RBX] == 0x1234 + i);
		ACT_CHECK(run_in((enum mode)mode, ud2, sizeof(ud2), &job) == OUT_UD);
	}
}

#define EACH_MODE(name, fn)                                                                        \
	{name "-64", name ", 64-bit", fn, MODE_64, OUT_DONE, NULL, NULL},                          \
	{name "-64-user", name ", 64-bit ring 3", fn, MODE_64_USER, OUT_DONE, NULL, NULL},         \
	{name "-compat32", name ", compatibility", fn, MODE_COMPAT32, OUT_DONE, NULL, NULL},       \
	{name "-compat16", name ", 16-bit compatibility", fn, MODE_COMPAT16, OUT_DONE, NULL, NULL}, \
	{name "-prot32", name ", protected", fn, MODE_PROT32, OUT_DONE, NULL, NULL},               \
	{name "-prot16", name ", 16-bit protected", fn, MODE_PROT16, OUT_DONE, NULL, NULL},        \
	{name "-paged32", name ", 32-bit paging", fn, MODE_PAGED32, OUT_DONE, NULL, NULL},         \
	{name "-paged32-user", name ", 32-bit paging, ring 3", fn, MODE_PAGED32_USER, OUT_DONE,    \
	 NULL, NULL},                                                                              \
	{name "-pae", name ", PAE", fn, MODE_PAE32, OUT_DONE, NULL, NULL},                         \
	{name "-pae-user", name ", PAE, ring 3", fn, MODE_PAE32_USER, OUT_DONE, NULL, NULL},       \
	{name "-vm86", name ", virtual-8086", fn, MODE_VM86, OUT_DONE, NULL, NULL},                \
	{name "-real", name ", real mode", fn, MODE_REAL, OUT_DONE, NULL, NULL},                   \
	{name "-big-real", name ", big real mode", fn, MODE_BIG_REAL, OUT_DONE, NULL, NULL}

const struct act acts_mode[] = {
	EACH_MODE("there", there_and_back),
	{NULL, NULL, NULL, 0, 0, NULL, NULL},
};
