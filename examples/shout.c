/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shout: sends back each message in capitals. Its peer need not know of messages: connected with a virtual
 * machine's second serial line, it answers what an unmodified system writes to that.
 */
#include <hypike/sys.h>
#include <hypike/system.h>

#include "lib/hypike/program.h"

#define MESSAGE 64u

static void to_capitals(char *text, int64_t size)
{
	for (int64_t i = 0; i < size; i++)
		if (text[i] >= 'a' && text[i] <= 'z')
			text[i] = (char)(text[i] - 'a' + 'A');
}

int main(void)
{
	struct hypike_port_info in, out;
	char text[MESSAGE];

	if (hypike_port_open("in", &in) != HV_OK || hypike_port_open("out", &out) != HV_OK ||
	    in.max_message > MESSAGE || out.max_message < in.max_message)
		return 1;
	for (;;) {
		int64_t size = hypike_queuing_receive(in.port, text, sizeof(text), HYPIKE_FOREVER,
						      HYPIKE_FIFO);

		if (size < 0)
			return 2;
		to_capitals(text, size);
		if (hypike_queuing_send(out.port, text, (size_t)size, HYPIKE_FOREVER,
					HYPIKE_FIFO) != HV_OK)
			return 3;
	}
}
