/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/rt.h"

static void touch(uint64_t arg)
{
	*(volatile uint8_t *)arg = 1;
}

static uint64_t privileged(uint64_t arg)
{
	__asm__ volatile("hlt");
	return arg;
}

static uint64_t harmless(uint64_t arg)
{
	return arg + 1;
}

void guest_main(const struct boot_info *boot)
{
	struct fault f = {0};
	uint64_t r = 0;

	tap_plan(3);
	tap_note("%s, %u KiB, '%s'", boot->loader, boot->mem_upper_kib, boot->cmdline);
	tap_result(try_call(touch, 0x123456789000, &f) && f.cr2 == 0x123456789000, "try");
	tap_result(try_call_user(privileged, 1, NULL, &f) && f.vector == 13 && f.cs == USER_CS, "gp");
	tap_result(!try_call_user(harmless, 1, &r, &f) && r == 2, "user");
}
