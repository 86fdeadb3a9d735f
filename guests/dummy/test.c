/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/test.h"

#include "guests/dummy/rt.h"
#include "lib/string.h"
#include "lib/x86/regs.h"

static const struct test_group groups[] = {
	{"boot", tests_boot},	  {"cpu", tests_cpu},	    {"trap", tests_trap},
	{"ring3", tests_ring3},	  {"paging", tests_paging}, {"device", tests_device},
	{"timer", tests_timer},	  {"process", tests_process}, {"apic", tests_apic},
	{"smp", tests_smp},	  {"ipi", tests_ipi},
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static char selection[BOOT_STRING_MAX], left_out[BOOT_STRING_MAX];
static bool select_all;

/* @return whether the word is in the comma-separated list. */
static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	}
	return false;
}

static bool selected(const struct test_group *g, const struct test *t)
{
	if (listed(left_out, g->name) || listed(left_out, t->name))
		return false;
	return select_all || listed(selection, g->name) || listed(selection, t->name);
}

static unsigned count_selected(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < GROUPS; i++) {
		for (const struct test *t = groups[i].tests; t->name != NULL; t++)
			n += selected(&groups[i], t);
	}
	return n;
}

static void run(const struct test *t)
{
	const char *reason = t->skip != NULL ? t->skip() : NULL;

	if (reason != NULL)
		tap_skip(t->name, reason);
	else
		tap_result(t->run(), t->name);
}

bool test_same_error(uint64_t expected, uint64_t got)
{
	return got == expected ||
	       ((expected & SELERR_IDT) != 0 && got == (expected >> 3) * 16 + SELERR_IDT);
}

void test_run_all(void)
{
	select_all = cmdline_value("tests", selection, sizeof(selection)) == NULL;
	cmdline_value("skip", left_out, sizeof(left_out));
	tap_plan(count_selected());
	for (size_t i = 0; i < GROUPS; i++) {
		for (const struct test *t = groups[i].tests; t->name != NULL; t++) {
			if (selected(&groups[i], t))
				run(t);
		}
	}
}
