/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * COM2 as a way to ports: bytes to messages and back, with flow control on both sides.
 * @verifies VMM-210
 */
#include "tests/unit/vmm/bench.h"

#include <string.h>

#include "tests/unit/vmm/mock_port.h"
#include "vmm/options.h"
#include "vmm/status.h"
#include "vmm/vm.h"

#define COM2	 0x2f8
#define MCR	 (COM2 + 4)
#define LSR	 (COM2 + 5)
#define FCR	 (COM2 + 2)
#define LSR_DR	 0x01u
#define LSR_OE	 0x02u
#define LSR_THRE 0x20u
#define MCR_RTS	 0x02u

static struct vm vm;
static struct options options;

static int make(const char *args)
{
	assert_null(options_parse(args, &options));
	return vm_create(&vm, &options);
}

static int setup(void **state)
{
	(void)state;
	mock_reset();
	return make("--memory 4M --serial2 q.in,q.out");
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	platform_mutex_lock(&vm.lock);
	value = (uint8_t)bus_port_read(&vm.bus, port, 1);
	platform_mutex_unlock(&vm.lock);
	return value;
}

static void out(uint16_t port, uint8_t value)
{
	platform_mutex_lock(&vm.lock);
	bus_port_write(&vm.bus, port, 1, value);
	platform_mutex_unlock(&vm.lock);
}

static void event(unsigned int port)
{
	platform_mutex_lock(&vm.lock);
	command_give(&vm.doorbell[mock_port_signal[port]], 0);
	platform_mutex_unlock(&vm.lock);
}

static void pass(uint64_t ns)
{
	mock_now += ns;
	platform_mutex_lock(&vm.lock);
	timer_run(&vm.timers, mock_now);
	platform_mutex_unlock(&vm.lock);
}

static void expect(const char *text)
{
	char message[MOCK_MESSAGE + 1] = {0};

	assert_int_equal(platform_queuing_receive(MOCK_Q_IN, message, MOCK_MESSAGE), strlen(text));
	assert_string_equal(message, text);
}

static void expect_nothing(void)
{
	char message[MOCK_MESSAGE];

	assert_int_equal(platform_queuing_receive(MOCK_Q_IN, message, MOCK_MESSAGE), HV_E_STATE);
}

static void lines_become_messages(void **state)
{
	(void)state;
	for (const char *p = "one\ntwo"; *p != '\0'; p++)
		out(COM2, (uint8_t)*p);
	expect("one\n");
	expect_nothing();
	pass(999999);
	expect_nothing();
	pass(1);
	expect("two");
}

static void long_lines_are_cut(void **state)
{
	char text[MOCK_MESSAGE + 1] = {0};

	(void)state;
	for (unsigned int i = 0; i < MOCK_MESSAGE + 1; i++)
		out(COM2, 'x');
	expect(memset(text, 'x', MOCK_MESSAGE));
	pass(1000000);
	expect("x");
}

/* The queue holds four messages; then the transmitter stays full until one is taken. */
static void a_full_queue_stops_the_transmitter(void **state)
{
	unsigned int sent = 0;

	(void)state;
	while (in(LSR) & LSR_THRE) {
		for (unsigned int i = 0; i < 16; i++, sent++)
			out(COM2, (uint8_t)('a' + sent % 26));
		assert_true(sent < 1000);
	}
	assert_true(sent > MOCK_DEPTH * MOCK_MESSAGE);
	for (unsigned int got = 0; got < sent;) {
		uint8_t message[MOCK_MESSAGE];
		int64_t size = platform_queuing_receive(MOCK_Q_IN, message, MOCK_MESSAGE);

		assert_true(size > 0);
		for (int64_t i = 0; i < size; i++)
			assert_int_equal(message[i], 'a' + got++ % 26);
		event(MOCK_Q_OUT);
	}
	assert_true(in(LSR) & LSR_THRE);
	expect_nothing();
}

static void messages_become_bytes(void **state)
{
	(void)state;
	assert_int_equal(platform_queuing_send(MOCK_Q_OUT, "ab", 2), HV_OK);
	event(MOCK_Q_IN);
	assert_false(in(LSR) & LSR_DR); /* not before RTS */
	out(MCR, MCR_RTS);
	assert_int_equal(in(COM2), 'a');
	assert_int_equal(in(COM2), 'b');
	assert_false(in(LSR) & (LSR_DR | LSR_OE));
	assert_int_equal(platform_queuing_send(MOCK_Q_OUT, "c", 1), HV_OK);
	event(MOCK_Q_IN);
	assert_int_equal(in(COM2), 'c');
}

static void a_slow_guest_loses_nothing(void **state)
{
	char text[MOCK_MESSAGE];

	(void)state;
	out(FCR, 1);
	for (unsigned int i = 0; i < MOCK_DEPTH; i++) {
		memset(text, (int)('0' + i), sizeof(text));
		assert_int_equal(platform_queuing_send(MOCK_Q_OUT, text, sizeof(text)), HV_OK);
	}
	out(MCR, MCR_RTS);
	for (unsigned int i = 0; i < MOCK_DEPTH * MOCK_MESSAGE; i++) {
		if (i == 70)
			out(MCR, 0);
		if (i == 80)
			assert_int_equal(in(LSR) & (LSR_DR | LSR_OE), LSR_DR); /* of the FIFO */
		if (i == 85)
			out(MCR, MCR_RTS);
		event(MOCK_Q_IN);
		assert_int_equal(in(COM2), '0' + i / MOCK_MESSAGE);
	}
	assert_false(in(LSR) & (LSR_DR | LSR_OE));
}

static void one_way_is_enough(void **state)
{
	(void)state;
	mock_reset();
	assert_int_equal(make("--memory 4M --serial2 ,q.out"), 0);
	out(COM2, '\n');
	expect("\n");
	mock_reset();
	assert_int_equal(make("--memory 4M --serial2 q.in"), 0);
	for (unsigned int i = 0; i < 1000; i++)
		out(COM2, 'x');
	assert_true(in(LSR) & LSR_THRE);
	expect_nothing();
}

static void wrong_ports_are_refused(void **state)
{
	static const char *const wrong[] = {
		"q.out,q.in", "s.in,q.out", "q.in,s.out", "none,q.out", "q.in,none",
		"a-name-that-is-longer-than-a-port-has,q.out"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char args[100] = "--memory 4M --serial2 ";

		mock_reset();
		assert_int_equal(make(strcat(args, wrong[i])), VMM_STATUS_HYPERVISOR);
		assert_non_null(strstr(mock_console, "--serial2"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_become_messages, setup),
		cmocka_unit_test_setup(long_lines_are_cut, setup),
		cmocka_unit_test_setup(a_full_queue_stops_the_transmitter, setup),
		cmocka_unit_test_setup(messages_become_bytes, setup),
		cmocka_unit_test_setup(a_slow_guest_loses_nothing, setup),
		cmocka_unit_test_setup(one_way_is_enough, setup),
		cmocka_unit_test_setup(wrong_ports_are_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
