/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ports keep over a restart: a partition restarts another, which reports how often it has lived and
 * how many orders it found. The argument says which of the two this is.
 * @verifies KRN-213
 * @verifies KRN-214
 */
#include "lib/hypike/program.h"
#include "tests/system/native/check.h"

#define OTHER 1u /* partition that is restarted */
#define BELL  1u

struct report {
	uint32_t life, orders;
};

static hypike_port_t port(const char *name)
{
	struct hypike_port_info info = {0};

	hypike_port_open(name, &info);
	return info.port;
}

/* Report twice, then wait for what never comes. */
static void live(void)
{
	struct hypike_port_status status = {0};
	struct report report = {.life = hypike_info()->restarts};
	uint64_t bits;

	hypike_port_status(port("orders"), &status);
	report.orders = status.messages;
	hypike_sampling_write(port("life"), &report.life, sizeof(report.life));
	for (unsigned int i = 0; i < 2; i++)
		hypike_queuing_send(port("reports"), &report, sizeof(report), 0, HYPIKE_FIFO);
	hypike_port_bind(port("orders"), 0, BELL);
	hypike_wait(2, HYPIKE_FOREVER, &bits);
}

static uint32_t messages(hypike_port_t number)
{
	struct hypike_port_status status = {0};

	hypike_port_status(number, &status);
	return status.messages;
}

static bool wait_for_messages(hypike_port_t number, uint32_t count)
{
	for (unsigned int i = 0; i < 5000 && messages(number) < count; i++)
		sleep_ms(1);
	return messages(number) == count;
}

static void take(hypike_port_t reports, uint32_t life)
{
	struct report report = {99, 99};

	check(hypike_queuing_receive(reports, &report, sizeof(report), 0, HYPIKE_FIFO) ==
			      sizeof(report) &&
		      report.life == life && report.orders == 0,
	      "a report of life %u, which began with no orders", life);
}

int main(void)
{
	const hypike_port_t orders = port("orders"), reports = port("reports"), life = port("life");
	struct hypike_sample sample;
	uint32_t value = 99;

	if (hypike_info()->args[0] != '\0') {
		live();
		return 0;
	}
	check(wait_for_messages(reports, 2), "the other lives");
	for (uint32_t i = 0; i < 3; i++)
		hypike_queuing_send(orders, &i, sizeof(i), 0, HYPIKE_FIFO);
	check(messages(orders) == 3, "it has got orders");
	check(hypike_partition_control(OTHER, HYPIKE_RESTART_COLD) == HV_OK, "it is restarted");
	check(wait_for_messages(reports, 4), "what it had sent is still there, and it reports again");
	check(messages(orders) == 0, "its orders are gone");
	check(hypike_sampling_read(life, &value, sizeof(value), &sample) == HV_OK && value == 1,
	      "its sampling port has the latest");
	for (uint32_t i = 0; i < 4; i++)
		take(reports, i / 2);
	for (uint32_t i = 0; i < 4; i++)
		hypike_queuing_send(orders, &i, sizeof(i), 0, HYPIKE_FIFO);
	check(messages(orders) == 4, "there is room for orders again");
	hypike_partition_control(OTHER, HYPIKE_STOP);
	return check_done();
}
