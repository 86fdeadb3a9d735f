/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends back what it receives, inverted, and counts in a sampling port, until the number is UINT32_MAX.
 */
#include "lib/hypike/program.h"
#include "tests/system/native/check.h"

int main(void)
{
	struct hypike_port_info in, out, count;
	uint32_t value[16], done = 0;

	if (hypike_port_open("from-ports", &in) != HV_OK ||
	    hypike_port_open("to-ports", &out) != HV_OK ||
	    hypike_port_open("count", &count) != HV_OK)
		return 1;
	while (hypike_queuing_receive(in.port, value, sizeof(value), HYPIKE_FOREVER, HYPIKE_FIFO) ==
		       sizeof(value[0]) &&
	       value[0] != UINT32_MAX) {
		done++;
		hypike_sampling_write(count.port, &done, sizeof(done));
		value[0] = ~value[0];
		if (hypike_queuing_send(out.port, value, sizeof(value[0]), HYPIKE_FOREVER,
					HYPIKE_FIFO) != HV_OK)
			return 2;
	}
	return 0;
}
