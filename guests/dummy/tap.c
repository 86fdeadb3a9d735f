/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/tap.h"

#include <stdarg.h>

#include "guests/dummy/console.h"
#include "lib/printf.h"

static unsigned planned, reported, failed;

void tap_plan(unsigned count)
{
	planned = count;
	print("1..%u\n", count);
}

void tap_result(bool ok, const char *name)
{
	reported++;
	if (!ok)
		failed++;
	print("%s %u - %s\n", ok ? "ok" : "not ok", reported, name);
}

void tap_skip(const char *name, const char *reason)
{
	reported++;
	print("ok %u - %s # SKIP %s\n", reported, name, reason);
}

void tap_note(const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	lib_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print("# %s\n", text);
}

unsigned tap_failures(void)
{
	return failed + (planned > reported ? planned - reported : 0);
}
