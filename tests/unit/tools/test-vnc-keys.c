/* SPDX-License-Identifier: BSD-2-Clause */
/* @verifies VMM-640 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tools/vnc.h"

static void keysyms_have_keys(void **state)
{
	static const char lower[] = "1234567890-=qwertyuiop[]asdfghjkl;'`\\zxcvbnm,./";
	static const char upper[] = "!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"~|ZXCVBNM<>?";

	(void)state;
	for (unsigned int i = 0; i < sizeof(lower) - 1; i++) {
		assert_int_not_equal(vnc_key((unsigned char)lower[i]), 0);
		assert_int_equal(vnc_key((unsigned char)lower[i]), vnc_key((unsigned char)upper[i]));
	}
	assert_int_equal(vnc_key('q'), 0x10);
	assert_int_equal(vnc_key('\''), 0x28);
	assert_int_equal(vnc_key('\\'), 0x2b);
	assert_int_equal(vnc_key('/'), 0x35);
	assert_int_equal(vnc_key(' '), 0x39);
	assert_int_equal(vnc_key(0xff0d), 0x1c);
	assert_int_equal(vnc_key(0xff52), 0xc8);
	assert_int_equal(vnc_key(0xffff), 0xd3);
	assert_int_equal(vnc_key(0), 0);
	assert_int_equal(vnc_key(0x20ac), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(keysyms_have_keys)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
