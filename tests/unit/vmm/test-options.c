/* SPDX-License-Identifier: BSD-2-Clause */
/* Command line and console. @verifies VMM-010 VMM-080 */
#include "tests/unit/vmm/bench.h"

#include <string.h>

#include "vmm/console.h"
#include "vmm/options.h"

static struct options options;
static struct console console;
static struct timer_queue timers;
static char keys[64];
static uint32_t escaped;

static void take_key(void *ctx, uint8_t byte)
{
	(void)ctx;
	keys[strlen(keys)] = (char)byte;
}

static void take_escape(void *ctx, uint32_t key)
{
	(void)ctx;
	escaped = key;
}

static int setup(void **state)
{
	(void)state;
	mock_reset();
	memset(keys, 0, sizeof(keys));
	escaped = 0;
	timers = (struct timer_queue){.count = 0};
	console_init(&console, &timers);
	console.input = (struct byte_sink){take_key, NULL};
	console.escape = (struct command){take_escape, NULL};
	return 0;
}

static void defaults(void **state)
{
	(void)state;
	assert_null(options_parse("", &options));
	assert_int_equal(options.memory, 64 << 20);
	assert_int_equal(options.vcpus, 1);
	assert_string_equal(options.machine, "pc");
	assert_string_equal(options.cmdline, "");
	assert_null(options.kernel);
	assert_int_equal(options.modules, 0);
	assert_false(options.screen || options.trace_absent || options.no_summary);
}

static void everything(void **state)
{
	(void)state;
	assert_null(options_parse("  --memory 1G --kernel k.elf --cmdline \"a  b='c' \\\"d\\\"\" "
				  "--module 'm1 x y' --module m2 --vcpus 4 --machine pc "
				  "--disk d1 --disk d2,overlay --net n,mac=2 --virtio-console "
				  "--rng --rng-seed 7 --timeout-ms 500 --screen\t--trace-absent --no-summary ",
				  &options));
	assert_int_equal(options.memory, 1 << 30);
	assert_string_equal(options.kernel, "k.elf");
	assert_string_equal(options.cmdline, "a  b='c' \"d\"");
	assert_int_equal(options.modules, 2);
	assert_string_equal(options.module[0], "m1 x y");
	assert_string_equal(options.module[1], "m2");
	assert_int_equal(options.disks, 2);
	assert_string_equal(options.disk[1], "d2,overlay");
	assert_int_equal(options.nets, 1);
	assert_string_equal(options.net[0], "n,mac=2");
	assert_true(options.virtio_console && options.rng);
	assert_int_equal(options.rng_seed, 7);
	assert_int_equal(options.vcpus, 4);
	assert_int_equal(options.timeout_ms, 500);
	assert_true(options.screen && options.trace_absent && options.no_summary);
	assert_null(options_parse("--cmdline \"\" --kernel x", &options));
	assert_string_equal(options.cmdline, "");
	assert_null(options_parse("--cmdline a\\ b", &options));
	assert_string_equal(options.cmdline, "a b");
}

static void refuse(const char *args, const char *culprit, const char *reason)
{
	const char *why = options_parse(args, &options);

	assert_non_null(why);
	assert_string_equal(options.culprit, culprit);
	assert_non_null(strstr(why, reason));
}

static void mistakes(void **state)
{
	static char big[20000];

	(void)state;
	refuse("--memroy 1G", "--memroy", "unknown option");
	refuse("kernel", "kernel", "unknown option");
	refuse("--kernel", "--kernel", "needs a value");
	refuse("--memory 1X", "1X", "not a number");
	refuse("--memory 1MB", "1MB", "not a number");
	refuse("--memory \"\"", "", "not a number");
	refuse("--memory -1", "-1", "not a number");
	refuse("--memory 99999999999999999999", "99999999999999999999", "not a number");
	refuse("--memory 99999999999999999G", "99999999999999999G", "not a number");
	refuse("--vcpus 0", "0", "not a count");
	refuse("--vcpus 4294967296", "4294967296", "not a count");
	refuse("--cmdline \"open", "command line", "quote");
	for (unsigned int i = 0; i < 33; i++)
		strcat(big, "--module m ");
	refuse(big, "m", "too many modules");
	refuse("--disk a --disk b --disk c --disk d --disk e", "e", "too many disks");
	refuse("--net a --net b --net c --net d --net e", "e", "too many nets");
	memset(big, 'x', sizeof(big) - 1);
	refuse(big, "command line", "too long");
	for (size_t i = 0; i < sizeof(big) - 1; i++)
		big[i] = i % 2 ? ' ' : 'x';
	refuse(big, "command line", "too long");
}

static void any_text_is_survived(void **state)
{
	static const char letters[] = "--memory kernel module \"'\\ \t1G0x";
	char text[200];

	(void)state;
	for (unsigned int n = 0; n < 20000; n++) {
		size_t length = bench_random() % (sizeof(text) - 1);
		for (size_t i = 0; i < length; i++)
			text[i] = letters[bench_random() % (sizeof(letters) - 1)];
		text[length] = '\0';
		options_parse(text, &options);
	}
}

static void say(const char *text)
{
	for (; *text; text++)
		console_put(&console, (uint8_t)*text);
}

static void output_is_by_lines(void **state)
{
	(void)state;
	say("hel");
	assert_string_equal(mock_console, "");
	say("lo\nwor");
	assert_string_equal(mock_console, "hello\n");
	mock_now += 9999999;
	timer_run(&timers, mock_now);
	assert_string_equal(mock_console, "hello\n");
	mock_now += 1;
	timer_run(&timers, mock_now);
	assert_string_equal(mock_console, "hello\nwor");
	say("ld\n");
	assert_string_equal(mock_console, "hello\nworld\n");
	assert_int_equal(timers.count, 0);
}

static void long_lines_are_cut(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		console_put(&console, 'x');
	assert_int_equal(mock_console_length, 1000 / CONSOLE_LINE * CONSOLE_LINE);
	console_flush(&console);
	assert_int_equal(mock_console_length, 1000);
}

static void keys_and_the_escape(void **state)
{
	(void)state;
	for (const char *k = "a\x1d\x1d" "b\x1dq" "c"; *k; k++)
		console_key(&console, (uint8_t)*k);
	assert_string_equal(keys, "a\x1d" "bc");
	assert_int_equal(escaped, 'q');
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(defaults),
		T(everything),
		T(mistakes),
		T(any_text_is_survived),
		T(output_is_by_lines),
		T(long_lines_are_cut),
		T(keys_and_the_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
